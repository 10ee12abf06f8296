"""Who asked to be told when an event's RSVPs open: one mail each, and the address goes.

Each public function that writes is one transaction, or one for each chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, delete, func, select

from registration import emails, listing
from registration.database import db, transaction
from registration.models import (
    LIVE,
    Event,
    MailKind,
    OpeningReminder,
    OutboxMail,
    RegistrationKind,
    Rsvp,
)
from registration.writing import insert_unless_there, write_rows

#: Mails written in one transaction.
CHUNK = 500


def opens_at(event: Event, now: datetime) -> datetime | None:
    """When the RSVPs of an event open; None where some can be sent already, or it is not known."""
    if event.registration is not RegistrationKind.BUILT_IN or not event.takes_place(now):
        return None
    if _is_open(event, now):
        return None
    return listing.opens_next(listing.options_of(event), event, now)


def ask(*, event_id: int, email: str, language: str, now: datetime) -> None:
    """Keep an address until RSVPs open. Twice is once, and nobody learns of the first time."""
    with transaction():
        db.session.execute(
            insert_unless_there(OpeningReminder).values(
                event_id=event_id, email=email, language=language, created_at=now
            )
        )


def asked(event_id: int) -> int:
    """How many wait to be told."""
    waiting = select(func.count()).where(OpeningReminder.event_id == event_id)
    return db.session.scalar(waiting) or 0


def tell_due(*, now: datetime) -> int:
    """Mail one chunk of those whose event has opened; how many are done. Cheap while none is.

    Of an event that is over, cancelled for good or takes its RSVPs elsewhere they are forgotten.
    """
    waiting = db.session.scalars(
        select(Event).where(Event.id.in_(select(OpeningReminder.event_id)))
    ).all()
    done = 0
    for event in waiting:
        is_elsewhere = event.registration is not RegistrationKind.BUILT_IN
        is_off = event.is_off(now) and not event.may_come_back(now)
        if is_off or is_elsewhere:
            done += _take(event.id, now, tells=False)
        elif event.is_published and _is_open(event, now):
            done += _take(event.id, now, tells=True)
    return done


def _is_open(event: Event, now: datetime) -> bool:
    return any(option.is_offered(event, now) for option in listing.options_of(event))


def _take(event_id: int, now: datetime, *, tells: bool) -> int:
    """Take some addresses away, each for one worker alone, and mail them if it `tells`."""
    with transaction():
        some = (
            select(OpeningReminder.id)
            .where(OpeningReminder.event_id == event_id)
            .order_by(OpeningReminder.id)
            .limit(CHUNK)
        )
        taken = db.session.execute(
            delete(OpeningReminder)
            .where(OpeningReminder.id.in_(some))
            .returning(OpeningReminder.email, OpeningReminder.language, OpeningReminder.created_at)
            .execution_options(synchronize_session=False)
        ).all()
        if tells and taken:
            _mail(event_id, taken, now)
    return len(taken)


def _mail(event_id: int, taken: Sequence[Row[str, str, datetime]], now: datetime) -> None:
    """Write the mails to those who were taken, as (address, language, when they asked)."""
    # Staff may have put them on the list meanwhile.
    there = set(
        db.session.scalars(
            select(Rsvp.email).where(
                Rsvp.event_id == event_id,
                Rsvp.status.in_(LIVE),
                Rsvp.email.in_([person.email for person in taken]),
            )
        )
    )
    rows = [
        emails.row(
            MailKind.OPENED,
            # Not by its number: SQLite gives that of a deleted row again.
            f"{event_id}.{person.created_at.timestamp()}",
            recipient=person.email,
            language=person.language,
            event_id=event_id,
            forgets=True,
            now=now,
        )
        for person in taken
        if person.email not in there
    ]
    write_rows(OutboxMail, rows)
