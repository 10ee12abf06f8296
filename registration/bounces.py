"""Reports that a mail of ours did not arrive (RFC 3464), read out of whatever mail comes.

Servers that take a mail and cannot deliver it say so later, to the address it came from. Knows
nothing of Flask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from registration.incoming import MOST_PARTS, message_of

#: RFC 3464, and RFC 6533 for addresses with other letters.
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_COPIES = ("message/rfc822", "message/global")
_HEADS = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True)
class Bounce:
    """One mail that came back: its Message-ID, and why, as the last server said it."""

    message_id: str
    said: str


def read(raw: bytes) -> Bounce | None:
    """The report in a mail; None if it is none, or one of a mail that is late or has arrived."""
    try:
        parts = message_of(raw)
        return _bounce(parts)
    except RecursionError:  # parts by the thousand: no server writes that
        return None


def _bounce(report: Message) -> Bounce | None:
    parts = list(_parts(report))
    failed = next((about for part in parts for about in _recipients(part)), None)
    found = next(_message_ids(report, parts), "")
    return Bounce(found, _said(failed)) if failed is not None and found else None


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a report, also of one to which a gateway on its way has added a footer."""
    inside = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(inside, list):
        for part in inside:
            assert isinstance(part, Message)
            yield from _parts(part)
    else:
        yield message


def _recipients(part: Message) -> Iterator[Message]:
    """What is said of each recipient for whom all tries are over (RFC 3464, 2.3.3)."""
    if part.get_content_type() not in _REPORTS:
        return
    for block in re.split(rb"\n\s*\n", _content(part))[:MOST_PARTS]:  # encoded, it may be of more
        about = message_of(block.strip())
        # A comment may follow (RFC 3464, 2.1.1).
        if re.match(r"failed\b", _text(about, "Action"), re.IGNORECASE):
            yield about


def _content(part: Message) -> bytes:
    """What stands in a part, in lines that end in LF.

    The library reads what is in a message/… as mails, however it is encoded, and decodes none.
    """
    inside = part.get_payload()
    if isinstance(inside, list):
        raw = b"\n".join(mail.as_bytes() for mail in inside if isinstance(mail, Message))
        plain = Message()
        plain["Content-Transfer-Encoding"] = str(part.get("Content-Transfer-Encoding", ""))
        plain.set_payload(raw.strip().decode("ascii", "surrogateescape"))
        part = plain
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)  # no part of several
    return content.replace(b"\r\n", b"\n")


def _message_ids(report: Message, parts: list[Message]) -> Iterator[str]:
    """Whose mail it was: by the copy of the mail or of its head, else by what it answers."""
    for part in parts:
        if part.get_content_type() in _COPIES + _HEADS:
            head = message_of(_content(part))
            yield from _MESSAGE_ID.findall(_text(head, "Message-ID"))
    for name in ("In-Reply-To", "References"):
        yield from _MESSAGE_ID.findall(_text(report, name))


def _said(about: Message) -> str:
    """The server's own words without their type ("smtp; 550 …"), else its code alone."""
    _type_of, _separator, words = _text(about, "Diagnostic-Code").partition(";")
    return words.strip() or _text(about, "Status") or "failed"


def _text(part: Message, name: str) -> str:
    return " ".join(_CONTROLS.sub(" ", str(part.get(name, ""))).split())
