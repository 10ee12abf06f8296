"""What hangs on the start of an event, and moves with it by the clock on the wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from registration import audit
from registration.database import db
from registration.models import (
    AgendaItem,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    Mailing,
    MailingState,
    Speaker,
)

#: Times of the event's row that move with its start.
OF_EVENT = ("doors_at", "registration_closes_at", "promotion_closes_at")


def shift(
    event: Event,
    starts_at: datetime,
    time_zone: str,
    given: Mapping[str, Any] = {},
    *,
    now: datetime,
) -> None:
    """Move what hangs on the start to its new time, in the caller's transaction.

    What is `given` a new value anyway stays untouched. The event's own start is the caller's to
    change afterwards. A programme from 10:15 on stays 15 minutes after the start, also across a
    change to or from daylight saving time. When RSVPs open stays as it was announced; of a draft,
    a copy above all, it moves too.
    """
    moved = _mover(event, starts_at, time_zone)
    is_draft = event.status is EventStatus.DRAFT
    of_event = (*OF_EVENT, "registration_opens_at") if is_draft else OF_EVENT
    rows: list[tuple[Any, tuple[str, ...]]] = [
        (event, tuple(name for name in of_event if name not in given))
    ]
    of_rows: dict[Any, tuple[str, ...]] = {
        AgendaItem: ("starts_at",),
        Speaker: ("call_at", "slot_starts_at", "slot_ends_at"),
        AttendanceOption: ("opens_at", "closes_at") if is_draft else ("closes_at",),
    }
    for model, names in of_rows.items():
        found = db.session.scalars(select(model).where(model.event_id == event.id))
        rows += [(row, names) for row in found]
    for row, names in rows:
        for name in names:
            if (at := getattr(row, name)) is not None:
                setattr(row, name, moved(at))
    for mailing, due_at in messages(event, starts_at, time_zone, now=now):
        _postpone(mailing, due_at, now=now)


def messages(
    event: Event, starts_at: datetime, time_zone: str, *, now: datetime
) -> list[tuple[Mailing, datetime | None]]:
    """The scheduled messages of an event, and when each goes if the event starts then.

    None for one whose time would have passed: "see you tomorrow" must not go a week too late, so
    staff decide anew.
    """
    moved = _mover(event, starts_at, time_zone)
    scheduled = select(Mailing).where(
        Mailing.event_id == event.id, Mailing.state == MailingState.SCHEDULED
    )
    found = []
    for mailing in db.session.scalars(scheduled.order_by(Mailing.due_at, Mailing.id)):
        assert mailing.due_at is not None
        due_at = moved(mailing.due_at)
        found.append((mailing, due_at if due_at > now else None))
    return found


def kept_back(event_id: int) -> set[int]:
    """The drafts that were to go by themselves, did not, and were not written on since."""
    entries = db.session.execute(
        select(AuditEntry.at, AuditEntry.detail).where(
            # The sum leaves the index of the event, which is long, for that of the actions.
            AuditEntry.event_id + 0 == event_id,
            AuditEntry.action == "mailing.kept_back",
        )
    )
    kept_at = {detail["mailing"]: at for at, detail in entries}
    drafts = db.session.execute(
        select(Mailing.id, Mailing.updated_at).where(
            Mailing.id.in_(kept_at), Mailing.state == MailingState.DRAFT
        )
    )
    return {number for number, updated_at in drafts if updated_at <= kept_at[number]}


def _postpone(mailing: Mailing, due_at: datetime | None, *, now: datetime) -> None:
    mailing.due_at = due_at
    if due_at is None:
        mailing.state, mailing.updated_at = MailingState.DRAFT, now
    audit.record(
        "mailing.moved" if due_at else "mailing.kept_back",
        now=now,
        actor="system",
        event_id=mailing.event_id,
        mailing=mailing.id,
        subject=mailing.subject,
        at=due_at.isoformat() if due_at else None,
    )


def _mover(event: Event, starts_at: datetime, time_zone: str) -> Callable[[datetime], datetime]:
    """What the clock on the wall shows, as much later as it shows for the start."""
    old_zone, new_zone = event.zone, ZoneInfo(time_zone)
    distance = _wall(starts_at, new_zone) - _wall(event.starts_at, old_zone)

    def moved(at: datetime) -> datetime:
        wall = _wall(at, old_zone)
        # Of an hour that the clocks show twice a sum forgets which of the two it is.
        return (wall + distance).replace(tzinfo=new_zone, fold=wall.fold)

    return moved


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows."""
    return at.astimezone(zone).replace(tzinfo=None)
