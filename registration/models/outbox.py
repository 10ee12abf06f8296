"""The outbox: every mail is a row before it is a message."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, false, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.database import Base
from registration.models.events import Event
from registration.models.invitations import Invitation
from registration.models.mailings import Mailing
from registration.models.rsvps import Rsvp
from registration.models.speakers import Speaker


class MailKind(enum.StrEnum):
    """What a mail says; letters/ has the words of each."""

    VERIFY = "verify"
    RECEIVED = "received"
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    PROMOTED = "promoted"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    READDRESSED = "readdressed"  # to the address before: mails go elsewhere now
    EVENT_CHANGED = "event_changed"
    EVENT_CANCELLED = "event_cancelled"
    REMINDER = "reminder"
    QUEUE_CLOSED = "queue_closed"  # and no seat has come free
    FOLLOW_UP = "follow_up"
    LINKS = "links"
    OPENED = "opened"  # RSVPs are open, to who asked to be told
    INVITATION = "invitation"
    INVITATION_REMINDER = "invitation_reminder"
    MAILING = "mailing"
    SPEAKER_INVITATION = "speaker_invitation"
    SPEAKER_CHANGED = "speaker_changed"
    SPEAKER_CANCELLED = "speaker_cancelled"
    SPEAKER_REMINDER = "speaker_reminder"
    STAFF = "staff"  # to an account: password reset, digest


class MailState(enum.StrEnum):
    """What became of a mail."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # given up, or it came back
    SUPERSEDED = "superseded"  # a later change of the same RSVP made it pointless
    WITHDRAWN = "withdrawn"  # staff took it back before it went


#: What is of no use to anybody once the event is over: it tells how to come, or asks for an answer.
_BEFORE_THE_END = (
    MailKind.VERIFY,
    MailKind.RECEIVED,
    MailKind.CONFIRMED,
    MailKind.WAITLISTED,
    MailKind.PROMOTED,
    MailKind.CHANGED,
    MailKind.EVENT_CHANGED,
    MailKind.QUEUE_CLOSED,
    MailKind.OPENED,
    MailKind.INVITATION,
    MailKind.INVITATION_REMINDER,
    MailKind.SPEAKER_INVITATION,
    MailKind.SPEAKER_CHANGED,
    MailKind.SPEAKER_REMINDER,
)

#: Why a mail of ours did not go, as it is kept in last_error; other words there are mail servers'.
TOO_LATE = "of no use any more"
UNFIT = "cannot be rendered: "

#: That a mail has the links of an address; in so many words, or no index of those alone is taken.
IS_LINKS: ColumnElement[bool] = literal_column("outbox.kind = 'links'")

_DUE = "state = 'waiting' AND mailing_id IS NULL AND announcement_id IS NULL"
_DUE_MANY = "state = 'waiting' AND (mailing_id IS NOT NULL OR announcement_id IS NOT NULL)"


def _index_of(where: str, name: str, *columns: str) -> Index:
    """An index of those mails alone for which `where` is true."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class OutboxMail(Base):
    """One mail to one recipient, written in the transaction of the change that it tells of.

    It is rendered from the rows it points to when it is delivered; `facts` keeps what those rows
    no longer say by then (what was before, why). `due_at` is when it may go, or be tried again;
    a worker that takes it moves `due_at` ahead, so that no other worker takes it too.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        # Two queues: whoever waits for an answer never stands behind a mail to thousands.
        _index_of(_DUE, "ix_outbox_due", "due_at", "id"),
        _index_of(_DUE_MANY, "ix_outbox_due_many", "due_at", "id"),
        Index("ix_outbox_rsvp", "rsvp_id", "id"),
        Index("ix_outbox_event", "event_id", "id"),
        Index("ix_outbox_state", "state", "id"),
        # Each mail of a crowd is an entry in each index: these are of those that they are for.
        _index_of("speaker_id IS NOT NULL", "ix_outbox_speaker", "speaker_id", "id"),
        _index_of("mailing_id IS NOT NULL", "ix_outbox_mailing", "mailing_id", "state"),
        _index_of(
            "announcement_id IS NOT NULL", "ix_outbox_announcement", "announcement_id", "state"
        ),
        _index_of("invitation_id IS NOT NULL", "ix_outbox_invitation", "invitation_id"),
        _index_of("forgets", "ix_outbox_forgets", "id"),
        _index_of("last_error <> ''", "ix_outbox_failing", "state", "created_at"),
        # How often an address asked for its links.
        _index_of("kind = 'links'", "ix_outbox_links", "recipient", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Recipient, kind and revision in one: the same mail cannot be written twice.
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[MailKind]
    state: Mapped[MailState] = mapped_column(default=MailState.WAITING)
    recipient: Mapped[str]
    recipient_name: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    rsvp_id: Mapped[int | None] = mapped_column(ForeignKey("rsvps.id", ondelete="CASCADE"))
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("speakers.id", ondelete="CASCADE"))
    invitation_id: Mapped[int | None] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE")
    )
    announcement_id: Mapped[int | None] = mapped_column(ForeignKey("announcements.id"))
    mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"))
    # The SEQUENCE of its calendar part; none: it has no calendar part.
    ical_sequence: Mapped[int | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    failing_since: Mapped[datetime | None]  # since the first try that failed
    ended_at: Mapped[datetime | None]  # sent, failed, superseded or withdrawn
    message_id: Mapped[str] = mapped_column(unique=True)
    # The last mail to one whose data is erased: once it has ended, so is what it says of them.
    forgets: Mapped[bool] = mapped_column(default=False, server_default=false())

    event: Mapped[Event | None] = relationship()
    rsvp: Mapped[Rsvp | None] = relationship()
    speaker: Mapped[Speaker | None] = relationship()
    invitation: Mapped[Invitation | None] = relationship()
    mailing: Mapped[Mailing | None] = relationship()

    def is_too_late(self, now: datetime) -> bool:
        """Whether its event is over, and what it tells or asks was for the time before."""
        is_over = self.event is not None and self.event.is_past(now)
        return is_over and self.kind in _BEFORE_THE_END


class WorkerHeartbeat(Base):
    """When the worker of a machine was last alive."""

    __tablename__ = "worker_heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
