"""What the demo's events have in common: the house, its days, and people who answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select

from registration import answering, itip
from registration.database import db, transaction
from registration.demo import names
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    ReminderRound,
    RoundKind,
)
from registration.parties import Details

ZONE = "America/New_York"
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)
#: A film of the player's own documentation stands in for streams and recordings.
FILM = "https://www.youtube-nocookie.com/embed/M7lc1UVf-VE"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a day in the house's own zone."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(ZONE)).astimezone(UTC)


def today(now: datetime) -> date:
    """The day that it is in the house."""
    return now.astimezone(ZoneInfo(ZONE)).date()


def first(weekday: int, now: datetime, *, days: int) -> date:
    """The first such weekday from so many days on; fewer than none: back."""
    day = today(now) + timedelta(days=days)
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def new_uid() -> str:
    """A UID for a calendar entry."""
    return itip.new_uid(current_app.config["MAIL_DOMAIN"])


def new_event(now: datetime, *, starts_at: datetime, **values: Any) -> Event:
    """A published event in the house; `values` say what is different."""
    created_at = min(now, starts_at) - timedelta(days=80)
    plain: dict[str, Any] = {
        "status": EventStatus.PUBLISHED,
        "time_zone": ZONE,
        "venue_name": "U.S. Institute of Peace",
        "venue_address": "2301 Constitution Avenue NW\nWashington, DC 20037",
        "venue_directions": (
            "The entrance is on 23rd Street. Bring photo identification; security takes about "
            "five minutes. Metro: Foggy Bottom–GWU, 12 minutes on foot."
        ),
        "venue_access": access_notes(starts_at.astimezone(ZoneInfo(ZONE)).date()),
        "venue_map_url": (
            "https://www.openstreetmap.org/search?query=2301%20Constitution%20Avenue%20NW%2C"
            "%20Washington%2C%20DC%2020037"
        ),
        "contact_name": "Events desk",
        "contact_email": "events@example.org",
        "contact_phone": "+1 202 555 0142",
        "admission": "Free.",
        "recording_notice": (
            "The event is recorded and the recording is public. The camera faces the stage."
        ),
        "stream_note": "English, with live captions",
        "ical_uid": new_uid(),
        "created_at": created_at,
        "updated_at": created_at,
    }
    return Event(starts_at=starts_at, **(plain | values))


def access_notes(day: date) -> str:
    """What the house offers, and until when interpreters can be booked."""
    book_by = day - timedelta(days=7)
    return (
        "Step-free entrance on 23rd Street, lift to every floor\n"
        "Hearing loop and live captions in the room\n"
        f"Sign language (ASL) if you ask by {book_by.day} {book_by:%B}"
    )


def room(capacity: int | None, **values: Any) -> AttendanceOption:
    """Seats in the house."""
    return AttendanceOption(position=0, mode=AttendanceMode.IN_PERSON, capacity=capacity, **values)


def stream(capacity: int | None = None, **values: Any) -> AttendanceOption:
    """Places online."""
    return AttendanceOption(position=1, mode=AttendanceMode.VIRTUAL, capacity=capacity, **values)


def followed_up(event: Event) -> ReminderRound:
    """The mails with the recording of a past event, as sent: nobody reads at those addresses."""
    sent_at = event.ends_at + timedelta(days=1)
    return ReminderRound(
        kind=RoundKind.FOLLOW_UP,
        starts_at=event.starts_at,
        created_at=sent_at,
        ended_at=sent_at,
    )


def save(event: Event, *rows: Any) -> None:
    """Write an event and rows that belong to it."""
    with transaction() as session:
        session.add(event)
        session.flush()
        for row in rows:
            row.event_id = event.id
        session.add_all(rows)


def options(event: Event) -> Sequence[int]:
    """The ids of an event's options, the room first."""
    return db.session.scalars(
        select(AttendanceOption.id)
        .where(AttendanceOption.event_id == event.id)
        .order_by(AttendanceOption.position)
    ).all()


def people(seed: str) -> Iterator[Details]:
    """People without end, each with an address of their own; the same for the same seed."""
    chance = names.chance(seed)
    number = 0
    while True:
        number += 1
        yield names.person(chance, f".{number}")


def moments(number: int, *, since: datetime, until: datetime) -> Iterator[datetime]:
    """So many instants, evenly between two."""
    for place in range(number):
        yield since + (until - since) * ((place + 1) / (number + 1))


def come(
    people: Iterator[Details],
    option_id: int,
    number: int,
    *,
    since: datetime,
    until: datetime,
    **more: Any,
) -> list[int]:
    """Let so many people answer between two instants, whether there is room or a queue.

    `more` goes to answering.answer. Returns the ids of the RSVPs, the first first.
    """
    event_id = db.session.get_one(AttendanceOption, option_id).event_id
    ids = []
    for moment in moments(number, since=since, until=until):
        rsvp = answering.answer(
            event_id=event_id,
            option_id=option_id,
            details=next(people),
            now=moment,
            accepts_waiting=True,
            **more,
        )
        assert rsvp is not None, "these addresses are new"
        ids.append(rsvp.id)
    return ids
