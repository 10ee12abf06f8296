"""The door of the room: people without a seat. Each public function is one transaction.

A refusal is an RsvpRefused whose text is fit for the door.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext

from registration import admission, arrivals, audit, lookup, parties, seating
from registration.admission import Refusal, RsvpRefused
from registration.arrivals import Decision, Outcome
from registration.database import db, transaction
from registration.models import NO_ADDRESS, WALK_IN, AttendanceOption, Attendee, Event, Rsvp
from registration.parties import Details
from registration.seating import Seats

_NO_ROOM = _("This event has no seats in a room.")


def why_no_seats(event: Event, *, has_room: bool, now: datetime) -> str:
    """Why the door gives nobody a seat who has none, in words for it; empty where it does."""
    try:
        admission.check_running(event, now)
    except RsvpRefused as refusal:
        return str(refusal)
    return "" if has_room else str(_NO_ROOM)


def walk_in(
    *,
    event_id: int,
    details: Details,
    staff_id: int,
    now: datetime,
    beyond_capacity: bool = False,
    once: str = "",
) -> Attendee:
    """Give a seat to somebody without an RSVP, and let them in.

    Without an address they are mailed nothing. A form that comes twice lets in once: it has the
    same name, and the same address or, without one, the same sign of its own in `once`. Raises
    RsvpRefused where the room is full and staff did not say to go beyond, and where the address
    has an RSVP already.
    """
    with transaction():
        codes = parties.new_ticket_codes(1)
        seats = seating.lock(event_id)
        admission.check_running(seats.event, now)
        address = details.email or f"{once or secrets.token_hex(12)}{NO_ADDRESS}"
        rsvp = admission.live_of(event_id, address)
        if rsvp is not None and not (rsvp.is_walk_in and rsvp.name == details.name):
            if details.email:
                raise RsvpRefused(Refusal.HAS_RSVP, admission.HAS_RSVP)
            # The browser's Back brought the form of somebody else, and another name was entered.
            rsvp, address = None, f"{secrets.token_hex(12)}{NO_ADDRESS}"
        if rsvp is None:
            option = _seat_for(seats, 1, beyond_capacity=beyond_capacity)
            rsvp = _write(details, address, seats, option, codes, now=now)
            audit.record("rsvp.walk_in", now=now, staff_id=staff_id, rsvp=rsvp, option=option.id)
        person = parties.attendees(rsvp)[0]
        arrivals.came_in(event_id, arrivals.mark(person, staff_id=staff_id, now=now), now=now)
        attendee_id = person.id
    return _as_it_is(attendee_id)


def _write(
    details: Details,
    address: str,
    seats: Seats,
    option: AttendanceOption,
    codes: list[str],
    *,
    now: datetime,
) -> Rsvp:
    rsvp = parties.new_rsvp(details, now, party_size=1)
    parties.direct(rsvp, seats.event, option)
    rsvp.email = address
    rsvp.source, rsvp.consent_version, rsvp.consented_at = WALK_IN, "", None
    db.session.add(rsvp)
    seating.take(rsvp, option, now=now)
    db.session.flush()
    parties.write_party(rsvp, [details.name], codes)
    db.session.flush()
    return rsvp


def seat(
    *,
    event_id: int,
    attendee_id: int,
    staff_id: int,
    now: datetime,
    beyond_capacity: bool = False,
) -> Decision:
    """Give seats to a party that waits or would watch, and let this one of them in.

    Whoever stands before it in the queue: who is at the door is here. Who has come in by another
    door meanwhile is in already. Raises RsvpRefused where the room is full and staff did not say
    to go beyond, LookupError if it is not of this event.
    """
    with transaction():
        found = db.session.get(Attendee, attendee_id)
        if found is None or found.rsvp.event_id != event_id:
            raise LookupError(f"event {event_id} has no attendee {attendee_id}")
        seats, rsvp = seating.lock_for(found.rsvp_id)
        admission.check_running(seats.event, now)
        if not rsvp.is_live:
            raise RsvpRefused(Refusal.NOT_POSSIBLE, _("This RSVP has ended. Add a walk-in."))
        if not rsvp.is_confirmed or rsvp.option.is_virtual:
            option = _seat_for(seats, rsvp.party_size, beyond_capacity=beyond_capacity, rsvp=rsvp)
            _sit_down(rsvp, seats, option, staff_id=staff_id, now=now)
            seating.promote(seats, now=now)
        came = arrivals.mark(found, staff_id=staff_id, now=now)
        if not came:
            audit.record("checkin.again", now=now, staff_id=staff_id, rsvp=rsvp, name=found.name)
        arrivals.came_in(event_id, came, now=now)
    return Decision(Outcome.ADMITTED if came else Outcome.AGAIN, _as_it_is(attendee_id))


def _seat_for(
    seats: Seats, party_size: int, *, beyond_capacity: bool, rsvp: Rsvp | None = None
) -> AttendanceOption:
    """The way into the room that has seats: the one they wished for first. Allows extra ones."""
    rooms = [option for option in seats.options.values() if not option.is_virtual]
    if not rooms:
        raise RsvpRefused(Refusal.NOT_POSSIBLE, _NO_ROOM)
    wished = {rsvp.waits_for_option_id, rsvp.option_id} if rsvp else set()
    rooms.sort(key=lambda option: option.id not in wished)
    for option in rooms:
        if option.fits(party_size):
            return option
    if not beyond_capacity:
        raise _full(rooms[0], party_size)
    seating.allow_extra(rooms[0], party_size)
    return rooms[0]


def _full(option: AttendanceOption, party_size: int) -> RsvpRefused:
    """That a party does not fit, for staff: who waits does not make a free seat a taken one."""
    if not option.seats_left:
        return RsvpRefused(Refusal.FULL, _("Every seat is taken."))
    text = lazy_ngettext(
        "Only %(num)d seat is left, and this party needs %(size)d.",
        "Only %(num)d seats are left, and this party needs %(size)d.",
        option.seats_left,
        size=party_size,
    )
    return RsvpRefused(Refusal.FULL, text)


def _sit_down(
    rsvp: Rsvp, seats: Seats, option: AttendanceOption, *, staff_id: int, now: datetime
) -> None:
    if rsvp.waits_for_option_id == option.id:
        seating.move_up(rsvp, seats, now=now, staff_id=staff_id)
        return
    seating.reseat(rsvp, seats, option, now=now)
    audit.record("rsvp.seated", now=now, staff_id=staff_id, rsvp=rsvp, option=option.id)


def _as_it_is(attendee_id: int) -> Attendee:
    person = lookup.person_by_id(attendee_id)
    assert person is not None
    return person
