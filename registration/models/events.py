"""An event and what is announced of it."""

from __future__ import annotations

import enum
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from registration.database import Base
from registration.folding import folded_lines

#: How long what is told to many waits, so that staff can take it back. Pages say it in words.
HOLD = timedelta(minutes=10)
#: Who asks for the same thing again so soon has pressed twice, or sent again what got no answer.
SECOND_PRESS = timedelta(seconds=30)
# Of what lasts no longer, its last hours are those of a night and no second day.
_NIGHT = timedelta(hours=18)
# How long after its end the recording of an event is waited for.
_RECORDING = timedelta(days=14)
# Where people look for an event.
_SEARCHED = ("title", "slug", "summary", "description", "venue_name", "hashtag")


class EventStatus(enum.StrEnum):
    """The life of an event; that it is past follows from the time."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Visibility(enum.StrEnum):
    """Who finds an event: everybody, who has its address, or who is invited."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    INVITATION = "invitation"


class RegistrationKind(enum.StrEnum):
    """Where people register: with us, behind a link of somebody else, or not at all."""

    BUILT_IN = "built_in"
    EXTERNAL = "external"
    NONE = "none"


class LobbyPhase(enum.StrEnum):
    """What staff said of the lobby; scheduled: it follows the clock."""

    SCHEDULED = "scheduled"
    OPEN = "open"  # the door is open before its time
    LIVE = "live"  # live, whatever the clock says
    ENDED = "ended"


