"""Who comes to an event, as staff read it: filtered, sorted, page by page.

A page stays fast at a hundred thousand: it is found in an index that holds what is filtered by,
from whichever end is nearer; its wide rows are read last; and totals come from one grouped count.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import joinedload

from registration import finding
from registration.database import UTCDateTime, db
from registration.models import (
    LIVE,
    Answer,
    AttendanceMode,
    AttendanceOption,
    Attendee,
    CalendarReply,
    Event,
    ReplyState,
    Rsvp,
    RsvpStatus,
)

PAGE = 50

_SORTS: dict[str, tuple[Any, ...]] = {
    "name": (Rsvp.search_text, Rsvp.id),
    "organisation": (Rsvp.organisation, Rsvp.id),
    "status": (Rsvp.status, Rsvp.option_id, Rsvp.id),
    "arrival": (Rsvp.created_at, Rsvp.id),
}
#: Filters on status beside the statuses themselves.
LIVE_ONES, WAITING, CHECKED_IN, NOT_IN, JOINED, PERHAPS, TO_READ = (
    "live",
    "waiting",
    "checked_in",
    "not_in",
    "joined",
    "perhaps",  # by the last word of their calendar
    "to_read",  # their calendar said what people must read
)
#: All that a list can be narrowed to.
STATUSES = (*map(str, RsvpStatus), LIVE_ONES, WAITING, CHECKED_IN, NOT_IN, JOINED, PERHAPS, TO_READ)


@dataclass(frozen=True)
class Filters:
    """What of a list is wanted; empty: all."""

    search: str = ""
    way: str = ""  # "in_person" or "virtual"
    option_id: int = 0
    status: str = ""  # one of STATUSES
    access: str = ""  # "any", "step_free", "sign_language", "captions" or "note"
    question_id: int = 0
    wants_news: bool = False  # only who agreed to hear of future events
    answer: str = ""  # one of the choices, "yes", "no"; empty: whoever answered the question
    sort: str = "arrival"
    descending: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether everybody is wanted."""
        return self == Filters(sort=self.sort, descending=self.descending)

    @property
    def is_counted(self) -> bool:
        """Whether the grouped counts know how many there are."""
        by_status = self.status in ("", LIVE_ONES) or self.status in list(RsvpStatus)
        narrowed = self.search or self.access or self.question_id or self.wants_news
        return by_status and not narrowed


