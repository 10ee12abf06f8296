"""What an RSVP says, said anew: particulars, answers, guests. Under the lock of the seats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from registration import admission, parties, revisions, seating
from registration.models import Rsvp
from registration.parties import Details
from registration.seating import Seats


class Rewritten(NamedTuple):
    """What has become of the people of an RSVP."""

    renamed: bool  # who answered
    regrouped: bool  # a guest came, went or was renamed


def rewrite(
    rsvp: Rsvp,
    seats: Seats,
    details: Details,
    *,
    guests: Sequence[str] | None,
    answers: Mapping[int, dict[str, Any]] | None,
    codes: Sequence[str],
    now: datetime,
) -> Rewritten:
    """Let an RSVP say this, its seats with it; None leaves guests or answers as they are.

    `codes` are a ticket for each, made before the lock. Of one that has ended the guests stay.
    Raises RsvpRefused for a guest more where no seat is free.
    """
    renamed, regrouped = rsvp.name != details.name, False
    parties.copy_details(rsvp, details)
    if answers is not None:
        parties.rewrite_answers(rsvp, answers)
    if guests is not None and rsvp.is_live:
        size = 1 + len(guests)
        admission.check_growth(seats, rsvp, size)
        seating.resize(rsvp, size, seats)
        regrouped = parties.rewrite_party(rsvp, [details.name, *guests], codes)
    elif renamed:
        parties.attendees(rsvp)[0].name = details.name
    rsvp.touch(now)
    return Rewritten(renamed, regrouped)


def fingerprint(rsvp: Rsvp) -> str:
    """Tells whether what an RSVP says has changed since a page was filled with it."""
    return revisions.fingerprint(parties.said_by(rsvp))


def says(
    rsvp: Rsvp,
    details: Details,
    *,
    guests: Sequence[str] | None,
    answers: Mapping[int, dict[str, Any]] | None,
) -> bool:
    """Whether an RSVP says this already: who pressed twice has saved it with the first press."""
    said = parties.said_by(rsvp)
    return (
        all(said[name] == getattr(details, name) for name in parties.PARTICULARS)
        and guests in (None, said["guests"])
        and all(said["answers"].get(number) == value for number, value in (answers or {}).items())
    )
