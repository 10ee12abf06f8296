"""What the public pages read: lists of events, and all that belongs to one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.orm import joinedload

from registration.database import db
from registration.folding import folded
from registration.models import (
    AgendaItem,
    AttendanceMode,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    Publication,
    Question,
    Speaker,
    SpeakerStatus,
    Visibility,
)

PAGE = 20
#: How many events the calendar has, coming and past: who follows it reads all each time.
COMING, OVER = 200, 100
#: How many events the Atom feed has: its readers come again and take what is new to them.
NEWS = 50
#: How many events a site map may have, beside the list of them (sitemaps.org: 50,000 addresses).
MAPPED = 49_999

# Made once: to put a statement together costs as much as to run it.
_OPTIONS = (
    select(AttendanceOption)
    .where(AttendanceOption.event_id == bindparam("event"))
    .order_by(AttendanceOption.position)
)
_QUESTIONS = (
    select(Question)
    .where(Question.event_id == bindparam("event"), Question.retired_at.is_(None))
    .order_by(Question.position)
)

_COMES = Speaker.status.not_in((SpeakerStatus.DECLINED, SpeakerStatus.CANCELLED))


@dataclass(frozen=True)
class Listed:
    """An event in a list, with its ways to attend."""

    event: Event
    options: Sequence[AttendanceOption]


@dataclass(frozen=True)
class Programme:
    """All that the page of one event shows."""

    options: Sequence[AttendanceOption]
    speakers: Sequence[Speaker]
    agenda: Sequence[AgendaItem]
    publications: Sequence[Publication]


def upcoming(
    now: datetime, mode: AttendanceMode | None = None, *, search: str = ""
) -> list[Listed]:
    """Public events that have not ended, soonest first; cancelled ones stay in the list.

    `search` is looked for as `mentioning` says.
    """
    wanted = select(Event).where(_is_listed(), Event.ends_at > now, *mentioning(search))
    listed = with_options(db.session.scalars(wanted.order_by(Event.starts_at, Event.id).limit(200)))
    if mode is None:
        return listed
    return [item for item in listed if any(option.mode is mode for option in item.options)]


def past(now: datetime, *, search: str = "", page: int = 1) -> tuple[list[Listed], bool]:
    """Public events that have ended, latest first, and whether there are earlier ones.

    `search` is looked for as `mentioning` says.
    """
    wanted = select(Event).where(
        _is_listed(),
        Event.ends_at <= now,
        Event.status != EventStatus.CANCELLED,
        *mentioning(search),
    )
    rows = list(
        db.session.scalars(
            wanted.order_by(Event.starts_at.desc(), Event.id.desc())
            .offset((page - 1) * PAGE)
            .limit(PAGE + 1)
        )
    )
    return with_options(rows[:PAGE]), len(rows) > PAGE


def for_calendar(now: datetime) -> list[Event]:
    """Public events of the calendar, latest first: those that come next, and the latest past."""
    coming = (
        select(Event).where(_is_listed(), Event.ends_at > now).order_by(Event.starts_at, Event.id)
    )
    over = (
        select(Event)
        .where(_is_listed(), Event.ends_at <= now)
        .order_by(Event.starts_at.desc(), Event.id.desc())
    )
    nearest = db.session.scalars(coming.limit(COMING)).all()
    return [*reversed(nearest), *db.session.scalars(over.limit(OVER))]


def news() -> list[tuple[Event, datetime]]:
    """Public events and when each was announced: what was announced or changed last first.

    That one is cancelled is news too: who reads a feed keeps what it said before.
    """
    listed = select(Event).where(_is_listed())
    latest = listed.order_by(Event.updated_at.desc(), Event.id.desc()).limit(NEWS)
    events = db.session.scalars(latest).all()
    announced = (
        select(AuditEntry.event_id, func.min(AuditEntry.at).label("at"))
        .where(
            AuditEntry.action == "event.published",
            AuditEntry.event_id.in_([event.id for event in events]),
        )
        .group_by(AuditEntry.event_id)
    )
    when = {row.event_id: row.at for row in db.session.execute(announced)}
    return [(event, when.get(event.id, event.created_at)) for event in events]


def addresses() -> list[tuple[str, datetime]]:
    """The slugs of public events and when each changed; latest first.

    Those that are cancelled too: search engines are to read soon that it does not take place.
    """
    listed = select(Event.slug, Event.updated_at).where(_is_listed())
    latest = listed.order_by(Event.updated_at.desc(), Event.id.desc()).limit(MAPPED)
    return [(slug, updated_at) for slug, updated_at in db.session.execute(latest)]


def programme_of(event: Event) -> Programme:
    """Options, speakers, agenda and publications of an event, in their order. Four statements."""
    return Programme(
        options=options_of(event),
        speakers=speakers_of(event),
        agenda=agenda_of(event),
        publications=list(
            db.session.scalars(
                select(Publication)
                .where(Publication.event_id == event.id)
                .options(joinedload(Publication.translation_of))
                .order_by(Publication.position)
            )
        ),
    )


def options_of(event: Event) -> list[AttendanceOption]:
    """The ways to attend, in their order."""
    return list(db.session.scalars(_OPTIONS, {"event": event.id}))


def speakers_of(event: Event) -> list[Speaker]:
    """The people on the programme, in their order, without those who will not come."""
    return list(
        db.session.scalars(
            select(Speaker).where(Speaker.event_id == event.id, _COMES).order_by(Speaker.position)
        )
    )


def agenda_of(event: Event) -> list[AgendaItem]:
    """The programme, in order of time."""
    return list(
        db.session.scalars(
            select(AgendaItem)
            .where(AgendaItem.event_id == event.id)
            .order_by(AgendaItem.starts_at, AgendaItem.id)
        )
    )


def opens_next(options: Iterable[AttendanceOption], event: Event, now: datetime) -> datetime | None:
    """When the first of these ways opens that is not open yet."""
    openings = (option.opens_for(event) for option in options)
    return min((at for at in openings if at and at > now), default=None)


def closed_at(options: Iterable[AttendanceOption], event: Event, now: datetime) -> datetime | None:
    """When the last of these ways closed; None while one is open, or opens later."""
    last = max((option.closes_for(event) for option in options), default=event.accepts_until)
    return last if last <= now else None


def questions_of(event: Event) -> list[Question]:
    """The event's own questions that are still asked, in their order."""
    return list(db.session.scalars(_QUESTIONS, {"event": event.id}))


