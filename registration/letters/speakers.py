"""Letters to the people on the programme."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask_babel import gettext

from registration import entries, wording
from registration.letters.letter import (
    Letter,
    Link,
    Place,
    facts_of,
    paragraphs_of,
    preheader_of,
    when_of,
)
from registration.models import (
    EventStatus,
    MailKind,
    Speaker,
    SpeakerStatus,
)


def _speaker_letter(speaker: Speaker, subject: str, heading: str, paragraphs: list[str]) -> Letter:
    event = speaker.event
    return Letter(
        subject=subject,
        heading=heading,
        paragraphs=paragraphs,
        preheader=preheader_of(event, paragraphs[0]),
        button=Link(gettext("Open my speaker\u2019s page"), entries.speaker_url(speaker)),
        button_note=gettext("Only people with this link can see the page."),
        events=[facts_of(event, _places(speaker))],
        why=_why(speaker),
    )


def _why(speaker: Speaker) -> str:
    """Why they are written to: nobody is on the programme who has not said yes."""
    if speaker.status is SpeakerStatus.CONFIRMED:
        return gettext("You get this message because you are on the programme of this event.")
    return gettext("You get this message because you were invited to the programme of this event.")


def _places(speaker: Speaker) -> list[Place]:
    """When to be where, and the part that is theirs."""
    event = speaker.event
    if speaker.is_online:
        where = [gettext("Online. The way in is on your page.")]
    elif speaker.room and speaker.green_room_url:
        where = [speaker.room]
    else:
        # A room alone does not say of which house.
        where = [speaker.room, event.venue_name, *paragraphs_of(event.venue_address)]
    begins = wording.clock(speaker.begins_at, event.zone)
    lines = [wording.new_day(speaker.begins_at, event), *where]
    places = [Place(gettext("Be there at %(time)s", time=begins), [*filter(None, lines)])]
    if speaker.slot_starts_at and speaker.slot_ends_at:
        part = wording.hours_at(event, speaker.slot_starts_at, speaker.slot_ends_at)
        places.append(Place(gettext("Your part"), [part]))
    return places


def _speaker_invitation(speaker: Speaker, told: list[str], moment: datetime) -> Letter:
    event = speaker.event
    about = {"title": event.title, "when": when_of(event)}
    if speaker.is_moderator:
        subject = gettext("Invitation to moderate %(title)s, %(when)s", **about)
        wish = gettext(
            "We would be glad if you moderated \u201c%(title)s\u201d.", title=event.title
        )
    else:
        subject = gettext("Invitation to speak at %(title)s, %(when)s", **about)
        wish = gettext("We would be glad if you spoke at \u201c%(title)s\u201d.", title=event.title)
    answer = gettext("Say yes or no on your page; it needs no account.")
    if speaker.answer_by and speaker.answer_by > moment:
        day = wording.day_and_month(speaker.answer_by, event.zone)
        answer = f"{answer} {gettext('Tell us by %(day)s.', day=day)}"
    heading = gettext("%(name)s, will you join us?", name=wording.isolated(speaker.name))
    return _speaker_letter(speaker, subject, heading, [*told, wish, answer])


def _speaker_changed(speaker: Speaker, told: list[str], _moment: datetime) -> Letter:
    event = speaker.event
    if told or speaker.status is not SpeakerStatus.CONFIRMED:
        heading = gettext("Your part in %(title)s", title=event.title)
        now = gettext("This is how it stands now. Your calendar follows by itself.")
    else:
        heading = gettext("Thank you, %(name)s", name=speaker.name)
        now = gettext(
            "You are on the programme of \u201c%(title)s\u201d, and your calendar says so. "
            "Your page has times, place and who else speaks; add there how we introduce you.",
            title=event.title,
        )
    subject = gettext("Your part in %(title)s, %(when)s", title=event.title, when=when_of(event))
    return _speaker_letter(speaker, subject, heading, [*told, now])


def _speaker_cancelled(speaker: Speaker, told: list[str], _moment: datetime) -> Letter:
    event = speaker.event
    subject = gettext("Cancelled: your part in %(title)s", title=event.title)
    heading = gettext("Your part is cancelled")
    gone = gettext("The entry leaves your calendar by itself.")
    if speaker.status is SpeakerStatus.DECLINED:
        heading = gettext("Thank you for telling us, %(name)s", name=speaker.name)
        sorry = gettext(
            "We are sorry that you cannot join us. If that changes, say yes on your page."
        )
        letter = _speaker_letter(speaker, subject, heading, [sorry, gone])
    elif event.status is EventStatus.CANCELLED:
        off = gettext(
            "\u201c%(title)s\u201d will not take place.", title=wording.isolated(event.title)
        )
        reason = paragraphs_of(event.cancellation_reason)
        letter = _speaker_letter(speaker, subject, heading, [off, *reason, gone])
        letter.button, letter.button_note = None, ""
    else:
        back = gettext(
            "Your invitation to this event has been taken back. Write to the organisers if you "
            "have a question."
        )
        letter = _speaker_letter(speaker, subject, heading, [back, gone])
        letter.button, letter.button_note = None, ""
    letter.events = [facts_of(event, [])]
    return letter


def _speaker_reminder(speaker: Speaker, told: list[str], moment: datetime) -> Letter:
    event = speaker.event
    subject = gettext("Reminder: %(title)s, %(when)s", title=event.title, when=when_of(event))
    if speaker.status is SpeakerStatus.INVITED:
        first = gettext(
            "We invited you, and do not know yet if you are coming. Yes or no, both help."
        )
        letter = _speaker_invitation(speaker, [*told, first], moment)
        letter.subject = subject
        return letter
    return _speaker_letter(
        speaker,
        subject,
        gettext("Your part in %(title)s", title=event.title),
        [*told, gettext("Times, place and who else speaks are on your page.")],
    )


#: Who composes which kind of mail to a speaker, given what has changed in sentences, and when.
COMPOSERS: dict[MailKind, Callable[[Speaker, list[str], datetime], Letter]] = {
    MailKind.SPEAKER_INVITATION: _speaker_invitation,
    MailKind.SPEAKER_CHANGED: _speaker_changed,
    MailKind.SPEAKER_CANCELLED: _speaker_cancelled,
    MailKind.SPEAKER_REMINDER: _speaker_reminder,
}
