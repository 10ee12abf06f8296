"""How templates turn texts into what is shown."""

from __future__ import annotations

import re
import unicodedata

from flask_babel import format_decimal
from markupsafe import Markup, escape

from registration import letters, prose, wording

# Not those that modify others: the ʻokina of Hawaiʻi.
_LETTERS = {"Lu", "Ll", "Lt", "Lo"}


def markdown(text: str, language: str = "") -> Markup:
    """Markdown as safe HTML, its words set as its language wants it."""
    html = prose.to_html(text, change=lambda words: typo(words, language))
    return Markup(html)  # noqa: S704 - nh3 has cleaned it


def typo(text: str, language: str = "") -> str:
    """French puts a no-break space before high punctuation; the text itself stays as written."""
    if not language.startswith("fr"):
        return text
    return re.sub(r"(?<=\w) ?([:;!?»])(?=\s|$)", "\u00a0\\1", text).replace("« ", "«\u00a0")


def initials(name: str) -> str:
    """Two letters for a portrait: "Amb. Lars-Gunnar Wigemark" is LW.

    What is no letter is passed over, unless there is nothing else; and a letter that has no capital
    of its own, or another only where a whole word is in capitals, as in Georgian, stays itself.
    """
    words = [word for word in name.split() if not word.endswith(".")] or name.split()
    letters = [letter for word in words if (letter := _first_letter(word))]
    ends = [*letters[:1], *letters[1:][-1:]]
    return "".join(letter.title()[:1] for letter in ends) or name.strip()[:1]


def _first_letter(word: str) -> str:
    letters = (sign for sign in word if unicodedata.category(sign) in _LETTERS)
    return next(letters, "")


def unbroken_names(name: str) -> Markup:
    """A name whose hyphens do not end a line."""
    parts = [
        Markup('<span class="whole">{}</span>').format(word) if "-" in word else escape(word)
        for word in name.split(" ")
    ]
    return Markup(" ").join(parts)


def lines(text: str) -> list[str]:
    """The lines of a text that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def number(value: int) -> str:
    """A number with the signs that group its digits: 93,205."""
    return str(format_decimal(value))


ALL = {
    "first_name": letters.first_name,
    "initials": initials,
    "isolated": wording.isolated,
    "lines": lines,
    "markdown": markdown,
    "number": number,
    "typo": typo,
    "unbroken_names": unbroken_names,
}