def _is_listed() -> ColumnElement[bool]:
    return (Event.status != EventStatus.DRAFT) & (Event.visibility == Visibility.PUBLIC)


def mentioning(search: str) -> list[ColumnElement[bool]]:
    """The conditions that each word is in an event's texts, place, people or topics.

    Case and accents do not count. Of the people those count who will come.
    """
    return [_mentions(word) for word in folded(search).split()[:8]]


def _mentions(word: str) -> ColumnElement[bool]:
    people = select(Speaker.event_id).where(
        Speaker.search_text.contains(word, autoescape=True), _COMES
    )
    topics = select(Publication.event_id).where(
        Publication.search_text.contains(word, autoescape=True)
    )
    return or_(
        Event.search_text.contains(word, autoescape=True),
        Event.id.in_(people),
        Event.id.in_(topics),
    )


def with_options(events: Iterable[Event]) -> list[Listed]:
    """The events, each with its ways to attend. One statement."""
    found = list(events)
    options: dict[int, list[AttendanceOption]] = defaultdict(list)
    for option in db.session.scalars(
        select(AttendanceOption)
        .where(AttendanceOption.event_id.in_([event.id for event in found]))
        .order_by(AttendanceOption.position)
    ):
        options[option.event_id].append(option)
    return [Listed(event, options[event.id]) for event in found]
