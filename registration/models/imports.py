"""A list that staff have sent and not yet taken in."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.database import Base
from registration.models.events import Event


class ImportKind(enum.StrEnum):
    """What the rows of a list become."""

    INVITEES = "invitees"
    RSVPS = "rsvps"


class PendingImport(Base):
    """A list between its dry run and its import: one account's, for one event, for a day.

    It is a row rather than a file, so that any machine can go on with it. `plan` is how staff
    matched the columns and what they chose (of fates.Plan).
    """

    __tablename__ = "pending_imports"
    __table_args__ = (Index("ix_pending_imports_age", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    kind: Mapped[ImportKind]
    file_name: Mapped[str]
    reading: Mapped[str] = mapped_column(default="")  # "UTF-8, separated by semicolons"
    cells: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # compressed JSON
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]

    event: Mapped[Event] = relationship()
