"""What people do with an RSVP that they have sent. Each public verb is one transaction.

A refusal is an RsvpRefused whose text is fit for the attendee.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from registration import admission, audit, emails, parties, seating
from registration.admission import Refusal, RsvpRefused
from registration.database import db, transaction
from registration.models import ANSWERED, AttendanceOption, Event, Rsvp, RsvpStatus
from registration.parties import Details
from registration.rewriting import fingerprint, rewrite, says

#: What is said where another window, or the organisers, saved something meanwhile.
EDITED_MEANWHILE = _(
    "These details were changed since you opened this page, in another window or by the "
    "organisers. Below is what you entered: save it again to keep it, or leave it as it is."
)


def cancel(
    *,
    rsvp_id: int,
    now: datetime,
    by: str = "attendee",
    staff_id: int | None = None,
    reason: str = "",
) -> None:
    """End an RSVP, free its seats and promote whom they fit. Twice is once.

    Raises RsvpRefused if an attendee cancels once the event is over or cancelled.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        if not rsvp.is_live:
            return
        if by == "attendee":
            admission.check_running(seats.event, now)
        had_entry = rsvp.is_confirmed
        admission.end(rsvp, seats, RsvpStatus.CANCELLED, now=now)
        emails.rsvp_cancelled(rsvp, now=now, by=by, reason=reason, was_confirmed=had_entry)
        audit.record(
            "rsvp.cancelled",
            now=now,
            actor=by,
            staff_id=staff_id,
            rsvp=rsvp,
            reason=reason,
        )
        seating.promote(seats, now=now)


def leave_waitlist(*, rsvp_id: int, now: datetime) -> None:
    """Leave the queue: one who watches meanwhile keeps that place, anyone else cancels.

    One that has ended stays so. Raises RsvpRefused where there is no queue to leave: who was given
    a seat meanwhile has it, and who watches may have left it with the press before.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        if not rsvp.is_live:
            return
        if rsvp.waits_for_option_id is None:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, admission.NOT_WAITING)
        admission.check_running(seats.event, now)
        if rsvp.status is RsvpStatus.WAITLISTED:
            admission.end(rsvp, seats, RsvpStatus.CANCELLED, now=now)
            emails.rsvp_cancelled(rsvp, now=now, by="attendee", was_confirmed=False)
        else:
            seating.leave_queue(rsvp, seats)
            rsvp.touch(now)
            emails.rsvp_changed(rsvp, now=now, left_queue=True)
        audit.record("rsvp.left_waitlist", now=now, rsvp=rsvp)
        # The party may have held the queue.
        seating.promote(seats, now=now)


def switch(*, rsvp_id: int, option_id: int, now: datetime, accepts_waiting: bool = False) -> None:
    """Attend in another way: at once where there is room.

    With `accepts_waiting`, a full option is waited for and the present place kept meanwhile.
    Who watches meanwhile and takes another stream keeps the position in the queue.
    Raises RsvpRefused.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        option = admission.option_of(seats, option_id)
        admission.check_running(seats.event, now)
        if rsvp.status not in ANSWERED:
            raise RsvpRefused(
                Refusal.NOT_POSSIBLE,
                _("This RSVP cannot be moved in the state it is in now."),
            )
        if rsvp.is_confirmed and rsvp.option_id == option_id:
            return
        if rsvp.waits_for_option_id == option_id:
            return
        admission.check_move(seats.event, option, now)
        if _awaits_decision(rsvp):
            raise RsvpRefused(Refusal.NEEDS_APPROVAL, admission.ORGANISERS_DECIDE)
        admission.check_size(option, rsvp.party_size)
        if option.has_room_for(rsvp.party_size):
            seating.reseat(rsvp, seats, option, now=now)
        else:
            admission.check_queue(
                seats.event, option, rsvp.party_size, now, accepts_waiting=accepts_waiting
            )
            seating.queue_elsewhere(rsvp, seats, option, now=now)
        audit.record("rsvp.switched", now=now, rsvp=rsvp, option=option_id)
        seating.promote(seats, now=now)


