"""Text in one spelling (Unicode's normal forms, UAX #15), in a time that grows as it does.

To put the marks on a letter in order takes the square of their number: a form full of them would
keep a process at it for an hour. So no more than thirty follow each other: behind them stands a
sign that nobody sees, and at which the order begins anew (Stream-Safe Text Format, UAX #15, 13).
"""

from __future__ import annotations

import re
import unicodedata

_MOST_MARKS = 30
_JOINER = "\u034f"
# Where so many may be: no mark stands before U+0300.
_LONG_RUN = re.compile(f"[\u0300-\U0010ffff]{{{_MOST_MARKS + 1},}}")


def composed(text: str) -> str:
    """Text as it is kept, in composed letters (NFC)."""
    return unicodedata.normalize("NFC", with_few_marks(text))


def decomposed(text: str) -> str:
    """Text as it is compared, in plain letters with their marks behind them (NFKD)."""
    return unicodedata.normalize("NFKD", with_few_marks(text))


def with_few_marks(text: str) -> str:
    """Text that either form can be made of; anything that people write stays as it is."""
    return _LONG_RUN.sub(lambda run: _parted(run[0]), text)


def _parted(run: str) -> str:
    pieces: list[str] = []
    marks = 0
    for sign in run:
        # Some signs are no marks, and become some.
        is_mark = unicodedata.combining(unicodedata.normalize("NFKD", sign)[0])
        marks = marks + 1 if is_mark else 0
        if marks > _MOST_MARKS:
            pieces.append(_JOINER)
            marks = 1
        pieces.append(sign)
    return "".join(pieces)
