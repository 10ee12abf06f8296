"""What the calendar entries of an event say, so that a change can be told as old → new.

An edition is a set of facts. Which of them stand in an entry depends on how a person attends:
a venue that moves changes nothing in the calendar of one who watches.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from registration.database import db
from registration.models import AttendanceMode, AuditEntry, Event, EventEdition, Speaker

Facts = dict[str, Any]

#: What is news also to one without an entry, who wants to know what to keep free.
ANNOUNCED = ("title", "starts_at", "ends_at", "venue")

_EVERYBODY = ("title", "host", "slug", "starts_at", "ends_at")
_ROOM = (*_EVERYBODY, "venue", "doors_at", "access")
_STREAM = (*_EVERYBODY, "lobby_opens_minutes", "stream_note", "time_zone")


def facts_of(event: Event) -> Facts:
    """What entries say of the event as it is now; fit for JSON."""
    return {
        "title": event.title,
        "host": event.host,
        "slug": event.slug,
        "starts_at": _instant(event.starts_at),
        "ends_at": _instant(event.ends_at),
        "time_zone": event.time_zone,
        "venue": ", ".join(_lines(f"{event.venue_name}\n{event.venue_address}")),
        "doors_at": _instant(event.doors_at) if event.doors_at else "",
        "access": _lines(event.venue_access),
        "lobby_opens_minutes": event.lobby_opens_minutes,
        "stream_note": event.stream_note.strip(),
    }


def _instant(at: datetime) -> str:
    """One text for one instant: a time is in the zone it was typed in until it is read anew."""
    return at.astimezone(UTC).isoformat()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def differences(before: Facts, after: Facts, mode: AttendanceMode) -> list[str]:
    """The facts that make the entry of one who attends this way another one."""
    names: tuple[str, ...]
    if mode is AttendanceMode.VIRTUAL:
        names = _STREAM
    else:
        # The zone stands in the words of the doors alone; the entry's own times are in UTC.
        names = (*_ROOM, "time_zone") if after["doors_at"] else _ROOM
    return [name for name in names if _differs(name, before, after)]


def _differs(name: str, before: Facts, after: Facts) -> bool:
    """Whether one fact makes entries say something else; another zone may say just the same."""
    # What was told before a fact was kept is taken to have said it.
    was: Any = before.get(name, after[name])
    if name != "time_zone" or was == after[name]:
        return bool(was != after[name])
    ends = [datetime.fromisoformat(after[end]) for end in ("starts_at", "ends_at")]
    return _hands(was, ends) != _hands(after[name], ends)


def _hands(zone: str, moments: list[datetime]) -> list[tuple[str, str | None]]:
    """What clocks in a zone say at these moments, and what they call it."""
    local = [at.astimezone(ZoneInfo(zone)) for at in moments]
    return [(at.isoformat(), at.tzname()) for at in local]


def facts_of_speaker(speaker: Speaker) -> Facts:
    """What a speaker's entry says now."""
    event = speaker.event
    return {
        "title": event.title,
        "host": event.host,
        "slug": event.slug if event.has_page else "",
        "time_zone": event.time_zone,
        "starts_at": _instant(speaker.begins_at),
        "ends_at": _instant(speaker.finishes_at),
        "room": speaker.room,
        "venue": speaker.green_room_url or ("" if speaker.is_online else facts_of(event)["venue"]),
        "part": [_instant(at) for at in speaker.own_part or ()],
        "name": speaker.name,
        "language": speaker.language,
    }


def speaker_differs(speaker: Speaker) -> bool:
    """Whether a speaker's entry would say what is news to them after what they were last told.

    Their own name, and the language of its words, are none; nor is that the event has a page by
    now, or none any more.
    """
    plain = {"name", "language"}
    if not (speaker.event.has_page and speaker.told.get("slug", speaker.event.slug)):
        plain.add("slug")
    return bool(_speaker_differences(speaker) - plain)


def speaker_has_same(speaker: Speaker) -> bool:
    """Whether a speaker's entry says just what it said when they were last told of it."""
    return not _speaker_differences(speaker)


def _speaker_differences(speaker: Speaker) -> set[str]:
    """The facts that make a speaker's entry another one than the last that they were sent."""
    now_said = facts_of_speaker(speaker)
    told = speaker.told or now_said
    # The zone stands in the words of their part alone; the entry's own times are in UTC.
    names = now_said.keys() - (set() if now_said["part"] else {"time_zone"})
    return {name for name in names if _differs(name, told, now_said)}


def keep(event: Event, *, now: datetime) -> None:
    """Note the present edition if it is not noted yet, before anything changes."""
    if facts_of_edition(event.id, event.edition) is None:
        _note(event, facts_of(event), now)


def renew(event: Event, *, now: datetime) -> bool:
    """After a change: begin a new edition if entries say something else; whether they do.

    The caller holds the event's row, and has called `keep` before the change.
    """
    facts = facts_of(event)
    if facts == facts_of_edition(event.id, event.edition):
        return False
    event.edition += 1
    event.ical_sequence += 1
    _note(event, facts, now)
    return True


def begin(event: Event, *, now: datetime) -> None:
    """Begin a new edition by what stands in entries and is told to nobody by itself.

    Whose mail goes again, or is the next to go, has the next SEQUENCE with it.
    """
    keep(event, now=now)
    event.edition += 1
    _note(event, facts_of(event), now)


def _note(event: Event, facts: Facts, now: datetime) -> None:
    db.session.add(
        EventEdition(event_id=event.id, number=event.edition, facts=facts, created_at=now)
    )


def facts_of_edition(event_id: int, number: int) -> Facts | None:
    """The facts of an edition; None if it was never noted."""
    return db.session.scalar(
        select(EventEdition.facts).where(
            EventEdition.event_id == event_id, EventEdition.number == number
        )
    )


def announced_before(event: Event) -> list[Facts]:
    """What the public was told before each change of the event since it was published."""
    if not event.edition:
        return []
    published_at = db.session.scalar(
        select(func.max(AuditEntry.at)).where(
            AuditEntry.event_id == event.id, AuditEntry.action == "event.published"
        )
    )
    noted = select(EventEdition).where(EventEdition.event_id == event.id)
    editions = db.session.scalars(noted.order_by(EventEdition.number)).all()
    return [
        before.facts
        for before, after in pairwise(editions)
        if after.created_at >= (published_at or event.created_at)
    ]


def all_of(event_id: int) -> list[tuple[int, Facts]]:
    """The noted editions of an event: number and facts of each."""
    noted = select(EventEdition.number, EventEdition.facts).where(EventEdition.event_id == event_id)
    return [(number, facts) for number, facts in db.session.execute(noted)]
