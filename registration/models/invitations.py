"""Invitations: to one person, or by a code to a group."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from registration.database import Base
from registration.models.events import Event
from registration.models.rsvps import NO_KEY, search_text


class InvitationStatus(enum.StrEnum):
    """What became of an invitation."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Invitation(Base):
    """A personal invitation to one event. Never confuse it with the calendar's REQUEST."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("event_id", "email"),
        CheckConstraint("email = lower(email)", name="email_lowercase"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    organisation: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    key: Mapped[str] = mapped_column(unique=True)
    status: Mapped[InvitationStatus] = mapped_column(default=InvitationStatus.OPEN)
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]  # last, by staff
    search_text: Mapped[str] = mapped_column(default="", server_default="", deferred=True)

    event: Mapped[Event] = relationship()

    @validates("name", "email", "organisation")
    def _keep_search_text(self, key: str, value: str) -> str:
        parts = {"name": self.name, "email": self.email, "organisation": self.organisation}
        self.search_text = search_text(**parts | {key: value})
        return value

    @property
    def is_erased(self) -> bool:
        """Whether it says no longer who was invited; it counts, and cannot be answered."""
        return self.key.startswith(NO_KEY)


class InvitationCode(Base):
    """A code that lets a group in, a number of times."""

    __tablename__ = "invitation_codes"
    __table_args__ = (
        UniqueConstraint("event_id", "code"),
        CheckConstraint("uses >= 0 AND uses <= uses_max", name="uses_within_limit"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    code: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    uses_max: Mapped[int]
    uses: Mapped[int] = mapped_column(default=0)

    event: Mapped[Event] = relationship()
