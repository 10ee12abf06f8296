"""Attendee lists as files: read in batches, written as they are read.

A cell that a spreadsheet could take for a formula is text: with an apostrophe before it in CSV,
as a string in XLSX.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import xlsxwriter
from sqlalchemy import select

from registration import audit, roster
from registration.database import db, transaction
from registration.models import (
    Answer,
    AttendanceOption,
    Attendee,
    Event,
    Question,
    Rsvp,
)
from registration.roster import Filters

BATCH = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: dict[str, Any] = {
    "Name": Attendee.name,
    "RSVP by": Rsvp.name,
    "Email": Rsvp.email,
    "Organisation": Rsvp.organisation,
    "Job title": Rsvp.job_title,
    "Status": Rsvp.status,
    "Option": Rsvp.option_id,
    "Waits for": Rsvp.waits_for_option_id,
    "Ticket": Attendee.ticket_code,
    "RSVP at": Rsvp.created_at,
    "Checked in at": Attendee.checked_in_at,
    "Joined at": Attendee.joined_at,
    "Wants news": Rsvp.wants_news,
    "Source": Rsvp.source,
}
_SENSITIVE: dict[str, Any] = {
    "Step-free": Rsvp.needs_step_free,
    "Sign language": Rsvp.needs_sign_language,
    "Captions": Rsvp.needs_captions,
    "Access": Rsvp.access_note,
}
_TIMES = ("RSVP at", "Checked in at", "Joined at")


class Export:
    """One list to be written: its columns, and its rows one attendee each.

    Times are in the event's zone. Sensitive columns are there only where asked for.
    """

    def __init__(self, event: Event, filters: Filters, *, sensitive: bool = False) -> None:
        self._event_zone = event.zone
        self._conditions = roster.conditions_of(event, filters)
        self._columns = _COLUMNS | (_SENSITIVE if sensitive else {})
        self._options = {
            option.id: option.label or option.mode.replace("_", " ")
            for option in db.session.scalars(
                select(AttendanceOption).where(AttendanceOption.event_id == event.id)
            )
        }
        asked = select(Question).where(Question.event_id == event.id).order_by(Question.position)
        self._questions = [
            question
            for question in db.session.scalars(asked)
            if sensitive or not question.is_sensitive
        ]
        self.header = [*self._columns, *(question.label for question in self._questions)]

    def rows(self) -> Iterator[list[Any]]:
        """The rows in order of arrival, read in batches behind each other's last row."""
        after = 0
        while True:
            batch = db.session.execute(
                select(Attendee.id, Rsvp.id, *self._columns.values())
                .join(Rsvp, Attendee.rsvp_id == Rsvp.id)
                .where(*self._conditions, Attendee.id > after)
                .order_by(Attendee.id)
                .limit(BATCH)
            ).all()
            if not batch:
                return
            answers = self._answers([row[1] for row in batch])
            for row in batch:
                yield self._row(row, answers)
            after = batch[-1][0]

    def _row(self, row: Any, answers: dict[tuple[int, int], str]) -> list[Any]:
        cells = []
        for name, value in zip(self._columns, row[2:], strict=True):
            if name in ("Option", "Waits for"):
                cells.append(self._options.get(value, ""))
            elif name in _TIMES:
                cells.append(value.astimezone(self._event_zone) if value else "")
            elif isinstance(value, bool):
                cells.append("yes" if value else "")
            else:
                cells.append(str(value or ""))
        return cells + [answers.get((row[1], question.id), "") for question in self._questions]

    def _answers(self, rsvp_ids: Sequence[int]) -> dict[tuple[int, int], str]:
        if not self._questions:
            return {}
        found = db.session.execute(
            select(Answer.rsvp_id, Answer.question_id, Answer.value).where(
                Answer.rsvp_id.in_(set(rsvp_ids))
            )
        )
        return {(rsvp_id, question_id): spoken(value) for rsvp_id, question_id, value in found}


def spoken(value: dict[str, Any]) -> str:
    """A stored answer as text."""
    if "choices" in value:
        return ", ".join(value["choices"])
    if "yes" in value:
        return "yes" if value["yes"] else "no"
    return str(value.get("text", ""))


def csv_lines(export: Export) -> Iterator[bytes]:
    """The list as CSV in UTF-8 with a byte order mark, in pieces as they are read."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([harmless(cell) for cell in export.header])
    for number, row in enumerate(export.rows(), 1):
        writer.writerow([harmless(cell) for cell in row])
        if number % BATCH == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def harmless(cell: Any) -> str:
    """A cell as text that no spreadsheet takes for a formula."""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_xlsx(export: Export, target: BinaryIO) -> None:
    """The list as a spreadsheet. Rows go to disk as they come: memory does not grow with them."""
    book = xlsxwriter.Workbook(
        target,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    sheet = book.add_worksheet("Attendees")
    bold = book.add_format({"bold": True})
    times = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(export.header) - 1, 20)
    for column, title in enumerate(export.header):
        sheet.write_string(0, column, title, bold)
    for line, row in enumerate(export.rows(), 1):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write_datetime(line, column, cell.replace(tzinfo=None), times)
            elif cell != "":
                sheet.write_string(line, column, cell[:32_767])
    book.close()


def xlsx_pieces(export: Export) -> Iterator[bytes]:
    """The spreadsheet in pieces, from a file on disk."""
    with tempfile.TemporaryFile() as file:
        write_xlsx(export, file)
        file.seek(0)
        while piece := file.read(65_536):
            yield piece


def record(
    event_id: int,
    *,
    format: str,
    filters: Filters,
    sensitive: bool,
    now: datetime,
    staff_id: int | None = None,
    network: str = "",
) -> None:
    """Note in the audit log that a list left the house."""
    with transaction():
        audit.record(
            f"export.{format}",
            now=now,
            actor="system",
            staff_id=staff_id,
            event_id=event_id,
            network=network,
            sensitive=sensitive,
            search=filters.search,
            way=filters.way,
            status=filters.status,
            access=filters.access,
        )
