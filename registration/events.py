"""What an event says: made as a draft, edited, moved. Each public verb is one transaction.

An edit says what it has seen: where somebody else has changed the same fields meanwhile it is
refused, and nothing is overwritten. A change of what calendar entries say is told on request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import insert, select

from registration import (
    admission,
    audit,
    editions,
    itip,
    pictures,
    revisions,
    seating,
    shifting,
)
from registration.audience import Reach
from registration.composing import decomposed
from registration.database import db, queue_up, transaction
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    LobbyPhase,
    Rsvp,
    RsvpStatus,
    staff_events,
)
from registration.news import announce, news_of
from registration.revisions import EditedMeanwhile, EventRefused, fingerprint, loggable


@dataclass(frozen=True)
class Way:
    """A way to attend of a new event."""

    mode: AttendanceMode
    capacity: int | None = None


@dataclass(frozen=True)
class Draft:
    """What an event begins with."""

    title: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue_name: str = ""
    venue_address: str = ""
    contact_email: str = ""
    language: str = ""  # the house's
    ways: Sequence[Way] = field(default_factory=tuple)


def create(*, draft: Draft, staff_id: int | None, now: datetime) -> Event:
    """Make a draft; who makes it works on it."""
    with transaction():
        _check_times(draft.starts_at, draft.ends_at)
        event = Event(
            slug=free_slug(draft.title),
            status=EventStatus.DRAFT,
            title=draft.title,
            starts_at=draft.starts_at,
            ends_at=draft.ends_at,
            time_zone=draft.time_zone,
            venue_name=draft.venue_name,
            venue_address=draft.venue_address,
            contact_email=draft.contact_email,
            language=draft.language or current_app.config["LANGUAGES"][0],
            retention_days=current_app.config["RETENTION_DAYS"],
            ical_uid=itip.new_uid(current_app.config["MAIL_DOMAIN"]),
            created_at=now,
            updated_at=now,
        )
        db.session.add(event)
        db.session.flush()
        for position, way in enumerate(draft.ways):
            db.session.add(
                AttendanceOption(
                    event_id=event.id, position=position, mode=way.mode, capacity=way.capacity
                )
            )
        if staff_id is not None:
            db.session.execute(insert(staff_events).values(staff_id=staff_id, event_id=event.id))
        audit.record("event.created", now=now, staff_id=staff_id, event_id=event.id)
    return event


def free_slug(title: str) -> str:
    """An address for a title that no other event has, nor another draft of this moment gets."""
    plain = decomposed(title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    base = "-".join(words)[:60].rstrip("-") or "event"
    queue_up(base)
    taken = set(db.session.scalars(select(Event.slug).where(Event.slug.startswith(base))))
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def values_of(event: Event, names: Sequence[str]) -> dict[str, Any]:
    """These fields of an event as they are saved."""
    return {name: getattr(event, name) for name in names}


def edit(
    *,
    event_id: int,
    changes: Mapping[str, Any],
    seen: str,
    staff_id: int | None,
    now: datetime,
    tell: bool = False,
) -> Event:
    """Save fields of an event, once if it is sent twice.

    `seen` is the fingerprint of their values when they were shown.

    A new start takes along what hangs on it: programme, slots, doors, closing times, messages.
    With `tell` those to whom it is news are told when the hold ends. Raises EditedMeanwhile, and
    EventRefused for times that cannot be and a picture that was removed meanwhile.
    """
    with pictures.chosen([changes.get("image")]) as (image,), transaction():
        seats = seating.lock(event_id)
        event, was_past = seats.event, seats.event.is_past(now)
        current = values_of(event, list(changes))
        if seen and fingerprint(current) != seen:
            if current != dict(changes):
                raise EditedMeanwhile(current)
            # Pressed twice; or saved first, and then by the browser's Back the other button.
            if tell and not (news := news_of(event, now=now)).is_empty:
                announce(event, news, staff_id=staff_id, now=now)
            return event
        if "image" in changes:
            changes = {**changes, "image": event.image if image is None else image}
        with _edition(event, tell=tell, staff_id=staff_id, now=now):
            after = _apply(event, changes, now)
        if not after:
            return event
        if was_past and not event.is_past(now):
            _end_waits_of_erased(seats, now)
        revisions.count(event, now)
        audit.record(
            "event.edited",
            now=now,
            staff_id=staff_id,
            event_id=event.id,
            before={name: loggable(current[name]) for name in after},
            after={name: loggable(value) for name, value in after.items()},
        )
    if "image" in after:
        pictures.discard(current["image"])
    return event


def _end_waits_of_erased(seats: seating.Seats, now: datetime) -> None:
    """Let nobody who was erased after the end wait for an event that is held after all.

    A seat would go to somebody who is no longer known, and nobody could take it back.
    """
    erased = select(Rsvp).where(
        Rsvp.event_id == seats.event.id,
        Rsvp.erased_at.is_not(None),
        (Rsvp.status == RsvpStatus.PENDING) | Rsvp.waits_for_option_id.is_not(None),
    )
    for rsvp in db.session.scalars(erased).all():
        admission.end(rsvp, seats, RsvpStatus.CANCELLED, now=now)


class _Foreseen(Exception):
    """Carries what was seen out of a transaction that must not be kept."""

    def __init__(self, reach: Reach) -> None:
        super().__init__("foreseen")
        self.reach = reach


def foresee(*, event_id: int, changes: Mapping[str, Any], now: datetime) -> Reach:
    """Who would be told of these changes if they were saved now; nothing is saved.

    Raises EventRefused for times that cannot be.
    """
    try:
        with transaction():
            event = seating.lock(event_id).event
            editions.keep(event, now=now)
            _apply(event, changes, now)
            db.session.flush()
            raise _Foreseen(news_of(event, now=now))
    except _Foreseen as seen:
        return seen.reach


def _apply(event: Event, changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Put new values on the row, and move what hangs on a new start; what was changed."""
    after = {name: value for name, value in changes.items() if value != getattr(event, name)}
    starts_at = after.get("starts_at", event.starts_at)
    _check_times(starts_at, after.get("ends_at", event.ends_at))
    if after.get("slug") and _is_taken(after["slug"], event.id):
        raise EventRefused(_("Another event has this address. Choose another."))
    if {"starts_at", "time_zone"} & after.keys():
        time_zone = after.get("time_zone", event.time_zone)
        shifting.shift(event, starts_at, time_zone, after, now=now)
    for name, value in after.items():
        setattr(event, name, value)
    if now < event.lobby_steered_from:
        # What staff said of the lobby was said of a day from which the event was moved.
        event.lobby_phase = LobbyPhase.SCHEDULED
    if "consent" in after:
        # RSVPs keep the version that they agreed to.
        event.consent_version = str(int(event.consent_version) + 1)
    return after


class _edition:  # noqa: N801 - reads as a statement: with _edition(event, …):
    """Around a change: notes what entries said before, and begins a new edition after it."""

    def __init__(self, event: Event, *, tell: bool, staff_id: int | None, now: datetime) -> None:
        self._event, self._tell, self._staff_id, self._now = event, tell, staff_id, now

    def __enter__(self) -> None:
        editions.keep(self._event, now=self._now)

    def __exit__(self, problem: Any, *_rest: Any) -> None:
        if problem is not None:
            return
        db.session.flush()
        differs = editions.renew(self._event, now=self._now)
        if self._tell and differs and self._event.takes_place(self._now):
            news = news_of(self._event, now=self._now)
            announce(self._event, news, staff_id=self._staff_id, now=self._now)


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise EventRefused(_("The end must be after the start."))


def _is_taken(slug: str, event_id: int) -> bool:
    other = select(Event.id).where(Event.slug == slug, Event.id != event_id)
    return db.session.scalar(other) is not None
