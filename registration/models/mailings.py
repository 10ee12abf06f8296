"""Mailings: what staff write to a segment of the attendees, and who wants no more of them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    exists,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.database import Base
from registration.models.events import Event, EventStatus
from registration.models.staff import Staff


class MailingState(enum.StrEnum):
    """What staff decided; how far it has got follows from the time and the outbox."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"  # whom it reaches is settled when it is due
    RELEASED = "released"  # its mails are in the outbox: held, going out, or gone
    STOPPED = "stopped"  # staff took back what had not gone


class Mailing(Base):
    """A mail of staff to those attendees of an event whom its segment names.

    Text and segment of one that is released or scheduled never change; who has left the segment
    when a mail's turn comes is not mailed. `due_at` is when it may go; until then it can be undone,
    and is a draft again. `generation` counts its releases.
    """

    __tablename__ = "mailings"
    __table_args__ = (
        CheckConstraint("(state = 'draft') = (due_at IS NULL)", name="due_once_released"),
        Index("ix_mailings_event", "event_id", "id"),
        Index(
            "ix_mailings_scheduled",
            "due_at",
            sqlite_where=text("state = 'scheduled'"),
            postgresql_where=text("state = 'scheduled'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    state: Mapped[MailingState] = mapped_column(default=MailingState.DRAFT)
    subject: Mapped[str]
    body: Mapped[str]  # Markdown with {fields}
    segment: Mapped[dict[str, Any]] = mapped_column(default=dict)  # of segments.Segment
    generation: Mapped[int] = mapped_column(default=0)
    recipients: Mapped[int] = mapped_column(default=0)  # how many it was released to
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    due_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()
    staff: Mapped[Staff | None] = relationship()

    @property
    def is_draft(self) -> bool:
        """Whether it can still be written on."""
        return self.state is MailingState.DRAFT

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for a time that staff have set."""
        return self.state is MailingState.SCHEDULED

    def is_held(self, now: datetime) -> bool:
        """Whether it is released and can still be undone."""
        return self.state is MailingState.RELEASED and self.due_at is not None and now < self.due_at

    def is_too_late(self, now: datetime) -> bool:
        """Whether it was to be read before the event, which is over by now."""
        is_over = self.event.is_past(now)
        return is_over and self.due_at is not None and self.due_at < self.event.starts_at

    @property
    def is_overtaken(self) -> bool:
        """Whether the event is no longer what it was when this was released or scheduled."""
        if self.event.status is EventStatus.CANCELLED:
            return self.event.cancelled_at is None or self.event.cancelled_at > self.updated_at
        return self.event.status is EventStatus.DRAFT


class Unsubscribe(Base):
    """An address that wants no mailings and no invitations.

    Of one event, or of none at all (no `event_id`).
    """

    __tablename__ = "unsubscribes"
    __table_args__ = (
        UniqueConstraint("email", "event_id"),
        # To a unique constraint, NULLs differ from each other.
        Index(
            "uq_unsubscribes_all",
            "email",
            unique=True,
            sqlite_where=text("event_id IS NULL"),
            postgresql_where=text("event_id IS NULL"),
        ),
        CheckConstraint("email = lower(email)", name="email_lowercase"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]

    @classmethod
    def silences(cls, email: Any, event_id: int) -> ColumnElement[bool]:
        """The condition that an address, a column's or one given, wants no mail of this event."""
        return exists().where(cls.email == email, cls._is_of(event_id))

    @classmethod
    def addresses(cls, event_id: int) -> Select[str]:
        """Every address that wants no mail of this event."""
        return select(cls.email).where(cls._is_of(event_id))

    @classmethod
    def _is_of(cls, event_id: int) -> ColumnElement[bool]:
        return or_(cls.event_id.is_(None), cls.event_id == event_id)
