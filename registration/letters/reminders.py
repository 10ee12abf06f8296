"""Letters by the clock, before and after an event: to who is confirmed, and to who still waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask_babel import gettext, ngettext
from sqlalchemy import select

from registration import entries, itip, wording
from registration.database import db
from registration.letters.letter import (
    Letter,
    Link,
    facts_of,
    first_name,
    place_of,
    preheader_of,
    when_of,
    why_answered,
)
from registration.letters.tickets import to_the_room, what_stays
from registration.models import AttendanceOption, MailKind, OutboxMail, Rsvp
from registration.times import now


def _reminder(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    return _to_watch(rsvp) if rsvp.option.is_virtual else _to_come(rsvp)


def _to_come(rsvp: Rsvp) -> Letter:
    return to_the_room(
        rsvp,
        subject=_subject(rsvp),
        heading=_heading(rsvp),
        places=[place_of(rsvp)],
        links=_links(rsvp),
    )


def _to_watch(rsvp: Rsvp) -> Letter:
    event = rsvp.event
    opens = gettext(
        "Your room opens at %(time)s.",
        time=wording.clock_before(event.lobby_opens_at, event.starts_at, event.zone),
    )
    return Letter(
        subject=_subject(rsvp),
        heading=_heading(rsvp),
        paragraphs=[
            opens,
            gettext("If you cannot watch, there is nothing to do; you can cancel all the same."),
        ],
        preheader=preheader_of(event, opens),
        button=Link(gettext("Go to my room"), entries.join_url(rsvp)),
        button_note=gettext("The link is yours alone. Keep it to yourself."),
        events=[facts_of(event, [place_of(rsvp)])],
        links=_links(rsvp),
        why=why_answered(rsvp),
    )


def _queue_closed(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    if (rsvp.waits_for or rsvp.option).is_virtual:
        none_came = gettext("No place has come free, %(name)s", name=first_name(rsvp.name))
        closed = gettext("The queue has closed: no more places are given to it.")
    else:
        none_came = gettext("No seat has come free, %(name)s", name=first_name(rsvp.name))
        closed = gettext("The queue has closed: no more seats are given to it.")
    if rsvp.watches_meanwhile and not rsvp.option.is_virtual:
        instead = what_stays(rsvp)
        button = Link(
            ngettext("Open my ticket", "Open my tickets", rsvp.party_size),
            entries.manage_url(rsvp),
        )
        note = ""
    elif rsvp.watches_meanwhile:
        instead = gettext("You keep your place online.")
        button = Link(gettext("Go to my room"), entries.join_url(rsvp))
        note = gettext("The link is yours alone. Keep it to yourself.")
    elif _may_watch(rsvp, mail.ended_at or now()):
        instead = gettext("You can watch online: your page has the link.")
        button, note = Link(gettext("Watch online"), entries.manage_url(rsvp)), ""
    else:
        instead = gettext("There is nothing more to do.")
        button, note = Link(gettext("Open my RSVP"), entries.manage_url(rsvp)), ""
    return Letter(
        subject=gettext("The queue has closed: %(title)s", title=event.title),
        heading=none_came,
        paragraphs=[closed, instead],
        preheader=preheader_of(event, instead),
        button=button,
        button_note=note,
        events=[facts_of(event, [place_of(rsvp)] if rsvp.watches_meanwhile else [])],
        links=[Link(gettext("Change or cancel my RSVP"), entries.manage_url(rsvp))],
        why=why_answered(rsvp),
    )


def _may_watch(rsvp: Rsvp, moment: datetime) -> bool:
    """Whether a stream has a place for a party that waits for another way."""
    options = db.session.scalars(
        select(AttendanceOption).where(AttendanceOption.event_id == rsvp.event_id)
    )
    return any(option.lets_watch_instead(rsvp.party_size, moment) for option in options)


def _follow_up(rsvp: Rsvp, mail: OutboxMail) -> Letter:
    event = rsvp.event
    more = [
        (gettext("Read the transcript"), event.transcript_url),
        (gettext("See the slides"), event.slides_url),
        (gettext("Hear it as audio"), event.audio_url),
    ]
    here = gettext("The recording is on the event\u2019s page, and stays there.")
    return Letter(
        subject=gettext("The recording of %(title)s", title=event.title),
        heading=gettext("The recording is ready, %(name)s", name=first_name(rsvp.name)),
        paragraphs=[here],
        preheader=here,
        button=Link(gettext("Watch the recording"), entries.event_url(event)),
        events=[facts_of(event, [])],
        links=[Link(label, url) for label, url in more if url],
        why=" ".join((why_answered(rsvp), gettext("It is the last one about this event."))),
    )


def _subject(rsvp: Rsvp) -> str:
    return gettext(
        "Reminder: %(title)s, %(when)s", title=rsvp.event.title, when=when_of(rsvp.event)
    )


def _heading(rsvp: Rsvp) -> str:
    event = rsvp.event
    return gettext(
        "See you on %(weekday)s at %(time)s, %(name)s",
        weekday=wording.weekday(event.starts_at, event.zone),
        time=wording.clock(event.starts_at, event.zone),
        name=first_name(rsvp.name),
    )


def _links(rsvp: Rsvp) -> list[Link]:
    """For who has no entry of it yet: the mail itself has no calendar part."""
    entry = entries.of_rsvp(rsvp, max(rsvp.ical_sequence, 0))
    return [
        Link(gettext("Add to calendar"), f"{entries.manage_url(rsvp)}/calendar.ics"),
        Link(gettext("Add to Google Calendar"), itip.google_link(entry)),
        Link(gettext("Add to Outlook"), itip.outlook_link(entry)),
        Link(gettext("Change my details, attend another way or cancel"), entries.manage_url(rsvp)),
    ]


#: Who composes which kind of mail before and after an event.
COMPOSERS: dict[MailKind, Callable[[Rsvp, OutboxMail], Letter]] = {
    MailKind.REMINDER: _reminder,
    MailKind.QUEUE_CLOSED: _queue_closed,
    MailKind.FOLLOW_UP: _follow_up,
}