def is_movable(rsvp: Rsvp) -> bool:
    """Whether an RSVP can attend another way, from the state that it is in."""
    return rsvp.status in ANSWERED and not _awaits_decision(rsvp)


def _awaits_decision(rsvp: Rsvp) -> bool:
    """Whether staff have refused its address before: then they decide, however it attends."""
    if rsvp.status is not RsvpStatus.PENDING:
        return False
    refused = select(Rsvp.id).where(
        Rsvp.event_id == rsvp.event_id,
        Rsvp.email == rsvp.email,
        Rsvp.status == RsvpStatus.REJECTED,
    )
    return db.session.scalar(refused.limit(1)) is not None


def may_move(event: Event, option: AttendanceOption, now: datetime) -> bool:
    """Whether an RSVP can be moved to this option by its window, room apart."""
    try:
        admission.check_move(event, option, now)
    except RsvpRefused:
        return False
    return True


def streams(
    rsvp: Rsvp, options: Sequence[AttendanceOption], now: datetime
) -> list[AttendanceOption]:
    """The ways to watch that have room for an RSVP, and that it can take now."""
    if not rsvp.event.takes_place(now):
        return []
    return [option for option in options if option.lets_watch_instead(rsvp.party_size, now)]


def leaves_queue(rsvp: Rsvp, option: AttendanceOption, now: datetime) -> bool:
    """Whether attending this way at once costs a position in a queue that is open."""
    waits = rsvp.waits_for_option_id is not None and now < rsvp.event.promotes_until
    return waits and not seating.keeps_position(rsvp, option)


def gives_up(rsvp: Rsvp, option: AttendanceOption, now: datetime) -> bool:
    """Whether attending this way at once costs what may not come back.

    That is a position in a queue that is open, or a place where all others are taken.
    """
    holds = rsvp.is_confirmed and rsvp.option.is_full
    return (holds or leaves_queue(rsvp, option, now)) and option.has_room_for(rsvp.party_size)


def watch_meanwhile(*, rsvp_id: int, option_id: int, now: datetime) -> None:
    """Take a virtual place while waiting for the room; the position in the queue stays.

    Twice is once. Raises RsvpRefused.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        option = admission.option_of(seats, option_id)
        if rsvp.watches_meanwhile and rsvp.option_id == option_id:
            return
        if rsvp.status is not RsvpStatus.WAITLISTED or not option.is_virtual:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, admission.NOT_WAITING)
        admission.check_move(seats.event, option, now)
        if not option.has_room_for(rsvp.party_size):
            raise admission.full(option, rsvp.party_size)
        seating.take(rsvp, option, now=now)
        rsvp.touch(now)
        emails.rsvp_confirmed(rsvp, now=now)
        audit.record("rsvp.watches_meanwhile", now=now, rsvp=rsvp, option=option_id)


def edit(
    *,
    rsvp_id: int,
    now: datetime,
    details: Details,
    guests: Sequence[str] | None = None,
    answers: Mapping[int, dict[str, Any]] | None = None,
    seen: str = "",
) -> None:
    """Change what was said: particulars, guests, answers. The address stays.

    A guest more needs a free seat, a guest less frees one. Raises RsvpRefused, also where it says
    something else by now than what was `seen`, a fingerprint.
    """
    with transaction():
        codes = parties.new_ticket_codes(0 if guests is None else 1 + len(guests))
        seats, rsvp = seating.lock_for(rsvp_id)
        if not rsvp.is_live:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, _("This RSVP has ended."))
        admission.check_running(seats.event, now)
        if seen and seen != fingerprint(rsvp):
            if not says(rsvp, details, guests=guests, answers=answers):
                raise RsvpRefused(Refusal.EDITED, EDITED_MEANWHILE)
            return
        renamed, regrouped = rewrite(
            rsvp, seats, details, guests=guests, answers=answers, codes=codes, now=now
        )
        audit.record("rsvp.edited", now=now, rsvp=rsvp, party_size=rsvp.party_size)
        if (renamed or regrouped) and rsvp.status is not RsvpStatus.UNVERIFIED:
            emails.rsvp_changed(rsvp, now=now, renamed=renamed and rsvp.is_confirmed)
        seating.promote(seats, now=now)
