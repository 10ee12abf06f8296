"""The browser's door: forms and routes, one module a concept."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from registration.web import (
    answering,
    editing,
    erasing,
    errors,
    events,
    finding,
    front,
    headers,
    languages,
    limits,
    lobby,
    openings,
    pages,
    rsvps,
    speakers,
    staff,
    templating,
    tickets,
    unsubscribe,
)
from registration.web.own_forms import OwnForms

csrf = OwnForms()


def init_app(app: Flask) -> None:
    """Put the web floor on: addresses, templates, languages, protection, errors."""
    app.config.update(
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=app.config["BASE_URL"].startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # own_forms.py asks instead
        BABEL_TRANSLATION_DIRECTORIES=str(Path(app.root_path) / "registration" / "translations"),
    )
    app.jinja_environment = templating.Templates
    templating.Languages(app, locale_selector=languages.select)
    templating.init_app(app)
    # Each function here is a plain one; Flask would look at it once more at each call.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]
    app.before_request(_only_forms)
    languages.init_app(app)
    csrf.init_app(app)
    limits.limiter.init_app(app)
    for blueprint in (
        events.blueprint,
        answering.blueprint,
        rsvps.blueprint,
        tickets.blueprint,
        finding.blueprint,
        openings.blueprint,
        editing.blueprint,
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
    headers.init_app(app)
    app.session_interface = front.Sessions()
    errors.init_app(app)
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]


def _only_forms() -> None:
    """Take nothing but forms: Flask-WTF would read JSON as well, of any type and any depth.

    Who is tried, and how often, is read off forms; a guess in JSON would count for nobody.
    """
    if request.is_json:
        abort(415)
    if request.mimetype != "multipart/form-data":
        # Texts alone: of these Werkzeug reads all that a picture may have.
        request.max_content_length = request.max_form_memory_size
