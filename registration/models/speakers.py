"""The people on the programme."""

from __future__ import annotations

import enum
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from registration.database import Base
from registration.folding import folded_lines
from registration.models.events import Event
from registration.models.options import AttendanceMode

_SHORTEST = timedelta(minutes=15)


class SpeakerRole(enum.StrEnum):
    """What a person does at the event."""

    SPEAKER = "speaker"
    MODERATOR = "moderator"
    HOST = "host"


class SpeakerStatus(enum.StrEnum):
    """Whether a person has been asked, and what they said."""

    NOT_INVITED = "not_invited"
    INVITED = "invited"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"  # staff took the invitation back


class Speaker(Base):
    """A person on the programme of an event: speaker, moderator or host."""

    __tablename__ = "speakers"
    __table_args__ = (
        UniqueConstraint("event_id", "position"),
        CheckConstraint("email = lower(email)", name="email_lowercase"),
        CheckConstraint("slot_ends_at > slot_starts_at", name="slot_ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    position: Mapped[int]
    role: Mapped[SpeakerRole] = mapped_column(default=SpeakerRole.SPEAKER)
    name: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    affiliation: Mapped[str] = mapped_column(default="")
    bio: Mapped[str] = mapped_column(default="")
    photo: Mapped[str] = mapped_column(default="")  # a file in the upload folder

    email: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    key: Mapped[str] = mapped_column(unique=True)  # opens their page
    status: Mapped[SpeakerStatus] = mapped_column(default=SpeakerStatus.NOT_INVITED)
    invited_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answer_by: Mapped[datetime | None]
    mode: Mapped[AttendanceMode] = mapped_column(
        default=AttendanceMode.IN_PERSON
    )  # where they speak from
    call_at: Mapped[datetime | None]
    slot_starts_at: Mapped[datetime | None]  # none: the whole event
    slot_ends_at: Mapped[datetime | None]
    room: Mapped[str] = mapped_column(default="")  # where to be at call time
    green_room_url: Mapped[str] = mapped_column(default="")
    pronunciation: Mapped[str] = mapped_column(default="")
    needs: Mapped[str] = mapped_column(default="")
    releases_recording: Mapped[bool] = mapped_column(default=False)

    ical_uid: Mapped[str] = mapped_column(unique=True)
    ical_sequence: Mapped[int] = mapped_column(default=-1)
    # What their last calendar part said of time and place; empty: none was written yet.
    told: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    updated_at: Mapped[datetime | None]
    search_text: Mapped[str] = mapped_column(default="", server_default="", deferred=True)

    event: Mapped[Event] = relationship()

    @validates("name", "affiliation")
    def _keep_search_text(self, key: str, value: str) -> str:
        parts = {"name": self.name, "affiliation": self.affiliation} | {key: value}
        self.search_text = folded_lines(*parts.values())
        return value

    @validates("email")
    def _end_link(self, _key: str, value: str) -> str:
        """End the link that an address before has: whoever reads its mail may be a stranger."""
        if self.email and self.email != value:
            self.key = secrets.token_urlsafe(24)
        return value

    def touch(self, now: datetime) -> None:
        """Note when something was changed that their calendar may show."""
        self.updated_at = now

    @property
    def position_line(self) -> str:
        """Title and affiliation as one line: "Head of Mission, EULEX Kosovo"."""
        return ", ".join(part for part in (self.title, self.affiliation) if part)

    @property
    def is_moderator(self) -> bool:
        """Whether this person moderates."""
        return self.role is SpeakerRole.MODERATOR

    @property
    def begins_at(self) -> datetime:
        """When they are needed: call time, else their slot, else the start."""
        return self.call_at or self.slot_starts_at or self.event.starts_at

    @property
    def finishes_at(self) -> datetime:
        """When they may go: the end of their slot, else of the event.

        Always after they are needed: an event that was shortened may end before their call time,
        and calendars refuse an entry that ends before it begins.
        """
        return max(self.slot_ends_at or self.event.ends_at, self.begins_at + _SHORTEST)

    @property
    def own_part(self) -> tuple[datetime, datetime] | None:
        """Start and end of their slot, where they are wanted before it.

        Without a call time it is what begins_at and finishes_at say.
        """
        if self.call_at and self.slot_starts_at and self.slot_ends_at:
            return self.slot_starts_at, self.slot_ends_at
        return None

    @property
    def is_asked(self) -> bool:
        """Whether they were invited, and have not said no."""
        return self.status in (SpeakerStatus.INVITED, SpeakerStatus.CONFIRMED)

    @property
    def is_online(self) -> bool:
        """Whether they speak from elsewhere, and have no room to go to first."""
        return self.mode is AttendanceMode.VIRTUAL and not self.room
