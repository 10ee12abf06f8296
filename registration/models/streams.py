"""Where the stream of an event comes from."""

from __future__ import annotations

import enum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base


class StreamKind(enum.StrEnum):
    """How a stream is watched: in our page, or behind a redirect."""

    EMBED = "embed"
    REDIRECT = "redirect"


class StreamSource(Base):
    """One source of the stream. Its address leaves the server only when the lobby is open."""

    __tablename__ = "stream_sources"
    __table_args__ = (
        UniqueConstraint("event_id", "position"),
        Index(
            "uq_stream_sources_live",
            "event_id",
            unique=True,
            sqlite_where=text("is_live"),
            postgresql_where=text("is_live"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    position: Mapped[int]
    label: Mapped[str] = mapped_column(default="")
    kind: Mapped[StreamKind]
    url: Mapped[str]
    is_live: Mapped[bool] = mapped_column(default=False)  # the one that people see
