"""Who comes to an event, as staff read it: filtered, sorted, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from registration.database import db
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Event,
    Rsvp,
    RsvpStatus,
)

PAGE = 50

_SORTS: dict[str, tuple[Any, ...]] = {
    "name": (Rsvp.name, Rsvp.id),
    "organisation": (Rsvp.organisation, Rsvp.id),
    "status": (Rsvp.status, Rsvp.id),
    "arrival": (Rsvp.created_at, Rsvp.id),
}


@dataclass(frozen=True)
class Filters:
    """What of a list is wanted; empty: all."""

    search: str = ""
    way: str = ""  # "in_person" or "virtual"
    status: str = ""  # an RsvpStatus, "waiting" or "checked_in"
    access: str = ""  # "any", "step_free", "sign_language" or "captions"
    sort: str = "arrival"
    descending: bool = True


@dataclass(frozen=True)
class Page:
    """One page of a list, of `total` rows in all."""

    rsvps: Sequence[Rsvp]
    number: int
    total: int
    checked_in: frozenset[int] = frozenset()  # RSVPs of which somebody is in

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE))

    @property
    def around(self) -> list[int | None]:
        """The pages to be offered: first, last, those nearby; None where some are left out."""
        near = {1, self.pages, *range(self.number - 1, self.number + 2)}
        offered: list[int | None] = []
        for number in sorted(page for page in near if 1 <= page <= self.pages):
            if offered and offered[-1] is not None and number > offered[-1] + 1:
                offered.append(None)
            offered.append(number)
        return offered

    @property
    def first(self) -> int:
        """The number of the first row shown."""
        return (self.number - 1) * PAGE + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return min(self.number * PAGE, self.total)


def page_of(event: Event, filters: Filters, number: int) -> Page:
    """One page of the event's RSVPs. Beyond the last page it is the last one."""
    conditions = conditions_of(event, filters)
    total = db.session.scalar(select(func.count()).select_from(Rsvp).where(*conditions)) or 0
    number = min(max(1, number), max(1, -(-total // PAGE)))
    # The page's ids come from the index alone; the wide rows are read for these only.
    ids = (
        ordered(select(Rsvp.id).where(*conditions), filters).offset((number - 1) * PAGE).limit(PAGE)
    )
    found = {
        rsvp.id: rsvp
        for rsvp in db.session.scalars(
            select(Rsvp)
            .where(Rsvp.id.in_(ids.subquery().select()))
            .options(joinedload(Rsvp.option), joinedload(Rsvp.waits_for))
        )
    }
    order = db.session.scalars(ids)
    rsvps = [found[rsvp_id] for rsvp_id in order if rsvp_id in found]
    return Page(rsvps, number, total, _checked_in(list(found)))


def _checked_in(rsvp_ids: Sequence[int]) -> frozenset[int]:
    return frozenset(
        db.session.scalars(
            select(Attendee.rsvp_id).where(
                Attendee.rsvp_id.in_(rsvp_ids), Attendee.checked_in_at.is_not(None)
            )
        )
    )


def ordered(query: Select[Any], filters: Filters) -> Select[Any]:
    """The query in the order that is wanted."""
    columns = _SORTS.get(filters.sort, _SORTS["arrival"])
    return query.order_by(
        *(column.desc() if filters.descending else column.asc() for column in columns)
    )


def conditions_of(event: Event, filters: Filters) -> list[ColumnElement[bool]]:
    """The filters as conditions on Rsvp."""
    conditions: list[ColumnElement[bool]] = [Rsvp.event_id == event.id]
    conditions.extend(_mentions(word) for word in filters.search.split()[:6])
    if filters.way in (AttendanceMode.IN_PERSON, AttendanceMode.VIRTUAL):
        wanted = select(AttendanceOption.id).where(
            AttendanceOption.event_id == event.id, AttendanceOption.mode == filters.way
        )
        conditions.append(Rsvp.option_id.in_(wanted))
    if filters.status == "waiting":
        conditions.append(Rsvp.waits_for_option_id.is_not(None))
    elif filters.status == "checked_in":
        conditions.append(
            select(Attendee.id)
            .where(Attendee.rsvp_id == Rsvp.id, Attendee.checked_in_at.is_not(None))
            .exists()
        )
    elif filters.status in list(RsvpStatus):
        conditions.append(Rsvp.status == filters.status)
    if condition := _access_condition(filters.access):
        conditions.append(condition[0])
    return conditions


def _mentions(word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{escaped}%"
    return or_(
        Rsvp.name.ilike(pattern, escape="\\"),
        Rsvp.email.ilike(pattern, escape="\\"),
        Rsvp.organisation.ilike(pattern, escape="\\"),
    )


def _access_condition(wanted: str) -> list[ColumnElement[bool]]:
    needs = {
        "step_free": Rsvp.needs_step_free,
        "sign_language": Rsvp.needs_sign_language,
        "captions": Rsvp.needs_captions,
    }
    if wanted in needs:
        return [needs[wanted].is_(True)]
    if wanted == "any":
        noted = Rsvp.access_note != ""
        return [or_(*(column.is_(True) for column in needs.values()), noted)]
    return []


def counts_of(event: Event) -> dict[RsvpStatus, int]:
    """How many RSVPs there are in each state."""
    rows = db.session.execute(
        select(Rsvp.status, func.count()).where(Rsvp.event_id == event.id).group_by(Rsvp.status)
    )
    counts = dict.fromkeys(RsvpStatus, 0)
    for status, number in rows:
        counts[status] = number
    return counts
