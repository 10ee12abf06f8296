"""Calendar invitations as RFC 5545, 5546 (iTIP), 6047 (iMIP) and 7986 say. Knows nothing of Flask.

What is built here is what Gmail, Outlook, Apple Mail and Thunderbird put into a calendar, move
when a higher SEQUENCE arrives, and drop on CANCEL.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from icalendar import Calendar, Event, vCalAddress, vDuration, vText, vUri

PRODID = "-//registration//Event registration//EN"
_FEED_REFRESH = timedelta(hours=6)
# C0 controls but tab and newline, DEL, NEL, line and paragraph separators, lone surrogates.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_UNFIT_IN_PARAMETERS = re.compile('["^;\t\n]')


@dataclass(frozen=True)
class Entry:
    """One VEVENT as one recipient has it.

    Instants are aware. The attendee stays empty in what is published for everybody.
    """

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    organizer_name: str
    organizer_address: str
    created_at: datetime
    modified_at: datetime
    description: str = ""
    location: str = ""
    url: str = ""
    conference_url: str = ""
    conference_label: str = ""
    attendee_name: str = ""
    attendee_address: str = ""
    partstat: str = "ACCEPTED"
    is_cancelled: bool = False


def new_uid(domain: str) -> str:
    """A UID that cannot be guessed: a reply is matched on it."""
    return f"{secrets.token_hex(16)}@{domain}"


def request(entry: Entry, *, now: datetime) -> bytes:
    """A REQUEST: puts the entry into its attendee's calendar, or moves it (RFC 5546, 3.2.2)."""
    return _calendar("REQUEST", [_vevent(entry, now)])


def cancel(entry: Entry, *, now: datetime, comment: str = "") -> bytes:
    """A CANCEL: takes the entry out of its attendee's calendar (RFC 5546, 3.2.5).

    `entry.sequence` is one above the last that was sent.
    """
    vevent = _vevent(entry, now)
    vevent["STATUS"] = vText("CANCELLED")
    del vevent["ATTENDEE"].params["RSVP"]
    if comment:
        vevent.add("COMMENT", vText(clean(comment)))
    return _calendar("CANCEL", [vevent])


def publish(entries: Iterable[Entry], *, now: datetime, name: str = "") -> bytes:
    """A calendar for everybody, without attendees; with a `name` it is a feed to subscribe to."""
    calendar = _empty_calendar("PUBLISH")
    if name:
        calendar.add("NAME", vText(clean(name)))
        calendar.add("X-WR-CALNAME", vText(clean(name)))
        refresh = vDuration(_FEED_REFRESH)
        refresh.params["VALUE"] = "DURATION"
        calendar.add("REFRESH-INTERVAL", refresh)
        calendar.add("X-PUBLISHED-TTL", vDuration(_FEED_REFRESH))
    for entry in entries:
        calendar.add_component(_vevent(entry, now))
    return calendar.to_ical()


def google_link(entry: Entry) -> str:
    """The address at which Google Calendar offers to add the entry."""
    span = "/".join(_stamp(at) for at in (entry.starts_at, entry.ends_at))
    return "https://calendar.google.com/calendar/render?" + urlencode(
        {
            "action": "TEMPLATE",
            "text": clean(entry.summary),
            "dates": span,
            "details": clean(entry.description),
            "location": clean(entry.location),
        }
    )


def outlook_link(entry: Entry) -> str:
    """The address at which Outlook on the web offers to add the entry."""
    return "https://outlook.live.com/calendar/0/action/compose?" + urlencode(
        {
            "rru": "addevent",
            "subject": clean(entry.summary),
            "startdt": entry.starts_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "enddt": entry.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "body": clean(entry.description),
            "location": clean(entry.location),
        }
    )


def clean(text: str) -> str:
    """Text without what calendars cannot carry: control characters and lone surrogates."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_parameter(text: str) -> str:
    """Text fit for a parameter such as CN: also without quotes, carets, semicolons, newlines."""
    return _UNFIT_IN_PARAMETERS.sub(" ", clean(text)).strip()


def _calendar(method: str, vevents: Iterable[Event]) -> bytes:
    calendar = _empty_calendar(method)
    for vevent in vevents:
        calendar.add_component(vevent)
    return calendar.to_ical()


def _empty_calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODID)
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", method)
    return calendar


def _vevent(entry: Entry, now: datetime) -> Event:
    vevent = Event()
    vevent.add("UID", vText(entry.uid))
    vevent.add("SEQUENCE", entry.sequence)
    vevent.add("DTSTAMP", _utc(now))
    vevent.add("DTSTART", _utc(entry.starts_at))
    vevent.add("DTEND", _utc(entry.ends_at))
    vevent.add("CREATED", _utc(entry.created_at))
    vevent.add("LAST-MODIFIED", _utc(entry.modified_at))
    vevent.add("STATUS", vText("CANCELLED" if entry.is_cancelled else "CONFIRMED"))
    vevent.add("TRANSP", vText("OPAQUE"))
    vevent.add("SUMMARY", vText(clean(entry.summary).replace("\n", " ")))
    if entry.description:
        vevent.add("DESCRIPTION", vText(clean(entry.description)))
    if entry.location:
        vevent.add("LOCATION", vText(clean(entry.location).replace("\n", ", ")))
    if entry.url:
        vevent.add("URL", vUri(entry.url))
    if entry.conference_url:
        # RFC 7986, 5.11. Conference of icalendar would quote the features as one value.
        vevent.add(
            "CONFERENCE",
            vUri(
                entry.conference_url,
                params={
                    "VALUE": "URI",
                    "FEATURE": ["AUDIO", "VIDEO"],
                    "LABEL": clean_parameter(entry.conference_label),
                },
            ),
        )
    vevent.add("ORGANIZER", _address(entry.organizer_address, CN=entry.organizer_name))
    if entry.attendee_address:
        vevent.add(
            "ATTENDEE",
            _address(
                entry.attendee_address,
                CUTYPE="INDIVIDUAL",
                ROLE="REQ-PARTICIPANT",
                PARTSTAT=entry.partstat,
                RSVP="TRUE",
                CN=entry.attendee_name,
            ),
        )
    return vevent


def _address(address: str, **parameters: str) -> vCalAddress:
    value = vCalAddress(f"mailto:{address}")
    for name, text in parameters.items():
        # An empty CN is worse than none: some calendars show it as an empty name.
        if fit := clean_parameter(text):
            value.params[name] = fit
    return value


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
