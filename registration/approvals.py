"""What staff decide about RSVPs. Each public function is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import admission, audit, emails, seating
from registration.admission import Refusal, RsvpRefused
from registration.database import db, transaction
from registration.models import Rsvp, RsvpStatus
from registration.seating import Seats


def approve(*, rsvp_ids: Iterable[int], staff_id: int, now: datetime) -> int:
    """Let pending parties in, each into its seats or the queue; how many there were."""
    approved = 0
    with transaction():
        for seats, rsvp in _in_order(rsvp_ids):
            if rsvp.status is RsvpStatus.PENDING:
                rsvp.touch(now)
                audit.record("rsvp.approved", now=now, rsvp=rsvp, staff_id=staff_id)
                seating.settle(rsvp, seats, now=now)
                approved += 1
    return approved


def reject(*, rsvp_ids: Iterable[int], staff_id: int, now: datetime, reason: str = "") -> int:
    """Say no to live parties, free their seats and promote; how many there were."""
    rejected = 0
    with transaction():
        for seats, rsvp in _in_order(rsvp_ids):
            if rsvp.is_live:
                had_entry = rsvp.is_confirmed
                admission.end(rsvp, seats, RsvpStatus.REJECTED, now=now)
                emails.rsvp_rejected(rsvp, now=now, had_entry=had_entry)
                audit.record(
                    "rsvp.rejected",
                    now=now,
                    rsvp=rsvp,
                    staff_id=staff_id,
                    reason=reason,
                )
                seating.promote(seats, now=now)
                rejected += 1
    return rejected


def promote(*, rsvp_id: int, staff_id: int, now: datetime, beyond_capacity: bool = False) -> None:
    """Let staff choose who moves up, whoever stands before it.

    Raises RsvpRefused if there is no room and they do not go beyond the capacity.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        if rsvp.waits_for_option_id is None:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, _("This RSVP is not on the waitlist any more."))
        option = seats.options[rsvp.waits_for_option_id]
        if not option.fits(rsvp.party_size):
            if not beyond_capacity:
                raise admission.full(option, rsvp.party_size)
            seating.allow_extra(option, rsvp.party_size)
        seating.move_up(rsvp, seats, now=now, staff_id=staff_id)
        seating.promote(seats, now=now)


def _in_order(rsvp_ids: Iterable[int]) -> Iterator[tuple[Seats, Rsvp]]:
    """The RSVPs in order of arrival, each with the lock of its event held."""
    wanted = db.session.execute(
        select(Rsvp.event_id, Rsvp.id)
        .where(Rsvp.id.in_(list(rsvp_ids)))
        .order_by(Rsvp.event_id, Rsvp.created_at, Rsvp.id)
    ).all()
    locked: dict[int, Seats] = {}
    for event_id, rsvp_id in wanted:
        if event_id not in locked:
            locked[event_id] = seating.lock(event_id)
        yield (
            locked[event_id],
            db.session.get_one(Rsvp, rsvp_id, populate_existing=True),
        )
