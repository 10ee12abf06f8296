"""Many RSVPs at once, set by set: what the verbs would have left behind, without the mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from sqlalchemy import insert, select, update

from registration import arrivals, parties, seating
from registration.database import db, transaction
from registration.demo import names
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Event,
    Rsvp,
    RsvpStatus,
    write_words,
)
from registration.seating import Seats

#: RSVPs in one transaction; the seats of the event are locked meanwhile.
BATCH = 2_000
#: How long before `now` the first of them came.
SPREAD = timedelta(days=60)
# How long after the start the last of a past event came in.
_LATEST = timedelta(minutes=20)
_COLUMNS = [column.key for column in Rsvp.__mapper__.column_attrs if column.key != "id"]


class Wish(NamedTuple):
    """How a person would like to attend, and what they do about it."""

    mode: AttendanceMode
    cancels: bool = False
    waits: bool = False  # in the queue of a full room; else they watch
    watches: bool = True  # while they wait


def add_attendees(*, event_id: int, number: int, now: datetime) -> None:
    """Add so many plausible RSVPs, of one person each, to an event that has an attendance option.

    The room until it is full, then a queue of a few; the rest online. Nothing is mailed.
    Raises LookupError if the event does not take RSVPs.
    """
    chance = names.chance(f"{event_id} {number}")
    wishes = [
        Wish(
            mode=AttendanceMode.IN_PERSON if chance.random() < 0.4 else AttendanceMode.VIRTUAL,
            cancels=chance.random() < 0.07,
            waits=chance.random() < 0.03,
            watches=chance.random() < 0.5,
        )
        for _ in range(number)
    ]
    _add(event_id, wishes, chance, now)


def fill(*, event_id: int, in_person: int, virtual: int, now: datetime) -> None:
    """Seat exactly so many more people in the room and online, as far as there is room."""
    chance = names.chance(f"{event_id}")
    wishes = [Wish(AttendanceMode.IN_PERSON)] * in_person + [Wish(AttendanceMode.VIRTUAL)] * virtual
    chance.shuffle(wishes)
    _add(event_id, wishes, chance, now)


def turn_up(*, event_id: int, share: float) -> None:
    """Let that share of those who were expected at a past event have come, or have watched."""
    chance = names.chance(f"turnout {event_id}")
    with transaction() as session:
        event = session.get_one(Event, event_id)
        expected = session.execute(
            select(Attendee.id, AttendanceOption.mode)
            .join(Rsvp, Rsvp.id == Attendee.rsvp_id)
            .join(AttendanceOption, AttendanceOption.id == Rsvp.option_id)
            .where(Rsvp.event_id == event_id, Rsvp.status == RsvpStatus.CONFIRMED)
        )
        came = [
            {
                "id": attendee_id,
                "checked_in_at" if mode is AttendanceMode.IN_PERSON else "joined_at": (
                    event.starts_at
                    + timedelta(minutes=chance.triangular(-25, _LATEST / timedelta(minutes=1), -5))
                ),
            }
            for attendee_id, mode in expected
            if chance.random() < share
        ]
        if came:
            session.execute(update(Attendee), came)
            inside = sum("checked_in_at" in row for row in came)
            arrivals.came_in(event_id, inside, now=event.starts_at + _LATEST)


def _add(event_id: int, wishes: Sequence[Wish], chance: Random, now: datetime) -> None:
    event = db.session.get_one(Event, event_id)
    until = min(now, event.starts_at)
    pace = SPREAD / max(1, len(wishes))
    for first in range(0, len(wishes), BATCH):
        arrivals = [
            (until - SPREAD + pace * (place + chance.random()), wish)
            for place, wish in enumerate(wishes[first : first + BATCH], start=first)
        ]
        with transaction():
            codes = parties.new_ticket_codes(len(arrivals))
            seats = seating.lock(event_id)
            if not seats.options:
                raise LookupError(f"event {event_id} has no attendance option")
            # No two transactions have the same revision: with it an address is new for good.
            mark = f"-{seats.event.seats_revision}"
            _insert(
                [
                    _rsvp(seats, wish, at, until, chance, f"{mark}.{place}")
                    for place, (at, wish) in enumerate(arrivals, start=1)
                ],
                codes,
            )


def _rsvp(
    seats: Seats, wish: Wish, at: datetime, until: datetime, chance: Random, mark: str
) -> Rsvp:
    """One RSVP as the verbs would have written it; it is in no session."""
    wanted = [option for option in seats.options.values() if option.mode is wish.mode]
    option = chance.choice(wanted or list(seats.options.values()))
    rsvp = parties.new_rsvp(names.person(chance, mark), at, party_size=1)
    parties.direct(rsvp, seats.event, option)
    if wish.cancels:
        rsvp.status = RsvpStatus.CANCELLED
        rsvp.touch(at + (until - at) * chance.random())
        rsvp.confirmed_at, rsvp.cancelled_at = at, rsvp.updated_at
        rsvp.ical_sequence = 1
    elif not option.needs_approval:
        _settle(rsvp, option, seats, wish)
    return rsvp


def _settle(rsvp: Rsvp, option: AttendanceOption, seats: Seats, wish: Wish) -> None:
    """A seat, a place in the queue, a place online, or the two latter at once."""
    elsewhere = next(
        (
            other
            for other in seats.options.values()
            if other is not option
            and other.is_virtual
            and not other.needs_approval
            and other.has_room_for(1)
        ),
        None,
    )
    seat: AttendanceOption | None = option
    if not option.has_room_for(1):
        if wish.waits or elsewhere is None:
            seating.wait(rsvp, option)
            rsvp.status = RsvpStatus.WAITLISTED
        seat = elsewhere if wish.watches or not wish.waits else None
    if seat is not None:
        seating.take(rsvp, seat, now=rsvp.created_at)
        rsvp.ical_sequence = 0


def _insert(rsvps: Sequence[Rsvp], codes: Sequence[str]) -> None:
    """Write RSVPs and the one attendee of each, as two sets."""
    # Past the ORM: nothing is in the session, and RETURNING would go row by row on SQLite.
    connection = db.session.connection()
    # What no row says is left to the column's default.
    said = [name for name in _COLUMNS if any(getattr(rsvp, name) is not None for rsvp in rsvps)]
    connection.execute(
        insert(Rsvp), [{name: getattr(rsvp, name) for name in said} for rsvp in rsvps]
    )
    keys = [rsvp.manage_key for rsvp in rsvps]
    written = connection.execute(
        select(Rsvp.manage_key, Rsvp.id, Rsvp.event_id, Rsvp.search_text).where(
            Rsvp.manage_key.in_(keys)
        )
    ).all()
    write_words(connection, written)
    ids: dict[str, int] = {row.manage_key: row.id for row in written}
    connection.execute(
        insert(Attendee),
        [
            {
                "rsvp_id": ids[rsvp.manage_key],
                "position": 0,
                "name": rsvp.name,
                "ticket_code": code,
            }
            for rsvp, code in zip(rsvps, codes, strict=True)
        ],
    )
