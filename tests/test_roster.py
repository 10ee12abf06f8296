"""The staff's list: what it finds, in which order, on which page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from registration import roster, rsvps
from registration.database import db
from registration.folding import folded
from registration.models import Attendee, QuestionKind, Rsvp
from registration.roster import Filters
from tests.conftest import NOW
from tests.factories import details, make_hybrid, make_question, make_rsvp

pytestmark = pytest.mark.usefixtures("app")


def names(filters: Filters, number: int = 1) -> list[str]:
    """Who is on a page of the one event there is."""
    event = db.session.scalars(select(Rsvp)).first().event
    return [rsvp.name for rsvp in roster.page_of(event, filters, number).rsvps]


def test_letters_compare_without_case_and_accents() -> None:
    assert folded("Élodie Straße WIŚNIEWSKA") == "elodie strasse wisniewska"
    assert folded("Łucja Ørsted IŞIK Ǿystein Æbelø") == "lucja orsted isik oystein aebelo"


def test_the_search_looks_at_name_address_and_organisation() -> None:
    room, _stream = make_hybrid(capacity=None)
    make_rsvp(room, name="Élodie Saint-Jean", email="esj@example.org")
    make_rsvp(room, name="Daniel Mbeki", organisation="Observatoire de l'Élan")
    make_rsvp(room, name="Hana 100% Kelmendi")
    assert names(Filters(search="elodie")) == ["Élodie Saint-Jean"]
    assert names(Filters(search="ESJ@example")) == ["Élodie Saint-Jean"]
    assert names(Filters(search="élan mbeki")) == ["Daniel Mbeki"]
    assert names(Filters(search="100%")) == ["Hana 100% Kelmendi"]
    assert names(Filters(search="_")) == []


def test_a_changed_name_is_found_by_the_new_one_only() -> None:
    room, _stream = make_hybrid(capacity=None)
    rsvp = make_rsvp(room, name="Daniel Mbeki")
    rsvps.edit(rsvp_id=rsvp.id, now=NOW, details=details(name="Daniel Okafor", email=rsvp.email))
    assert names(Filters(search="mbeki")) == []
    assert names(Filters(search="okafor")) == ["Daniel Okafor"]


def test_filters_and_their_counts_agree() -> None:
    room, stream = make_hybrid(capacity=2)
    inside = make_rsvp(room, name="In", needs_step_free=True)
    make_rsvp(room, name="Expected", access_note="A chair with arms")
    make_rsvp(room, name="Waits")
    gone = make_rsvp(stream, name="Gone")
    watches = make_rsvp(stream, name="Watches", needs_captions=True, wants_news=True)
    rsvps.cancel(rsvp_id=gone.id, now=NOW)
    db.session.execute(
        update(Attendee).where(Attendee.rsvp_id == inside.id).values(checked_in_at=NOW)
    )
    db.session.execute(update(Attendee).where(Attendee.rsvp_id == watches.id).values(joined_at=NOW))
    db.session.commit()
    wanted = {
        Filters(): {"In", "Expected", "Waits", "Gone", "Watches"},
        Filters(way="virtual"): {"Gone", "Watches"},
        Filters(option_id=room.id): {"In", "Expected", "Waits"},
        Filters(status="live"): {"In", "Expected", "Waits", "Watches"},
        Filters(status="live", way="virtual"): {"Watches"},
        Filters(status="confirmed", way="in_person"): {"In", "Expected"},
        Filters(status="cancelled"): {"Gone"},
        Filters(status="waiting"): {"Waits"},
        Filters(status="checked_in"): {"In"},
        Filters(status="not_in"): {"Expected", "Watches"},
        Filters(status="joined"): {"Watches"},
        Filters(access="any"): {"In", "Expected", "Watches"},
        Filters(access="step_free"): {"In"},
        Filters(access="note"): {"Expected"},
        Filters(access="captions", way="in_person"): set(),
        Filters(wants_news=True): {"Watches"},
        Filters(search="watches"): {"Watches"},
    }
    for filters, expected in wanted.items():
        assert set(names(filters)) == expected, filters
        assert roster.count(room.event, filters) == len(expected), filters
    counted = roster.counts_of(room.event).by_status
    assert {str(status): number for status, number in counted.items() if number} == {
        "confirmed": 3,
        "waitlisted": 1,
        "cancelled": 1,
    }


def test_answers_are_found_by_choice_by_yes_and_by_being_there() -> None:
    room, _stream = make_hybrid(capacity=None)
    one = make_question(room.event, kind=QuestionKind.ONE_OF, choices=["Déjà vu", 'A "quoted" one'])
    yes = make_question(room.event, kind=QuestionKind.YES_NO)
    make_rsvp(room, name="A", answers={one.id: {"choices": ["Déjà vu"]}, yes.id: {"yes": True}})
    make_rsvp(room, name="B", answers={one.id: {"choices": ['A "quoted" one']}})
    make_rsvp(room, name="C", answers={yes.id: {"yes": False}})
    assert names(Filters(question_id=one.id, answer="Déjà vu")) == ["A"]
    assert names(Filters(question_id=one.id, answer='A "quoted" one')) == ["B"]
    assert names(Filters(question_id=yes.id, answer="yes")) == ["A"]
    assert names(Filters(question_id=yes.id, answer="no")) == ["C"]
    assert set(names(Filters(question_id=yes.id))) == {"A", "C"}


def test_a_choice_that_reads_like_a_word_of_ours_finds_its_own() -> None:
    room, _stream = make_hybrid(capacity=None)
    words = ["choices", "yes", "no", "text", "Another, really"]
    asked = make_question(room.event, kind=QuestionKind.ANY_OF, choices=words)
    for word in words:
        make_rsvp(room, name=word, answers={asked.id: {"choices": [word]}})
    make_rsvp(room, name="two", answers={asked.id: {"choices": ["choices", "no"]}})
    assert set(names(Filters(question_id=asked.id, answer="choices"))) == {"choices", "two"}
    assert set(names(Filters(question_id=asked.id, answer="no"))) == {"no", "two"}
    assert names(Filters(question_id=asked.id, answer="yes")) == ["yes"]
    assert names(Filters(question_id=asked.id, answer="text")) == ["text"]
    assert names(Filters(question_id=asked.id, answer="Another, really")) == ["Another, really"]


@pytest.mark.parametrize("total", [1, 50, 51, 120])
def test_the_pages_hold_everybody_once_and_in_order(total: int) -> None:
    room, _stream = make_hybrid(capacity=None)
    for number in range(total):
        make_rsvp(room, name=f"N{number:03}", now=NOW + timedelta(minutes=number))
    wanted = [f"N{number:03}" for number in range(total)]
    pages = -(-total // roster.PAGE)
    for descending in (True, False):
        filters = Filters(descending=descending)
        found = [name for page in range(1, pages + 1) for name in names(filters, page)]
        assert found == (wanted[::-1] if descending else wanted)
        assert names(filters, 999) == names(filters, pages)
        assert names(Filters(sort="name", descending=descending), pages)[-1] == found[-1]
