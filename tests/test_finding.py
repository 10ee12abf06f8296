"""The search of the door and of the staff's list: what finds whom, whatever wrote the row."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from registration import desk, finding, imports, lookup, matching, roster, rsvps, sheets
from registration.database import db
from registration.demo import crowd
from registration.fates import Plan
from registration.folding import words_in
from registration.models import AttendanceOption, Attendee, Event, ImportKind, Rsvp, SearchWord
from registration.parties import Details
from registration.roster import Filters
from tests.factories import make_event, make_option, make_rsvp, make_staff

PEOPLE = {
    "Gérard Étienne-Baptiste": "École nationale d’administration",
    "Sinéad O’Brien": "R&D, Example Ltd.",
    "Zofia Lewandowska": "U.N. Office",
    "王小明": "",
    "देवी शर्मा": "",
    "محمد العربي": "",
}


@pytest.fixture
def event(app) -> Event:
    option = make_option()
    for number, (name, organisation) in enumerate(PEOPLE.items()):
        email = f"person.number-{number}@mail{number}.example.org"
        make_rsvp(option, name=name, organisation=organisation, email=email)
    return option.event


def import_list(option: AttendanceOption, text: str, now: datetime) -> None:
    listed = sheets.read(text.encode(), "list.csv")
    kind = ImportKind.RSVPS
    plan = Plan(columns=matching.guess(listed, kind, []), option_id=option.id)
    imports.run(
        event_id=option.event_id,
        sheet=listed,
        kind=kind,
        plan=plan,
        staff_id=None,
        file_name="list.csv",
        now=now,
    )


def found(event: Event, typed: str) -> list[str]:
    at_the_door = [person.name for person in lookup.search(event, typed).people]
    page = roster.page_of(event, Filters(search=typed), 1)
    assert sorted(rsvp.name for rsvp in page.rsvps) == sorted(at_the_door)
    return at_the_door


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("etienne", "Gérard Étienne-Baptiste"),
        ("GÉRARD bap", "Gérard Étienne-Baptiste"),
        ("Etienne-Baptiste", "Gérard Étienne-Baptiste"),
        ("etiennebap", "Gérard Étienne-Baptiste"),
        ("ecole administration", "Gérard Étienne-Baptiste"),
        ("o'brien", "Sinéad O’Brien"),
        ("obri", "Sinéad O’Brien"),
        ("brien sinead", "Sinéad O’Brien"),
        ("r&d", "Sinéad O’Brien"),
        ("un office", "Zofia Lewandowska"),
        ("andowsk", "Zofia Lewandowska"),
        ("person.number-2@mail2.example.org", "Zofia Lewandowska"),
        ("person.number-2", "Zofia Lewandowska"),
        ("@mail2.example", "Zofia Lewandowska"),
        ("王", "王小明"),
        ("小明", "王小明"),
        ("देवी", "देवी शर्मा"),
        ("العربي", "محمد العربي"),
    ],
)
def test_people_are_found_by_what_is_typed_at_a_door(event, typed, name):
    assert found(event, typed) == [name]


def test_what_stands_in_nobody_finds_nobody(event):
    for typed in ("gerard lewandowska", "zzz", "%", "_", "\\", "'", "etienne zofia"):
        assert found(event, typed) == []
    assert lookup.search(event, " ").people == []


def test_another_event_is_not_searched(event):
    stranger = make_rsvp(make_option(), name="Étienne Stranger")
    assert found(event, "stranger") == []
    assert found(stranger.event, "etienne") == ["Étienne Stranger"]


def test_a_guest_is_found_by_name_and_alone_and_the_host_brings_all(app, now):
    option = make_option(make_event(guests_max=2))
    host = make_rsvp(option, name="Amina Okonkwo", guests=["Bola Ade", "Chidi Eze"])
    event = option.event

    def at_the_door(typed: str) -> list[str]:
        return [person.name for person in lookup.search(event, typed).people]

    assert at_the_door("bola") == ["Bola Ade"]
    assert at_the_door("bola okonkwo") == ["Bola Ade"]
    assert sorted(at_the_door("okonkwo")) == ["Amina Okonkwo", "Bola Ade", "Chidi Eze"]
    assert roster.count(event, Filters(search="chidi")) == 1

    rsvps.edit(
        rsvp_id=host.id,
        details=Details(name="Amina Ade", email=host.email),
        guests=["Dayo Obi"],
        answers={},
        now=now,
    )
    assert at_the_door("bola") == at_the_door("chidi") == at_the_door("okonkwo") == []
    assert at_the_door("dayo") == ["Dayo Obi"]
    assert sorted(at_the_door("ade")) == ["Amina Ade", "Dayo Obi"]


def test_who_is_renamed_is_found_by_the_new_words_alone(event, now):
    rsvp = db.session.scalars(select(Rsvp).where(Rsvp.name == "Zofia Lewandowska")).one()
    staff = make_staff()
    desk.edit(
        rsvp_id=rsvp.id,
        details=Details(name="Zofia Nowak", email=rsvp.email, organisation="Office"),
        staff_id=staff.id,
        now=now,
    )
    desk.correct_address(rsvp_id=rsvp.id, email="zn@example.org", staff_id=staff.id, now=now)
    assert found(event, "lewandowska") == found(event, "mail2") == []
    assert found(event, "nowak zofia") == found(event, "zn@example.org") == ["Zofia Nowak"]


def test_of_very_many_the_first_are_shown_and_it_is_said(app, now):
    event = make_option().event
    crowd.add_attendees(event_id=event.id, number=300, now=event.starts_at - timedelta(days=1))
    result = lookup.search(event, "example")
    assert (len(result.people), result.has_more) == (lookup.FOUND, True)


def test_whatever_wrote_an_rsvp_its_words_are_there(event, now):
    crowd.add_attendees(event_id=event.id, number=50, now=now)
    option = make_option(make_event(guests_max=1))
    make_rsvp(option, guests=["Guest Of Theirs"])
    import_list(option, "Name,Email,Guests\nZoë Muñoz,zoe@example.org,André Çelik\n", now)
    assert [person.name for person in lookup.search(option.event, "celik").people] == [
        "André Çelik"
    ]
    written = {
        (row.rsvp_id, row.position, row.word)
        for row in db.session.execute(
            select(SearchWord.rsvp_id, SearchWord.position, SearchWord.word)
        )
    }
    wanted = {
        (rsvp_id, 0, word)
        for rsvp_id, said in db.session.execute(select(Rsvp.id, Rsvp.search_text))
        for word in words_in(said)
    } | {
        (person.rsvp_id, person.position, word)
        for person in db.session.scalars(select(Attendee).where(Attendee.position > 0))
        for word in words_in(person.name)
    }
    assert written == wanted


def test_nothing_to_search_by_is_no_condition(event):
    assert finding.condition(event.id, " ") is None
    assert roster.count(event, Filters(search=" ")) == len(PEOPLE)
