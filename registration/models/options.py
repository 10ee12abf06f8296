"""The ways to attend an event, and how many seats each has."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.database import Base
from registration.models.events import Event, RegistrationKind


class AttendanceMode(enum.StrEnum):
    """How a person attends."""

    IN_PERSON = "in_person"
    VIRTUAL = "virtual"


class AttendanceOption(Base):
    """One way to attend an event, with seats of its own.

    `seats_taken` and `waiting` are counters over RSVPs, changed only by seating.py. `extra_seats`
    is how far staff have let the counter pass the capacity; nobody else can.
    """

    __tablename__ = "attendance_options"
    __table_args__ = (
        UniqueConstraint("event_id", "position"),
        CheckConstraint("capacity >= 0", name="capacity_not_negative"),
        CheckConstraint("seats_taken >= 0", name="seats_not_negative"),
        CheckConstraint("waiting >= 0", name="waiting_not_negative"),
        CheckConstraint("extra_seats >= 0", name="extra_seats_not_negative"),
        CheckConstraint("seats_taken <= capacity + extra_seats", name="never_overbooked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    position: Mapped[int]
    mode: Mapped[AttendanceMode]
    label: Mapped[str] = mapped_column(default="")  # empty: the mode's own name
    note: Mapped[str] = mapped_column(default="")
    capacity: Mapped[int | None]  # none: no limit
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    needs_approval: Mapped[bool] = mapped_column(default=False)
    seats_taken: Mapped[int] = mapped_column(default=0)
    extra_seats: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[int] = mapped_column(default=0)  # parties in the queue
    last_waiting_number: Mapped[int] = mapped_column(default=0)

    event: Mapped[Event] = relationship()

    @property
    def is_virtual(self) -> bool:
        """Whether one watches rather than sits in the room."""
        return self.mode is AttendanceMode.VIRTUAL

    @property
    def seats_left(self) -> int | None:
        """Seats that are free, never below zero; None: no limit."""
        return None if self.capacity is None else max(0, self.capacity - self.seats_taken)

    def has_room_for(self, party_size: int) -> bool:
        """Whether a party may sit down now: seats are free and nobody waits before it."""
        return self.waiting == 0 and self.fits(party_size)

    def could_seat(self, party_size: int) -> bool:
        """Whether a party could ever sit down, were nobody else there.

        Where there are no seats at all it could: they are still to come, and one waits for them.
        """
        return not self.capacity or party_size <= self.capacity

    def fits(self, party_size: int) -> bool:
        """Whether so many seats are free, whoever waits."""
        return self.capacity is None or self.seats_taken + party_size <= self.capacity

    @property
    def is_full(self) -> bool:
        """Whether the next person to come would have to wait."""
        return not self.has_room_for(1)

    def opens_for(self, event: Event) -> datetime | None:
        """When this option opens, of its own window and the event's the later."""
        opens = [at for at in (self.opens_at, event.registration_opens_at) if at is not None]
        return max(opens, default=None)

    def closes_for(self, event: Event) -> datetime:
        """When this option closes, of its own window and the event's the earlier."""
        return min(self.closes_at or event.accepts_until, event.accepts_until)

    def has_opened(self, now: datetime) -> bool:
        """Whether its own window has opened, whatever the event's does."""
        return self.opens_at is None or self.opens_at <= now

    def has_closed(self, now: datetime) -> bool:
        """Whether its own window has closed, whatever the event's does."""
        return self.closes_at is not None and self.closes_at <= now

    def is_open(self, event: Event, now: datetime) -> bool:
        """Whether this option takes RSVPs now."""
        opens_at = self.opens_for(event)
        return (opens_at is None or opens_at <= now) and now < self.closes_for(event)

    def lets_watch_instead(self, party_size: int, now: datetime) -> bool:
        """Whether who has an RSVP may watch instead, while the event takes place.

        The stream's own window counts, not the event's. What is offered; admission.check_move
        decides by the same window, and says why not.
        """
        is_open = self.has_opened(now) and not self.has_closed(now)
        may_watch = self.is_virtual and is_open and not self.needs_approval
        return may_watch and self.has_room_for(party_size)

    def is_watched(self, event: Event) -> bool:
        """Whether it is a stream that somebody watches here, or can ask for: not elsewhere."""
        is_here = event.registration is RegistrationKind.BUILT_IN
        return self.is_virtual and (is_here or self.seats_taken > 0)

    def is_offered(self, event: Event, now: datetime) -> bool:
        """Whether it can be chosen now: it is open, and has room or a queue that still moves."""
        leads_nowhere = self.is_full and not self.needs_approval and now >= event.promotes_until
        return self.is_open(event, now) and not leads_nowhere
