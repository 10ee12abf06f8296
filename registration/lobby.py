"""The virtual door: who may enter, and that they did."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import select, update

from registration.database import db, transaction
from registration.models import Attendee, Event, EventStatus, Rsvp, StreamSource


class LobbyState(enum.StrEnum):
    """What the lobby of an event is at a moment."""

    BEFORE = "before"
    OPEN = "open"
    ENDED = "ended"
    CANCELLED = "cancelled"


def state_of(event: Event, now: datetime) -> LobbyState:
    """Where the event's lobby stands: closed, open from its time before the start, or over."""
    if event.status is EventStatus.CANCELLED:
        return LobbyState.CANCELLED
    if event.is_past(now):
        return LobbyState.ENDED
    return LobbyState.OPEN if now >= event.lobby_opens_at else LobbyState.BEFORE


def may_enter(rsvp: Rsvp, now: datetime) -> bool:
    """Whether this RSVP gets the stream at this moment: a confirmed virtual place, lobby open."""
    return (
        rsvp.is_confirmed
        and rsvp.option.is_virtual
        and state_of(rsvp.event, now) is LobbyState.OPEN
    )


def enter(*, rsvp_id: int, now: datetime) -> bool:
    """Record that the party came in, the first time only; whether it may see the stream."""
    with transaction():
        rsvp = db.session.get_one(Rsvp, rsvp_id)
        if not may_enter(rsvp, now):
            return False
        db.session.execute(
            update(Attendee)
            .where(Attendee.rsvp_id == rsvp_id, Attendee.joined_at.is_(None))
            .values(joined_at=now)
        )
    return True


def has_joined(rsvp: Rsvp) -> bool:
    """Whether the party has come in before."""
    joined = select(Attendee.id).where(Attendee.rsvp_id == rsvp.id, Attendee.joined_at.is_not(None))
    return db.session.scalar(joined.limit(1)) is not None


def live_source(event: Event) -> StreamSource | None:
    """The source that people see: the one that staff switched on, else the first."""
    return db.session.scalars(
        select(StreamSource)
        .where(StreamSource.event_id == event.id)
        .order_by(StreamSource.is_live.desc(), StreamSource.position)
        .limit(1)
    ).one_or_none()
