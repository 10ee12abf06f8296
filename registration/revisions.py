"""What every change of an event keeps to.

It is refused in words for who asked, overwrites nothing that another has saved meanwhile, and
counts as a revision.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from registration.models import Event

Row = Mapping[str, Any]
#: A field that holds the id of another row, and the rows that it may be of.
Referred = tuple[str, Sequence[Row]]


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


def row_changes(
    before: Sequence[Row], after: Sequence[Row], sent: Sequence[Row], *, referred: Referred
) -> dict[str, Any]:
    """What an edit of a list has added, removed, changed and moved, as the audit log keeps it.

    Rows are called by their names, also those that a field refers to: nobody knows them by their
    ids.
    """
    was = {row["id"]: row for row in before}
    kept = [row["id"] for row in sent if row.get("id") in was]
    # By what was kept: SQLite gives the number of a row that went to one that came.
    now_is = {row["id"]: row for row in after if row["id"] in kept}
    names, (referring, others) = _names(list(now_is.values())), referred
    called = _names(others)

    def told(field: str, value: Any) -> Any:
        return loggable(called.get(value, value) if field == referring else value)

    return {
        "added": [_name(row) for row in sent if row.get("id") not in was],
        "removed": [_name(row) for row in before if row["id"] not in kept],
        "changes": {
            f"{names[known]}, {field}": [told(field, was[known][field]), told(field, value)]
            for known, row in now_is.items()
            for field, value in row.items()
            if value != was[known][field]
        },
        "moved": kept != [known for known in was if known in kept],
    }


def _names(rows: Sequence[Row]) -> dict[int, str]:
    """What each row is called, by its id; a number tells apart those that are called the same."""
    times, seen = Counter(_name(row) for row in rows), Counter[str]()
    named = {}
    for row in rows:
        name = _name(row)
        seen[name] += 1
        named[row["id"]] = f"{name} #{seen[name]}" if times[name] > 1 else name
    return named


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("label") or row.get("title") or row.get("mode"))
