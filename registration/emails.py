"""One function per mail: each writes outbox rows in its caller's transaction, and renders nothing.

A calendar part counts the SEQUENCE of its UID up (0 first, +1 for each that follows); the row
keeps the number. A later mail of the same RSVP supersedes one that has not gone yet. If that had
a calendar part, the later one has one too, whatever it tells of: no entry is lost on the way. A
CANCEL is sent even where no REQUEST has gone, since that cannot be known for certain (a worker
may hold it); a calendar ignores a CANCEL of what it does not have.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from registration import editions
from registration.database import db
from registration.models import (
    NO_ADDRESS,
    Announcement,
    AnnouncementKind,
    AnnouncementState,
    Event,
    Invitation,
    Mailing,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    Speaker,
    SpeakerStatus,
    Staff,
)

#: How long a telling of a change waits, so that staff can take it back.
HOLD = timedelta(minutes=10)


def rsvp_verify(rsvp: Rsvp, *, now: datetime) -> None:
    """Ask the address to confirm itself."""
    _to_attendee(rsvp, MailKind.VERIFY, now, calendar=False)


def rsvp_received(rsvp: Rsvp, *, now: datetime) -> None:
    """Say that staff will decide."""
    _to_attendee(rsvp, MailKind.RECEIVED, now, calendar=False)


def rsvp_confirmed(rsvp: Rsvp, *, now: datetime) -> None:
    """Confirm seats, with a REQUEST."""
    _to_attendee(rsvp, MailKind.CONFIRMED, now, calendar=True)


def rsvp_waitlisted(rsvp: Rsvp, *, now: datetime) -> None:
    """Say that the party waits, and where it stands. No calendar part."""
    _to_attendee(rsvp, MailKind.WAITLISTED, now, calendar=False)


def rsvp_promoted(rsvp: Rsvp, *, now: datetime, was_watching: bool) -> None:
    """Say that a seat is theirs: a first REQUEST, or for one who watched meanwhile the next."""
    _to_attendee(rsvp, MailKind.PROMOTED, now, calendar=True, was_watching=was_watching)


def rsvp_changed(rsvp: Rsvp, *, now: datetime, switched: bool) -> None:
    """Say what the RSVP is now; with a REQUEST if `switched` changed the calendar's entry."""
    _to_attendee(rsvp, MailKind.CHANGED, now, calendar=switched, switched=switched)


def rsvp_cancelled(
    rsvp: Rsvp, *, now: datetime, by: str, was_confirmed: bool, reason: str = ""
) -> None:
    """Say that the RSVP has ended; with a CANCEL if there is an entry to take away."""
    _to_attendee(rsvp, MailKind.CANCELLED, now, calendar=was_confirmed, by=by, reason=reason)


def rsvp_rejected(rsvp: Rsvp, *, now: datetime, had_entry: bool, reason: str = "") -> None:
    """Say that staff cannot take them; with a CANCEL if there is an entry to take away."""
    _to_attendee(rsvp, MailKind.REJECTED, now, calendar=had_entry, reason=reason)


def rsvp_again(rsvp: Rsvp, *, now: datetime) -> None:
    """Send the mail that fits the RSVP's state once more, with the same SEQUENCE."""
    kind = {
        RsvpStatus.UNVERIFIED: MailKind.VERIFY,
        RsvpStatus.PENDING: MailKind.RECEIVED,
        RsvpStatus.WAITLISTED: MailKind.WAITLISTED,
        RsvpStatus.CONFIRMED: MailKind.CONFIRMED,
        RsvpStatus.REJECTED: MailKind.REJECTED,
    }.get(rsvp.status, MailKind.CANCELLED)
    if rsvp.is_confirmed and (rsvp.told_edition or 0) != rsvp.event.edition:
        # The entry would say something else than the last one with this number.
        rsvp.ical_sequence += 1
        rsvp.told_edition = rsvp.event.edition
    # An ended RSVP that had an entry says once more that it is gone.
    has_entry = rsvp.ical_sequence >= 0 and (rsvp.is_confirmed or not rsvp.is_live)
    sequence = rsvp.ical_sequence if has_entry else None
    rsvp.touch(now)
    _supersede(OutboxMail.rsvp_id == rsvp.id, now)
    for recipient, name, is_copy in _recipients(rsvp):
        _write(
            kind,
            f"{rsvp.id}.{rsvp.revision}",
            recipient=recipient,
            recipient_name=name,
            now=now,
            event=rsvp.event,
            rsvp=rsvp,
            language=rsvp.language,
            ical_sequence=None if is_copy else sequence,
            facts={"again": True, "copy": is_copy},
        )


