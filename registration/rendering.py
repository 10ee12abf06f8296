"""An outbox row as a message: rendered at the moment it is delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from flask import Flask, current_app
from flask_babel import force_locale

from registration import entries, itip, letters, prose, qr, wording
from registration.letters import Letter
from registration.mime import CalendarMessage, Image
from registration.models import MailKind, OutboxMail

#: Pixels a module of a QR code.
_SCALE = 5


def init_app(app: Flask) -> None:
    """Give templates the filters that wrap text to the width of a mail, and tell its direction."""
    app.add_template_filter(wrapped)
    app.add_template_filter(has_isolate)


def render(mail: OutboxMail, *, now: datetime) -> CalendarMessage:
    """The message of an outbox row, from the rows it points to as they are now.

    `now` is the DTSTAMP of its calendar part. Raises ValueError for an impossible address.
    """
    with force_locale(mail.language):
        letter = letters.compose(mail)
        method, calendar = _calendar(mail, now)
        text, html = _lay_out(mail, letter)
        return CalendarMessage(
            recipient=mail.recipient,
            recipient_name=mail.recipient_name,
            sender_address=current_app.config["CALENDAR_ADDRESS"],
            sender_name=_host(mail),
            subject=letter.subject,
            text=text,
            html=html,
            message_id=mail.message_id,
            date=now,
            reply_to=_contact(mail),
            language=mail.language,
            calendar=calendar,
            method=method,
            unsubscribe_url=_unsubscribe_url(mail),
            images=[
                Image(ticket.cid, qr.png(ticket.url, scale=_SCALE)) for ticket in letter.tickets
            ],
        )


def _lay_out(mail: OutboxMail, letter: Letter) -> tuple[str, str]:
    about = {"mail": mail, "letter": letter, "host": _host(mail), "contact": _contact(mail)}
    # Past Flask, which tells each template anew of request and reader: a mail has none.
    text, html = (
        current_app.jinja_env.get_template(f"email/letter.{kind}").render(about)
        for kind in ("txt", "html")
    )
    return text.strip() + "\n", html


def _calendar(mail: OutboxMail, now: datetime) -> tuple[str, bytes | None]:
    """METHOD and calendar part of a row; the row says whether it has one."""
    if mail.ical_sequence is None:
        return "", None
    if mail.rsvp is not None:
        entry = entries.of_rsvp(mail.rsvp, mail.ical_sequence)
        gone = mail.kind in (MailKind.CANCELLED, MailKind.REJECTED, MailKind.EVENT_CANCELLED)
    else:
        assert mail.speaker is not None
        entry = entries.of_speaker(mail.speaker, mail.ical_sequence)
        gone = mail.kind is MailKind.SPEAKER_CANCELLED
    if "uid" in mail.facts:  # the row no longer says whose entry it was: erased, or readdressed
        entry = replace(
            entry,
            uid=mail.facts["uid"],
            attendee_name=mail.recipient_name,
            attendee_address=mail.recipient,
            description="",
            location="",
            conference_url="",
        )
    if gone or mail.kind is MailKind.READDRESSED:
        event = mail.event
        comment = event.cancellation_reason if event and event.cancelled_at else ""
        return "CANCEL", itip.cancel(entry, now=now, comment=comment)
    return "REQUEST", itip.request(entry, now=now)


def _unsubscribe_url(mail: OutboxMail) -> str:
    """What nobody asked for can be ended with one click; what an RSVP brings about cannot."""
    if mail.kind is MailKind.MAILING and mail.rsvp is not None:
        return entries.unsubscribe_url(mail.rsvp)
    if mail.invitation is not None:
        return entries.unsubscribe_url(mail.invitation)
    return ""


def _host(mail: OutboxMail) -> str:
    if mail.event is not None:
        return entries.host_name(mail.event)
    return str(current_app.config["ORGANISATION_NAME"])


def _contact(mail: OutboxMail) -> str:
    if mail.event is not None and mail.event.contact_email:
        return mail.event.contact_email
    return str(current_app.config["CONTACT_EMAIL"])


def has_isolate(text: str) -> bool:
    """Whether a sentence of ours holds words that run the other way: it goes its own way then."""
    return wording.ISOLATE in text


@lru_cache(maxsize=1024)  # the mails of a rush say the same but for names
def wrapped(text: str, indent: str = "") -> str:
    """Text in the lines of a mail, the second and those after it indented."""
    return prose.fill(text, indent=indent)
