"""Letters to attendees about their RSVP. Those that bring a place are in tickets.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask_babel import gettext, ngettext
from sqlalchemy import or_, select

from registration import entries, queues, wording
from registration.database import db
from registration.letters import tickets
from registration.letters.letter import (
    Letter,
    Link,
    Place,
    facts_of,
    first_name,
    paragraphs_of,
    place_of,
    preheader_of,
    why_answered,
)
from registration.models import EventStatus, MailKind, OutboxMail, Rsvp, RsvpStatus


def _changed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    if rsvp.is_confirmed:
        return tickets.changed(rsvp, mail)
    return _waiting(rsvp, mail) if rsvp.waits_for else _received(rsvp, mail)


def _waiting(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    name = first_name(rsvp.name)
    subject = gettext("You are on the waitlist for %(title)s", title=event.title)
    # Approved, or an address confirmed, too late; or the mail has waited, or went again, since.
    if tickets.queue_has_closed(rsvp, mail):
        subject = gettext("The queue has closed: %(title)s", title=event.title)
        heading = gettext("The queue has closed, %(name)s", name=name)
    elif rsvp.waits_for_option_id:
        place = wording.ordinal_place(queues.ahead_of(rsvp) + 1)
        heading = gettext("You are %(place)s in the queue, %(name)s", place=place, name=name)
    else:
        # Staff still read it when its reader stands in no queue any more.
        heading = subject
    paragraphs = [_how_the_queue_moves(rsvp, mail)]
    if rsvp.waits_for and rsvp.waits_for.label:
        way = wording.isolated(rsvp.waits_for.label)
        paragraphs.insert(0, gettext("Waiting for: %(way)s.", way=way))
    if rsvp.watches_meanwhile:
        paragraphs.append(tickets.what_stays(rsvp))
    return Letter(
        subject=subject,
        heading=heading,
        paragraphs=paragraphs,
        preheader=preheader_of(event, heading),
        button=Link(gettext("See my position"), entries.manage_url(rsvp)),
        events=[facts_of(event, [])],
        links=[Link(gettext("Change my RSVP or leave the waitlist"), entries.manage_url(rsvp))],
        why=why_answered(rsvp),
    )


def _how_the_queue_moves(rsvp: Rsvp, mail: OutboxMail) -> str:
    event = rsvp.event
    closes = wording.moment(event.promotes_until, event.zone)
    is_for_a_stream = (rsvp.waits_for or rsvp.option).is_virtual
    if tickets.queue_has_closed(rsvp, mail):
        return (
            gettext(
                "The queue closed on %(moment)s. No more places are given to it.", moment=closes
            )
            if is_for_a_stream
            else gettext(
                "The queue closed on %(moment)s. No more seats are given to it.", moment=closes
            )
        )
    if not event.promotes_automatically:
        moves = (
            gettext("The organisers give the places that become free, and we mail you your link.")
            if is_for_a_stream
            else gettext(
                "The organisers give the seats that become free, and we mail you the ticket."
            )
        )
    elif is_for_a_stream:
        moves = gettext(
            "When a place becomes free it goes to the first in the queue at once, and we mail you "
            "your link."
        )
    else:
        moves = gettext(
            "When a seat becomes free it goes to the first in the queue at once, and we mail you "
            "the ticket."
        )
    ends = gettext("The queue closes on %(moment)s.", moment=closes)
    return f"{moves} {ends} {gettext('Either way, we tell you.')}"


def _verify(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    held = ""
    if rsvp.hold_ends_at:
        until = wording.clock(rsvp.hold_ends_at, event.zone)
        held = (
            gettext("We hold your place until %(time)s.", time=until)
            if rsvp.option.is_virtual
            else gettext("We hold your seat until %(time)s.", time=until)
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
        why=why_answered(rsvp),
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
        why=why_answered(rsvp),
    )


def _cancelled(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    name = mail.facts.get("name", rsvp.name)
    by_staff = mail.facts.get("by") == "staff"
    may_return = not (by_staff or event.cancelled_at or mail.created_at >= event.accepts_until)
    if by_staff:
        first = gettext("The organisers have cancelled your RSVP.")
    elif mail.facts.get("by") == "calendar":
        first = gettext("You declined in your calendar, so your RSVP is cancelled.")
        if may_return and rsvp.option.capacity is not None:
            first = gettext(
                "You declined in your calendar, so your RSVP is cancelled and somebody else can "
                "have your place. If you did not mean it, send a new one while there is room."
            )
    elif mail.facts.get("by") == "erasure":
        first = gettext(
            "As you asked, what we kept about you for this event is erased, and your RSVP with it. "
            "We delete this address too as soon as this message has reached it."
        )
    elif mail.ical_sequence is None or rsvp.option.capacity is None:
        # They had no place yet, or it is of use to nobody.
        first = gettext("Thank you for telling us.")
    else:
        first = gettext("Thank you for telling us: somebody else can have your place now.")
    paragraphs = [first, *paragraphs_of(mail.facts.get("reason", ""))]
    if mail.ical_sequence is not None:
        paragraphs.append(gettext("The entry leaves your calendar by itself."))
    return Letter(
        subject=gettext("Cancelled: your RSVP for %(title)s", title=event.title),
        heading=gettext("Your RSVP is cancelled, %(name)s", name=first_name(name)),
        paragraphs=paragraphs,
        preheader=preheader_of(event, paragraphs[0]),
        events=[facts_of(event, [])],
        links=[Link(gettext("Changed your mind? RSVP again"), _way_back(rsvp, mail))]
        if may_return
        else [],
        why=why_answered(rsvp),
    )


def _way_back(rsvp: Rsvp, mail: OutboxMail) -> str:
    """Their own page knows what let them in, an invitation or a code; an erased one has none."""
    if mail.facts.get("by") == "erasure":
        return entries.event_url(rsvp.event)
    return entries.manage_url(rsvp)


def _rejected(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    paragraphs = [
        gettext("The organisers could not accept your RSVP for this event."),
        *paragraphs_of(mail.facts.get("reason", "")),
    ]
    if mail.ical_sequence is not None:
        paragraphs.append(gettext("The entry leaves your calendar by itself."))
    return Letter(
        subject=gettext("Your RSVP for %(title)s", title=event.title),
        heading=gettext("We cannot offer you a place, %(name)s", name=first_name(rsvp.name)),
        paragraphs=paragraphs,
        preheader=preheader_of(event, ""),
        events=[facts_of(event, [])],
        why=why_answered(rsvp),
    )


def readdressed(mail: OutboxMail) -> Letter:
    """To the address before, which may be a stranger's: it names nobody."""
    event = mail.event
    assert event is not None
    heading = gettext("The mails about this event go to another address now")
    return Letter(
        subject=gettext("Not for this address any more: %(title)s", title=event.title),
        heading=heading,
        paragraphs=[
            gettext(
                "The organisers have corrected the address that earlier mails went to. The links "
                "in those lead nowhere any more, and the entry leaves this calendar by itself."
            ),
            gettext("If the mails were not meant for you, there is nothing to do."),
        ],
        preheader=preheader_of(event, heading),
        events=[facts_of(event, [])],
        why=gettext("You get this message because earlier ones went to this address."),
    )