def links(email: str, rsvps: Sequence[Rsvp], *, now: datetime) -> None:
    """Mail an address the links of these RSVPs."""
    _write(
        MailKind.LINKS,
        secrets.token_hex(8),  # each that is asked for is another one
        recipient=email,
        recipient_name=rsvps[0].name,
        now=now,
        language=rsvps[0].language,
        facts={"rsvps": [rsvp.id for rsvp in rsvps]},
    )


def invitation(invited: Invitation, *, now: datetime) -> None:
    """Invite a person to an event, with yes and no. No calendar part: they have not said yes."""
    _write(
        MailKind.INVITATION,
        f"{invited.id}.{now.timestamp()}",
        recipient=invited.email,
        recipient_name=invited.name,
        now=now,
        event=invited.event,
        invitation=invited,
        language=invited.language or invited.event.language,
    )


def speaker_invited(speaker: Speaker, *, now: datetime) -> None:
    """Invite a speaker, with a REQUEST for their slot that still wants an answer."""
    _to_speaker(speaker, MailKind.SPEAKER_INVITATION, now, calendar=True)


def speaker_changed(speaker: Speaker, *, now: datetime) -> None:
    """Move the speaker's entry to what it is now, or show it as accepted."""
    _to_speaker(speaker, MailKind.SPEAKER_CHANGED, now, calendar=True)


def speaker_cancelled(
    speaker: Speaker, *, now: datetime, announcement: Announcement | None = None
) -> None:
    """Take the speaker's entry away."""
    _to_speaker(speaker, MailKind.SPEAKER_CANCELLED, now, calendar=True, of=announcement)


def speaker_again(speaker: Speaker, *, now: datetime) -> None:
    """Send a speaker the mail that fits their state once more.

    The SEQUENCE stays, as long as the entry says what they were last told.
    """
    speaker.revision += 1
    invited = speaker.status is SpeakerStatus.INVITED
    kind = MailKind.SPEAKER_INVITATION if invited else MailKind.SPEAKER_CHANGED
    _to_speaker(speaker, kind, now, calendar=True, again=not editions.speaker_differs(speaker))


def speaker_reminded(speaker: Speaker, *, now: datetime) -> None:
    """Ask a speaker once more, or remind one who will come. No calendar part."""
    speaker.revision += 1
    _to_speaker(speaker, MailKind.SPEAKER_REMINDER, now, calendar=False)


def to_account(account: Staff, about: str, *, path: str, now: datetime, inviter: str = "") -> None:
    """Write to a member of staff about their account.

    `about` is one of the letters of letters/accounts.py, `path` the page that it leads to.
    """
    _write(
        MailKind.STAFF,
        f"{about}.{account.id}.{now.timestamp()}",
        recipient=account.email,
        recipient_name=account.name,
        now=now,
        facts={"about": about, "path": path, "inviter": inviter},
    )


def mailing_test(mailing: Mailing, account: Staff, *, now: datetime) -> None:
    """Mail a draft to an account as it is now, with the account's name and nobody's links."""
    _write(
        MailKind.MAILING,
        f"test.{mailing.id}.{now.timestamp()}",
        recipient=account.email,
        recipient_name=account.name,
        now=now,
        event=mailing.event,
        language=mailing.event.language,
        facts={
            "test": True,
            "name": account.name or account.email,
            "subject": mailing.subject,
            "body": mailing.body,
        },
    )


