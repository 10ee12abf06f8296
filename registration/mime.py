"""Mail as bytes: one message class for all that we send, with or without a calendar part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Any

import idna
from flask_mail import Message


class _Unsubscribe(UnstructuredHeader):
    """List-Unsubscribe: one address, which is not to be broken however long it is."""

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"List-Unsubscribe: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Unsubscribe)  # type: ignore[arg-type]  # made one there
# The line length counts without its CRLF. Parts are encoded here, never left at 8 bits.
_POLICY = SMTP.clone(max_line_length=76, cte_type="7bit", header_factory=_HEADERS)
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
    before the HTML part and send long lines as they are, so the tree is built here.
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
        super().__init__(
            subject=_one_line(subject),
            recipients=[ascii_address(recipient)],
            body=text,
            html=html,
            # The address alone: Flask-Mail loses it behind a name with a comma.
            sender=ascii_address(sender_address),
            date=date.timestamp(),
        )
        self.recipient_name = _one_line(recipient_name)
        self.sender_name = _one_line(sender_name)
        self.human = ascii_address(reply_to) if reply_to else ""
        self.msgId = message_id
        self.sent_at = date
        self.language = language
        self.calendar = calendar
        self.method = method
        self.images = images
        self.unsubscribe_url = unsubscribe_url
        self._bytes: bytes | None = None

    def _message(self) -> EmailMessage:
        message = EmailMessage(policy=_POLICY)
        self._write_headers(message)
        message.set_content(self.body, cte="quoted-printable")
        message.add_alternative(self.html, subtype="html", cte="quoted-printable")
        if self.images:
            html_part = _last_part(message)
            for image in self.images:
                html_part.add_related(
                    image.png, "image", "png", cid=f"<{image.cid}>", disposition="inline"
                )
        if self.calendar is not None:
            message.add_alternative(
                self.calendar,
                maintype="text",
                subtype="calendar",
                cte="base64",
                params={"charset": "utf-8", "method": self.method},
            )
            message.add_attachment(
                self.calendar,
                maintype="application",
                subtype="ics",
                cte="base64",
                filename="invite.ics",
                params={"name": "invite.ics"},
            )
        return message

    def _write_headers(self, message: EmailMessage) -> None:
        headers: dict[str, Any] = {
            "From": Address(self.sender_name, addr_spec=str(self.sender)),
            "To": Address(self.recipient_name, addr_spec=str(self.recipients[0])),
            "Subject": self.subject,
            "Date": format_datetime(self.sent_at.astimezone(UTC)),
            "Message-ID": self.msgId,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Content-Language": self.language,
        }
        if self.human:
            headers["Reply-To"] = Address(addr_spec=self.human)
        if self.unsubscribe_url:
            # RFC 8058: the mail program's own button, one POST and no page.
            headers["List-Unsubscribe"] = f"<{self.unsubscribe_url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        for name, value in headers.items():
            message[name] = value

    def as_string(self) -> str:
        """The message as text with CRLF."""
        return self.as_bytes().decode("ascii")

    def as_bytes(self) -> bytes:
        """The message as it goes over the wire; the same bytes however often it is asked."""
        if self._bytes is None:
            self._bytes = self._message().as_bytes()
        return self._bytes


def ascii_address(address: str) -> str:
    """An address with its domain as A-labels (RFC 5891).

    Raises ValueError if the part before the @ is not ASCII: few servers take such mail.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or _CONTROLS.search(address):
        raise ValueError(f"not an email address: {address!r}")
    if not local.isascii():
        raise ValueError(f"letters outside ASCII before the @ cannot be mailed: {address!r}")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}@{domain}"


def _one_line(text: str) -> str:
    """Header text without anything that could begin another header."""
    return _CONTROLS.sub(" ", text).strip()


def _last_part(message: EmailMessage) -> MIMEPart:
    payload = message.get_payload()
    assert isinstance(payload, list)
    part = payload[-1]
    assert isinstance(part, MIMEPart)
    return part
