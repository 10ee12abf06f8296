"""Lists as spreadsheets make them: CSV in whatever encoding and with whatever separator, and XLSX.

What is read is text: one row of cells for each line that holds anything, all of one width.
"""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext

from registration import dialects
from registration.composing import composed

#: What one list may hold. A mail to more goes in parts.
MOST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 100
MOST_CELL = 5_000
#: What an XLSX file may unpack to: more is an attack, or no list of people.
MOST_UNPACKED = 150 * 1024 * 1024
#: Nor does what people typed shrink to less than a hundredth; but a small part may.
_DENSEST = 100
_SMALL_PART = 1024 * 1024
#: The last row that Excel knows. A file may name any, and all up to it would be gone through.
_LAST_ROW = 1_048_576
#: An address alone, or in "Amina Bell <amina@example.org>".
_ADDRESS = re.compile(r"(?:^|<)[^@\s<>]++@[^@\s<>][^@\s<>.]*+\.[^@\s<>]++(?:>|$)")
#: What the column of addresses is called, where groups of columns have names of their own.
_NAMES_ADDRESSES = re.compile(
    r"(?:e-?mail|courriel|mail)(?: address)?|adresse (?:e-?mail|électronique)", re.IGNORECASE
)
#: How many lines may stand over the names of the columns.
_TITLE_LINES = 10
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff\ud800-\udfff]")
# What a spreadsheet could take for a formula is text by an apostrophe before it (formats.py).
_TEXT_MARK = re.compile(r"(^|;\s*+|(?<!\s)[^\S\r\n]*+[\r\n]\s*+)'(?=\s*[=+\-@＝＋－＠])")


class SheetRefused(Exception):
    """A file that cannot be read as a list; its text says what to do about it."""


@dataclass(frozen=True)
class Sheet:
    """A list: names of its columns, and its rows with the number of the line each stood on."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    reading: str  # how it was read, in words

    @property
    def titles(self) -> list[str]:
        """The names of the columns; of those that read alike, also where each stands."""
        seen = Counter(name.casefold() for name in self.header)
        return [
            gettext("%(name)s (column %(number)d)", name=name, number=number)
            if seen[name.casefold()] > 1
            else name
            for number, name in enumerate(self.header, 1)
        ]

    def packed(self) -> bytes:
        """As it is kept between two requests."""
        return zlib.compress(json.dumps([self.header, self.rows]).encode(), 6)

    @classmethod
    def unpacked(cls, packed: bytes, reading: str = "") -> Sheet:
        """As it was kept."""
        header, rows = json.loads(zlib.decompress(packed))
        return cls(header, [(number, cells) for number, cells in rows], reading)


def read(content: bytes, name: str) -> Sheet:
    """The list in a file. Raises SheetRefused."""
    if len(content) > MOST_BYTES:
        raise SheetRefused(gettext("The file is larger than 10 MB. Send it in parts."))
    if not content.strip():
        raise SheetRefused(gettext("The file is empty."))
    if content.startswith(b"PK\x03\x04"):
        return _tidy(_xlsx_rows(content), gettext("Excel workbook, first sheet that is shown"))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetRefused(
            gettext("This is a workbook of an old Excel (.xls), or one with a password. Save it "
                    "as .xlsx or CSV without a password, and send that.")
        )  # fmt: skip
    if content.startswith((b"%PDF", b"{\\rtf", b"<!DOCTYPE", b"<html", b"\x89PNG")):
        raise SheetRefused(gettext("This is no list. Send a CSV or an Excel file (.xlsx)."))
    text, encoding = dialects.decoded(content)
    separator = dialects.separator_of(text)
    words = {
        ",": gettext("separated by commas"),
        ";": gettext("separated by semicolons"),
        "\t": gettext("separated by tabs"),
        "|": gettext("separated by bars"),
    }[separator]
    return _tidy(_csv_rows(text, separator), f"{encoding}, {words}")


def _csv_rows(text: str, separator: str) -> Iterable[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if len(row) == 1 and re.fullmatch(r"sep=.", row[0], re.IGNORECASE):
                continue
            # An address cut by the separator itself in a "sep=" line leaves two cells.
            if reader.line_num == 1 and row[:1] == ["sep="]:
                continue
            if not "".join(row).strip():
                continue  # a sheet of blank rows, or of blank cells, may go on for millions
            if "".join(row[MOST_COLUMNS:]).strip():
                raise _too_many_columns()
            yield reader.line_num, [_TEXT_MARK.sub(r"\1", cell) for cell in row[:MOST_COLUMNS]]
    except csv.Error as problem:
        raise SheetRefused(
            gettext("A cell before line %(number)d does not end. Is a quotation mark missing?",
                    number=reader.line_num)
        ) from problem  # fmt: skip


def _xlsx_rows(content: bytes) -> Iterable[tuple[int, list[str]]]:
    import openpyxl  # only for who brings such a file

    _check_package(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles that it leaves out
            book = openpyxl.load_workbook(
                io.BytesIO(content), read_only=True, data_only=True, keep_links=False
            )
            try:
                shown = (one for one in book.worksheets if one.sheet_state == "visible")
                sheet = next(shown, book.worksheets[0])
                # Some programs write a wrong size into the file, and rows would be missing.
                sheet.reset_dimensions()
                # One column more than may be, to be seen; a cell far to the right makes no
                # row of thousands.
                rows = sheet.iter_rows(
                    values_only=True, max_row=_LAST_ROW, max_col=MOST_COLUMNS + 1
                )
                blank = (None,) * (MOST_COLUMNS + 1)
                for number, row in enumerate(rows, 1):
                    # Up to a row at the far end there may be a million of them.
                    if row != blank:
                        yield number, [_cell(value) for value in row]
            finally:
                book.close()
    except SheetRefused:
        raise
    except Exception as problem:  # a broken package fails in more ways than can be named
        raise SheetRefused(
            gettext("This Excel file cannot be read. Save it again, or save it as CSV.")
        ) from problem


def _check_package(content: bytes) -> None:
    """Refuse a package that unpacks to too much, before anything of it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as problem:
        raise SheetRefused(gettext("This Excel file is damaged. Save it again.")) from problem
    if (
        len(parts) > 2000
        or sum(part.file_size for part in parts) > MOST_UNPACKED
        or any(part.file_size > _SMALL_PART + _DENSEST * part.compress_size for part in parts)
    ):
        raise _unpacks_to_too_much()
    if not any(part.filename.startswith("xl/") for part in parts):
        raise SheetRefused(gettext("This is no list. Send a CSV or an Excel file (.xlsx)."))


