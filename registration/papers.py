"""Printed matter as PDF: tickets, badges, and the list for the door.

Names print in the scripts of scripts.py; a sign that no font here has is left out, and a name of
such signs alone is printed as its ticket's number. Nothing breaks.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext, ngettext
from fpdf import FPDF
from fpdf.fonts import TTFFont

from registration import entries, qr, wording
from registration.folding import folded
from registration.models import Attendee, Event, Rsvp
from registration.scripts import FONTS, FROM_THE_RIGHT, OWN, SCRIPTS

_INK, _QUIET, _RULE = (13, 26, 32), (88, 102, 108), (200, 209, 213)
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_JOINER = "\u200d"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
# Stands for the number of pages until it is known; as wide as the largest.
_PAGES = "{pages}"
# Kana, Chinese characters and Hangul.
_FAMILY_FIRST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_NO_SURNAMES = {"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"}


class Paper(FPDF):
    """An A4 document that sets each text in the font that has its letters."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4", unit="mm")
        self.set_auto_page_break(False)
        self.set_title(title)
        self.set_creator("")
        self.set_text_color(*_INK)
        self.set_draw_color(*_RULE)
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
        self.set_text_color(*(_QUIET if quiet else _INK))
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
        text = unicodedata.normalize("NFC", _CONTROLS.sub(" ", text).strip())
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


def tickets(rsvp: Rsvp, party: Sequence[Attendee]) -> bytes:
    """The tickets of a party, one page each."""
    event = rsvp.event
    paper = Paper(gettext("Ticket: %(title)s", title=event.title))
    for person in party:
        paper.add_page()
        _ticket(paper, event, rsvp, person)
    return paper.done()


def _ticket(paper: Paper, event: Event, rsvp: Rsvp, person: Attendee) -> None:
    left, width, stub = 20.0, 104.0, 132.0
    paper.set_line_width(0.3)
    paper.rect(15, 20, 180, 118, style="D", round_corners=True, corner_radius=4)
    paper.set_dash_pattern(dash=0.6, gap=1.6)
    paper.line(stub, 24, stub, 134)
    paper.set_dash_pattern()
    y = paper.say(left, 27, width, entries.host_name(event), size=10, quiet=True)
    y = paper.say(left, y + 2, width, event.title, size=24, family="serif", lines=3, smallest=15)
    facts = [(gettext("When"), wording.span(event.starts_at, event.ends_at, event.zone))]
    if event.doors_at:
        facts.append((gettext("Doors open"), wording.clock(event.doors_at, event.zone)))
    facts += [(gettext("Where"), entries.venue(event)), (gettext("Guest"), paper.name_of(person))]
    y = max(y + 5, 62)
    for label, text in facts:
        if text:
            y = paper.say(left, y, width, label, size=8.5, quiet=True)
            y = (
                paper.say(
                    left, y, width, text, size=11.5, style="B", lines=2, smallest=9, below=True
                )
                + 2.5
            )
    paper.say(left, 129, width, wording.option_name(rsvp.option), size=8.5, quiet=True)
    paper.code(entries.ticket_url(person.ticket_code), stub + 3.5, 30, 56)
    paper.say(stub + 6, 90, 52, person.spoken_code, size=20, style="B")
    admits = gettext("Admits one, on every day") if event.lasts_days else gettext("Admits one")
    paper.say(stub + 6, 100, 52, admits, size=9, quiet=True)


