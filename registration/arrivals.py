"""Who is in: what a ticket is worth at the door, the counts, the search, and the turnout."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, bindparam, func, select, text, update
from sqlalchemy.orm import contains_eager, joinedload

from registration import audit, finding
from registration.database import UTCDateTime, db
from registration.folding import folded, words_in, words_typed
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Door,
    Event,
    Rsvp,
    RsvpStatus,
)

#: How many people a search shows.
FOUND = 20
# Of how many parties a search looks for those.
_RANKED = 200

_CODE = re.compile(r"[A-HJ-NP-Z2-9]{8}")
# The end of a ticket's address; a scanner set to another keyboard garbles the signs before it.
_CODE_AT_END = re.compile(r"(?<![A-Z0-9])([A-HJ-NP-Z2-9]{8})/?\s*$", re.IGNORECASE)


class Outcome(enum.StrEnum):
    """What the door says to a ticket."""

    ADMITTED = "admitted"
    AGAIN = "again"  # already in
    BACK = "back"  # in since a day before: of several days, or moved since
    TAKEN_BACK = "taken_back"  # a kept scan, whose check-in was taken back after it
    READMITTED = "readmitted"  # already in, and let in again on purpose
    WAITING = "waiting"  # on the waitlist, or not approved or not confirmed yet
    ONLINE = "online"  # a place at the stream, not in the room
    CANCELLED = "cancelled"  # cancelled, declined or rejected
    ELSEWHERE = "elsewhere"  # another event's
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Counts:
    """How many are in the room, how many seats are given, and after when nobody came in."""

    inside: int
    expected: int
    last_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Turnout:
    """Who came, of who was expected: in the room and online."""

    room: int
    room_expected: int
    online: int
    online_expected: int


def code_in(text: str) -> str:
    """The ticket code in what was scanned or typed: a code, or an address that ends in one.

    Empty if there is none. "Humphrey" has the shape of a code too: look whether it is one.
    """
    text = text.strip()
    if "://" in text or text[:4].lower() == "http":
        found = _CODE_AT_END.search(text)
        return found[1].upper() if found else ""
    plain = re.sub(r"[\s‐-―-]", "", text).upper()
    return plain if _CODE.fullmatch(plain) else ""


def looks_like_name(text: str) -> bool:
    """Whether a text that has the shape of a code may be a name as well."""
    return text.strip().isalpha()


def is_misread(text: str) -> bool:
    """Whether a text would be a ticket's code but for signs that no code has: O, 0, I and 1."""
    plain = re.sub(r"[\s‐-―-]", "", text).upper()
    return bool(re.fullmatch(r"(?=.*[0-9])(?=.*[O0I1])[A-Z0-9]{8}", plain))


def person_by_code(code: str) -> Attendee | None:
    """Whom a ticket admits, with RSVP, event and who let them in."""
    return db.session.scalars(_people().where(Attendee.ticket_code == code)).one_or_none()


def person_by_id(attendee_id: int) -> Attendee | None:
    """An attendee with RSVP, event and who let them in, as the database has it now."""
    return db.session.scalars(
        _people().where(Attendee.id == attendee_id).execution_options(populate_existing=True)
    ).one_or_none()


def _people() -> Select[Attendee]:
    return select(Attendee).options(
        joinedload(Attendee.rsvp).joinedload(Rsvp.option),
        joinedload(Attendee.rsvp).joinedload(Rsvp.event),
        joinedload(Attendee.checked_in_by),
    )


def standing(person: Attendee | None, event_id: int) -> Outcome:
    """What this person's ticket is worth at the door of that event; ADMITTED: it lets them in."""
    if person is None:
        return Outcome.UNKNOWN
    rsvp = person.rsvp
    if rsvp.event_id != event_id:
        return Outcome.ELSEWHERE
    if not rsvp.is_live:
        return Outcome.CANCELLED
    if not rsvp.is_confirmed:
        return Outcome.WAITING
    if rsvp.option.is_virtual:
        return Outcome.ONLINE
    return Outcome.ADMITTED


def mark(person: Attendee, *, staff_id: int, now: datetime) -> bool:
    """Note that a person came in, in the caller's transaction; False if they were in already.

    One guarded UPDATE: of two doors that scan one ticket at once, one gets False. The caller says
    `came_in` afterwards, once for all it marked. The person in the session is marked too.
    """
    marked = db.session.scalar(
        update(Attendee)
        .where(
            Attendee.id == person.id,
            Attendee.checked_in_at.is_(None),
            select(Rsvp.id)
            .where(Rsvp.id == Attendee.rsvp_id, Rsvp.status == RsvpStatus.CONFIRMED)
            .exists(),
        )
        .values(checked_in_at=now, checked_in_by_id=staff_id)
        .returning(Attendee.id)
        .execution_options(synchronize_session="fetch")
    )
    if marked is None:
        return False
    db.session.expire(person, ["checked_in_by"])
    audit.record("checkin.admitted", now=now, staff_id=staff_id, rsvp=person.rsvp, name=person.name)
    return True


def log_undone(person: Attendee, *, staff_id: int, now: datetime) -> None:
    """Log that a check-in was taken back. Two of a party may have one name: with whose it was."""
    audit.record(
        "checkin.undone",
        now=now,
        staff_id=staff_id,
        rsvp=person.rsvp,
        name=person.name,
        attendee_id=person.id,
    )


def came_earlier(person: Attendee, *, staff_id: int, now: datetime) -> None:
    """Let the earlier one of two scans stand, in the caller's transaction.

    The person in the session still has the later one: it is what the earlier door is told.
    """
    db.session.execute(
        update(Attendee)
        .where(Attendee.id == person.id, Attendee.checked_in_at > now)
        .values(checked_in_at=now, checked_in_by_id=staff_id)
        .execution_options(synchronize_session=False)
    )


