"""The columns of exports that staff keep under a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select

from registration import audit
from registration.database import db, transaction
from registration.models import Event, ExportSet


def save(
    *, staff_id: int, event_id: int | None, name: str, columns: Sequence[str], now: datetime
) -> ExportSet:
    """Keep columns under a name, in the place of what had that name; of one event or of all."""
    with transaction():
        found = db.session.scalars(
            select(ExportSet).where(
                ExportSet.staff_id == staff_id,
                ExportSet.event_id == event_id,
                ExportSet.name == name,
            )
        ).one_or_none()
        kept = found or ExportSet(staff_id=staff_id, event_id=event_id, name=name, created_at=now)
        kept.columns = list(columns)
        db.session.add(kept)
        audit.record("export.set_saved", now=now, staff_id=staff_id, event_id=event_id, name=name)
    return kept


def delete(*, set_id: int, staff_id: int, now: datetime) -> None:
    """Throw away columns that this account saved. Somebody else's stay."""
    with transaction():
        found = db.session.get(ExportSet, set_id)
        if found is not None and found.staff_id == staff_id:
            db.session.delete(found)
            audit.record("export.set_deleted", now=now, staff_id=staff_id, name=found.name)


def of(event: Event, staff_id: int) -> list[ExportSet]:
    """The columns that an account saved for this event or for all."""
    return list(
        db.session.scalars(
            select(ExportSet)
            .where(
                ExportSet.staff_id == staff_id,
                or_(ExportSet.event_id == event.id, ExportSet.event_id.is_(None)),
            )
            .order_by(ExportSet.name)
        )
    )
