"""What an editor says of the scheduled messages that move with an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash
from flask_babel import ngettext

from registration import shifting
from registration.models import Event
from registration.times import now


@dataclass(frozen=True)
class Shift:
    """A scheduled message, and when it goes then; never for one that becomes a draft again."""

    subject: str
    before: datetime
    after: datetime | None


def moves(event: Event, changes: Mapping[str, Any]) -> list[Shift]:
    """The scheduled messages that these changes move; nothing is changed yet."""
    to = changes.get("starts_at", event.starts_at), changes.get("time_zone", event.time_zone)
    if to == (event.starts_at, event.time_zone):
        return []
    return [
        Shift(mailing.subject, mailing.due_at, due_at)
        for mailing, due_at in shifting.messages(event, *to, now=now())
        if mailing.due_at
    ]


def tell(moved: Sequence[Shift]) -> None:
    """Say on the next page what became of them: their text may be wrong by now."""
    drafts = sum(move.after is None for move in moved)
    if len(moved) > drafts:
        flash(
            ngettext(
                "%(num)d scheduled message moved with the event. Check that it is still right.",
                "%(num)d scheduled messages moved with the event. Check that they are still right.",
                len(moved) - drafts,
            ),
            "warn",
        )
    if drafts:
        flash(
            ngettext(
                "%(num)d scheduled message is a draft again, since its time has passed.",
                "%(num)d scheduled messages are drafts again, since their time has passed.",
                drafts,
            ),
            "warn",
        )
