"""Who is on the programme: new, invited, gone, or replaced by somebody else.

Each change is part of the verb that calls it, and of its transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from registration import emails, itip
from registration.database import db
from registration.folding import words_in
from registration.models import Event, Speaker, SpeakerStatus


def new_speaker(event: Event) -> Speaker:
    """Somebody who is not invited yet, with a key and a UID of their own."""
    return Speaker(
        event_id=event.id,
        key=secrets.token_urlsafe(24),
        ical_uid=itip.new_uid(current_app.config["MAIL_DOMAIN"]),
        language=event.language,
        status=SpeakerStatus.NOT_INVITED,
    )


def has(event_id: int, name: str, email: str) -> bool:
    """Whether a person of this name and address has a part in the event."""
    person = select(Speaker.id).where(
        Speaker.event_id == event_id,
        Speaker.name == name,
        Speaker.email == email,
        Speaker.status != SpeakerStatus.CANCELLED,
    )
    return db.session.scalar(person.limit(1)) is not None


def is_somebody_else(speaker: Speaker, values: Mapping[str, Any]) -> bool:
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


def remove(speaker: Speaker, now: datetime) -> None:
    """Take a person off the programme: the entry leaves the calendar of who was asked."""
    if speaker.status is SpeakerStatus.NOT_INVITED and speaker.ical_sequence < 0:
        db.session.delete(speaker)
        return
    has_entry = speaker.is_asked
    speaker.status = SpeakerStatus.CANCELLED
    speaker.touch(now)
    if has_entry and not speaker.event.is_past(now):
        emails.speaker_cancelled(speaker, now=now)


def replace(speaker: Speaker, now: datetime) -> Speaker:
    """Take a person off the programme, below which their row is kept; the new row in its place."""
    remove(speaker, now)
    lowest = db.session.scalar(
        select(func.min(Speaker.position)).where(Speaker.event_id == speaker.event_id)
    )
    other = new_speaker(speaker.event)
    other.photo, other.position = speaker.photo, speaker.position
    speaker.position = min(lowest or 0, 0) - 1
    db.session.flush()  # no two may share a position even for a moment
    db.session.add(other)
    return other
