"""What staff do with RSVPs on behalf of attendees. Each public function is one transaction.

A refusal is an RsvpRefused whose text is fit for staff. Every change is in the audit log, with
what was there before.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from registration import admission, arrivals, audit, emails, forgetting, parties, seating
from registration.admission import Refusal, RsvpRefused
from registration.database import db, transaction
from registration.models import BY_STAFF, SECOND_PRESS, Attendee, Rsvp, RsvpStatus
from registration.parties import Details
from registration.rewriting import fingerprint, rewrite, says

#: What is said where the attendee, or somebody else of the staff, saved something meanwhile.
EDITED_MEANWHILE = _(
    "These details were changed since you opened this page, by the attendee or by somebody else "
    "of the staff. Below is what you entered: save it again to keep it, or leave it as it is."
)
#: What must not be read in the log: it is only said that it changed.
_SENSITIVE = {"needs_step_free", "needs_sign_language", "needs_captions", "access_note"}


def add(
    *,
    event_id: int,
    option_id: int,
    details: Details,
    staff_id: int,
    now: datetime,
    guests: Sequence[str] = (),
    answers: Mapping[int, dict[str, Any]] | None = None,
    beyond_capacity: bool = False,
) -> Rsvp:
    """Send an RSVP for somebody, outside of any window: seated, else waiting.

    With `beyond_capacity` they are seated whatever the capacity, and whoever waits. Twice is once.
    Raises RsvpRefused where the address has a live RSVP already, or the event is cancelled, a
    draft or over.
    """
    with transaction():
        codes = parties.new_ticket_codes(1 + len(guests))
        seats = seating.lock(event_id)
        option = admission.option_of(seats, option_id)
        admission.check_running(seats.event, now)
        live = admission.live_of(event_id, details.email)
        if live is not None:
            seated = live.is_confirmed and live.option_id == option_id
            waits = live.waits_for_option_id == option_id and not beyond_capacity
            is_same = (seated or waits) and _was_just_added(live, now)
            if is_same and says(live, details, guests=list(guests), answers=answers):
                return live
            raise RsvpRefused(Refusal.HAS_RSVP, admission.HAS_RSVP)
        rsvp = parties.new_rsvp(details, now, party_size=1 + len(guests))
        parties.direct(rsvp, seats.event, option)
        # Staff cannot consent for others.
        rsvp.source, rsvp.consent_version, rsvp.consented_at = BY_STAFF, "", None
        db.session.add(rsvp)
        db.session.flush()
        parties.write_party(rsvp, [details.name, *guests], codes)
        parties.write_answers(rsvp, answers or {})
        audit.record("rsvp.added", now=now, staff_id=staff_id, rsvp=rsvp)
        if beyond_capacity and not option.has_room_for(rsvp.party_size):
            seating.allow_extra(option, rsvp.party_size)
            seating.take(rsvp, option, now=now)
            emails.rsvp_confirmed(rsvp, now=now)
        else:
            seating.settle(rsvp, seats, now=now, staff_id=staff_id)
    return rsvp


def edit(
    *,
    rsvp_id: int,
    details: Details,
    staff_id: int,
    now: datetime,
    guests: Sequence[str] | None = None,
    answers: Mapping[int, dict[str, Any]] | None = None,
    seen: str = "",
) -> None:
    """Change what a person said, in any state and after the event too. The address stays.

    A guest more needs a free seat. Raises RsvpRefused, also where the RSVP says something else by
    now than what was `seen`, a fingerprint.
    """
    with transaction():
        codes = parties.new_ticket_codes(0 if guests is None else 1 + len(guests))
        seats, rsvp = seating.lock_for(rsvp_id)
        if seen and seen != fingerprint(rsvp):
            if not says(rsvp, details, guests=guests, answers=answers):
                raise RsvpRefused(Refusal.EDITED, EDITED_MEANWHILE)
            return
        before = {name: getattr(rsvp, name) for name in parties.PARTICULARS}
        renamed, regrouped = rewrite(
            rsvp, seats, details, guests=guests, answers=answers, codes=codes, now=now
        )
        audit.record(
            "rsvp.edited",
            now=now,
            staff_id=staff_id,
            rsvp=rsvp,
            changes=_changes(before, rsvp),
        )
        takes_place = seats.event.takes_place(now)
        if (renamed or regrouped) and rsvp.is_live and takes_place:
            if rsvp.status is not RsvpStatus.UNVERIFIED:
                emails.rsvp_changed(rsvp, now=now, renamed=renamed and rsvp.is_confirmed)
            seating.promote(seats, now=now)


def correct_address(*, rsvp_id: int, email: str, staff_id: int, now: datetime) -> bool:
    """Give an RSVP the right address, and send its mail there; False if none goes now.

    What waits to go to the old address goes to the right one. The links that the old one has lead
    nowhere any more, and its calendar loses the entry: it may be a stranger's. Tickets stay good,
    since they may be on paper. Raises RsvpRefused where the right one has a live RSVP of its own.
    """
    with transaction():
        _seats, rsvp = seating.lock_for(rsvp_id)
        if rsvp.email == email:
            return False
        if rsvp.is_live and admission.live_of(rsvp.event_id, email) is not None:
            raise RsvpRefused(Refusal.HAS_RSVP, admission.HAS_RSVP)
        before, rsvp.email = rsvp.email, email
        audit.record(
            "rsvp.address",
            now=now,
            staff_id=staff_id,
            rsvp=rsvp,
            changes={"email": [before, email]},
        )
        rsvp.manage_key, rsvp.join_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        # They name no RSVP: an erasure would not find those to the address before.
        forgetting.forget_links({before}, now=now)
        return emails.rsvp_readdressed(rsvp, before=before, now=now)


def check_in(*, rsvp_ids: Sequence[int], staff_id: int, now: datetime) -> int:
    """Note that these parties are in, those who sit in the room alone; how many people."""
    inside: Counter[int] = Counter()  # by event
    with transaction():
        people = db.session.scalars(
            select(Attendee)
            .join(Rsvp, Attendee.rsvp_id == Rsvp.id)
            .where(
                Rsvp.id.in_(rsvp_ids),
                Rsvp.status == RsvpStatus.CONFIRMED,
                Attendee.checked_in_at.is_(None),
            )
            .order_by(Attendee.id)
        ).all()
        for person in people:
            if not person.rsvp.option.is_virtual:
                marked = arrivals.mark(person, staff_id=staff_id, now=now)
                inside[person.rsvp.event_id] += marked
        for event_id, number in sorted(inside.items()):
            arrivals.came_in(event_id, number, now=now)
    return inside.total()


def take_back_check_in(*, event_id: int, at: datetime, staff_id: int, now: datetime) -> int:
    """Undo what this account noted at that one instant; how many people."""
    with transaction():
        # One statement: whoever was let in anew meanwhile is not of that instant any more.
        undone = db.session.scalars(
            update(Attendee)
            .where(
                Attendee.rsvp_id.in_(select(Rsvp.id).where(Rsvp.event_id == event_id)),
                Attendee.checked_in_at == at,
                Attendee.checked_in_by_id == staff_id,
            )
            .values(checked_in_at=None, checked_in_by_id=None)
            .returning(Attendee.id)
            .execution_options(synchronize_session=False)
        ).all()
        people = select(Attendee).where(Attendee.id.in_(undone)).order_by(Attendee.id)
        for person in db.session.scalars(people):
            arrivals.log_undone(person, staff_id=staff_id, now=now)
        arrivals.went_out(event_id, len(undone))
    return len(undone)


def _was_just_added(rsvp: Rsvp, now: datetime) -> bool:
    return rsvp.source == BY_STAFF and rsvp.created_at > now - SECOND_PRESS


def _changes(before: dict[str, Any], rsvp: Rsvp) -> dict[str, list[Any]]:
    changed = {name: old for name, old in before.items() if old != getattr(rsvp, name)}
    return {
        name: ["…", "…"] if name in _SENSITIVE else [old, getattr(rsvp, name)]
        for name, old in changed.items()
    }
