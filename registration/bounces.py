"""Reports that a mail of ours did not arrive (RFC 3464), read out of whatever mail comes.

Servers that take a mail and cannot deliver it say so later, to the address it came from. Knows
nothing of Flask.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

_REPORT = "message/delivery-status"
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
        parts = email.message_from_bytes(raw)
        return _bounce(parts)
    except RecursionError:  # parts in parts a thousand deep: no server writes that
        return None


def _bounce(report: Message) -> Bounce | None:
    if not report.is_multipart():
        return None
    fields = [part for part in report.get_payload() if _type(part) == _REPORT]
    failed = next((about for part in fields for about in _recipients(part)), None)
    found = next(_message_ids(report), "")
    return Bounce(found, _said(failed)) if failed is not None and found else None


def _recipients(part: object) -> Iterator[Message]:
    """What is said of each recipient for whom all tries are over (RFC 3464, 2.3.3)."""
    assert isinstance(part, Message)
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, Message) and _text(block, "Action").lower() == "failed":
            yield block


def _message_ids(report: Message) -> Iterator[str]:
    """Whose mail it was: by the copy of the mail or of its head, else by what it answers."""
    for part in report.get_payload():
        assert isinstance(part, Message)
        inside = part.get_payload()
        if _type(part) == "message/rfc822" and isinstance(inside, list):
            yield from _MESSAGE_ID.findall(_text(inside[0], "Message-ID"))  # type: ignore[arg-type]
        elif _type(part).endswith("rfc822-headers") and (head := part.get_payload(decode=True)):
            yield from _MESSAGE_ID.findall(
                _text(email.message_from_bytes(head), "Message-ID")  # type: ignore[arg-type]
            )
    for name in ("In-Reply-To", "References"):
        yield from _MESSAGE_ID.findall(_text(report, name))


def _said(about: Message) -> str:
    """The server's own words without their type ("smtp; 550 …"), else its code alone."""
    _type_of, _separator, words = _text(about, "Diagnostic-Code").partition(";")
    return words.strip() or _text(about, "Status") or "failed"


def _type(part: object) -> str:
    return part.get_content_type() if isinstance(part, Message) else ""


def _text(part: Message, name: str) -> str:
    return " ".join(_CONTROLS.sub(" ", str(part.get(name, ""))).split())
