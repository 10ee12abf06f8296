"""Whom a mailing goes to: a part of an event's RSVPs, each address once."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from registration.database import db
from registration.models import (
    ANSWERED,
    LIVE,
    NO_ADDRESS,
    Answer,
    Attendee,
    Question,
    QuestionKind,
    Rsvp,
    RsvpStatus,
    Unsubscribe,
)


class Who(enum.StrEnum):
    """In which state their RSVP is."""

    CONFIRMED = "confirmed"
    WAITING = "waiting"  # in a queue, also those who watch meanwhile
    PENDING = "pending"
    EVERYONE = "everyone"  # all of these
    ENDED = "ended"  # cancelled, declined or not accepted, and not back again


class Presence(enum.StrEnum):
    """Whether they came."""

    ANY = ""
    CHECKED_IN = "checked_in"
    NOT_CHECKED_IN = "not_checked_in"
    JOINED = "joined"
    NOT_JOINED = "not_joined"


# An address that has not confirmed itself may be anybody's: it is in none of them.
_STATUSES = {
    Who.CONFIRMED: (RsvpStatus.CONFIRMED,),
    Who.WAITING: (RsvpStatus.CONFIRMED, RsvpStatus.WAITLISTED),
    Who.PENDING: (RsvpStatus.PENDING,),
    Who.EVERYONE: ANSWERED,
    Who.ENDED: (RsvpStatus.CANCELLED, RsvpStatus.DECLINED, RsvpStatus.REJECTED),
}


@dataclass(frozen=True)
class Segment:
    """A part of the RSVPs of an event. Empty: it does not matter.

    `answer` is one of the choices of the question, "yes" or "no".
    """

    who: Who = Who.CONFIRMED
    option_id: int | None = None
    presence: Presence = Presence.ANY
    question_id: int | None = None
    answer: str = ""
    wants_news: bool = False  # only who agreed to hear of future events

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Segment:
        """As it was kept."""
        return cls(
            who=Who(kept.get("who", Who.CONFIRMED)),
            option_id=kept.get("option_id"),
            presence=Presence(kept.get("presence", "")),
            question_id=kept.get("question_id"),
            answer=kept.get("answer", ""),
            wants_news=kept.get("wants_news", False),
        )


def rsvps_of(event_id: int, segment: Segment) -> Select[int]:
    """The ids of the RSVPs that a mailing goes to, of each address at most one."""
    conditions = [
        Rsvp.event_id == event_id,
        Rsvp.status.in_(_STATUSES[segment.who]),
        Rsvp.email.not_like(f"%{NO_ADDRESS}"),  # came to the door without one
        ~Unsubscribe.silences(Rsvp.email, event_id),
        *_narrowed(segment),
    ]
    return select(Rsvp.id).where(*conditions)


def holds(event_id: int, segment: Segment, rsvp_id: int) -> bool:
    """Whether an RSVP is one of those that a mailing goes to."""
    found = rsvps_of(event_id, segment).where(Rsvp.id == rsvp_id)
    return db.session.scalar(found) is not None


def count(event_id: int, segment: Segment) -> int:
    """How many addresses a mailing goes to."""
    return (
        db.session.scalar(select(func.count()).select_from(rsvps_of(event_id, segment).subquery()))
        or 0
    )


def unsubscribed(event_id: int, segment: Segment) -> int:
    """How many of a segment want no mailings, and are left out."""
    wanted = select(Rsvp.id).where(
        Rsvp.event_id == event_id,
        Rsvp.status.in_(_STATUSES[segment.who]),
        Unsubscribe.silences(Rsvp.email, event_id),
        *_narrowed(segment),
    )
    return db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0


def counts(event_id: int) -> dict[tuple[Who, int | None], int]:
    """How many each state has, of each option and of all."""
    by_option = db.session.execute(
        select(Rsvp.status, Rsvp.option_id, func.count())
        .where(
            Rsvp.event_id == event_id,
            Rsvp.status.in_(LIVE),
            Rsvp.email.not_like(f"%{NO_ADDRESS}"),
            ~Unsubscribe.silences(Rsvp.email, event_id),
        )
        .group_by(Rsvp.status, Rsvp.option_id)
    ).all()
    found: dict[tuple[Who, int | None], int] = {}
    for who in (Who.CONFIRMED, Who.PENDING, Who.EVERYONE):
        for status, option_id, number in by_option:
            if status in _STATUSES[who]:
                found[who, option_id] = found.get((who, option_id), 0) + number
                found[who, None] = found.get((who, None), 0) + number
    for who in (Who.WAITING, Who.ENDED):
        found[who, None] = count(event_id, Segment(who))
    return found


def _narrowed(segment: Segment) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if segment.who is Who.WAITING:
        conditions.append(Rsvp.waits_for_option_id.is_not(None))
    if segment.who is Who.ENDED:
        conditions.append(~_came_back())
    if segment.option_id is not None:
        asked_for = Rsvp.waits_for_option_id if segment.who is Who.WAITING else Rsvp.option_id
        conditions.append(asked_for == segment.option_id)
    if segment.presence in (Presence.CHECKED_IN, Presence.NOT_CHECKED_IN):
        came = _some_attendee(Attendee.checked_in_at.is_not(None))
        conditions.append(came if segment.presence is Presence.CHECKED_IN else ~came)
    elif segment.presence:
        came = _some_attendee(Attendee.joined_at.is_not(None))
        conditions.append(came if segment.presence is Presence.JOINED else ~came)
    if segment.wants_news:
        conditions.append(Rsvp.wants_news.is_(True))
    if segment.question_id is not None:
        conditions.append(_answered(segment.question_id, segment.answer))
    return conditions


def _some_attendee(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Attendee.rsvp_id == Rsvp.id, condition)


def _came_back() -> ColumnElement[bool]:
    """Whether the address has a live RSVP, or ended a later one: that one speaks for it."""
    other = aliased(Rsvp)
    ended = other.status.in_(_STATUSES[Who.ENDED])
    return exists().where(
        other.event_id == Rsvp.event_id,
        other.email == Rsvp.email,
        or_(other.status.in_(LIVE), ended & (other.id > Rsvp.id)),
    )


def _answered(question_id: int, answer: str) -> ColumnElement[bool]:
    this = (Answer.rsvp_id == Rsvp.id) & (Answer.question_id == question_id)
    kind = db.session.scalar(select(Question.kind).where(Question.id == question_id))
    if kind is QuestionKind.YES_NO:
        return exists().where(this, Answer.value["yes"].as_boolean() == (answer == "yes"))
    if db.engine.dialect.name == "postgresql":
        value = type_coerce(Answer.value, JSONB)
        return exists().where(this, value.contains({"choices": [answer]}))
    chosen = func.json_each(Answer.value, "$.choices").table_valued("value", joins_implicitly=True)
    return exists().where(this, chosen.c.value == answer)
