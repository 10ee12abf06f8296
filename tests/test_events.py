"""An event in the hands of staff: made and edited."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from registration import cloning, events, revisions
from registration.database import db
from registration.events import Draft, Way
from registration.models import (
    AgendaItem,
    AttendanceMode,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
)
from registration.revisions import EditedMeanwhile, EventRefused
from tests.conftest import NOW
from tests.factories import make_event, make_option, make_rsvp, make_speaker, reschedule, save

AFTER_HOLD = NOW + timedelta(minutes=11)
DAY = timedelta(days=1)


def draft(**values: object) -> Draft:
    plain = {
        "title": "Policing in Conflict",
        "starts_at": NOW + 14 * DAY,
        "ends_at": NOW + 14 * DAY + timedelta(hours=2),
        "time_zone": "America/New_York",
        "venue_name": "The Institute",
        "ways": [Way(AttendanceMode.IN_PERSON, 120), Way(AttendanceMode.VIRTUAL)],
    }
    return Draft(**(plain | values))  # type: ignore[arg-type]


# Made


def test_a_new_event_is_a_draft_with_its_ways_to_attend(app: Flask) -> None:
    event = events.create(draft=draft(), staff_id=None, now=NOW)
    assert (event.status, event.slug) == (EventStatus.DRAFT, "policing-in-conflict")
    of_event = select(AttendanceOption).filter_by(event_id=event.id)
    options = db.session.scalars(of_event.order_by(AttendanceOption.position)).all()
    assert [(option.mode, option.capacity) for option in options] == [
        ("in_person", 120),
        ("virtual", None),
    ]


def test_the_house_says_how_long_the_data_of_new_events_is_kept(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = events.create(draft=draft(), staff_id=None, now=NOW)
    monkeypatch.setitem(app.config, "RETENTION_DAYS", 7)
    after = events.create(draft=draft(), staff_id=None, now=NOW)
    db.session.refresh(before)
    assert (before.retention_days, after.retention_days) == (90, 7)


def test_two_events_of_one_title_have_addresses_of_their_own(app: Flask) -> None:
    slugs = [events.create(draft=draft(), staff_id=None, now=NOW).slug for _ in range(3)]
    assert slugs == ["policing-in-conflict", "policing-in-conflict-2", "policing-in-conflict-3"]


def test_a_title_without_latin_letters_still_gets_an_address(app: Flask) -> None:
    assert events.create(draft=draft(title="安全と平和"), staff_id=None, now=NOW).slug == "event"


def test_an_event_that_ends_before_it_starts_is_refused(app: Flask) -> None:
    with pytest.raises(EventRefused):
        events.create(draft=draft(ends_at=NOW), staff_id=None, now=NOW)
    assert db.session.scalar(select(func.count()).select_from(Event)) == 0


# Two people editing at once


def test_the_second_of_two_editors_is_told_and_nothing_is_overwritten(app: Flask) -> None:
    event = make_event(summary="as it was")
    seen = revisions.fingerprint({"summary": "as it was"})
    first = {"event_id": event.id, "seen": seen, "staff_id": None, "now": NOW}
    events.edit(changes={"summary": "mine"}, **first)
    with pytest.raises(EditedMeanwhile) as told:
        events.edit(changes={"summary": "yours"}, **first)
    assert told.value.current == {"summary": "mine"}
    db.session.refresh(event)
    assert event.summary == "mine"


def test_editors_of_different_parts_do_not_disturb_each_other(app: Flask) -> None:
    event = make_event(summary="", host="")
    common = {"event_id": event.id, "staff_id": None, "now": NOW}
    events.edit(changes={"summary": "a"}, seen=revisions.fingerprint({"summary": ""}), **common)
    events.edit(changes={"host": "b"}, seen=revisions.fingerprint({"host": ""}), **common)
    db.session.refresh(event)
    assert (event.summary, event.host, event.revision) == ("a", "b", 2)


def test_an_edit_is_in_the_log_with_what_was_and_what_is(app: Flask) -> None:
    event = make_event(summary="old")
    changes = {"summary": "new", "host": ""}
    events.edit(event_id=event.id, changes=changes, seen="", staff_id=None, now=NOW)
    entry = db.session.scalars(select(AuditEntry).filter_by(action="event.edited")).one()
    assert entry.detail == {"before": {"summary": "old"}, "after": {"summary": "new"}}


def test_no_event_takes_the_address_of_another(app: Flask) -> None:
    make_event(slug="taken")
    event = make_event(slug="own")
    common = {"event_id": event.id, "seen": "", "staff_id": None, "now": NOW}
    with pytest.raises(EventRefused, match="Another event has this address"):
        events.edit(changes={"slug": "taken"}, **common)
    events.edit(changes={"slug": "own", "summary": "Its own it keeps."}, **common)
    db.session.refresh(event)
    assert (event.slug, event.summary) == ("own", "Its own it keeps.")


def test_who_answered_has_agreed_to_the_consent_as_it_was(app: Flask) -> None:
    option = make_option()
    before = make_rsvp(option)
    common = {"event_id": option.event_id, "seen": "", "staff_id": None, "now": NOW}
    events.edit(changes={"consent": "We also publish your name."}, **common)
    after = make_rsvp(option)
    events.edit(changes={"summary": "The consent is as it was."}, **common)
    assert make_rsvp(option).consent_version == after.consent_version
    assert int(after.consent_version) == int(before.consent_version) + 1


# A new time


def test_what_hangs_on_the_start_moves_with_it_by_the_clock_on_the_wall(app: Flask) -> None:
    zone = ZoneInfo("America/New_York")
    starts_at = datetime(2027, 3, 10, 10, 0, tzinfo=zone)
    event = make_event(
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        doors_at=starts_at - timedelta(minutes=30),
        registration_opens_at=NOW,
        registration_closes_at=starts_at - DAY,
    )
    item = save(AgendaItem(event_id=event.id, starts_at=starts_at, title="Opening"))
    speaker = make_speaker(event, call_at=starts_at - timedelta(hours=1))
    room = make_option(event, closes_at=starts_at - 2 * DAY)
    # The clocks change on 14 March 2027.
    later = datetime(2027, 3, 17, 10, 0, tzinfo=zone)
    reschedule(
        event_id=event.id,
        starts_at=later,
        ends_at=later + timedelta(hours=2),
        staff_id=None,
        now=NOW,
    )
    for row in (event, item, speaker, room):
        db.session.refresh(row)
    assert item.starts_at.astimezone(zone) == later
    assert event.doors_at.astimezone(zone).strftime("%d %H:%M") == "17 09:30"
    assert speaker.call_at.astimezone(zone).strftime("%d %H:%M") == "17 09:00"
    assert event.registration_closes_at.astimezone(zone).strftime("%d %H:%M") == "16 10:00"
    assert event.registration_opens_at == NOW
    assert room.closes_at.astimezone(zone).strftime("%d %H:%M") == "15 10:00"


def test_a_copy_that_gets_its_time_opens_as_long_before_it_as_the_first_one_did(app: Flask) -> None:
    event = make_event(registration_opens_at=NOW)
    make_option(event, opens_at=NOW + DAY)
    copy = cloning.clone(event_id=event.id, staff_id=None, now=NOW)
    times = {"starts_at": copy.starts_at + 70 * DAY, "ends_at": copy.ends_at + 70 * DAY}
    events.edit(event_id=copy.id, changes=times, seen="", staff_id=None, now=NOW)
    option = db.session.scalars(select(AttendanceOption).filter_by(event_id=copy.id)).one()
    assert copy.registration_opens_at == NOW + 70 * DAY
    assert option.opens_at == NOW + 71 * DAY


def test_in_the_night_of_the_longer_hour_a_programme_keeps_its_order(app: Flask) -> None:
    new_york, minutes = ZoneInfo("America/New_York"), timedelta(minutes=15)
    begins = datetime(2026, 11, 1, 0, 30, tzinfo=new_york)
    event = make_event(starts_at=begins, ends_at=datetime(2026, 11, 1, 4, tzinfo=new_york))
    half_past_one = datetime(2026, 11, 1, 1, 30, tzinfo=new_york)
    twice = [half_past_one, half_past_one.replace(fold=1)]
    items = [save(AgendaItem(event_id=event.id, starts_at=at, title="T")) for at in twice]
    events.edit(
        event_id=event.id,
        changes={"starts_at": begins - minutes},
        seen="",
        staff_id=None,
        now=NOW - 60 * DAY,
    )
    first, second = (db.session.get_one(AgendaItem, item.id).starts_at for item in items)
    assert second - first == timedelta(hours=1)
