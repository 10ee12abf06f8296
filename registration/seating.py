"""Capacity and the waitlist: the only lock, and every change of a counter.

Each function but `lock` and `lock_for` expects the lock of the event to be held by the caller's
transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, bindparam, select, update

from registration import audit, emails
from registration.database import db
from registration.models import AttendanceOption, Event, Rsvp, RsvpStatus
from registration.writing import write_changes

#: How many parties one transaction moves up at most: the lock is never held for long.
PROMOTIONS_AT_ONCE = 100


# Made once: to put a statement together costs as much as to run it.
_EVENTS = cast(Table, Event.__table__)
_LOCK = (
    update(_EVENTS)
    .where(_EVENTS.c.id == bindparam("event"))
    .values(seats_revision=_EVENTS.c.seats_revision + 1)
)
_LOOK = (
    select(Event, AttendanceOption)
    .outerjoin(AttendanceOption, AttendanceOption.event_id == Event.id)
    .where(Event.id == bindparam("event"))
    .order_by(AttendanceOption.position)
    .execution_options(populate_existing=True)
)


class Seats(NamedTuple):
    """An event whose seats are locked, and its options by id, as they are now."""

    event: Event
    options: dict[int, AttendanceOption]


def lock(event_id: int) -> Seats:
    """Take the lock of the event's seats, then look.

    The lock is an UPDATE of the event's row, since SQLite ignores SELECT … FOR UPDATE; all that
    decide over seats of the same event queue behind it until the transaction ends. One row for
    all options of an event: a move between two of them cannot deadlock.
    Raises LookupError if there is no such event.
    """
    db.session.connection().execute(_LOCK, {"event": event_id})
    # Whatever was read while waiting for the lock may be stale by now.
    found = db.session.execute(_LOOK, {"event": event_id}).all()
    if not found:
        raise LookupError(f"there is no event {event_id}")
    return Seats(found[0][0], {option.id: option for _event, option in found if option})


def lock_for(rsvp_id: int) -> tuple[Seats, Rsvp]:
    """Take the lock of the event that an RSVP answers, then look at the RSVP.

    Raises LookupError if there is no such RSVP, or nobody any more whose it is.
    """
    event_id = db.session.scalar(select(Rsvp.event_id).where(Rsvp.id == rsvp_id))
    if event_id is None:
        raise LookupError(f"there is no RSVP {rsvp_id}")
    seats = lock(event_id)
    rsvp = db.session.get_one(Rsvp, rsvp_id, populate_existing=True)
    if rsvp.is_erased:
        raise LookupError(f"RSVP {rsvp_id} is erased")
    return seats, rsvp


def take(rsvp: Rsvp, option: AttendanceOption, *, now: datetime) -> None:
    """Give the party its seats in `option` for good. The caller has seen that they are free."""
    hold(rsvp, option)
    _keep_for_good(rsvp, now)


def confirm(rsvp: Rsvp, *, now: datetime) -> None:
    """Turn seats that were held into seats for good, and mail it."""
    _keep_for_good(rsvp, now)
    emails.rsvp_confirmed(rsvp, now=now)
    audit.record("rsvp.confirmed", now=now, rsvp=rsvp, option=rsvp.option_id)


def _keep_for_good(rsvp: Rsvp, now: datetime) -> None:
    """Confirm the party in the seats that are counted for it."""
    rsvp.status = RsvpStatus.CONFIRMED
    rsvp.hold_ends_at = None
    rsvp.meanwhile_option_id = None
    rsvp.confirmed_at = rsvp.confirmed_at or now


def hold(rsvp: Rsvp, option: AttendanceOption) -> None:
    """Count the party's seats in `option`."""
    rsvp.option, rsvp.option_id = option, option.id
    option.seats_taken += rsvp.party_size
    rsvp.seats_held = rsvp.party_size


def release(rsvp: Rsvp, seats: Seats) -> None:
    """Give the party's seats back, if it holds any. The status is the caller's to change."""
    rsvp.hold_ends_at = None
    if rsvp.seats_held:
        option = seats.options[rsvp.option_id]
        option.seats_taken -= rsvp.seats_held
        rsvp.seats_held = 0
        _forget_extra(option)


def resize(rsvp: Rsvp, party_size: int, seats: Seats) -> None:
    """Change the size of a party, and its seats if it holds any."""
    if rsvp.seats_held:
        option = seats.options[rsvp.option_id]
        option.seats_taken += party_size - rsvp.seats_held
        rsvp.seats_held = party_size
        _forget_extra(option)
    rsvp.party_size = party_size


def reseat(rsvp: Rsvp, seats: Seats, option: AttendanceOption, *, now: datetime) -> None:
    """Give the party seats in `option` in the place of those that it has, if any, and mail it.

    The caller has seen that they are free, or has allowed extra ones. It leaves the queue that it
    stands in, unless it `keeps_position`.
    """
    had_entry = rsvp.is_confirmed
    if not keeps_position(rsvp, option):
        leave_queue(rsvp, seats)
    release(rsvp, seats)
    take(rsvp, option, now=now)
    rsvp.touch(now)
    if had_entry:
        emails.rsvp_changed(rsvp, now=now, switched=True)
    else:
        emails.rsvp_confirmed(rsvp, now=now)


def keeps_position(rsvp: Rsvp, option: AttendanceOption) -> bool:
    """Whether one who has a place, waits for another and takes this stream goes on waiting."""
    return rsvp.watches_meanwhile and option.is_virtual


def set_capacity(option: AttendanceOption, capacity: int | None) -> None:
    """Change a capacity. Nobody loses a seat when it sinks below what is taken."""
    option.capacity = capacity
    option.extra_seats = max(0, option.seats_taken - capacity) if capacity is not None else 0


