"""Who stands at the door: from what was scanned or typed to the people it may mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from registration import finding
from registration.database import db
from registration.folding import folded, words_in, words_typed
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Event,
    Rsvp,
    RsvpStatus,
)

#: How many people a search shows.
FOUND = 20
# From how many parties a search picks them, at most.
_RANKED = 200

_CODE = re.compile(r"[A-HJ-NP-Z2-9]{8}")
# The end of a ticket's address; a scanner set to another keyboard garbles the signs before it.
_CODE_AT_END = re.compile(r"(?<![A-Z0-9])([A-HJ-NP-Z2-9]{8})/?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """Whom a search found, the likeliest first, and whether there are more."""

    people: list[Attendee]
    has_more: bool = False


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


def search(event: Event, text: str) -> Found:
    """People of the event whom all words fit: their name, their party's, address, organisation.

    Who has a seat in the room comes first, then who watches; of those, the names that begin so. Of
    very many, some are ranked.
    The code of a ticket finds whom it admits, alone.
    """
    person = person_by_code(code) if (code := code_in(text)) else None
    if person is not None and person.rsvp.event_id == event.id:
        return Found([person])
    fits = finding.condition(event.id, text)
    if fits is None:
        return Found([])
    words = words_typed(text)
    parties = select(Rsvp.id).where(fits).limit(_RANKED).subquery()
    rows = db.session.execute(
        select(Attendee.id, Attendee.name, Rsvp.search_text, Rsvp.status, AttendanceOption.mode)
        .join(Rsvp, Attendee.rsvp_id == Rsvp.id)
        .join(AttendanceOption, Rsvp.option_id == AttendanceOption.id)
        .where(Rsvp.id.in_(select(parties.c.id)))
    )
    ranked = []
    for attendee_id, name, said, status, mode in rows:
        # A guest's name finds the guest and not the others of the party.
        if _mentions(f"{name} {said}", words):
            own = folded(name)
            starts = any(part.startswith(word) for part in own.split() for word in words[:1])
            comes = status is RsvpStatus.CONFIRMED
            sits = comes and mode is AttendanceMode.IN_PERSON
            ranked.append((not sits, not comes, not starts, own, attendee_id))
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
