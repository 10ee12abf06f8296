"""The front of the house: answers that are the same for everybody leave from memory, compressed.

An answer takes part if it says `Cache-Control: public`, is text and is small. Each process keeps
its own for a moment, within which nothing below is asked. What is personal passes untouched: it
is not compressed either, since its size would tell of the keys in it (the BREACH attack).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer

from registration.web import languages

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Key = tuple[str, ...]
StartResponse = Callable[..., Any]

#: Larger answers are not kept.
_LARGEST = 512 * 1024
#: How many answers are kept, the latest ones.
_MOST = 256
#: What allows caches to keep an answer for longer than this is a file named by its content.
_LONG = 86_400
#: A form up to this size is read before its turn.
_SMALL_FORM = 64 * 1024
#: Seconds that a request waits for its turn before it goes on without.
_PATIENCE = 0.25
_TEXT = re.compile(r"text/|application/(json|javascript|atom\+xml)|image/svg")
_MAX_AGE = re.compile(r"max-age=(\d+)")
_OWN_HEADERS = {"content-length", "content-encoding", "etag", "vary", "accept-ranges"}
#: What asks for less than the whole answer.
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")


class Sessions(SecureCookieSessionInterface):
    """Sessions that leave public answers alone: these set no cookie and depend on none."""

    _serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """What seals sessions: made once, where Flask makes it twice for each request."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep the session, unless any cache may keep the answer."""
        if not response.cache_control.public:
            super().save_session(app, session, response)


@dataclass
class _Kept:
    """An answer in memory, in one encoding, and until when it may be used."""

    headers: Headers
    short_headers: Headers  # of its 304
    body: bytes
    etag: str
    refresh_at: float
    until: float
    refreshing: threading.Lock = field(default_factory=threading.Lock)


class Front:
    """WSGI middleware that keeps public answers for up to `seconds`; with 0 none but files."""

    def __init__(self, below: Callable[..., Iterable[bytes]], *, seconds: float) -> None:
        self._below = below
        self._seconds = seconds
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._turn = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory where possible, else ask below."""
        # The site begins at its host's root (BASE_URL). Servers take another root off a header
        # that a stranger may have written, and all links of a page that is kept would lead there.
        environ["SCRIPT_NAME"] = ""
        keys = _keys(environ)
        if not keys:
            return self._ask_below(environ, start_response)
        moment = time.monotonic()
        is_public = False
        for key in keys:
            kept = self._kept.get(key)
            if kept is None:
                continue
            is_public = True
            if moment >= kept.until:
                continue
            # One asks anew shortly before the end; the others need not wait for it.
            if moment >= kept.refresh_at and kept.refreshing.acquire(blocking=False):
                continue
            return _send(kept, environ, start_response)
        return self._ask(keys, environ, start_response, is_public=is_public)

    def _ask(
        self,
        keys: tuple[Key, Key],
        environ: Environ,
        start_response: StartResponse,
        *,
        is_public: bool,
    ) -> Iterable[bytes]:
        # A condition would be answered with a 304, which cannot be kept. It is looked at here.
        if is_public and environ["REQUEST_METHOD"] == "GET":
            asked = {name: value for name, value in environ.items() if name not in _CONDITIONS}
        else:
            asked = environ
        moment = time.monotonic()
        status, headers = "", Headers()

        def listen(told: str, told_headers: Headers, exc_info: Any = None) -> Callable[..., Any]:
            nonlocal status, headers
            status, headers = told, list(told_headers)
            return _no_write

        body = self._ask_below(asked, listen)
        named = {name.lower(): value for name, value in headers}
        lifetime = self._lifetime(environ, status, named)
        if lifetime is None:
            start_response(status, headers)
            return body
        kept = _keep(headers, named, _read(body), gzipped=keys[0][-1] == "gzip")
        kept.until = moment + lifetime
        kept.refresh_at = moment + lifetime * 0.7
        if lifetime:
            self._store(
                keys[1] if "accept-language" in named.get("vary", "").lower() else keys[0], kept
            )
        return _send(kept, environ, start_response)

    def _ask_below(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Ask with one thread at a time: Python runs one anyway, and taking turns costs a third.

        What is written while it is read, and forms that come slowly, keep nobody waiting; neither
        does for long whoever waits for the database.
        """
        length = environ.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and 0 < int(length) <= _SMALL_FORM:
            environ = environ | {"wsgi.input": io.BytesIO(environ["wsgi.input"].read(int(length)))}
        is_ours = self._turn.acquire(timeout=_PATIENCE)
        try:
            return self._below(environ, start_response)
        finally:
            if is_ours:
                self._turn.release()

    def _lifetime(self, environ: Environ, status: str, named: dict[str, str]) -> float | None:
        """For how many seconds to keep an answer; None for one that is not for everybody."""
        control = named.get("cache-control", "")
        if (
            environ["REQUEST_METHOD"] != "GET"
            or not status.startswith("200")
            or "public" not in control
            or "set-cookie" in named
            or "content-encoding" in named
            or not _TEXT.match(named.get("content-type", ""))
            or not 0 < int(named.get("content-length", 0)) <= _LARGEST
        ):
            return None
        found = _MAX_AGE.search(control)
        age = int(found[1]) if found else 0
        return 1e9 if age > _LONG else min(self._seconds, age)

    def _store(self, key: Key, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)


def _keys(environ: Environ) -> tuple[Key, Key] | None:
    """Under what an answer is kept if it is in its own language, and if in that of the browser.

    What the reader has chosen goes before either. None for what is never kept: anything but
    reading, and searches, of which there is no end.
    """
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return None
    path = environ["PATH_INFO"]
    is_file = path.startswith("/static/")  # the same in all languages
    if environ.get("QUERY_STRING") and not is_file:
        return None
    chosen = "" if is_file else languages.in_cookies(environ.get("HTTP_COOKIE", ""))
    encoding = "gzip" if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") else ""
    site = (environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), path, chosen)
    return (*site, encoding), (*site, environ.get("HTTP_ACCEPT_LANGUAGE", ""), encoding)


def _keep(headers: Headers, named: dict[str, str], body: bytes, *, gzipped: bool) -> _Kept:
    etag = hashlib.blake2b(body, digest_size=12).hexdigest()
    own = [(name, value) for name, value in headers if name.lower() not in _OWN_HEADERS]
    vary = ", ".join(filter(None, [named.get("vary", ""), "Accept-Encoding"]))
    own.append(("Vary", vary))
    if gzipped:
        body, etag = gzip.compress(body, 6, mtime=0), f"{etag}-g"
        own.append(("Content-Encoding", "gzip"))
    own.append(("ETag", f'"{etag}"'))
    short = [pair for pair in own if pair[0] not in ("Content-Encoding", "Content-Type")]
    return _Kept([*own, ("Content-Length", str(len(body)))], short, body, f'"{etag}"', 0, 0)


def _send(kept: _Kept, environ: Environ, start_response: StartResponse) -> list[bytes]:
    if kept.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response("304 Not Modified", kept.short_headers)
        return []
    start_response("200 OK", kept.headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [kept.body]


def _read(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("an application returns its answer; it does not write it")
