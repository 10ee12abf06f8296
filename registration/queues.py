"""Where a waiting party stands."""

from __future__ import annotations

from sqlalchemy import func, select

from registration.database import db
from registration.models import AttendanceOption, Rsvp


def ahead_of(rsvp: Rsvp) -> int:
    """How many parties stand before a waiting one."""
    before = (
        select(func.count())
        .select_from(Rsvp)
        .where(
            Rsvp.waits_for_option_id == rsvp.waits_for_option_id,
            Rsvp.waiting_number < rsvp.waiting_number,
        )
    )
    return db.session.scalar(before) or 0


def position_of(rsvp: Rsvp) -> tuple[int, int]:
    """How many parties stand before and behind a waiting one."""
    ahead = ahead_of(rsvp)
    waiting = db.session.scalar(
        select(AttendanceOption.waiting).where(AttendanceOption.id == rsvp.waits_for_option_id)
    )
    return ahead, max(0, (waiting or 0) - ahead - 1)