def speaker_moved(speaker: Speaker, *, now: datetime, announcement: Announcement) -> bool:
    """Move the entry of a speaker who has one, where it says something else; whether it does.

    An invitation that has not gone yet says how it is now when it goes, and stays.
    """
    if not editions.speaker_differs(speaker):
        return False
    waits = select(OutboxMail.id).where(
        OutboxMail.speaker_id == speaker.id,
        OutboxMail.kind == MailKind.SPEAKER_INVITATION,
        OutboxMail.state == MailState.WAITING,
        OutboxMail.attempts == 0,
    )
    if db.session.scalar(waits.limit(1)) is not None:
        speaker.told = editions.facts_of_speaker(speaker)
        return False
    before = speaker.told
    speaker.revision += 1
    _to_speaker(
        speaker, MailKind.SPEAKER_CHANGED, now, calendar=True, of=announcement, before=before
    )
    return True


def event_changed(event: Event, *, staff_id: int | None, now: datetime) -> Announcement:
    """Tell everybody whose entry differs, when the hold ends; an earlier telling gives way."""
    return _announce(event, AnnouncementKind.CHANGED, staff_id, now)


def event_cancelled(event: Event, *, staff_id: int | None, now: datetime) -> Announcement:
    """Tell everybody with a live RSVP and every speaker that it is off, when the hold ends."""
    return _announce(event, AnnouncementKind.CANCELLED, staff_id, now)


