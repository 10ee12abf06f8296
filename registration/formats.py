"""Lists as files: CSV, XLSX and JSON, written as their rows are read.

A cell that a spreadsheet could take for a formula is text: with an apostrophe before it in CSV,
as a string in XLSX.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from flask_babel import gettext

YES_NO = {True: "yes", False: "no"}
#: Rows of one piece of a file.
PIECE = 1000
# The wide ones are what some East Asian versions take for the plain ones.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
# Where semicolons divide cells, as in French and German versions, quotes hold nothing together:
# after a semicolon, and in a new line, a cell begins. A dash before a space is a list's.
# A gap is looked at once, from its beginning: an answer of empty lines alone has thousands.
_FORMULA_WITHIN = re.compile(r"(;\s*+|(?<!\s)[^\S\r\n]*+[\r\n]\s*+)(?=[=+@＝＋＠]|[-－][\w(=+@])")


class List(Protocol):
    """What can be written. A cell is text, a yes or no, an instant, None, or for JSON a list."""

    header: list[str]

    def rows(self) -> Iterator[list[Any]]:
        """The rows, each with a cell for each column."""


def csv_lines(export: List) -> Iterator[bytes]:
    """The list as CSV in UTF-8 with a byte order mark, in pieces as they are read."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([harmless(cell) for cell in export.header])
    for number, row in enumerate(export.rows(), 1):
        writer.writerow([harmless(cell) for cell in row])
        if number % PIECE == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def harmless(cell: Any) -> str:
    """A cell as text that no spreadsheet takes for a formula."""
    text = cell if isinstance(cell, str) else _as_text(cell)
    if not text or (text[0].isalnum() and not (";" in text or "\n" in text or "\r" in text)):
        return text  # nearly all are: to look closer takes longer than to write them
    text = _FORMULA_WITHIN.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def _as_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None).isoformat(" ", "seconds")
    return YES_NO[cell] if isinstance(cell, bool) else str(cell)


def write_xlsx(export: List, target: BinaryIO) -> None:
    """The list as a spreadsheet. Rows go to disk as they come: memory does not grow with them."""
    import xlsxwriter  # as large as a tenth of the product; only for who takes this format

    book = xlsxwriter.Workbook(
        target,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    sheet = book.add_worksheet(gettext("Attendees")[:31])
    bold = book.add_format({"bold": True})
    times = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(export.header) - 1, 20)
    for column, title in enumerate(export.header):
        sheet.write_string(0, column, title, bold)
    for line, row in enumerate(export.rows(), 1):
        for column, cell in enumerate(row):
            if isinstance(cell, bool):
                sheet.write_string(line, column, YES_NO[cell])
            elif isinstance(cell, datetime):
                sheet.write_datetime(line, column, cell.replace(tzinfo=None), times)
            elif cell:
                sheet.write_string(line, column, cell[:32_767])
    book.close()


def xlsx_pieces(export: List) -> Iterator[bytes]:
    """The spreadsheet in pieces, from a file on disk."""
    with tempfile.TemporaryFile() as file:
        write_xlsx(export, file)
        file.seek(0)
        while piece := file.read(65_536):
            yield piece


def json_pieces(export: List) -> Iterator[bytes]:
    """The list as a JSON array of objects, in pieces. Times have their offset."""
    names = list(_unique(export.header))
    opening, waiting = "[\n", []
    for number, row in enumerate(export.rows(), 1):
        cells = [cell.isoformat() if isinstance(cell, datetime) else cell for cell in row]
        waiting.append(json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False))
        if number % PIECE == 0:
            yield (opening + ",\n".join(waiting)).encode()
            opening, waiting = ",\n", []
    yield ((opening + ",\n".join(waiting)) if waiting else opening.strip(",\n")).encode()
    yield b"\n]\n"


def _unique(names: Sequence[str]) -> Iterator[str]:
    """The names, numbered where two questions read alike."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


#: What writes each format, in pieces.
WRITERS: dict[str, Callable[[List], Iterator[bytes]]] = {
    "csv": csv_lines,
    "xlsx": xlsx_pieces,
    "json": json_pieces,
}
