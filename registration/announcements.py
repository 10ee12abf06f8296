"""Telling everybody of a change: held, taken back, and at last written to the outbox.

A telling is one row until its hold ends, so that saving a change takes no longer for a hundred
thousand RSVPs than for one. Then the worker writes the mails with set-based statements, in each
transaction as many as it can without keeping anybody waiting who sends an RSVP meanwhile.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, text

from registration import audience, audit, editions, emails, revisions, seating
from registration.database import db, transaction
from registration.emails.crowds import Crowd, crowd_cancelled, crowd_changed
from registration.models import (
    Announcement,
    AnnouncementKind,
    AnnouncementState,
    Event,
    EventStatus,
    Rsvp,
)
from registration.news import announce, news_of
from registration.revisions import EventRefused

#: What is said where a change would be told of an event that is over.
TOLD_TOO_LATE = _("This event is over: nobody is told of a change any more.")
#: How many RSVPs the first transaction of a telling looks at, and any of them at least.
FIRST_CHUNK, MIN_CHUNK = 1000, 50
#: Seconds that a transaction is to hold the event's seats: the next one is larger or smaller.
TURN = 0.06
#: Seconds between two of them on SQLite, where whoever waits must wake up first to get its turn.
BREATH = 0.01


def tell(*, event_id: int, staff_id: int | None, now: datetime) -> bool:
    """Tell those who were not told of how the event is now; False if there is nobody.

    Raises EventRefused once the event is cancelled or over: nobody is told then.
    """
    with transaction():
        event = seating.lock(event_id).event
        if event.status is EventStatus.CANCELLED:
            raise EventRefused(_("This event has been cancelled."))
        if event.is_past(now):
            raise EventRefused(TOLD_TOO_LATE)
        return _tell(event, staff_id, now)


def _tell(event: Event, staff_id: int | None, now: datetime) -> bool:
    editions.keep(event, now=now)
    news = news_of(event, now=now)
    if news.is_empty:
        return False
    announce(event, news, staff_id=staff_id, now=now)
    return True


def undo(*, announcement_id: int, staff_id: int | None, now: datetime) -> bool:
    """Take a telling back while it is held; False if it is too late. Twice is once.

    The change itself stays, but for a cancellation: then the event takes place again, and a telling
    that the cancellation stopped is held anew for who was not told yet.
    """
    event_id = db.session.scalar(
        select(Announcement.event_id).where(Announcement.id == announcement_id)
    )
    if event_id is None:
        raise LookupError(f"there is no announcement {announcement_id}")
    with transaction():
        event = seating.lock(event_id).event
        announcement = db.session.get_one(Announcement, announcement_id, populate_existing=True)
        if announcement.state is AnnouncementState.WITHDRAWN:
            return True
        if announcement.state is not AnnouncementState.HELD or now >= announcement.due_at:
            return False
        announcement.state, announcement.ended_at = AnnouncementState.WITHDRAWN, now
        if announcement.kind is AnnouncementKind.CANCELLED:
            event.status = EventStatus.PUBLISHED
            event.cancelled_at, event.cancellation_reason = None, ""
            event.ical_sequence += 1
            revisions.count(event, now)
        audit.record(
            "event.undone",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            kind=str(announcement.kind),
        )
        if _has_stopped_another(announcement):
            _tell(event, staff_id, now)
    return True


def _has_stopped_another(announcement: Announcement) -> bool:
    """Whether it is a cancellation in whose moment the telling of a change gave way."""
    stopped = select(Announcement.id).where(
        Announcement.event_id == announcement.event_id,
        Announcement.kind == AnnouncementKind.CHANGED,
        Announcement.state == AnnouncementState.SUPERSEDED,
        Announcement.ended_at == announcement.created_at,
    )
    is_cancellation = announcement.kind is AnnouncementKind.CANCELLED
    return is_cancellation and db.session.scalar(stopped.limit(1)) is not None


def spread(*, now: datetime) -> int:
    """Write the mails of all tellings whose hold has ended; how many RSVPs were looked at."""
    due = (Announcement.due_at <= now) & Announcement.state.in_(
        (AnnouncementState.HELD, AnnouncementState.SENDING)
    )
    found = db.session.execute(
        select(Announcement.id, Announcement.event_id, Announcement.reached_rsvp_id)
        .where(due)
        .order_by(Announcement.id)
    ).all()
    return sum(_spread_one(*announcement, now) for announcement in found)


def _spread_one(announcement_id: int, event_id: int, reached_rsvp_id: int, now: datetime) -> int:
    """Write the mails of one telling, chunk by chunk."""
    # Whoever comes from now on is confirmed by a mail that says how the event is by now.
    rsvp_ids = db.session.scalars(
        select(Rsvp.id)
        .where(Rsvp.event_id == event_id, Rsvp.id > reached_rsvp_id)
        .order_by(Rsvp.id)
    ).all()
    looked_at, size = 0, FIRST_CHUNK
    while True:
        number, held = _spread_chunk(announcement_id, event_id, rsvp_ids, size, now)
        looked_at += number
        if not number:
            return looked_at
        size = next_size(size, held)
        if db.engine.dialect.name == "sqlite":
            time.sleep(BREATH)


def next_size(size: int, held: float) -> int:
    """How many RSVPs the next transaction looks at, if one of `size` held the lock so long."""
    return max(MIN_CHUNK, round(size * min(2.0, TURN / max(held, 0.001))))


def _spread_chunk(
    announcement_id: int, event_id: int, rsvp_ids: Sequence[int], size: int, now: datetime
) -> tuple[int, float]:
    """One transaction of a telling: how many RSVPs it looked at, and seconds it held the lock.

    None are left when it looked at none.
    """
    with transaction() as session:
        if db.engine.dialect.name == "postgresql":
            # No wait for the disk under the lock. What a crash of the database server forgets is
            # forgotten whole, and told anew; whoever mails it has waited for the disk by then.
            session.execute(text("SET LOCAL synchronous_commit = off"))
        # First of all, as whoever changes seats does; two workers take turns.
        seats = seating.lock(event_id)
        began = time.monotonic()
        announcement = session.get_one(Announcement, announcement_id, populate_existing=True)
        if announcement.state not in (AnnouncementState.HELD, AnnouncementState.SENDING):
            return 0, 0.0
        is_change = announcement.kind is AnnouncementKind.CHANGED
        if is_change and seats.event.is_past(now):
            announcement.state, announcement.ended_at = AnnouncementState.SUPERSEDED, now
            return 0, 0.0
        if announcement.state is AnnouncementState.HELD:
            announcement.state = AnnouncementState.SENDING
            announcement.attendees = announcement.speakers = 0
            _tell_speakers(seats.event, announcement, now)
        start = bisect_right(rsvp_ids, announcement.reached_rsvp_id)
        chunk = rsvp_ids[start : start + size]
        if chunk:
            crowd = Crowd(seats.event, seats.options.values(), announcement, chunk[0], chunk[-1])
            crowd_told = crowd_changed if is_change else crowd_cancelled
            announcement.attendees += crowd_told(crowd, now=now)
            announcement.reached_rsvp_id = chunk[-1]
        if start + size >= len(rsvp_ids):
            announcement.state, announcement.ended_at = AnnouncementState.SENT, now
    return len(chunk), time.monotonic() - began


def _tell_speakers(event: Event, announcement: Announcement, now: datetime) -> None:
    for speaker in audience.speakers_with_entry(event.id):
        if announcement.kind is AnnouncementKind.CANCELLED:
            emails.speaker_cancelled(speaker, now=now, announcement=announcement)
            announcement.speakers += 1
        elif emails.speaker_moved(speaker, now=now, announcement=announcement):
            announcement.speakers += 1
