"""RSVPs: one answer to one event, the people in it, and what they answered."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from registration.database import Base
from registration.folding import folded_lines
from registration.models.events import Event
from registration.models.options import AttendanceOption
from registration.models.questions import Question
from registration.models.staff import Staff


class RsvpStatus(enum.StrEnum):
    """Where an RSVP stands."""

    UNVERIFIED = "unverified"  # the address is to be confirmed first
    PENDING = "pending"  # staff are to approve it
    WAITLISTED = "waitlisted"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    DECLINED = "declined"  # an invited person said no
    REJECTED = "rejected"  # staff said no


#: An RSVP in one of these is the one live answer of its address.
LIVE = (
    RsvpStatus.UNVERIFIED,
    RsvpStatus.PENDING,
    RsvpStatus.WAITLISTED,
    RsvpStatus.CONFIRMED,
)
#: Live, and the address is known to be theirs: they can be written to, and moved.
ANSWERED = (RsvpStatus.PENDING, RsvpStatus.WAITLISTED, RsvpStatus.CONFIRMED)
#: How long an unconfirmed address holds its seats. HOLD is of what is told to many.
SEAT_HOLD = timedelta(minutes=30)

#: The source of an RSVP that was made at the door.
WALK_IN = "walk-in"
#: That of one which staff sent for somebody, and of one out of a list.
BY_STAFF, FROM_LIST = "staff", "import"
#: The end of the address of who gave none; RFC 2606 keeps .invalid from ever being one.
NO_ADDRESS = "@walk-in.invalid"
#: What stands in the place of a key that leads nowhere any more, before the number of its row.
#: No address of a page can hold the slash.
NO_KEY = "erased/"

_LIVE_SQL = text("status IN ('unverified', 'pending', 'waitlisted', 'confirmed')")
_WAITING_SQL = text("waits_for_option_id IS NOT NULL")


#: How much of a person can be searched: it must fit into an entry of an index.
_SEARCHED = 500


def search_text(
    name: str | None = "", email: str | None = "", organisation: str | None = ""
) -> str:
    """What the staff's search looks at; it begins with the name, and sorts by it."""
    return folded_lines(name, email, organisation)[:_SEARCHED]