def linked(mail: OutboxMail) -> Sequence[Rsvp]:
    """The RSVPs whose links a mail has: none that is erased, or whose address is another by now."""
    return db.session.scalars(
        select(Rsvp)
        .where(
            Rsvp.id.in_(mail.facts["rsvps"]),
            Rsvp.erased_at.is_(None),
            or_(Rsvp.email == mail.recipient, Rsvp.booked_by_email == mail.recipient),
        )
        .order_by(Rsvp.id)
    ).all()


def links(mail: OutboxMail) -> Letter:
    """The links of an address's coming events, asked for by somebody who may not own it."""
    rsvps = linked(mail)
    if "said" in mail.facts:
        return _calendar_answer(rsvps[0], mail)
    events = []
    for rsvp in rsvps:
        if rsvp.event.status is EventStatus.CANCELLED:
            place = Place(gettext("This event has been cancelled."))
        elif rsvp.status is RsvpStatus.WAITLISTED:
            place = Place(gettext("You are on the waitlist."))
        else:
            place = place_of(rsvp)
        item = facts_of(rsvp.event, [place])
        item.url, item.link_label = entries.manage_url(rsvp), gettext("Open my RSVP")
        events.append(item)
    told = gettext(
        "Somebody asked for the links of this address. If it was not you, there is nothing to do: "
        "only you have this mail."
    )
    why = gettext("You get this message because this address was entered on our page.")
    if rsvps and mail.facts.get("is_corrected"):
        told = gettext(
            "The organisers have corrected your address, and the links in earlier mails have "
            "ended. On the page of your RSVP you can get what is kept about you, and erase it."
        )
        why = why_answered(rsvps[0])
    return Letter(
        subject=ngettext("Your RSVP", "Your %(num)d RSVPs", len(events)),
        heading=gettext("Here you are, %(name)s", name=first_name(mail.recipient_name)),
        paragraphs=[told],
        preheader=gettext("The links to see, change or cancel your RSVPs."),
        events=events,
        why=why,
    )


def _calendar_answer(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    """What came of an answer from a calendar that changed nothing."""
    event, name = rsvp.event, first_name(rsvp.name)
    if mail.facts["is_sure"]:
        heading = gettext("Thank you for your yes, %(name)s", name=name)
        paragraphs = [
            gettext(
                "You said yes in your calendar. That alone does not give you a place: open your "
                "RSVP to see how it stands, and what you can do."
            )
        ]
    else:
        heading = gettext("Was this your answer, %(name)s?", name=name)
        first = (
            gettext(
                "A calendar told us that you are not coming, but we cannot be sure that it was "
                "yours. So nothing has changed."
            )
            if mail.facts["said"] == "DECLINED"
            else gettext(
                "A calendar answered for you, but we cannot be sure that it was yours. So nothing "
                "has changed."
            )
        )
        then = gettext(
            "If it was you, open your RSVP: you can change or cancel it there. If not, there is "
            "nothing to do."
        )
        paragraphs = [first, then]
    return Letter(
        subject=gettext("Your RSVP for %(title)s", title=event.title),
        heading=heading,
        paragraphs=paragraphs,
        preheader=preheader_of(event, paragraphs[0]),
        button=Link(gettext("Open my RSVP"), entries.manage_url(rsvp)),
        events=[facts_of(event, [])],
        why=why_answered(rsvp),
    )


#: Who composes which kind of mail about an RSVP.
COMPOSERS: dict[MailKind, Callable[[Rsvp, OutboxMail], Letter]] = {
    MailKind.VERIFY: _verify,
    MailKind.RECEIVED: _received,
    MailKind.CONFIRMED: tickets.confirmed,
    MailKind.WAITLISTED: _waiting,
    MailKind.PROMOTED: tickets.promoted,
    MailKind.CHANGED: _changed,
    MailKind.CANCELLED: _cancelled,
    MailKind.REJECTED: _rejected,
}
