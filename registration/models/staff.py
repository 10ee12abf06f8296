"""Staff accounts, what they may do, and the log of what was done."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from flask_security import AsaList, RoleMixin, UserMixin, WebAuthnMixin
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
)
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.database import Base


class StaffRole(enum.StrEnum):
    """What an account may do: all, its own events, or the door only."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    DOOR = "door"


staff_roles = Table(
    "staff_roles",
    Base.metadata,
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)

#: The events that an organiser or a door account works on.
staff_events = Table(
    "staff_events",
    Base.metadata,
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
)


class Role(RoleMixin, Base):  # type: ignore[misc]  # Flask-Security's mixins are untyped
    """A role, in the form that Flask-Security reads."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str | None]


class Staff(UserMixin, Base):  # type: ignore[misc]
    """An account of a member of staff. The attributes' names are Flask-Security's."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lowercase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    password: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)  # changing it ends all sessions
    last_login_at: Mapped[datetime | None]
    current_login_at: Mapped[datetime | None]
    last_login_ip: Mapped[str | None]
    current_login_ip: Mapped[str | None]
    login_count: Mapped[int | None]
    tf_primary_method: Mapped[str | None]
    tf_totp_secret: Mapped[str | None]
    tf_last_counter: Mapped[int | None]  # of the code used last: none works twice
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(unique=True)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    created_at: Mapped[datetime]

    roles: Mapped[list[Role]] = relationship(secondary=staff_roles)
    webauthn: Mapped[list[Passkey]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )

    @property
    def is_admin(self) -> bool:
        """Whether this account may do everything."""
        return any(role.name == StaffRole.ADMIN for role in self.roles)


class Passkey(WebAuthnMixin, Base):  # type: ignore[misc]
    """A passkey of an account. The attributes' names are Flask-Security's."""

    __tablename__ = "passkeys"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    name: Mapped[str]
    usage: Mapped[str]  # "first" signs in alone, "secondary" after the password
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    backup_state: Mapped[bool]
    device_type: Mapped[str]
    extensions: Mapped[str | None]
    lastuse_datetime: Mapped[datetime]

    user: Mapped[Staff] = relationship(back_populates="webauthn")

    def get_user_mapping(self) -> dict[str, Any]:
        """How Flask-Security finds whose passkey it is."""
        return {"id": self.user_id}


class ExportSet(Base):
    """Columns of an export that staff saved under a name; of one event, or of an account's all."""

    __tablename__ = "export_sets"
    __table_args__ = (UniqueConstraint("staff_id", "event_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    # None: a set for all events of the account, without questions.
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    name: Mapped[str]
    columns: Mapped[list[str]]
    created_at: Mapped[datetime]


class AuditEntry(Base):
    """Who did what, when, from where.

    Rows are added and never changed, but for what is personal in them: that goes when a person is
    erased. `actor` is "attendee", "calendar", "speaker", "staff" or "system"; `detail` holds the
    difference.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_event", "event_id", "id"),
        Index("ix_audit_entries_rsvp", "rsvp_id", "id"),
        Index("ix_audit_entries_staff", "staff_id", "id"),
        Index("ix_audit_entries_action", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    action: Mapped[str]  # "rsvp.confirmed", "export.csv"
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    rsvp_id: Mapped[int | None] = mapped_column(ForeignKey("rsvps.id", ondelete="CASCADE"))
    network: Mapped[str] = mapped_column(default="")  # the network address, for staff only
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    staff: Mapped[Staff | None] = relationship()
