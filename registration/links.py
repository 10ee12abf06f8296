"""Links that are asked for: the mail of an RSVP once more, or all links of an address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import limits
from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from registration import admission, audit, emails, seating
from registration.admission import Refusal, RsvpRefused
from registration.database import db, queue_up, transaction
from registration.models import LIVE, AuditEntry, Event, MailKind, OutboxMail, Rsvp, RsvpStatus


def resend(*, rsvp_id: int, now: datetime, staff_id: int | None = None) -> bool:
    """Send the mail that fits the RSVP's state once more; False where today's are used up.

    Staff may send it as often as they like. Raises RsvpRefused where it would say what is no
    longer so.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        if rsvp.is_live:
            admission.check_running(seats.event, now)
        elif staff_id is None:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, _("This RSVP has ended."))
        if staff_id is None and not _may_resend(rsvp, now):
            return False
        emails.rsvp_again(rsvp, now=now)
        audit.record("rsvp.resent", now=now, rsvp=rsvp, staff_id=staff_id)
        return True


def send(*, email: str, now: datetime) -> None:
    """Mail an address the links of its coming events, if it has any. Says nothing back.

    Who answered for somebody else gets those too, once that address is confirmed.
    """
    own = select(Rsvp.id).where(Rsvp.email == email)
    for_others = select(Rsvp.id).where(
        Rsvp.booked_by_email == email,
        Rsvp.booked_by_email != "",  # as its index says
        # Else it would confirm an address that is not the reader's.
        Rsvp.status != RsvpStatus.UNVERIFIED,
    )
    with transaction():
        coming = list(
            db.session.scalars(
                select(Rsvp)
                .join(Rsvp.event)
                .where(
                    Rsvp.id.in_(own.union_all(for_others)),
                    Rsvp.status.in_(LIVE),
                    Event.ends_at > now,
                )
                .order_by(Event.starts_at, Rsvp.id)
                .limit(50)
            )
        )
        mail(coming, email, now=now)


def mail(rsvps: Sequence[Rsvp], email: str, *, now: datetime) -> None:
    """Mail an address its links in the caller's transaction, unless it had them too often today."""
    if not rsvps:
        return
    queue_up(email)
    most, period = _limit()
    mailed = select(func.count()).where(
        OutboxMail.recipient == email,
        OutboxMail.kind == MailKind.LINKS,
        OutboxMail.created_at > now - period,
    )
    if (db.session.scalar(mailed) or 0) < most:
        emails.links(email, rsvps, now=now)


def _may_resend(rsvp: Rsvp, now: datetime) -> bool:
    """Whether its attendee may have the mail once more by now."""
    most, period = _limit()
    resent = select(func.count()).where(
        AuditEntry.rsvp_id == rsvp.id,
        AuditEntry.action == "rsvp.resent",
        AuditEntry.actor == "attendee",
        AuditEntry.at > now - period,
    )
    return (db.session.scalar(resent) or 0) < most


def _limit() -> tuple[int, timedelta]:
    """How often an address is mailed on demand, and in what time."""
    limit = limits.parse(current_app.config["LIMIT_LINKS_PER_ADDRESS"])
    return limit.amount, timedelta(seconds=limit.get_expiry())
