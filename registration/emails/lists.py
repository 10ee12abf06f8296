"""To many at once, whose rows a list has just made: one statement, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_

from registration import rowsets
from registration.emails import rows
from registration.models import NO_ADDRESS, Event, MailKind, OutboxMail

#: The id of the row, address, name, language.
Listed = tuple[int, str, str, str]


def list_invited(invited: Sequence[Listed], *, event: Event, now: datetime) -> None:
    """Invite many, as `invitation` invites one."""
    _write(
        [
            rows.row(
                MailKind.INVITATION,
                f"{number}.{now.timestamp()}",
                recipient=address,
                recipient_name=name,
                now=now,
                language=language or event.language,
                invitation_id=number,
            )
            for number, address, name, language in invited
        ],
        event,
    )


def list_reminded(
    invited: Sequence[Listed], *, event: Event, until: datetime, now: datetime, due_at: datetime
) -> None:
    """Remind many of their invitation when it is due; of no use from `until` on."""
    _write(
        [
            rows.row(
                MailKind.INVITATION_REMINDER,
                f"{number}.{now.timestamp()}",
                recipient=address,
                recipient_name=name,
                now=now,
                due_at=due_at,
                language=language or event.language,
                facts={"until": until.isoformat()},
                invitation_id=number,
            )
            for number, address, name, language in invited
        ],
        event,
    )


def reminders_withdrawn(event: Event, *, now: datetime) -> int:
    """Take back the reminders that no worker has in hand yet; how many they were."""
    return rows.withdraw(
        and_(
            OutboxMail.event_id == event.id,
            OutboxMail.kind == MailKind.INVITATION_REMINDER,
            OutboxMail.attempts == 0,
        ),
        now=now,
    )


def list_answered(kind: MailKind, people: Sequence[Listed], *, event: Event, now: datetime) -> None:
    """Tell many new RSVPs that they are confirmed, with their first REQUEST, or that they wait."""
    _write(
        [
            rows.row(
                kind,
                f"{number}.0",
                recipient=address,
                recipient_name=name,
                now=now,
                language=language,
                ical_sequence=0 if kind is MailKind.CONFIRMED else None,
                rsvp_id=number,
            )
            for number, address, name, language in people
            if not address.endswith(NO_ADDRESS)
        ],
        event,
    )


def _write(mails: Sequence[dict[str, Any]], event: Event) -> None:
    """Write rows of one kind and one moment."""
    equal = ("created_at", "due_at", "kind", "state")
    rowsets.write(
        OutboxMail,
        [{name: value for name, value in mail.items() if name not in equal} for mail in mails],
        same={"event_id": event.id} | {name: mails[0][name] for name in equal if mails},
    )
