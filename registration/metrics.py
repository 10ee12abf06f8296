"""What a monitor watches, in the text format of Prometheus: numbers of the house, of nobody in it.

They come from the database, so that any web process gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from registration import outbox, retention
from registration.database import db
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    MailState,
    OutboxMail,
)

Sample = tuple[str, float]


def exposition(*, now: datetime) -> str:
    """All of them, each with what it means (Prometheus exposition formats, text 0.0.4)."""
    lines: list[str] = []
    for name, meaning, samples in _gauges(now):
        name = f"registration_{name}"
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{labels} {number:.15g}" for labels, number in samples]
    return "\n".join(lines) + "\n"


def _gauges(now: datetime) -> Iterator[tuple[str, str, list[Sample]]]:
    yield "mails", "Mails that wait to go, and those that were given up.", _mails()
    yield "oldest_mail_seconds", "How long the oldest mail that may go has waited.", _oldest(now)
    yield "worker_seconds", "Since a worker was last heard of; nothing if never.", _worker(now)
    yield (
        "erasures_overdue",
        "Events whose data should have gone by now.",
        [("", retention.overdue(now=now))],
    )
    coming = list(_coming(now))
    yield (
        "seats_taken",
        "Seats taken at events to come.",
        [(mode, taken) for mode, taken, _ in coming],
    )
    yield (
        "waiting",
        "Parties waiting for seats there.",
        [(mode, number) for mode, _, number in coming],
    )


def _mails() -> list[Sample]:
    watched = (MailState.WAITING, MailState.FAILED)
    found = dict(
        db.session.execute(
            select(OutboxMail.state, func.count())
            .where(OutboxMail.state.in_(watched))
            .group_by(OutboxMail.state)
        ).all()
    )
    return [(f'{{state="{state}"}}', found.get(state, 0)) for state in watched]


def _oldest(now: datetime) -> list[Sample]:
    """Those that were tried in vain wait too; those that are held back so far do not."""
    oldest = db.session.scalar(
        select(func.min(OutboxMail.created_at)).where(
            OutboxMail.state == MailState.WAITING,
            (OutboxMail.due_at <= now) | (OutboxMail.attempts > 0),
        )
    )
    return [("", (now - oldest).total_seconds() if oldest else 0)]


def _worker(now: datetime) -> list[Sample]:
    last = outbox.last_beat()
    return [("", (now - last).total_seconds())] if last else []


def _coming(now: datetime) -> Iterator[tuple[str, int, int]]:
    """Of each way to attend: seats taken and parties waiting."""
    rows = db.session.execute(
        select(
            AttendanceOption.mode,
            func.sum(AttendanceOption.seats_taken),
            func.sum(AttendanceOption.waiting),
        )
        .join(Event, Event.id == AttendanceOption.event_id)
        .where(Event.status == EventStatus.PUBLISHED, Event.ends_at > now)
        .group_by(AttendanceOption.mode)
    )
    found = {mode: (taken, waiting) for mode, taken, waiting in rows}
    for mode in AttendanceMode:
        yield f'{{mode="{mode}"}}', *found.get(mode, (0, 0))
