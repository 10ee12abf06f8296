"""Who of those invited to an event has not answered, and may be reminded of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from registration.database import db
from registration.models import (
    NO_KEY,
    AttendanceOption,
    Event,
    Invitation,
    InvitationStatus,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    Unsubscribe,
)

#: Nobody is mailed about an invitation twice within this time.
REST = timedelta(days=1)


def unanswered() -> ColumnElement[bool]:
    """Which invitations wait for an answer; an RSVP that was sent without the link is one too."""
    return and_(
        Invitation.status == InvitationStatus.OPEN,
        Invitation.key.not_like(f"{NO_KEY}%"),
        ~exists().where(Rsvp.event_id == Invitation.event_id, Rsvp.email == Invitation.email),
    )


def to_remind(event_id: int, now: datetime) -> ColumnElement[bool]:
    """Which invitations to an event are to be brought to mind, if it still takes answers.

    Not of those who want no mail, who were mailed within a day, or whom the invitation itself
    never reached.
    """
    invited = and_(
        OutboxMail.invitation_id == Invitation.id, OutboxMail.kind == MailKind.INVITATION
    )
    goes = OutboxMail.state.in_((MailState.WAITING, MailState.SENT))
    return and_(
        Invitation.event_id == event_id,
        unanswered(),
        or_(Invitation.reminded_at.is_(None), Invitation.reminded_at <= now - REST),
        ~exists().where(invited, goes, OutboxMail.created_at > now - REST),
        or_(~exists().where(invited), exists().where(invited, goes)),
        ~Unsubscribe.silences(Invitation.email, event_id),
    )


def count(event_id: int, now: datetime) -> int:
    """How many may be reminded."""
    wanted = select(func.count()).select_from(Invitation).where(to_remind(event_id, now))
    return db.session.scalar(wanted) or 0


def held(event_id: int) -> tuple[int, datetime | None]:
    """How many reminders have not gone yet and can be taken back, and when they are due."""
    number, due_at = db.session.execute(
        select(func.count(), func.min(OutboxMail.due_at))
        .join(Invitation, Invitation.id == OutboxMail.invitation_id)
        .where(
            Invitation.event_id == event_id,
            OutboxMail.kind == MailKind.INVITATION_REMINDER,
            OutboxMail.state == MailState.WAITING,
            OutboxMail.attempts == 0,
        )
    ).one()
    return number, due_at


def were_taken_back(event_id: int) -> bool:
    """Whether the last reminders were taken back, those of them that had not gone."""
    last = (
        select(OutboxMail.state)
        .where(OutboxMail.event_id == event_id, OutboxMail.kind == MailKind.INVITATION_REMINDER)
        .order_by(OutboxMail.created_at.desc(), OutboxMail.ended_at.desc())
    )
    return db.session.scalar(last.limit(1)) == MailState.WITHDRAWN


def answerable_until(event: Event, now: datetime) -> datetime | None:
    """Until when an invitation can be accepted; None: it cannot be now."""
    if not event.is_published:
        return None
    options = db.session.scalars(
        select(AttendanceOption).where(AttendanceOption.event_id == event.id)
    )
    closings = [option.closes_for(event) for option in options if option.is_open(event, now)]
    return max(closings, default=None)


def has_answered(invitation_id: int) -> bool:
    """Whether there is nothing to remind of any more."""
    waits = select(Invitation.id).where(Invitation.id == invitation_id, unanswered())
    return db.session.scalar(waits) is None
