"""The audit log: everything has words, and what changed can be read."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import audit, capacity, events, programme, row_kinds, rsvps, streams
from registration.database import db
from registration.models import (
    AuditEntry,
    MailState,
    OutboxMail,
    RegistrationKind,
    SpeakerRole,
    Staff,
    StaffRole,
    Visibility,
)
from registration.models.outbox import TOO_LATE, UNFIT
from registration.segments import Who
from registration.web.staff import editor_forms
from registration.web.staff import log as staff_log
from registration.web.staff.field_names import FIELDS, VALUES
from registration.web.staff.words import ACTION_NAMES
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_option,
    make_question,
    make_rsvp,
    make_speaker,
    make_staff,
    save,
)
from tests.signing_in import post, sign_in


@pytest.fixture
def admin(app: object) -> Staff:
    """Who reads the log."""
    return make_staff(email="admin@example.org", name="Ada", role=StaffRole.ADMIN)


@pytest.fixture
def desk(client: FlaskClient, admin: Staff) -> FlaskClient:
    """A browser whose user is that admin."""
    return sign_in(client, admin)


def test_whatever_is_recorded_has_words() -> None:
    written = set()
    for file in Path("registration").rglob("*.py"):
        found = re.findall(r'audit\.record(?:_many)?\(\s*"([^"]+)"', file.read_text())
        written.update(found)
    assert len(written) > 40
    assert written - ACTION_NAMES.keys() == set()


def test_whatever_can_be_edited_has_words() -> None:
    rows = {name for kind in row_kinds.KINDS.values() for name in kind.names}
    sections = {name for form in editor_forms.FORMS.values() for name in form.names}
    assert (rows | sections) - FIELDS.keys() == set()
    for name, kept in (("visibility", Visibility), ("registration", RegistrationKind)):
        assert VALUES[name].keys() == set(kept)
    assert VALUES["role"].keys() == {*SpeakerRole, *StaffRole}
    assert VALUES["who"].keys() == set(Who)


def test_a_value_is_said_in_words_and_not_as_it_is_kept(desk: FlaskClient, admin: Staff) -> None:
    event = make_event(visibility=Visibility.PUBLIC)
    by = {"event_id": event.id, "seen": "", "staff_id": admin.id, "now": NOW}
    events.edit(changes={"visibility": Visibility.INVITATION, "language": "fr"}, **by)
    audit.record("event.undone", now=NOW, staff_id=admin.id, event_id=event.id, kind="changed")
    segment = {"who": "everyone", "presence": "joined", "option_id": 7}
    audit.record("mailing.released", now=NOW, staff_id=admin.id, event_id=event.id, segment=segment)
    db.session.commit()
    page = desk.get("/staff/log/").text
    assert "who finds the event: everybody → by invitation" in page
    assert "language: English → Français" in page
    assert "Event edited" in page
    assert "to: Everyone: confirmed, waiting, to be approved, Joined the stream" in page


def test_the_columns_of_an_export_are_named_in_words(desk: FlaskClient, admin: Staff) -> None:
    event = make_event()
    lunch = make_question(event, label="What do you eat?")
    about = {"now": NOW, "staff_id": admin.id, "event_id": event.id}
    audit.record("export.csv", columns=["name", f"question:{lunch.id}"], **about)
    db.session.commit()
    assert "columns: Name, What do you eat?" in desk.get("/staff/log/").text


def test_an_address_of_an_account_finds_what_it_did_and_what_was_done_with_it(
    desk: FlaskClient, admin: Staff
) -> None:
    other = make_staff(email="other@example.org", name="Another")
    audit.record("staff.password_changed", now=NOW, staff_id=other.id)
    audit.record("staff.sign_in_failed", now=NOW, actor="stranger", account="other@example.org")
    audit.record("staff.passkey_added", now=NOW, staff_id=admin.id)
    db.session.commit()
    rows = desk.get("/staff/log/?q=Other@Example.org").text.split("<tbody")[1]
    assert "Password changed" in rows
    assert "Sign-in failed" in rows
    assert "somebody not signed in" in rows
    assert "Passkey added" not in rows


def test_why_a_mail_did_not_go_is_said_in_words(desk: FlaskClient) -> None:
    make_rsvp(make_option())
    mail = db.session.scalars(select(OutboxMail)).one()
    mail_id, mail.state, mail.ended_at = mail.id, MailState.SUPERSEDED, NOW
    for kept, said in (
        (TOO_LATE, "No longer needed"),
        (f"{UNFIT}no such field (1f)", "It could not be written: no such field (1f)"),
        ("550 no such user", "The mail server said: 550 no such user"),
    ):
        mail.last_error = kept
        save(mail)
        assert f'<p class="meta">{said}</p>' in desk.get(f"/staff/outbox/{mail_id}").text


def test_a_changed_field_shows_what_was_and_what_is(desk: FlaskClient, admin: Staff) -> None:
    event = make_event(title="Old")
    events.edit(
        event_id=event.id,
        changes={"title": "New", "guests_max": 2, "ends_at": event.ends_at + timedelta(hours=1)},
        seen="",
        staff_id=admin.id,
        now=NOW,
    )
    page = desk.get("/staff/log/").text
    assert "title: Old → New" in page
    assert "guests a person may bring: 0 → 2" in page
    assert "ends: 6\u00a0December, 11:30\u00a0a.m.\u00a0EST → " in page
    assert "{" not in page.split("<tbody")[1]


def test_the_digits_of_large_numbers_are_grouped_as_elsewhere(
    desk: FlaskClient, admin: Staff
) -> None:
    option = make_option(capacity=1200)
    capacity.set_capacity(option_id=option.id, capacity=93205, staff_id=admin.id, now=NOW)
    audit.record("import.done", now=NOW, staff_id=admin.id, rows={"invited": 12345})
    db.session.commit()
    page = desk.get("/staff/log/").text
    assert "capacity: 1,200 → 93,205" in page
    assert "12,345" in page
    page = desk.get("/staff/log/", headers={"Accept-Language": "fr"}).text
    assert "1\u202f200 → 93\u202f205" in page


def test_rows_that_came_went_and_changed_are_named(desk: FlaskClient, admin: Staff) -> None:
    event = make_event()
    make_speaker(event, name="Amina Bell", room="")
    make_speaker(event, name="Bo Ek")
    event_id = event.id
    amina, _bo = programme.rows_of(event, "people")
    blank = {**amina, "id": None, "name": "Cy Dahl", "email": ""}
    programme.save(
        event_id=event_id,
        name="people",
        rows=[blank, {**amina, "room": "Room 3"}],
        seen="",
        staff_id=admin.id,
        now=NOW,
    )
    page = desk.get("/staff/log/").text
    assert "added: Cy Dahl" in page
    assert "removed: Bo Ek" in page
    assert "Amina Bell, room: – → Room 3" in page


def test_rows_of_one_name_are_told_apart_and_others_named_and_not_numbered(
    desk: FlaskClient, admin: Staff
) -> None:
    event = make_event()
    room, _other = make_option(event), make_option(event)
    make_question(event, label="Lunch?")
    edits = {
        "options": {"note": "By the door"},
        "questions": {"option_id": room.id},
    }
    for name, changed in edits.items():
        rows = [row | changed for row in programme.rows_of(event, name)]
        programme.save(event_id=event.id, name=name, rows=rows, seen="", staff_id=admin.id, now=NOW)
    page = re.sub(r"[\u2066-\u2069]", "", desk.get("/staff/log/").text)
    for number in (1, 2):
        assert f"In person #{number}, note: – → By the door" in page
    assert "Lunch?, asked of: everybody → In person #1" in page


def test_what_stays_of_an_event_is_logged_as_it_was_and_is(desk: FlaskClient, admin: Staff) -> None:
    event = make_event(slides_url="https://example.org/old")
    record = {"recording_url": "", "minutes": 90, "transcript_url": "", "audio_url": ""}
    for _press in range(2):
        streams.record(
            event_id=event.id, slides_url="", staff_id=admin.id, now=NOW, shown={}, **record
        )
    page = re.sub(r"[\u2066-\u2069]", "", desk.get("/staff/log/").text)
    assert page.count("slides: https://example.org/old → –") == 1
    assert page.count("length in minutes: – → 90") == 1


def test_a_mail_tried_again_or_taken_back_is_in_the_log(desk: FlaskClient, admin: Staff) -> None:
    rsvp = make_rsvp(make_option(), name="Amina Bell")
    mail = db.session.scalars(select(OutboxMail)).one()
    mail.state = MailState.FAILED
    mail_id = save(mail).id
    address = f"/staff/outbox/{mail_id}"
    post(desk, address, do="resend")
    post(desk, address, do="resend")  # it goes by itself by now: nothing happens
    post(desk, address, do="withdraw")
    post(desk, address, do="withdraw")  # too late: nothing happens
    assert db.session.get_one(OutboxMail, mail_id).state is MailState.WITHDRAWN
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action.startswith("mail.")).order_by(AuditEntry.id)
    ).all()
    assert [entry.action for entry in entries] == ["mail.retried", "mail.withdrawn"]
    assert {(entry.staff_id, entry.rsvp_id) for entry in entries} == {(admin.id, rsvp.id)}
    page = desk.get("/staff/log/").text
    assert "Mail taken back" in page
    assert "Confirmation" in page


def test_the_door_does_not_read_the_log(client: FlaskClient) -> None:
    sign_in(client, make_staff(email="door@example.org", role=StaffRole.DOOR))
    assert client.get("/staff/log/").status_code == 403


class TestSearch:
    @pytest.fixture(autouse=True)
    def people(self, app: object) -> None:
        room = make_option(make_event())
        make_rsvp(room, name="Amina Bell", email="amina@example.org")
        make_rsvp(room, name="Bo Ek", email="bo@example.org")

    @pytest.mark.parametrize("words", ["Amina Bell", "amina@example.org", "Amina@Example.org"])
    def test_finds_what_befell_a_person(self, desk: FlaskClient, words: str) -> None:
        rows = rows_of(desk.get("/staff/log/", query_string={"q": words}).text)
        assert "Amina Bell" in rows
        assert "Bo Ek" not in rows

    @pytest.mark.parametrize("words", ["Amina", "Bell Amina", "ina@example.org", "…"])
    def test_takes_a_part_of_a_name_for_nobody(self, desk: FlaskClient, words: str) -> None:
        rows = rows_of(desk.get("/staff/log/", query_string={"q": words}).text)
        assert "Amina Bell" not in rows

    def test_finds_what_came_from_a_network(self, desk: FlaskClient, admin: Staff) -> None:
        audit.record("export.csv", now=NOW, staff_id=admin.id, network="192.0.2.7")
        db.session.commit()
        found = desk.get("/staff/log/?q=192.0.2.7").text
        assert "192.0.2.7" in rows_of(found)
        assert "Amina Bell" not in rows_of(found)
        assert "192.0.2.7" not in rows_of(desk.get("/staff/log/?q=192.0.2.70").text)


def test_the_log_of_an_event_is_of_that_event_alone(desk: FlaskClient) -> None:
    here = make_rsvp(make_option(make_event()), name="Amina Bell")
    make_rsvp(make_option(make_event()), name="Bo Ek")
    page = desk.get(f"/staff/log/?event={here.event.slug}&q=RSVP+confirmed").text
    assert f"Of “{here.event.title}” alone." in page
    assert "Amina Bell" in rows_of(page)
    assert "Bo Ek" not in rows_of(page)
    out = html.unescape(re.search(r'href="([^"]+)">Of every event', page)[1])
    everything = desk.get(out).text
    assert "Bo Ek" in rows_of(everything)
    assert "alone." not in everything
    assert "Nothing matches." in desk.get("/staff/log/?event=no-such-event").text


def test_the_log_is_turned_page_by_page_to_its_first_entry(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_log, "PAGE", 2)
    room = make_option(make_event())
    for name in ("Amina Bell", "Bo Ek", "Cy Dahl", "Di Eco"):
        make_rsvp(room, name=name)
    address, pages = f"/staff/log/?event={room.event.slug}", []
    while address and len(pages) < 9:
        page = desk.get(address).text
        pages.append(re.findall(r"(Amina Bell|Bo Ek|Cy Dahl|Di Eco)</bdi>", rows_of(page)))
        earlier = re.search(r'href="([^"]+)">Earlier ones', page)
        address = html.unescape(earlier[1]) if earlier else ""
    assert pages == [["Di Eco", "Cy Dahl"], ["Bo Ek", "Amina Bell"]]


def rows_of(page: str) -> str:
    return page.partition("<tbody")[2]


def test_a_failed_mail_that_is_no_longer_so_says_so_and_has_no_button(desk: FlaskClient) -> None:
    rsvp = make_rsvp(make_option(), name="Amina Bell")
    mail = db.session.scalars(select(OutboxMail)).one()
    mail.state, mail.ended_at = MailState.FAILED, NOW
    address = f"/staff/outbox/{save(mail).id}"
    assert "Try now" in desk.get(address).text
    rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    page = desk.get(address).text
    assert "What it says is no longer so: it is not tried again." in page
    assert "Try now" not in page
    assert "Try now" not in post(desk, address, do="resend").text
    assert db.session.scalars(select(OutboxMail.state).order_by(OutboxMail.id)).first() is (
        MailState.FAILED
    )
