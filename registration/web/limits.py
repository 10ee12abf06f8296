"""How much one visitor or one address may do: wide enough for a campus behind one address."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, current_app
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address, default_limits=[], headers_enabled=False)


def init_app(app: Flask) -> None:
    """Count in memory, or where `REDIS_URL` is set in Redis: for all processes together."""
    app.config["RATELIMIT_STORAGE_URI"] = app.config["REDIS_URL"] or "memory://"
    limiter.init_app(app)


def setting(name: str) -> Callable[[], str]:
    """A limit that is read from the settings at each request."""
    return lambda: str(current_app.config[name])
