"""What invited people answer. Each public function is one transaction."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from registration import admission, audit, emails, seating
from registration.database import db, transaction
from registration.models import (
    LIVE,
    Event,
    EventStatus,
    Invitation,
    InvitationCode,
    InvitationStatus,
    Rsvp,
    RsvpStatus,
)


class InvitationRefused(Exception):
    """An invitation or a code that cannot be made; its text is fit for who asked for it."""


def link_of(rsvp: Rsvp) -> dict[str, str]:
    """What a link to the form carries so that who has been let in once is let in again."""
    invitation = rsvp.invitation_id and db.session.get_one(Invitation, rsvp.invitation_id)
    if invitation and not invitation.is_erased:
        return {"invitation": invitation.key}
    if rsvp.code_id:
        return {"code": db.session.get_one(InvitationCode, rsvp.code_id).code}
    return {}


def decline(*, invitation_id: int, now: datetime) -> None:
    """Say no to an invitation; the RSVP of the invited person ends. Twice is once.

    Raises RsvpRefused once the event is cancelled or over.
    """
    with transaction():
        seats = seating.lock(db.session.get_one(Invitation, invitation_id).event_id)
        admission.check_running(seats.event, now)
        invitation = db.session.get_one(Invitation, invitation_id, populate_existing=True)
        rsvp = db.session.scalars(
            select(Rsvp).where(
                Rsvp.event_id == invitation.event_id,
                # Also one that was sent without the invitation's link.
                Rsvp.email == invitation.email,
                Rsvp.status.in_(LIVE),
            )
        ).one_or_none()
        if rsvp is None and invitation.status is InvitationStatus.DECLINED:
            return
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


def invite(
    *, event_id: int, email: str, name: str, staff_id: int | None, now: datetime
) -> Invitation:
    """Invite one person by mail; who is invited already gets the mail once more.

    Raises InvitationRefused for an event that is not announced, or is over.
    """
    with transaction():
        event = db.session.get_one(Event, event_id)
        if event.status is not EventStatus.PUBLISHED or event.is_past(now):
            raise InvitationRefused(_("Publish the event first: the invitation leads to its page."))
        known = db.session.scalars(
            select(Invitation).where(Invitation.event_id == event_id, Invitation.email == email)
        ).one_or_none()
        if known is not None and known.status is InvitationStatus.ACCEPTED:
            raise InvitationRefused(_("This person has said yes already."))
        invited = known or Invitation(
            event_id=event_id,
            email=email,
            name=name,
            key=secrets.token_urlsafe(24),
            status=InvitationStatus.OPEN,
            created_at=now,
        )
        db.session.add(invited)
        db.session.flush()
        emails.invitation(invited, now=now)
        audit.record(
            "invitation.sent", now=now, staff_id=staff_id, event_id=event_id, address=email
        )
    return invited


def make_code(
    *, event_id: int, code: str, label: str, uses_max: int, staff_id: int | None, now: datetime
) -> None:
    """Make a code that lets a group in so many times. Raises InvitationRefused if it exists."""
    with transaction():
        same = select(InvitationCode.id).where(
            InvitationCode.event_id == event_id, func.upper(InvitationCode.code) == code.upper()
        )
        if db.session.scalar(same) is not None:
            raise InvitationRefused(_("This event has a code of that name already."))
        db.session.add(InvitationCode(event_id=event_id, code=code, label=label, uses_max=uses_max))
        audit.record(
            "code.made", now=now, staff_id=staff_id, event_id=event_id, code=code, uses=uses_max
        )
