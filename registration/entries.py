"""Calendar entries of our rows: what stands in whose calendar.

People share calendars, so an entry carries the join link at most, never the manage link, nor the
link to a speaker's own page.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app
from flask_babel import force_locale, gettext

from registration import keys, wording
from registration.itip import Entry
from registration.models import (
    AttendanceOption,
    Event,
    EventStatus,
    Invitation,
    Rsvp,
    Speaker,
    SpeakerStatus,
)


def event_url(event: Event) -> str:
    """The address of the event's page."""
    return f"{current_app.config['BASE_URL']}/events/{event.slug}"


def join_url(rsvp: Rsvp) -> str:
    """The address of the lobby for one RSVP; it redirects, so the stream behind it can change."""
    return f"{current_app.config['BASE_URL']}/j/{rsvp.join_key}"


def manage_url(rsvp: Rsvp) -> str:
    """The address at which an RSVP is changed and cancelled; only for mail to its attendee."""
    return f"{current_app.config['BASE_URL']}/rsvp/{rsvp.manage_key}"


def unsubscribe_url(reader: Rsvp | Invitation) -> str:
    """The address at which mailings or invitations to a reader end; it changes nothing else."""
    return f"{current_app.config['BASE_URL']}/unsubscribe/{keys.unsubscribe_key(reader)}"


def ticket_url(ticket_code: str) -> str:
    """What a ticket's QR code says."""
    return f"{current_app.config['BASE_URL']}/t/{ticket_code}"


def venue(event: Event) -> str:
    """Name and address of the venue in one line."""
    lines = [event.venue_name, *event.venue_address.splitlines()]
    return ", ".join(line.strip() for line in lines if line.strip())


def host_name(event: Event) -> str:
    """Who holds the event."""
    return event.host or str(current_app.config["ORGANISATION_NAME"])


def of_rsvp(rsvp: Rsvp, sequence: int) -> Entry:
    """The entry in an attendee's calendar."""
    event, option = rsvp.event, rsvp.option
    return Entry(
        uid=rsvp.ical_uid,
        sequence=sequence,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        summary=event.title,
        description=_description(event, option, join_url(rsvp)),
        location=join_url(rsvp) if option.is_virtual else venue(event),
        url=event_url(event),
        conference_url=join_url(rsvp) if option.is_virtual else "",
        conference_label=gettext("Live stream"),
        organizer_name=host_name(event),
        organizer_address=current_app.config["CALENDAR_ADDRESS"],
        attendee_name=rsvp.name,
        attendee_address=rsvp.email,
        created_at=rsvp.created_at,
        modified_at=max(rsvp.updated_at, event.updated_at),
    )


def of_speaker(speaker: Speaker, sequence: int) -> Entry:
    """The entry in a speaker's calendar: from call time to the end of their slot."""
    event = speaker.event
    lines = []
    if speaker.room:
        lines.append(gettext("Where to be: %(room)s", room=speaker.room))
    if speaker.own_part:
        hours = wording.hours_at(event, *speaker.own_part)
        lines.append(gettext("Your part: %(hours)s", hours=hours))
    page = event_url(event) if event.has_page else ""
    if page:
        lines.append(gettext("Event page: %(url)s", url=page))
    return Entry(
        uid=speaker.ical_uid,
        sequence=sequence,
        starts_at=speaker.begins_at,
        ends_at=speaker.finishes_at,
        summary=event.title,
        description="\n".join(lines),
        location=speaker.green_room_url
        or (gettext("Online") if speaker.is_online else venue(event)),
        url=page,
        conference_url=speaker.green_room_url,
        conference_label=gettext("Green room"),
        organizer_name=host_name(event),
        organizer_address=current_app.config["CALENDAR_ADDRESS"],
        attendee_name=speaker.name,
        attendee_address=speaker.email,
        partstat="ACCEPTED" if speaker.status is SpeakerStatus.CONFIRMED else "NEEDS-ACTION",
        created_at=speaker.invited_at or event.created_at,
        modified_at=max(speaker.updated_at or event.updated_at, event.updated_at),
    )


def of_event(event: Event, options: Sequence[AttendanceOption]) -> Entry:
    """The entry for everybody, without an attendee and without a link to the stream.

    As on the page, a house to which none of its ways to attend leads is no place to go to.
    In the event's language, whoever asks: caches give it to all.
    """
    with force_locale(event.language):
        online = gettext("Online")
    all_online = bool(options) and all(option.is_virtual for option in options)
    return Entry(
        uid=event.ical_uid,
        sequence=event.ical_sequence,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        summary=event.title,
        description="\n\n".join(part for part in (event.summary, event_url(event)) if part),
        location=online if all_online else venue(event) or online,
        url=event_url(event),
        organizer_name=host_name(event),
        organizer_address=current_app.config["CALENDAR_ADDRESS"],
        created_at=event.created_at,
        modified_at=event.updated_at,
        is_cancelled=event.status is EventStatus.CANCELLED,
    )


def speaker_url(speaker: Speaker) -> str:
    """The address of a speaker's own page."""
    return f"{current_app.config['BASE_URL']}/speaker/{speaker.key}"


def _description(event: Event, option: AttendanceOption, link: str) -> str:
    """What one needs on the day: some calendars move the mail away once they have read it."""
    lines = []
    if option.is_virtual:
        opens = wording.clock_before(event.lobby_opens_at, event.starts_at, event.zone)
        lines.append(gettext("Watch here, from %(time)s: %(url)s", time=opens, url=link))
        if event.stream_note:
            lines.append(event.stream_note)
    else:
        # Of two rooms of a house the label says which.
        lines.extend((option.label, venue(event)))
        if event.doors_at:
            doors = wording.clock_before(event.doors_at, event.starts_at, event.zone)
            lines.append(gettext("Doors open at %(time)s.", time=doors))
        lines.extend(line.strip() for line in event.venue_access.splitlines())
    lines.append(gettext("Event page: %(url)s", url=event_url(event)))
    return "\n".join(line for line in lines if line)
