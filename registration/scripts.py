"""The scripts of the world that print: which letters they have, and which font has those.

The fonts lie in registration/fonts with their licence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"

#: The signs that our own fonts have: those of western Europe. "ş" and "ł" are not among them.
OWN = re.compile(
    r"[\u0000-\u00ff\u0131\u0152\u0153\u02c6\u02da\u02dc\u2013\u2014\u2018-\u201a\u201c-\u201e"
    r"\u2022\u2026\u2039\u203a\u2044\u20ac\u2122\u2212\u2215]*"
)
#: What is written from the right.
FROM_THE_RIGHT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True)
class Script:
    """Letters that have a font of their own, and whether each must be shaped by its neighbours."""

    name: str
    letters: re.Pattern[str]
    file: str
    is_shaped: bool = False


def _script(name: str, letters: str, weight: str = "Regular", *, is_shaped: bool = False) -> Script:
    return Script(
        name.lower(), re.compile(f"[{letters}]"), f"NotoSans{name}-{weight}.ttf", is_shaped
    )


SCRIPTS = [
    _script("Arabic", r"\u0600-\u08ff\ufb50-\ufdff\ufe70-\ufefc", "Medium", is_shaped=True),
    _script("Hebrew", r"\u0590-\u05ff\ufb1d-\ufb4f", "Medium", is_shaped=True),
    _script("Thaana", r"\u0780-\u07bf", is_shaped=True),
    _script("Armenian", r"\u0530-\u058f\ufb13-\ufb17"),
    _script("Georgian", r"\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f"),
    _script("Ethiopic", r"\u1200-\u139f\u2d80-\u2ddf\uab00-\uab2f"),
    _script("Devanagari", r"\u0900-\u097f", "Medium", is_shaped=True),
    _script("Bengali", r"\u0980-\u09ff", is_shaped=True),
    _script("Gurmukhi", r"\u0a00-\u0a7f", is_shaped=True),
    _script("Gujarati", r"\u0a80-\u0aff", is_shaped=True),
    _script("Tamil", r"\u0b80-\u0bff", is_shaped=True),
    _script("Telugu", r"\u0c00-\u0c7f", is_shaped=True),
    _script("Kannada", r"\u0c80-\u0cff", is_shaped=True),
    _script("Malayalam", r"\u0d00-\u0d7f", is_shaped=True),
    _script("Sinhala", r"\u0d80-\u0dff", is_shaped=True),
    _script("Thai", r"\u0e00-\u0e7f", "Medium", is_shaped=True),
    _script("Lao", r"\u0e80-\u0eff", is_shaped=True),
    _script("Myanmar", r"\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f", is_shaped=True),
    _script("Khmer", r"\u1780-\u17ff\u19e0-\u19ff", is_shaped=True),
    _script("SC", r"\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef"),
    _script("KR", r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"),
]
