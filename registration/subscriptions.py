"""Who wants no mailings and no invitations: of one event, or none at all.

Each change is one transaction.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select, update

from registration import audit
from registration.database import count_changed, db, transaction
from registration.models import Invitation, MailState, OutboxMail, Rsvp, Unsubscribe


def unsubscribe(*, email: str, event_id: int, everything: bool, now: datetime) -> None:
    """End mailings and invitations of an event, or all, to an address; also those under way."""
    with transaction():
        wanted = None if everything else event_id
        if not _is_unsubscribed(email, wanted):
            db.session.add(Unsubscribe(email=email, event_id=wanted, created_at=now))
            audit.record(
                "mailing.unsubscribed",
                now=now,
                event_id=event_id,
                address=email,
                everything=everything,
            )
        mailed = OutboxMail.mailing_id.is_not(None) & OutboxMail.rsvp_id.in_(
            select(Rsvp.id).where(Rsvp.email == email)
        )
        invited = OutboxMail.invitation_id.in_(
            select(Invitation.id).where(Invitation.email == email)
        )
        waiting = update(OutboxMail).where(mailed | invited, OutboxMail.state == MailState.WAITING)
        if not everything:
            waiting = waiting.where(OutboxMail.event_id == event_id)
        db.session.execute(
            waiting.values(state=MailState.SUPERSEDED, ended_at=now).execution_options(
                synchronize_session=False
            )
        )


def subscribe_again(*, email: str, event_id: int, now: datetime) -> None:
    """Take back what was unsubscribed from: of this event, and of all."""
    with transaction():
        gone = count_changed(
            delete(Unsubscribe).where(
                Unsubscribe.email == email,
                or_(Unsubscribe.event_id == event_id, Unsubscribe.event_id.is_(None)),
            )
        )
        if gone:
            audit.record("mailing.subscribed", now=now, event_id=event_id, address=email)


def state_of(email: str, event_id: int) -> str:
    """What mailings an address gets: "all", "none", or all but those of this "event"."""
    if _is_unsubscribed(email, None):
        return "none"
    return "event" if _is_unsubscribed(email, event_id) else "all"


def _is_unsubscribed(email: str, event_id: int | None) -> bool:
    found = select(Unsubscribe.id).where(
        Unsubscribe.email == email, Unsubscribe.event_id.is_not_distinct_from(event_id)
    )
    return db.session.scalar(found) is not None
