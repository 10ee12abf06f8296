"""What is still to be done for an event, as the overview lists it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext, ngettext
from sqlalchemy import select

from registration import listing, roster
from registration.database import db
from registration.models import Event, EventStatus, Speaker, SpeakerStatus, StreamSource


@dataclass(frozen=True)
class Task:
    """One thing to do: what, whether it is done, and where it is done."""

    text: str
    done: bool
    action: str = ""
    url: str = ""


def of(event: Event, *, pending: int, now: datetime) -> list[Task]:
    """The tasks of an event: those that are open first."""
    if event.is_off(now):
        return _retention(event)
    options = listing.options_of(event)
    found = [
        _publish(event),
        *_approvals(event, pending),
        *_replies(event),
        *_retention(event),
        *_speakers(event),
        *(_stream(event) if any(option.is_watched(event) for option in options) else []),
    ]
    return sorted(found, key=lambda task: task.done)


def _publish(event: Event) -> Task:
    return Task(
        gettext("Publish the event page"),
        done=event.status is EventStatus.PUBLISHED,
        action=gettext("Settings"),
        url=url_for("staff_editor_life.show", slug=event.slug),
    )


def _approvals(event: Event, pending: int) -> list[Task]:
    if not pending:
        return []
    text = ngettext("Decide about %(num)d RSVP", "Decide about %(num)d RSVPs", pending)
    url = url_for("staff_attendees.index", slug=event.slug, status="pending")
    return [Task(text, done=False, action=gettext("Decide"), url=url)]


def _replies(event: Event) -> list[Task]:
    waiting = roster.count(event, roster.Filters(status=roster.TO_READ))
    if not waiting:
        return []
    text = ngettext(
        "Read what %(num)d attendee said in their calendar",
        "Read what %(num)d attendees said in their calendars",
        waiting,
    )
    url = url_for("staff_attendees.index", slug=event.slug, status=roster.TO_READ)
    return [Task(text, done=False, action=gettext("Read"), url=url)]


def _retention(event: Event) -> list[Task]:
    if event.retention_days is not None:
        return []
    return [
        Task(
            gettext("Set the day on which personal data is erased"),
            done=False,
            action=gettext("Settings"),
            url=url_for("staff_editor.section", slug=event.slug, name="registration"),
        )
    ]


def _speakers(event: Event) -> list[Task]:
    speakers = list(
        db.session.scalars(
            select(Speaker)
            .where(Speaker.event_id == event.id, Speaker.status != SpeakerStatus.DECLINED)
            .order_by(Speaker.position)
        )
    )
    if not speakers:
        return []
    new = [one.name for one in speakers if one.status is SpeakerStatus.NOT_INVITED]
    silent = [one.name for one in speakers if one.status is SpeakerStatus.INVITED]
    url = url_for("staff_speakers.index", slug=event.slug)
    if new:
        text = gettext("Invite speakers: %(names)s", names=_names(new))
        invite = Task(text, done=False, action=gettext("Invite"), url=url)
    else:
        invite = Task(gettext("Invite the speakers"), done=True)
    if silent:
        text = ngettext(
            "Confirm speakers: %(names)s has not answered",
            "Confirm speakers: %(names)s have not answered",
            len(silent),
            names=_names(silent),
        )
        confirm = [Task(text, done=False, action=gettext("Remind"), url=url)]
    else:
        confirm = [] if new else [Task(gettext("Hear from every speaker"), done=True)]
    return [invite, *confirm]


def _names(names: list[str]) -> str:
    """ "A", "A and B", "A, B and 3 more"."""
    if len(names) == 1:
        return names[0]
    if len(names) == 2:
        return gettext("%(first)s and %(last)s", first=names[0], last=names[1])
    return gettext(
        "%(first)s, %(second)s and %(number)d more",
        first=names[0],
        second=names[1],
        number=len(names) - 2,
    )


def _stream(event: Event) -> list[Task]:
    source = select(StreamSource.id).where(StreamSource.event_id == event.id).limit(1)
    return [
        Task(
            gettext("Enter the address of the stream"),
            done=db.session.scalar(source) is not None,
            action=gettext("Stream"),
            url=url_for("staff_stream.show", slug=event.slug),
        )
    ]
