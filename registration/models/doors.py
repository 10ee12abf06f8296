"""What the door of an event has counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Connection, ForeignKey, event, select, update
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base
from registration.models.rsvps import Attendee, Rsvp


class Door(Base):
    """How many are in at an event.

    A counter over its attendees, changed by arrivals.py alone, and where an attendee is deleted.
    It has a row of its own, so that who is let in waits for nobody who answers an RSVP. An event
    without one has nobody in. Nobody came in later than `last_at`.
    """

    __tablename__ = "doors"
    __table_args__ = (CheckConstraint("inside >= 0", name="inside_not_negative"),)

    event_id: Mapped[int] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    inside: Mapped[int]
    last_at: Mapped[datetime]


@event.listens_for(Attendee, "after_delete")
def _attendee_went(_mapper: Any, connection: Connection, person: Attendee) -> None:
    """A guest who is taken off an RSVP is in no more."""
    if person.checked_in_at is not None:
        of = select(Rsvp.event_id).where(Rsvp.id == person.rsvp_id).scalar_subquery()
        connection.execute(update(Door).where(Door.event_id == of).values(inside=Door.inside - 1))
