"""What happens to the people on the programme. Each public function is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import audit, emails
from registration.database import db, transaction
from registration.models import EventStatus, Speaker, SpeakerStatus


class SpeakerRefused(Exception):
    """A change that cannot be made; its text is fit for the person who asked for it."""


@dataclass(frozen=True)
class Profile:
    """How a speaker wants to be introduced, and what they need."""

    name: str
    position: str
    bio: str = ""
    pronunciation: str = ""
    needs: str = ""
    releases_recording: bool = False


def invite(*, speaker_id: int, staff_id: int | None, now: datetime) -> None:
    """Mail the invitation with a REQUEST for the slot. Raises SpeakerRefused without an address.

    One who was invited before is asked again: the same entry, the next SEQUENCE.
    """
    with transaction():
        speaker = _locked(speaker_id)
        if not speaker.email:
            raise SpeakerRefused(_("Enter this person's address first."))
        if speaker.event.status is EventStatus.CANCELLED:
            raise SpeakerRefused(_("This event has been cancelled."))
        speaker.status = SpeakerStatus.INVITED
        speaker.invited_at, speaker.answered_at = now, None
        speaker.revision += 1
        emails.speaker_invited(speaker, now=now)
        audit.record(
            "speaker.invited",
            now=now,
            staff_id=staff_id,
            actor="system",
            event_id=speaker.event_id,
            speaker=speaker.name,
        )


def answer(*, speaker_id: int, will_speak: bool, now: datetime) -> None:
    """Take a speaker's yes or no: yes shows as accepted in their calendar, no takes it out."""
    with transaction():
        speaker = _locked(speaker_id)
        wanted = SpeakerStatus.CONFIRMED if will_speak else SpeakerStatus.DECLINED
        if speaker.status is wanted:
            return
        if speaker.status in (SpeakerStatus.NOT_INVITED, SpeakerStatus.CANCELLED):
            raise SpeakerRefused(_("This invitation has been taken back. Write to the organisers."))
        had_entry = speaker.ical_sequence >= 0 and speaker.status is not SpeakerStatus.DECLINED
        speaker.status, speaker.answered_at = wanted, now
        speaker.revision += 1
        if will_speak:
            emails.speaker_changed(speaker, now=now)
        elif had_entry:
            emails.speaker_cancelled(speaker, now=now)
        audit.record(
            f"speaker.{wanted}",
            now=now,
            actor="speaker",
            event_id=speaker.event_id,
            speaker=speaker.name,
        )


def save_profile(*, speaker_id: int, profile: Profile, photo: str = "", now: datetime) -> None:
    """Keep what a speaker says about themselves; `photo` is a stored file's name, if new."""
    with transaction():
        speaker = _locked(speaker_id)
        speaker.name = profile.name
        if profile.position != speaker.position_line:
            speaker.title, speaker.affiliation = profile.position, ""
        speaker.bio = profile.bio
        speaker.pronunciation = profile.pronunciation
        speaker.needs = profile.needs
        speaker.releases_recording = profile.releases_recording
        speaker.photo = photo or speaker.photo
        audit.record(
            "speaker.profile",
            now=now,
            actor="speaker",
            event_id=speaker.event_id,
            speaker=speaker.name,
        )


def remind(*, speaker_id: int, staff_id: int | None, now: datetime) -> None:
    """Ask one who was invited once more. Raises SpeakerRefused if there is nothing to remind of."""
    with transaction():
        speaker = _locked(speaker_id)
        if speaker.status not in (SpeakerStatus.INVITED, SpeakerStatus.CONFIRMED):
            raise SpeakerRefused(_("Invite this person first."))
        emails.speaker_reminded(speaker, now=now)
        audit.record(
            "speaker.reminded",
            now=now,
            staff_id=staff_id,
            actor="system",
            event_id=speaker.event_id,
            speaker=speaker.name,
        )


def set_address(*, speaker_id: int, email: str, staff_id: int | None, now: datetime) -> None:
    """Correct a speaker's address. What was mailed to the old one stays there."""
    with transaction():
        speaker = _locked(speaker_id)
        if email == speaker.email:
            return
        speaker.email = email
        audit.record(
            "speaker.address",
            now=now,
            staff_id=staff_id,
            actor="system",
            event_id=speaker.event_id,
            speaker=speaker.name,
        )


def to_invite(event_id: int) -> list[int]:
    """The people of an event who have an address and were not asked yet."""
    return list(
        db.session.scalars(
            select(Speaker.id)
            .where(
                Speaker.event_id == event_id,
                Speaker.email != "",
                Speaker.status == SpeakerStatus.NOT_INVITED,
            )
            .order_by(Speaker.position)
        )
    )


def _locked(speaker_id: int) -> Speaker:
    return db.session.scalars(
        select(Speaker).where(Speaker.id == speaker_id).with_for_update()
    ).one()
