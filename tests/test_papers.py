"""Printed matter: tickets, badges and the door's list, for names of the world."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import papers, rsvps, turnout
from registration.database import db
from registration.models import AuditEntry, StaffRole
from registration.parties import attendees
from registration.typesetting import Paper
from registration.web.staff import printing
from registration.web.staff.words import ACTION_NAMES
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, make_staff
from tests.signing_in import sign_in

NAMES = ["Gérard Étienne-Baptiste", "Łukasz Wójcik", "Юлия Петрова", "محمد الفاتح", "王小明"]
MORE = [
    "김철수", "דוד לוי", "आरती शर्मा", "สมชาย ใจดี", "Αλέξανδρος", "አበበ ቢቂላ", "தமிழ் செல்வன்", "বাংলা নাম",
    "Արամ Խաչատրյան", "ნინო ქავთარაძე", "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", "ગુજરાતી નામ", "తెలుగు పేరు", "ಕನ್ನಡ ಹೆಸರು",
    "മലയാളം പേര്", "සිංහල නම", "ລາວ ຊື່", "မြန်မာ နာမည်", "ខ្មែរ ឈ្មោះ", "ދިވެހި",
]  # fmt: skip


#: What is drawn of a name, whichever database keeps it. What is read from one, both are asked.
printed = pytest.mark.parametrize("database", ["sqlite"])


def pages(document: bytes) -> int:
    assert document.startswith(b"%PDF-")
    return len(re.findall(rb"/Type /Page\b", document))


def fonts(document: bytes) -> set[str]:
    return {name.decode() for name in re.findall(rb"/BaseFont /\w+\+(\w+)", document)}


@pytest.fixture
def event(app: Flask):
    return make_event(guests_max=4, title="Policing in Conflict")


@printed
def test_each_of_a_party_has_a_page_of_their_own(event):
    rsvp = make_rsvp(make_option(event), name=NAMES[0], guests=NAMES[1:])
    assert pages(papers.tickets(rsvp, attendees(rsvp))) == len(NAMES)


@printed
def test_names_of_the_world_bring_their_fonts_and_plain_ones_do_not(event):
    option = make_option(event)
    make_rsvp(option, name="Amina Okonkwo-Bell")
    plain = fonts(papers.badges(event, turnout.expected(event)))
    assert not any("Noto" in name for name in plain)
    make_rsvp(option, name=NAMES[0], guests=NAMES[1:])
    all_of_them = fonts(papers.badges(event, turnout.expected(event)))
    assert sum("Noto" in name for name in all_of_them) >= 3


@printed
def test_every_script_that_is_promised_has_its_font(event, caplog):
    option = make_option(event)
    for name in MORE:
        make_rsvp(option, name=name)
    assert pages(papers.badges(event, turnout.expected(event))) == 2
    assert "missing" not in caplog.text


@printed
@pytest.mark.parametrize(("name", "shown"), [("ᚠᚢᚦ 😀", "number"), ("Zoë 😀", "name")])
def test_a_name_that_cannot_be_printed_is_the_tickets_number(event, name, shown):
    person = attendees(make_rsvp(make_option(event), name=name))[0]
    paper = Paper("")
    said = paper.name_of(person)
    paper.done()
    assert said == {"number": person.spoken_code, "name": name}[shown]


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("Émile Östlund", "O"),
        ("Łucja Ørsted", "O"),
        ("Anna “Annie”", "A"),
        ("김철수", "김"),
        ("👩‍👩‍👧", ""),
    ],
)
def test_a_list_s_letter_is_one(name, letter):
    assert papers._initial(name) == letter


@printed
@pytest.mark.parametrize(
    "name",
    ["Ayşe Yılmaz", "Łukasz Wójcik", "Antonín Dvořák", "Őri Gergő", "Nguyễn Văn Ân", "Șerban",
     "Jo\u0308rg", "Ħal Għaxaq", "“L’Œuvre” – 5 €"],
)  # fmt: skip
def test_no_letter_of_a_latin_name_is_lost(event, name, now, caplog):
    rsvp = make_rsvp(make_option(event), name=name, organisation=name)
    people = turnout.expected(event)
    papers.tickets(rsvp, people)
    papers.badges(event, people)
    papers.door_list(event, people, now=now)
    assert "missing" not in caplog.text


@printed
def test_a_long_name_stands_whole_on_badge_and_list(event, now, monkeypatch):
    cut = []
    monkeypatch.setattr(Paper, "_cut", lambda _paper, line, _width: cut.append(line) or line)
    name = "Maximiliane-Theodora von und zu Hohenlohe-Schillingsfürst-Waldenburg"
    make_rsvp(make_option(event), name=name)
    people = turnout.expected(event)
    papers.badges(event, people)
    assert pages(papers.door_list(event, people, now=now)) == 1
    assert cut == []


@printed
@pytest.mark.parametrize(
    "name", ["😀", "x" * 200, "ᚠᚢᚦ", "\u202eAbc", "a\tb", "Nobody-Can-Break-This-" * 8]
)
def test_no_name_breaks_the_printing(event, name, now):
    rsvp = make_rsvp(make_option(event), name=name, organisation=name)
    people = turnout.expected(event)
    assert pages(papers.tickets(rsvp, people)) == 1
    assert pages(papers.badges(event, people)) == 1
    assert pages(papers.door_list(event, people, now=now)) == 1


@printed
def test_of_two_rooms_the_list_says_which(event, now, monkeypatch):
    printed_texts = []
    say = Paper.say

    def note(paper, x, y, width, text, **more):
        printed_texts.append(text)
        return say(paper, x, y, width, text, **more)

    monkeypatch.setattr(Paper, "say", note)
    make_rsvp(make_option(event, label="Annex"), name="Bo", organisation="Example University")
    make_rsvp(make_option(event), name="Chi", organisation="Another University")
    papers.door_list(event, turnout.expected(event), now=now)
    assert "Annex · Example University" in printed_texts
    assert "Another University" in printed_texts


@printed
def test_ten_badges_fill_a_sheet(event):
    option = make_option(event)
    for _ in range(11):
        make_rsvp(option)
    assert pages(papers.badges(event, turnout.expected(event))) == 2


@printed
def test_an_empty_room_prints_too(event, now):
    assert pages(papers.badges(event, [])) == 1
    assert pages(papers.door_list(event, [], now=now)) == 1


def test_only_who_has_a_seat_in_the_room_is_expected(app, now):
    room, stream = make_hybrid(capacity=2)
    here, gone = make_rsvp(room), make_rsvp(room)
    make_rsvp(stream)
    rsvps.cancel(rsvp_id=gone.id, now=now)
    assert [person.name for person in turnout.expected(room.event)] == [here.name]


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("Amina Okonkwo-Bell", "Okonkwo-Bell"),
        ("Martin Luther King, Jr.", "King"),
        ("王小明", "王小明"),
        ("山田 太郎 🎉", "山田"),
        ("김 철수", "김"),
        ("Anna Smith 🎉", "Smith"),
        ("🎉 🎊", "🎊"),
        ("Jr.", "Jr."),
        ("דוד בן־גוריון (Ben-Gurion)", "בן־גוריון"),
        ("(Madonna)", "(Madonna)"),
        ("", ""),
    ],
)
def test_a_list_is_sorted_by_the_name_of_the_family(name, last):
    assert papers.surname(name) == last


@printed
@pytest.mark.parametrize("name", ["محمد الفاتح", "(דוד) בן־גוריון", "محمد Bell 2"])
def test_a_name_from_the_right_stands_at_its_label_on_a_ticket(event, name, monkeypatch):
    ends = {}
    cell = Paper.cell

    def watched(paper, width, height, text="", **rest):
        ends[text] = (rest["align"], paper.get_x() + width)
        return cell(paper, width, height, text, **rest)

    monkeypatch.setattr(Paper, "cell", watched)
    rsvp = make_rsvp(make_option(event), name=name)
    papers.tickets(rsvp, attendees(rsvp))
    side, end = ends[name]
    assert (side, end < 70) == ("R", True)
    papers.badges(event, attendees(rsvp))
    side, end = ends[name]
    assert (side, end) == ("R", 100)


@pytest.fixture
def paper():
    paper = Paper("")
    paper.add_page()
    yield paper
    paper.done()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("🎉 Bob 👩\u200d👩\u200d👧 Łuk", "Bob Łuk"),
        ("Zoë 😀", "Zoë"),
        ("👍🏽", None),
        ("1\u00a0h Ł", "1\u00a0h Ł"),
    ],
)
def test_what_does_not_print_leaves_no_gap(paper, name, shown, monkeypatch):
    lines = []
    monkeypatch.setattr(paper, "cell", lambda _width, _height, text, **_: lines.append(text))
    paper.say(0, 0, 90, name, size=12)
    assert lines == ([shown] if shown else [])


def heights(paper):
    """How high the signs of a page stand."""
    return set(re.findall(rb"[\d.]+ ([\d.]+) T[dm]", bytes(paper.pages[1].contents)))


@pytest.mark.parametrize("name", ["Ọ̀yọ́", "Ẹ́kúndayọ̀"])
def test_an_accent_stands_over_a_capital_and_not_in_it(paper, name):
    paper.say(0, 0, 90, name, size=12)
    assert len(heights(paper)) == 2


def test_arabic_letters_join_across_their_vowel_signs(paper):
    widths = []
    for name in ("محمد", "مُحَمَّد"):
        paper.say(0, 0, 90, name, size=20)
        widths.append(paper.get_string_width(name))
    assert widths[0] == widths[1]


def test_every_line_of_a_name_runs_from_where_the_name_begins(paper):
    paper.say(0, 0, 60, "Dr. سارة الخطيب, PhD", size=24, lines=2)
    last = bytes(paper.pages[1].contents).rpartition(b"BT")[2]
    # The font of its Arabic word is taken before anything is drawn.
    assert last.index(b" Tf") < last.index(b" Tj")


def test_ticket_and_form_say_each_day_of_an_event_over_days_once(event, client: FlaskClient):
    event.ends_at = event.starts_at + timedelta(days=2)
    rsvp = make_rsvp(make_option(event))
    for path, begin, end in (
        (f"/rsvp/{rsvp.manage_key}", '<section class="ticket"', "</section>"),
        (f"/events/{event.slug}/rsvp", '<aside class="recap', "</aside>"),
    ):
        page = client.get(path).text
        said = page[page.index(begin) :].partition(end)[0]
        assert (said.count("6\xa0December"), said.count("8\xa0December")) == (1, 1)


def test_the_manage_page_gives_the_tickets_to_who_has_a_seat_only(app, client: FlaskClient):
    room, stream = make_hybrid()
    seated, watching = make_rsvp(room), make_rsvp(stream)
    path = f"/rsvp/{seated.manage_key}"
    assert f"{path}/tickets.pdf" in client.get(path).text
    answer = client.get(f"{path}/tickets.pdf")
    assert (answer.mimetype, pages(answer.data)) == ("application/pdf", 1)
    assert "no-store" in answer.headers["Cache-Control"]
    answer = client.get(f"/rsvp/{watching.manage_key}/tickets.pdf")
    assert answer.location == f"/rsvp/{watching.manage_key}"
    assert client.get("/rsvp/unknown/tickets.pdf").status_code == 404


@pytest.mark.parametrize("file", ["list.pdf", "badges.pdf"])
def test_the_door_prints_its_own_event_and_no_other(event, client: FlaskClient, file):
    make_rsvp(make_option(event))
    url = f"/staff/events/{event.slug}/door/{file}"
    assert client.get(url).status_code == 303
    sign_in(client, make_staff(StaffRole.DOOR, event))
    assert pages(client.get(url).data) == 1
    sign_in(client, make_staff(StaffRole.DOOR, make_event()))
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("what", ["list", "badges"])
def test_the_log_says_who_printed_whom(event, client: FlaskClient, what):
    option = make_option(event)
    make_rsvp(option)
    make_rsvp(option, guests=["A guest"], needs_step_free=True)
    account = make_staff(StaffRole.DOOR, event)
    sign_in(client, account)
    client.get(f"/staff/events/{event.slug}/door/{what}.pdf")
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == f"export.{what}")
    ).one()
    assert (entry.staff_id, entry.event_id, entry.network) == (account.id, event.id, "127.0.0.1")
    # The list alone says who needs a route without steps.
    assert entry.detail == {"attendees": 3, "sensitive": what == "list"}
    sign_in(client, make_staff())
    assert str(ACTION_NAMES[entry.action]) in client.get(f"/staff/log/?event={event.slug}").text


@pytest.mark.parametrize("file", ["list.pdf", "badges.pdf"])
def test_more_than_a_thousand_are_printed_in_parts(event, client: FlaskClient, monkeypatch, file):
    monkeypatch.setattr(printing, "PART", 2)
    option = make_option(event)
    for name in ("Amina Bell", "Zoë Adler", "Bo Cole", "Cy Dahl", "Di Ek"):
        make_rsvp(option, name=name)
    sign_in(client, make_staff(StaffRole.DOOR, event))
    url = f"/staff/events/{event.slug}/door/{file}"
    page = client.get(url)
    assert page.mimetype == "text/html"
    assert page.text.index("Zoë Adler") < page.text.index("Amina Bell") < page.text.index("Bo Cole")
    for part in (1, 2, 3):
        assert pages(client.get(f"{url}?part={part}").data) == 1
    assert client.get(f"{url}?part=4").status_code == 404
    assert client.get(f"{url}?part=-1").status_code == 404