class Event(Base):
    """One event, held in a room, online, or both at once."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("guests_max >= 0", name="guests_not_negative"),
        CheckConstraint("retention_days >= 1", name="retention_positive"),
        CheckConstraint(
            "registration <> 'external' OR external_url <> ''",
            name="external_has_address",
        ),
        Index("ix_events_list", "status", "visibility", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    status: Mapped[EventStatus] = mapped_column(default=EventStatus.DRAFT)
    visibility: Mapped[Visibility] = mapped_column(default=Visibility.PUBLIC)

    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")  # Markdown
    language: Mapped[str] = mapped_column(default="en")
    host: Mapped[str] = mapped_column(default="")  # who holds it; empty: the organisation
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    time_zone: Mapped[str] = mapped_column(default="UTC")  # an IANA name
    doors_at: Mapped[datetime | None]

    venue_name: Mapped[str] = mapped_column(default="")
    venue_address: Mapped[str] = mapped_column(default="")  # lines
    venue_directions: Mapped[str] = mapped_column(default="")  # Markdown
    venue_access: Mapped[str] = mapped_column(default="")  # one access note a line
    venue_map_url: Mapped[str] = mapped_column(default="")

    hashtag: Mapped[str] = mapped_column(default="")  # without the #
    hashtag_line: Mapped[str] = mapped_column(default="")  # the sentence around it
    contact_name: Mapped[str] = mapped_column(default="")
    contact_email: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    image: Mapped[str] = mapped_column(default="")  # a file in the upload folder
    image_alt: Mapped[str] = mapped_column(default="")
    publications_url: Mapped[str] = mapped_column(default="")

    registration: Mapped[RegistrationKind] = mapped_column(default=RegistrationKind.BUILT_IN)
    external_url: Mapped[str] = mapped_column(default="")
    registration_opens_at: Mapped[datetime | None]  # none: it has always been open
    registration_closes_at: Mapped[datetime | None]  # none: the end of the event
    admission: Mapped[str] = mapped_column(default="")  # "Free."
    guests_max: Mapped[int] = mapped_column(default=0)
    confirms_addresses: Mapped[bool] = mapped_column(default=False)
    promotes_automatically: Mapped[bool] = mapped_column(default=True)
    promotion_closes_at: Mapped[datetime | None]  # none: the start of the event
    consent: Mapped[str] = mapped_column(default="")  # what people agree to
    consent_version: Mapped[str] = mapped_column(default="1")
    recording_notice: Mapped[str] = mapped_column(default="")
    retention_days: Mapped[int | None]  # after its end; none: nobody has set an end yet

    stream_note: Mapped[str] = mapped_column(default="")  # "English, with live captions"
    lobby_opens_minutes: Mapped[int] = mapped_column(default=15)
    lobby_phase: Mapped[LobbyPhase] = mapped_column(
        default=LobbyPhase.SCHEDULED, server_default=LobbyPhase.SCHEDULED.value
    )
    lobby_note: Mapped[str] = mapped_column(default="", server_default="")  # to all who watch
    # Counts every change of phase, note and sources: open lobbies see that something is new.
    lobby_revision: Mapped[int] = mapped_column(default=0, server_default="0")
    recording_url: Mapped[str] = mapped_column(default="")
    recording_minutes: Mapped[int | None]
    transcript_url: Mapped[str] = mapped_column(default="")
    audio_url: Mapped[str] = mapped_column(default="")
    slides_url: Mapped[str] = mapped_column(default="")

    ical_uid: Mapped[str] = mapped_column(unique=True)  # of the public entry, never of an RSVP
    ical_sequence: Mapped[int] = mapped_column(default=0)
    # Counts what calendar entries say; see EventEdition.
    edition: Mapped[int] = mapped_column(default=0, server_default="0")
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str] = mapped_column(default="")
    # Counts every change of seats; raising it is the lock of seating.py.
    seats_revision: Mapped[int] = mapped_column(default=0)
    # Counts every edit; an editor that saves an older one is told.
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    # What is searched, folded; the words of people and publications stand in their own rows.
    search_text: Mapped[str] = mapped_column(default="", server_default="", deferred=True)

    @validates(*_SEARCHED)
    def _keep_search_text(self, key: str, value: str) -> str:
        parts = {name: getattr(self, name) for name in _SEARCHED} | {key: value}
        self.search_text = folded_lines(*parts.values())
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The event's own time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def is_published(self) -> bool:
        """Whether the public page shows it as an event that takes place."""
        return self.status is EventStatus.PUBLISHED

    @property
    def has_page(self) -> bool:
        """Whether its public page can be opened: of a draft it cannot."""
        return self.status is not EventStatus.DRAFT

    def is_past(self, now: datetime) -> bool:
        """Whether it has ended."""
        return now >= self.ends_at

    def awaits_recording(self, now: datetime) -> bool:
        """Whether a recording was announced that is not there, and may still come."""
        return bool(self.recording_notice) and self.recording_may_come(now)

    def recording_may_come(self, now: datetime) -> bool:
        """Whether there is no recording, and it is too soon to say that there will be none."""
        return not self.recording_url and now - self.ends_at < _RECORDING

    def takes_place(self, now: datetime) -> bool:
        """Whether it is announced, and neither cancelled nor over."""
        return self.is_published and not self.is_past(now)

    def is_off(self, now: datetime) -> bool:
        """Whether it is cancelled or over; a draft is neither."""
        return self.status is EventStatus.CANCELLED or self.is_past(now)

    @property
    def may_come_back_until(self) -> datetime | None:
        """Until when its cancellation can be taken back; None if it is not cancelled."""
        return self.cancelled_at + HOLD if self.cancelled_at else None

    def may_come_back(self, now: datetime) -> bool:
        """Whether it is cancelled, and that can still be taken back."""
        until = self.may_come_back_until
        return until is not None and now < until

    def is_on_day_of(self, now: datetime) -> bool:
        """Whether `now` is on a day, in its zone, on which it is held."""
        days = (at.astimezone(self.zone).date() for at in (self.starts_at, now, self.ends_at))
        first, today, last = days
        return first <= today <= last

    @property
    def lasts_days(self) -> bool:
        """Whether people come to it on more than one day; a night is one day still."""
        first, last = (at.astimezone(self.zone).date() for at in (self.starts_at, self.ends_at))
        return first < last and self.ends_at - self.starts_at > _NIGHT

    @property
    def last_day_at(self) -> datetime:
        """A moment on the last day that it is named by: of a night its evening."""
        return self.ends_at if self.lasts_days else self.starts_at

    @property
    def lobby_opens_at(self) -> datetime:
        """When the lobby lets people in."""
        return self.starts_at - timedelta(minutes=self.lobby_opens_minutes)

    @property
    def lobby_steered_from(self) -> datetime:
        """From when on staff may open or end the lobby by hand: before, the clock alone counts."""
        return min(self.starts_at - timedelta(hours=24), self.lobby_opens_at)

    @hybrid_property
    def queue_closes_at(self) -> datetime:
        """When the waitlist closes, unless the event ends before; of a row, and in a query."""
        return self.promotion_closes_at or self.starts_at

    @queue_closes_at.inplace.expression
    @classmethod
    def _queue_closes_at(cls) -> ColumnElement[datetime]:
        return func.coalesce(cls.promotion_closes_at, cls.starts_at)

    @property
    def promotes_until(self) -> datetime:
        """When the waitlist stops moving by itself; nobody joins it any more."""
        return min(self.queue_closes_at, self.ends_at)

    def promotes_at(self, now: datetime) -> bool:
        """Whether a seat that is free now goes to the first in the queue by itself."""
        return self.is_published and self.promotes_automatically and now < self.promotes_until

    @property
    def erases_at(self) -> datetime | None:
        """When personal data goes; None: nobody has set it."""
        if self.retention_days is None:
            return None
        return self.ends_at + timedelta(days=self.retention_days)

    @property
    def accepts_until(self) -> datetime:
        """When registration closes: as set, at the end at the latest."""
        return min(self.registration_closes_at or self.ends_at, self.ends_at)


class AgendaItem(Base):
    """One line of the programme."""

    __tablename__ = "agenda_items"
    __table_args__ = (Index("ix_agenda_items_order", "event_id", "starts_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    title: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    recording_second: Mapped[int | None]  # where it begins in the recording


class Publication(Base):
    """A related publication, as a link with its record."""

    __tablename__ = "publications"
    __table_args__ = (UniqueConstraint("event_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]
    url: Mapped[str] = mapped_column(default="")
    published_on: Mapped[date | None]
    abstract: Mapped[str] = mapped_column(default="")
    type: Mapped[str] = mapped_column(default="")
    topics: Mapped[list[str]] = mapped_column(default=list)
    language: Mapped[str] = mapped_column(default="")  # empty: the event's
    translation_of_id: Mapped[int | None] = mapped_column(
        ForeignKey("publications.id", ondelete="SET NULL")
    )

    search_text: Mapped[str] = mapped_column(default="", server_default="", deferred=True)

    translation_of: Mapped[Publication | None] = relationship(remote_side="Publication.id")

    @validates("title", "topics")
    def _keep_search_text(self, key: str, value: Any) -> Any:
        parts: dict[str, Any] = {"title": self.title, "topics": self.topics} | {key: value}
        self.search_text = folded_lines(parts["title"], *(parts["topics"] or []))
        return value
