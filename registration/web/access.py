"""Who may: keys and slugs to rows. Whatever cannot be found or seen is a 404, all alike."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import abort, g
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from registration.database import db
from registration.models import NO_KEY, Event, EventStatus, Invitation, Rsvp, Speaker


def published_event(slug: str) -> Event:
    """The event of a public page: published, cancelled or past, never a draft."""
    event = db.session.scalars(select(Event).where(Event.slug == slug)).one_or_none()
    if event is None or event.status is EventStatus.DRAFT:
        _missing()
    g.language = event.language
    return event


def rsvp_by_manage_key(key: str) -> Rsvp:
    """The RSVP that this key changes and cancels."""
    return _rsvp(Rsvp.manage_key == key)


def rsvp_by_join_key(key: str) -> Rsvp:
    """The RSVP whose lobby this key opens."""
    return _rsvp(Rsvp.join_key == key)


def speaker_by_key(key: str) -> Speaker:
    """The speaker whose page this key opens."""
    speaker = db.session.scalars(
        select(Speaker).where(Speaker.key == key).options(joinedload(Speaker.event))
    ).one_or_none()
    if speaker is None:
        _missing()
    g.language = speaker.language
    return speaker


def invitation_by_key(event: Event, key: str) -> Invitation | None:
    """The personal invitation to this event with that key, if there is one."""
    if not key or key.startswith(NO_KEY):
        return None
    return db.session.scalars(
        select(Invitation).where(Invitation.event_id == event.id, Invitation.key == key)
    ).one_or_none()


def _rsvp(condition: Any) -> Rsvp:
    rsvp = db.session.scalars(
        select(Rsvp)
        .where(condition, Rsvp.erased_at.is_(None))
        .options(joinedload(Rsvp.event), joinedload(Rsvp.option), joinedload(Rsvp.waits_for))
    ).one_or_none()
    if rsvp is None:
        _missing()
    g.language = rsvp.language
    return rsvp


def _missing() -> NoReturn:
    abort(404)
