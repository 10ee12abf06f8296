"""In which language a page speaks, and how a reader chooses another one.

A link of every page has `?lang=fr` behind the page's own address. It leaves a cookie and leads back
to the page: from then on all pages are in that language, what is sent from them too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, current_app, g, has_request_context, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.http import parse_cookie

from registration import wording

COOKIE = "language"
_ARGUMENT = "lang"
_A_YEAR = 365 * 24 * 60 * 60
_CODE = re.compile(r"[A-Za-z_-]{2,16}")


@dataclass(frozen=True)
class Other:
    """A language that this page could be in, and where it is."""

    code: str
    name: str
    url: str


def init_app(app: Flask) -> None:
    """Let readers choose, on each page."""
    app.before_request(_choose)
    app.jinja_env.globals["other_languages"] = _others


def select() -> str:
    """The language of this page: the reader's choice, else the page's own, else the browser's.

    A page's own is that of its event or of its RSVP. Where the browser asks for none that is here,
    and outside of requests, it is that of the house: the first.
    """
    known = list(current_app.config["LANGUAGES"])
    own, is_asked = g.get("language"), has_request_context()
    if is_asked and (language := chosen()):
        return language
    if own in known:
        return str(own)
    best = request.accept_languages.best_match(known) if is_asked else None
    return best or str(known[0])


def chosen() -> str:
    """What the reader has chosen; empty if nothing, or what is not there any more."""
    language = request.cookies.get(COOKIE, "")
    return language if language in current_app.config["LANGUAGES"] else ""


def in_cookies(header: str) -> str:
    """What a Cookie header says was chosen, whether or not it is there.

    It is read as requests read it, in quotes too: a page is kept under what it was made for.
    """
    said = parse_cookie(header).get(COOKIE, "") if COOKIE in header else ""
    return said if _CODE.fullmatch(said) else ""


def _choose() -> ResponseReturnValue | None:
    language = request.args.get(_ARGUMENT)
    if language is None or request.method != "GET" or request.endpoint in (None, "static"):
        return None
    answer = redirect(request.path + _query(), code=303)
    if language in current_app.config["LANGUAGES"]:
        answer.set_cookie(
            COOKIE,
            language,
            max_age=_A_YEAR,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return answer


def _others() -> list[Other]:
    """The other languages of this page; none where going there would lose what a form brought."""
    if request.method != "GET":
        return []
    spoken = select()
    return [
        Other(code, wording.language_name(code), _query(**{_ARGUMENT: code}))
        for code in current_app.config["LANGUAGES"]
        if code != spoken
    ]


def _query(**more: str) -> str:
    """The query of this page without a choice of language, and with what is added."""
    kept = [pair for pair in request.args.items(multi=True) if pair[0] != _ARGUMENT]
    pairs = [*kept, *more.items()]
    return f"?{urlencode(pairs)}" if pairs else ""
