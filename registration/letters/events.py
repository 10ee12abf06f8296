"""Letters to everybody about the event itself: that it changed, that it is off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext

from registration import editions, entries, wording
from registration.editions import Facts
from registration.letters.letter import (
    Letter,
    Link,
    facts_of,
    first_name,
    paragraphs_of,
    place_of,
    preheader_of,
    when_of,
    why_answered,
)
from registration.models import MailKind, OutboxMail, Rsvp, RsvpStatus


def changes(before: Facts, after: Facts, names: list[str]) -> list[str]:
    """What was and what is, a sentence for each of the facts named that differs."""
    names = [name for name in names if before.get(name) != after.get(name)]
    told = []
    if "title" in names:
        told.append(_from_to(gettext("Title"), before["title"], after["title"]))
    if "host" in names:
        house = current_app.config["ORGANISATION_NAME"]
        hosts = (facts["host"] or house for facts in (before, after))
        told.append(_from_to(gettext("Who holds it"), *hosts))
    if {"starts_at", "ends_at", "time_zone"} & set(names):
        # In another zone the same hours are called otherwise.
        spans = _span(before), _span(after)
        if spans[0] != spans[1]:
            told.append(_from_to(gettext("When"), *spans))
    if "part" in names:
        told.append(_from_to(gettext("Your part"), _part(before), _part(after)))
    if "venue" in names:
        # Without a venue nobody comes in person: no event like that is published.
        places = (facts["venue"] or gettext("Online") for facts in (before, after))
        told.append(_from_to(gettext("Where"), *places))
    if "doors_at" in names:
        doors = _doors(before), _doors(after)
        # Of an event that has moved to another day the doors may open at the same time.
        if doors[0] != doors[1]:
            told.append(_from_to(gettext("Doors open"), *doors))
    if "room" in names:
        told.append(_from_to(gettext("Where to be"), before["room"], after["room"]))
    if "stream_note" in names:
        told.append(_from_to(gettext("Stream"), before["stream_note"], after["stream_note"]))
    if "lobby_opens_minutes" in names:
        told.append(gettext("Your room opens at %(time)s.", time=_lobby_opens(after)))
    if "access" in names:
        told.append(gettext("Access: %(text)s", text="; ".join(after["access"]) or "–"))
    if "slug" in names and after["slug"]:
        site = current_app.config["BASE_URL"]
        told.append(gettext("Event page: %(url)s", url=f"{site}/events/{after['slug']}"))
    return told


def _from_to(label: str, before: str, after: str) -> str:
    was, is_now = (wording.isolated(text) or "–" for text in (before, after))
    return gettext("%(label)s: %(before)s → %(after)s", label=label, before=was, after=is_now)


def _span(facts: Facts) -> str:
    zone = ZoneInfo(facts["time_zone"])
    starts_at = datetime.fromisoformat(facts["starts_at"])
    ends_at = datetime.fromisoformat(facts["ends_at"])
    return wording.span(starts_at, ends_at, zone)


def _part(facts: Facts) -> str:
    """A speaker's part, beside a time at which they are wanted before it."""
    if not facts["part"]:
        return ""
    starts_at, ends_at = (datetime.fromisoformat(at) for at in facts["part"])
    return wording.span(starts_at, ends_at, ZoneInfo(facts["time_zone"]))


def _doors(facts: Facts) -> str:
    return _clock(facts, datetime.fromisoformat(facts["doors_at"])) if facts["doors_at"] else ""


def _lobby_opens(facts: Facts) -> str:
    before = timedelta(minutes=facts["lobby_opens_minutes"])
    return _clock(facts, datetime.fromisoformat(facts["starts_at"]) - before)


def _clock(facts: Facts, at: datetime) -> str:
    starts_at = datetime.fromisoformat(facts["starts_at"])
    return wording.clock_before(at, starts_at, ZoneInfo(facts["time_zone"]))


def _changed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    name = first_name(rsvp.name)
    told = changes(mail.facts["before"], editions.facts_of(event), mail.facts["changed"])
    keeps = _what_stays(rsvp)
    if rsvp.is_confirmed and rsvp.ical_sequence >= 0:
        follows = gettext("Your calendar follows by itself.")
        keeps = f"{keeps} {follows}"
    else:
        follows = keeps
    is_free = rsvp.is_confirmed and rsvp.option.capacity is None  # nobody waits where all get in
    return Letter(
        subject=gettext("Changed: %(title)s, %(when)s", title=event.title, when=when_of(event)),
        heading=gettext("The event has changed, %(name)s", name=name),
        paragraphs=[
            *told,
            keeps,
            *(
                []
                if is_free
                else [gettext("If it does not suit you any more, say so: somebody may be waiting.")]
            ),
        ],
        preheader=preheader_of(event, follows),
        button=Link(gettext("Open my RSVP"), entries.manage_url(rsvp)),
        events=[facts_of(event, [place_of(rsvp)])],
        links=[Link(_what_can_be_done(rsvp), entries.manage_url(rsvp))],
        why=why_answered(rsvp),
    )


def _what_stays(rsvp: Rsvp) -> str:
    if rsvp.status is RsvpStatus.WAITLISTED:
        return gettext("You keep your position in the queue.")
    if rsvp.status is RsvpStatus.PENDING:
        return gettext("The organisers have your RSVP, and will mail you what they decide.")
    if rsvp.option.is_virtual:
        return gettext("Your place stays yours and your link stays the same.")
    return gettext("Your seat stays yours and your ticket stays the same.")


def _what_can_be_done(rsvp: Rsvp) -> str:
    if rsvp.status is RsvpStatus.WAITLISTED:
        return gettext("Change my RSVP or leave the waitlist")
    return gettext("Attend another way or cancel")


def _cancelled(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    paragraphs = [
        gettext("“%(title)s” will not take place.", title=wording.isolated(event.title)),
        *paragraphs_of(event.cancellation_reason or mail.facts.get("reason", "")),
        gettext("The entry leaves your calendar by itself. There is nothing for you to do.")
        if mail.ical_sequence is not None
        else gettext("There is nothing for you to do."),
    ]
    return Letter(
        subject=gettext("Cancelled: %(title)s, %(when)s", title=event.title, when=when_of(event)),
        heading=gettext("The event is cancelled, %(name)s", name=first_name(rsvp.name)),
        paragraphs=paragraphs,
        preheader=preheader_of(event, gettext("It will not take place.")),
        events=[facts_of(event, [])],
        why=why_answered(rsvp),
    )


#: Who composes which kind of mail about the event itself.
COMPOSERS: dict[MailKind, Callable[[Rsvp, OutboxMail], Letter]] = {
    MailKind.EVENT_CHANGED: _changed,
    MailKind.EVENT_CANCELLED: _cancelled,
}
