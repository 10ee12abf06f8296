"""The kinds of rows that an event has: what staff edit of each, and what stays of what was used.

What has been answered, chosen or invited does not vanish, and becomes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import lineup, wording
from registration.database import db
from registration.models import (
    AgendaItem,
    Answer,
    AttendanceOption,
    Publication,
    Question,
    QuestionKind,
    Rsvp,
    Speaker,
)
from registration.revisions import EventRefused, Row

#: Kinds of question by which every answer to another kind can still be given.
_WIDER = {
    QuestionKind.SHORT_TEXT: (QuestionKind.LONG_TEXT,),
    QuestionKind.ONE_OF: (QuestionKind.ANY_OF,),
}


def _takes_all(_row: Any, _values: Row) -> None:
    """There is nothing that such a row cannot become."""


def _is_the_same(_row: Any, _values: Row) -> bool:
    """Whatever is said of such a row, it stays the one that it is."""
    return False


@dataclass(frozen=True)
class Kind:
    """A kind of rows: its table, the fields staff edit, and what becomes of a row that goes.

    `accept` makes a row ready for new values, or raises EventRefused if it cannot take them.
    `is_another` says whether they are of another one: then the row goes, and a new one comes.
    """

    model: Any
    names: tuple[str, ...]
    remove: Callable[[Any, datetime], None]
    accept: Callable[[Any, Row], None] = _takes_all
    is_another: Callable[[Any, Row], bool] = _is_the_same
    is_ordered: bool = True


def _delete(row: Any, _now: datetime) -> None:
    db.session.delete(row)


def _is_chosen(option: AttendanceOption) -> bool:
    """Whether an RSVP, live or ended, is about it."""
    chosen = select(Rsvp.id).where(
        (Rsvp.option_id == option.id)
        | (Rsvp.waits_for_option_id == option.id)
        | (Rsvp.meanwhile_option_id == option.id)
    )
    return db.session.scalar(chosen.limit(1)) is not None


def _remove_option(option: AttendanceOption, now: datetime) -> None:
    if _is_chosen(option):
        raise EventRefused(
            _(
                "People have chosen “%(way)s”, so it cannot be removed. Close it instead: set "
                "when it closes to now.",
                way=wording.option_name(option),
            )
        )
    for question in db.session.scalars(select(Question).where(Question.option_id == option.id)):
        # Of those who answered and then attended another way.
        _remove_question(question, now)
        question.option_id = None
    db.session.flush()
    db.session.delete(option)


def _accept_mode(option: AttendanceOption, values: Row) -> None:
    """Refuse to turn a room into a stream under those who chose it: calendars and tickets say so.

    Nobody would be told, since each is told by how they attend; a move tells them.
    """
    if values.get("mode", option.mode) is not option.mode and _is_chosen(option):
        raise EventRefused(
            _(
                "People have chosen “%(way)s”, so it stays as it is, in person or online. Add "
                "another way to attend and let them attend that way: they are told then.",
                way=wording.option_name(option),
            )
        )


def _accept_question(question: Question, values: Row) -> None:
    """Refuse to ask for another kind of answer than was given: it could not be shown or found.

    Whoever then changes no more than their name would lose what they had answered. Choices that go
    are kept for the list and messages: those who made them are found by them.
    """
    fits = (question.kind, *_WIDER.get(question.kind, ()))
    if values.get("kind", question.kind) not in fits and _is_answered(question):
        raise EventRefused(
            _(
                "People have answered “%(question)s”, so it stays with the kind of answer that it "
                "has. Remove it and add another question: their answers are kept.",
                question=question.label,
            )
        )
    offered = values.get("choices", question.choices)
    gone = [choice for choice in question.known_choices if choice not in offered]
    if gone != question.former_choices and _is_answered(question):
        question.former_choices = gone


def _is_answered(question: Question) -> bool:
    answered = select(Answer.id).where(Answer.question_id == question.id).limit(1)
    return db.session.scalar(answered) is not None


def _remove_question(question: Question, now: datetime) -> None:
    if _is_answered(question):
        question.retired_at = now
    else:
        db.session.delete(question)


KINDS = {
    "people": Kind(
        Speaker,
        (
            "role", "name", "title", "affiliation", "bio", "photo", "email", "mode", "call_at",
            "slot_starts_at", "slot_ends_at", "room", "green_room_url",
        ),
        lineup.remove,
        is_another=lineup.is_somebody_else,
    ),
    "agenda": Kind(
        AgendaItem, ("starts_at", "title", "note", "recording_second"), _delete, is_ordered=False
    ),
    "publications": Kind(
        Publication,
        (
            "title", "url", "published_on", "abstract", "type", "topics", "language",
            "translation_of_id",
        ),
        _delete,
    ),
    "questions": Kind(
        Question,
        ("label", "hint", "kind", "choices", "is_required", "is_sensitive", "option_id"),
        _remove_question,
        _accept_question,
    ),
    "options": Kind(
        AttendanceOption,
        ("mode", "label", "note", "capacity", "opens_at", "closes_at", "needs_approval"),
        _remove_option,
        _accept_mode,
    ),
}  # fmt: skip