def allow_extra(option: AttendanceOption, party_size: int) -> None:
    """Let a party pass the capacity, since staff said so."""
    if option.capacity is not None:
        option.extra_seats = max(0, option.seats_taken + party_size - option.capacity)


def _forget_extra(option: AttendanceOption) -> None:
    """Take back what staff allowed beyond the capacity as soon as it is no longer used."""
    if option.extra_seats and option.capacity is not None:
        option.extra_seats = max(0, option.seats_taken - option.capacity)


def wait(rsvp: Rsvp, option: AttendanceOption) -> None:
    """Put the party at the end of the queue of `option`."""
    option.last_waiting_number += 1
    option.waiting += 1
    rsvp.waits_for, rsvp.waits_for_option_id = option, option.id
    rsvp.waiting_number = option.last_waiting_number


def queue_elsewhere(rsvp: Rsvp, seats: Seats, option: AttendanceOption, *, now: datetime) -> None:
    """Let the party wait for another option, and mail it; a place that is held is kept meanwhile.

    The queue it stands in it leaves.
    """
    leave_queue(rsvp, seats)
    wait(rsvp, option)
    if not rsvp.is_confirmed:
        rsvp.status = RsvpStatus.WAITLISTED
        rsvp.option, rsvp.option_id = option, option.id
        rsvp.meanwhile_option_id = None
    rsvp.touch(now)
    emails.rsvp_waitlisted(rsvp, now=now)


def leave_queue(rsvp: Rsvp, seats: Seats) -> None:
    """Take the party out of the queue it stands in, if any."""
    if rsvp.waits_for_option_id is not None:
        seats.options[rsvp.waits_for_option_id].waiting -= 1
        rsvp.waits_for, rsvp.waits_for_option_id, rsvp.waiting_number = None, None, None


def take_many(option: AttendanceOption, number: int) -> None:
    """Count so many seats of `option` as taken, by parties that are written at once."""
    option.seats_taken += number


def wait_many(option: AttendanceOption, number: int) -> None:
    """Count so many parties at the end of the queue of `option`, which are written at once."""
    option.last_waiting_number += number
    option.waiting += number


def write_counts(seats: Seats) -> None:
    """Write what was counted in the options, at the end of a transaction that reads none again."""
    for option in seats.options.values():
        write_changes(option)


def settle(rsvp: Rsvp, seats: Seats, *, now: datetime, staff_id: int | None = None) -> None:
    """Give the party its seats, or a place in the queue, and mail which of the two.

    `staff_id` is who has let it in, where that is staff. One that waits sits in
    `meanwhile_option_id` meanwhile, if it wished so and there is room.
    """
    option = seats.options[rsvp.option_id]
    meanwhile = seats.options.get(rsvp.meanwhile_option_id or 0)
    if option.has_room_for(rsvp.party_size):
        take(rsvp, option, now=now)
        emails.rsvp_confirmed(rsvp, now=now)
    elif meanwhile is not None and meanwhile.has_room_for(rsvp.party_size):
        wait(rsvp, option)
        take(rsvp, meanwhile, now=now)
        emails.rsvp_confirmed(rsvp, now=now)
    else:
        wait(rsvp, option)
        rsvp.status = RsvpStatus.WAITLISTED
        rsvp.meanwhile_option_id = None
        emails.rsvp_waitlisted(rsvp, now=now)
    audit.record(
        f"rsvp.{rsvp.status}", now=now, staff_id=staff_id, rsvp=rsvp, option=rsvp.option_id
    )


def promote(seats: Seats, *, now: datetime) -> bool:
    """Move waiting parties into free seats, in order of arrival, until no first one fits.

    Every verb that may have freed a seat ends here. A party that does not fit holds the queue.
    Nothing moves after the event's cut-off, or while staff choose by hand.
    True if it stopped at PROMOTIONS_AT_ONCE: another transaction is to go on.
    """
    if not seats.event.promotes_at(now):
        return False
    moved = 0
    while moved < PROMOTIONS_AT_ONCE:
        rsvp = _next_to_move(seats)
        if rsvp is None:
            return False
        move_up(rsvp, seats, now=now)
        moved += 1
    return _next_to_move(seats) is not None


def _next_to_move(seats: Seats) -> Rsvp | None:
    """A party that is first in its queue and fits.

    One that moves may free a place elsewhere, for which others wait: ask again after each.
    """
    for option in seats.options.values():
        if option.waiting and option.fits(1):
            rsvp = first_in_queue(option)
            if rsvp is not None and option.fits(rsvp.party_size):
                return rsvp
    return None


def first_in_queue(option: AttendanceOption) -> Rsvp | None:
    """The party that is next to get seats in `option`."""
    return db.session.scalars(
        select(Rsvp)
        .where(Rsvp.waits_for_option_id == option.id)
        .order_by(Rsvp.waiting_number)
        .limit(1)
    ).one_or_none()


def move_up(rsvp: Rsvp, seats: Seats, *, now: datetime, staff_id: int | None = None) -> None:
    """Give a waiting party its seats in the option it waits for, and mail it.

    The caller has seen that they are free, or has allowed extra ones.
    """
    if rsvp.waits_for_option_id is None:
        raise ValueError("this party waits for nothing")
    option = seats.options[rsvp.waits_for_option_id]
    left = rsvp.option if rsvp.watches_meanwhile else None
    leave_queue(rsvp, seats)
    release(rsvp, seats)
    take(rsvp, option, now=now)
    rsvp.touch(now)
    emails.rsvp_promoted(rsvp, now=now, left=left)
    audit.record(
        "rsvp.promoted",
        now=now,
        actor="system",
        staff_id=staff_id,
        rsvp=rsvp,
        option=option.id,
    )
