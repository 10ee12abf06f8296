"""Attendee lists that leave the house: their columns, and their rows read in batches.

CSV and JSON are read by programs: headings and words in them are English, whoever asks. A
spreadsheet is read by people, and speaks their language.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, case, exists, null, or_, select

from registration import audit, formats, roster, wording
from registration.database import db, transaction
from registration.models import (
    BY_STAFF,
    FROM_LIST,
    NO_ADDRESS,
    WALK_IN,
    Answer,
    AttendanceOption,
    Attendee,
    Event,
    Question,
    QuestionKind,
    Rsvp,
    RsvpStatus,
)
from registration.roster import Filters

BATCH = 1000


@dataclass(frozen=True)
class Column:
    """One column: what it is called in a set and in the file, and where it is read."""

    key: str
    label: Any  # of a question its own text, else one that is translated
    source: Any
    is_sensitive: bool = False

    @property
    def is_question(self) -> bool:
        """Whether it holds the answers to a question of the event's."""
        return self.source is None


def _of_the_first(said: Any) -> Any:
    """What was said once for a party: on its first row, so that who counts counts it once."""
    return case((Attendee.position == 0, said), else_=null())


COLUMNS = (
    Column("name", _("Name"), Attendee.name),
    Column("rsvp_by", _("RSVP by"), Rsvp.name),
    Column("email", _("Email"), case((Rsvp.email.like(f"%{NO_ADDRESS}"), ""), else_=Rsvp.email)),
    Column("organisation", _("Organisation"), Rsvp.organisation),
    Column("job_title", _("Job title"), Rsvp.job_title),
    Column("status", _("Status"), Rsvp.status),
    Column("option", _("Option"), Rsvp.option_id),
    Column("waits_for", _("Waits for"), Rsvp.waits_for_option_id),
    Column(
        "ticket", _("Ticket"), case((Rsvp.erased_at.is_not(None), ""), else_=Attendee.ticket_code)
    ),
    Column("rsvp_at", _("RSVP at"), Rsvp.created_at),
    Column("cancelled_at", _("Cancelled at"), Rsvp.cancelled_at),
    Column("checked_in_at", _("Checked in at"), Attendee.checked_in_at),
    Column("joined_at", _("Joined at"), Attendee.joined_at),
    Column("wants_news", _("Wants news"), _of_the_first(Rsvp.wants_news)),
    Column("language", _("Language"), Rsvp.language),
    Column("source", _("Source"), Rsvp.source),
    Column("step_free", _("Step-free"), _of_the_first(Rsvp.needs_step_free), is_sensitive=True),
    Column(
        "sign_language",
        _("Sign language"),
        _of_the_first(Rsvp.needs_sign_language),
        is_sensitive=True,
    ),
    Column("captions", _("Captions"), _of_the_first(Rsvp.needs_captions), is_sensitive=True),
    Column("access", _("Access"), _of_the_first(Rsvp.access_note), is_sensitive=True),
)


#: The formats that speak the language at hand.
_FOR_PEOPLE = ("xlsx",)
_YES_OR_NO = ("wants_news", "step_free", "sign_language", "captions")
_STATUSES = {
    RsvpStatus.UNVERIFIED: _("Address not confirmed"),
    RsvpStatus.PENDING: _("Waiting for approval"),
    RsvpStatus.CONFIRMED: _("Confirmed"),
    RsvpStatus.WAITLISTED: _("Waitlist"),
    RsvpStatus.CANCELLED: _("RSVP cancelled"),
    RsvpStatus.DECLINED: _("Declined"),
    RsvpStatus.REJECTED: _("Not accepted"),
}


class UnknownColumn(ValueError):
    """A column that this event's lists do not have."""


def label_of(key: str) -> str:
    """What a column is called, in the language at hand; one of a question's by its words."""
    kind, _colon, number = key.partition(":")
    if kind == "question" and (question := db.session.get(Question, int(number))):
        return question.label
    return next((str(column.label) for column in COLUMNS if column.key == key), key)