@dataclass(frozen=True)
class Counts:
    """How many RSVPs an event has in each state, and of them in each option."""

    by_status: dict[RsvpStatus, int]
    by_option: dict[tuple[RsvpStatus, int], int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many RSVPs there are, whatever became of them."""
        return sum(self.by_status.values())

    @property
    def live(self) -> int:
        """How many have not ended."""
        return sum(self.by_status[status] for status in LIVE)

    def matching(self, filters: Filters, option_ids: Sequence[int]) -> int:
        """How many pass filters that `is_counted`; `option_ids` are those of the way wanted."""
        statuses = set(RsvpStatus)
        if filters.status == LIVE_ONES:
            statuses = set(LIVE)
        elif filters.status:
            statuses = {RsvpStatus(filters.status)}
        return sum(
            number
            for (status, option_id), number in self.by_option.items()
            if status in statuses and option_id in option_ids
        )


@dataclass(frozen=True)
class Page:
    """One page of a list, of `total` rows in all."""

    rsvps: Sequence[Rsvp]
    number: int
    total: int
    checked_in: frozenset[int] = frozenset()  # RSVPs of which somebody is in
    perhaps: frozenset[int] = frozenset()  # RSVPs whose calendars said TENTATIVE

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


def counts_of(event: Event) -> Counts:
    """How many RSVPs there are in each state and option: one walk along an index."""
    rows = db.session.execute(
        select(Rsvp.status, Rsvp.option_id, func.count())
        .where(Rsvp.event_id == event.id)
        .group_by(Rsvp.status, Rsvp.option_id)
    )
    by_status = dict.fromkeys(RsvpStatus, 0)
    by_option: dict[tuple[RsvpStatus, int], int] = {}
    for status, option_id, number in rows:
        by_status[status] += number
        by_option[status, option_id] = number
    return Counts(by_status, by_option)


def page_of(event: Event, filters: Filters, number: int, counts: Counts | None = None) -> Page:
    """One page of the event's RSVPs. Beyond the last page it is the last one."""
    total = count(event, filters, counts)
    last_page = max(1, -(-total // PAGE))
    number = min(max(1, number), last_page)
    # From the nearer end: the walk along the index is half of the list at most.
    from_end = number > last_page / 2
    offset = total - number * PAGE if from_end else (number - 1) * PAGE
    length = PAGE if not from_end else PAGE + min(0, offset)
    query = ordered(select(Rsvp.id).where(*conditions_of(event, filters)), filters, from_end)
    ids = list(db.session.scalars(query.offset(max(0, offset)).limit(length)))
    found = {
        rsvp.id: rsvp
        for rsvp in db.session.scalars(
            select(Rsvp)
            .where(Rsvp.id.in_(ids))
            .options(joinedload(Rsvp.option), joinedload(Rsvp.waits_for))
        )
    }
    rsvps = [found[rsvp_id] for rsvp_id in (reversed(ids) if from_end else ids) if rsvp_id in found]
    return Page(rsvps, number, total, checked_in(ids), saying_perhaps(ids))


def count(event: Event, filters: Filters, counts: Counts | None = None) -> int:
    """How many RSVPs pass the filters."""
    if filters.is_counted:
        return (counts or counts_of(event)).matching(filters, _option_ids(event, filters))
    conditions = conditions_of(event, filters)
    return db.session.scalar(select(func.count()).select_from(Rsvp).where(*conditions)) or 0


def ids_of(event: Event, filters: Filters, limit: int, *, after: int = 0) -> list[int]:
    """The next ids that pass the filters, in order of arrival: the first, or those after one.

    Without those that are erased: nothing can be done with them.
    """
    wanted = select(Rsvp.id).where(*conditions_of(event, filters), Rsvp.erased_at.is_(None))
    last = db.session.get(Rsvp, after) if after else None
    if last is not None:
        arrived = tuple_(literal(last.created_at, UTCDateTime()), literal(last.id))
        wanted = wanted.where(tuple_(Rsvp.created_at, Rsvp.id) > arrived)
    return list(db.session.scalars(wanted.order_by(Rsvp.created_at, Rsvp.id).limit(limit)))


def checked_in(rsvp_ids: Sequence[int]) -> frozenset[int]:
    """Those of the RSVPs of which somebody is in."""
    return frozenset(
        db.session.scalars(
            select(Attendee.rsvp_id).where(
                Attendee.rsvp_id.in_(rsvp_ids), Attendee.checked_in_at.is_not(None)
            )
        )
    )


def saying_perhaps(rsvp_ids: Sequence[int]) -> frozenset[int]:
    """Those of the RSVPs whose calendar has said TENTATIVE, and nothing that counts since."""
    return frozenset(
        db.session.scalars(select(Rsvp.id).where(Rsvp.id.in_(rsvp_ids), _says_perhaps()))
    )


def ordered(query: Select[Any], filters: Filters, backwards: bool = False) -> Select[Any]:
    """The query in the order that is wanted, or from its end."""
    columns = _SORTS.get(filters.sort, _SORTS["arrival"])
    descending = filters.descending is not backwards
    return query.order_by(*(column.desc() if descending else column.asc() for column in columns))


def conditions_of(event: Event, filters: Filters) -> list[ColumnElement[bool]]:
    """The filters as conditions on Rsvp."""
    found = finding.condition(event.id, filters.search)
    # With both, SQLite would walk through all of the event's.
    conditions = [Rsvp.event_id == event.id if found is None else found]
    if filters.way or filters.option_id:
        conditions.append(Rsvp.option_id.in_(_option_ids(event, filters)))
    conditions.extend(_status_condition(event, filters.status))
    conditions.extend(_access_condition(filters.access))
    if filters.wants_news:
        conditions.append(Rsvp.wants_news.is_(True))
    if filters.question_id:
        conditions.append(Rsvp.id.in_(_who_answered(filters)))
    return conditions


def _option_ids(event: Event, filters: Filters) -> list[int]:
    wanted = select(AttendanceOption.id).where(AttendanceOption.event_id == event.id)
    if filters.way in (AttendanceMode.IN_PERSON, AttendanceMode.VIRTUAL):
        wanted = wanted.where(AttendanceOption.mode == filters.way)
    if filters.option_id:
        wanted = wanted.where(AttendanceOption.id == filters.option_id)
    return list(db.session.scalars(wanted))


def _status_condition(event: Event, wanted: str) -> list[ColumnElement[bool]]:
    inside = select(Attendee.rsvp_id).where(Attendee.checked_in_at.is_not(None))
    if wanted == LIVE_ONES:
        return [Rsvp.status.in_(LIVE)]
    if wanted == WAITING:
        # Found in the index of the queues, and looked up while the list is walked.
        queues = select(Rsvp.id).where(Rsvp.waits_for_option_id.in_(_option_ids(event, Filters())))
        return [Rsvp.id.in_(queues.scalar_subquery())]
    if wanted == CHECKED_IN:
        return [Rsvp.id.in_(inside)]
    if wanted == NOT_IN:
        return [Rsvp.status == RsvpStatus.CONFIRMED, Rsvp.id.not_in(inside)]
    if wanted == JOINED:
        joined = select(Attendee.rsvp_id).where(Attendee.joined_at.is_not(None))
        return [Rsvp.id.in_(joined)]
    if wanted == PERHAPS:
        return [_says_perhaps()]
    if wanted == TO_READ:
        odd = select(CalendarReply.rsvp_id).where(CalendarReply.state == ReplyState.ODD)
        return [Rsvp.id.in_(odd)]
    if wanted in list(RsvpStatus):
        return [Rsvp.status == wanted]
    return []


def _says_perhaps() -> ColumnElement[bool]:
    last = (
        select(CalendarReply.partstat)
        .where(CalendarReply.rsvp_id == Rsvp.id, CalendarReply.state == ReplyState.APPLIED)
        .order_by(CalendarReply.id.desc())
        .limit(1)
        .correlate(Rsvp)
    )
    return (Rsvp.status == RsvpStatus.CONFIRMED) & (last.scalar_subquery() == "TENTATIVE")


def _access_condition(wanted: str) -> list[ColumnElement[bool]]:
    needs: dict[str, Any] = {
        "any": Rsvp.has_needs,
        "step_free": Rsvp.needs_step_free,
        "sign_language": Rsvp.needs_sign_language,
        "captions": Rsvp.needs_captions,
        "note": Rsvp.access_note != "",
    }
    if wanted in needs:
        return [needs["any"], needs[wanted]]
    return []


def _who_answered(filters: Filters) -> Select[Any]:
    """The RSVPs with that answer. Answers are JSON, in which letters may stand escaped or not."""
    wanted = select(Answer.rsvp_id).where(Answer.question_id == filters.question_id)
    if not filters.answer:
        return wanted
    value = cast(Answer.value, String)
    spellings = {json.dumps(filters.answer), json.dumps(filters.answer, ensure_ascii=False)}
    # In the list of what was chosen, and not one of our own words, which a colon follows.
    parts = {f"{spelt}{end}" for spelt in spellings for end in (",", "]")}
    if filters.answer in ("yes", "no"):
        parts.add(json.dumps({"yes": filters.answer == "yes"})[1:-1])
    return wanted.where(or_(*(value.contains(part, autoescape=True) for part in parts)))
