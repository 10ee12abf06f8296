"""What a speaker says: yes or no, on their page or in their calendar, and about themselves.

Each public function is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import emails, pictures, retention
from registration.database import db, transaction
from registration.imip import Reply
from registration.models import Speaker, SpeakerStatus
from registration.revisions import loggable
from registration.speakers import SpeakerRefused, locked, record


@dataclass(frozen=True)
class Profile:
    """How a speaker wants to be introduced, and what they need."""

    name: str
    position: str
    bio: str = ""
    pronunciation: str = ""
    needs: str = ""
    releases_recording: bool = False


def answer(*, speaker_id: int, will_speak: bool, now: datetime, comment: str = "") -> None:
    """Take a speaker's yes or no: yes shows as accepted in their calendar, no takes it out.

    What they said beside it stands in the log.
    """
    with transaction():
        speaker = locked(speaker_id)
        wanted = SpeakerStatus.CONFIRMED if will_speak else SpeakerStatus.DECLINED
        if speaker.status is wanted:
            return
        # While a cancellation can be taken back a no counts: it may be their calendar's only one.
        may_say_no = not will_speak and speaker.event.may_come_back(now)
        if speaker.event.is_off(now) and not may_say_no:
            raise SpeakerRefused(_("This event does not take place any more, or has ended."))
        if speaker.status in (SpeakerStatus.NOT_INVITED, SpeakerStatus.CANCELLED):
            raise SpeakerRefused(_("This invitation has been taken back. Write to the organisers."))
        had_entry = speaker.ical_sequence >= 0 and speaker.status is not SpeakerStatus.DECLINED
        speaker.status, speaker.answered_at = wanted, now
        speaker.touch(now)
        if will_speak:
            emails.speaker_confirmed(speaker, now=now)
        elif had_entry:
            emails.speaker_cancelled(speaker, now=now)
        said: dict[str, Any] = {"speaker_id": speaker_id, "comment": comment} if comment else {}
        record(str(wanted), speaker, now, actor="speaker", **said)


def hear(reply: Reply, *, now: datetime) -> bool:
    """Let what a speaker answered in their own calendar be their yes or no; whether it is.

    It counts if it is theirs, newer than their last answer, and one of the two. Whatever else
    their calendar says stands in the log: people read it; but not what it says once more.
    """
    speaker = db.session.scalars(
        select(Speaker).where(Speaker.ical_uid.in_((reply.uid, reply.uid.lower())))
    ).one_or_none()
    if speaker is None or speaker.email != reply.attendee:
        return False
    speaker_id, counts, is_known = speaker.id, _counts(speaker, reply), _is_known(speaker, reply)
    db.session.rollback()
    if is_known:
        return False
    if counts:
        try:
            answer(
                speaker_id=speaker_id,
                will_speak=reply.partstat == "ACCEPTED",
                now=now,
                comment=reply.comment,
            )
        except SpeakerRefused:
            counts = False
    if not counts:
        starts_at, ends_at = reply.proposes or (None, None)
        with transaction():
            record(
                "reply_odd" if reply.is_odd else "reply_noted",
                locked(speaker_id),
                now,
                actor="speaker",
                speaker_id=speaker_id,
                said=reply.partstat,
                proposed_starts_at=loggable(starts_at),
                proposed_ends_at=loggable(ends_at),
                delegated_to=reply.delegated_to,
                comment=reply.comment,
            )
    return counts


def _is_known(speaker: Speaker, reply: Reply) -> bool:
    """Whether a reply is what they answered last: a mail that came, or was read, twice."""
    stands = {SpeakerStatus.CONFIRMED: "ACCEPTED", SpeakerStatus.DECLINED: "DECLINED"}
    return (
        stands.get(speaker.status) == reply.partstat
        and not reply.is_odd
        and reply.stamped_at is not None
        and speaker.answered_at is not None
        and reply.stamped_at <= speaker.answered_at
    )


def _counts(speaker: Speaker, reply: Reply) -> bool:
    """Whether a reply is theirs, and a yes or a no to what they were asked last."""
    if not reply.is_from(speaker.email) or reply.is_odd:
        return False
    if reply.partstat not in ("ACCEPTED", "DECLINED"):
        return False
    if not reply.is_after(speaker.answered_at):
        return False
    # The last that asked; who said no got a CANCEL after it.
    asked = speaker.ical_sequence - (speaker.status is SpeakerStatus.DECLINED)
    return reply.answers(asked)


def save_profile(
    *, speaker_id: int, profile: Profile, photo: str | None = None, now: datetime
) -> None:
    """Keep what a speaker says about themselves; `photo` as pictures.chosen has it.

    Raises SpeakerRefused and PictureGone.
    """
    with pictures.chosen([photo]) as (chosen,), transaction():
        speaker = locked(speaker_id)
        if speaker.status is SpeakerStatus.CANCELLED:
            raise SpeakerRefused(_("This invitation has been taken back. Write to the organisers."))
        # What comes after their erasure would stay: nothing erases it any more.
        is_erased = retention.personal_erased_at(speaker.event) is not None
        if is_erased and speaker.status is SpeakerStatus.DECLINED:
            raise SpeakerRefused(_("This event does not take place any more, or has ended."))
        speaker.name = profile.name
        if profile.position != speaker.position_line:
            speaker.title, speaker.affiliation = profile.position, ""
        speaker.bio = profile.bio
        if not is_erased:
            speaker.pronunciation = profile.pronunciation
        if not speaker.event.is_off(now):  # they are erased soon after the end
            speaker.needs = profile.needs
        speaker.releases_recording = profile.releases_recording
        replaced, speaker.photo = speaker.photo, speaker.photo if chosen is None else chosen
        speaker.touch(now)
        record("profile", speaker, now, actor="speaker")
    pictures.discard(replaced, photo)