def _announce(
    event: Event, kind: AnnouncementKind, staff_id: int | None, now: datetime
) -> Announcement:
    db.session.execute(
        update(Announcement)
        .where(
            Announcement.event_id == event.id,
            Announcement.state.in_((AnnouncementState.HELD, AnnouncementState.SENDING))
            if kind is AnnouncementKind.CANCELLED
            else Announcement.state == AnnouncementState.HELD,
        )
        .values(state=AnnouncementState.SUPERSEDED, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    announcement = Announcement(
        event_id=event.id,
        staff_id=staff_id,
        kind=kind,
        state=AnnouncementState.HELD,
        edition=event.edition,
        token=secrets.token_hex(16),
        created_at=now,
        due_at=now + HOLD,
    )
    db.session.add(announcement)
    return announcement


def staff_digest(account: Staff, what: str, *, events: list[dict[str, Any]], now: datetime) -> None:
    """Tell a member of staff the numbers of a day. `what` names the day."""
    _write(
        MailKind.STAFF,
        what,
        recipient=account.email,
        recipient_name=account.name,
        now=now,
        facts={"about": "digest", "events": events},
    )


def to_staff(
    *, recipient: str, name: str, subject: str, text: str, html: str, now: datetime
) -> None:
    """Mail an account: a password to be set, a digest. The text is ready."""
    _write(
        MailKind.STAFF,
        f"{recipient}.{now.timestamp()}",
        recipient=recipient,
        recipient_name=name,
        now=now,
        facts={"subject": subject, "text": text, "html": html},
    )


def _to_attendee(
    rsvp: Rsvp, kind: MailKind, now: datetime, *, calendar: bool, **facts: Any
) -> None:
    """Write the mail of one change, and a copy for an assistant who answered for the person."""
    ends = kind in (MailKind.CANCELLED, MailKind.REJECTED)
    if rsvp.revision:
        lost_entry = _supersede(OutboxMail.rsvp_id == rsvp.id, now, mailings_too=ends)
        calendar = calendar or (lost_entry and (ends or rsvp.is_confirmed))
    if calendar:
        rsvp.ical_sequence += 1
        rsvp.told_edition = rsvp.event.edition
    if rsvp.id is None:
        db.session.flush()  # a new RSVP has its number once it is written
    for recipient, name, is_copy in _recipients(rsvp):
        _write(
            kind,
            f"{rsvp.id}.{rsvp.revision}",
            recipient=recipient,
            recipient_name=name,
            now=now,
            event=rsvp.event,
            rsvp=rsvp,
            language=rsvp.language,
            # The entry belongs into the calendar of who attends.
            ical_sequence=rsvp.ical_sequence if calendar and not is_copy else None,
            facts=facts | ({"copy": True} if is_copy else {}),
        )


def _recipients(rsvp: Rsvp) -> list[tuple[str, str, bool]]:
    """Whom an RSVP's mail goes to: address, name, whether it is the assistant's copy.

    While an address is to be confirmed, only its owner is written to: each mail has the key.
    """
    recipients = [(rsvp.email, rsvp.name, False)]
    verified = rsvp.status is not RsvpStatus.UNVERIFIED
    if verified and rsvp.booked_by_email and rsvp.booked_by_email != rsvp.email:
        recipients.append((rsvp.booked_by_email, rsvp.booked_by_name, True))
    return recipients


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
        _supersede(OutboxMail.speaker_id == speaker.id, now)
    if calendar and not again:
        speaker.ical_sequence += 1
        speaker.told = editions.facts_of_speaker(speaker)
    _write(
        kind,
        f"{speaker.id}.{speaker.revision}.{speaker.ical_sequence}",
        recipient=speaker.email,
        recipient_name=speaker.name,
        now=now,
        event=speaker.event,
        speaker=speaker,
        language=speaker.language,
        ical_sequence=speaker.ical_sequence if calendar else None,
        announcement=of,
        facts={"status": str(speaker.status), **facts},
    )


def _supersede(whose: Any, now: datetime, *, mailings_too: bool = False) -> bool:
    """Mails that still wait say what is no longer so; what staff wrote holds until the end.

    Whether one of them had a calendar part.
    """
    waiting = OutboxMail.state == MailState.WAITING
    if not mailings_too:
        waiting &= OutboxMail.mailing_id.is_(None)
    superseded = db.session.scalars(
        update(OutboxMail)
        .where(whose, waiting)
        .values(state=MailState.SUPERSEDED, ended_at=now)
        .returning(OutboxMail.ical_sequence)
        .execution_options(synchronize_session=False)
    )
    return any(sequence is not None for sequence in superseded)


def _write(
    kind: MailKind,
    what: str,
    *,
    recipient: str,
    now: datetime,
    event: Event | None = None,
    rsvp: Rsvp | None = None,
    speaker: Speaker | None = None,
    invitation: Invitation | None = None,
    announcement: Announcement | None = None,
    **more: Any,
) -> None:
    """Write one row. `what` names the change: the same change cannot be mailed twice.

    Who came without giving an address is mailed nothing.
    """
    if recipient.endswith(NO_ADDRESS):
        return
    about: dict[str, Any] = {
        "event_id": event.id if event else None,
        "rsvp_id": rsvp.id if rsvp else None,
        "speaker_id": speaker.id if speaker else None,
        "invitation_id": invitation.id if invitation else None,
        "announcement_id": announcement.id if announcement else None,
    }
    db.session.add(OutboxMail(**row(kind, what, recipient=recipient, now=now, **about, **more)))


def row(
    kind: MailKind,
    what: str,
    *,
    recipient: str,
    now: datetime,
    recipient_name: str = "",
    language: str = "en",
    ical_sequence: int | None = None,
    facts: dict[str, Any] | None = None,
    due_at: datetime | None = None,
    **about: int | None,
) -> dict[str, Any]:
    """The columns of one mail, for those who write many at once; `about` are its foreign keys."""
    key = f"{kind}:{what}:{recipient}"
    return about | {
        "key": key,
        "kind": kind,
        "state": MailState.WAITING,
        "recipient": recipient,
        "recipient_name": recipient_name,
        "language": language,
        "ical_sequence": ical_sequence,
        "facts": facts or {},
        "created_at": now,
        "due_at": due_at or now,
        "message_id": message_id(key),
    }


def message_id(key: str) -> str:
    """The Message-ID of a row: the same for every try, so that a repeat is the same message."""
    secret = str(current_app.config["SECRET_KEY"])
    digest = hashlib.blake2b(f"{secret}:{key}".encode(), digest_size=16).hexdigest()
    return f"<{digest}@{current_app.config['MAIL_DOMAIN']}>"
