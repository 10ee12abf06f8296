"""Who may: keys and slugs to rows.

Whatever cannot be found or seen is a 404, all alike but for events that were public: those say
that they are gone for a while.
"""

from __future__ import annotations

from typing import NoReturn

from flask import abort, current_app, g, request
from flask_babel import refresh
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import NotFound

from registration import lifecycle
from registration.admission import invitation_by_key
from registration.database import db
from registration.models import (
    Event,
    EventStatus,
    Rsvp,
    RsvpStatus,
    Speaker,
)
from registration.times import now

# Made once: to put a statement together costs as much as to run it.
_EVENT = select(Event).where(Event.slug == bindparam("slug"))
_RSVP = (
    select(Rsvp)
    .where(Rsvp.erased_at.is_(None))
    .options(joinedload(Rsvp.event), joinedload(Rsvp.option))
)
_MANAGED = _RSVP.where(Rsvp.manage_key == bindparam("key"))
_JOINED = _RSVP.where(Rsvp.join_key == bindparam("key"))


class Withdrawn(NotFound):
    """The page of an event that was public and is a draft again."""


def published_event(slug: str) -> Event:
    """The event of a public page: published, cancelled or past, never a draft."""
    event = db.session.scalars(_EVENT, {"slug": slug}).one_or_none()
    if event is None:
        _missing()
    if event.status is EventStatus.DRAFT:
        if not lifecycle.has_been_public(event):
            _missing()
        g.language = event.language
        raise Withdrawn
    g.language = event.language
    return event


def rsvp_by_manage_key(key: str) -> Rsvp:
    """The RSVP that this key changes and cancels."""
    return _rsvp(_MANAGED, key)


def rsvp_by_join_key(key: str) -> Rsvp:
    """The RSVP whose lobby this key opens."""
    return _rsvp(_JOINED, key)


def is_running(event: Event) -> bool:
    """Whether an RSVP to this event can still be changed."""
    return event.takes_place(now())


def may_change(rsvp: Rsvp) -> bool:
    """Whether to ask what to change; what is sent nevertheless, the verb refuses in words."""
    return rsvp.is_live and (request.method == "POST" or is_running(rsvp.event))


def may_answer_again(rsvp: Rsvp, ended_by: str) -> bool:
    """Whether to offer a new RSVP to whose own has ended; nobody whom staff sent away is asked."""
    moment, event = now(), rsvp.event
    has_left = rsvp.status in (RsvpStatus.CANCELLED, RsvpStatus.DECLINED) and ended_by != "staff"
    return has_left and event.takes_place(moment) and moment < event.accepts_until


def speaker_by_key(key: str) -> Speaker:
    """The speaker whose page this key opens."""
    speaker = db.session.scalars(
        select(Speaker).where(Speaker.key == key).options(joinedload(Speaker.event))
    ).one_or_none()
    if speaker is None:
        _missing()
    g.language = speaker.language
    return speaker


def speak_as_invited(event: Event) -> None:
    """Go on in the language of the invitation that came along, if any: the RSVP will be in it."""
    invitation = invitation_by_key(event, request.values.get("invitation", ""))
    speak(invitation.language if invitation else "")


def speak(language: str) -> None:
    """Go on in this language; an empty one, or one that pages are not in, changes nothing."""
    if language in current_app.config["LANGUAGES"]:
        g.language = language
        refresh()  # something may have been said in another one


def _rsvp(statement: Select[Rsvp], key: str) -> Rsvp:
    rsvp = db.session.scalars(statement, {"key": key}).one_or_none()
    if rsvp is None:
        _missing()
    g.language = rsvp.language
    return rsvp


def _missing() -> NoReturn:
    abort(404)
