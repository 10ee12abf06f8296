"""What staff decide about RSVPs. Each public function is one transaction.

Those that take many RSVPs are one transaction for each hundred: nobody waits long for the lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from flask_babel import lazy_ngettext
from sqlalchemy import select

from registration import admission, audit, emails, seating
from registration.admission import Refusal, RsvpRefused
from registration.database import db, transaction
from registration.models import AttendanceOption, Rsvp, RsvpStatus
from registration.seating import Seats

_AT_ONCE = 100


def approve(*, rsvp_ids: Iterable[int], staff_id: int, now: datetime) -> int:
    """Let pending parties in, each into its seats or the queue; how many there were.

    Raises RsvpRefused once the event is cancelled or over.
    """
    approved = 0
    for batch in _by_arrival(rsvp_ids):
        with transaction():
            for seats, rsvp in _locked(batch):
                if rsvp.status is RsvpStatus.PENDING:
                    admission.check_running(seats.event, now)
                    rsvp.touch(now)
                    audit.record("rsvp.approved", now=now, rsvp=rsvp, staff_id=staff_id)
                    seating.settle(rsvp, seats, now=now, staff_id=staff_id)
                    approved += 1
    return approved


def reject(*, rsvp_ids: Iterable[int], staff_id: int, now: datetime, reason: str = "") -> int:
    """Say no to live parties, free their seats and promote; how many there were."""
    rejected = 0
    for batch in _by_arrival(rsvp_ids):
        with transaction():
            touched: dict[int, Seats] = {}
            for seats, rsvp in _locked(batch):
                if rsvp.is_live:
                    _reject(rsvp, seats, staff_id, now, reason)
                    touched[seats.event.id] = seats
                    rejected += 1
            # Only now: nobody is let in who is to be rejected next.
            for seats in touched.values():
                seating.promote(seats, now=now)
    return rejected


def _reject(rsvp: Rsvp, seats: Seats, staff_id: int, now: datetime, reason: str) -> None:
    had_entry = rsvp.is_confirmed
    admission.end(rsvp, seats, RsvpStatus.REJECTED, now=now)
    emails.rsvp_rejected(rsvp, now=now, had_entry=had_entry, reason=reason)
    audit.record("rsvp.rejected", now=now, rsvp=rsvp, staff_id=staff_id, reason=reason)


def promote(*, rsvp_id: int, staff_id: int, now: datetime, beyond_capacity: bool = False) -> None:
    """Let staff choose who moves up, whoever stands before it.

    Raises RsvpRefused if there is no room and they do not go beyond the capacity.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        admission.check_running(seats.event, now)
        if rsvp.waits_for_option_id is None:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, admission.NOT_WAITING)
        option = seats.options[rsvp.waits_for_option_id]
        if not option.fits(rsvp.party_size):
            if not beyond_capacity:
                raise _too_few_seats(option, rsvp.party_size)
            seating.allow_extra(option, rsvp.party_size)
        seating.move_up(rsvp, seats, now=now, staff_id=staff_id)
        seating.promote(seats, now=now)


def _too_few_seats(option: AttendanceOption, party_size: int) -> RsvpRefused:
    if not option.seats_left:
        return admission.full(option, party_size)
    text = lazy_ngettext(
        "Only %(num)d seat is free, and they are %(size)d.",
        "Only %(num)d seats are free, and they are %(size)d.",
        option.seats_left,
        size=party_size,
    )
    return RsvpRefused(Refusal.FULL, text)


def _by_arrival(rsvp_ids: Iterable[int]) -> list[list[tuple[int, int]]]:
    """The RSVPs as (event, RSVP), in order of arrival, in batches of one transaction each."""
    ids = list(rsvp_ids)
    found: list[tuple[int, datetime, int]] = []
    for start in range(0, len(ids), 500):  # a statement takes so many parameters and no more
        some = Rsvp.id.in_(ids[start : start + 500])
        rows = db.session.execute(select(Rsvp.event_id, Rsvp.created_at, Rsvp.id).where(some))
        found.extend((event_id, at, rsvp_id) for event_id, at, rsvp_id in rows)
    in_order = [(event_id, rsvp_id) for event_id, _at, rsvp_id in sorted(set(found))]
    return [in_order[start : start + _AT_ONCE] for start in range(0, len(in_order), _AT_ONCE)]


def _locked(batch: list[tuple[int, int]]) -> Iterator[tuple[Seats, Rsvp]]:
    """The RSVPs of a batch, each with the lock of its event held."""
    locked: dict[int, Seats] = {}
    for event_id, rsvp_id in batch:
        if event_id not in locked:
            locked[event_id] = seating.lock(event_id)
        yield locked[event_id], db.session.get_one(Rsvp, rsvp_id, populate_existing=True)
