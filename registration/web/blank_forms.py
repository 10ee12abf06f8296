"""The form before anybody has typed into it: rendered once a moment, given to each with new tokens.

Many open the form in the same minute, and it is the same for all of them but for the token that
guards it and the sealed time at which it was opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import current_app, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

#: How many forms are kept; beyond that all are forgotten.
_MOST = 64

#: A page without its tokens: what stands between them.
Pieces = list[list[str]]


class BlankForms:
    """Blank pages of this process, by address and language, for PAGE_MEMORY_SECONDS."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, Pieces]] = {}

    def page(
        self, render: Callable[[], tuple[ResponseReturnValue, str]], opened: Callable[[], str]
    ) -> ResponseReturnValue:
        """The page of this request. `opened` makes the sealed time.

        `render` gives an answer and the sealed time in it; the time is empty if the answer is
        anything but a blank form.
        """
        seconds = current_app.config["PAGE_MEMORY_SECONDS"]
        languages = current_app.config["LANGUAGES"]
        key = (request.path, request.accept_languages.best_match(languages) or "")
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            token, sealed = generate_csrf(), opened()
            return token.join(sealed.join(piece) for piece in kept[1])
        began = time.monotonic()
        answer, sealed = render()
        if isinstance(answer, str) and sealed and seconds:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            token = generate_csrf()
            pieces = [piece.split(sealed) for piece in answer.split(token)]
            self._kept[key] = (began + seconds, pieces)
        return answer
