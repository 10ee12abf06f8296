"""An event's life: published, made a draft again, thrown away, cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from registration import lifecycle, listing, preflight, speakers
from registration.database import db
from registration.models import (
    AgendaItem,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    Question,
    Speaker,
)
from registration.revisions import EventRefused
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_question,
    make_rsvp,
    make_speaker,
    save,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# In New York the clocks change in the night after, and in the hour from then.
SPRING = datetime(2027, 3, 13, 15, tzinfo=UTC)
AUTUMN = datetime(2027, 11, 7, 5, 30, tzinfo=UTC)


def test_a_draft_without_a_way_to_attend_cannot_be_published(app: Flask) -> None:
    event = make_event(status=EventStatus.DRAFT)
    with pytest.raises(EventRefused):
        lifecycle.publish(event_id=event.id, staff_id=None, now=NOW)
    make_option(event)
    lifecycle.publish(event_id=event.id, staff_id=None, now=NOW)
    db.session.refresh(event)
    assert event.is_published


@pytest.mark.parametrize(
    ("of_event", "of_room", "text", "is_blocking"),
    [
        ({"starts_at": NOW - DAY, "ends_at": NOW}, {}, "The event ends in the past.", True),
        ({"starts_at": NOW, "ends_at": NOW + DAY}, {}, "The event has begun already.", False),
        ({"doors_at": SPRING + DAY}, {}, "Doors open after the start.", False),
        ({"ends_at": SPRING + 15 * DAY}, {}, "The event lasts longer than two weeks.", False),
        ({"ends_at": SPRING + DAY}, {}, "The clocks change during the event.", False),
        ({"starts_at": AUTUMN, "ends_at": AUTUMN + 2 * HOUR}, {}, "at the one in EDT.", False),
        ({"starts_at": SPRING + 2 * DAY, "ends_at": SPRING + 3 * DAY}, {}, "in the week", False),
        ({"venue_name": ""}, {}, "People can come in person, but there is no venue.", True),
        ({}, {"capacity": None}, "“In person” has no capacity: it never fills.", False),
        ({}, {"capacity": 0}, "“In person” has no seats: everybody waits.", False),
        ({}, {"opens_at": NOW + DAY, "closes_at": NOW + DAY}, "closes before it opens.", True),
        ({}, {"closes_at": NOW}, "“In person” is closed already.", False),
        ({"image": "a.jpg"}, {}, "The picture has no description", False),
        ({"contact_email": ""}, {}, "There is no contact address", False),
    ],
)
def test_before_they_publish_staff_read_what_is_odd(
    app: Flask,
    of_event: dict[str, Any],
    of_room: dict[str, Any],
    text: str,
    is_blocking: bool,
) -> None:
    times = {"starts_at": SPRING, "ends_at": SPRING + HOUR}
    event = make_event(**(times | of_event))
    make_option(event, **({"capacity": 5} | of_room))
    found = {str(it.text): it.is_blocking for it in preflight.examine(event, now=NOW)}
    assert [blocks for said, blocks in found.items() if text in said] == [is_blocking], found


def test_staff_read_of_a_programme_outside_the_hours_and_of_who_has_no_address(app: Flask) -> None:
    event = make_event()
    make_speaker(event)
    inside = save(AgendaItem(event_id=event.id, starts_at=event.ends_at, title="Goodbye"))

    def said() -> set[str]:
        found = preflight.examine(event, now=NOW)
        return {it.section for it in found} & {"agenda", "people"}

    assert said() == set()
    inside.starts_at = event.ends_at + HOUR
    make_speaker(event, email="")
    assert said() == {"agenda", "people"}


def test_a_cancelled_event_is_not_published_once_more(app: Flask) -> None:
    event = make_option(make_event(status=EventStatus.CANCELLED)).event
    with pytest.raises(EventRefused, match="Make a copy"):
        lifecycle.publish(event_id=event.id, staff_id=None, now=NOW)


def test_what_was_published_last_is_the_latest_news(app: Flask) -> None:
    draft = make_event(status=EventStatus.DRAFT, slug="draft", updated_at=NOW - 2 * DAY)
    make_option(draft)
    make_event(slug="announced", updated_at=NOW - DAY)
    lifecycle.publish(event_id=draft.id, staff_id=None, now=NOW)
    assert [event.slug for event, _announced_at in listing.news()] == ["draft", "announced"]


def test_a_published_event_that_people_answered_cannot_be_a_draft_again(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    with pytest.raises(EventRefused):
        lifecycle.withdraw(event_id=room.event_id, staff_id=None, now=NOW)


def test_a_draft_can_be_thrown_away_with_all_that_was_written_for_it(app: Flask) -> None:
    event = make_event(status=EventStatus.DRAFT, title="A mistake")
    make_speaker(event)
    make_question(event)
    make_option(event)
    lifecycle.discard(event_id=event.id, staff_id=None, now=NOW)
    for model in (Event, Speaker, Question, AttendanceOption):
        assert db.session.scalars(select(model)).all() == []
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.detail) == ("event.discarded", {"title": "A mistake"})


@pytest.mark.parametrize("state", ["published", "answered", "speaker asked"])
def test_what_others_know_of_is_not_thrown_away(app: Flask, state: str) -> None:
    option = make_option()
    event_id = option.event_id
    event = db.session.get_one(Event, event_id)
    if state == "answered":
        make_rsvp(option)
    if state == "speaker asked":
        speakers.invite(speaker_id=make_speaker(event).id, staff_id=None, now=NOW)
    if state != "published":
        db.session.get_one(Event, event_id).status = EventStatus.DRAFT
        db.session.commit()
    with pytest.raises(EventRefused):
        lifecycle.discard(event_id=event_id, staff_id=None, now=NOW)
    assert db.session.get(Event, event_id) is not None


@pytest.mark.parametrize(
    ("status", "starts_at"),
    [(EventStatus.DRAFT, NOW + DAY), (EventStatus.PUBLISHED, NOW - DAY)],
)
def test_a_draft_and_a_past_event_cannot_be_cancelled(
    app: Flask, status: EventStatus, starts_at: datetime
) -> None:
    event = make_event(status=status, starts_at=starts_at)
    with pytest.raises(EventRefused):
        lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=NOW)
