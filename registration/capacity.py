"""Room for those who wait: more seats, and seats that nobody has taken. Each is one verb.

A transaction moves a bounded number of parties, so that a large room that opens does not hold the
lock for long; the next one goes on where it stopped. Who answers meanwhile joins the queue.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from registration import audit, seating
from registration.database import db, transaction
from registration.models import AttendanceOption, Event, EventStatus, Rsvp


def set_capacity(*, option_id: int, capacity: int | None, staff_id: int, now: datetime) -> None:
    """Give a way to attend so many seats (None: no limit), and those that are new to the queue.

    Nobody loses a seat when it sinks below what is taken. Raises LookupError for an unknown
    option, and ValueError for a negative number.
    """
    if capacity is not None and capacity < 0:
        raise ValueError("a capacity cannot be negative")
    event_id = db.session.scalar(
        select(AttendanceOption.event_id).where(AttendanceOption.id == option_id)
    )
    if event_id is None:
        raise LookupError(f"there is no attendance option {option_id}")
    with transaction():
        seats = seating.lock(event_id)
        option = seats.options[option_id]
        before = option.capacity
        if before == capacity:
            return
        seating.set_capacity(option, capacity)
        audit.record(
            "option.capacity",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            option=option_id,
            before=before,
            after=capacity,
        )
        more = seating.promote(seats, now=now)
    if more:
        fill(event_id=event_id, now=now)


def fill(*, event_id: int, now: datetime) -> None:
    """Give an event's free seats to those who wait for them, as many transactions as it takes."""
    more = True
    while more:
        with transaction():
            more = seating.promote(seating.lock(event_id), now=now)


def fill_all(*, now: datetime) -> int:
    """Fill every event where a free seat fits the first of a queue; how many events there were.

    Each change of seats promotes by itself. This finds what no change of seats has told of: an
    event that moved and with it the queue's cut-off, staff who let the queue move by itself
    again, a process that ended between two transactions.
    """
    first_party = (
        select(Rsvp.party_size)
        .where(Rsvp.waits_for_option_id == AttendanceOption.id)
        .order_by(Rsvp.waiting_number)
        .limit(1)
        .scalar_subquery()
    )
    event_ids = db.session.scalars(
        select(AttendanceOption.event_id)
        .join(Event, Event.id == AttendanceOption.event_id)
        .where(
            AttendanceOption.waiting > 0,
            Event.status == EventStatus.PUBLISHED,
            Event.promotes_automatically,
            Event.queue_closes_at > now,
            Event.ends_at > now,
            or_(
                AttendanceOption.capacity.is_(None),
                AttendanceOption.seats_taken + first_party <= AttendanceOption.capacity,
            ),
        )
        .distinct()
    ).all()
    for event_id in event_ids:
        fill(event_id=event_id, now=now)
    return len(event_ids)
