"""Letters to the people on the programme."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

from registration import entries, wording
from registration.letters.letter import (
    Letter,
    Link,
    Place,
    facts_of,
    preheader_of,
    when_of,
)
from registration.models import MailKind, Speaker


def _speaker_letter(speaker: Speaker, subject: str, heading: str, paragraphs: list[str]) -> Letter:
    event = speaker.event
    begins = wording.clock(speaker.begins_at, event.zone)
    where = speaker.room or event.venue_name
    places = [Place(gettext("Be there at %(time)s", time=begins), [where] if where else [])]
    return Letter(
        subject=subject,
        heading=heading,
        paragraphs=paragraphs,
        preheader=preheader_of(event, paragraphs[0]),
        button=Link(gettext("Open my speaker\u2019s page"), entries.speaker_url(speaker)),
        button_note=gettext("Only people with this link can see the page."),
        events=[facts_of(event, places)],
        why=gettext("You get this message because you are on the programme of this event."),
    )


def _speaker_invitation(speaker: Speaker) -> Letter:
    event = speaker.event
    role = gettext("to moderate") if speaker.is_moderator else gettext("to speak at")
    return _speaker_letter(
        speaker,
        gettext(
            "Invitation %(role)s %(title)s, %(when)s",
            role=role,
            title=event.title,
            when=when_of(event),
        ),
        gettext("%(name)s, will you join us?", name=speaker.name),
        [
            gettext(
                "We would be glad to have you %(role)s \u201c%(title)s\u201d.",
                role=role,
                title=event.title,
            ),
            gettext("Say yes or no on your page; it needs no account."),
        ],
    )


def _speaker_changed(speaker: Speaker) -> Letter:
    event = speaker.event
    return _speaker_letter(
        speaker,
        gettext("Your part in %(title)s, %(when)s", title=event.title, when=when_of(event)),
        gettext("Your part in %(title)s", title=event.title),
        [gettext("This is how it stands now. Your calendar follows by itself.")],
    )


def _speaker_cancelled(speaker: Speaker) -> Letter:
    event = speaker.event
    letter = _speaker_letter(
        speaker,
        gettext("Cancelled: your part in %(title)s", title=event.title),
        gettext("Your part in %(title)s is cancelled", title=event.title),
        [gettext("The entry leaves your calendar by itself.")],
    )
    letter.button, letter.button_note = None, ""
    return letter


def _speaker_reminder(speaker: Speaker) -> Letter:
    event = speaker.event
    return _speaker_letter(
        speaker,
        gettext("Reminder: %(title)s, %(when)s", title=event.title, when=when_of(event)),
        gettext("Your part in %(title)s", title=event.title),
        [gettext("Times, place and who else speaks are on your page.")],
    )


#: Who composes which kind of mail to a speaker.
COMPOSERS: dict[MailKind, Callable[[Speaker], Letter]] = {
    MailKind.SPEAKER_INVITATION: _speaker_invitation,
    MailKind.SPEAKER_CHANGED: _speaker_changed,
    MailKind.SPEAKER_CANCELLED: _speaker_cancelled,
    MailKind.SPEAKER_REMINDER: _speaker_reminder,
}
