"""Letters to who has a place: the ticket of a seat, the link of who watches."""

from __future__ import annotations

from flask_babel import gettext, ngettext

from registration import entries, queues, wording
from registration.letters.letter import (
    Letter,
    Link,
    Place,
    facts_of,
    first_name,
    place_of,
    preheader_of,
    tickets_of,
    when_of,
    why_answered,
    written,
)
from registration.models import OutboxMail, Rsvp
from registration.times import now


def confirmed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    """A place is theirs: the tickets for the door, or the link to the stream."""
    return _watching(rsvp, mail) if rsvp.option.is_virtual else _seated(rsvp, mail)


def _seated(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event, name = rsvp.event, first_name(rsvp.name)
    letter = to_the_room(
        rsvp,
        subject=ngettext(
            "Your ticket for %(title)s, %(when)s",
            "Your tickets for %(title)s, %(when)s",
            rsvp.party_size,
            title=event.title,
            when=when_of(event),
        ),
        heading=gettext("Your seat is reserved, %(name)s", name=name)
        if rsvp.party_size == 1
        else gettext("Your seats are reserved, %(name)s", name=name),
        places=[place_of(rsvp), *_party(rsvp)],
        links=_change_links(rsvp, mail),
    )
    letter.paragraphs += _queue(rsvp, mail)
    return letter


def to_the_room(
    rsvp: Rsvp, *, subject: str, heading: str, places: list[Place], links: list[Link]
) -> Letter:
    """What a party in the room is written: its tickets, and what it does with them at the door."""
    event = rsvp.event
    show = ngettext(
        "Show this code at the door, on your phone or on paper.",
        "Show these codes at the door, on your phone or on paper.",
        rsvp.party_size,
    )
    doors = ""
    if event.doors_at:
        doors = gettext(
            "Doors open at %(time)s.",
            time=wording.clock_before(event.doors_at, event.starts_at, event.zone),
        )
    return Letter(
        subject=subject,
        heading=heading,
        paragraphs=[
            " ".join(part for part in (show, doors) if part),
            *written(event.venue_directions),
            *event.venue_access.splitlines()[:1],
            _if_not(rsvp),
        ],
        preheader=preheader_of(event, " ".join(part for part in (doors, show) if part)),
        button=Link(
            ngettext("Open my ticket", "Open my tickets", rsvp.party_size),
            entries.manage_url(rsvp),
        ),
        events=[facts_of(event, places)],
        tickets=tickets_of(rsvp),
        links=links,
        why=why_answered(rsvp),
    )


def _party(rsvp: Rsvp) -> list[Place]:
    """Who comes, and what they asked for."""
    lines = []
    if rsvp.needs_step_free:
        lines.append(gettext("Step-free route"))
    if rsvp.needs_sign_language:
        lines.append(gettext("Sign language interpretation"))
    if rsvp.needs_captions:
        lines.append(gettext("Live captions"))
    return [Place(rsvp.name, lines)]


def _if_not(rsvp: Rsvp) -> str:
    """What to do where they cannot come; nobody waits for a seat where all get in."""
    if rsvp.option.capacity is None:
        return gettext("If you cannot come, cancel your RSVP.")
    return ngettext(
        "If you cannot come, give your seat back. Somebody may be waiting for it.",
        "If you cannot come, give your seats back. Somebody may be waiting for them.",
        rsvp.party_size,
    )


def _watching(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event, name = rsvp.event, first_name(rsvp.name)
    opens = wording.clock_before(event.lobby_opens_at, event.starts_at, event.zone)
    paragraphs = [
        gettext(
            "You are watching \u201c%(title)s\u201d online. Your room opens at %(time)s.",
            title=event.title,
            time=opens,
        )
    ]
    paragraphs += _queue(rsvp, mail)
    return Letter(
        subject=gettext(
            "Your link for %(title)s, %(when)s", title=event.title, when=when_of(event)
        ),
        heading=gettext("Your link is ready, %(name)s", name=name),
        paragraphs=paragraphs,
        preheader=preheader_of(event, gettext("Your link opens at %(time)s.", time=opens)),
        button=Link(gettext("Go to my room"), entries.join_url(rsvp)),
        button_note=gettext("The link is yours alone. Keep it to yourself."),
        events=[facts_of(event, [place_of(rsvp), *_watchers(rsvp)])],
        links=_change_links(rsvp, mail),
        why=why_answered(rsvp),
    )


def _queue(rsvp: Rsvp, mail: OutboxMail) -> list[str]:
    """What else they wait for, and where they stand; nothing once that queue has closed."""
    wanted = rsvp.waits_for
    if wanted is None or queue_has_closed(rsvp, mail):
        return []
    is_the_room = rsvp.option.is_virtual and not wanted.is_virtual and not wanted.label
    ahead = queues.ahead_of(rsvp)
    return [
        gettext(
            "You are on the waitlist for the room as well and keep your position. "
            "When a seat is yours we write to you, and your calendar follows."
        )
        if is_the_room
        else gettext(
            "You are on the waitlist for another place as well: %(way)s. You keep your position. "
            "When it is your turn we write to you, and your calendar follows.",
            way=wording.isolated(wording.option_name(wanted)),
        ),
        ngettext("%(num)d party is ahead of you.", "%(num)d parties are ahead of you.", ahead)
        if ahead
        else gettext("You are next."),
    ]


def queue_has_closed(rsvp: Rsvp, mail: OutboxMail) -> bool:
    """Whether no more seats were given to the queue when the mail went, or are by now."""
    return (mail.ended_at or now()) >= rsvp.event.promotes_until


def what_stays(rsvp: Rsvp) -> str:
    """What somebody keeps who waits for another place, or does so no more."""
    way = wording.isolated(wording.option_name(rsvp.option))
    return gettext("What you have stays as it is: %(way)s.", way=way)


def _watchers(rsvp: Rsvp) -> list[Place]:
    """Who watches, where somebody brings guests: no ticket names them."""
    names = [person.name for person in rsvp.party]
    return [Place(names[0], names[1:])] if len(names) > 1 else []


def promoted(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    """A seat has come free, or a place in the stream, and is theirs."""
    letter = confirmed(rsvp, mail)
    event, name = rsvp.event, first_name(rsvp.name)
    about = {"title": event.title, "when": when_of(event)}
    if rsvp.option.is_virtual:
        letter.subject = gettext("A place is yours: %(title)s, %(when)s", **about)
        letter.heading = gettext("A place is yours, %(name)s", name=name)
    else:
        letter.subject = gettext("A seat is yours: %(title)s, %(when)s", **about)
        letter.heading = gettext("A seat is yours, %(name)s", name=name)
    if mail.facts.get("was_watching") and not rsvp.option.is_virtual:
        first = gettext("You have moved from the stream to the room; your calendar follows.")
    elif mail.facts.get("had_place"):
        first = _attends_now(rsvp)
    else:
        first = gettext("You have moved up from the waitlist. There is nothing to confirm.")
    letter.paragraphs.insert(0, first)
    return letter


def changed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    """It is another place now, or another name on it."""
    letter = confirmed(rsvp, mail)
    letter.subject = gettext("Changed: %(subject)s", subject=letter.subject)
    letter.heading = gettext("Your RSVP is changed, %(name)s", name=first_name(rsvp.name))
    if mail.facts.get("switched"):
        letter.paragraphs.insert(0, _attends_now(rsvp))
    if mail.facts.get("left_queue"):
        gone = gettext("You are not on the waitlist any more.")
        letter.paragraphs.insert(0, f"{gone} {what_stays(rsvp)}")
    return letter


def _attends_now(rsvp: Rsvp) -> str:
    return gettext(
        "You now attend this way: %(way)s. Your calendar follows by itself.",
        way=wording.isolated(wording.option_name(rsvp.option)),
    )


def _change_links(rsvp: Rsvp, mail: OutboxMail) -> list[Link]:
    """The way to the calendar and to the manage page."""
    url = entries.manage_url(rsvp)
    is_attached = mail.ical_sequence is not None and not mail.facts.get("copy")
    return [
        Link(
            gettext("Add to calendar (also attached)")
            if is_attached
            else gettext("Add to calendar"),
            f"{url}/calendar.ics",
        ),
        Link(gettext("Change my details, attend another way or cancel"), url),
    ]