def columns_of(event: Event) -> list[Column]:
    """All columns that a list of this event may have: the fixed ones, then its questions.

    What was answered while a question was sensitive stays so, whatever the question is now.
    """
    given = exists().where(Answer.question_id == Question.id, Answer.is_sensitive)
    asked = (
        select(Question, or_(Question.is_sensitive, given))
        .where(Question.event_id == event.id)
        .order_by(Question.position)
    )
    return [
        *COLUMNS,
        *(
            Column(f"question:{question.id}", question.label, None, is_sensitive)
            for question, is_sensitive in db.session.execute(asked)
        ),
    ]


class Export:
    """One list to be written in one of the formats: its columns, and its rows one attendee each.

    Answers, needs and consent were given by one person for a party: they stand on its first row.
    Times are in the event's zone. Without `columns` it has all that are not sensitive, and with
    `sensitive` these too; a sensitive column that is named is asked for. Raises UnknownColumn.
    """

    def __init__(
        self,
        event: Event,
        filters: Filters,
        *,
        format: str = "csv",
        sensitive: bool = False,
        columns: Sequence[str] = (),
    ) -> None:
        known = {column.key: column for column in columns_of(event)}
        if unknown := [key for key in columns if key not in known]:
            raise UnknownColumn(", ".join(unknown))
        chosen = [known[key] for key in columns] or [
            column for column in known.values() if sensitive or not column.is_sensitive
        ]
        self.columns = chosen
        self.format = format
        self.event_id, self._zone = event.id, event.zone
        self.filters, self.keys = filters, list(columns)
        self.is_sensitive = any(column.is_sensitive for column in chosen) or self._tells(known)
        self._conditions = roster.conditions_of(event, filters)
        options = db.session.scalars(
            select(AttendanceOption).where(AttendanceOption.event_id == event.id)
        )
        for_people = format in _FOR_PEOPLE
        with nullcontext() if for_people else force_locale("en"):
            self.header = [str(column.label) for column in chosen]
            self._options = {option.id: wording.option_name(option) for option in options}
            words = {True: gettext("yes"), False: gettext("no")}
            self._statuses = {
                status: str(_STATUSES[status]) if for_people else str(status)
                for status in RsvpStatus
            }
            self._sources = {
                source: wording.source_name(source) if for_people else source
                for source in (WALK_IN, BY_STAFF, FROM_LIST)
            }
        # A program reads JSON: it has a yes and a no of its own.
        self._yes_no: Mapping[bool, Any] = {True: True, False: False} if format == "json" else words
        self._for_people = for_people
        self._questions = [
            int(column.key.partition(":")[2]) for column in chosen if column.is_question
        ]
        several = select(Question.id).where(
            Question.event_id == event.id, Question.kind == QuestionKind.ANY_OF
        )
        self._listed = set(db.session.scalars(several)) if format == "json" else set()

    def _tells(self, known: Mapping[str, Column]) -> bool:
        """Whether to be on the list at all says something sensitive of a person."""
        asked = known.get(f"question:{self.filters.question_id}")
        return bool(self.filters.access) or (asked is not None and asked.is_sensitive)

    def rows(self) -> Iterator[list[Any]]:
        """The rows in order of arrival, read in batches behind each other's last RSVP.

        A cell is text, a yes or no, an instant, or None; in JSON also a list of texts.
        """
        told = {
            place: tell for place, column in enumerate(self.columns) if (tell := self._told(column))
        }
        asked = {
            place: column.key for place, column in enumerate(self.columns) if column.is_question
        }
        after: tuple[datetime, int] | None = None
        while (read := self._read(after))[0]:
            batch, answers = read
            for _at, rsvp_id, position, *cells in batch:
                for place, tell in told.items():
                    cells[place] = tell(cells[place])
                if not position:
                    for place, key in asked.items():
                        cells[place] = answers.get((rsvp_id, key))
                yield cells
            after = (batch[-1][0], batch[-1][1])

    def _read(
        self, after: tuple[datetime, int] | None
    ) -> tuple[Sequence[Any], dict[tuple[int, str], Any]]:
        """The next people and what they answered, with no transaction left open.

        Whoever reads slowly would keep SQLite's log from being folded in, or a connection.
        """
        batch = db.session.execute(self._batch(after)).all()
        answers = self._answers({row[1] for row in batch})
        db.session.rollback()
        return batch, answers

    def _batch(self, after: tuple[datetime, int] | None) -> Select[Any]:
        """The people of the next RSVPs: a cell for each column, behind when, which RSVP and who."""
        parties = select(Rsvp.id).where(*self._conditions)
        if after is not None:
            at, rsvp_id = after
            parties = parties.where(
                Rsvp.created_at >= at, or_(Rsvp.created_at > at, Rsvp.id > rsvp_id)
            )
        some = parties.order_by(Rsvp.created_at, Rsvp.id).limit(BATCH).subquery()
        cells = (
            null().label(column.key) if column.is_question else column.source.label(column.key)
            for column in self.columns
        )
        return (
            select(Rsvp.created_at, Rsvp.id, Attendee.position, *cells)
            .join(some, some.c.id == Rsvp.id)
            .join(Attendee, Attendee.rsvp_id == Rsvp.id)
            .order_by(Rsvp.created_at, Rsvp.id, Attendee.position)
        )

    def _told(self, column: Column) -> Callable[[Any], Any] | None:
        """What makes a cell of a value that is not told as it is kept."""
        zone, options, sources = self._zone, self._options, self._sources
        if column.key in ("option", "waits_for"):
            return options.get
        if column.key.endswith("_at"):
            return lambda at: at and at.astimezone(zone)
        if column.key in _YES_OR_NO and self._for_people:
            return self._yes_no.get
        if column.key == "source":
            return lambda source: sources.get(source, source)
        return self._statuses.get if column.key == "status" else None

    def _answers(self, rsvp_ids: Collection[int]) -> dict[tuple[int, str], Any]:
        """What was answered, as text; in JSON what may be several is a list, and yes is true."""
        if not self._questions:
            return {}
        found = db.session.execute(
            select(Answer.rsvp_id, Answer.question_id, Answer.value).where(
                Answer.rsvp_id.in_(rsvp_ids), Answer.question_id.in_(self._questions)
            )
        )
        return {
            (rsvp_id, f"question:{question_id}"): value["choices"]
            if question_id in self._listed
            else spoken(value, self._yes_no)
            for rsvp_id, question_id, value in found
        }


