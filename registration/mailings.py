"""What staff write to a segment of the attendees.

Each verb is one transaction, but for `release_due`, which takes one for each message.

A mailing that is released stands in the outbox at once and is due in ten minutes: until then it
can be undone. One that is scheduled comes into the outbox when it is due. The rows are written by
one statement, whatever their number, and without the lock of the seats.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from registration import audit, emails, progress, segments
from registration.database import db, transaction
from registration.letters.mailings import unknown_fields
from registration.models import (
    HOLD,
    Mailing,
    MailingState,
    Staff,
    StaffRole,
    staff_events,
)
from registration.segments import Segment


class MailingRefused(Exception):
    """What cannot be done with a mailing; its text is fit for staff."""


def check_fields(*texts: str) -> None:
    """Raise MailingRefused for a field in braces that does not exist."""
    unknown = unknown_fields(*texts)
    if unknown:
        raise MailingRefused(
            _("There is no field {%(name)s}. Those that exist are listed below.", name=unknown[0])
        )


def write(
    *,
    event_id: int,
    staff_id: int,
    subject: str,
    body: str,
    segment: Segment,
    now: datetime,
) -> Mailing:
    """Begin a draft. Raises MailingRefused for a field that does not exist."""
    check_fields(subject, body)
    with transaction():
        said = {"subject": subject, "body": body, "segment": segment.as_json()}
        return _begin(event_id, said, staff_id, now)


def rewrite(
    *,
    mailing_id: int,
    staff_id: int,
    subject: str,
    body: str,
    segment: Segment,
    seen_at: str,
    now: datetime,
) -> None:
    """Change a draft that nobody else changed since `seen_at`, its `updated_at` in ISO format.

    Raises MailingRefused for a stale or released one, and for a field that does not exist.
    """
    check_fields(subject, body)
    with transaction():
        mailing = _locked(mailing_id)
        _check_draft(mailing)
        if (mailing.subject, mailing.body, mailing.segment) == (subject, body, segment.as_json()):
            return
        if _was_changed(mailing, seen_at):
            raise MailingRefused(
                _(
                    "Somebody else has changed this message since you opened it. Copy what you "
                    "wrote, reload the page and put it in again."
                )
            )
        mailing.subject, mailing.body = subject, body
        mailing.segment, mailing.updated_at = segment.as_json(), now
        _record("edited", mailing, staff_id, now)


def discard(*, mailing_id: int, staff_id: int, now: datetime) -> None:
    """Throw a draft away, if it is still there. Raises MailingRefused for one that was released."""
    with transaction():
        mailing = _locked_if_there(mailing_id)
        if mailing is None:
            return
        _check_draft(mailing)
        _record("discarded", mailing, staff_id, now)
        # What an undone release left in the outbox goes with it.
        db.session.execute(delete(Mailing).where(Mailing.id == mailing_id))


def test(*, mailing_id: int, staff_id: int, now: datetime) -> str:
    """Mail a draft to who wrote it, with nobody's links in it; the address it goes to."""
    with transaction():
        mailing = _locked(mailing_id)
        account = db.session.get_one(Staff, staff_id)
        emails.mailing_test(mailing, account, now=now)
        _record("tested", mailing, staff_id, now)
        return account.email


def release(*, mailing_id: int, staff_id: int, now: datetime, seen_at: str = "") -> int:
    """Put a draft into the outbox, due in ten minutes; to how many it goes. Twice is once.

    Raises MailingRefused if it goes to nobody, is no draft any more, or is not the one that was
    read: `seen_at` is its `updated_at` then, in ISO format.
    """
    with transaction():
        mailing = _locked(mailing_id)
        if mailing.is_held(now):
            return mailing.recipients
        _check_draft(mailing)
        _check_read(mailing, seen_at)
        number = _release(mailing, now, due_at=now + HOLD, staff_id=staff_id)
        if not number:
            raise MailingRefused(_("Nobody would get this message: choose others."))
    return number


def schedule(
    *, mailing_id: int, staff_id: int, at: datetime, now: datetime, seen_at: str = ""
) -> None:
    """Let a draft go at a set time, to those who belong to its segment then. Twice is once.

    Raises MailingRefused for a time within the hold, for what is no draft, and for another text
    than the one that was read, as `release` does.
    """
    with transaction():
        mailing = _locked(mailing_id)
        if mailing.is_scheduled and mailing.due_at == at:
            return
        _check_draft(mailing)
        _check_read(mailing, seen_at)
        if at < now + HOLD:
            raise MailingRefused(_("Choose a time that is ten minutes from now or later."))
        mailing.state, mailing.due_at, mailing.updated_at = MailingState.SCHEDULED, at, now
        _record("scheduled", mailing, staff_id, now, at=at.isoformat(), segment=mailing.segment)


def release_due(*, now: datetime) -> int:
    """Put the scheduled mailings whose time has come into the outbox; how many mails.

    One of an event that was cancelled meanwhile, is not public any more, or is over while the
    message was to go before its end, is a draft again: it was written for an event to come. While
    a cancellation can be taken back, it waits for that. It is the event's message, and goes also
    where who wrote it works there no more (see `left_behind`).
    """
    due = select(Mailing.id).where(Mailing.state == MailingState.SCHEDULED, Mailing.due_at <= now)
    number = 0
    for mailing_id in db.session.scalars(due).all():
        with transaction():
            mailing = _locked_if_there(mailing_id)
            # Another worker was quicker, or staff took it back.
            if mailing is None or not mailing.is_scheduled:
                continue
            if mailing.is_overtaken and mailing.event.may_come_back(now):
                continue
            if mailing.is_overtaken or _was_missed(mailing, now):
                mailing.state, mailing.due_at = MailingState.DRAFT, None
                _record("kept_back", mailing, None, now)
                continue
            number += _release(mailing, now, due_at=now, staff_id=None)
    return number


