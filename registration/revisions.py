"""What every change of an event keeps to.

It is refused in words for who asked, overwrites nothing that another has saved meanwhile, and
counts as a revision.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

from registration.models import Event


class EventRefused(Exception):
    """A change that cannot be made; its text is fit for who asked for it."""


class EditedMeanwhile(Exception):
    """Somebody else has saved the same part; `current` is what is saved now."""

    def __init__(self, current: dict[str, Any]) -> None:
        super().__init__("edited meanwhile")
        self.current = current


def fingerprint(values: Any) -> str:
    """What an editor keeps of the values it was filled with, to see whether they are the same."""

    def plain(value: Any) -> str:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        return str(value)

    text = json.dumps(values, sort_keys=True, default=plain)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def count(event: Event, now: datetime) -> None:
    """Count a change of the event, in the caller's transaction."""
    event.revision += 1
    event.updated_at = now


def loggable(value: Any) -> Any:
    """A value as the audit log keeps it."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value if isinstance(value, (int, bool, list)) or value is None else str(value)