_CAME_IN = text(
    "INSERT INTO doors (event_id, inside, last_at) VALUES (:event_id, :number, :now)"
    " ON CONFLICT (event_id) DO UPDATE SET inside = doors.inside + excluded.inside, last_at ="
    " CASE WHEN excluded.last_at > doors.last_at THEN excluded.last_at ELSE doors.last_at END"
).bindparams(bindparam("now", type_=UTCDateTime()))


def came_in(event_id: int, number: int, *, now: datetime) -> None:
    """Count people in, last in the caller's transaction: until its end other doors wait here."""
    if number:
        values = {"event_id": event_id, "number": int(number), "now": now}
        db.session.execute(_CAME_IN, values)


def went_out(event_id: int, number: int) -> None:
    """Count people whose check-in was taken back, last in the caller's transaction."""
    db.session.execute(
        update(Door).where(Door.event_id == event_id).values(inside=Door.inside - number)
    )


def counts_of(event: Event) -> Counts:
    """The live counts of the door: people in, and seats given in the room."""
    seats = (
        select(func.sum(AttendanceOption.seats_taken))
        .where(
            AttendanceOption.event_id == event.id,
            AttendanceOption.mode == AttendanceMode.IN_PERSON,
        )
        .scalar_subquery()
    )
    inside, expected, last_at = db.session.execute(
        select(Door.inside, seats, Door.last_at)
        .select_from(Event)
        .outerjoin(Door, Door.event_id == Event.id)
        .where(Event.id == event.id)
    ).one()
    return Counts(int(inside or 0), int(expected or 0), last_at)


def turnout_of(event: Event) -> Turnout:
    """Who came and who watched, of who was expected. Guests who watch count with their party."""
    watching = db.session.scalar(
        select(func.count())
        .select_from(Rsvp)
        .join(Attendee, Attendee.rsvp_id == Rsvp.id)
        .where(Rsvp.event_id == event.id, Attendee.joined_at.is_not(None))
    )
    door = counts_of(event)
    return Turnout(
        room=door.inside,
        room_expected=door.expected,
        online=watching or 0,
        online_expected=seats_given(event, AttendanceMode.VIRTUAL),
    )


def seats_given(event: Event, mode: AttendanceMode) -> int:
    """How many are expected to attend this way, as the options have counted them."""
    taken = db.session.scalar(
        select(func.sum(AttendanceOption.seats_taken)).where(
            AttendanceOption.event_id == event.id, AttendanceOption.mode == mode
        )
    )
    return int(taken or 0)


def last_in(event: Event, number: int = 5, *, counts: Counts | None = None) -> Sequence[Attendee]:
    """Who came in last, the latest first; whoever has the counts already gives them."""
    counts = counts or counts_of(event)
    if not counts.inside:
        return []
    return db.session.scalars(
        select(Attendee)
        .join(Attendee.rsvp)
        # The sum keeps SQLite from walking through all RSVPs: the latest are found in an index.
        .where(Rsvp.event_id + 0 == event.id, Attendee.checked_in_at <= counts.last_at)
        .order_by(Attendee.checked_in_at.desc(), Attendee.id.desc())
        .limit(number)
    ).all()


def expected(event: Event) -> list[Attendee]:
    """Everybody with a seat in the room, for badges and lists; with their RSVPs, unsorted."""
    return list(
        db.session.scalars(
            select(Attendee)
            .join(Attendee.rsvp)
            .join(AttendanceOption, AttendanceOption.id == Rsvp.option_id)
            .where(
                Rsvp.event_id == event.id,
                Rsvp.status == RsvpStatus.CONFIRMED,
                Rsvp.erased_at.is_(None),
                AttendanceOption.mode == AttendanceMode.IN_PERSON,
            )
            .options(contains_eager(Attendee.rsvp))
            .order_by(Attendee.id)
        )
    )


@dataclass(frozen=True)
class Found:
    """Whom a search found, the likeliest first, and whether there are more."""

    people: list[Attendee]
    has_more: bool = False


def search(event: Event, text: str) -> Found:
    """People of the event whom all words fit: their name, their party's, address, organisation.

    Who has a seat comes first, then those whose name begins so; of very many, some are ranked.
    """
    fits = finding.condition(event.id, text)
    if fits is None:
        return Found([])
    words = words_typed(text)
    parties = select(Rsvp.id).where(fits).limit(_RANKED).subquery()
    rows = db.session.execute(
        select(Attendee.id, Attendee.name, Rsvp.search_text, Rsvp.status)
        .join(Rsvp, Attendee.rsvp_id == Rsvp.id)
        .where(Rsvp.id.in_(select(parties.c.id)))
    )
    ranked = []
    for attendee_id, name, said, status in rows:
        # A guest's name finds the guest and not the others of the party.
        if _mentions(f"{name} {said}", words):
            own = folded(name)
            starts = any(part.startswith(word) for part in own.split() for word in words[:1])
            ranked.append((status is not RsvpStatus.CONFIRMED, not starts, own, attendee_id))
    best = [attendee_id for *_rank, attendee_id in sorted(ranked)[:FOUND]]
    people = {
        person.id: person for person in db.session.scalars(_people().where(Attendee.id.in_(best)))
    }
    return Found(
        [people[attendee_id] for attendee_id in best if attendee_id in people], len(ranked) > FOUND
    )


def _mentions(text: str, words: list[str]) -> bool:
    known = " ".join(words_in(text))
    return all(word in known for word in words)
