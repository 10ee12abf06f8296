"""The staff's daily digest of cancellations and of mails that failed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import func, or_, select

from registration import emails
from registration.database import db, transaction
from registration.models import (
    AuditEntry,
    Event,
    MailKind,
    MailState,
    OutboxMail,
    Role,
    Staff,
    StaffRole,
    staff_events,
)


def due_on(now: datetime) -> str | None:
    """The day whose digest is due, as "2026-12-06"; None before the hour of the day."""
    local = now.astimezone(ZoneInfo(current_app.config["DIGEST_TIME_ZONE"]))
    return local.date().isoformat() if local.hour >= current_app.config["DIGEST_HOUR"] else None


def send(day: str, *, now: datetime) -> int:
    """Mail each organiser what their events had until the hour of this day, and admins that of all.

    That is from the digest before on: no day without a worker is left out. How many mails. Nobody
    is mailed about nothing, and nobody twice about one day; and nobody who has not taken up an
    account: its invitation may have gone to a stranger.
    """
    with transaction():
        last = _last()
        if last is not None and f".{day}:" in last.key:
            return 0
        day_before, until = _day_until(day)
        since = _told_until(last) if last else day_before
        news = _news(since, until)
        # In most weeks there are days without news, and no mail: "yesterday" is what was.
        is_late = since < day_before and news != _news(day_before, until)
        accounts = db.session.scalars(
            select(Staff)
            .where(
                Staff.active,
                or_(Staff.password.is_not(None), Staff.webauthn.any()),
                Staff.roles.any(Role.name.in_([StaffRole.ADMIN, StaffRole.ORGANISER])),
            )
            .order_by(Staff.id)
        ).all()
        written = 0
        for account in accounts:
            mine = _of(account, news)
            if mine:
                emails.staff_digest(
                    account,
                    f"digest.{account.id}.{day}",
                    events=mine,
                    since=since if is_late else None,
                    until=until,
                    now=now,
                )
                written += 1
        return written


def _day_until(day: str) -> tuple[datetime, datetime]:
    """From the digest's hour on the day before to that of this day, as clocks on the wall show it.

    Whenever a worker comes to it, no day has a gap to the next, and nothing is told twice.
    """
    until = _hour_of(date.fromisoformat(day))
    return until - timedelta(days=1), until


def _hour_of(day: date) -> datetime:
    hour = time(current_app.config["DIGEST_HOUR"])
    return datetime.combine(day, hour, ZoneInfo(current_app.config["DIGEST_TIME_ZONE"]))


def _last() -> OutboxMail | None:
    """The latest digest of anybody; days without any, since nothing had happened, were told too."""
    return db.session.scalar(
        select(OutboxMail)
        .where(
            OutboxMail.kind == MailKind.STAFF,
            OutboxMail.key.startswith(f"{MailKind.STAFF}:digest."),
        )
        # From the latest mail back, which is soon at one of yesterday.
        .order_by(OutboxMail.id.desc())
        .limit(1)
    )


def _told_until(digest: OutboxMail) -> datetime:
    """Until when a digest told what there was: the hour of a day may have been another one then."""
    zone = ZoneInfo(current_app.config["DIGEST_TIME_ZONE"])
    if "told_until" in digest.facts:
        return datetime.fromisoformat(digest.facts["told_until"]).astimezone(zone)
    return _hour_of(digest.created_at.astimezone(zone).date())


def _news(since: datetime, until: datetime) -> dict[int | None, dict[str, Any]]:
    """Numbers of this time, by event; None stands for mails of no event."""
    cancelled = db.session.execute(
        select(AuditEntry.event_id, func.count())
        .where(
            AuditEntry.action == "rsvp.cancelled",
            AuditEntry.at >= since,
            AuditEntry.at < until,
        )
        .group_by(AuditEntry.event_id)
    ).all()
    failed = db.session.execute(
        select(OutboxMail.event_id, func.count())
        .where(
            OutboxMail.state == MailState.FAILED,
            OutboxMail.ended_at >= since,
            OutboxMail.ended_at < until,
        )
        .group_by(OutboxMail.event_id)
    ).all()
    counts = {key: {"cancelled": 0, "failed": 0} for key, _ in [*cancelled, *failed]}
    for word, rows in (("cancelled", cancelled), ("failed", failed)):
        for event_id, number in rows:
            counts[event_id][word] = number
    events = db.session.scalars(
        select(Event)
        .where(Event.id.in_([key for key in counts if key is not None]))
        .order_by(Event.starts_at)
    ).all()
    news: dict[int | None, dict[str, Any]] = {
        event.id: {"title": event.title, "slug": event.slug} | counts[event.id] for event in events
    }
    if None in counts:
        name = str(current_app.config["ORGANISATION_NAME"])
        news[None] = {"title": name, "slug": ""} | counts[None]
    return news


def _of(account: Staff, news: dict[int | None, dict[str, Any]]) -> list[dict[str, Any]]:
    if account.is_admin:
        return list(news.values())
    own = set(
        db.session.scalars(
            select(staff_events.c.event_id).where(staff_events.c.staff_id == account.id)
        )
    )
    return [item for event_id, item in news.items() if event_id in own]
