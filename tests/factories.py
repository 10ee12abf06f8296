"""Rows that tests stand on, each plain by default and committed when it is returned."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from registration import answering, events
from registration.database import db
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    Invitation,
    InvitationCode,
    Question,
    QuestionKind,
    Role,
    Rsvp,
    Speaker,
    Staff,
    StaffRole,
    staff_events,
)
from registration.parties import Details
from tests.conftest import NOW

Row = TypeVar("Row")
_numbers = count(1)


def save(row: Row) -> Row:
    """Commit a row and hand it back."""
    db.session.add(row)
    db.session.commit()
    return row


def make_event(**values: Any) -> Event:
    """A published event two weeks ahead, 10:00 to 11:30 in New York."""
    number = next(_numbers)
    starts_at = NOW.replace(hour=15) + timedelta(days=13)
    plain: dict[str, Any] = {
        "slug": f"event-{number}",
        "title": f"Event {number}",
        "status": EventStatus.PUBLISHED,
        "starts_at": starts_at,
        "ends_at": values.get("starts_at", starts_at) + timedelta(minutes=90),
        "time_zone": "America/New_York",
        "venue_name": "The Institute",
        "venue_address": "1 Example Street\nWashington, DC",
        "contact_email": "events@example.org",
        "ical_uid": f"{secrets.token_hex(16)}@example.org",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return save(Event(**(plain | values)))


def make_option(event: Event | None = None, **values: Any) -> AttendanceOption:
    """A way to attend; in person and without limit unless said otherwise."""
    event = event or make_event()
    position = db.session.query(AttendanceOption).filter_by(event_id=event.id).count()
    plain: dict[str, Any] = {
        "event_id": event.id,
        "position": position,
        "mode": AttendanceMode.IN_PERSON,
    }
    return save(AttendanceOption(**(plain | values)))


def make_hybrid(capacity: int | None = 5, **values: Any) -> tuple[AttendanceOption, ...]:
    """An event with a room of `capacity` seats and a stream without limit: (room, stream)."""
    event = make_event(**values)
    room = make_option(event, capacity=capacity)
    stream = make_option(event, mode=AttendanceMode.VIRTUAL)
    return room, stream


def make_question(event: Event, **values: Any) -> Question:
    """A short optional question to all."""
    position = db.session.query(Question).filter_by(event_id=event.id).count()
    plain: dict[str, Any] = {
        "event_id": event.id,
        "position": position,
        "kind": QuestionKind.SHORT_TEXT,
        "label": "What should the panel talk about?",
    }
    return save(Question(**(plain | values)))


def make_speaker(event: Event, **values: Any) -> Speaker:
    """A speaker who has an address and was not invited yet."""
    position = db.session.query(Speaker).filter_by(event_id=event.id).count()
    plain: dict[str, Any] = {
        "event_id": event.id,
        "position": position,
        "name": f"Speaker {position + 1}",
        "title": "Director",
        "affiliation": "The Institute",
        "email": f"speaker-{next(_numbers)}@example.org",
        "key": secrets.token_urlsafe(24),
        "ical_uid": f"{secrets.token_hex(16)}@example.org",
    }
    return save(Speaker(**(plain | values)))


def make_invitation(event: Event, **values: Any) -> Invitation:
    """A personal invitation that was not answered yet."""
    plain: dict[str, Any] = {
        "event_id": event.id,
        "email": f"invited-{next(_numbers)}@example.org",
        "key": secrets.token_urlsafe(24),
        "created_at": NOW,
    }
    return save(Invitation(**(plain | values)))


def make_code(event: Event, **values: Any) -> InvitationCode:
    """A code for a group."""
    plain: dict[str, Any] = {
        "event_id": event.id,
        "code": f"GROUP{next(_numbers)}",
        "uses_max": 2,
    }
    return save(InvitationCode(**(plain | values)))


def details(**values: Any) -> Details:
    """Somebody new."""
    number = next(_numbers)
    plain = {"name": f"Attendee {number}", "email": f"attendee-{number}@example.org"}
    return Details(**(plain | values))


def make_rsvp(option: AttendanceOption, **values: Any) -> Rsvp:
    """An answer by somebody new, through the verb; keyword arguments are the verb's or Details'."""
    about = {name: values.pop(name) for name in list(values) if name in Details.__annotations__}
    arguments: dict[str, Any] = {"now": NOW, "accepts_waiting": True}
    rsvp = answering.answer(
        event_id=option.event_id,
        option_id=option.id,
        details=details(**about),
        **(arguments | values),
    )
    assert rsvp is not None, "this address has a live RSVP already"
    return rsvp


def make_staff(role: StaffRole = StaffRole.ADMIN, *events: Event, **values: Any) -> Staff:
    """An account with this role, working on these events; without a password."""
    plain: dict[str, Any] = {
        "email": f"staff-{next(_numbers)}@example.org",
        "name": "Miriam Castellanos",
        "fs_uniquifier": secrets.token_hex(32),
        "created_at": NOW,
        "active": True,
    }
    known = db.session.query(Role).filter_by(name=str(role)).one_or_none()
    account = save(Staff(**(plain | values), roles=[known or Role(name=str(role))]))
    for event in events:
        db.session.execute(staff_events.insert().values(staff_id=account.id, event_id=event.id))
    db.session.commit()
    return account


def reschedule(
    *, event_id: int, starts_at: datetime, ends_at: datetime, staff_id: int | None, now: datetime
) -> Event:
    """Move an event as its editor does, and tell everybody when the hold ends."""
    return events.edit(
        event_id=event_id,
        changes={"starts_at": starts_at, "ends_at": ends_at},
        seen="",
        staff_id=staff_id,
        now=now,
        tell=True,
    )
