"""What staff do with the people on the programme. Each verb is one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, select

from registration import audit, emails, lineup, pictures
from registration.database import db, transaction
from registration.models import (
    AttendanceMode,
    EventStatus,
    MailKind,
    OutboxMail,
    Speaker,
    SpeakerRole,
    SpeakerStatus,
)
from registration.revisions import fingerprint


class SpeakerRefused(Exception):
    """A change that cannot be made; its text is fit for the person who asked for it."""


@dataclass(frozen=True)
class Particulars:
    """What staff say of a speaker: who they are, and when and where they are wanted."""

    name: str
    role: SpeakerRole
    title: str
    affiliation: str
    bio: str
    email: str
    language: str
    mode: AttendanceMode
    call_at: datetime | None
    slot_starts_at: datetime | None
    slot_ends_at: datetime | None
    answer_by: datetime | None
    room: str
    green_room_url: str

    @classmethod
    def of(cls, speaker: Speaker) -> Particulars:
        """As they stand."""
        return cls(**{part.name: getattr(speaker, part.name) for part in fields(cls)})

    @property
    def fingerprint(self) -> str:
        """Tells whether they have changed since a page was opened."""
        return fingerprint(asdict(self))


def invite(*, speaker_id: int, staff_id: int | None, now: datetime) -> None:
    """Mail the invitation with a REQUEST for the slot. Raises SpeakerRefused without an address.

    Who said no, or whose invitation was taken back, is asked again: the same entry, the next
    SEQUENCE. Who is asked, or has said yes, is not.
    """
    with transaction():
        speaker = locked(speaker_id)
        if not speaker.email:
            raise SpeakerRefused(_("Enter this person’s address first."))
        if speaker.event.status is EventStatus.CANCELLED:
            raise SpeakerRefused(_("This event has been cancelled."))
        if speaker.event.is_past(now):
            raise SpeakerRefused(_("This event has ended."))
        if speaker.is_asked:
            return  # pressed twice, or on a page from before they answered
        lineup.invite(speaker, now)
        record("invited", speaker, now, staff_id=staff_id)


def remind(*, speaker_id: int, staff_id: int | None, now: datetime) -> None:
    """Ask one who was invited once more, with one mail if it is pressed twice.

    Raises SpeakerRefused if there is nothing to remind of.
    """
    with transaction():
        speaker = locked(speaker_id)
        if not speaker.is_asked:
            raise SpeakerRefused(_("Invite this person first."))
        if speaker.event.is_off(now):
            raise SpeakerRefused(_("This event does not take place any more, or has ended."))
        reminder = and_(
            OutboxMail.speaker_id == speaker_id, OutboxMail.kind == MailKind.SPEAKER_REMINDER
        )
        if emails.was_just_written(reminder, now=now):
            return
        emails.speaker_reminded(speaker, now=now)
        record("reminded", speaker, now, staff_id=staff_id)


def set_address(*, speaker_id: int, email: str, staff_id: int | None, now: datetime) -> None:
    """Correct a speaker's address, and send their mail there. The old one loses link and entry."""
    with transaction():
        speaker = locked(speaker_id)
        if email == speaker.email:
            return
        before, speaker.email = speaker.email, email
        emails.speaker_readdressed(speaker, before=before, now=now)
        record("address", speaker, now, staff_id=staff_id)


