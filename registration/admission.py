"""Who may answer, when, and with how many; and what an RSVP leaves free when it ends.

Looked at under the lock of seating.py. A refusal's text is fit for the attendee.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from registration import seating
from registration.database import db
from registration.models import (
    LIVE,
    NO_KEY,
    AttendanceOption,
    Event,
    EventStatus,
    Invitation,
    InvitationCode,
    InvitationStatus,
    Rsvp,
    RsvpStatus,
    Visibility,
)
from registration.seating import Seats


class Refusal(enum.StrEnum):
    """Why an answer or a change is refused."""

    CANCELLED = "cancelled"  # the event
    ENDED = "ended"
    NOT_OPEN = "not_open"
    CLOSED = "closed"
    MOVED = "moved"  # the event, to another time than the one that was answered
    REWORDED = "reworded"  # what is agreed to, since it was read
    FULL = "full"
    NOT_INVITED = "not_invited"
    CODE_USED = "code_used"
    TOO_MANY_GUESTS = "too_many_guests"
    NEEDS_APPROVAL = "needs_approval"
    HAS_RSVP = "has_rsvp"  # the address has a live one already
    EDITED = "edited"  # meanwhile, in another window or by staff
    NOT_POSSIBLE = "not_possible"  # not from the state that the RSVP is in by now


#: What is said to staff where an address has a live one; who answers for themselves is not told.
HAS_RSVP = _("This address has an RSVP to this event already.")
#: What is said where somebody was given a seat, or has left, in the meantime.
NOT_WAITING = _("This RSVP is not on the waitlist any more.")
#: What is said where only staff may move somebody.
ORGANISERS_DECIDE = _("The organisers approve who attends this way. Write to them to change.")


class RsvpRefused(Exception):
    """A change that cannot be made; its text is fit for the attendee."""

    def __init__(self, reason: Refusal, text: Any) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text

    def __str__(self) -> str:
        return str(self.text)


@dataclass(frozen=True)
class Pass:
    """What lets a party in: nothing where everybody may come, else an invitation or a code."""

    invitation: Invitation | None = None
    code: InvitationCode | None = None


def live_of(event_id: int, email: str) -> Rsvp | None:
    """The RSVP of this address to the event that has not ended; there is one at most."""
    return db.session.scalars(
        select(Rsvp).where(Rsvp.event_id == event_id, Rsvp.email == email, Rsvp.status.in_(LIVE))
    ).one_or_none()


def option_of(seats: Seats, option_id: int) -> AttendanceOption:
    """The option of this event with that id. Raises LookupError if it has none."""
    if option_id not in seats.options:
        raise LookupError(f"event {seats.event.id} has no attendance option {option_id}")
    return seats.options[option_id]


def check_running(event: Event, now: datetime) -> None:
    """Refuse any change once the event is cancelled or over."""
    if event.status is EventStatus.CANCELLED:
        raise RsvpRefused(Refusal.CANCELLED, _("This event has been cancelled."))
    if event.status is not EventStatus.PUBLISHED:
        raise RsvpRefused(Refusal.NOT_OPEN, _("This event is not published at the moment."))
    if event.is_past(now):
        raise RsvpRefused(Refusal.ENDED, _("This event has ended."))


def check_open(event: Event, option: AttendanceOption, now: datetime) -> None:
    """Refuse an answer outside the window of the event or of the option."""
    check_running(event, now)
    opens_at = option.opens_for(event)
    if opens_at is not None and now < opens_at:
        raise RsvpRefused(Refusal.NOT_OPEN, _("RSVPs are not open yet."))
    if now >= option.closes_for(event):
        raise RsvpRefused(
            Refusal.CLOSED,
            _("RSVPs for this way to attend closed while this page was open."),
        )


def check_party(
    event: Event,
    option: AttendanceOption,
    party_size: int,
    now: datetime,
    *,
    accepts_waiting: bool,
) -> None:
    """Refuse too many guests, and a party for whom there is no room and that will not wait."""
    check_guests(event, party_size)
    check_size(option, party_size)
    if not (option.needs_approval or option.has_room_for(party_size)):
        check_queue(event, option, party_size, now, accepts_waiting=accepts_waiting)


def check_queue(
    event: Event,
    option: AttendanceOption,
    party_size: int,
    now: datetime,
    *,
    accepts_waiting: bool,
) -> None:
    """Refuse a party that does not fit, if it will not wait or the queue has closed."""
    if not accepts_waiting:
        raise full(option, party_size)
    if now >= event.promotes_until:
        text = (
            _("Every place is taken, and the waitlist has closed.")
            if option.is_virtual
            else _("Every seat is taken, and the waitlist has closed.")
        )
        raise RsvpRefused(Refusal.FULL, text)


def check_size(option: AttendanceOption, party_size: int) -> None:
    """Refuse a party that could never sit down: it would hold the queue for good."""
    if not option.could_seat(party_size):
        text = (
            lazy_ngettext(
                "There is %(num)d place in all, and your party needs %(size)d.",
                "There are %(num)d places in all, and your party needs %(size)d.",
                option.capacity,
                size=party_size,
            )
            if option.is_virtual
            else lazy_ngettext(
                "There is %(num)d seat in all, and your party needs %(size)d.",
                "There are %(num)d seats in all, and your party needs %(size)d.",
                option.capacity,
                size=party_size,
            )
        )
        raise RsvpRefused(Refusal.TOO_MANY_GUESTS, text)


def check_move(event: Event, option: AttendanceOption, now: datetime) -> None:
    """Refuse a move into an option that cannot be chosen now.

    A list of who comes into a room closes with registration. Who turns to a stream takes nothing
    from anybody: only the stream's own window counts.
    """
    check_running(event, now)
    if option.needs_approval:
        raise RsvpRefused(Refusal.NEEDS_APPROVAL, ORGANISERS_DECIDE)
    if not option.is_virtual:
        check_open(event, option, now)
    elif not option.has_opened(now):
        raise RsvpRefused(Refusal.NOT_OPEN, _("This way to attend is not open yet."))
    elif option.has_closed(now):
        raise RsvpRefused(Refusal.CLOSED, _("This way to attend has closed."))


def check_guests(event: Event, party_size: int) -> None:
    """Refuse more guests than the event allows."""
    if party_size - 1 > event.guests_max:
        if not event.guests_max:
            raise RsvpRefused(Refusal.TOO_MANY_GUESTS, _("This event takes no guests."))
        raise RsvpRefused(
            Refusal.TOO_MANY_GUESTS,
            lazy_ngettext(
                "You can bring %(num)d guest to this event.",
                "You can bring up to %(num)d guests to this event.",
                event.guests_max,
            ),
        )


def check_growth(seats: Seats, rsvp: Rsvp, party_size: int) -> None:
    """Refuse guests for whom there is no room: who holds seats may not pass those who wait."""
    more = party_size - rsvp.party_size
    if more <= 0:
        return
    check_guests(seats.event, party_size)
    option = seats.options[rsvp.option_id]
    check_size(option, party_size)
    if rsvp.waits_for_option_id is not None:
        check_size(seats.options[rsvp.waits_for_option_id], party_size)
    if rsvp.seats_held and not option.has_room_for(more):
        raise full(option, more)


def full(option: AttendanceOption, party_size: int) -> RsvpRefused:
    """The refusal of a party that does not fit, in exact words."""
    left = option.seats_left or 0
    if option.waiting or not left:
        text = _("Every seat is taken.") if not option.is_virtual else _("Every place is taken.")
    elif option.is_virtual:
        text = lazy_ngettext(
            "Only %(num)d place is left, and your party needs %(size)d.",
            "Only %(num)d places are left, and your party needs %(size)d.",
            left,
            size=party_size,
        )
    else:
        text = lazy_ngettext(
            "Only %(num)d seat is left, and your party needs %(size)d.",
            "Only %(num)d seats are left, and your party needs %(size)d.",
            left,
            size=party_size,
        )
    return RsvpRefused(Refusal.FULL, text)


def find_pass(event: Event, email: str, *, invitation_key: str, code: str) -> Pass:
    """What lets this address in.

    Raises RsvpRefused if the event is by invitation and there is none, or the code is used up.
    """
    invitation = invitation_by_key(event, invitation_key)
    # A personal invitation is for its address; passed on, it opens nothing.
    if invitation is not None and invitation.email == email:
        return Pass(invitation=invitation)
    if code:
        group = db.session.scalars(
            select(InvitationCode)
            .where(
                InvitationCode.event_id == event.id,
                func.upper(InvitationCode.code) == code.strip().upper(),
            )
            .execution_options(populate_existing=True)
        ).one_or_none()
        if group is not None and group.uses < group.uses_max:
            return Pass(code=group)
        if group is not None and event.visibility is Visibility.INVITATION:
            raise RsvpRefused(
                Refusal.CODE_USED, _("This code has been used as often as it can be.")
            )
    if event.visibility is not Visibility.INVITATION:
        return Pass()
    if invitation is not None:
        # The page to which its link leads has shown the address already.
        text = _(
            "Your invitation is for %(email)s. Answer with that address.", email=invitation.email
        )
        raise RsvpRefused(Refusal.NOT_INVITED, text)
    text = (
        _("This code is not one of this event. Check it, or use the link in your invitation.")
        if code
        else _("This event is by invitation. Use the link in your invitation, or a valid code.")
    )
    raise RsvpRefused(Refusal.NOT_INVITED, text)


def invitation_by_key(event: Event, key: str) -> Invitation | None:
    """The personal invitation to this event with that key; none where the key leads nowhere."""
    if not key or key.startswith(NO_KEY):
        return None
    return db.session.scalars(
        select(Invitation).where(Invitation.event_id == event.id, Invitation.key == key)
    ).one_or_none()


def meanwhile(seats: Seats, option_id: int | None, now: datetime) -> int | None:
    """Where one who waits may sit meanwhile: in an open stream of the event; else nowhere."""
    option = seats.options.get(option_id or 0)
    if option is None or not option.is_virtual or option.needs_approval:
        return None
    return option.id if option.is_open(seats.event, now) else None


def use(found: Pass, rsvp: Rsvp, now: datetime) -> None:
    """Note on an RSVP what let it in, and count it."""
    if found.invitation is not None:
        rsvp.invitation_id = found.invitation.id
        found.invitation.status = InvitationStatus.ACCEPTED
        found.invitation.answered_at = now
    if found.code is not None:
        rsvp.code_id = found.code.id
        found.code.uses += 1


def end(rsvp: Rsvp, seats: Seats, status: RsvpStatus, *, now: datetime) -> None:
    """End an RSVP: its seats, its place in the queue and what let it in are free again.

    The caller mails it and promotes.
    """
    seating.release(rsvp, seats)
    seating.leave_queue(rsvp, seats)
    rsvp.status = status
    rsvp.meanwhile_option_id = None
    rsvp.cancelled_at = now
    rsvp.touch(now)
    if rsvp.code_id is not None:
        db.session.get_one(InvitationCode, rsvp.code_id, populate_existing=True).uses -= 1
    if rsvp.invitation_id is not None and status is RsvpStatus.CANCELLED:
        invitation = db.session.get_one(Invitation, rsvp.invitation_id)
        invitation.status, invitation.answered_at = InvitationStatus.OPEN, None
