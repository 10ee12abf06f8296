"""What an event asks who answers it, besides who comes."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base


class QuestionKind(enum.StrEnum):
    """How a question is answered."""

    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    ONE_OF = "one_of"
    ANY_OF = "any_of"
    YES_NO = "yes_no"


class Question(Base):
    """A question of the event's own in its RSVP form.

    One that has been answered is retired rather than deleted; answers keep its words.
    """

    __tablename__ = "questions"
    __table_args__ = (Index("ix_questions_order", "event_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    option_id: Mapped[int | None] = mapped_column(
        ForeignKey("attendance_options.id", ondelete="CASCADE")
    )  # none: asked of all
    position: Mapped[int]
    kind: Mapped[QuestionKind]
    label: Mapped[str]
    hint: Mapped[str] = mapped_column(default="")
    choices: Mapped[list[str]] = mapped_column(default=list)
    # Offered once, and no more since it was answered.
    former_choices: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    is_required: Mapped[bool] = mapped_column(default=False)
    is_sensitive: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[datetime | None]

    @property
    def known_choices(self) -> list[str]:
        """What is offered, and after it what no longer is."""
        return [*self.choices, *(one for one in self.former_choices if one not in self.choices)]
