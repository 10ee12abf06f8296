"""What has been erased of an event, and when."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base


class ErasureKind(enum.StrEnum):
    """What goes."""

    SENSITIVE = "sensitive"  # access needs and sensitive answers
    PERSONAL = "personal"  # all that is about a person


class Erasure(Base):
    """One erasure of an event's data, once its date has come.

    It is done some dozen RSVPs at a time, each time in the transaction that notes how far it
    is; a worker that is killed leaves nothing out. An event that is moved and held again has
    another one. `needs` counts the access needs that were erased, so that their numbers stay.
    """

    __tablename__ = "erasures"
    __table_args__ = (UniqueConstraint("event_id", "kind", "ends_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    kind: Mapped[ErasureKind]
    ends_at: Mapped[datetime]  # of the event, when the erasure became due
    reached_id: Mapped[int] = mapped_column(default=0)  # RSVPs up to this one have been seen
    rsvps: Mapped[int] = mapped_column(default=0)  # how many had something to erase
    needs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
