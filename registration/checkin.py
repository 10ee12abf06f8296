"""The door of the room: letting people in who have a ticket. One public function, one transaction.

Every decision is in the audit log; the row of the attendee says who let them in and when.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, true, update

from registration import admission, arrivals, audit, lookup, seating
from registration.arrivals import Decision, Outcome
from registration.database import db, transaction
from registration.models import Attendee, AuditEntry, Event, RsvpStatus

# How far apart the server may see one scan that reaches it twice: for longer no phone waits.
_ON_ITS_WAY = timedelta(seconds=15)


def admit(
    *,
    event_id: int,
    staff_id: int,
    now: datetime,
    code: str = "",
    attendee_id: int = 0,
    again: bool = False,
    kept: bool = False,
) -> Decision:
    """Let in who has this ticket, or this attendee; twice at once lets in once and says so.

    `again` lets somebody back in who went out; it is noted, and the first time stays. `kept`: a
    phone sends a scan of `now` later, perhaps for the second time since no answer reached it. Then
    the earliest scan stands, and what was taken back after it stays so.
    """
    with transaction(keep=True):
        if attendee_id:
            person = lookup.person_by_id(attendee_id)
        else:
            person = lookup.person_by_code(code) if code else None
        outcome = arrivals.standing(person, event_id)
        if person is not None and outcome is Outcome.ADMITTED:
            outcome, person = _let_in(person, event_id, staff_id=staff_id, now=now, kept=kept)
            if again and outcome is Outcome.AGAIN:
                outcome = Outcome.READMITTED
        if outcome is not Outcome.ADMITTED:
            # A ticket of another event is no business of that event's log.
            about: dict[str, Any] = {}
            if person is not None and person.rsvp.event_id == event_id:
                about = {"rsvp": person.rsvp, "name": person.name}
            audit.record(
                f"checkin.{outcome}",
                now=now,
                staff_id=staff_id,
                event_id=event_id,
                **about,
            )
    return Decision(outcome, person)


def _let_in(
    person: Attendee, event_id: int, *, staff_id: int, now: datetime, kept: bool
) -> tuple[Outcome, Attendee | None]:
    """Mark one whose ticket lets them in; what the door says, and of whom, as they are by then."""
    if kept and _was_taken_back(person, since=now):
        return Outcome.TAKEN_BACK, person
    if arrivals.mark(person, staff_id=staff_id, now=now):
        arrivals.came_in(event_id, 1, now=now)
        return Outcome.ADMITTED, person
    # In already, or cancelled while this was decided: look again.
    found = lookup.person_by_id(person.id)
    outcome = arrivals.standing(found, event_id)
    if found is not None and outcome is Outcome.ADMITTED:
        outcome = _of_who_is_in(found, staff_id=staff_id, now=now, kept=kept)
    return outcome, found


def _of_who_is_in(person: Attendee, *, staff_id: int, now: datetime, kept: bool) -> Outcome:
    """What the door says of one who is in already; of two scans the earlier one stands."""
    if kept and _is_scan_of(person, staff_id=staff_id, now=now):
        return Outcome.ADMITTED
    event, since = person.rsvp.event, person.checked_in_at
    if since is not None and _is_of_a_day_before(since, event, now):
        return Outcome.BACK
    if kept:
        arrivals.came_earlier(person, staff_id=staff_id, now=now)
    return Outcome.AGAIN


def _is_of_a_day_before(since: datetime, event: Event, now: datetime) -> bool:
    """Whether who came in then comes anew: on a later day of several, or on the one it moved to."""
    if event.lasts_days:
        came_on, today = (at.astimezone(event.zone).date() for at in (since, now))
        return came_on < today
    return event.is_on_day_of(now) and since < event.starts_at and not event.is_on_day_of(since)


def _was_taken_back(person: Attendee, *, since: datetime) -> bool:
    """Whether who is not in was, and somebody took that back after this moment."""
    if person.checked_in_at is not None:
        return False
    undone = select(AuditEntry.detail).where(
        AuditEntry.rsvp_id == person.rsvp_id,
        AuditEntry.action == "checkin.undone",
        AuditEntry.at > since,
    )
    return any(detail.get("attendee_id") == person.id for detail in db.session.scalars(undone))


def _is_scan_of(person: Attendee, *, staff_id: int, now: datetime) -> bool:
    """Whether it was this scan by this account that let the person in."""
    return (
        person.checked_in_by_id == staff_id
        and person.checked_in_at is not None
        and abs(person.checked_in_at - now) < _ON_ITS_WAY
    )


def undo(
    *,
    event_id: int,
    attendee_id: int,
    staff_id: int,
    now: datetime,
    seen: datetime | None = None,
) -> Attendee:
    """Take a check-in back; a walk-in's seat is free again too. Who is not in stays so.

    So does who came in after the check-in that was `seen`: the page was open for long, and they
    were let in anew meanwhile. Raises LookupError if the attendee is not of this event.
    """
    with transaction():
        person = db.session.get(Attendee, attendee_id)
        if person is None or person.rsvp.event_id != event_id:
            raise LookupError(f"event {event_id} has no attendee {attendee_id}")
        # The lock first: a walk-in's seat goes back in the same transaction.
        seats, rsvp = seating.lock_for(person.rsvp_id)
        undone = db.session.scalar(
            update(Attendee)
            .where(
                Attendee.id == attendee_id,
                Attendee.checked_in_at.is_not(None),
                # The scan of a phone without a network may have put it earlier since.
                Attendee.checked_in_at <= seen if seen else true(),
            )
            .values(checked_in_at=None, checked_in_by_id=None)
            .returning(Attendee.id)
            .execution_options(synchronize_session=False)
        )
        if undone is not None:
            arrivals.log_undone(person, staff_id=staff_id, now=now)
            if rsvp.is_walk_in and rsvp.is_confirmed:
                admission.end(rsvp, seats, RsvpStatus.CANCELLED, now=now)
                seating.promote(seats, now=now)
            arrivals.went_out(event_id, 1)
    out = lookup.person_by_id(attendee_id)
    assert out is not None
    return out
