"""Delivery of the outbox: render, hand over, and note what became of each claimed mail.

No transaction is open while SMTP is spoken. What became of a mail is committed before the next one
goes, so that a worker that is killed repeats at most one: the one that the server took in that
moment. The repeat has the same Message-ID.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from flask import current_app
from flask_mail import email_dispatched
from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from registration import editions, forgetting, invitees, rendering, segments
from registration.claims import CLAIM, Notes, failed, give_back, put_off
from registration.database import db, transaction
from registration.letters.rsvps import linked
from registration.mime import CalendarMessage
from registration.models import Mailing, MailKind, MailState, OutboxMail, Rsvp, RsvpStatus, Speaker
from registration.models.outbox import TOO_LATE, UNFIT
from registration.segments import Segment
from registration.smtp import Broken, Line, NotTaken, Server, Unreachable

log = logging.getLogger(__name__)

#: Pauses of a worker whose server cannot be reached; the last one repeats.
RESTS = [timedelta(seconds=seconds) for seconds in (5, 15, 30, 60)]
#: Connections that break over one mail after another mean the server, not the mails.
BROKEN_IN_A_ROW = 3
#: Mails rendered before the first of them goes: few, so that a later change finds them unsent.
_CHUNK = 10
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


class Postman:
    """Delivers mails over one SMTP connection that is kept from batch to batch."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], object] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._ticks = ticks
        self._line: Line | None = None
        self._next_at = 0.0
        self._failures = 0
        self._rests_until: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """Whether the server was out of reach a moment ago: it is not asked in a tight loop."""
        # A clock that was set back meanwhile must not let it rest until yesterday's tomorrow.
        return self._rests_until is not None and now < self._rests_until <= now + RESTS[-1]

    def deliver(
        self,
        mail_ids: Sequence[int],
        *,
        now: datetime,
        stopping: Callable[[], bool] = lambda: False,
    ) -> int:
        """Deliver claimed mails; how many went.

        What is not begun when `stopping` says so, when the server cannot be reached or when half
        of the claim's time is over is given back, its attempts uncounted.
        """
        with Notes() as notes:
            return self._deliver(mail_ids, notes, now, stopping)

    def _deliver(
        self, mail_ids: Sequence[int], notes: Notes, now: datetime, stopping: Callable[[], bool]
    ) -> int:
        sent = broken = done = 0
        began = self._ticks()
        chunk = _CHUNK if not current_app.config["MAIL_PER_MINUTE"] else 1
        for start in range(0, len(mail_ids), chunk):
            for mail_id, message in rendered(mail_ids[start : start + chunk], notes, now):
                if stopping() or self._ticks() - began > CLAIM.total_seconds() / 2:
                    give_back(mail_ids[done:], now)
                    return sent
                trouble = self._send(mail_id, message, notes, now) if message else None
                if trouble is None:
                    broken, sent = 0, sent + bool(message)
                elif isinstance(trouble, Broken):
                    broken += 1
                if isinstance(trouble, Unreachable) or broken == BROKEN_IN_A_ROW:
                    done += isinstance(trouble, Broken)
                    self._rest(now)
                    give_back(mail_ids[done:], now, trouble)
                    log.warning("the mail server cannot be reached: %s", trouble)
                    return sent
                done += 1
        return sent

    def _send(
        self, mail_id: int, message: CalendarMessage, notes: Notes, now: datetime
    ) -> Exception | None:
        """Hand one mail over and note what became of it; what went wrong, if anything did."""
        self._keep_rate()
        try:
            self._open_line().send(
                str(message.sender), str(message.recipients[0]), message.as_bytes()
            )
        except Unreachable as trouble:
            return trouble
        except (Broken, NotTaken) as trouble:
            failed(mail_id, trouble, now)
            return trouble
        notes.end(mail_id, MailState.SENT, now)
        self._failures, self._rests_until = 0, None
        email_dispatched.send(current_app._get_current_object(), message=message)  # type: ignore[attr-defined]
        return None

    def _open_line(self) -> Line:
        if self._line is None:
            self._line = Line(Server.of(current_app.config), self._ticks)
        return self._line

    def _rest(self, now: datetime) -> None:
        self._rests_until = now + RESTS[min(self._failures, len(RESTS) - 1)]
        self._failures += 1

    def _keep_rate(self) -> None:
        """Wait until the next mail may go, where this worker's mails are limited."""
        per_minute = current_app.config["MAIL_PER_MINUTE"]
        if per_minute:
            wait = self._next_at - self._ticks()
            if wait > 0:
                self._sleep(wait)
            self._next_at = max(self._ticks(), self._next_at) + 60 / per_minute

    def close(self) -> None:
        """Say goodbye to the server."""
        if self._line is not None:
            self._line.close()


def rendered(
    mail_ids: Sequence[int], notes: Notes, now: datetime
) -> Iterator[tuple[int, CalendarMessage | None]]:
    """The messages of claimed mails; None for one that has ended meanwhile or cannot be made.

    All are made before the first is given out: the database must not wait for SMTP.
    """
    made: list[tuple[int, CalendarMessage | None]] = []
    unfit: list[tuple[int, str]] = []
    late: list[int] = []
    gone: list[int] = []
    early: list[tuple[int, datetime]] = []
    counted: set[int] = set()
    found = db.session.scalars(_WHOLE, {"mail_ids": list(mail_ids)}).unique()
    rows = {row.id: row for row in found}
    for mail_id in mail_ids:
        row, message = rows.get(mail_id), None
        try:
            if row is None or row.state is not MailState.WAITING:
                pass
            elif until := _waits_until(row, now):
                early.append((mail_id, until))
            elif _is_pointless(row, now):
                late.append(mail_id)
                if _is_to_nobody(row):  # written in the moment in which its reader was erased
                    gone.append(mail_id)
            else:
                if _is_another_entry(row):
                    # Past the session, which would write it at the next query.
                    set_committed_value(row, "ical_sequence", (row.ical_sequence or 0) + 1)
                    counted.add(mail_id)
                message = rendering.render(row, now=now)
                message.as_bytes()
        except Exception as trouble:  # one bad row must not stop the others
            number = secrets.token_hex(4)
            log.exception("mail %s cannot be rendered (error %s)", mail_id, number)
            unfit.append((mail_id, f"{UNFIT}{trouble} ({number})"))
            message = None
        made.append((mail_id, message))
    going = [(rows[mail_id], message.method) for mail_id, message in made if message]
    telling = [row for row, method in going if method == "REQUEST" or row.kind in _TO_WHO_WAITS]
    overtaken = [note for row in telling for note in _now_told(row, row.id in counted)]
    db.session.rollback()
    if overtaken:
        with transaction() as session:
            for statement in overtaken:
                session.execute(statement)
    for mail_id, error in unfit:
        notes.end(mail_id, MailState.FAILED, now, error=error)
    for mail_id, until in early:
        put_off(mail_id, until)
    for mail_id in late:
        notes.end(mail_id, MailState.SUPERSEDED, now, error=TOO_LATE)
    if gone:
        forgetting.forget_mails(gone, now=now)
    return iter(made)


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
