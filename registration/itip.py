"""Calendar invitations as RFC 5545, 5546 (iTIP), 6047 (iMIP) and 7986 say. Knows nothing of Flask.

What is built here is what Gmail, Outlook, Apple Mail and Thunderbird put into a calendar, move
when a higher SEQUENCE arrives, and drop on CANCEL. Written line by line: a library takes a fifth
of a delivery's time, and escapes, quotes and folds some things otherwise than calendars read them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from registration.mailboxes import ascii_address

PRODID = "-//registration//Event registration//EN"
_FEED_REFRESH = "PT6H"
# C0 controls but tab and newline, DEL, NEL, line and paragraph separators, lone surrogates.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
# Quotes, carets, semicolons and backslashes are escapes to some readers, in quotes or not.
_UNFIT_IN_PARAMETERS = re.compile(r'["^;\\\t\n]')
# By RFC 5545 an equals sign needs none, but readers drop the spaces beside it.
_WANTS_QUOTES = re.compile("[,:=]")
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


@dataclass(frozen=True)
class Entry:
    """One VEVENT as one recipient has it.

    Instants are aware.
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
    gone = replace(entry, is_cancelled=True)
    comments = [_text("COMMENT", clean(comment))] if comment else []
    return _calendar("CANCEL", [_vevent(gone, now, asks=False, more=comments)])


def publish(entries: Iterable[Entry], *, now: datetime, name: str = "") -> bytes:
    """A calendar to be kept rather than answered; with a `name` it is a feed to subscribe to.

    Without attendees, since it asks nobody (RFC 5546, 3.2.1).
    """
    plain = (replace(entry, attendee_address="") for entry in entries)
    about = []
    if name:
        about = [
            _text("NAME", clean(name)),
            _text("X-WR-CALNAME", clean(name)),
            f"REFRESH-INTERVAL;VALUE=DURATION:{_FEED_REFRESH}",
            f"X-PUBLISHED-TTL:{_FEED_REFRESH}",
        ]
    return _calendar("PUBLISH", [_vevent(entry, now) for entry in plain], about)


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
    """Text fit for a parameter such as CN: also on one line and without `"`, `^`, `;` and `\\`."""
    return _UNFIT_IN_PARAMETERS.sub(" ", clean(text)).strip()


def _calendar(method: str, vevents: Iterable[list[str]], about: Iterable[str] = ()) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODID}",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        *about,
    ]
    for vevent in vevents:
        lines += vevent
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _vevent(
    entry: Entry, now: datetime, *, asks: bool = True, more: Iterable[str] = ()
) -> list[str]:
    """The content lines of one entry; `asks`: its attendee is asked for an answer."""
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_line(entry.uid)}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(entry.starts_at)}",
        f"DTEND:{_stamp(entry.ends_at)}",
        f"CREATED:{_stamp(entry.created_at)}",
        f"LAST-MODIFIED:{_stamp(entry.modified_at)}",
        f"STATUS:{'CANCELLED' if entry.is_cancelled else 'CONFIRMED'}",
        "TRANSP:OPAQUE",
        _text("SUMMARY", clean(entry.summary).replace("\n", " ")),
    ]
    if entry.description:
        lines.append(_text("DESCRIPTION", clean(entry.description)))
    if entry.location:
        lines.append(_text("LOCATION", clean(entry.location).replace("\n", ", ")))
    if entry.url:
        lines.append(f"URL:{_line(entry.url)}")
    if entry.conference_url:
        # RFC 7986, 5.11
        label = _parameters(LABEL=entry.conference_label)
        lines.append(
            f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO{label}:{_line(entry.conference_url)}"
        )
    organizer = _parameters(CN=entry.organizer_name)
    lines.append(f"ORGANIZER{organizer}:mailto:{ascii_address(entry.organizer_address)}")
    if entry.attendee_address:
        about = _parameters(
            CUTYPE="INDIVIDUAL",
            ROLE="REQ-PARTICIPANT",
            PARTSTAT=entry.partstat,
            RSVP="TRUE" if asks else "",
            CN=entry.attendee_name,
        )
        lines.append(f"ATTENDEE{about}:mailto:{ascii_address(entry.attendee_address)}")
    return [*lines, *more, "END:VEVENT"]


def _parameters(**parameters: str) -> str:
    """Parameters of a property, quoted where they must be (RFC 5545, 3.2).

    One without text is left out: some calendars show an empty CN as an empty name.
    """
    written = ""
    for name, text in parameters.items():
        if fit := clean_parameter(text):
            written += f';{name}="{fit}"' if _WANTS_QUOTES.search(fit) else f";{name}={fit}"
    return written


def _text(name: str, text: str) -> str:
    """A property of type TEXT (RFC 5545, 3.3.11). Cleaned text is expected."""
    return f"{name}:{text.translate(_ESCAPES)}"


def _line(text: str) -> str:
    """A value that is taken as it is, such as an address: nothing in it can end the line."""
    return clean(text).replace("\n", "")


def _folded(line: str) -> bytes:
    """A content line in pieces of at most 75 octets, no character broken (RFC 5545, 3.1)."""
    octets = line.encode("utf-8", "replace")
    pieces, start, room = [], 0, 75
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:  # inside a character of UTF-8
            end -= 1
        pieces.append(octets[start:end])
        start, room = end, 74  # the space before the rest counts
    pieces.append(octets[start:])
    return b"\r\n ".join(pieces) + b"\r\n"


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
