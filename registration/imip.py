"""Replies that calendars send by mail (iMIP, RFC 6047), read out of whatever mail arrives.

Tolerant of what real programs write: the body's METHOD counts and not the MIME parameter's. Only
UID, ATTENDEE, PARTSTAT, SEQUENCE, DTSTAMP and COMMENT are read, of a counter-proposal when it would
have the entry, and of a delegation who is to come. Where there is no calendar, Outlook's own format
is. Knows nothing of Flask.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import Message
from email.utils import getaddresses
from urllib.parse import unquote

from registration import tnef, vevents
from registration.incoming import message_of
from registration.vevents import Vevent

#: Larger mails are not looked at.
LARGEST_MAIL = 1024 * 1024
_LARGEST_CALENDAR = 128 * 1024
_MOST_PARTS = 20
_MOST_ENTRIES = 10
_LONGEST_COMMENT = 500
_MOST_DELEGATES = 5
_TNEF_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")
_DMARC = re.compile(r"\bdmarc\s*=\s*(\w+)", re.IGNORECASE)
_BULK = ("bulk", "junk", "list", "auto_reply")
_ROBOTS = ("mailer-daemon", "postmaster")
# To its end, if it has one: else each quote in it would be looked at to the end of the text.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+("?)')
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Reply:
    """One answer to one entry, as a calendar sent it."""

    uid: str
    attendee: str  # addresses in lower case
    sender: str
    partstat: str  # COUNTER or REFRESH where the calendar sent that
    digest: str  # of the calendar part: the same reply twice is one
    fails_dmarc: bool = False  # by the word of our own mail server
    sequence: int | None = None
    stamped_at: datetime | None = None
    comment: str = ""
    #: A counter-proposal, a delegation, about one day of several, or a request for the entry: for
    #: people to look at.
    is_odd: bool = False
    #: When a counter-proposal would have it: start and end, where it says them plainly.
    proposes: tuple[datetime, datetime] | None = None
    #: Who is to come in their place: an address, or several with commas.
    delegated_to: str = ""
    #: Sent by no person: no mail is to answer it.
    is_automatic: bool = False

    def is_from(self, address: str) -> bool:
        """Whether it comes from that address, as far as our mail server can tell."""
        return self.sender == address and not self.fails_dmarc

    def is_after(self, moment: datetime | None) -> bool:
        """Whether it was said after that; whatever was said is after nothing."""
        return moment is None or (self.stamped_at is not None and self.stamped_at > moment)

    def answers(self, sequence: int) -> bool:
        """Whether it holds for the edition of the entry with that SEQUENCE.

        A no to an older edition is still a no; a yes to one says nothing of the newer.
        """
        return self.partstat == "DECLINED" or self.sequence is None or self.sequence >= sequence


def read(raw: bytes, *, authserv: str = "") -> list[Reply]:
    """The replies in a mail; none if it is a bounce, an auto-reply, our own or anything else.

    `authserv` names the server whose Authentication-Results are ours (RFC 8601).
    """
    if len(raw) > LARGEST_MAIL:
        return []
    try:
        message = message_of(raw)
        content = _calendar_of(message)
        sender = _sender(message)
    except RecursionError:  # parts, or comments in an address, by the thousand: no calendar's mail
        return []
    if message.get_content_type() == "multipart/report":
        return []
    found = _outlooks_own(message, sender) if content is None else _replies(content, sender)
    fails_dmarc, is_automatic = _fails_dmarc(message, authserv), _is_automatic(message, sender)
    return [replace(reply, fails_dmarc=fails_dmarc, is_automatic=is_automatic) for reply in found]


def _replies(content: str, sender: str) -> list[Reply]:
    """The replies in a calendar."""
    method, entries = vevents.parse(content)
    if method not in ("REPLY", "COUNTER", "REFRESH"):
        return []
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    read = (_reply(entry, sender, digest, method) for entry in entries[:_MOST_ENTRIES])
    return [reply for reply in read if reply is not None]


def _outlooks_own(message: Message, sender: str) -> list[Reply]:
    """The answer in a winmail.dat. It names nobody: it is of whom the mail is from."""
    for part in list(_parts(message))[:_MOST_PARTS]:
        name = (part.get_filename() or "").lower()
        if part.get_content_type() in _TNEF_TYPES or name == "winmail.dat":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)  # no part of several
            answer = tnef.read(content)
            if answer is not None:
                reply = Reply(
                    uid=answer.uid,
                    attendee=sender,
                    sender=sender,
                    partstat=answer.partstat,
                    digest=hashlib.sha256(content).hexdigest(),
                    sequence=answer.sequence,
                    stamped_at=answer.answered_at,
                    is_odd=answer.is_odd,
                )
                return [reply]
    return []


def _reply(entry: Vevent, sender: str, digest: str, method: str) -> Reply | None:
    attendees = [
        (_address(value), parameters) for parameters, value in entry.lines.get("ATTENDEE", [])
    ]
    if len(attendees) > 1:
        attendees = [one for one in attendees if one[0] == sender]
    uid = entry.text("UID")
    if not uid or not attendees:
        return None
    attendee, parameters = attendees[0]
    sequence = entry.text("SEQUENCE")
    comment = _UNSEEN.sub("", vevents.unescaped(entry.text("COMMENT")))
    return Reply(
        uid=uid,
        attendee=attendee,
        sender=sender,
        # What is no REPLY says what it wants by its method alone (RFC 5546, 3.2.6 and 3.2.7).
        partstat=parameters.get("PARTSTAT", "").upper() if method == "REPLY" else method,
        digest=digest,
        sequence=int(sequence) if sequence.isdecimal() and len(sequence) < 10 else None,
        stamped_at=vevents.stamp(entry.text("DTSTAMP")),
        comment=comment[:_LONGEST_COMMENT],
        proposes=_proposed(entry) if method == "COUNTER" else None,
        delegated_to=_delegates(parameters.get("DELEGATED-TO", "")),
        is_odd=method != "REPLY"
        or "RECURRENCE-ID" in entry.lines
        or bool(parameters.keys() & {"DELEGATED-TO", "DELEGATED-FROM"}),
    )


def _proposed(entry: Vevent) -> tuple[datetime, datetime] | None:
    starts_at, ends_at = entry.moment("DTSTART"), entry.moment("DTEND")
    return (starts_at, ends_at) if starts_at and ends_at and starts_at < ends_at else None


def _delegates(value: str) -> str:
    """The addresses of those who are to come instead; of very many, the first."""
    named = (_UNSEEN.sub("", _address(one))[:254] for one in value.split(","))
    return ", ".join([address for address in named if address][:_MOST_DELEGATES])


def _calendar_of(message: Message) -> str | None:
    """The text of the calendar part: text/calendar before files that hold one."""
    parts = list(_parts(message))[:_MOST_PARTS]
    inline = [part for part in parts if part.get_content_type() == "text/calendar"]
    files = [
        part
        for part in parts
        if part.get_content_type() == "application/ics"
        or (part.get_filename() or "").lower().endswith(".ics")
    ]
    for part in [*inline, *files]:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and 0 < len(content) <= _LARGEST_CALENDAR:
            return _decoded(content, part.get_content_charset() or "utf-8")
    return None


def _decoded(content: bytes, charset: str) -> str:
    """The text of a part, without what no database keeps: NUL and lone surrogates."""
    try:
        text = content.decode(charset)
    except (LookupError, ValueError):  # some codecs raise other errors than UnicodeDecodeError
        text = content.decode("utf-8", "replace")
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a mail, but for those of a mail that is enclosed."""
    if message.get_content_maintype() == "message":
        return
    if message.is_multipart():
        for part in message.get_payload():
            yield from _parts(part)  # type: ignore[arg-type]
    else:
        yield message


