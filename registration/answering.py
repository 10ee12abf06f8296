"""Answering an event: the answer, the address that confirms itself, the seats held until then.

Each public function is one transaction, but for end_holds. A refusal is an RsvpRefused whose text
is fit for the attendee.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, select

from registration import admission, audit, emails, links, parties, seating, wording
from registration.admission import Refusal, RsvpRefused
from registration.database import db, transaction
from registration.models import LIVE, SEAT_HOLD, AttendanceOption, Event, Rsvp, RsvpStatus
from registration.parties import Details
from registration.seating import Seats
from registration.writing import adopt

_HOLDS_AT_ONCE = 100

_EARLIER = select(Rsvp.id, Rsvp.status).where(
    Rsvp.event_id == bindparam("event"), Rsvp.email == bindparam("email")
)


@parties.again_if_taken
def answer(
    *,
    event_id: int,
    option_id: int,
    details: Details,
    now: datetime,
    meanwhile_option_id: int | None = None,
    guests: Sequence[str] = (),
    answers: Mapping[int, dict[str, Any]] | None = None,
    accepts_waiting: bool = False,
    invitation_key: str = "",
    code: str = "",
    source: str = "",
    begins_at: datetime | None = None,
    consent_version: str = "",
) -> Rsvp | None:
    """Take one answer: confirmed if the option has room, else waiting if that is accepted.

    Returns None where the address has a live RSVP already: nothing changes, and the address is
    mailed its link. Raises RsvpRefused, and LookupError for an option that is not the event's.
    `answers` maps a question's id to {"text": …}, {"choices": […]} or {"yes": …}; `begins_at` is
    when the event begins as far as who answers knows, and `consent_version` what they have read.
    """
    party_size = 1 + len(guests)
    codes = parties.random_codes(party_size)
    rsvp = parties.new_rsvp(details, now, party_size=party_size)
    rsvp.source = source
    with transaction(keep=True, rows_last=True):
        seats = seating.lock(event_id)
        event, option = seats.event, admission.option_of(seats, option_id)
        admission.check_open(event, option, now)
        _check_start(event, begins_at)
        _check_consent(event, consent_version)
        found = admission.find_pass(event, details.email, invitation_key=invitation_key, code=code)
        admission.check_party(event, option, party_size, now, accepts_waiting=accepts_waiting)
        # Last, so that a known and an unknown address are refused alike.
        earlier = _earlier(event_id, details.email)
        if _is_mailed_its_link(details.email, earlier, now):
            return None
        parties.direct(rsvp, event, option)
        if accepts_waiting:
            rsvp.meanwhile_option_id = admission.meanwhile(seats, meanwhile_option_id, now)
        admission.use(found, rsvp, now)
        # An invitation that came by mail to this address has confirmed the address already.
        if event.confirms_addresses and found.invitation is None:
            _ask_to_verify(rsvp, option, now)
        else:
            _proceed(rsvp, seats, now, was_refused=RsvpStatus.REJECTED in earlier.values())
        parties.write_party(rsvp, [details.name, *guests], codes)
        parties.write_answers(rsvp, answers or {})
        seating.write_counts(seats)
    adopt(rsvp)
    return rsvp


def verify(*, rsvp_id: int, now: datetime) -> None:
    """Take an address as confirmed, and go on: seats, queue or approval. Twice is once."""
    with transaction():
        seats, rsvp = seating.lock_for(rsvp_id)
        if rsvp.status is not RsvpStatus.UNVERIFIED:
            return
        admission.check_running(seats.event, now)
        rsvp.touch(now)
        earlier = _earlier(rsvp.event_id, rsvp.email)
        _proceed(rsvp, seats, now, was_refused=RsvpStatus.REJECTED in earlier.values())


def end_holds(*, now: datetime) -> int:
    """Free the seats of addresses that were not confirmed in time; how many RSVPs there were.

    They stay `unverified`: who confirms later takes what is there then. A call ends a hundred
    holds of an event at most, in one transaction: call it until it says 0.
    """
    ended = 0
    events = list(
        db.session.scalars(select(Rsvp.event_id).where(Rsvp.hold_ends_at <= now).distinct())
    )
    for event_id in events:
        with transaction():
            seats = seating.lock(event_id)
            late = db.session.scalars(
                select(Rsvp)
                .where(Rsvp.event_id == event_id, Rsvp.hold_ends_at <= now)
                .order_by(Rsvp.hold_ends_at, Rsvp.id)
                .limit(_HOLDS_AT_ONCE)
            ).all()
            for rsvp in late:
                seating.release(rsvp, seats)
                audit.record("rsvp.hold_ended", now=now, actor="system", rsvp=rsvp)
            seating.promote(seats, now=now)
            ended += len(late)
    return ended


def _earlier(event_id: int, email: str) -> dict[int, RsvpStatus]:
    """What this address has answered to this event: its live RSVP, and those that have ended."""
    rows = db.session.connection().execute(_EARLIER, {"event": event_id, "email": email})
    return dict(rows.all())


def _is_mailed_its_link(email: str, earlier: Mapping[int, RsvpStatus], now: datetime) -> bool:
    """Mail an address the link of the live RSVP that it has; False if it has none."""
    for rsvp_id, status in earlier.items():
        if status in LIVE:
            links.mail([db.session.get_one(Rsvp, rsvp_id)], email, now=now)
            return True
    return False


def _check_start(event: Event, begins_at: datetime | None) -> None:
    """Refuse who said yes to another time: nobody gets a seat for a day that they have not seen."""
    if begins_at not in (None, event.starts_at):
        when = wording.span(event.starts_at, event.ends_at, event.zone)
        text = _(
            "This event has moved to %(when)s. Send your RSVP if you can come then.", when=when
        )
        raise RsvpRefused(Refusal.MOVED, text)


def _check_consent(event: Event, consent_version: str) -> None:
    """Refuse who agreed to other words: nobody is noted as agreeing to what they have not read."""
    if consent_version not in ("", event.consent_version):
        text = _(
            "What you are asked to agree to has changed since you opened this page. Read it here, "
            "and tick it if you agree."
        )
        raise RsvpRefused(Refusal.REWORDED, text)


def _ask_to_verify(rsvp: Rsvp, option: AttendanceOption, now: datetime) -> None:
    """Hold seats for half an hour, if there are any, and mail the address to confirm itself."""
    rsvp.status = RsvpStatus.UNVERIFIED
    if not option.needs_approval and option.has_room_for(rsvp.party_size):
        seating.hold(rsvp, option)
        rsvp.hold_ends_at = now + SEAT_HOLD
    emails.rsvp_verify(rsvp, now=now)
    audit.record("rsvp.unverified", now=now, rsvp=rsvp, option=option.id)


def _proceed(rsvp: Rsvp, seats: Seats, now: datetime, *, was_refused: bool) -> None:
    """Go on with an RSVP whose address is good: to staff's approval, else to seats or queue.

    Staff decide where the option says so, and over whom they refused before.
    """
    if was_refused or seats.options[rsvp.option_id].needs_approval:
        # A hold from before staff wished to decide ends here.
        seating.release(rsvp, seats)
        rsvp.status = RsvpStatus.PENDING
        emails.rsvp_received(rsvp, now=now)
        audit.record("rsvp.pending", now=now, rsvp=rsvp, option=rsvp.option_id)
        seating.promote(seats, now=now)
    elif rsvp.seats_held:
        seating.confirm(rsvp, now=now)
    else:
        seating.settle(rsvp, seats, now=now)
