"""What is mailed by the clock: each round of reminders once, and that RSVPs are open."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base


class RoundKind(enum.StrEnum):
    """What a round of mails is about."""

    DAY_BEFORE = "day"
    HOUR_BEFORE = "hour"
    SPEAKERS = "speakers"
    FOLLOW_UP = "follow_up"
    QUEUE_CLOSED = "queue_closed"


class ReminderRound(Base):
    """One round of mails to all of an event. An event that moves has rounds of its new start.

    It is written some hundred RSVPs at a time, each time in the transaction that notes how far
    it is; a worker that is killed leaves nothing out and nothing twice.
    """

    __tablename__ = "reminder_rounds"
    __table_args__ = (UniqueConstraint("event_id", "kind", "starts_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    kind: Mapped[RoundKind]
    # Of the event when the round became due, or when its queue closed then.
    starts_at: Mapped[datetime]
    reached_id: Mapped[int] = mapped_column(default=0)  # RSVPs up to this one have been seen
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OpeningReminder(Base):
    """An address that asked to be told when an event's RSVPs open. It goes when it is told."""

    __tablename__ = "opening_reminders"
    __table_args__ = (
        UniqueConstraint("event_id", "email"),
        CheckConstraint("email = lower(email)", name="email_lowercase"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    email: Mapped[str]
    language: Mapped[str]
    created_at: Mapped[datetime]
