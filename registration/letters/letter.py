"""What a letter is made of, whoever reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flask_babel import gettext
from markupsafe import Markup

from registration import entries, prose, wording
from registration.models import Event, Rsvp


@dataclass
class Link:
    """A label and where it leads."""

    label: str
    url: str
    note: str = ""


@dataclass
class Place:
    """A heading and the lines under it."""

    name: str
    lines: list[str] = field(default_factory=list)


@dataclass
class EventFacts:
    """An event as a letter shows it."""

    title: str
    day: str
    hours: str
    zone: str
    places: list[Place]
    url: str = ""
    link_label: str = ""


@dataclass
class Ticket:
    """A ticket as a letter shows it."""

    cid: str
    code: str
    name: str
    url: str


@dataclass
class Letter:
    """What a mail says, before it is laid out."""

    subject: str
    heading: str
    paragraphs: list[str]
    preheader: str = ""
    button: Link | None = None
    button_note: str = ""
    events: list[EventFacts] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    why: str = ""
    # What staff wrote themselves, laid out already.
    body_text: str = ""
    body_html: Markup = field(default_factory=Markup)


def first_name(name: str) -> str:
    """What to call a person by: the first word that is no title and no initial."""
    words = [word for word in name.split() if not word.endswith(".") and len(word) > 1]
    return words[0].rstrip(",") if words else name


def paragraphs_of(text: str) -> list[str]:
    """What staff typed into a field of several lines: each line as its own paragraph."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def written(markdown: str) -> list[str]:
    """What staff wrote in Markdown as paragraphs of plain text, each item of a list as its own."""
    blocks = re.split(r"\n\n+|\n(?=\s*(?:-|\d+\.) )", prose.to_text(markdown))
    return [" ".join(block.split()) for block in blocks if block.strip()]


def facts_of(event: Event, places: list[Place]) -> EventFacts:
    """An event with where it is for this reader."""
    return EventFacts(
        title=event.title,
        day=wording.day(event.starts_at, event.zone),
        hours=wording.hours_from(event.starts_at, event.ends_at, event.zone),
        zone=event.time_zone,
        places=places,
    )


def place_of(rsvp: Rsvp) -> Place:
    """Where an RSVP's party will be."""
    event = rsvp.event
    if rsvp.option.is_virtual:
        note = event.stream_note or gettext("Live stream")
        return Place(wording.option_name(rsvp.option), [note])
    name = event.venue_name or wording.option_name(rsvp.option)
    # Of two rooms of a house the label says which.
    labels = [rsvp.option.label] if rsvp.option.label and event.venue_name else []
    return Place(name, [*labels, *paragraphs_of(event.venue_address)])


def tickets_of(rsvp: Rsvp) -> list[Ticket]:
    """The tickets of a party in the room; none for who watches."""
    if rsvp.option.is_virtual or not rsvp.is_confirmed:
        return []
    return [
        Ticket(
            cid=f"ticket-{person.ticket_code}",
            code=person.spoken_code,
            name=person.name,
            url=entries.ticket_url(person.ticket_code),
        )
        for person in rsvp.party
    ]


def when_of(event: Event) -> str:
    """ "Tuesday 6 December, 10:00 a.m. EST": the end of many subjects."""
    return (
        f"{wording.weekday(event.starts_at, event.zone)} "
        f"{wording.moment(event.starts_at, event.zone)}"
    ).replace(wording.NBSP, " ")


def preheader_of(event: Event, sentence: str) -> str:
    """The line that mail programs show beside the subject."""
    return f"{wording.span(event.starts_at, event.ends_at, event.zone)}. {sentence}"


def why_answered(rsvp: Rsvp) -> str:
    """Why somebody is written to: they sent an RSVP, or staff entered one, at the door say."""
    if rsvp.consented_at is None:
        return gettext(
            "You get this message because the organisers entered your RSVP with this address."
        )
    return gettext("You get this message because you sent an RSVP with this address.")