def _unpacks_to_too_much() -> SheetRefused:
    return SheetRefused(gettext("This Excel file unpacks to too much. Save it as CSV."))


def _too_many_columns() -> SheetRefused:
    return SheetRefused(gettext("The list has more than 100 columns."))


def _too_many_rows() -> SheetRefused:
    return SheetRefused(gettext("The list has more than 50,000 rows. Send it in parts."))


def _cell(value: Any) -> str:
    """A cell of a workbook as the sheet shows it, as far as its format does not matter."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        at_midnight = value.time() == time()
        return value.date().isoformat() if at_midnight else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


def _tidy(rows: Iterable[tuple[int, list[str]]], reading: str) -> Sheet:
    """Rows without what cannot be seen; the first that holds anything names the columns."""
    kept: list[tuple[int, list[str]]] = []
    length = 0
    for number, row in rows:
        cells = [_clean(cell) for cell in row]
        if not any(cells):
            continue
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise _too_many_columns()
        # A workbook writes a text once and shows it in any number of cells.
        length += sum(map(len, cells)) + len(cells)
        if length > MOST_BYTES:
            raise _unpacks_to_too_much()
        kept.append((number, cells))
        if len(kept) > MOST_ROWS + 1:
            raise _too_many_rows()
    if not kept:
        raise SheetRefused(gettext("The file is empty."))
    del kept[: _title_lines([cells for _number, cells in kept[: _TITLE_LINES + 1]])]
    if any(map(_ADDRESS.search, kept[0][1])):
        # A bare list of addresses has no names of columns.
        header: list[str] = []
    else:
        header = kept.pop(0)[1]
    if not kept:
        raise SheetRefused(gettext("The list has names of columns and no rows."))
    if sum(map(bool, header)) < 2:
        kept = _one_address_a_row(kept)
    width = max(len(header), *(len(cells) for _number, cells in kept))
    header = [
        name or gettext("Column %(number)d", number=number)
        for number, name in enumerate([*header, *[""] * (width - len(header))], 1)
    ]
    return Sheet(
        header,
        [(number, [*cells, *[""] * (width - len(cells))]) for number, cells in kept],
        reading,
    )


def _one_address_a_row(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Where nothing but addresses stands, as mail programs list recipients, each is a row."""
    apart = [
        (number, address)
        for number, cells in rows
        for cell in cells
        for part in re.split(r"[;\n]", cell)
        if (address := part.strip())
    ]
    if not all(_ADDRESS.search(address) for _number, address in apart):
        return rows
    if len(apart) > MOST_ROWS:
        raise _too_many_rows()
    return [(number, [address]) for number, address in apart]


def _title_lines(rows: Sequence[list[str]]) -> int:
    """How many of the first rows are a title, or name groups of columns, over the names."""
    for number, cells in enumerate(rows):
        if any(map(_ADDRESS.search, cells)):
            return 0
        if sum(map(bool, cells)) > 1:
            below = rows[number + 1] if number + 1 < len(rows) else []
            are_groups = any(map(_NAMES_ADDRESSES.fullmatch, below)) and not any(
                map(_NAMES_ADDRESSES.fullmatch, cells)
            )
            return number + are_groups
    return 0


def _clean(cell: str) -> str:
    """A cell as it is read; of one that is longer than any may be, enough to see that it is."""
    text = _CONTROLS.sub("", cell.replace("\r\n", "\n").replace("\r", "\n"))
    return composed(text).replace("\u00a0", " ").strip()[: MOST_CELL + 1]
