"""The rows of an event: people, programme, publications, questions, ways to attend.

A list is saved as a whole, in its new order: rows with an id are kept and changed, others are
made, and those that are missing go. What has been answered, used or invited does not vanish.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update

from registration import (
    audience,
    audit,
    editions,
    emails,
    itip,
    pictures,
    revisions,
    seating,
    wording,
)
from registration.database import db, transaction
from registration.models import (
    AgendaItem,
    Answer,
    AttendanceMode,
    AttendanceOption,
    Event,
    Publication,
    Question,
    QuestionKind,
    Rsvp,
    Speaker,
    SpeakerStatus,
)
from registration.revisions import EditedMeanwhile, EventRefused, Row, fingerprint

#: Kinds of question by which every answer to another kind can still be given.
_WIDER = {
    QuestionKind.SHORT_TEXT: (QuestionKind.LONG_TEXT,),
    QuestionKind.ONE_OF: (QuestionKind.ANY_OF,),
}


@dataclass(frozen=True)
class Kind:
    """A kind of rows: its table, the fields staff edit, and what becomes of a row that goes."""

    model: Any
    names: tuple[str, ...]
    remove: Callable[[Any, datetime], None]
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


def _check_mode(option: AttendanceOption, mode: AttendanceMode) -> None:
    """Refuse to turn a room into a stream under those who chose it: calendars and tickets say so.

    Nobody would be told, since each is told by how they attend; a move tells them.
    """
    if mode is not option.mode and _is_chosen(option):
        raise EventRefused(
            _(
                "People have chosen “%(way)s”, so it stays as it is, in person or online. Add "
                "another way to attend and let them attend that way: they are told then.",
                way=wording.option_name(option),
            )
        )


def _check_kind(question: Question, kind: QuestionKind) -> None:
    """Refuse to ask for another kind of answer than was given: it could not be shown or found.

    Whoever then changes no more than their name would lose what they had answered.
    """
    fits = (question.kind, *_WIDER.get(question.kind, ()))
    if kind not in fits and _is_answered(question):
        raise EventRefused(
            _(
                "People have answered “%(question)s”, so it stays with the kind of answer that it "
                "has. Remove it and add another question: their answers are kept.",
                question=question.label,
            )
        )


def _is_answered(question: Question) -> bool:
    answered = select(Answer.id).where(Answer.question_id == question.id).limit(1)
    return db.session.scalar(answered) is not None


def _remove_question(question: Question, now: datetime) -> None:
    if _is_answered(question):
        question.retired_at = now
    else:
        db.session.delete(question)


def _remove_speaker(speaker: Speaker, now: datetime) -> None:
    if speaker.status is SpeakerStatus.NOT_INVITED and speaker.ical_sequence < 0:
        db.session.delete(speaker)
        return
    has_entry = speaker.status in (SpeakerStatus.INVITED, SpeakerStatus.CONFIRMED)
    speaker.status = SpeakerStatus.CANCELLED
    speaker.revision += 1
    if has_entry and not speaker.event.is_past(now):
        emails.speaker_cancelled(speaker, now=now)


KINDS = {
    "people": Kind(
        Speaker,
        (
            "role", "name", "title", "affiliation", "bio", "photo", "email", "mode", "call_at",
            "slot_starts_at", "slot_ends_at", "room", "green_room_url",
        ),
        _remove_speaker,
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
    ),
    "options": Kind(
        AttendanceOption,
        ("mode", "label", "note", "capacity", "opens_at", "closes_at", "needs_approval"),
        _remove_option,
    ),
}  # fmt: skip


def rows_of(event: Event, name: str) -> list[dict[str, Any]]:
    """The rows as they are saved, in their order, each with its id."""
    kind = KINDS[name]
    return [
        {"id": row.id, **{field: getattr(row, field) for field in kind.names}}
        for row in _saved(event, name)
    ]


def retired_questions(event: Event) -> list[Question]:
    """Questions that were answered and are not asked any more."""
    return list(
        db.session.scalars(
            select(Question)
            .where(Question.event_id == event.id, Question.retired_at.is_not(None))
            .order_by(Question.position)
        )
    )


def _saved(event: Event, name: str) -> list[Any]:
    model = KINDS[name].model
    wanted = select(model).where(model.event_id == event.id)
    if model is Speaker:
        wanted = wanted.where(Speaker.status != SpeakerStatus.CANCELLED)
    if model is Question:
        wanted = wanted.where(Question.retired_at.is_(None))
    order = model.position if KINDS[name].is_ordered else model.starts_at
    return list(db.session.scalars(wanted.order_by(order, model.id)))


def save(
    *,
    event_id: int,
    name: str,
    rows: Sequence[Row],
    seen: str,
    staff_id: int | None,
    now: datetime,
) -> int:
    """Save a list of rows. `seen` is the fingerprint of the rows that were shown.

    Speakers in whose calendars something differs are mailed at once: how many. Capacities of ways
    that exist are left alone: capacity.py changes them and fills the seats.
    Raises EditedMeanwhile, and EventRefused for a row that must not go.
    """
    kind, mailed = KINDS[name], 0
    photos: set[str] = set()
    with pictures.chosen([row.get("photo") for row in rows]) as chosen, transaction():
        event = seating.lock(event_id).event
        current = rows_of(event, name)
        if seen and fingerprint(current) != seen:
            raise EditedMeanwhile({"rows": current})
        if name == "people":
            rows = _with_photos(rows, chosen, current)
        if name == "publications":
            rows = _without_lost_originals(rows)
        if fingerprint([dict(row) for row in rows]) == fingerprint(current):
            return 0
        saved = {row.id: row for row in _saved(event, name)}
        for gone in saved.keys() - {row.get("id") for row in rows}:
            kind.remove(saved[gone], now)
        db.session.flush()
        if kind.is_ordered:
            _park(kind, event_id)
        db.session.flush()
        for position, row in enumerate(rows):
            _apply(kind, event, saved.get(row.get("id")), row, position)
        db.session.flush()
        if name == "people":
            photos = {row["photo"] for row in current} - {row.get("photo") for row in rows}
            mailed = _tell_speakers(event, {row["id"]: row["email"] for row in current}, now)
        revisions.count(event, now)
        audit.record(
            "event.edited",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            part=name,
            **_changes(event, name, current, rows),
        )
    pictures.discard(*photos)
    return mailed


def _with_photos(
    rows: Sequence[Row], chosen: Sequence[str | None], current: Sequence[Row]
) -> list[Row]:
    """The rows with the photograph that was chosen for each; None: with the one it has."""
    shown = {row["id"]: row["photo"] for row in current}
    return [
        {**row, "photo": shown.get(row["id"], "") if photo is None else photo}
        for row, photo in zip(rows, chosen, strict=True)
    ]


def _without_lost_originals(rows: Sequence[Row]) -> list[Row]:
    """The rows, of which none is a translation of one that goes."""
    kept = {row["id"] for row in rows}
    return [
        row if row["translation_of_id"] in kept else {**row, "translation_of_id": None}
        for row in rows
    ]


def _changes(event: Event, name: str, before: Sequence[Row], sent: Sequence[Row]) -> Row:
    """What an edit has added, removed, changed and moved, for the audit log."""
    referred: revisions.Referred = ("", ())
    if name == "questions":
        referred = "option_id", rows_of(event, "options")
    elif name == "publications":
        referred = "translation_of_id", before
    changes = revisions.row_changes(before, rows_of(event, name), sent, referred=referred)
    return changes | {"moved": KINDS[name].is_ordered and changes["moved"]}


def _park(kind: Kind, event_id: int) -> None:
    """Make room for the new order: no two rows may share a position even for a moment.

    Rows that are kept though they are gone from the list stay parked, and the others go below.
    """
    model = kind.model
    lowest = db.session.scalar(select(func.min(model.position)).where(model.event_id == event_id))
    db.session.execute(
        update(model)
        .where(model.event_id == event_id, model.position >= 0)
        .values(position=min(lowest or 0, 0) - 1 - model.position)
        .execution_options(synchronize_session="fetch")
    )


def _apply(kind: Kind, event: Event, row: Any, values: Row, position: int) -> None:
    if row is None:
        row = kind.model(event_id=event.id)
        if kind.model is Speaker:
            row.key = secrets.token_urlsafe(24)
            row.ical_uid = itip.new_uid(current_app.config["MAIL_DOMAIN"])
            row.language = event.language
            row.status = SpeakerStatus.NOT_INVITED
        new = True
    else:
        new = False
        if kind.model is AttendanceOption:
            _check_mode(row, values.get("mode", row.mode))
        if kind.model is Question:
            _check_kind(row, values.get("kind", row.kind))
    for name in kind.names:
        if name in values and (new or (kind.model, name) != (AttendanceOption, "capacity")):
            setattr(row, name, values[name])
    if kind.is_ordered:
        row.position = position
    if new:
        db.session.add(row)


def _tell_speakers(event: Event, addresses: Mapping[int, str], now: datetime) -> int:
    """Tell speakers whose own times or place, or `addresses`, have changed; how many."""
    told = 0
    for speaker in _saved(event, "people"):
        before = addresses.get(speaker.id, speaker.email)
        if speaker.email != before:
            told += emails.speaker_readdressed(speaker, before=before, now=now)
    if not event.is_off(now):
        for speaker in audience.speakers_with_entry(event.id):
            if _own_part_differs(speaker):
                told += emails.speaker_moved(speaker, now=now)
    return told


def _own_part_differs(speaker: Speaker) -> bool:
    told, says = speaker.told, editions.facts_of_speaker(speaker)
    own = ("starts_at", "ends_at", "room", "venue")
    return bool(told) and any(told.get(name) != says[name] for name in own)
