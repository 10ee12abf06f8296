"""To the members of staff themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from registration.emails import rows
from registration.models import MailKind, Staff


def to_account(
    account: Staff,
    about: str,
    *,
    path: str,
    now: datetime,
    to: str = "",
    inviter: str = "",
    address: str = "",
) -> None:
    """Write to a member of staff about their account, at its address or another one of theirs.

    `about` is one of the letters of letters/accounts.py, `path` the page that it leads to;
    `address` is what it tells of.
    """
    rows.write(
        MailKind.STAFF,
        f"{about}.{account.id}.{now.timestamp()}",
        recipient=to or account.email,
        recipient_name=account.name,
        now=now,
        facts={"about": about, "path": path, "inviter": inviter, "address": address},
    )


def staff_digest(
    account: Staff,
    what: str,
    *,
    events: list[dict[str, Any]],
    since: datetime | None,
    until: datetime,
    now: datetime,
) -> None:
    """Tell a member of staff the numbers of the day until then, or `since`. `what` names the day.

    The row keeps until when it tells: the next digest goes on from there.
    """
    rows.write(
        MailKind.STAFF,
        what,
        whose=str(account.id),
        recipient=account.email,
        recipient_name=account.name,
        now=now,
        facts={
            "about": "digest",
            "events": events,
            "since": since and since.date().isoformat(),
            "told_until": until.isoformat(),
        },
    )
