"""Which claimed mails go, and what each says at the moment in which it goes.

What became of the event, of its reader or of their answer since a mail was written decides: it may
be of no use by now, have to wait, or say something newer than it would have.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from registration import editions, forgetting, invitees, rendering, segments
from registration.claims import Notes, put_off
from registration.database import db, transaction
from registration.letters.rsvps import linked
from registration.mime import CalendarMessage
from registration.models import Mailing, MailKind, MailState, OutboxMail, Rsvp, RsvpStatus, Speaker
from registration.models.outbox import TOO_LATE, UNFIT
from registration.segments import Segment

log = logging.getLogger(__name__)

#: Mails that say when and where it is, without a calendar part to who has no seat yet.
_TO_WHO_WAITS = (
    MailKind.RECEIVED,
    MailKind.WAITLISTED,
    MailKind.CHANGED,
    MailKind.EVENT_CHANGED,
)

#: Mails to who has not answered: of use while the event takes place.
_ASKING = (MailKind.INVITATION, MailKind.OPENED)

#: Mails with all that they may need.
_WHOLE = (
    select(OutboxMail)
    .where(OutboxMail.id.in_(bindparam("mail_ids", expanding=True)))
    .options(
        joinedload(OutboxMail.event),  # of RSVP and speaker as well: it is at hand by then
        joinedload(OutboxMail.rsvp).joinedload(Rsvp.option),
        joinedload(OutboxMail.rsvp).joinedload(Rsvp.party),
        joinedload(OutboxMail.speaker),
    )
    .execution_options(populate_existing=True)
)


def rendered(
    mail_ids: Sequence[int], notes: Notes, now: datetime
) -> Iterator[tuple[int, CalendarMessage | None]]:
    """The messages of claimed mails; None for one that has ended meanwhile or cannot be made.

    All are made before the first is given out: the database must not wait for SMTP.
    """
    found = db.session.scalars(_WHOLE, {"mail_ids": list(mail_ids)}).unique()
    rows = {row.id: row for row in found}
    made = [_make(mail_id, rows.get(mail_id), now) for mail_id in mail_ids]
    told = [statement for one in made for statement in one.told]
    db.session.rollback()
    if told:
        with transaction() as session:
            for statement in told:
                session.execute(statement)
    _end_what_does_not_go(made, notes, now)
    return iter([(one.mail_id, one.message) for one in made])


@dataclass(frozen=True)
class _Made:
    """What a claimed mail has become: a message, or why there is none."""

    mail_id: int
    message: CalendarMessage | None = None
    #: What notes that its reader is told by it.
    told: Sequence[Update] = ()
    waits_until: datetime | None = None
    is_pointless: bool = False
    is_to_nobody: bool = False  # written in the moment in which its reader was erased
    unfit: str = ""  # what was wrong with it


def _make(mail_id: int, row: OutboxMail | None, now: datetime) -> _Made:
    if row is None or row.state is not MailState.WAITING:
        return _Made(mail_id)
    try:
        if until := _waits_until(row, now):
            return _Made(mail_id, waits_until=until)
        if _is_pointless(row, now):
            return _Made(mail_id, is_pointless=True, is_to_nobody=_is_to_nobody(row))
        counts = _is_another_entry(row)
        if counts:
            # Past the session, which would write it at the next query.
            set_committed_value(row, "ical_sequence", (row.ical_sequence or 0) + 1)
        message = rendering.render(row, now=now)
        message.as_bytes()
        is_told = message.method == "REQUEST" or row.kind in _TO_WHO_WAITS
        return _Made(mail_id, message, list(_now_told(row, counts)) if is_told else ())
    except Exception as trouble:  # one bad row must not stop the others
        number = secrets.token_hex(4)
        log.exception("mail %s cannot be rendered (error %s)", mail_id, number)
        return _Made(mail_id, unfit=f"{UNFIT}{trouble} ({number})")


def _end_what_does_not_go(made: Sequence[_Made], notes: Notes, now: datetime) -> None:
    for one in made:
        if one.unfit:
            notes.end(one.mail_id, MailState.FAILED, now, error=one.unfit)
        elif one.waits_until:
            put_off(one.mail_id, one.waits_until)
        elif one.is_pointless:
            notes.end(one.mail_id, MailState.SUPERSEDED, now, error=TOO_LATE)
    gone = [one.mail_id for one in made if one.is_to_nobody]
    if gone:
        forgetting.forget_mails(gone, now=now)


def _is_another_entry(mail: OutboxMail) -> bool:
    """Whether a mail that goes once more has another entry than the one with its SEQUENCE.

    It was written with the number of the entry that its reader has, which was changed since.
    """
    if mail.ical_sequence is None or not mail.facts.get("again"):
        return False
    if mail.speaker is not None:
        return not editions.speaker_has_same(mail.speaker)
    rsvp = mail.rsvp
    return (
        rsvp is not None
        and rsvp.is_confirmed
        and mail.ical_sequence == rsvp.ical_sequence
        and (rsvp.told_edition or 0) != rsvp.event.edition
    )


def _now_told(mail: OutboxMail, counts: bool) -> Iterator[Update]:
    """What notes that a mail says something else of the event than when it was written.

    The event has moved meanwhile. If it moves back before everybody is told of that, whoever
    reads this mail is to be told all the same. `counts`: its entry has the next SEQUENCE by that.
    """
    rsvp, speaker = mail.rsvp, mail.speaker
    number: dict[str, int | None] = {"ical_sequence": mail.ical_sequence} if counts else {}
    known = (mail.ical_sequence or 0) - counts
    if counts:
        yield update(OutboxMail).where(OutboxMail.id == mail.id).values(number)
    if rsvp is not None and (rsvp.told_edition or 0) != rsvp.event.edition:
        is_last = (
            Rsvp.status.in_((RsvpStatus.PENDING, RsvpStatus.WAITLISTED))
            if mail.ical_sequence is None
            else Rsvp.ical_sequence == known
        )
        its = update(Rsvp).where(Rsvp.id == rsvp.id, is_last)
        yield its.values(told_edition=rsvp.event.edition, **number)
    if speaker is not None and editions.facts_of_speaker(speaker) != speaker.told:
        is_last = (Speaker.id == speaker.id) & (Speaker.ical_sequence == known)
        told = editions.facts_of_speaker(speaker)
        yield update(Speaker).where(is_last).values(told=told, **number)


def _waits_until(mail: OutboxMail, now: datetime) -> datetime | None:
    """When to look again at what a cancellation stops that can still be taken back; else None.

    If it went now it would tell of an event that is off; if it were ended, it would be missing
    once the event takes place again.
    """
    if mail.event is None or not mail.event.may_come_back(now) or _is_to_nobody(mail):
        return None
    is_overtaken = mail.mailing is not None and mail.mailing.is_overtaken
    is_stopped = is_overtaken or mail.kind in _ASKING or "until" in mail.facts
    return mail.event.may_come_back_until if is_stopped else None


def _is_pointless(mail: OutboxMail, now: datetime) -> bool:
    """Whether it is of no use by now.

    It comes too late; or what it is about is called off, given back or answered; or it is to one
    who is erased.
    """
    if _is_to_nobody(mail) or mail.is_too_late(now):
        return True
    if mail.kind is MailKind.LINKS and not linked(mail):
        return True
    if mail.kind is MailKind.INVITATION_REMINDER and invitees.has_answered(mail.invitation_id or 0):
        return True
    if mail.kind in _ASKING and mail.event and not mail.event.takes_place(now):
        return True
    if mail.mailing is not None and _is_stopped(mail.mailing, mail, now):
        return True
    if "until" not in mail.facts:
        return False
    held = mail.rsvp is None or _is_still_meant(mail, mail.rsvp)
    published = mail.event is not None and mail.event.is_published
    return now >= datetime.fromisoformat(mail.facts["until"]) or not (held and published)


def _is_still_meant(mail: OutboxMail, rsvp: Rsvp) -> bool:
    """Whether what the clock mails is still for this RSVP: its place is held, or waited for."""
    if mail.kind is MailKind.QUEUE_CLOSED:
        return rsvp.waits_for_option_id is not None
    return rsvp.is_confirmed


def _is_stopped(mailing: Mailing, mail: OutboxMail, now: datetime) -> bool:
    overtaken = mailing.is_overtaken or mailing.is_too_late(now)
    return overtaken or not _is_for(mailing, mail)


def _is_for(mailing: Mailing, mail: OutboxMail) -> bool:
    """Whether who is mailed is still one of those whom staff wrote to.

    "No seat is left" must not reach who has been given one since it was released.
    """
    segment = Segment.from_json(mailing.segment)
    return segments.holds(mailing.event_id, segment, mail.rsvp_id or 0)


def _is_to_nobody(mail: OutboxMail) -> bool:
    return mail.rsvp is not None and mail.rsvp.is_erased and not mail.forgets
