"""The virtual door: what the lobby is at a moment, who may enter, and that they did."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from registration import turnout
from registration.database import db, transaction
from registration.models import (
    AttendanceMode,
    Attendee,
    Event,
    EventStatus,
    LobbyPhase,
    Rsvp,
    StreamKind,
    StreamSource,
)

#: How long the door stays open after the end, unless staff close it: events run over.
OVERRUN = timedelta(minutes=30)
#: How long after the end a lobby that staff keep live closes by itself.
LONGEST = timedelta(hours=12)
#: How many questions a second all lobbies of an event may ask together, at most about.
_QUESTIONS = 800
#: Earlier before the door opens than this, lobbies ask once a minute only.
LONG_BEFORE = timedelta(hours=1)


class LobbyState(enum.StrEnum):
    """What the lobby of an event is at a moment."""

    BEFORE = "before"
    OPEN = "open"
    LIVE = "live"
    BACKUP = "backup"  # live, from another source than the first
    ENDED = "ended"
    RECORDING = "recording"
    CANCELLED = "cancelled"

    @property
    def lets_in(self) -> bool:
        """Whether who has a place online may see the stream."""
        return self in (LobbyState.OPEN, LobbyState.LIVE, LobbyState.BACKUP)


@dataclass(frozen=True)
class Status:
    """What every open lobby of an event is told: the same for all, and nothing of anybody."""

    state: LobbyState
    revision: int
    note: str
    starts_at: datetime
    ends_at: datetime
    ask_again: int  # seconds until a lobby asks again; 0: it need not


def state_of(event: Event, now: datetime, *, on_backup: bool = False) -> LobbyState:
    """Where the event's lobby stands: by the clock, unless staff said otherwise."""
    if event.status is EventStatus.CANCELLED:
        return LobbyState.CANCELLED
    phase = phase_of(event, now)
    closes_at = event.ends_at + (LONGEST if phase is LobbyPhase.LIVE else OVERRUN)
    recorded = event.recording_url and event.is_past(now) and phase is not LobbyPhase.LIVE
    if phase is LobbyPhase.ENDED or now >= closes_at or recorded:
        return LobbyState.RECORDING if event.recording_url else LobbyState.ENDED
    if phase is LobbyPhase.LIVE or now >= event.starts_at:
        return LobbyState.BACKUP if on_backup else LobbyState.LIVE
    if phase is LobbyPhase.OPEN or now >= event.lobby_opens_at:
        return LobbyState.OPEN
    return LobbyState.BEFORE


def phase_of(event: Event, now: datetime) -> LobbyPhase:
    """What staff said of the lobby, from the day on which it counts."""
    if now < event.lobby_steered_from:
        return LobbyPhase.SCHEDULED
    return event.lobby_phase


def status_of(event: Event, now: datetime) -> Status:
    """The status document of an event's lobbies."""
    sources = sources_of(event)
    state = state_of(event, now, on_backup=is_on_backup(sources))
    return Status(
        state=state,
        revision=event.lobby_revision,
        note=_note(event, state),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        ask_again=_ask_again(event, state, now),
    )


def _note(event: Event, state: LobbyState) -> str:
    """What staff say to all: their note while it helps, or why the event is cancelled."""
    if state is LobbyState.CANCELLED:
        return event.cancellation_reason
    return event.lobby_note if state is LobbyState.BEFORE or state.lets_in else ""


def _ask_again(event: Event, state: LobbyState, now: datetime) -> int:
    """Seconds between two looks: few where something may happen, more where very many look."""
    often = max(5, -(-turnout.seats_given(event, AttendanceMode.VIRTUAL) // _QUESTIONS))
    if state is LobbyState.BEFORE:
        left = event.lobby_opens_at - now
        return 60 if left > LONG_BEFORE else often
    # Whoever ended it too soon goes live again, or takes a cancellation back, and those who
    # watched are back within seconds.
    if state is LobbyState.CANCELLED:
        return often if event.may_come_back(now) else 0
    if state.lets_in or now < event.ends_at + OVERRUN:
        return often
    return 60 if state is LobbyState.ENDED else 0


def may_enter(rsvp: Rsvp, now: datetime) -> bool:
    """Whether this RSVP gets the stream at this moment: a confirmed virtual place, lobby open."""
    return rsvp.is_confirmed and rsvp.option.is_virtual and state_of(rsvp.event, now).lets_in


def enter(*, rsvp_id: int, now: datetime) -> bool:
    """Record that the party came in, the first time only; whether it may see the stream."""
    rsvp = db.session.get_one(Rsvp, rsvp_id)
    if not may_enter(rsvp, now):
        return False
    if has_joined(rsvp):
        return True
    with transaction():
        db.session.execute(
            update(Attendee)
            .where(Attendee.rsvp_id == rsvp_id, Attendee.joined_at.is_(None))
            .values(joined_at=now)
            .execution_options(synchronize_session=False)
        )
    return True


def has_joined(rsvp: Rsvp) -> bool:
    """Whether the party has come in before."""
    joined = select(Attendee.id).where(Attendee.rsvp_id == rsvp.id, Attendee.joined_at.is_not(None))
    return db.session.scalar(joined.limit(1)) is not None


def sources_of(event: Event) -> list[StreamSource]:
    """The sources of the stream, in their order."""
    return list(
        db.session.scalars(
            select(StreamSource)
            .where(StreamSource.event_id == event.id)
            .order_by(StreamSource.position)
        )
    )


def on_air(sources: list[StreamSource]) -> StreamSource | None:
    """The source that people see: the one that staff switched on, else the first."""
    return next((source for source in sources if source.is_live), sources[0] if sources else None)


def is_elsewhere(event: Event) -> bool:
    """Whether people watch in a meeting of another house, and not in our page."""
    source = on_air(sources_of(event))
    return source is not None and source.kind is StreamKind.REDIRECT


def is_on_backup(sources: list[StreamSource]) -> bool:
    """Whether people see another source than the first."""
    return bool(sources) and on_air(sources) is not sources[0]
