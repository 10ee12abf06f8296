"""What the audit log has kept of a change, in words: what was there, and what is there now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask_babel import format_decimal, gettext

from registration import exports, wording
from registration.models import AuditEntry, MailKind
from registration.web.staff.field_names import FIELDS, VALUES
from registration.web.staff.words import ACTION_NAMES, MAIL_NAMES

#: Keys of a detail that are no more than ids, or said elsewhere.
_UNSPOKEN = {
    "option", "party_size", "search", "way", "status", "access", "changes", "before",
    "after", "mailing", "mail", "speaker_id", "attendee_id", "question_id", "how",
}  # fmt: skip
#: What was to be told to everybody, by the kind of announcement.
_TOLD = {"changed": ACTION_NAMES["event.edited"], "cancelled": ACTION_NAMES["event.cancelled"]}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
#: A text longer than this is shown by its beginning.
_LONGEST = 160


def init_app(app: Flask) -> None:
    """Let the staff's templates say what changed."""
    app.jinja_env.globals["difference"] = difference


def difference(entry: AuditEntry, zone: ZoneInfo) -> list[str]:
    """What changed, one line for each field; instants in `zone`."""
    lines = [
        gettext(
            "%(field)s: %(before)s → %(after)s",
            field=_named(name),
            before=wording.isolated(_spoken(before, zone, name)),
            after=wording.isolated(_spoken(after, zone, name)),
        )
        for name, (before, after) in _changes(entry).items()
    ]
    lines.extend(
        _kind(entry, value)
        if name == "kind"
        else gettext("%(field)s: %(value)s", field=_named(name), value=_spoken(value, zone, name))
        for name, value in entry.detail.items()
        if name not in _UNSPOKEN and value not in ("", None, False, [], {})
    )
    return lines


def _kind(entry: AuditEntry, value: str) -> str:
    """What a mail was, or what was to be told to everybody."""
    is_mail = entry.action.startswith("mail.")
    return str(MAIL_NAMES[MailKind(value)] if is_mail else _TOLD[value])


def _changes(entry: AuditEntry) -> dict[str, tuple[Any, Any]]:
    """What was and what is, by field."""
    detail = entry.detail
    changes = {name: (before, after) for name, (before, after) in _dict(detail, "changes").items()}
    after = _dict(detail, "after")
    before = _dict(detail, "before")
    changes.update({name: (before.get(name), after.get(name)) for name in after})
    if "after" in detail and not after:  # of one number
        name = "capacity" if entry.action == "option.capacity" else "rows"
        changes[name] = (detail.get("before"), detail["after"])
    return changes


def _dict(detail: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = detail.get(name)
    return found if isinstance(found, dict) else {}


def _named(name: str) -> str:
    """A field in words; that of a row after the row's own name: "Amina Bell, email address"."""
    row, _comma, own = name.rpartition(", ")
    words = str(FIELDS.get(own) or own.replace("_", " "))
    return f"{_way(row)}, {words}" if row else words


def _way(row: str) -> str:
    """A row's name: a way to attend without one is called by its mode, and numbered of two."""
    name, mark, number = row.partition(" #")
    return f"{VALUES['mode'].get(name, name)}{mark}{number}"


def _spoken(value: object, zone: ZoneInfo, name: str) -> str:
    """A value of the field `name`."""
    own = name.rpartition(", ")[2]
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return str(format_decimal(value))
    if isinstance(value, list):
        return ", ".join(_spoken(each, zone, name) for each in value) or "–"
    if isinstance(value, dict):
        return ", ".join(
            f"{_spoken(each, zone, key)} {_named(key)}"
            if isinstance(each, int)
            else _spoken(each, zone, key)
            for key, each in value.items()
            if key not in _UNSPOKEN and key != "option_id"
        )
    text = str(value) if value not in ("", None) else "–"
    if text in VALUES.get(own, {}):
        return str(VALUES[own][text])
    if own == "option_id":
        return _way(text)
    if own == "language" and text != "–":
        return wording.language_name(text)
    if own == "columns":
        return exports.label_of(text)
    if _INSTANT.match(text):
        return wording.moment(datetime.fromisoformat(text), zone)
    if own == "part":
        return _named(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()}…"
