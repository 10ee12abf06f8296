"""Demo data: the announced event, a season around it, and as many RSVPs as one wants to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy.event
from sqlalchemy import select
from sqlalchemy.orm import Session

from registration.database import db
from registration.demo import announcement, registrations, season
from registration.demo.crowd import add_attendees
from registration.models import Event, MailState, OutboxMail

__all__ = ["add_attendees", "load"]

_EVENTS = {announcement.SLUG: announcement.make} | season.EVENTS | registrations.EVENTS


def load(*, now: datetime) -> int:
    """Make the demo events that are not there yet, known by their slugs; how many were made.

    The mails of their RSVPs stand in the outbox as sent: nobody reads at those addresses.
    """
    present = set(db.session.scalars(select(Event.slug).where(Event.slug.in_(_EVENTS))))
    missing = [make for slug, make in _EVENTS.items() if slug not in present]
    with _mails_as_sent():
        for make in missing:
            make(now)
    return len(missing)


@contextmanager
def _mails_as_sent() -> Iterator[None]:
    """Write mails as sent, in the transaction that writes them: a worker may be running."""

    def mark(session: Session, _context: Any, _instances: Any) -> None:
        for row in session.new:
            if isinstance(row, OutboxMail):
                row.state, row.attempts, row.ended_at = MailState.SENT, 1, row.created_at

    session = db.session()
    sqlalchemy.event.listen(session, "before_flush", mark)
    try:
        yield
    finally:
        sqlalchemy.event.remove(session, "before_flush", mark)
