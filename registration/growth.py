"""How the RSVPs of an event grew, day by day, and where they came from."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from registration.database import db
from registration.models import LIVE, AttendanceMode, AttendanceOption, Erasure, Event, Rsvp

NEEDS = ("step_free", "sign_language", "captions")


@dataclass(frozen=True)
class Growth:
    """How many live RSVPs there were at the end of each day (UTC), in the room and online."""

    days: list[date]
    in_person: list[int]
    virtual: list[int]

    @property
    def most(self) -> int:
        """The highest number of all."""
        return max([*self.in_person, *self.virtual, 0])


def of(event: Event, until: datetime) -> Growth | None:
    """The growth up to that instant or the event's end; None before the second day.

    One walk along the index of arrivals.
    """
    modes = _modes_of(event)
    day = _day()
    rows = db.session.execute(
        select(day, Rsvp.option_id, func.count())
        .where(Rsvp.event_id == event.id, Rsvp.status.in_(LIVE))
        .group_by(day, Rsvp.option_id)
    ).all()
    if not rows:
        return None
    came: dict[AttendanceMode, dict[date, int]] = {
        mode: defaultdict(int) for mode in AttendanceMode
    }
    for on, option_id, number in rows:
        came[modes[option_id]][date.fromisoformat(str(on))] += number
    first = min(on for numbers in came.values() for on in numbers)
    latest = max(on for numbers in came.values() for on in numbers)
    last = max(latest, min(until, event.ends_at).date())
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if len(days) < 2:
        return None
    return Growth(
        days,
        _summed(days, came[AttendanceMode.IN_PERSON]),
        _summed(days, came[AttendanceMode.VIRTUAL]),
    )


def _modes_of(event: Event) -> dict[int, AttendanceMode]:
    return {
        option.id: option.mode
        for option in db.session.scalars(
            select(AttendanceOption).where(AttendanceOption.event_id == event.id)
        )
    }


def sources_of(event: Event, limit: int = 8) -> list[tuple[str, int]]:
    """Where live RSVPs came from, the most first; empty where nothing is known of any."""
    rows = db.session.execute(
        select(Rsvp.source, func.count())
        .where(Rsvp.event_id == event.id, Rsvp.status.in_(LIVE))
        .group_by(Rsvp.source)
        .order_by(func.count().desc())
        .limit(limit)
    ).all()
    found = [(source, number) for source, number in rows]
    return found if any(source for source, _number in found) else []


def needs_of(event: Event) -> dict[str, int]:
    """How many live RSVPs for the room ask for each kind of access, or asked before it went."""
    numbers = Counter(count_needs(event))
    for erased in db.session.scalars(select(Erasure.needs).where(Erasure.event_id == event.id)):
        numbers.update(erased)
    return {need: numbers[need] for need in NEEDS}


def count_needs(event: Event, *among: ColumnElement[bool]) -> dict[str, int]:
    """How many live RSVPs for the room ask for each kind of access now, `among` these."""
    rooms = [
        option_id
        for option_id, mode in _modes_of(event).items()
        if mode is AttendanceMode.IN_PERSON
    ]
    asked = db.session.execute(
        select(
            func.count().filter(Rsvp.needs_step_free),
            func.count().filter(Rsvp.needs_sign_language),
            func.count().filter(Rsvp.needs_captions),
        ).where(
            Rsvp.event_id == event.id,
            Rsvp.has_needs,
            Rsvp.status.in_(LIVE),
            Rsvp.option_id.in_(rooms),
            *among,
        )
    ).one()
    return dict(zip(NEEDS, asked, strict=True))


def _day() -> Any:
    if db.engine.dialect.name == "sqlite":
        return func.substr(Rsvp.created_at, 1, 10)  # kept as text, in UTC
    return func.date(func.timezone("UTC", Rsvp.created_at))


def _summed(days: list[date], came: dict[date, int]) -> list[int]:
    total, sums = 0, []
    for day in days:
        total += came.get(day, 0)
        sums.append(total)
    return sums
