"""Letters to people who have not answered: who is invited, and who waited for RSVPs to open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from registration import entries, wording
from registration.database import db
from registration.letters.letter import (
    Letter,
    Link,
    Place,
    facts_of,
    first_name,
    paragraphs_of,
    preheader_of,
    when_of,
)
from registration.models import AttendanceOption, Event, Invitation, OutboxMail


def invitation(mail: OutboxMail) -> Letter:
    """The personal invitation to an event."""
    invited = mail.invitation
    assert invited is not None
    event = invited.event
    places = _places(event)
    return Letter(
        subject=gettext("Invitation: %(title)s, %(when)s", title=event.title, when=when_of(event)),
        heading=_heading(invited),
        paragraphs=[part for part in (event.summary, _choice(places)) if part],
        preheader=preheader_of(event, event.summary),
        button=_answer(invited),
        button_note=gettext("The invitation is personal: yes or no, it takes a minute."),
        events=[facts_of(event, places)],
        links=[_way_out(invited)],
        why=gettext("You get this message because you are invited to this event."),
    )


def reminder(mail: OutboxMail) -> Letter:
    """The invitation once more, to who has not answered; it says that it is a reminder."""
    invited = mail.invitation
    assert invited is not None
    event = invited.event
    places = _places(event)
    until = datetime.fromisoformat(mail.facts["until"])
    first = gettext("We invited you, and do not know yet if you are coming. Yes or no, both help.")
    deadline = gettext("You can answer until %(moment)s.", moment=wording.moment(until, event.zone))
    return Letter(
        subject=gettext(
            "Reminder: you are invited to %(title)s, %(when)s",
            title=event.title,
            when=when_of(event),
        ),
        heading=_heading(invited),
        paragraphs=[
            part
            for part in (
                first,
                deadline if until < event.starts_at else "",
                event.summary,
                _choice(places),
            )
            if part
        ],
        preheader=preheader_of(event, first),
        button=_answer(invited),
        button_note=gettext("The invitation is personal: yes or no, it takes a minute."),
        events=[facts_of(event, places)],
        links=[_way_out(invited)],
        why=gettext(
            "You get this message because you are invited to this event and have not answered. If "
            "you say no, we do not remind you again."
        ),
    )


def opened(mail: OutboxMail) -> Letter:
    """That RSVPs are open, to an address that asked to be told, and is forgotten by now."""
    event = mail.event
    assert event is not None
    places = _places(event)
    first = gettext("You asked us to tell you when RSVPs open. They are open now.")
    return Letter(
        subject=gettext(
            "RSVPs are open: %(title)s, %(when)s", title=event.title, when=when_of(event)
        ),
        heading=gettext("RSVPs are open"),
        paragraphs=[part for part in (first, event.summary, _choice(places)) if part],
        preheader=preheader_of(event, first),
        button=Link(gettext("RSVP"), f"{entries.event_url(event)}/rsvp"),
        button_note=_who_gets_seats(event),
        events=[facts_of(event, places)],
        why=gettext(
            "You get this one message because somebody entered this address at the event’s page. "
            "We do not keep the address."
        ),
    )


def _who_gets_seats(event: Event) -> str:
    """How seats are given, where not everybody gets one."""
    options = _options(event)
    if options and all(option.needs_approval for option in options):
        return gettext("The organisers approve each RSVP.")
    rooms = [option for option in options if not option.is_virtual and not option.needs_approval]
    if any(room.capacity is not None for room in rooms):
        return gettext("Seats go in the order in which people answer.")
    return ""


def _options(event: Event) -> Sequence[AttendanceOption]:
    return db.session.scalars(
        select(AttendanceOption)
        .where(AttendanceOption.event_id == event.id)
        .order_by(AttendanceOption.position)
    ).all()


def _heading(invited: Invitation) -> str:
    if not invited.name:
        return gettext("Will you join us?")
    return gettext("Will you join us, %(name)s?", name=first_name(invited.name))


def _answer(invited: Invitation) -> Link:
    """Where yes and no are said."""
    url = f"{entries.event_url(invited.event)}/rsvp?invitation={invited.key}"
    return Link(gettext("Answer the invitation"), url)


def _way_out(invited: Invitation) -> Link:
    return Link(gettext("Stop messages like this one"), entries.unsubscribe_url(invited))


def _places(event: Event) -> list[Place]:
    """Where one can attend: the room, the stream, or both; the venue while nothing is said."""
    options = _options(event)
    rooms = [option for option in options if not option.is_virtual]
    streams = [option for option in options if option.is_virtual]
    places = []
    # A venue in which there is no seat is nowhere to go.
    if rooms or (event.venue_name and not options):
        places.append(
            Place(event.venue_name or gettext("In person"), paragraphs_of(event.venue_address))
        )
    if streams:
        note = event.stream_note or gettext("Live stream")
        places.append(Place(gettext("Online"), [note]))
    return places


def _choice(places: list[Place]) -> str:
    """That there are two ways to attend, where there are."""
    if len(places) < 2:
        return ""
    return gettext("Come in person or watch online: you choose when you answer.")