def hand_out(export: Export, *, now: datetime, staff_id: int | None = None) -> Iterator[bytes]:
    """The list in its format, in pieces as they are read; noted in the audit log at once."""
    filters = export.filters
    with transaction():
        audit.record(
            f"export.{export.format}",
            now=now,
            actor="system",
            staff_id=staff_id,
            event_id=export.event_id,
            sensitive=export.is_sensitive,
            search=filters.search,
            way=filters.way,
            option=filters.option_id,
            status=filters.status,
            access=filters.access,
            wants_news=filters.wants_news,
            question_id=filters.question_id,
            answer=filters.answer,
            columns=export.keys,
        )
    return formats.WRITERS[export.format](export)


def note_print(
    what: str,
    *,
    event_id: int,
    attendees: int,
    sensitive: bool,
    staff_id: int,
    now: datetime,
) -> None:
    """Note in the audit log that so many people leave the house on paper: "list" or "badges"."""
    with transaction():
        audit.record(
            f"export.{what}",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            attendees=attendees,
            sensitive=sensitive,
        )


def spoken(value: dict[str, Any], yes_no: Mapping[bool, Any]) -> Any:
    """A stored answer as text; `yes_no` is what a yes and a no are told by."""
    if "choices" in value:
        chosen = value["choices"]
        # A choice may hold a comma, or even a semicolon, but never a line break.
        return ("\n" if any(";" in choice for choice in chosen) else "; ").join(chosen)
    if "yes" in value:
        return yes_no[bool(value["yes"])]
    return str(value.get("text", ""))
