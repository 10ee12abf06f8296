"""What to look at before an event is published, and where each thing is mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import wording
from registration.database import db
from registration.models import (
    AgendaItem,
    AttendanceOption,
    Event,
    RegistrationKind,
    Speaker,
    StreamSource,
)


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; `section` is the part of the editor that mends it."""

    is_blocking: bool
    text: Any
    section: str


def examine(event: Event, *, now: datetime) -> list[Finding]:
    """All that is to be mended, what forbids publishing first. Changes nothing."""
    options = list(
        db.session.scalars(
            select(AttendanceOption)
            .where(AttendanceOption.event_id == event.id)
            .order_by(AttendanceOption.position)
        )
    )
    found = [
        *_times(event, now),
        *clock_changes(event),
        *_ways(event, options, now),
        *_stream(event, options),
        *_texts(event),
        *_programme(event),
        *_mail(),
    ]
    return sorted(found, key=lambda finding: not finding.is_blocking)


def _times(event: Event, now: datetime) -> Iterator[Finding]:
    if event.ends_at <= now:
        yield Finding(True, _("The event ends in the past."), "basics")
    elif event.starts_at <= now:
        yield Finding(False, _("The event has begun already."), "basics")
    if event.doors_at and event.doors_at > event.starts_at:
        yield Finding(False, _("Doors open after the start."), "basics")
    if event.ends_at - event.starts_at > timedelta(days=14):
        yield Finding(False, _("The event lasts longer than two weeks."), "basics")


def clock_changes(event: Event) -> Iterator[Finding]:
    """Where daylight saving time makes the event's times easy to read wrongly."""
    zone = event.zone
    start, end = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    if start.utcoffset() != end.utcoffset():
        yield Finding(
            False,
            _("The clocks change during the event. Say in the text which time the end is in."),
            "basics",
        )
    for at in (start, end):
        if at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset():
            yield Finding(
                False,
                _(
                    "%(time)s happens twice that night; the event is at the one in %(zone)s.",
                    time=wording.clock(at, zone, with_zone=False),
                    zone=wording.zone_name(at, zone),
                ),
                "basics",
            )
    week_before = (event.starts_at - timedelta(days=7)).astimezone(zone)
    if week_before.utcoffset() != start.utcoffset():
        yield Finding(
            False,
            _("The clocks change in the week before the event. Calendars follow; people may not."),
            "basics",
        )


def _ways(event: Event, options: list[AttendanceOption], now: datetime) -> Iterator[Finding]:
    if event.registration is not RegistrationKind.BUILT_IN:
        return
    if not options:
        yield Finding(True, _("There is no way to attend yet."), "options")
    rooms = [option for option in options if not option.is_virtual]
    if rooms and not event.venue_name:
        yield Finding(True, _("People can come in person, but there is no venue."), "basics")
    for option in rooms:
        if option.capacity is None:
            yield Finding(
                False,
                _("“%(way)s” has no capacity: it never fills.", way=wording.option_name(option)),
                "options",
            )
    for option in options:
        if option.capacity == 0:
            yield Finding(
                False,
                _("“%(way)s” has no seats: everybody waits.", way=wording.option_name(option)),
                "options",
            )
        yield from _window(event, option, now)


def shut_ways(event: Event, options: Iterable[AttendanceOption], *, now: datetime) -> list[Finding]:
    """The ways to attend that never open: a start that moves takes the closing along."""
    if event.registration is not RegistrationKind.BUILT_IN:
        return []
    found = (finding for option in options for finding in _window(event, option, now))
    return [finding for finding in found if finding.is_blocking]


def _window(event: Event, option: AttendanceOption, now: datetime) -> Iterator[Finding]:
    opens_at = option.opens_for(event)
    if opens_at is not None and opens_at >= option.closes_for(event):
        yield Finding(
            True,
            _("“%(way)s” closes before it opens.", way=wording.option_name(option)),
            "options" if option.opens_at or option.closes_at else "registration",
        )
    elif option.closes_for(event) <= now < event.ends_at:
        yield Finding(
            False,
            _("“%(way)s” is closed already.", way=wording.option_name(option)),
            "options" if option.closes_at else "registration",
        )


def _stream(event: Event, options: list[AttendanceOption]) -> Iterator[Finding]:
    source = select(StreamSource.id).where(StreamSource.event_id == event.id).limit(1)
    if any(option.is_watched(event) for option in options) and db.session.scalar(source) is None:
        yield Finding(
            False,
            _("There is no stream yet. It can be added until the lobby opens."),
            "streams",
        )


def _texts(event: Event) -> Iterator[Finding]:
    if not event.description:
        yield Finding(False, _("There is no description."), "texts")
    if not event.summary:
        yield Finding(False, _("There is no summary; lists and search engines show it."), "texts")
    if event.image and not event.image_alt:
        yield Finding(
            False, _("The picture has no description for people who cannot see it."), "texts"
        )
    if not event.contact_email:
        yield Finding(False, _("There is no contact address: replies go to the office."), "texts")


def _programme(event: Event) -> Iterator[Finding]:
    outside = select(AgendaItem.id).where(
        AgendaItem.event_id == event.id,
        (AgendaItem.starts_at < event.starts_at) | (AgendaItem.starts_at > event.ends_at),
    )
    if db.session.scalar(outside.limit(1)) is not None:
        yield Finding(False, _("A line of the programme is outside the event’s hours."), "agenda")
    no_address = select(Speaker.id).where(Speaker.event_id == event.id, Speaker.email == "")
    if db.session.scalar(no_address.limit(1)) is not None:
        yield Finding(
            False, _("Somebody on the programme has no address to be invited at."), "people"
        )


def _mail() -> Iterator[Finding]:
    if not current_app.config["MAIL_SERVER"]:
        yield Finding(
            False, _("No mail server is set: mails wait in the outbox until there is one."), "mail"
        )
