"""To the people on the programme."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import select

from registration import editions
from registration.database import db
from registration.emails import corrections, rows
from registration.models import (
    Announcement,
    MailKind,
    MailState,
    OutboxMail,
    Speaker,
    SpeakerStatus,
)


def speaker_invited(speaker: Speaker, *, now: datetime) -> None:
    """Invite a speaker, with a REQUEST for their slot that still wants an answer."""
    _to_speaker(speaker, MailKind.SPEAKER_INVITATION, now, calendar=True)


def speaker_confirmed(speaker: Speaker, *, now: datetime) -> None:
    """Show the speaker's entry as accepted, as it is now."""
    differs = editions.speaker_differs(speaker)
    before: dict[str, Any] = {"before": speaker.told} if differs else {}
    _to_speaker(speaker, MailKind.SPEAKER_CHANGED, now, calendar=True, **before)


def speaker_cancelled(
    speaker: Speaker, *, now: datetime, announcement: Announcement | None = None
) -> None:
    """Take the speaker's entry away."""
    _to_speaker(speaker, MailKind.SPEAKER_CANCELLED, now, calendar=True, of=announcement)


def speaker_again(speaker: Speaker, *, now: datetime) -> None:
    """Send a speaker the mail that fits their state once more.

    The SEQUENCE stays, as long as the entry says what they were last told.
    """
    same = editions.speaker_has_same(speaker)
    _to_speaker(speaker, _that_fits(speaker), now, calendar=True, again=same)


def speaker_readdressed(speaker: Speaker, *, before: str, now: datetime) -> bool:
    """Let a speaker's mail and entry be at the right address alone; whether they are told there.

    Who was asked and has not said no is told, as rsvp_readdressed does an attendee.
    """
    event, is_asked = speaker.event, speaker.is_asked
    corrections.readdress(speaker, before, is_asked=is_asked, now=now)
    if not is_asked or not speaker.email:
        return False
    told = not event.is_off(now)
    if told:
        _to_speaker(speaker, _that_fits(speaker), now, calendar=True)
    elif event.may_come_back(now):
        until = event.ends_at.isoformat()
        _to_speaker(speaker, _that_fits(speaker), now, calendar=True, until=until)
    return told


def speaker_reminded(speaker: Speaker, *, now: datetime) -> None:
    """Ask a speaker once more, or remind one who will come. No calendar part."""
    _to_speaker(speaker, MailKind.SPEAKER_REMINDER, now, calendar=False)


def speaker_moved(
    speaker: Speaker, *, now: datetime, announcement: Announcement | None = None
) -> bool:
    """Move the entry of a speaker who has one, where it says something else; whether it does.

    Whose invitation has not gone yet is invited to how it is now.
    """
    if not editions.speaker_differs(speaker):
        return False
    before = speaker.told
    waits = select(OutboxMail.id).where(
        OutboxMail.speaker_id == speaker.id,
        OutboxMail.kind == MailKind.SPEAKER_INVITATION,
        OutboxMail.state == MailState.WAITING,
    )
    if db.session.scalar(waits.limit(1)) is not None:
        _to_speaker(speaker, MailKind.SPEAKER_INVITATION, now, calendar=True, of=announcement)
    else:
        kind = MailKind.SPEAKER_CHANGED
        _to_speaker(speaker, kind, now, calendar=True, of=announcement, before=before)
    return True


def _that_fits(speaker: Speaker) -> MailKind:
    """What says how a speaker stands who is invited or will come."""
    invited = speaker.status is SpeakerStatus.INVITED
    return MailKind.SPEAKER_INVITATION if invited else MailKind.SPEAKER_CHANGED


def _to_speaker(
    speaker: Speaker,
    kind: MailKind,
    now: datetime,
    *,
    calendar: bool,
    again: bool = False,
    of: Announcement | None = None,
    **facts: Any,
) -> None:
    if kind is not MailKind.SPEAKER_REMINDER:  # it takes no other mail's place
        rows.supersede(OutboxMail.speaker_id == speaker.id, now)
    if calendar and not again:
        speaker.ical_sequence += 1
        speaker.told = editions.facts_of_speaker(speaker)
        what = f"{speaker.ical_uid}.{speaker.ical_sequence}"
    else:
        what = secrets.token_hex(8)  # each that is asked for is another one
    rows.write(
        kind,
        what,
        recipient=speaker.email,
        recipient_name=speaker.name,
        now=now,
        event=speaker.event,
        speaker=speaker,
        language=speaker.language,
        ical_sequence=speaker.ical_sequence if calendar else None,
        announcement=of,
        facts={"status": str(speaker.status), **({"again": True} if again else {}), **facts},
    )
