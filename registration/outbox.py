"""The outbox as people see it: sending again, taking back, and whether mail is well.

Delivery is in delivery.py, writing in emails/.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import current_app
from flask_mail import Mail
from sqlalchemy import ColumnElement, delete, func, or_, select, text, true, update

from registration import audit
from registration.claims import CLAIM
from registration.database import db, transaction
from registration.models import (
    EventStatus,
    MailKind,
    MailState,
    OutboxMail,
    RsvpStatus,
    WorkerHeartbeat,
)

flask_mail = Mail()

#: A worker that has not been heard of for this long is stale.
STALE = timedelta(minutes=2)
#: A mail that has failed to go for this long is worth a banner.
FAILING = timedelta(minutes=10)
#: So many mails that the server gave back for good, one after the other, mean us and no address.
REFUSED_IN_A_ROW = 3
# Mails with the highest numbers that are looked at for the last that went: not all go in order.
_LATEST = 50
#: Mails that tell how a live RSVP stands, and the state of those that tell of one alone.
_STANDINGS: dict[MailKind, RsvpStatus | None] = {
    MailKind.VERIFY: RsvpStatus.UNVERIFIED,
    MailKind.RECEIVED: RsvpStatus.PENDING,
    MailKind.WAITLISTED: None,
    MailKind.CONFIRMED: RsvpStatus.CONFIRMED,
    MailKind.PROMOTED: RsvpStatus.CONFIRMED,
    MailKind.CHANGED: None,
    MailKind.EVENT_CHANGED: None,
}
# An index of some rows alone is taken only where its condition stands in so many words.
_FAILS = text("outbox.last_error <> ''")


def resend(*, mail_id: int, staff_id: int | None, now: datetime) -> bool:
    """Try a mail once more at once: one that failed, or one that waits long for its next try.

    False for one that is not so any more, and for one that goes by itself within minutes; it may
    be on its way at this moment.
    """
    put_off = (OutboxMail.state == MailState.WAITING) & (OutboxMail.attempts > 0)
    with transaction():
        if not is_still_so(db.session.get_one(OutboxMail, mail_id), now=now):
            return False
        tried = db.session.scalar(
            update(OutboxMail)
            .where(
                OutboxMail.id == mail_id,
                OutboxMail.recipient != "",
                or_(OutboxMail.state == MailState.FAILED, put_off & _is_nobodys(now)),
            )
            .values(
                state=MailState.WAITING, due_at=now, ended_at=None, attempts=0, failing_since=None
            )
            .returning(OutboxMail.id)
        )
        if tried is not None:
            _record("retried", db.session.get_one(OutboxMail, mail_id), staff_id, now)
        return tried is not None


def came_back(*, message_id: str, said: str, now: datetime) -> bool:
    """Note that a mail which had gone did not arrive, and what the last server said.

    It is given up from then on. Staff who have put the address right can try it again. False
    where no mail of ours that has gone has this Message-ID.
    """
    with transaction():
        found = db.session.scalar(
            update(OutboxMail)
            .where(
                OutboxMail.message_id == message_id,
                OutboxMail.state == MailState.SENT,
                OutboxMail.recipient != "",
            )
            .values(state=MailState.FAILED, ended_at=now, last_error=said[:500])
            .returning(OutboxMail.id)
        )
        return found is not None


def is_still_so(mail: OutboxMail, *, now: datetime) -> bool:
    """Whether a mail tells what is so by now, at the address that its reader has by now.

    A later mail takes the place of one that waits alone: one that failed stays as it was.
    """
    rsvp, speaker = mail.rsvp, mail.speaker
    if mail.is_too_late(now):
        return False
    if mail.kind is MailKind.READDRESSED:
        return True  # it is to the address before
    if speaker is not None:
        return mail.recipient == speaker.email
    if rsvp is None:
        return True
    if not mail.forgets and mail.recipient not in (rsvp.email, rsvp.booked_by_email):
        return False  # whoever reads there may be a stranger, and would get the links of now
    if mail.kind not in _STANDINGS:
        return True
    if not rsvp.is_live:
        return False
    if rsvp.event.status is EventStatus.CANCELLED:
        return False
    if mail.kind is MailKind.WAITLISTED:
        return rsvp.waits_for_option_id is not None
    return _STANDINGS[mail.kind] in (None, rsvp.status)


def withdraw(*, mail_id: int, staff_id: int | None, now: datetime) -> bool:
    """Take back a mail that has not gone; False if it is too late."""
    with transaction():
        taken = db.session.scalar(
            update(OutboxMail)
            .where(
                OutboxMail.id == mail_id,
                OutboxMail.state == MailState.WAITING,
                or_(OutboxMail.attempts == 0, _is_nobodys(now)),
            )
            .values(state=MailState.WITHDRAWN, ended_at=now)
            .returning(OutboxMail.id)
        )
        if taken is not None:
            _record("withdrawn", db.session.get_one(OutboxMail, mail_id), staff_id, now)
        return taken is not None


def _is_nobodys(now: datetime) -> ColumnElement[bool]:
    """That no worker holds it at this moment: one that does has made it not due for a while."""
    return or_(OutboxMail.due_at <= now, OutboxMail.due_at > now + CLAIM)


def _record(what: str, row: OutboxMail, staff_id: int | None, now: datetime) -> None:
    audit.record(
        f"mail.{what}",
        now=now,
        staff_id=staff_id,
        event_id=row.event_id,
        rsvp=row.rsvp,
        mail=row.id,
        kind=str(row.kind),
        recipient="" if row.rsvp else row.recipient,
    )


def beat(*, now: datetime) -> None:
    """Note that this machine's worker is alive."""
    with transaction():
        name = socket.gethostname()
        beaten = db.session.scalar(
            update(WorkerHeartbeat)
            .where(WorkerHeartbeat.name == name)
            .values(at=now)
            .returning(WorkerHeartbeat.name)
        )
        if beaten is None:
            db.session.add(WorkerHeartbeat(name=name, at=now))
        db.session.execute(
            delete(WorkerHeartbeat).where(WorkerHeartbeat.at < now - timedelta(days=7))
        )


