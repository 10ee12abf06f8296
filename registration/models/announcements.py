"""What calendar entries say of an event, edition by edition, and the telling of a new one."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.database import Base
from registration.models.events import Event


class EventEdition(Base):
    """What the calendar entries of an event say; a new one whenever that differs.

    Each RSVP knows the edition it was last told, so that "old → new" is true for each.
    """

    __tablename__ = "event_editions"
    __table_args__ = (UniqueConstraint("event_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    number: Mapped[int]
    facts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class AnnouncementKind(enum.StrEnum):
    """What everybody is told."""

    CHANGED = "changed"
    CANCELLED = "cancelled"


class AnnouncementState(enum.StrEnum):
    """Where the telling stands."""

    HELD = "held"  # waits for its hour, and can be taken back
    SENDING = "sending"  # the worker writes the mails
    SENT = "sent"  # all mails are in the outbox
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"  # a later change, or the event's end, came before it went


class Announcement(Base):
    """One telling of a change to all whose calendar entries differ by it.

    It is one row until its hold ends; then the worker writes the mails, some thousand RSVPs at
    a time, and notes how far it is.
    """

    __tablename__ = "announcements"
    __table_args__ = (
        Index("ix_announcements_event", "event_id", "id"),
        Index(
            "ix_announcements_due",
            "due_at",
            sqlite_where=text("state IN ('held', 'sending')"),
            postgresql_where=text("state IN ('held', 'sending')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    kind: Mapped[AnnouncementKind]
    state: Mapped[AnnouncementState] = mapped_column(default=AnnouncementState.HELD)
    edition: Mapped[int]
    token: Mapped[str] = mapped_column(unique=True)  # begins the Message-IDs of its mails
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    reached_rsvp_id: Mapped[int] = mapped_column(default=0)  # RSVPs up to this one have been seen
    attendees: Mapped[int] = mapped_column(default=0)  # mailed, or to be mailed while it waits
    speakers: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()
