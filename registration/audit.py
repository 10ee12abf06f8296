"""The audit log: who did what, when, from where."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sqlalchemy import select

from registration import rowsets
from registration.database import db
from registration.models import AuditEntry, Rsvp
from registration.writing import write_rows

#: The network address of the member of staff who acts; the web floor sets it, for staff alone.
came_from: ContextVar[str] = ContextVar("came_from", default="")

_EXPORTS = ("export.csv", "export.json", "export.xlsx")


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
    entry = {
        "at": now,
        "action": action,
        "actor": "staff" if staff_id else actor,
        "staff_id": staff_id,
        "event_id": rsvp.event_id if rsvp else event_id,
        "rsvp_id": rsvp.id if rsvp else None,
        "network": network or (came_from.get() if staff_id else ""),
        "detail": detail,
    }
    write_rows(AuditEntry, [entry])


def record_many(
    action: str,
    details: Mapping[int, dict[str, Any]],
    *,
    now: datetime,
    actor: str,
    staff_id: int | None,
    event_id: int,
) -> None:
    """One entry for each of these RSVPs of an event, with its detail. In the caller's transaction.

    All by one statement, whatever their number.
    """
    rowsets.write(
        AuditEntry,
        [{"rsvp_id": rsvp_id, "detail": detail} for rsvp_id, detail in details.items()],
        same={
            "at": now,
            "action": action,
            "actor": "staff" if staff_id else actor,
            "staff_id": staff_id,
            "event_id": event_id,
            "network": came_from.get() if staff_id else "",
        },
    )


def ending_of(rsvp: Rsvp) -> tuple[str, str]:
    """Who ended an RSVP, and what they gave as the reason, which its attendee was told too."""
    ended = AuditEntry.action.in_(("rsvp.cancelled", "rsvp.rejected"))
    said = select(AuditEntry).where(AuditEntry.rsvp_id == rsvp.id, ended)
    entry = db.session.scalar(said.order_by(AuditEntry.id.desc()).limit(1))
    return (entry.actor, str(entry.detail.get("reason", ""))) if entry else ("", "")


def is_address_corrected(rsvp: Rsvp) -> bool:
    """Whether staff have given an RSVP another address than it was sent with."""
    corrected = (AuditEntry.rsvp_id == rsvp.id) & (AuditEntry.action == "rsvp.address")
    return db.session.scalar(select(AuditEntry.id).where(corrected).limit(1)) is not None


def forget_searches(event_id: int) -> None:
    """Take what staff searched for out of an event's exports: it may be whoever is erased.

    In the caller's transaction.
    """
    exports = select(AuditEntry).where(
        # The sum leaves the index of the event, which is long, for that of the actions.
        AuditEntry.event_id + 0 == event_id,
        AuditEntry.action.in_(_EXPORTS),
    )
    for entry in db.session.scalars(exports):
        entry.detail = entry.detail | {"search": "", "answer": ""}