def _was_missed(mailing: Mailing, now: datetime) -> bool:
    """Whether it was to go before the end of its event, and no worker ran until after it."""
    ends_at = mailing.event.ends_at
    return mailing.due_at is not None and mailing.due_at < ends_at <= now


def _release(mailing: Mailing, now: datetime, *, due_at: datetime, staff_id: int | None) -> int:
    """Fill the outbox; to how many it goes."""
    mailing.generation += 1
    mailing.state, mailing.due_at = MailingState.RELEASED, due_at
    mailing.updated_at = now
    db.session.flush()
    readers = segments.rsvps_of(mailing.event_id, Segment.from_json(mailing.segment))
    mailing.recipients = number = emails.mailing_released(mailing, readers, now=now)
    _record("released", mailing, staff_id, now, recipients=number, segment=mailing.segment)
    return number


def undo(*, mailing_id: int, staff_id: int, now: datetime) -> None:
    """Make a mailing that is held or scheduled a draft again. Twice is once.

    Raises MailingRefused if it is too late.
    """
    with transaction():
        mailing = _locked(mailing_id)
        if mailing.is_draft:
            return
        if not (mailing.is_scheduled or mailing.is_held(now)):
            raise MailingRefused(_("It is too late: the message is on its way."))
        emails.mailing_withdrawn(mailing_id, now=now)
        mailing.state, mailing.due_at = MailingState.DRAFT, None
        mailing.recipients, mailing.updated_at = 0, now
        _record("undone", mailing, staff_id, now)


def stop(*, mailing_id: int, staff_id: int, now: datetime) -> int:
    """Take back what has not gone of a mailing under way; how many mails that were.

    One that a worker holds at this moment may still go, and counts as sent then. Twice is once.
    Of a draft or a scheduled one nothing has been written: it stays as it is, and the number is 0.
    Raises MailingRefused where nothing is left to be taken back.
    """
    with transaction():
        mailing = _locked(mailing_id)
        if mailing.state is MailingState.STOPPED:
            return progress.of([mailing])[mailing_id].left_out
        if mailing.state is not MailingState.RELEASED:
            return 0
        number = emails.mailing_withdrawn(mailing_id, now=now)
        if not number:
            raise MailingRefused(_("It is too late: every mail has gone."))
        mailing.state = MailingState.STOPPED
        _record("stopped", mailing, staff_id, now, taken_back=number)
    return number


def copy(*, mailing_id: int, staff_id: int, now: datetime) -> Mailing:
    """A new draft that says the same to the same segment."""
    with transaction():
        old = db.session.get_one(Mailing, mailing_id)
        said = {"subject": old.subject, "body": old.body, "segment": old.segment}
        return _begin(old.event_id, said, staff_id, now, copy_of=mailing_id)


def _begin(
    event_id: int, said: dict[str, Any], staff_id: int, now: datetime, **detail: Any
) -> Mailing:
    mailing = Mailing(event_id=event_id, staff_id=staff_id, created_at=now, updated_at=now, **said)
    db.session.add(mailing)
    db.session.flush()
    _record("written", mailing, staff_id, now, **detail)
    return mailing


def left_behind(account: Staff) -> list[Mailing]:
    """What an account wrote that is scheduled, for events whose messages are not its business now.

    Its event's organisers can take it back.
    """
    scheduled = select(Mailing).where(
        Mailing.staff_id == account.id, Mailing.state == MailingState.SCHEDULED
    )
    if account.active and account.is_admin:
        return []
    if account.active and any(role.name == StaffRole.ORGANISER for role in account.roles):
        own = select(staff_events.c.event_id).where(staff_events.c.staff_id == account.id)
        scheduled = scheduled.where(Mailing.event_id.not_in(own))
    return list(db.session.scalars(scheduled.order_by(Mailing.due_at)))


def _check_draft(mailing: Mailing) -> None:
    if not mailing.is_draft:
        raise MailingRefused(_("This message has been released: it cannot be changed any more."))


def _check_read(mailing: Mailing, seen_at: str) -> None:
    if _was_changed(mailing, seen_at):
        raise MailingRefused(
            _("Somebody else has changed this message meanwhile. Read it again before it goes.")
        )


def _was_changed(mailing: Mailing, seen_at: str) -> bool:
    """Whether it is not what was seen then, its `updated_at` in ISO format; empty: unknown."""
    return bool(seen_at) and seen_at != mailing.updated_at.isoformat()


def _locked(mailing_id: int) -> Mailing:
    mailing = _locked_if_there(mailing_id)
    if mailing is None:
        raise MailingRefused(_("Somebody else has thrown this draft away."))
    return mailing


def _locked_if_there(mailing_id: int) -> Mailing | None:
    return db.session.scalars(
        select(Mailing).where(Mailing.id == mailing_id).with_for_update()
    ).one_or_none()


def _record(
    what: str, mailing: Mailing, staff_id: int | None, now: datetime, **detail: Any
) -> None:
    audit.record(
        f"mailing.{what}",
        now=now,
        actor="system",
        staff_id=staff_id,
        event_id=mailing.event_id,
        mailing=mailing.id,
        subject=mailing.subject,
        **detail,
    )
