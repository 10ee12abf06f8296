"""The row of one mail, and how a later one takes the place of those that wait."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, select, update

from registration.database import count_changed, db
from registration.models import (
    NO_ADDRESS,
    SECOND_PRESS,
    Announcement,
    Event,
    Invitation,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    Speaker,
)
from registration.writing import write_rows

#: What tells one person alone that their RSVP has ended.
ENDS = (MailKind.CANCELLED, MailKind.REJECTED)


def write(
    kind: MailKind,
    what: str,
    *,
    recipient: str,
    now: datetime,
    event: Event | None = None,
    rsvp: Rsvp | None = None,
    speaker: Speaker | None = None,
    invitation: Invitation | None = None,
    announcement: Announcement | None = None,
    **more: Any,
) -> None:
    """Write one row. `what` names the change: the same change cannot be mailed twice.

    Who has given no address, or whose address was taken away, is mailed nothing.
    """
    if not recipient or recipient.endswith(NO_ADDRESS):
        return
    about: dict[str, Any] = {
        "event_id": event.id if event else None,
        "rsvp_id": rsvp.id if rsvp else None,
        "speaker_id": speaker.id if speaker else None,
        "invitation_id": invitation.id if invitation else None,
        "announcement_id": announcement.id if announcement else None,
    }
    write_rows(OutboxMail, [row(kind, what, recipient=recipient, now=now, **about, **more)])


def row(
    kind: MailKind,
    what: str,
    *,
    recipient: str,
    now: datetime,
    whose: str = "",
    recipient_name: str = "",
    language: str = "",
    ical_sequence: int | None = None,
    facts: dict[str, Any] | None = None,
    due_at: datetime | None = None,
    **about: int | None,
) -> dict[str, Any]:
    """The columns of one mail, for those who write many at once; `about` are its foreign keys.

    Without a language it is in that of the house, whoever reads the page that writes it. `whose`
    stands for a recipient whose address may change, where that must not make another mail of it.
    """
    key = f"{kind}:{what}:{whose or recipient}"
    return about | {
        "key": key,
        "kind": kind,
        "state": MailState.WAITING,
        "recipient": recipient,
        "recipient_name": recipient_name,
        "language": language or current_app.config["LANGUAGES"][0],
        "ical_sequence": ical_sequence,
        "facts": facts or {},
        "created_at": now,
        "due_at": due_at or now,
        "message_id": message_id(key),
    }


def was_just_written(which: ColumnElement[bool], *, now: datetime) -> bool:
    """Whether such a mail was written a moment ago: its button was pressed twice."""
    just_now = OutboxMail.created_at > now - SECOND_PRESS
    return db.session.scalar(select(OutboxMail.id).where(which, just_now).limit(1)) is not None


def message_id(key: str) -> str:
    """The Message-ID of a row: the same for every try, so that a repeat is the same message."""
    secret = str(current_app.config["SECRET_KEY"])
    digest = hashlib.blake2b(f"{secret}:{key}".encode(), digest_size=16).hexdigest()
    return f"<{digest}@{current_app.config['MAIL_DOMAIN']}>"


class Superseded(NamedTuple):
    """What the mails said that have given way: to one person, about one RSVP or one part."""

    had_calendar_part: bool
    facts: list[dict[str, Any]]


def supersede(whose: Any, now: datetime, *, mailings_too: bool = False) -> Superseded:
    """Let mails that still wait give way: they say what is no longer so. What they said.

    What staff wrote holds until an RSVP ends: it gives way with `mailings_too` alone.
    """
    waiting = to_its_reader()
    if not mailings_too:
        waiting &= OutboxMail.mailing_id.is_(None)
    superseded = db.session.execute(
        update(OutboxMail)
        .where(whose, waiting)
        .values(state=MailState.SUPERSEDED, ended_at=now)
        .returning(OutboxMail.ical_sequence, OutboxMail.facts)
        .execution_options(synchronize_session=False)
    ).all()
    had_calendar_part = any(sequence is not None for sequence, _facts in superseded)
    return Superseded(had_calendar_part, [facts for _sequence, facts in superseded])


def withdraw(which: ColumnElement[bool], *, now: datetime) -> int:
    """Take back those of these mails that have not gone; how many they were."""
    return count_changed(
        update(OutboxMail)
        .where(which, OutboxMail.state == MailState.WAITING)
        .values(state=MailState.WITHDRAWN, ended_at=now)
    )


def to_its_reader() -> ColumnElement[bool]:
    """The condition that a mail waits, and is not the last one to an address before."""
    return (OutboxMail.state == MailState.WAITING) & (OutboxMail.kind != MailKind.READDRESSED)
