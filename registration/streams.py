"""The stream as staff steer it: phases, a note to all, sources, the record.

Each public function is one transaction, and counts the lobby's revision up, so that every open
lobby sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update

from registration import audit, emails, players, weblinks
from registration.database import db, transaction
from registration.models import Event, LobbyPhase, StreamKind, StreamSource


class StreamRefused(Exception):
    """A change of the stream that cannot be made; its text is fit for staff."""


def steer(*, event_id: int, phase: LobbyPhase, staff_id: int, now: datetime) -> None:
    """Open the door early, go live, end, or follow the clock again.

    Raises StreamRefused long before the start: kept until then, it would open the door by surprise.
    """
    with transaction():
        event = _turned(event_id)
        if now < event.lobby_steered_from:
            raise StreamRefused(_("The lobby follows the clock until the day before the event."))
        event.lobby_phase = phase
        audit.record(f"lobby.{phase}", now=now, staff_id=staff_id, event_id=event_id)


def say(*, event_id: int, note: str, staff_id: int, now: datetime) -> None:
    """Show a note in every lobby; an empty one takes it away."""
    with transaction():
        event = _turned(event_id)
        event.lobby_note = note.strip()
        audit.record("lobby.note", now=now, staff_id=staff_id, event_id=event_id, note=note)


def switch(*, event_id: int, source_id: int, staff_id: int, now: datetime) -> None:
    """Let everybody see this source. Raises LookupError if it is not the event's."""
    with transaction():
        _turned(event_id)
        source = _source(event_id, source_id)
        # One after the other: an index allows one live source of an event.
        db.session.execute(
            update(StreamSource).where(StreamSource.event_id == event_id).values(is_live=False)
        )
        source.is_live = True
        audit.record(
            "lobby.source", now=now, staff_id=staff_id, event_id=event_id, source=source.label
        )


def add(*, event_id: int, url: str, label: str, staff_id: int, now: datetime) -> StreamSource:
    """Add a source, behind the others. Twice is once.

    Raises StreamRefused for an address that is none.
    """
    with transaction():
        _turned(event_id)
        address, kind = _address(url)
        same = select(StreamSource).where(
            StreamSource.event_id == event_id,
            StreamSource.url == address,
            StreamSource.label == label.strip(),
        )
        if (known := db.session.scalars(same).first()) is not None:
            return known
        last = db.session.scalar(
            select(func.max(StreamSource.position)).where(StreamSource.event_id == event_id)
        )
        source = StreamSource(
            event_id=event_id,
            position=0 if last is None else last + 1,
            label=label.strip(),
            kind=kind,
            url=address,
        )
        db.session.add(source)
        audit.record("stream.added", now=now, staff_id=staff_id, event_id=event_id, source=label)
    return source


def change(
    *, event_id: int, source_id: int, url: str, label: str, staff_id: int, now: datetime
) -> None:
    """Give a source another address or name; who watches it follows.

    Raises StreamRefused, and LookupError if it is not the event's.
    """
    with transaction():
        _turned(event_id)
        source = _source(event_id, source_id)
        source.url, source.kind = _address(url)
        source.label = label.strip()
        audit.record("stream.changed", now=now, staff_id=staff_id, event_id=event_id, source=label)


def remove(*, event_id: int, source_id: int, staff_id: int, now: datetime) -> None:
    """Take a source away; if people saw it they see the first. Twice is once.

    Raises LookupError if it is not the event's.
    """
    with transaction():
        _turned(event_id)
        if db.session.get(StreamSource, source_id) is None:
            return
        source = _source(event_id, source_id)
        db.session.delete(source)
        audit.record(
            "stream.removed", now=now, staff_id=staff_id, event_id=event_id, source=source.label
        )


def record(
    *,
    event_id: int,
    recording_url: str,
    minutes: int | None,
    transcript_url: str,
    audio_url: str,
    slides_url: str,
    staff_id: int,
    now: datetime,
    shown: Mapping[str, str] = {},
) -> None:
    """Publish what stays: on the event's page, in the lobby, for search engines.

    What says the same as was `shown`, as text by its column, stays as it is by now: somebody else
    may have added it meanwhile. The mails about another recording than before wait, as long as
    they have not gone.
    """
    said = {
        "recording_url": players.watchable(recording_url),
        "recording_minutes": minutes,
        "transcript_url": transcript_url.strip(),
        "audio_url": audio_url.strip(),
        "slides_url": slides_url.strip(),
    }
    with transaction():
        event = _turned(event_id)
        before = {name: getattr(event, name) for name in said}
        for name, value in said.items():
            if name not in shown or shown[name] != str(value or ""):
                setattr(event, name, value)
        after = {name: value for name in said if (value := getattr(event, name)) != before[name]}
        if not after:
            return
        if "recording_url" in after:
            emails.follow_ups_held(event, now=now)
        event.updated_at = now
        audit.record(
            "event.recorded",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            before={name: before[name] for name in after},
            after=after,
        )


def _turned(event_id: int) -> Event:
    """The event, its lobby's revision counted up: the row is locked until the end."""
    event = db.session.scalars(
        update(Event)
        .where(Event.id == event_id)
        .values(lobby_revision=Event.lobby_revision + 1)
        .returning(Event)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    if event is None:
        raise LookupError(f"there is no event {event_id}")
    return event


def _source(event_id: int, source_id: int) -> StreamSource:
    source = db.session.get(StreamSource, source_id)
    if source is None or source.event_id != event_id:
        raise LookupError(f"event {event_id} has no stream source {source_id}")
    return source


def _address(url: str) -> tuple[str, StreamKind]:
    """The address as it is kept, and whether it plays in our page."""
    try:
        weblinks.check(url.strip(), schemes=("https",))
    except weblinks.LinkRefused as refusal:
        raise StreamRefused(str(refusal)) from refusal
    config = current_app.config
    ours = urlsplit(config["BASE_URL"]).hostname or ""
    if framed := players.frame(url, host=ours, more=config["PLAYER_ORIGINS"]):
        return framed, StreamKind.EMBED
    return url.strip(), StreamKind.REDIRECT
