"""Demo data: the announced event, a season around it, and as many RSVPs as one wants to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy.event
from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registration.database import db, transaction
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
    with _mails_as_sent(set(_EVENTS) - present):
        for make in missing:
            make(now)
    _set_retention(set(_EVENTS) - present, now)
    return len(missing)


def _set_retention(slugs: set[str], now: datetime) -> None:
    """Give those that are ahead their day; of those that are over there would be nobody to see."""
    with transaction():
        db.session.execute(
            update(Event)
            .where(Event.slug.in_(slugs), Event.ends_at > now)
            .values(retention_days=current_app.config["RETENTION_DAYS"])
            .execution_options(synchronize_session=False)
        )


@contextmanager
def _mails_as_sent(slugs: set[str]) -> Iterator[None]:
    """Let mails about these events count as sent, in the transaction that writes them.

    Afterwards would be too late: a worker may be running.
    """
    theirs = OutboxMail.event_id.in_(select(Event.id).where(Event.slug.in_(slugs)))
    as_sent = (
        update(OutboxMail)
        .where(OutboxMail.state == MailState.WAITING, theirs)
        .values(state=MailState.SENT, attempts=1, ended_at=OutboxMail.created_at)
        .execution_options(synchronize_session=False)
    )

    def mark(session: Session) -> None:
        session.execute(as_sent)

    session = db.session()
    sqlalchemy.event.listen(session, "before_commit", mark)
    try:
        yield
    finally:
        sqlalchemy.event.remove(session, "before_commit", mark)
