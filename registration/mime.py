"""Mail as bytes: one message class for all that we send, with or without a calendar part."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, quote

from flask_mail import Message

from registration.mailboxes import ascii_address

# The line length counts without its CRLF.
_LINE = 76
_LONGEST_WORD = 60
_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~ -]+", re.ASCII)
_NEWLINE = re.compile("\r\n?|\n")
_CONTROLS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True)
class Image:
    """A picture that the HTML part shows as cid:<cid>."""

    cid: str
    png: bytes


class CalendarMessage(Message):  # type: ignore[misc]  # Flask-Mail's class is untyped to mypy
    """A mail to one recipient, built as iMIP wants it (RFC 6047, section 2).

    The tree is multipart/mixed of multipart/alternative (text, HTML, text/calendar last) and the
    same calendar as an attachment; without a calendar it is the alternative alone. All of it is
    7-bit and no line of ours is longer than 78 characters. Flask-Mail would put the calendar
    before the HTML part and send long lines as they are; the standard library's EmailMessage
    builds it right, and takes most of the time of a delivery. So the tree is written here.
    Raises ValueError for an address that cannot be written in ASCII.
    """

    def __init__(
        self,
        *,
        recipient: str,
        recipient_name: str = "",
        sender_address: str,
        sender_name: str,
        subject: str,
        text: str,
        html: str,
        message_id: str,
        date: datetime,
        reply_to: str = "",
        language: str = "en",
        calendar: bytes | None = None,
        method: str = "REQUEST",
        images: Sequence[Image] = (),
        unsubscribe_url: str = "",
    ) -> None:
        # Flask-Mail's own constructor makes a Message-ID, for which it asks the name server at each
        # mail what this machine is called. So its fields are set here.
        self.subject = _one_line(subject)
        self.recipients = [ascii_address(recipient)]
        # The address alone: Flask-Mail loses it behind a name with a comma.
        self.sender = ascii_address(sender_address)
        self.alts: dict[str, str] = {}
        self.body, self.html = text, html
        self.date = date.timestamp()
        self.msgId = message_id
        self.reply_to = self.charset = self.extra_headers = None
        for unused in ("cc", "bcc", "attachments", "mail_options", "rcpt_options"):
            setattr(self, unused, [])
        self.recipient_name = _one_line(recipient_name)
        self.sender_name = _one_line(sender_name)
        self.human = ascii_address(reply_to) if reply_to else ""
        self.sent_at = date
        self.language = language
        self.calendar = calendar
        self.method = method
        self.images = images
        self.unsubscribe_url = unsubscribe_url
        self._bytes: bytes | None = None

    def _message(self) -> bytes:
        text = _leaf("text/plain; charset=utf-8", _quoted(self.body))
        page = _leaf("text/html; charset=utf-8", _quoted(self.html))
        if self.images:
            page = self._multipart("related", page, *(_picture(image) for image in self.images))
        if self.calendar is None:
            return self._headers() + self._multipart("alternative", text, page)
        calendar = _leaf(
            f"text/calendar; charset=utf-8; method={self.method}", _base64(self.calendar)
        )
        attached = _leaf(
            "application/ics; name=invite.ics",
            _base64(self.calendar),
            "Content-Disposition: attachment; filename=invite.ics",
        )
        alternative = self._multipart("alternative", text, page, calendar)
        return self._headers() + self._multipart("mixed", alternative, attached)

    def _multipart(self, kind: str, *parts: bytes) -> bytes:
        # "=_" stands in no quoted-printable and no base64 text: a boundary nothing can contain.
        digest = hashlib.blake2b(self.msgId.encode(), digest_size=12).hexdigest()
        boundary = f"=_{kind[0]}{digest}"
        line = f"--{boundary}".encode()
        head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n'
        body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
        return head.encode() + b"\r\n" + body + line + b"--\r\n"

    def _headers(self) -> bytes:
        lines = [
            _address_header("From", self.sender_name, str(self.sender)),
            _address_header("To", self.recipient_name, str(self.recipients[0])),
            _header("Subject", self.subject),
            f"Date: {format_datetime(self.sent_at.astimezone(UTC))}\r\n",
            f"Message-ID: {_one_line(self.msgId)}\r\n",
            "MIME-Version: 1.0\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "X-Auto-Response-Suppress: OOF, AutoReply\r\n",
            _header("Content-Language", self.language),
        ]
        if self.human:
            lines.insert(2, _address_header("Reply-To", "", self.human))
        if self.unsubscribe_url:
            # RFC 8058: the mail program's own button, one POST and no page. An address is not
            # to be broken, however long it is.
            lines.append(f"List-Unsubscribe:\r\n <{_one_line(self.unsubscribe_url)}>\r\n")
            lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
        return "".join(lines).encode("ascii")

    def as_string(self) -> str:
        """The message as text with CRLF."""
        return self.as_bytes().decode("ascii")

    def as_bytes(self) -> bytes:
        """The message as it goes over the wire; the same bytes however often it is asked."""
        if self._bytes is None:
            self._bytes = self._message()
        return self._bytes


def _one_line(text: str) -> str:
    """Header text without anything that could begin another header."""
    return _CONTROLS.sub(" ", text).strip()


def _header(name: str, value: str) -> str:
    """A header as it goes over the wire, folded where it is long (RFC 5322, 2.2.3)."""
    if not _is_plain(value) or "  " in value:
        return f"{name}: {_encoded_words(value)}\r\n"
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"


def _address_header(name: str, display_name: str, address: str) -> str:
    if not display_name:
        return f"{name}: {address}\r\n"
    shown = display_name
    if not _is_plain(shown) or len(shown) > _LONGEST_WORD:
        shown = _encoded_words(shown)
    elif not _ATOMS.fullmatch(shown):
        shown = f'"{quote(shown)}"'
    line = f"{name}: {shown} <{address}>"
    if len(line) > _LINE or "\r\n" in shown:
        line = f"{name}: {shown}\r\n <{address}>"
    return f"{line}\r\n"


def _is_plain(text: str) -> bool:
    """Whether a text needs no encoding: ASCII, and words that fit into a line."""
    return (
        text.isascii()
        and "=?" not in text
        and all(len(word) <= _LONGEST_WORD for word in text.split(" "))
    )


def _encoded_words(text: str) -> str:
    """A text as encoded words of at most 68 characters, one a line (RFC 2047, section 2)."""
    words, piece = [], b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(piece) + len(encoded) > 42:
            words.append(piece)
            piece = b""
        piece += encoded
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def _leaf(content_type: str, encoded: tuple[str, bytes], *more: str) -> bytes:
    encoding, body = encoded
    lines = [f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {encoding}", *more]
    return "\r\n".join([*lines, "\r\n"]).encode("ascii") + body


def _picture(image: Image) -> bytes:
    return _leaf(
        "image/png",
        _base64(image.png),
        "Content-Disposition: inline",
        f"Content-ID: <{image.cid}>",
    )


def _quoted(text: str) -> tuple[str, bytes]:
    # The encoder takes its line ends from the text, which therefore always has one.
    lines = _NEWLINE.sub("\r\n", text).rstrip("\r\n") + "\r\n"
    return "quoted-printable", binascii.b2a_qp(lines.encode("utf-8", "replace"))


def _base64(content: bytes) -> tuple[str, bytes]:
    return "base64", base64.encodebytes(content).replace(b"\n", b"\r\n")