def badges(event: Event, people: Iterable[Attendee]) -> bytes:
    """Badges of 90 × 55 mm, ten on a sheet, with marks to cut along."""
    paper = Paper(gettext("Badges: %(title)s", title=event.title))
    for number, person in enumerate(people):
        place = number % 10
        if place == 0:
            paper.add_page()
        x, y = 15 + 90 * (place % 2), 11 + 55 * (place // 2)
        paper.set_line_width(0.1)
        paper.rect(x, y, 90, 55)
        paper.say(x + 5, y + 5, 80, event.title, size=8.5, family="serif", quiet=True)
        below = paper.say(
            x + 5, y + 15, 80, paper.name_of(person), size=24, style="B", lines=2, smallest=10
        )
        company = person.rsvp.organisation
        paper.say(x + 5, below + 1.5, 80, company, size=12, lines=2, smallest=9)
        paper.say(x + 5, y + 47, 80, entries.host_name(event), size=8, quiet=True)
    if not paper.pages:
        _empty(paper)
    return paper.done()


def door_list(event: Event, people: Sequence[Attendee], *, now: datetime) -> bytes:
    """Who is expected in the room, by surname, with boxes to tick: for when the network is not."""
    paper = Paper(gettext("List: %(title)s", title=event.title))
    paper.alias_nb_pages(_PAGES)
    y, letter, bottom = 300.0, "", 278.0
    for person in people:
        initial = _initial(person.name)
        if y > bottom - (10 if initial != letter else 0):
            y = _list_page(paper, event, len(people), now)
            letter = ""
        if initial != letter:
            letter = initial
            y = paper.say(17, y + 1.5, 9, letter, size=12, family="serif", below=True) + 0.5
        y = _list_row(paper, person, y)
    if not paper.pages:
        _empty(paper)
    return paper.done()


def _list_page(paper: Paper, event: Event, number: int, now: datetime) -> float:
    paper.add_page()
    when = wording.span(event.starts_at, event.ends_at, event.zone)
    printed = gettext(
        "Printed %(day)s, %(time)s",
        day=wording.plain_day(now, event.zone),
        time=wording.clock(now, event.zone),
    )
    expected = ngettext("%(num)d person", "%(num)d people", number)
    y = paper.say(17, 12, 140, event.title, size=15, family="serif")
    paper.say(17, y, 176, f"{when} · {expected} · {printed}", size=8.5, quiet=True)
    # From where the codes begin: from the right it would leave room for a longer number.
    paper.say(171, 13.5, 24, f"{paper.page_no()} / {_PAGES}", size=8.5, quiet=True)
    paper.rule(17, 24, 176)
    return 26


def _list_row(paper: Paper, person: Attendee, y: float) -> float:
    rsvp = person.rsvp
    paper.set_draw_color(*_QUIET)
    paper.set_line_width(0.25)
    if person.checked_in_at:
        paper.set_fill_color(*_QUIET)
    paper.rect(18, y + 1.2, 3.6, 3.6, style="DF" if person.checked_in_at else "D")
    paper.set_draw_color(*_RULE)
    below = paper.say(
        24,
        y + 0.7,
        68,
        paper.name_of(person),
        size=10.5,
        style="B",
        lines=2,
        smallest=6.5,
        below=True,
    )
    bottom = max(y + 6.2, below + 0.8)
    host = gettext("Guest of %(name)s", name=rsvp.name) if person.position else rsvp.organisation
    paper.say(92, y + 0.9, 62, host, size=9.5, smallest=7.5, below=True)
    if rsvp.needs_step_free:
        paper.say(154, y + 0.9, 18, gettext("Step-free"), size=8, quiet=True)
    paper.say(171, y + 0.9, 24, person.spoken_code, size=9)
    paper.rule(24, bottom, 169)
    return bottom + 0.2


def _empty(paper: Paper) -> None:
    paper.add_page()
    paper.say(20, 30, 170, gettext("Nobody has a seat in the room yet."), size=12)


def _begins_from_the_right(text: str) -> bool:
    first = next((sign for sign in text if sign.isalpha()), "")
    return FROM_THE_RIGHT.match(first) is not None


def _initial(name: str) -> str:
    """The letter under which a name stands: where the list is sorted, without its accents."""
    said = unicodedata.normalize("NFC", folded(surname(name)))
    return next((sign for sign in said if sign.isalnum()), "").upper()


def surname(name: str) -> str:
    """The name of the family, by which a list is sorted: the first word in Chinese, Japanese or
    Korean letters, else the last one that is not a title behind it.

    What stands in brackets, the name in other letters mostly, does not count, nor do emoji.
    """
    words = _IN_BRACKETS.sub(" ", name).replace(",", " ").split() or name.split()
    words = [word for word in words if any(sign.isalnum() for sign in word)] or words
    if words and _FAMILY_FIRST.match(words[0]):
        return words[0]
    while len(words) > 1 and words[-1].strip(".").lower() in _NO_SURNAMES:
        words.pop()
    return words[-1] if words else ""
