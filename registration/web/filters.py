"""How templates turn texts into what is shown."""

from __future__ import annotations

import re

from flask_babel import format_decimal
from markupsafe import Markup, escape

from registration import letters, prose


def markdown(text: str, language: str = "") -> Markup:
    """Markdown as safe HTML, its words set as its language wants it."""
    html = prose.to_html(text, change=lambda words: typo(words, language))
    return Markup(html.replace("<p>", '<p dir="auto">'))  # noqa: S704 - nh3 has cleaned it


def typo(text: str, language: str = "") -> str:
    """French puts a no-break space before high punctuation; the text itself stays as written."""
    if not language.startswith("fr"):
        return text
    return re.sub(r"(?<=\w) ?([:;!?»])(?=\s|$)", "\u00a0\\1", text).replace("« ", "«\u00a0")


def initials(name: str) -> str:
    """Two letters for a portrait: "Amb. Lars-Gunnar Wigemark" is LW."""
    words = [word for word in name.split() if not word.endswith(".")] or name.split() or [""]
    letters = words[0][:1] + (words[-1][:1] if len(words) > 1 else "")
    return letters.upper()


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


def pair(text: str) -> tuple[str, str]:
    """A choice whose value is its words."""
    return text, text


ALL = {
    "first_name": letters.first_name,
    "initials": initials,
    "lines": lines,
    "markdown": markdown,
    "number": number,
    "pair": pair,
    "typo": typo,
    "unbroken_names": unbroken_names,
}
