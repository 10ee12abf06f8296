"""Text in one spelling, however many marks are on a letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest
from flask import Flask

from registration.composing import composed, decomposed
from registration.web.fields import many_lines, one_line
from registration.web.staff.signing_in import security

MANY = 1000
#: Marks in two classes of order, those that are marks only once they are taken apart too.
MARKS = ["\u0301\u0316", "\u0f73", "\uff9e\u0301", "\u0344\u0323", "\u0316\u0301\u05b0"]


def most_marks_in_a_row(text: str) -> int:
    """How many marks follow each other at most, once the text is taken apart."""
    apart = unicodedata.normalize("NFKD", text)
    runs = groupby(apart, key=lambda sign: unicodedata.combining(sign) > 0)
    return max((len(list(signs)) for are_marks, signs in runs if are_marks), default=0)


@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("read", [composed, decomposed, one_line, many_lines])
def test_no_text_has_more_marks_in_a_row_than_are_put_in_order_quickly(
    read: Callable[[str], str], marks: str
) -> None:
    typed = "Zoe" + marks * MANY + " and " + "o" + marks * MANY
    assert most_marks_in_a_row(typed) > MANY
    assert most_marks_in_a_row(read(typed)) < 70


def test_no_password_has_either(app: Flask) -> None:
    with app.app_context():
        read = security.password_util.normalize("a long password" + "\u0301\u0316" * MANY)
    assert most_marks_in_a_row(read) < 70


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Zoe\u0308 and \u1ec7, e\u0323\u0302",
        "\u1112\u1161\u11ab" * 50,
        "\u05d1\u05bc\u05b0\u05e8\u05b5\u05d0\u05e9\u05b4\u05c1\u05d9\u05ea" * 20,
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35" * 20,
        "\u6f22\u5b57\u304b\u3099" * 50,
        "e" + "\u0301" * 30,
    ],
)
def test_what_people_write_is_spelt_as_unicode_says(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)
    assert decomposed(text) == unicodedata.normalize("NFKD", text)


def test_nobody_else_puts_text_in_order() -> None:
    """What is typed could keep whoever does it directly for an hour."""
    house = Path(__file__).parent.parent / "registration"
    direct = {
        path.name for path in house.rglob("*.py") if "unicodedata.normalize(" in path.read_text()
    }
    assert direct <= {"composing.py", "names.py"}, "the demo's own names are short"
