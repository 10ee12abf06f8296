"""Pages that many open in the same minute and that differ only in a few words for each reader.

Such are the form before anybody has typed into it, and the page after it. They are rendered once a
moment; each reader gets them with words of their own: the token that guards the form, the address
that a mail has gone to.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from flask import current_app, request
from flask.typing import ResponseReturnValue

from registration.web import languages

#: How many pages are kept; beyond that all are forgotten.
_MOST = 64

#: A page in pieces: text that is the same for all, and the numbers of the words between it.
Pieces = list[str | int]


class KeptPages:
    """Pages of this process, by address and language, for PAGE_MEMORY_SECONDS."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, Pieces]] = {}

    def page(
        self, render: Callable[[], ResponseReturnValue], own: Callable[[], Sequence[str]]
    ) -> ResponseReturnValue:
        """The page of this request, kept or by `render`, with the words of `own` in it.

        `own` gives the words as they stand in the HTML, the same ones throughout a request. Only
        a page with status 200 in which each of them stands is kept.
        """
        key = (request.path, languages.select())
        until, pieces = self._kept.get(key, (0.0, Pieces()))
        if time.monotonic() < until:
            words = own()
            return "".join(piece if isinstance(piece, str) else words[piece] for piece in pieces)
        began = time.monotonic()
        answer = render()
        seconds = current_app.config["PAGE_MEMORY_SECONDS"]
        if seconds and isinstance(answer, tuple) and answer[1] == 200:
            pieces = _apart(str(answer[0]), own())
            if pieces:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[key] = (began + seconds, pieces)
        return answer


def _apart(page: str, words: Sequence[str]) -> Pieces:
    """The page taken apart at these words; nothing if one of them does not stand in it."""
    numbers = {word: number for number, word in enumerate(words)}
    found = re.split(f"({'|'.join(map(re.escape, words))})", page)
    if not set(words) <= set(found):
        return []
    return [numbers.get(piece, piece) for piece in found]
