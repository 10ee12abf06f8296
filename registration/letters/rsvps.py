"""Letters to attendees about their RSVP."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext, ngettext
from sqlalchemy import func, select

from registration import entries, wording
from registration.database import db
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
)
from registration.models import MailKind, OutboxMail, Rsvp


def _confirmed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    return _watching(rsvp, mail) if rsvp.option.is_virtual else _seated(rsvp, mail)


def _seated(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event, name = rsvp.event, first_name(rsvp.name)
    show = ngettext(
        "Show this code at the door, on your phone or on paper.",
        "Show these codes at the door, on your phone or on paper.",
        rsvp.party_size,
    )
    doors = ""
    if event.doors_at:
        at = wording.clock(event.doors_at, event.zone)
        doors = gettext("Doors open at %(time)s.", time=at)
    return Letter(
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
        paragraphs=[
            " ".join(part for part in (show, doors) if part),
            *event.venue_access.splitlines()[:1],
            gettext("If you cannot come, give your seat back. Somebody may be waiting for it."),
        ],
        preheader=preheader_of(event, " ".join(part for part in (doors, show) if part)),
        button=Link(
            ngettext("Open my ticket", "Open my tickets", rsvp.party_size),
            entries.manage_url(rsvp),
        ),
        events=[facts_of(event, [place_of(rsvp), *_party(rsvp)])],
        tickets=tickets_of(rsvp),
        links=_change_links(rsvp, mail),
        why=_why(),
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


def _watching(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event, name = rsvp.event, first_name(rsvp.name)
    opens = wording.clock(event.lobby_opens_at, event.zone)
    paragraphs = [
        gettext(
            "You are watching \u201c%(title)s\u201d online. Your room opens at %(time)s.",
            title=event.title,
            time=opens,
        )
    ]
    if rsvp.watches_meanwhile:
        ahead = _parties_ahead(rsvp)
        paragraphs.append(
            ngettext("%(num)d party is ahead of you.", "%(num)d parties are ahead of you.", ahead)
            if ahead
            else gettext("You are next.")
        )
        paragraphs.insert(
            -1,
            gettext(
                "You are on the waitlist for the room as well and keep your position. "
                "When a seat is yours we write to you, and your calendar follows."
            ),
        )
    return Letter(
        subject=gettext(
            "Your link for %(title)s, %(when)s", title=event.title, when=when_of(event)
        ),
        heading=gettext("Your link is ready, %(name)s", name=name),
        paragraphs=paragraphs,
        preheader=preheader_of(event, gettext("Your link opens at %(time)s.", time=opens)),
        button=Link(gettext("Go to my room"), entries.join_url(rsvp)),
        button_note=gettext("The link is yours alone. Keep it to yourself."),
        events=[facts_of(event, [place_of(rsvp)])],
        links=_change_links(rsvp, mail),
        why=_why(),
    )


def _promoted(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    letter = _confirmed(rsvp, mail)
    letter.subject = gettext(
        "A seat is yours: %(title)s, %(when)s", title=rsvp.event.title, when=when_of(rsvp.event)
    )
    letter.heading = gettext("A seat is yours, %(name)s", name=first_name(rsvp.name))
    first = (
        gettext("You have moved from the stream to the room; your calendar follows.")
        if mail.facts.get("was_watching")
        else gettext("You have moved up from the waitlist. There is nothing to confirm.")
    )
    letter.paragraphs.insert(0, first)
    return letter


def _changed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    if not rsvp.is_confirmed:
        return _waiting(rsvp, mail) if rsvp.waits_for else _received(rsvp, mail)
    letter = _confirmed(rsvp, mail)
    letter.subject = gettext("Changed: %(subject)s", subject=letter.subject)
    letter.heading = gettext("Your RSVP is changed, %(name)s", name=first_name(rsvp.name))
    if mail.facts.get("switched"):
        letter.paragraphs.insert(
            0,
            gettext(
                "You now attend this way: %(way)s. Your calendar follows by itself.",
                way=wording.option_name(rsvp.option),
            ),
        )
    return letter


def _waiting(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    ahead = _parties_ahead(rsvp)
    closes = wording.moment(event.promotes_until, event.zone)
    position = ngettext(
        "%(num)d party is ahead of you.", "%(num)d parties are ahead of you.", ahead
    )
    paragraphs = [
        position if ahead else gettext("You are next."),
        gettext(
            "The organisers give the seats that become free, and we mail you the ticket. The "
            "queue closes on %(moment)s.",
            moment=closes,
        )
        if not event.promotes_automatically
        else gettext(
            "When a seat becomes free it goes to the first in the queue at once, and we mail "
            "you the ticket. The queue closes on %(moment)s.",
            moment=closes,
        ),
    ]
    if rsvp.watches_meanwhile:
        paragraphs.append(gettext("You keep your place online meanwhile."))
    return Letter(
        subject=gettext("You are on the waitlist for %(title)s", title=event.title),
        heading=gettext(
            "You are %(place)s in the queue, %(name)s",
            place=wording.ordinal_place(ahead + 1),
            name=first_name(rsvp.name),
        ),
        paragraphs=paragraphs,
        preheader=preheader_of(event, position if ahead else gettext("You are next.")),
        button=Link(gettext("See my position"), entries.manage_url(rsvp)),
        events=[facts_of(event, [])],
        links=[Link(gettext("Change my RSVP or leave the waitlist"), entries.manage_url(rsvp))],
        why=_why(),
    )


def _parties_ahead(rsvp: Rsvp) -> int:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Rsvp)
            .where(
                Rsvp.waits_for_option_id == rsvp.waits_for_option_id,
                Rsvp.waiting_number < rsvp.waiting_number,
            )
        )
        or 0
    )


def _verify(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    held = (
        gettext(
            "We hold your seat until %(time)s.",
            time=wording.clock(rsvp.hold_ends_at, event.zone),
        )
        if rsvp.hold_ends_at
        else ""
    )
    return Letter(
        subject=gettext("Confirm your address for %(title)s", title=event.title),
        heading=gettext("Is this your address, %(name)s?", name=first_name(rsvp.name)),
        paragraphs=[
            part
            for part in (
                gettext("Open the page and press the button: then your RSVP counts."),
                held,
                gettext("If it was not you who sent it, leave this mail alone."),
            )
            if part
        ],
        preheader=preheader_of(event, held),
        button=Link(gettext("Confirm my address"), entries.manage_url(rsvp)),
        events=[facts_of(event, [place_of(rsvp)])],
        why=_why(),
    )


def _received(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    return Letter(
        subject=gettext("We have your RSVP for %(title)s", title=event.title),
        heading=gettext("We have your RSVP, %(name)s", name=first_name(rsvp.name)),
        paragraphs=[
            gettext("The organisers look at each RSVP for this event and mail you their answer."),
        ],
        preheader=preheader_of(event, gettext("The organisers will answer by mail.")),
        events=[facts_of(event, [place_of(rsvp)])],
        links=[Link(gettext("Change or cancel my RSVP"), entries.manage_url(rsvp))],
        why=_why(),
    )


def _cancelled(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    name = mail.facts.get("name", rsvp.name)
    by_staff = mail.facts.get("by") == "staff"
    if by_staff:
        first = gettext("The organisers have cancelled your RSVP.")
    elif mail.facts.get("by") == "calendar":
        first = gettext(
            "You declined in your calendar, so your RSVP is cancelled and somebody else can have "
            "your place. If you did not mean it, send a new one while there is room."
        )
    elif mail.facts.get("by") == "erasure":
        first = gettext(
            "As you asked, what we kept about you for this event is erased, and your RSVP with it. "
            "We delete this address too as soon as this message has reached it."
        )
    else:
        first = gettext("Thank you for telling us: somebody else can have your place now.")
    paragraphs = [first]
    if mail.facts.get("reason"):
        paragraphs.append(mail.facts["reason"])
    if mail.ical_sequence is not None:
        paragraphs.append(gettext("The entry leaves your calendar by itself."))
    return Letter(
        subject=gettext("Cancelled: your RSVP for %(title)s", title=event.title),
        heading=gettext("Your RSVP is cancelled, %(name)s", name=first_name(name)),
        paragraphs=paragraphs,
        preheader=preheader_of(event, paragraphs[0]),
        events=[facts_of(event, [])],
        links=[]
        if by_staff
        else [Link(gettext("Changed your mind? RSVP again"), entries.event_url(event))],
        why=_why(),
    )


def _rejected(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    return Letter(
        subject=gettext("Your RSVP for %(title)s", title=event.title),
        heading=gettext("We cannot offer you a place, %(name)s", name=first_name(rsvp.name)),
        paragraphs=[
            part
            for part in (
                gettext("The organisers could not accept your RSVP for this event."),
                mail.facts.get("reason", ""),
            )
            if part
        ],
        preheader=preheader_of(event, ""),
        events=[facts_of(event, [])],
        why=_why(),
    )


def links(mail: OutboxMail) -> Letter:
    """The links of an address's coming events, asked for by somebody who may not own it."""
    rsvps = db.session.scalars(
        select(Rsvp)
        .where(Rsvp.id.in_(mail.facts["rsvps"]), Rsvp.erased_at.is_(None))
        .order_by(Rsvp.id)
    )
    events = []
    for rsvp in rsvps:
        item = facts_of(rsvp.event, [place_of(rsvp)])
        item.url, item.link_label = entries.manage_url(rsvp), gettext("Open my RSVP")
        events.append(item)
    return Letter(
        subject=ngettext("Your RSVP", "Your %(num)d RSVPs", len(events)),
        heading=gettext("Here you are, %(name)s", name=first_name(mail.recipient_name)),
        paragraphs=[
            gettext(
                "Somebody asked for the links of this address. If it was not you, there is "
                "nothing to do: only you have this mail."
            )
        ],
        preheader=gettext("The links to see, change or cancel your RSVPs."),
        events=events,
        why=gettext("You get this message because this address was entered on our page."),
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


def _why() -> str:
    return gettext("You get this message because you sent an RSVP with this address.")


#: Who composes which kind of mail about an RSVP.
COMPOSERS: dict[MailKind, Callable[[Rsvp, OutboxMail], Letter]] = {
    MailKind.VERIFY: _verify,
    MailKind.RECEIVED: _received,
    MailKind.CONFIRMED: _confirmed,
    MailKind.WAITLISTED: _waiting,
    MailKind.PROMOTED: _promoted,
    MailKind.CHANGED: _changed,
    MailKind.CANCELLED: _cancelled,
    MailKind.REJECTED: _rejected,
}
