"""The kinds of rows that an event has: what staff edit of each, and what stays of what was used.

What has been answered, chosen or invited does not vanish, and becomes nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import emails, itip, wording
from registration.database import db
from registration.folding import words_in
from registration.models import (
    AgendaItem,
    Answer,
    AttendanceOption,
    Event,
    Publication,
    Question,
    QuestionKind,
    Rsvp,
    Speaker,
    SpeakerStatus,
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


def new_speaker(event: Event) -> Speaker:
    """Somebody who is not invited yet, with a key and a UID of their own."""
    return Speaker(
        event_id=event.id,
        key=secrets.token_urlsafe(24),
        ical_uid=itip.new_uid(current_app.config["MAIL_DOMAIN"]),
        language=event.language,
        status=SpeakerStatus.NOT_INVITED,
    )


def is_somebody_else(speaker: Speaker, values: Row) -> bool:
    """Whether another person is to have the part of one who was asked for it.

    That is another name and another address at once; a title more or less is no other name. What
    the one before has answered and asked for is not theirs.
    """
    was, now_is = words_in(speaker.name), words_in(values["name"])
    is_named_so = was <= now_is or now_is <= was
    was_asked = speaker.status is not SpeakerStatus.NOT_INVITED
    return was_asked and speaker.email != values["email"] and not is_named_so


def invite(speaker: Speaker, now: datetime) -> None:
    """Note that they are asked, and mail it to them; the caller has seen that they can be."""
    speaker.status = SpeakerStatus.INVITED
    speaker.invited_at, speaker.answered_at = now, None
    speaker.touch(now)
    emails.speaker_invited(speaker, now=now)


def invite_instead(speaker: Speaker, now: datetime) -> bool:
    """Invite who has the part of one who was asked for it; whether they can be."""
    can_be = bool(speaker.email) and not speaker.event.is_off(now)
    if can_be:
        invite(speaker, now)
    return can_be


def remove_speaker(speaker: Speaker, now: datetime) -> None:
    """Take a person off the programme: the entry leaves the calendar of who was asked."""
    if speaker.status is SpeakerStatus.NOT_INVITED and speaker.ical_sequence < 0:
        db.session.delete(speaker)
        return
    has_entry = speaker.is_asked
    speaker.status = SpeakerStatus.CANCELLED
    speaker.touch(now)
    if has_entry and not speaker.event.is_past(now):
        emails.speaker_cancelled(speaker, now=now)


KINDS = {
    "people": Kind(
        Speaker,
        (
            "role", "name", "title", "affiliation", "bio", "photo", "email", "mode", "call_at",
            "slot_starts_at", "slot_ends_at", "room", "green_room_url",
        ),
        remove_speaker,
        is_another=is_somebody_else,
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
