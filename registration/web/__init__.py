"""The browser's door: forms and routes, one module a concept."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import Babel, get_locale, get_translations
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import Field, RadioField, SelectMultipleField

from registration import entries, players, wording
from registration.web import (
    answering,
    erasing,
    errors,
    events,
    filters,
    front,
    headers,
    limits,
    lobby,
    pages,
    rsvps,
    speakers,
    staff,
    unsubscribe,
)

csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Put the web floor on: addresses, templates, languages, protection, errors."""
    app.config.update(
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=app.config["BASE_URL"].startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_TRANSLATION_DIRECTORIES=str(Path(app.root_path) / "registration" / "translations"),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    Babel(app, locale_selector=_select_locale)
    _speak_fast(app)
    csrf.init_app(app)
    limits.init_app(app)
    for blueprint in (
        events.blueprint,
        answering.blueprint,
        rsvps.blueprint,
        erasing.blueprint,
        lobby.blueprint,
        speakers.blueprint,
        pages.blueprint,
        unsubscribe.blueprint,
    ):
        app.register_blueprint(blueprint)
    # A mail program's one click (RFC 8058) has no token; the signed key in the address says who.
    csrf.exempt(unsubscribe.blueprint)
    # Its key is all that Enter takes: a token would add nothing but a cookie and work.
    csrf.exempt(lobby.enter)
    staff.init_app(app)
    _fill_templates(app)
    headers.init_app(app)
    app.session_interface = front.Sessions()
    errors.init_app(app)
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]


def _select_locale() -> str:
    """The page's own language where it has one (an event's), else what the browser asks for.

    The staff's rooms are in the first language, which the house works in.
    """
    chosen: str | None = g.get("language")
    languages = list(current_app.config["LANGUAGES"])
    if chosen in languages:
        return str(chosen)
    if not has_request_context() or (request.blueprint or "").startswith(("staff", "security")):
        return str(languages[0])
    return request.accept_languages.best_match(languages) or languages[0]


def _speak_fast(app: Flask) -> None:
    """Let templates find the catalogue of a language once, and not for each text anew."""
    catalogues: dict[Locale | None, Any] = {}

    def catalogue() -> Any:
        locale = get_locale()
        found = catalogues.get(locale)
        if found is None:
            found = catalogues[locale] = get_translations()
        return found

    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalogue().ugettext(text),
        ngettext=lambda one, many, number: catalogue().ungettext(one, many, number),
        newstyle=True,
    )


def _fill_templates(app: Flask) -> None:
    static = Path(app.root_path) / "static"

    @cache
    def digest(path: str) -> str:
        return hashlib.blake2b((static / path).read_bytes(), digest_size=6).hexdigest()

    @cache
    def address(path: str, _script_root: str) -> str:
        return url_for("static", filename=path, v=digest(path))

    def asset(path: str) -> str:
        """The address of a static file, with a hash of its content: it may be cached for good."""
        return address(path, request.script_root)

    words: dict[str, Any] = {
        name: getattr(wording, name)
        for name in (
            "availability",
            "clock",
            "day",
            "day_and_month",
            "day_of_month",
            "hours",
            "language_name",
            "moment",
            "month",
            "month_and_year",
            "option_name",
            "ordinal_place",
            "plain_date",
            "plain_day",
            "room_left",
            "short_date",
            "short_plain_date",
            "short_day",
            "short_weekday",
            "span",
            "taken_percent",
            "weekday",
        )
    }
    app.jinja_env.globals.update(
        words,
        asset=asset,
        first_id=_first_id,
        page_language=lambda: str(get_locale() or "en").replace("_", "-"),
        text_direction=lambda: (get_locale() or Locale("en")).text_direction,
        venue_line=entries.venue,
        watchable_from=players.watchable_from,
    )
    app.jinja_env.filters.update(filters.ALL)


def _first_id(field: Field) -> str:
    """The id that a link of the error summary leads to."""
    if isinstance(field, (RadioField, SelectMultipleField)):
        for choice in field:
            return str(choice.id)
    return str(field.id)
