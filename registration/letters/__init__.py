"""What each mail says. One function composes each kind; rendering.py lays it out."""

from __future__ import annotations

from flask_babel import gettext

from registration import editions
from registration.letters import (
    accounts,
    digests,
    events,
    invitations,
    mailings,
    reminders,
    rsvps,
    speakers,
)
from registration.letters.letter import Letter, first_name
from registration.models import MailKind, OutboxMail
from registration.times import now

__all__ = ["Letter", "compose", "first_name"]

_TO_ATTENDEES = rsvps.COMPOSERS | events.COMPOSERS | reminders.COMPOSERS


def compose(mail: OutboxMail) -> Letter:
    """The letter of an outbox row, in the locale at hand."""
    if mail.facts.get("about") == "digest":
        return digests.compose(mail)
    if "about" in mail.facts:
        return accounts.compose(mail)
    if mail.kind is MailKind.LINKS:
        return rsvps.links(mail)
    if mail.kind is MailKind.INVITATION:
        return invitations.invitation(mail)
    if mail.kind is MailKind.OPENED:
        return invitations.opened(mail)
    if mail.kind is MailKind.INVITATION_REMINDER:
        return invitations.reminder(mail)
    if mail.kind is MailKind.READDRESSED:
        return rsvps.readdressed(mail)
    if mail.kind is MailKind.MAILING:
        return mailings.compose(mail)
    if mail.speaker is not None:
        told = []
        if before := mail.facts.get("before"):
            after = editions.facts_of_speaker(mail.speaker)
            # What was told before a fact was kept is taken to have said it.
            told = events.changes(after | before, after, sorted(after))
        return speakers.COMPOSERS[mail.kind](mail.speaker, told, mail.ended_at or now())
    assert mail.rsvp is not None
    letter = _TO_ATTENDEES[mail.kind](mail.rsvp, mail)
    if mail.kind is not MailKind.EVENT_CHANGED and (before := mail.facts.get("before")):
        # The event has changed since, and this is the first that they hear of it.
        after = editions.facts_of(mail.rsvp.event)
        letter.paragraphs[:0] = events.changes(before, after, mail.facts["changed"])
    if mail.facts.get("copy"):
        name = mail.facts.get("name", mail.rsvp.name)
        letter.paragraphs.insert(
            0,
            gettext(
                "This is your copy: you answered for %(name)s, who gets the same mail. What it "
                "brings for the calendar is in theirs alone.",
                name=name,
            ),
        )
        letter.why = gettext("You get this message because you answered for %(name)s.", name=name)
    return letter
