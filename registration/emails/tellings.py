"""To everybody of an event at once: a telling, held for a while before the worker writes it."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import update

from registration.database import db
from registration.models import HOLD, Announcement, AnnouncementKind, AnnouncementState, Event


def event_changed(event: Event, *, staff_id: int | None, now: datetime) -> Announcement:
    """Tell everybody whose entry differs, when the hold ends; an earlier telling gives way."""
    return _announce(event, AnnouncementKind.CHANGED, staff_id, now)


def event_cancelled(event: Event, *, staff_id: int | None, now: datetime) -> Announcement:
    """Tell everybody with a live RSVP and every speaker that it is off, when the hold ends."""
    return _announce(event, AnnouncementKind.CANCELLED, staff_id, now)


def _announce(
    event: Event, kind: AnnouncementKind, staff_id: int | None, now: datetime
) -> Announcement:
    db.session.execute(
        update(Announcement)
        .where(
            Announcement.event_id == event.id,
            Announcement.state.in_((AnnouncementState.HELD, AnnouncementState.SENDING))
            if kind is AnnouncementKind.CANCELLED
            else Announcement.state == AnnouncementState.HELD,
        )
        .values(state=AnnouncementState.SUPERSEDED, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    announcement = Announcement(
        event_id=event.id,
        staff_id=staff_id,
        kind=kind,
        state=AnnouncementState.HELD,
        edition=event.edition,
        token=secrets.token_hex(16),
        created_at=now,
        due_at=now + HOLD,
    )
    db.session.add(announcement)
    return announcement
