"""What the audit log has kept of a change, in words: what was there, and what is there now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from registration import wording
from registration.models import AuditEntry, MailKind
from registration.web.staff.words import MAIL_NAMES

#: Keys of a detail that are no more than ids, or said elsewhere.
_UNSPOKEN = {
    "option", "party_size", "sensitive", "search", "way", "status", "access", "changes", "before",
    "after", "mailing", "mail", "speaker_id",
}  # fmt: skip
#: What fields and facts are called; others by their own name.
_NAMES: dict[str, object] = {
    "access_note": _("access needs"),
    "account": _("account"),
    "added": _("added"),
    "address": _("address"),
    "agenda": _("programme"),
    "at": _("at"),
    "audio_url": _("audio"),
    "capacity": _("capacity"),
    "changed": _("changed"),
    "code": _("code"),
    "consent": _("what people agree to"),
    "contact_email": _("contact’s email address"),
    "description": _("description"),
    "doors_at": _("doors open"),
    "email": _("email address"),
    "ends_at": _("ends"),
    "events": _("events"),
    "file": _("file"),
    "guests_max": _("guests a person may bring"),
    "hashtag": _("hashtag"),
    "image": _("picture"),
    "image_alt": _("what the picture shows"),
    "job_title": _("job title"),
    "language": _("language"),
    "mailed": _("with mail"),
    "moved": _("in another order"),
    "name": _("name"),
    "options": _("ways to attend"),
    "organisation": _("organisation"),
    "original": _("copy of"),
    "part": _("part"),
    "people": _("people"),
    "promotes_automatically": _("the waitlist moves by itself"),
    "publications": _("publications"),
    "questions": _("questions"),
    "reason": _("reason"),
    "recipient": _("to"),
    "recipients": _("people"),
    "registration_closes_at": _("RSVPs close"),
    "registration_opens_at": _("RSVPs open"),
    "removed": _("removed"),
    "role": _("role"),
    "rows": _("rows"),
    "rsvps": _("RSVPs"),
    "segment": _("to"),
    "slug": _("address of the page"),
    "source": _("stream"),
    "speaker": _("speaker"),
    "starts_at": _("starts"),
    "subject": _("subject"),
    "summary": _("summary"),
    "taken_back": _("taken back"),
    "time_zone": _("time zone"),
    "title": _("title"),
    "uses": _("uses"),
    "venue_address": _("address of the venue"),
    "venue_name": _("venue"),
    "visibility": _("who finds the event"),
    # What became of the rows of a list, and whom a message is to
    "seated": _("with a seat or a link"),
    "waits": _("on the waitlist"),
    "invited": _("invited"),
    "full": _("full"),
    "exists": _("there already"),
    "duplicate": _("twice in the list"),
    "no_address": _("without an address"),
    "bad_address": _("with a wrong address"),
    "no_name": _("without a name"),
    "unknown_option": _("with an unknown way to attend"),
    "too_many_guests": _("with too many guests"),
    "bad_answer": _("with a wrong answer"),
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
#: A text longer than this is shown by its beginning.
_LONGEST = 160


def init_app(app: Flask) -> None:
    """Let the staff's templates say what changed."""
    app.jinja_env.globals["difference"] = difference


def difference(entry: AuditEntry, zone: ZoneInfo) -> list[str]:
    """What changed, one line for each field; instants in `zone`."""
    detail = entry.detail
    lines = [
        gettext(
            "%(field)s: %(before)s → %(after)s",
            field=_named(name),
            before=_spoken(before, zone),
            after=_spoken(after, zone),
        )
        for name, (before, after) in _changes(entry).items()
    ]
    lines.extend(
        str(MAIL_NAMES[MailKind(value)])
        if name == "kind"
        else f"{_named(name)}: {_spoken(value, zone)}"
        for name, value in detail.items()
        if name not in _UNSPOKEN and value not in ("", None, False, [], {})
    )
    return lines


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
    row, _dot, own = name.rpartition(", ")
    words = str(_NAMES.get(own) or own.replace("_", " "))
    return f"{row}, {words}" if row else words


def _spoken(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(_spoken(each, zone) for each in value) or "–"
    if isinstance(value, dict):
        return ", ".join(
            f"{each} {_named(name)}" if isinstance(each, int) else _spoken(each, zone)
            for name, each in value.items()
        )
    text = str(value) if value not in ("", None) else "–"
    if _INSTANT.match(text):
        return wording.moment(datetime.fromisoformat(text), zone)
    if text in _NAMES:
        return _named(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()}…"
