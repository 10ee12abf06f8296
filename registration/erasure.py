"""One person's data erased, as they asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from registration import admission, audit, emails, forgetting, seating
from registration.database import db, transaction
from registration.models import Invitation, Rsvp, RsvpStatus
from registration.seating import Seats

#: More than one address can have been invited to one event.
_INVITATIONS = 10


def erase(*, rsvp_id: int, now: datetime, staff_id: int | None = None, tells: bool = True) -> None:
    """Erase what is kept of a person for an event: this RSVP, and ended ones of its address.

    One that is still ahead is cancelled by it: its seats go to who waits, and a last mail takes
    the entry out of the calendar. That mail alone keeps the address, until it has ended. What is
    counted stays. Without `tells` there is no such mail: they were told before, and a backup has
    brought them back. Raises LookupError if there is no such RSVP, or not any more.
    """
    with transaction() as session:
        seats, rsvp = seating.lock_for(rsvp_id)
        event, email = seats.event, rsvp.email
        same = select(Rsvp).where(Rsvp.event_id == event.id, Rsvp.email == email)
        answers = session.scalars(same.order_by(Rsvp.id)).all()
        addresses = {email, *_invited_at(answers)}
        if not event.is_past(now):
            for each in answers:
                _take_leave(each, seats, now, tells, staff_id)
        session.flush()
        forgetting.forget(event.id, [each.id for each in answers], now=now)
        for address in sorted(addresses):
            # Somebody else may have answered with the one that was theirs.
            if admission.live_of(event.id, address) is None:
                forgetting.forget_invitations(event.id, now=now, limit=_INVITATIONS, email=address)
                forgetting.forget_address(event.id, address)
        audit.forget_searches(event.id)
        for each in answers:
            session.expire(each)
            audit.record("rsvp.erased", now=now, staff_id=staff_id, rsvp=each)
        seating.promote(seats, now=now)


def _invited_at(answers: Sequence[Rsvp]) -> Sequence[str]:
    """Where their invitations went: staff may have corrected an address since."""
    ids = [each.invitation_id for each in answers if each.invitation_id is not None]
    return db.session.scalars(select(Invitation.email).where(Invitation.id.in_(ids))).all()


def live_of(rsvp: Rsvp, *, now: datetime) -> Rsvp | None:
    """The RSVP that an erasure would cancel: the live one of the same address, still ahead."""
    if rsvp.event.is_past(now):
        return None
    return admission.live_of(rsvp.event_id, rsvp.email)


def _take_leave(rsvp: Rsvp, seats: Seats, now: datetime, tells: bool, staff_id: int | None) -> None:
    was_live, was_confirmed = rsvp.is_live, rsvp.is_confirmed
    if was_live:
        admission.end(rsvp, seats, RsvpStatus.CANCELLED, now=now)
        # Beside its erasure: who reads of the day's cancellations reads of this one.
        audit.record("rsvp.cancelled", now=now, staff_id=staff_id, rsvp=rsvp)
    if tells:
        emails.rsvp_erased(rsvp, now=now, was_live=was_live, was_confirmed=was_confirmed)
