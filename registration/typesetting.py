"""Sets text on paper (PDF), in the scripts of scripts.py.

A sign that no font here has is left out, and a name of such signs alone is printed as its ticket's
number. Nothing breaks.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from fpdf import FPDF
from fpdf.fonts import TTFFont

from registration import qr
from registration.composing import composed
from registration.models import Attendee
from registration.scripts import FONTS, FROM_THE_RIGHT, OWN, SCRIPTS

_INK, QUIET, RULE = (13, 26, 32), (88, 102, 108), (200, 209, 213)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_JOINER = "\u200d"


class Paper(FPDF):
    """An A4 document that sets each text in the font that has its letters."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4", unit="mm")
        self.set_auto_page_break(False)
        self.set_title(title)
        self.set_creator("")
        self.set_text_color(*_INK)
        self.set_draw_color(*RULE)
        self.add_font("sans", "", FONTS / "PublicSans-Regular.ttf")
        self.add_font("sans", "B", FONTS / "PublicSans-Bold.ttf")
        self.add_font("serif", "", FONTS / "Newsreader-Medium.ttf")
        self._others: list[str] = []

    def say(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        *,
        size: float,
        style: str = "",
        family: str = "sans",
        quiet: bool = False,
        lines: int = 1,
        smallest: float = 0,
        below: bool = False,
    ) -> float:
        """Set a text into a width, `size` points or smaller until it fits, and cut after `lines`.

        What stands below or beside a word of ours stays at its side, from whichever side it is
        written. Returns the y below it.
        """
        text = self._prepare(text)
        if not text:
            return y
        if not OWN.fullmatch(text):
            family = "noto"  # all of it: a word of two fonts is ugly
        self.set_text_color(*(QUIET if quiet else _INK))
        self.set_font(family, style, size)
        while size > (smallest or size) and len(self._lines(text, width)) > lines:
            size -= 1
            self.set_font(family, style, size)
        shown = self._lines(text, width)
        if len(shown) > lines:
            shown = [*shown[: lines - 1], self._cut(shown[lines - 1], width)]
        height = size * 0.3528 * 1.22
        # To the side where its script begins, within the width.
        side = "R" if _begins_from_the_right(text) else "L"
        if below:
            width = max(map(self.get_string_width, shown)) + 2 * self.c_margin
        for line in shown:
            self.set_xy(x, y)
            self.cell(width, height, line, align=side)
            y += height
        return y

    def _lines(self, text: str, width: float) -> list[str]:
        if self.get_string_width(text) <= width - 2 * self.c_margin:
            return [text]
        found: Any = self.multi_cell(width, 1, text, dry_run=True, output="LINES", align="L")
        return [str(line) for line in found]

    def _cut(self, line: str, width: float) -> str:
        while line and self.get_string_width(line + " …") > width - 2 * self.c_margin:
            line = line[:-1]
        return line + "…"

    def _prepare(self, text: str) -> str:
        """Load the fonts that a text needs, once; shape only what must be, since it is slow.

        What of the text prints: without signs that no font has, and without the gaps they leave.
        """
        text = composed(_CONTROLS.sub(" ", text).strip())
        found = [script for script in SCRIPTS if script.letters.search(text)]
        if not OWN.fullmatch(text):
            self._load("noto", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf")
            for script in found:
                self._load(script.name, script.file, script.file)
            text = self._printable(text)
        # Accents that are signs of their own would stand beside their letters: "Ẹ́", in Yoruba.
        is_shaped = any(script.is_shaped for script in found) or any(
            map(unicodedata.combining, text)
        )
        # A line of it runs as all of it does, whatever the line begins with.
        runs = "rtl" if _begins_from_the_right(text) else "ltr"
        self.set_text_shaping(is_shaped, direction=runs)
        return text

    def _printable(self, text: str) -> str:
        fonts = [self.fonts[name] for name in self._others]
        known = [font.cmap for font in fonts if isinstance(font, TTFFont)]
        kept = "".join(
            sign
            for sign in text
            if unicodedata.category(sign) == "Cf" or any(ord(sign) in signs for signs in known)
        )
        # What joins the parts of an emoji would else hold a space on either side.
        return " ".join(word for word in kept.split(" ") if word.strip(_JOINER))

    def name_of(self, person: Attendee) -> str:
        """A person's name; their ticket's number if no letter of it prints."""
        prints = any(sign.isalnum() for sign in self._prepare(person.name))
        return person.name if prints else person.spoken_code

    def _load(self, name: str, regular: str, bold: str) -> None:
        if name not in self._others:
            self.add_font(name, "", FONTS / regular)
            self.add_font(name, "B", FONTS / bold)
            self._others.append(name)
            self.set_fallback_fonts(self._others, exact_match=False)

    def _parse_chars(self, *args: Any, **options: Any) -> Iterator[Any]:
        """One piece of text for each font.

        fpdf would begin another one at each accent and vowel sign that is a sign of its own: it
        would stand beside its letter, and Arabic letters would not join across it.
        """
        whole: Any = None
        for piece in super()._parse_chars(*args, **options):
            if whole and type(whole) is type(piece) and whole.font is piece.font:
                whole.characters += piece.characters
            else:
                if whole:
                    yield whole
                whole = piece
        if whole:
            yield whole

    def code(self, text: str, x: float, y: float, side: float) -> None:
        """A QR code with its quiet zone."""
        self.image(io.BytesIO(qr.png(text, scale=8)), x, y, side, side)

    def rule(self, x: float, y: float, width: float) -> None:
        """A hairline."""
        self.set_line_width(0.2)
        self.line(x, y, x + width, y)

    def done(self) -> bytes:
        """The document's bytes."""
        return bytes(self.output())


def _begins_from_the_right(text: str) -> bool:
    first = next((sign for sign in text if sign.isalpha()), "")
    return FROM_THE_RIGHT.match(first) is not None