def edit(
    *,
    speaker_id: int,
    particulars: Particulars,
    staff_id: int,
    now: datetime,
    seen: str = "",
    photo: str | None = None,
) -> bool:
    """Change what staff say of a speaker; whether their calendar is told.

    It is told where it would say something else than before, to those who have an entry; and
    one of a new address is told what they were at the old one. Somebody else in the place of one
    who was asked is invited, and the one before is told that their part is off. `photo` as
    pictures.chosen has it.
    Raises PictureGone, and SpeakerRefused if somebody else has changed it since `seen`, their
    fingerprint at that time.
    """
    with pictures.chosen([photo]) as (chosen,), transaction():
        speaker = locked(speaker_id)
        before = Particulars.of(speaker)
        if seen and seen != before.fingerprint:
            if particulars == before and chosen is None:
                return False  # pressed twice
            raise SpeakerRefused(
                _("Somebody else has changed this since you opened the page. Reload it first.")
            )
        changed = {
            part.name: getattr(particulars, part.name)
            for part in fields(Particulars)
            if getattr(particulars, part.name) != getattr(before, part.name)
        }
        is_another = lineup.is_somebody_else(speaker, asdict(particulars))
        if is_another:
            if lineup.has(speaker.event_id, particulars.name, particulars.email):
                return False  # pressed twice
            was_asked, gone = speaker.is_asked, speaker
            speaker = lineup.replace(gone, now)
            record("withdrawn", gone, now, staff_id=staff_id)
        for part in fields(Particulars):
            setattr(speaker, part.name, getattr(particulars, part.name))
        db.session.flush()
        replaced, speaker.photo = speaker.photo, speaker.photo if chosen is None else chosen
        if speaker.photo != replaced:
            changed["photo"] = speaker.photo
        if is_another:
            told = was_asked and lineup.invite_instead(speaker, now)
        elif "email" in changed:
            told = emails.speaker_readdressed(speaker, before=before.email, now=now)
        else:
            is_asked = _has_entry(speaker) and not speaker.event.is_off(now)
            told = is_asked and emails.speaker_moved(speaker, now=now)
        if changed:
            speaker.touch(now)
            record("edited", speaker, now, staff_id=staff_id, changed=sorted(changed), told=told)
    pictures.discard(replaced, photo)
    return told


def withdraw(*, speaker_id: int, staff_id: int, now: datetime) -> None:
    """Take an invitation back: the entry leaves the speaker's calendar. Twice is once."""
    with transaction():
        speaker = locked(speaker_id)
        if speaker.status in (SpeakerStatus.NOT_INVITED, SpeakerStatus.CANCELLED):
            return
        had_entry = _has_entry(speaker)
        speaker.status, speaker.answered_at = SpeakerStatus.CANCELLED, None
        speaker.touch(now)
        # Also of a cancelled event: who is no speaker any more is not told of that with the others.
        if had_entry and not speaker.event.is_past(now):
            emails.speaker_cancelled(speaker, now=now)
        record("withdrawn", speaker, now, staff_id=staff_id)


def resend(*, speaker_id: int, staff_id: int, now: datetime) -> None:
    """Send the mail that fits once more, with the same SEQUENCE. Raises SpeakerRefused."""
    with transaction():
        speaker = locked(speaker_id)
        if not _has_entry(speaker):
            raise SpeakerRefused(_("Invite this person first."))
        if speaker.event.is_off(now):
            raise SpeakerRefused(_("This event does not take place any more, or has ended."))
        emails.speaker_again(speaker, now=now)
        record("resent", speaker, now, staff_id=staff_id)


def _has_entry(speaker: Speaker) -> bool:
    """Whether the event stands in a calendar that can be told of a change."""
    return speaker.is_asked and speaker.ical_sequence >= 0 and speaker.email != ""


def record(
    what: str,
    speaker: Speaker,
    now: datetime,
    *,
    actor: str = "system",
    staff_id: int | None = None,
    **detail: Any,
) -> None:
    """Note in the audit log what happened to a speaker."""
    audit.record(
        f"speaker.{what}",
        now=now,
        actor=actor,
        staff_id=staff_id,
        event_id=speaker.event_id,
        speaker=speaker.name,
        **detail,
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


def without_address(event_id: int) -> bool:
    """Whether somebody cannot be asked yet, for want of an address."""
    missing = select(Speaker.id).where(
        Speaker.event_id == event_id,
        Speaker.email == "",
        Speaker.status == SpeakerStatus.NOT_INVITED,
    )
    return db.session.scalar(missing.limit(1)) is not None


def locked(speaker_id: int) -> Speaker:
    """The speaker, whom nobody else changes until the transaction ends."""
    return db.session.scalars(
        select(Speaker).where(Speaker.id == speaker_id).with_for_update()
    ).one()
