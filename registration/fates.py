"""What becomes of each row of a list, and why: the dry run of an import, and its first half.

candidates.py looks at the rows alone; `judge` looks at what the event has already, and is called
under the lock of the seats when the rows are to be written.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from registration.database import db
from registration.models import (
    LIVE,
    AttendanceOption,
    Event,
    ImportKind,
    Invitation,
    Rsvp,
    Unsubscribe,
)


class Fate(enum.StrEnum):
    """What becomes of a row."""

    INVITED = "invited"
    SEATED = "seated"
    WAITS = "waits"
    FULL = "full"
    EXISTS = "exists"
    GUEST = "guest"
    DUPLICATE = "duplicate"
    NOT_COMING = "not_coming"
    WANTS_NO_MAIL = "wants_no_mail"
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    NO_NAME = "no_name"
    TOO_LONG = "too_long"
    UNKNOWN_OPTION = "unknown_option"
    TOO_MANY_GUESTS = "too_many_guests"
    BAD_ANSWER = "bad_answer"


#: A row with one of these is taken in: it becomes an invitation or an RSVP.
TAKEN = (Fate.INVITED, Fate.SEATED, Fate.WAITS)
#: A row with any other than these is left out; a guest comes along.
COMING = (*TAKEN, Fate.GUEST)


@dataclass(frozen=True)
class Plan:
    """How a list is read. `columns` says in which column each field stands."""

    columns: dict[str, int] = field(default_factory=dict)
    option_id: int | None = None  # for RSVPs that name no way to attend
    sends_mail: bool = True
    waits: bool = True  # whoever finds no seat waits, else is left out

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Plan:
        """As it was kept."""
        return cls(**kept)


@dataclass
class Candidate:
    """A row as it was understood. Without a fate, what the event has decides."""

    line: int
    email: str = ""
    name: str = ""
    organisation: str = ""
    job_title: str = ""
    language: str = ""
    option: AttendanceOption | None = None
    guests: list[str] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    fate: Fate | None = None
    why: str = ""
    rsvp_id: int | None = None  # the one that its address has already
    host: Candidate | None = None  # whose guest it is

    @property
    def party_size(self) -> int:
        """How many seats it asks for."""
        return 1 + len(self.guests)

    @property
    def is_taken(self) -> bool:
        """Whether it becomes an invitation or an RSVP."""
        return self.fate in TAKEN

    @property
    def is_left_out(self) -> bool:
        """Whether nobody comes of it."""
        return self.fate not in COMING

    def ends(self, fate: Fate, why: str = "") -> None:
        """Decide on it, unless that is done."""
        if self.fate is None:
            self.fate, self.why = fate, why


def judge(
    rows: Sequence[Candidate],
    kind: ImportKind,
    plan: Plan,
    *,
    event: Event,
    options: Sequence[AttendanceOption],
    now: datetime,
) -> None:
    """Give each row that has none its fate, by what the event has at this moment."""
    event_id, no_queue = event.id, _why_nobody_waits(plan, event, now)
    live = select(Rsvp.email, Rsvp.id).where(Rsvp.event_id == event_id, Rsvp.status.in_(LIVE))
    coming = {row.email: row.id for row in db.session.execute(live)}
    invited: set[str] = set()
    silent: set[str] = set()
    if kind is ImportKind.INVITEES:
        invited = set(
            db.session.scalars(select(Invitation.email).where(Invitation.event_id == event_id))
        )
        if plan.sends_mail:
            silent = set(db.session.scalars(Unsubscribe.addresses(event_id)))
    left = {option.id: option.seats_left for option in options}
    queued = {option.id: option.waiting > 0 for option in options}
    for row in rows:
        if row.fate is not None:
            continue
        if row.email in coming:
            row.rsvp_id = coming[row.email]
            row.ends(Fate.EXISTS, gettext("This address has an RSVP already"))
        elif row.email in invited:
            row.ends(Fate.EXISTS, gettext("This address is invited already"))
        elif row.email in silent:
            row.ends(Fate.WANTS_NO_MAIL, gettext("This address wants no such messages from us"))
        elif kind is ImportKind.INVITEES:
            row.ends(Fate.INVITED)
        else:
            _seat(row, left, queued, no_queue)
    for row in rows:
        if row.host is not None and row.host.is_left_out:
            row.fate, row.why = row.host.fate, row.host.why


def _why_nobody_waits(plan: Plan, event: Event, now: datetime) -> str:
    """What is said of a row for which there is no seat; empty where it joins the waitlist."""
    if not plan.waits:
        return gettext("No seat is free")
    if now >= event.promotes_until:
        return gettext("No seat is free, and the waitlist has closed")
    return ""


def _seat(
    row: Candidate, left: dict[int, int | None], queued: dict[int, bool], no_queue: str
) -> None:
    """Find it seats or a place in the queue; `no_queue` says why it has none of these."""
    assert row.option is not None
    if not row.option.could_seat(row.party_size):
        row.ends(Fate.FULL, gettext("The party is larger than all the seats"))
        return
    free = left[row.option.id]
    if not queued[row.option.id] and (free is None or row.party_size <= free):
        if free is not None:
            left[row.option.id] = free - row.party_size
        row.ends(Fate.SEATED)
    elif no_queue:
        row.ends(Fate.FULL, no_queue)
    else:
        queued[row.option.id] = True
        row.ends(Fate.WAITS, gettext("No seat is free: it joins the waitlist"))
