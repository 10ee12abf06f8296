"""Assembles the application; nothing is decided here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from whitenoise import WhiteNoise

from registration import cli, logs, outbox, rendering, web
from registration.database import db, engine_options
from registration.settings import Settings
from registration.web.front import Front
from registration.web.headers import STAY_ON_HTTPS


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application from `settings`, by default those of the environment.

    Raises SystemExit, with a text for who starts it, if a setting of the environment is wrong.
    """
    settings = settings or Settings.of_environment()
    logs.configure()
    app = Flask(__name__)
    app.config.from_mapping(settings.flask_config())
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.database_url)
    Path(app.instance_path).mkdir(exist_ok=True)

    db.init_app(app)
    Migrate(app, db, directory=str(Path(app.root_path) / "migrations"))
    outbox.flask_mail.init_app(app)
    web.init_app(app)
    rendering.init_app(app)
    cli.init_app(app)

    # Static files and public pages leave before Flask is asked, compressed.
    files = WhiteNoise(
        app.wsgi_app,
        root=Path(app.root_path) / "static",
        prefix="static/",
        max_age=31_536_000,
        add_headers_function=partial(
            _protect_file, is_https=settings.base_url.startswith("https://")
        ),
    )
    app.wsgi_app = Front(files, seconds=settings.page_memory_seconds)  # type: ignore[method-assign]
    return app


def _protect_file(headers: Any, _path: str, url: str, *, is_https: bool) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if url.endswith("/js/door-worker.js"):
        headers["Service-Worker-Allowed"] = "/"  # it lies apart from the pages that it serves
    if is_https:
        headers["Strict-Transport-Security"] = STAY_ON_HTTPS
