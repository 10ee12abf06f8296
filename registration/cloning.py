"""A new draft from an event: all of it but what people answered."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, TypeVar

from flask import current_app
from flask_babel import gettext
from sqlalchemy import ColumnElement, insert, select

from registration import audit, itip, pictures
from registration.database import Base, db, transaction
from registration.events import free_slug
from registration.models import (
    AgendaItem,
    AttendanceOption,
    Event,
    EventStatus,
    InvitationCode,
    Publication,
    Question,
    Speaker,
    SpeakerStatus,
    StreamSource,
    staff_events,
)
from registration.revisions import EventRefused

Row = TypeVar("Row", bound=Base)

#: What belongs to the occasion and not to the plan.
_OF_THE_OCCASION = (
    "recording_url", "recording_minutes", "transcript_url", "audio_url", "slides_url",
    "cancelled_at", "cancellation_reason", "ical_sequence", "edition", "seats_revision",
    "revision", "lobby_phase", "lobby_note", "lobby_revision",
)  # fmt: skip


def clone(*, event_id: int, staff_id: int | None, now: datetime) -> Event:
    """Copy an event into a draft with keys and calendar UIDs of its own, and without RSVPs.

    Speakers are on the copy's programme and not invited yet; codes can be used anew. Pictures are
    copied before the transaction: files are slow, and on SQLite all others wait for whoever writes.
    Raises EventRefused if somebody changes them meanwhile.
    """
    named = _pictures_of(event_id)
    with pictures.copied(list(named.values())) as copies, transaction():
        if _pictures_of(event_id) != named:
            raise EventRefused(
                gettext("Its pictures were changed while it was copied. Make the copy again.")
            )
        own = dict(zip(named, copies, strict=True))
        event = db.session.get_one(Event, event_id)
        copy = _copy(
            event,
            skip=_OF_THE_OCCASION,
            slug=free_slug(event.title),
            image=own[None],
            status=EventStatus.DRAFT,
            retention_days=event.retention_days or current_app.config["RETENTION_DAYS"],
            ical_uid=itip.new_uid(current_app.config["MAIL_DOMAIN"]),
            created_at=now,
            updated_at=now,
        )
        options = _copy_rows(
            AttendanceOption,
            event,
            copy,
            skip=("seats_taken", "extra_seats", "waiting", "last_waiting_number"),
        )
        questions = _copy_rows(Question, event, copy, unless="retired_at")
        for question in questions.values():
            if question.option_id is not None:
                question.option_id = options[question.option_id].id
        publications = _copy_rows(Publication, event, copy)
        for publication in publications.values():
            if publication.translation_of_id is not None:
                publication.translation_of_id = publications[publication.translation_of_id].id
        _copy_rows(AgendaItem, event, copy, skip=("recording_second",))
        _copy_rows(StreamSource, event, copy, skip=("is_live",))
        _copy_rows(InvitationCode, event, copy, skip=("uses",))
        _copy_speakers(event, copy, own)
        _copy_team(event, copy, staff_id)
        audit.record(
            "event.cloned", now=now, staff_id=staff_id, event_id=copy.id, original=event.slug
        )
    return copy


def _copy(row: Row, *, skip: tuple[str, ...] = (), **values: Any) -> Row:
    names = [
        column.key
        for column in row.__table__.columns
        if column.key not in ("id", "search_text", *skip) and column.key not in values
    ]
    copied = {name: getattr(row, name) for name in names}
    made = type(row)(**(copied | values))
    db.session.add(made)
    db.session.flush()
    return made


def _pictures_of(event_id: int) -> dict[int | None, str]:
    """The names of its people's photographs by their ids, and of its own picture under None."""
    speakers = select(Speaker.id, Speaker.photo).where(_comes(event_id)).order_by(Speaker.id)
    image = db.session.scalars(select(Event.image).where(Event.id == event_id)).one()
    return {None: image, **{speaker.id: speaker.photo for speaker in db.session.execute(speakers)}}


def _comes(event_id: int) -> ColumnElement[bool]:
    gone = (SpeakerStatus.CANCELLED, SpeakerStatus.DECLINED)
    return (Speaker.event_id == event_id) & Speaker.status.not_in(gone)


def _copy_rows(
    model: Any, event: Event, copy: Event, *, skip: tuple[str, ...] = (), unless: str = ""
) -> dict[int, Any]:
    """The copies of an event's rows, by the ids of their originals."""
    rows = db.session.scalars(select(model).where(model.event_id == event.id).order_by(model.id))
    return {
        row.id: _copy(row, skip=skip, event_id=copy.id)
        for row in rows.all()
        if not (unless and getattr(row, unless) is not None)
    }


def _copy_speakers(event: Event, copy: Event, photos: dict[int | None, str]) -> None:
    speakers = select(Speaker).where(_comes(event.id))
    for speaker in db.session.scalars(speakers.order_by(Speaker.position)).all():
        _copy(
            speaker,
            skip=(
                "invited_at", "answered_at", "answer_by", "ical_sequence", "told", "updated_at",
                "releases_recording", "needs",
            ),
            event_id=copy.id,
            key=secrets.token_urlsafe(24),
            photo=photos[speaker.id],
            status=SpeakerStatus.NOT_INVITED,
            ical_uid=itip.new_uid(current_app.config["MAIL_DOMAIN"]),
        )  # fmt: skip


def _copy_team(event: Event, copy: Event, staff_id: int | None) -> None:
    """Whoever works on the event works on its copy, and so does who made it."""
    team = set(
        db.session.scalars(
            select(staff_events.c.staff_id).where(staff_events.c.event_id == event.id)
        )
    )
    if staff_id is not None:
        team.add(staff_id)
    for member in sorted(team):
        db.session.execute(insert(staff_events).values(staff_id=member, event_id=copy.id))