def last_beat() -> datetime | None:
    """When a worker was heard of last; None: never."""
    return db.session.scalar(select(func.max(WorkerHeartbeat.at)))


def is_stale(now: datetime) -> bool:
    """Whether no worker has been heard of lately.

    What was heard in a time to come, by a clock that has been set back since, tells of none.
    """
    lately = WorkerHeartbeat.at.between(now - STALE, now + STALE)
    return db.session.scalar(select(WorkerHeartbeat.at).where(lately).limit(1)) is None


def waiting() -> int:
    """How many mails have not gone yet."""
    waits = select(func.count()).where(OutboxMail.state == MailState.WAITING)
    return db.session.scalar(waits) or 0


def trouble(now: datetime) -> str | None:
    """What staff must know: "no_server", "stale", "failing", "refused"; None while all is well."""
    if not current_app.config["MAIL_SERVER"]:
        return "no_server"
    if is_stale(now):
        return "stale"
    went = _ended_last(OutboxMail.state == MailState.SENT, _LATEST)
    # What is put off while others go is a matter of that one address.
    late = select(OutboxMail.id).where(
        OutboxMail.state == MailState.WAITING,
        OutboxMail.created_at < now - FAILING,
        OutboxMail.failing_since > max(went) if went else true(),
        _FAILS,
    )
    if db.session.scalar(late.limit(1)):
        return "failing"
    return "refused" if _none_is_taken(went) else None


def _none_is_taken(went: Sequence[datetime]) -> bool:
    """Whether the mail server has refused for good the last that it was given.

    It may take none for other hosts from us, say: each mail is given up at its first try then, and
    none waits. What came back later, or could not be rendered, was not refused by it.
    """
    is_refused = (OutboxMail.state == MailState.FAILED) & OutboxMail.failing_since.is_not(None)
    refused = _ended_last(is_refused, REFUSED_IN_A_ROW)
    return len(refused) == REFUSED_IN_A_ROW and (not went or max(went) < min(refused))


def _ended_last(which: ColumnElement[bool], number: int) -> list[datetime]:
    """When the latest of these mails came to their end."""
    latest = select(OutboxMail.ended_at).where(which).order_by(OutboxMail.id.desc()).limit(number)
    return [at for at in db.session.scalars(latest) if at is not None]
