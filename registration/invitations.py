"""Invitations: made, brought to mind, answered with no; and codes that let a group in.

Each verb is one transaction. A yes is an RSVP: answering.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, func, or_, select, update

from registration import admission, audit, emails, invitees, seating
from registration.database import db, transaction
from registration.models import (
    HOLD,
    LIVE,
    Event,
    Invitation,
    InvitationCode,
    InvitationStatus,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    Unsubscribe,
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
        answers = db.session.scalars(
            select(Rsvp)
            .where(
                Rsvp.event_id == invitation.event_id,
                # Also one that was sent without the invitation's link, and one whose address
                # staff have corrected since.
                or_(Rsvp.email == invitation.email, Rsvp.invitation_id == invitation.id),
                Rsvp.status.in_(LIVE),
            )
            .order_by(Rsvp.id)
        ).all()
        if not answers and invitation.status is InvitationStatus.DECLINED:
            return
        for rsvp in answers:
            had_entry = rsvp.is_confirmed
            admission.end(rsvp, seats, RsvpStatus.DECLINED, now=now)
            emails.rsvp_cancelled(rsvp, now=now, by="attendee", was_confirmed=had_entry)
            # Beside the no: who reads of the day's cancellations reads of this one.
            audit.record("rsvp.cancelled", now=now, rsvp=rsvp)
        invitation.status, invitation.answered_at = InvitationStatus.DECLINED, now
        ended: list[Rsvp | None] = [*answers]
        for each in ended or [None]:
            audit.record(
                "invitation.declined",
                now=now,
                event_id=invitation.event_id,
                rsvp=each,
                address=invitation.email,
            )
        seating.promote(seats, now=now)


def invite(
    *, event_id: int, email: str, name: str, staff_id: int | None, now: datetime
) -> Invitation:
    """Invite one person by mail; who is invited already gets the mail once more, later on.

    Raises InvitationRefused for an event that is not announced, cancelled or over, and for who has
    said yes, with the invitation or without, or wants no invitations.
    """
    with transaction():
        # Under its lock: two who invite at the same moment make one invitation.
        event = seating.lock(event_id).event
        if event.is_off(now):
            raise InvitationRefused(_("This event does not take place any more, or has ended."))
        if not event.is_published:
            raise InvitationRefused(_("Publish the event first: the invitation leads to its page."))
        known = db.session.scalars(
            select(Invitation).where(Invitation.event_id == event_id, Invitation.email == email)
        ).one_or_none()
        if known is not None and known.status is InvitationStatus.ACCEPTED:
            raise InvitationRefused(_("This person has said yes already."))
        if admission.live_of(event_id, email) is not None:
            raise InvitationRefused(admission.HAS_RSVP)
        if db.session.scalar(select(Unsubscribe.silences(email, event_id))):
            raise InvitationRefused(_("This person wants no such messages from us."))
        if known is not None and emails.was_just_written(
            and_(
                OutboxMail.invitation_id == known.id,
                OutboxMail.kind == MailKind.INVITATION,
            ),
            now=now,
        ):
            return known
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


def remind(
    *, event_id: int, chosen: Collection[int] | None, staff_id: int | None, now: datetime
) -> int:
    """Remind those who have not answered, or of them the chosen; how many. It can be taken back.

    Raises InvitationRefused where nobody can answer now, or nobody is left to be reminded.
    """
    with transaction():
        event = db.session.get_one(Event, event_id)
        until = invitees.answerable_until(event, now)
        if until is None:
            raise InvitationRefused(_("RSVPs are closed: nobody could answer the reminder."))
        wanted = invitees.to_remind(event_id, now)
        if chosen is not None:
            wanted &= Invitation.id.in_(chosen)
        # The row itself says no to who reminds at the same moment.
        invited = db.session.execute(
            update(Invitation)
            .where(wanted)
            .values(reminded_at=now)
            .returning(Invitation.id, Invitation.email, Invitation.name, Invitation.language)
            .execution_options(synchronize_session=False)
        ).all()
        if not invited:
            raise InvitationRefused(
                _("Nobody was reminded again: they have answered, or were mailed within a day.")
            )
        emails.list_reminded(
            [(row.id, row.email, row.name, row.language) for row in invited],
            event=event,
            until=until,
            now=now,
            due_at=now + HOLD,
        )
        audit.record(
            "invitation.reminded",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            recipients=len(invited),
        )
    return len(invited)


def take_back(*, event_id: int, staff_id: int | None, now: datetime) -> int:
    """Take back the reminders that have not gone; how many. They may be sent again at once."""
    with transaction():
        number = emails.reminders_withdrawn(db.session.get_one(Event, event_id), now=now)
        if number:
            sent = select(func.max(OutboxMail.created_at)).where(
                OutboxMail.invitation_id == Invitation.id,
                OutboxMail.kind == MailKind.INVITATION_REMINDER,
                OutboxMail.state == MailState.SENT,
            )
            held = select(OutboxMail.invitation_id).where(
                OutboxMail.event_id == event_id,
                OutboxMail.kind == MailKind.INVITATION_REMINDER,
                OutboxMail.state == MailState.WITHDRAWN,
                OutboxMail.ended_at == now,
            )
            db.session.execute(
                update(Invitation)
                .where(Invitation.id.in_(held))
                .values(reminded_at=sent.scalar_subquery())
                .execution_options(synchronize_session=False)
            )
            audit.record(
                "invitation.taken_back",
                now=now,
                staff_id=staff_id,
                event_id=event_id,
                taken_back=number,
            )
    return number


def make_code(
    *, event_id: int, code: str, label: str, uses_max: int, staff_id: int | None, now: datetime
) -> None:
    """Make a code that lets a group in so many times. Twice is once.

    Raises InvitationRefused if the event has another one of that name.
    """
    with transaction():
        seating.lock(event_id)
        same = select(InvitationCode).where(
            InvitationCode.event_id == event_id, func.upper(InvitationCode.code) == code.upper()
        )
        known = db.session.scalars(same).first()
        if known is not None:
            if (known.code, known.label, known.uses_max) == (code, label, uses_max):
                return
            raise InvitationRefused(_("This event has a code of that name already."))
        db.session.add(InvitationCode(event_id=event_id, code=code, label=label, uses_max=uses_max))
        audit.record(
            "code.made", now=now, staff_id=staff_id, event_id=event_id, code=code, uses=uses_max
        )
