"""What each mail says. One function composes each kind; rendering.py lays it out."""

from __future__ import annotations

from flask_babel import gettext

from registration.letters import accounts, invitations, mailings, rsvps, speakers
from registration.letters.letter import (
    EventFacts,
    Letter,
    Link,
    Place,
    Ticket,
    facts_of,
    first_name,
    place_of,
    tickets_of,
)
from registration.models import MailKind, OutboxMail

__all__ = [
    "EventFacts",
    "Letter",
    "Link",
    "Place",
    "Ticket",
    "compose",
    "facts_of",
    "first_name",
    "place_of",
    "tickets_of",
]


def compose(mail: OutboxMail) -> Letter:
    """The letter of an outbox row, in the locale at hand."""
    if "about" in mail.facts:
        return accounts.compose(mail)
    if mail.kind is MailKind.STAFF:
        return Letter(subject=mail.facts["subject"], heading="", paragraphs=[])
    if mail.kind is MailKind.LINKS:
        return rsvps.links(mail)
    if mail.kind is MailKind.INVITATION:
        return invitations.invitation(mail)
    if mail.kind is MailKind.MAILING:
        return mailings.compose(mail)
    if mail.speaker is not None:
        return speakers.COMPOSERS[mail.kind](mail.speaker)
    assert mail.rsvp is not None
    letter = rsvps.COMPOSERS[mail.kind](mail.rsvp, mail)
    if mail.facts.get("copy"):
        letter.paragraphs.insert(
            0,
            gettext(
                "This is your copy: you answered for %(name)s, who gets the same mail with the "
                "calendar invitation.",
                name=mail.rsvp.name,
            ),
        )
    return letter
