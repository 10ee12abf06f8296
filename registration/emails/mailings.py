"""What staff write to many: tried on themselves, mailed to its readers, taken back."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Select, String, cast, insert, literal

from registration.database import JSON_DOCUMENT, UTCDateTime, count_changed
from registration.emails import rows
from registration.models import Mailing, MailKind, MailState, OutboxMail, Rsvp, Staff


def mailing_test(mailing: Mailing, account: Staff, *, now: datetime) -> None:
    """Mail a draft to an account as it is now, with the account's name and nobody's links."""
    rows.write(
        MailKind.MAILING,
        f"test.{mailing.id}.{now.timestamp()}",
        recipient=account.email,
        recipient_name=account.name,
        now=now,
        event=mailing.event,
        language=mailing.event.language,
        facts={
            "test": True,
            "name": account.name or account.email,
            "subject": mailing.subject,
            "body": mailing.body,
        },
    )


def mailing_released(mailing: Mailing, readers: Select[int], *, now: datetime) -> int:
    """Mail it to its readers (ids of RSVPs) when it is due; how many they are.

    One statement writes all rows, whatever their number.
    """
    assert mailing.due_at is not None
    rsvp_id = cast(Rsvp.id, String)
    token = secrets.token_hex(10)
    domain = current_app.config["MAIL_DOMAIN"]
    columns: dict[str, Any] = {
        "key": literal(f"{MailKind.MAILING}:{mailing.id}.{mailing.generation}:") + rsvp_id,
        "kind": literal(str(MailKind.MAILING), String),
        "state": literal(str(MailState.WAITING), String),
        "recipient": Rsvp.email,
        "recipient_name": Rsvp.name,
        "language": Rsvp.language,
        "event_id": Rsvp.event_id,
        "rsvp_id": Rsvp.id,
        "mailing_id": literal(mailing.id),
        "facts": literal({}, JSON_DOCUMENT),
        "created_at": literal(now, UTCDateTime()),
        "due_at": literal(mailing.due_at, UTCDateTime()),
        "attempts": literal(0),
        "last_error": literal("", String),
        "message_id": literal(f"<{token}.") + rsvp_id + literal(f"@{domain}>"),
    }
    chosen = readers.with_only_columns(*columns.values()).order_by(Rsvp.id)
    return count_changed(
        insert(OutboxMail).from_select(list(columns), chosen, include_defaults=False)
    )


def mailing_withdrawn(mailing_id: int, *, now: datetime) -> int:
    """Take back the mails of a mailing that have not gone; how many they were."""
    return rows.withdraw(OutboxMail.mailing_id == mailing_id, now=now)
