"""The staff's rooms."""

from __future__ import annotations

from flask import Flask

from registration.web.staff import accounts, attendees, events, mails, speakers


def init_app(app: Flask) -> None:
    """Put sign-in and the staff's pages on."""
    accounts.init_app(app)
    for room in (events, attendees, mails, speakers):
        app.register_blueprint(room.blueprint)
