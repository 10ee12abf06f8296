"""To many at once, whose rows a list has just made: one statement, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

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
