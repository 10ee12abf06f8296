"""Who is in: what a ticket is worth at the door, and what a check-in writes."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, text, update

from registration import audit
from registration.database import UTCDateTime, db
from registration.models import (
    Attendee,
    Door,
    Rsvp,
    RsvpStatus,
)


class Outcome(enum.StrEnum):
    """What the door says to a ticket."""

    ADMITTED = "admitted"
    AGAIN = "again"  # already in
    BACK = "back"  # in since a day before: of several days, or moved since
    TAKEN_BACK = "taken_back"  # a kept scan, whose check-in was taken back after it
    READMITTED = "readmitted"  # already in, and let in again on purpose
    WAITING = "waiting"  # on the waitlist, or not approved or not confirmed yet
    ONLINE = "online"  # a place at the stream, not in the room
    CANCELLED = "cancelled"  # cancelled, declined or rejected
    ELSEWHERE = "elsewhere"  # another event's
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Decision:
    """What the door says, and of whom; nobody if the ticket is unknown."""

    outcome: Outcome
    person: Attendee | None


def standing(person: Attendee | None, event_id: int) -> Outcome:
    """What this person's ticket is worth at the door of that event; ADMITTED: it lets them in."""
    if person is None:
        return Outcome.UNKNOWN
    rsvp = person.rsvp
    if rsvp.event_id != event_id:
        return Outcome.ELSEWHERE
    if not rsvp.is_live:
        return Outcome.CANCELLED
    if not rsvp.is_confirmed:
        return Outcome.WAITING
    if rsvp.option.is_virtual:
        return Outcome.ONLINE
    return Outcome.ADMITTED


def mark(person: Attendee, *, staff_id: int, now: datetime) -> bool:
    """Note that a person came in, in the caller's transaction; False if they were in already.

    One guarded UPDATE: of two doors that scan one ticket at once, one gets False. The caller says
    `came_in` afterwards, once for all it marked. The person in the session is marked too.
    """
    marked = db.session.scalar(
        update(Attendee)
        .where(
            Attendee.id == person.id,
            Attendee.checked_in_at.is_(None),
            select(Rsvp.id)
            .where(Rsvp.id == Attendee.rsvp_id, Rsvp.status == RsvpStatus.CONFIRMED)
            .exists(),
        )
        .values(checked_in_at=now, checked_in_by_id=staff_id)
        .returning(Attendee.id)
        .execution_options(synchronize_session="fetch")
    )
    if marked is None:
        return False
    db.session.expire(person, ["checked_in_by"])
    audit.record("checkin.admitted", now=now, staff_id=staff_id, rsvp=person.rsvp, name=person.name)
    return True


def log_undone(person: Attendee, *, staff_id: int, now: datetime) -> None:
    """Log that a check-in was taken back. Two of a party may have one name: with whose it was."""
    audit.record(
        "checkin.undone",
        now=now,
        staff_id=staff_id,
        rsvp=person.rsvp,
        name=person.name,
        attendee_id=person.id,
    )


def came_earlier(person: Attendee, *, staff_id: int, now: datetime) -> None:
    """Let the earlier one of two scans stand, in the caller's transaction.

    The person in the session still has the later one: it is what the earlier door is told.
    """
    db.session.execute(
        update(Attendee)
        .where(Attendee.id == person.id, Attendee.checked_in_at > now)
        .values(checked_in_at=now, checked_in_by_id=staff_id)
        .execution_options(synchronize_session=False)
    )


_CAME_IN = text(
    "INSERT INTO doors (event_id, inside, last_at) VALUES (:event_id, :number, :now)"
    " ON CONFLICT (event_id) DO UPDATE SET inside = doors.inside + excluded.inside, last_at ="
    " CASE WHEN excluded.last_at > doors.last_at THEN excluded.last_at ELSE doors.last_at END"
).bindparams(bindparam("now", type_=UTCDateTime()))


def came_in(event_id: int, number: int, *, now: datetime) -> None:
    """Count people in, last in the caller's transaction: until its end other doors wait here."""
    if number:
        values = {"event_id": event_id, "number": int(number), "now": now}
        db.session.execute(_CAME_IN, values)


def went_out(event_id: int, number: int) -> None:
    """Count people whose check-in was taken back, last in the caller's transaction."""
    db.session.execute(
        update(Door).where(Door.event_id == event_id).values(inside=Door.inside - number)
    )
