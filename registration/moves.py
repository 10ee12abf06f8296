"""Staff move somebody to another way to attend: what is possible, and doing it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _

from registration import admission, audit, emails, seating
from registration.admission import Refusal, RsvpRefused
from registration.database import transaction
from registration.models import ANSWERED, AttendanceOption, Event, Rsvp, RsvpStatus
from registration.seating import Seats


class How(enum.StrEnum):
    """How somebody comes to another way to attend."""

    AT_ONCE = "at_once"
    WAIT = "wait"  # in its queue; a place that is held is kept meanwhile
    BEYOND = "beyond"  # at once, whatever the capacity and whoever waits
    MEANWHILE = "meanwhile"  # in a stream, while the position in the queue stays
    UNDECIDED = "undecided"  # it waits for approval there as it did here
    STAY = "stay"  # where it is, out of the queue for another


@dataclass(frozen=True)
class Move:
    """One thing that staff can do."""

    option: AttendanceOption
    how: How

    @property
    def value(self) -> str:
        """As a form sends it."""
        return f"{self.option.id}:{self.how}"


def is_possible(rsvp: Rsvp, now: datetime) -> bool:
    """Whether an RSVP can be moved at all: its event takes place, and it has an answer's state."""
    return rsvp.event.takes_place(now) and rsvp.status in ANSWERED


def of(rsvp: Rsvp, options: Iterable[AttendanceOption], now: datetime) -> list[Move]:
    """What can be done, option by option, in whatever window: staff may when attendees may not.

    Nobody is let wait once the queue has closed. What an RSVP waits for already is not in it: to
    give it a seat is approvals.promote.
    """
    if not is_possible(rsvp, now):
        return []
    return [
        Move(option, how) for option in options for how in _ways_into(rsvp, option, rsvp.event, now)
    ]


def _ways_into(rsvp: Rsvp, option: AttendanceOption, event: Event, now: datetime) -> list[How]:
    if option.id == rsvp.waits_for_option_id:
        return []
    if option.id == rsvp.option_id:
        return [How.STAY] if rsvp.watches_meanwhile else []
    if rsvp.status is RsvpStatus.PENDING and option.needs_approval:
        return [How.UNDECIDED]
    if option.has_room_for(rsvp.party_size):
        waits = rsvp.status is RsvpStatus.WAITLISTED
        return [How.MEANWHILE, How.AT_ONCE] if waits and option.is_virtual else [How.AT_ONCE]
    may_wait = option.could_seat(rsvp.party_size) and now < event.promotes_until
    return [How.WAIT, How.BEYOND] if may_wait else [How.BEYOND]


def move(*, rsvp_id: int, option_id: int, how: How, staff_id: int | None, now: datetime) -> How:
    """Let somebody attend another way, and mail it; whom that frees seats for moves up.

    Twice is once. Where there is room by now, nobody waits or needs an extra seat: how they came
    to it is returned. Raises RsvpRefused if it is not possible any more, and LookupError if the
    event has no such option.
    """
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        option = admission.option_of(seats, option_id)
        admission.check_running(seats.event, now)
        if _is_done(rsvp, option, how):
            return how
        possible = _ways_into(rsvp, option, seats.event, now) if is_possible(rsvp, now) else []
        if how in (How.WAIT, How.BEYOND) and How.AT_ONCE in possible:
            how = How.AT_ONCE
        if how not in possible:
            raise _refusal(rsvp, option, how)
        _do(rsvp, seats, option, how, staff_id=staff_id, now=now)
        seating.promote(seats, now=now)
    return how


def _is_done(rsvp: Rsvp, option: AttendanceOption, how: How) -> bool:
    if how is How.WAIT:
        return rsvp.waits_for_option_id == option.id
    if rsvp.option_id != option.id:
        return False
    if how is How.UNDECIDED:
        return rsvp.status is RsvpStatus.PENDING
    return rsvp.is_confirmed and not (how is How.STAY and rsvp.watches_meanwhile)


def _refusal(rsvp: Rsvp, option: AttendanceOption, how: How) -> RsvpRefused:
    """Why: the page that staff had before them was older than what it showed."""
    wants_room = how in (How.AT_ONCE, How.MEANWHILE)
    if wants_room and rsvp.is_live and not option.has_room_for(rsvp.party_size):
        return admission.full(option, rsvp.party_size)
    return RsvpRefused(
        Refusal.NOT_POSSIBLE,
        _("Something has changed meanwhile. Here is what can be done now."),
    )


def _do(
    rsvp: Rsvp,
    seats: Seats,
    option: AttendanceOption,
    how: How,
    *,
    staff_id: int | None,
    now: datetime,
) -> None:
    action = "rsvp.switched"
    if how is How.STAY:
        action = "rsvp.left_waitlist"
        seating.leave_queue(rsvp, seats)
        rsvp.touch(now)
        emails.rsvp_changed(rsvp, now=now, left_queue=True)
    elif how is How.MEANWHILE:
        action = "rsvp.watches_meanwhile"
        seating.take(rsvp, option, now=now)
        rsvp.touch(now)
        emails.rsvp_confirmed(rsvp, now=now)
    elif how is How.UNDECIDED:
        rsvp.option, rsvp.option_id = option, option.id
        rsvp.touch(now)
        emails.rsvp_changed(rsvp, now=now)
    elif how is How.WAIT:
        action = "rsvp.waitlisted"
        seating.queue_elsewhere(rsvp, seats, option, now=now)
    else:
        if how is How.BEYOND:
            seating.allow_extra(option, rsvp.party_size)
        seating.reseat(rsvp, seats, option, now=now)
    audit.record(action, now=now, staff_id=staff_id, rsvp=rsvp, option=option.id, how=str(how))