def _address(value: str) -> str:
    """The address of a mailto: URI, in which some write a plus as %2B (RFC 6068, section 2)."""
    return unquote(re.sub(r"^\s*mailto:", "", value, flags=re.IGNORECASE)).strip().lower()


def _sender(message: Message) -> str:
    """Whom a mail is from; nobody if it names several: DMARC has looked at one of them only."""
    found = getaddresses([str(header) for header in message.get_all("From", [])])
    return found[0][1].lower() if len(found) == 1 else ""


def _is_automatic(message: Message, sender: str) -> bool:
    """Whether a robot sent it, to which no mail may answer (RFC 3834, section 2).

    What a person's own calendar sends when they press a button is "auto-generated" at Google, and
    from a no-reply address at Nextcloud: they are not meant.
    """
    submitted = str(message.get("Auto-Submitted", "")).strip().lower()
    return (
        submitted.startswith("auto-replied")
        or str(message.get("Return-Path", "")).strip() == "<>"
        or str(message.get("Precedence", "")).strip().lower() in _BULK
        or sender.partition("@")[0] in _ROBOTS
    )


def signers(raw: bytes) -> list[str]:
    """Who signed each Authentication-Results in the head of a mail, what came last first."""
    return [server for server, _results in _results(message_of(raw))]


def _results(message: Message) -> Iterator[tuple[str, str]]:
    """Of each Authentication-Results (RFC 8601): who signed it, in lower case, and what it says."""
    for header in message.get_all("Authentication-Results", []):
        server, _separator, results = str(header).partition(";")
        yield "".join(server.lower().split()[:1]), results


def _fails_dmarc(message: Message, authserv: str) -> bool:
    """Whether our own server says no to it; what others wrote into the mail says nothing.

    It may say it in several headers, one for each of its filters. A no anywhere is a no.
    """
    said = set()
    for server, results in _results(message):
        if authserv and server == authserv.lower():
            said |= {
                found.lower()
                for found in _DMARC.findall(
                    _QUOTED.sub(lambda found: "" if found[1] else found[0], results)
                )
            }
    return bool(said - {"pass", "none"})
