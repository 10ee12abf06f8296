"""Whom a change of an event concerns.

Those whose calendar entry says something else by it; and those who have no entry, because they
wait or were put on the list without a mail, if another title, time or place is news to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, case, func, literal_column, select

from registration import editions
from registration.database import db
from registration.editions import Facts
from registration.models import (
    ANSWERED,
    LIVE,
    NO_ADDRESS,
    AttendanceMode,
    AttendanceOption,
    Event,
    Rsvp,
    RsvpStatus,
    Speaker,
    SpeakerStatus,
)


@dataclass(frozen=True)
class Group:
    """Attendees who were told the same, attend the same way, and all have an entry or none."""

    told: int
    mode: AttendanceMode
    has_entry: bool
    before: Facts
    changed: list[str]


@dataclass
class Reach:
    """How many are told, and what."""

    in_person: int = 0
    online: int = 0
    speakers: int = 0
    without_entry: int = 0  # they wait, are to be approved, or were imported without a mail
    unreached: int = 0  # live RSVPs that are not written to: no address, or none confirmed yet
    changed: list[str] = field(default_factory=list)
    before: Facts = field(default_factory=dict)  # what most of them were told
    after: Facts = field(default_factory=dict)

    @property
    def attendees(self) -> int:
        """Everybody with an entry that differs."""
        return self.in_person + self.online

    @property
    def mailed(self) -> int:
        """Everybody who is written to, but speakers."""
        return self.attendees + self.without_entry

    @property
    def is_empty(self) -> bool:
        """Whether it would be news to nobody."""
        return not (self.mailed or self.speakers)


def has_entry() -> ColumnElement[bool]:
    """The condition on Rsvp that it has an entry in its attendee's calendar."""
    return (Rsvp.status == RsvpStatus.CONFIRMED) & (Rsvp.ical_sequence >= 0)


def is_told() -> ColumnElement[bool]:
    """The condition on Rsvp that it hears of changes: all that are live and can be written to.

    An address that is to be confirmed gets, once it is, a mail that says how the event is by then.
    """
    return Rsvp.status.in_(ANSWERED) & Rsvp.email.not_like(f"%{NO_ADDRESS}")


def told_edition() -> ColumnElement[int]:
    """The edition that an RSVP was last told."""
    return func.coalesce(Rsvp.told_edition, literal_column("0"))


def _groups(event: Event, after: Facts, whose: ColumnElement[bool]) -> Iterator[tuple[Group, int]]:
    """The groups among `whose` RSVPs for which `after` is news, with their numbers."""
    with_entry = case((has_entry(), 1), else_=0)
    counted = db.session.execute(
        select(told_edition(), AttendanceOption.mode, with_entry, func.count())
        .join(AttendanceOption, AttendanceOption.id == Rsvp.option_id)
        .where(whose)
        .group_by(told_edition(), AttendanceOption.mode, with_entry)
    ).all()
    for told, mode, entry, number in counted:
        before = editions.facts_of_edition(event.id, told)
        if before is None:
            before = editions.facts_of(event)
        changed = _news_to(bool(entry), before, after, mode)
        if changed:
            yield Group(told, mode, bool(entry), before, changed), number


def news(event: Event) -> Iterator[Group]:
    """The groups for which the event as it is now is news, whether anybody is in them or not."""
    after = editions.facts_of(event)
    for told, before in editions.all_of(event.id):
        for mode in AttendanceMode:
            for entry in (True, False):
                changed = _news_to(entry, before, after, mode)
                if changed:
                    yield Group(told, mode, entry, before, changed)


def _news_to(has_entry: bool, before: Facts, after: Facts, mode: AttendanceMode) -> list[str]:
    differ = editions.differences(before, after, mode)
    return differ if has_entry else [name for name in differ if name in editions.ANNOUNCED]


def reach(event: Event) -> Reach:
    """How many attendees were told something else than the event is now, and what.

    Speakers are counted by the caller, with `speakers_to_tell`.
    """
    found, most = Reach(after=editions.facts_of(event)), 0
    of_event = Rsvp.event_id == event.id
    for group, number in _groups(event, found.after, of_event & is_told()):
        if not group.has_entry:
            found.without_entry += number
        elif group.mode is AttendanceMode.VIRTUAL:
            found.online += number
        else:
            found.in_person += number
        if number > most:
            found.before, most = group.before, number
        found.changed += [name for name in group.changed if name not in found.changed]
    found.unreached = (
        db.session.scalar(
            select(func.count())
            .select_from(Rsvp)
            .where(of_event, Rsvp.status.in_(LIVE), ~is_told())
        )
        or 0
    )
    return found


def live_of(event_id: int) -> tuple[int, int]:
    """How many RSVPs are live, and how many of these have an address: whom a cancellation tells."""
    reached = func.count().filter(Rsvp.email.not_like(f"%{NO_ADDRESS}"))
    live = Rsvp.event_id == event_id, Rsvp.status.in_(LIVE)
    number, mailed = db.session.execute(select(func.count(), reached).where(*live)).one()
    return number, mailed


def speakers_with_entry(event_id: int) -> list[Speaker]:
    """The people on the programme in whose calendars the event stands."""
    return list(
        db.session.scalars(
            select(Speaker)
            .where(
                Speaker.event_id == event_id,
                Speaker.ical_sequence >= 0,
                Speaker.email != "",
                Speaker.status.in_((SpeakerStatus.INVITED, SpeakerStatus.CONFIRMED)),
            )
            .order_by(Speaker.position)
        )
    )


def speakers_to_tell(event_id: int) -> list[Speaker]:
    """Those of them whose entry would say something else than they were told last."""
    return [
        speaker for speaker in speakers_with_entry(event_id) if editions.speaker_differs(speaker)
    ]
