"""The audit log: who did what, when, from where."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import Any

from registration.database import db
from registration.models import AuditEntry, Rsvp

#: The network address of the member of staff who acts; the web floor sets it, for staff alone.
came_from: ContextVar[str] = ContextVar("came_from", default="")


def record(
    action: str,
    *,
    now: datetime,
    actor: str = "attendee",
    staff_id: int | None = None,
    event_id: int | None = None,
    rsvp: Rsvp | None = None,
    network: str = "",
    **detail: Any,
) -> None:
    """Add one entry in the caller's transaction. `detail` must be fit for JSON."""
    db.session.add(
        AuditEntry(
            at=now,
            action=action,
            actor="staff" if staff_id else actor,
            staff_id=staff_id,
            event_id=rsvp.event_id if rsvp else event_id,
            rsvp_id=rsvp.id if rsvp else None,
            network=network or (came_from.get() if staff_id else ""),
            detail=detail,
        )
    )