class Rsvp(Base):
    """One answer to one event, for a party of one or more.

    `option_id` is the option whose seats it holds or asks for. `waits_for_option_id` is the one
    in whose queue it stands: the same option while waitlisted, another while the person holds a
    virtual place meanwhile. `waiting_number` orders that queue.
    """

    __tablename__ = "rsvps"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lowercase"),
        CheckConstraint("party_size >= 1", name="party_not_empty"),
        CheckConstraint(
            "CASE status WHEN 'confirmed' THEN seats_held = party_size"
            " WHEN 'unverified' THEN seats_held IN (0, party_size)"
            " ELSE seats_held = 0 END",
            name="seats_held_by_status",
        ),
        CheckConstraint(
            "(waits_for_option_id IS NULL) = (waiting_number IS NULL)",
            name="waits_with_number",
        ),
        CheckConstraint(
            "CASE status WHEN 'waitlisted' THEN waits_for_option_id IS NOT NULL"
            " WHEN 'confirmed' THEN waits_for_option_id IS NULL OR waits_for_option_id <> option_id"
            " ELSE waits_for_option_id IS NULL END",
            name="waits_by_status",
        ),
        # One live answer per address and event; ended ones stay as history.
        Index(
            "uq_rsvps_live_email",
            "event_id",
            "email",
            unique=True,
            sqlite_where=_LIVE_SQL,
            postgresql_where=_LIVE_SQL,
        ),
        Index(
            "uq_rsvps_queue",
            "waits_for_option_id",
            "waiting_number",
            unique=True,
            sqlite_where=_WAITING_SQL,
            postgresql_where=_WAITING_SQL,
        ),
        Index("ix_rsvps_list", "event_id", "status", "option_id"),
        # Two that hold all that the staff's list filters by: its pages are found in them alone.
        Index(
            "ix_rsvps_arrival",
            "event_id",
            "created_at",
            "id",
            "status",
            "option_id",
            "has_needs",
            "search_text",
        ),
        Index("ix_rsvps_search", "event_id", "search_text", "id", "status", "option_id"),
        Index(
            "ix_rsvps_needs",
            "event_id",
            "has_needs",
            "needs_step_free",
            "needs_sign_language",
            "needs_captions",
            "created_at",
            "id",
            "status",
            "option_id",
        ),
        Index("ix_rsvps_source", "event_id", "source", "status"),
        Index("ix_rsvps_organisation", "event_id", "organisation", "id"),
        # With the event: else SQLite reads all of an event's RSVPs to find one address.
        Index("ix_rsvps_email", "email", "event_id"),
        Index(
            "ix_rsvps_booked_by_email",
            "booked_by_email",
            sqlite_where=text("booked_by_email <> ''"),
            postgresql_where=text("booked_by_email <> ''"),
        ),
        Index(
            "ix_rsvps_hold",
            "hold_ends_at",
            sqlite_where=text("hold_ends_at IS NOT NULL"),
            postgresql_where=text("hold_ends_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    option_id: Mapped[int] = mapped_column(ForeignKey("attendance_options.id"))
    status: Mapped[RsvpStatus]
    party_size: Mapped[int] = mapped_column(default=1)
    seats_held: Mapped[int] = mapped_column(default=0)
    waits_for_option_id: Mapped[int | None] = mapped_column(ForeignKey("attendance_options.id"))
    waiting_number: Mapped[int | None]
    # Where to sit meanwhile, wished for by one who is not yet in the queue.
    meanwhile_option_id: Mapped[int | None] = mapped_column(ForeignKey("attendance_options.id"))
    hold_ends_at: Mapped[datetime | None]

    email: Mapped[str]
    name: Mapped[str]
    organisation: Mapped[str] = mapped_column(default="")
    job_title: Mapped[str] = mapped_column(default="")
    # An assistant who answered for this person, and has a copy of each mail.
    booked_by_name: Mapped[str] = mapped_column(default="")
    booked_by_email: Mapped[str] = mapped_column(default="")
    needs_step_free: Mapped[bool] = mapped_column(default=False)
    needs_sign_language: Mapped[bool] = mapped_column(default=False)
    needs_captions: Mapped[bool] = mapped_column(default=False)
    access_note: Mapped[str] = mapped_column(default="")
    # Whether any of the four above was asked for; kept by the row itself.
    has_needs: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Name, address and organisation without case and accents; kept by the row itself.
    search_text: Mapped[str] = mapped_column(default="", server_default="", active_history=True)
    language: Mapped[str] = mapped_column(default="en")
    consent_version: Mapped[str] = mapped_column(default="")
    consented_at: Mapped[datetime | None]
    wants_news: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(default="")  # where they came from
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    code_id: Mapped[int | None] = mapped_column(ForeignKey("invitation_codes.id"))

    manage_key: Mapped[str] = mapped_column(unique=True)  # changes and cancels; only in mail
    join_key: Mapped[str] = mapped_column(unique=True)  # opens the lobby; in the calendar
    ical_uid: Mapped[str] = mapped_column(unique=True)
    ical_sequence: Mapped[int] = mapped_column(default=-1)  # of the last calendar mail; -1: none
    # The edition of the event when they were last told how it is; none: the first.
    told_edition: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=0)  # counts its changes

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    # Since then nothing personal is in it; it counts, and no link leads to it.
    erased_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()
    option: Mapped[AttendanceOption] = relationship(foreign_keys=[option_id])
    waits_for: Mapped[AttendanceOption | None] = relationship(foreign_keys=[waits_for_option_id])
    # To read alone: who loads many RSVPs loads their people by one query.
    party: Mapped[list[Attendee]] = relationship(viewonly=True, order_by="Attendee.position")

    @validates("name", "email", "organisation")
    def _keep_search_text(self, key: str, value: str) -> str:
        parts = {"name": self.name, "email": self.email, "organisation": self.organisation}
        parts[key] = value
        self.search_text = search_text(**parts)
        return value

    @validates("needs_step_free", "needs_sign_language", "needs_captions", "access_note")
    def _keep_has_needs(self, key: str, value: bool | str) -> bool | str:
        needs = {
            "needs_step_free": self.needs_step_free,
            "needs_sign_language": self.needs_sign_language,
            "needs_captions": self.needs_captions,
            "access_note": self.access_note,
        }
        self.has_needs = any((needs | {key: value}).values())
        return value

    def touch(self, now: datetime) -> None:
        """Count a change."""
        self.revision += 1
        self.updated_at = now

    @property
    def has_address(self) -> bool:
        """Whether they can be mailed; a walk-in may have given no address."""
        return not self.email.endswith(NO_ADDRESS)

    @property
    def is_erased(self) -> bool:
        """Whether it says no longer who sent it."""
        return self.erased_at is not None

    @property
    def is_walk_in(self) -> bool:
        """Whether it was made at the door; the form may name any source, but has a consent."""
        return self.source == WALK_IN and self.consented_at is None

    @property
    def is_live(self) -> bool:
        """Whether it is the one live answer of its address."""
        return self.status in LIVE

    @property
    def is_confirmed(self) -> bool:
        """Whether it holds its seats for good."""
        return self.status is RsvpStatus.CONFIRMED

    @property
    def option_ids(self) -> tuple[int, ...]:
        """The options that it is about: the one that it asks for, and what it waits for."""
        wanted = self.waits_for_option_id
        return (self.option_id,) if wanted in (None, self.option_id) else (self.option_id, wanted)

    @property
    def watches_meanwhile(self) -> bool:
        """Whether it holds a place in one option and waits for another."""
        return self.is_confirmed and self.waits_for_option_id is not None


class Attendee(Base):
    """One person of an RSVP, with a ticket of their own. Position 0 is who answered."""

    __tablename__ = "attendees"
    __table_args__ = (
        UniqueConstraint("rsvp_id", "position"),
        Index(
            "ix_attendees_in",
            "rsvp_id",
            sqlite_where=text("checked_in_at IS NOT NULL"),
            postgresql_where=text("checked_in_at IS NOT NULL"),
        ),
        # The latest at the door, for the list of who came in last.
        Index(
            "ix_attendees_checked_in",
            "checked_in_at",
            sqlite_where=text("checked_in_at IS NOT NULL"),
            postgresql_where=text("checked_in_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvps.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(active_history=True)
    ticket_code: Mapped[str] = mapped_column(unique=True)  # eight characters, no hyphen
    checked_in_at: Mapped[datetime | None]
    checked_in_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("staff.id", ondelete="SET NULL")
    )
    joined_at: Mapped[datetime | None]  # when they first entered the stream

    rsvp: Mapped[Rsvp] = relationship()
    checked_in_by: Mapped[Staff | None] = relationship()

    @property
    def spoken_code(self) -> str:
        """The ticket code as people read it: K7QM-2F4P."""
        return f"{self.ticket_code[:4]}-{self.ticket_code[4:]}"


class Answer(Base):
    """An answer to one of the event's questions, with the words it was asked in."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("rsvp_id", "question_id"),
        Index("ix_answers_question", "question_id", "rsvp_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvps.id", ondelete="CASCADE"))
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id"))
    label: Mapped[str]
    choices: Mapped[list[str]] = mapped_column(default=list)
    value: Mapped[dict[str, Any]]  # {"text": …}, {"choices": […]} or {"yes": …}
    is_sensitive: Mapped[bool] = mapped_column(default=False)

    question: Mapped[Question] = relationship()
