"""Who came, of who was expected: the live counts of the door, and how an event went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from registration.database import db
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Door,
    Event,
    Rsvp,
    RsvpStatus,
)


@dataclass(frozen=True)
class Counts:
    """How many are in the room, how many seats are given, and after when nobody came in."""

    inside: int
    expected: int
    last_at: datetime | None = field(default=None, compare=False)
    has_room: bool = field(default=True, compare=False)  # whether one can come in person at all


@dataclass(frozen=True)
class Turnout:
    """Who came, of who was expected: in the room and online."""

    room: int
    room_expected: int
    online: int
    online_expected: int


def expected(event: Event) -> list[Attendee]:
    """Everybody with a seat in the room, for badges and lists; unsorted.

    With their RSVPs, and the ways by which they come.
    """
    return list(
        db.session.scalars(
            select(Attendee)
            .join(Attendee.rsvp)
            .join(AttendanceOption, AttendanceOption.id == Rsvp.option_id)
            .where(
                Rsvp.event_id == event.id,
                Rsvp.status == RsvpStatus.CONFIRMED,
                Rsvp.erased_at.is_(None),
                AttendanceOption.mode == AttendanceMode.IN_PERSON,
            )
            .options(contains_eager(Attendee.rsvp).contains_eager(Rsvp.option))
            .order_by(Attendee.id)
        )
    )


def counts_of(event: Event) -> Counts:
    """The live counts of the door: people in, and seats given in the room."""
    seats = (
        select(func.sum(AttendanceOption.seats_taken))
        .where(
            AttendanceOption.event_id == event.id,
            AttendanceOption.mode == AttendanceMode.IN_PERSON,
        )
        .scalar_subquery()
    )
    inside, expected, last_at = db.session.execute(
        select(Door.inside, seats, Door.last_at)
        .select_from(Event)
        .outerjoin(Door, Door.event_id == Event.id)
        .where(Event.id == event.id)
    ).one()
    return Counts(int(inside or 0), int(expected or 0), last_at, has_room=expected is not None)


def of(event: Event) -> Turnout:
    """Who came and who watched, of who was expected. Guests who watch count with their party."""
    watching = db.session.scalar(
        select(func.count())
        .select_from(Rsvp)
        .join(Attendee, Attendee.rsvp_id == Rsvp.id)
        .where(Rsvp.event_id == event.id, Attendee.joined_at.is_not(None))
    )
    door = counts_of(event)
    return Turnout(
        room=door.inside,
        room_expected=door.expected,
        online=watching or 0,
        online_expected=seats_given(event, AttendanceMode.VIRTUAL),
    )


def seats_given(event: Event, mode: AttendanceMode) -> int:
    """How many are expected to attend this way, as the options have counted them."""
    taken = db.session.scalar(
        select(func.sum(AttendanceOption.seats_taken)).where(
            AttendanceOption.event_id == event.id, AttendanceOption.mode == mode
        )
    )
    return int(taken or 0)


def last_in(event: Event, number: int = 5, *, counts: Counts | None = None) -> Sequence[Attendee]:
    """Who came in last, the latest first; whoever has the counts already gives them."""
    counts = counts or counts_of(event)
    if not counts.inside:
        return []
    return db.session.scalars(
        select(Attendee)
        .join(Attendee.rsvp)
        # The sum keeps SQLite from walking through all RSVPs: the latest are found in an index.
        .where(Rsvp.event_id + 0 == event.id, Attendee.checked_in_at <= counts.last_at)
        .order_by(Attendee.checked_in_at.desc(), Attendee.id.desc())
        .limit(number)
    ).all()
