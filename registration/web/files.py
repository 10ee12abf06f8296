"""Answers that are files: what they are called, and whether they are kept or shown."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from registration import entries, itip
from registration.models import Rsvp


def file(
    body: str | bytes | Iterable[bytes], name: str, content_type: str, *, inline: bool = False
) -> Response:
    """A file to be kept under this name; `inline`, it is shown first."""
    answer = Response(body, content_type=content_type)
    how = "inline" if inline else "attachment"
    answer.headers["Content-Disposition"] = f'{how}; filename="{name}"'
    return answer


def calendar_file(body: bytes, name: str) -> Response:
    """A calendar to be kept."""
    return file(body, f"{name}.ics", "text/calendar; charset=utf-8")


def own_entry(rsvp: Rsvp) -> Response:
    """An attendee's own entry: the same UID as in the mails, so it is never twice."""
    entry = entries.of_rsvp(rsvp, max(rsvp.ical_sequence, 0))
    return calendar_file(itip.publish([entry], now=rsvp.updated_at), rsvp.event.slug)
