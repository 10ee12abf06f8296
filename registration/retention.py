"""What goes by itself some time after an event: sensitive answers soon, personal data on its date.

An erasure is found due again and again until it is done, some dozen RSVPs in each transaction:
nobody waits for long, and a worker that is killed leaves nothing out. What is counted stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, exists, select

from registration import audit, forgetting, seating
from registration.database import db, transaction
from registration.models import Erasure, ErasureKind, Event, PendingImport, Rsvp
from registration.writing import insert_unless_there

#: RSVPs that one transaction looks at.
CHUNK = 50
_INVITATIONS = 1000


def due_at(event: Event, kind: ErasureKind) -> datetime | None:
    """When this goes; None: nobody has set a date."""
    return event.erases_at if kind is ErasureKind.PERSONAL else sensitive_due_at(event)


def sensitive_due_at(event: Event) -> datetime:
    """When access needs and sensitive answers go: soon, and never later than the rest."""
    sensitive = event.ends_at + timedelta(days=current_app.config["SENSITIVE_DAYS"])
    return min(sensitive, event.erases_at or sensitive)


def personal_erased_at(event: Event) -> datetime | None:
    """When its personal data went; None: it is still there, or is on its way."""
    return db.session.scalar(
        select(Erasure.ended_at).where(
            Erasure.event_id == event.id,
            Erasure.kind == ErasureKind.PERSONAL,
            Erasure.ends_at == event.ends_at,
        )
    )


def erase_due(*, now: datetime) -> int:
    """Erase one chunk of each event whose date has come; 0 when there is nothing more.

    Cheap while none is due.
    """
    done = forgetting.forget_last_mails(now=now)
    for kind in ErasureKind:
        for event in _events_due(kind, now):
            done += _erase_chunk(kind, event.id, now)
    return done


def overdue(*, now: datetime) -> int:
    """How many erasures should have been done by now."""
    return sum(len(_events_due(kind, now)) for kind in ErasureKind)


def _events_due(kind: ErasureKind, now: datetime) -> Sequence[Event]:
    is_done = exists().where(
        Erasure.event_id == Event.id,
        Erasure.kind == kind,
        Erasure.ends_at == Event.ends_at,
        Erasure.ended_at.is_not(None),
    )
    over = select(Event).where(Event.ends_at <= now, ~is_done).order_by(Event.ends_at)
    if kind is ErasureKind.PERSONAL:
        over = over.where(Event.retention_days.is_not(None))
    return [event for event in db.session.scalars(over).all() if _is_due(event, kind, now)]


def _is_due(event: Event, kind: ErasureKind, now: datetime) -> bool:
    at = due_at(event, kind)
    return at is not None and at <= now


def _erase_chunk(kind: ErasureKind, event_id: int, now: datetime) -> int:
    """One transaction of an erasure: 1 as long as there is more to do."""
    reached, rsvp_ids = _next_chunk(kind, event_id)
    with transaction():
        event = seating.lock(event_id).event
        erasure = _erasure_of(event, kind, now)
        if erasure.ended_at is not None or not _is_due(event, kind, now):
            return 0  # another worker was here, or the event has been moved
        if erasure.reached_id != reached:
            return 1
        if rsvp_ids:
            _erase(erasure, event, rsvp_ids, now)
            erasure.reached_id = rsvp_ids[-1]
        if len(rsvp_ids) == CHUNK:
            return 1
        if kind is ErasureKind.SENSITIVE:
            forgetting.forget_needs_of_speakers(event_id)
        else:
            gone = forgetting.forget_invitations(event_id, now=now, limit=_INVITATIONS)
            if gone == _INVITATIONS:
                return 1
            forgetting.forget_speakers(event_id, now=now)
            _forget_the_rest(event_id)
        erasure.ended_at = now
        if erasure.rsvps:
            audit.record(
                f"event.{kind}_erased",
                now=now,
                actor="system",
                event_id=event_id,
                rsvps=erasure.rsvps,
            )
        return 1


def _next_chunk(kind: ErasureKind, event_id: int) -> tuple[int, list[int]]:
    """How far an erasure is, and the RSVPs that come next. Looked up before the lock is taken."""
    reached = (
        db.session.scalar(
            select(Erasure.reached_id)
            .join(Event, Event.id == Erasure.event_id)
            .where(
                Erasure.event_id == event_id,
                Erasure.kind == kind,
                Erasure.ends_at == Event.ends_at,
            )
        )
        or 0
    )
    ids = db.session.scalars(
        select(Rsvp.id)
        # The sum leaves the indexes of the event, which would all be sorted, for that of the ids.
        .where(Rsvp.event_id + 0 == event_id, Rsvp.id > reached)
        .order_by(Rsvp.id)
        .limit(CHUNK)
    )
    return reached, list(ids)


def _erasure_of(event: Event, kind: ErasureKind, now: datetime) -> Erasure:
    """The erasure of this event as it was held; made where there is none."""
    db.session.execute(
        insert_unless_there(Erasure).values(
            event_id=event.id,
            kind=kind,
            ends_at=event.ends_at,
            reached_id=0,
            rsvps=0,
            needs={},
            created_at=now,
        )
    )
    return db.session.scalars(
        select(Erasure)
        .where(
            Erasure.event_id == event.id,
            Erasure.kind == kind,
            Erasure.ends_at == event.ends_at,
        )
        .execution_options(populate_existing=True)
    ).one()


def _erase(erasure: Erasure, event: Event, rsvp_ids: Sequence[int], now: datetime) -> None:
    number, needs = forgetting.forget_sensitive(event, rsvp_ids)
    erasure.needs = dict(Counter(erasure.needs) + Counter(needs))
    if erasure.kind is ErasureKind.PERSONAL:
        number = forgetting.forget(event.id, rsvp_ids, now=now)
    erasure.rsvps += number


def _forget_the_rest(event_id: int) -> None:
    """What belongs to no RSVP: addresses in the log, lists not taken in, words staff searched."""
    forgetting.forget_address(event_id)
    db.session.execute(delete(PendingImport).where(PendingImport.event_id == event_id))
    audit.forget_searches(event_id)
