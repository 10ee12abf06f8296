"""What invited people answer. Each public function is one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from registration import admission, audit, emails, seating
from registration.database import db, transaction
from registration.models import LIVE, Invitation, InvitationStatus, Rsvp, RsvpStatus


def decline(*, invitation_id: int, now: datetime) -> None:
    """Say no to an invitation; the RSVP of the invited person ends. Twice is once.

    Raises RsvpRefused once the event is cancelled or over.
    """
    with transaction():
        seats = seating.lock(db.session.get_one(Invitation, invitation_id).event_id)
        admission.check_running(seats.event, now)
        invitation = db.session.get_one(Invitation, invitation_id, populate_existing=True)
        if invitation.status is InvitationStatus.DECLINED:
            return
        rsvp = db.session.scalars(
            select(Rsvp).where(
                Rsvp.event_id == invitation.event_id,
                # Also one that was sent without the invitation's link.
                Rsvp.email == invitation.email,
                Rsvp.status.in_(LIVE),
            )
        ).one_or_none()
        if rsvp is not None:
            had_entry = rsvp.is_confirmed
            admission.end(rsvp, seats, RsvpStatus.DECLINED, now=now)
            emails.rsvp_cancelled(rsvp, now=now, by="attendee", was_confirmed=had_entry)
        invitation.status, invitation.answered_at = InvitationStatus.DECLINED, now
        audit.record(
            "invitation.declined",
            now=now,
            event_id=invitation.event_id,
            rsvp=rsvp,
            address=invitation.email,
        )
        seating.promote(seats, now=now)
