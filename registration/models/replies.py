"""What calendars answered by mail."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base


class ReplyState(enum.StrEnum):
    """What became of a reply."""

    APPLIED = "applied"
    # It changed nothing: it is late, older than another, of an event that is over, or was read.
    NOTED = "noted"
    ASKED = "asked"  # it may not be theirs: the address was mailed its link instead
    ODD = "odd"  # a counter-proposal, a delegation or the like: it waits until people read it


class CalendarReply(Base):
    """One reply of one calendar to the entry of an RSVP. The same reply twice is one row."""

    __tablename__ = "calendar_replies"
    __table_args__ = (
        UniqueConstraint("rsvp_id", "digest"),
        # The few that staff are to read, among all that ever came.
        Index(
            "ix_calendar_replies_odd",
            "rsvp_id",
            sqlite_where=text("state = 'odd'"),
            postgresql_where=text("state = 'odd'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvps.id", ondelete="CASCADE"))
    digest: Mapped[str]
    state: Mapped[ReplyState]
    partstat: Mapped[str]
    sequence: Mapped[int | None]
    stamped_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(default="")
    # When a counter-proposal would have it.
    proposed_starts_at: Mapped[datetime | None]
    proposed_ends_at: Mapped[datetime | None]
    # Who is to come in their place, where they say so.
    delegated_to: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime]
