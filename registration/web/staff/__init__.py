"""The staff's rooms."""

from __future__ import annotations

from flask import Flask

from registration.web.staff import (
    accounts,
    attendees,
    door,
    events,
    mailings,
    mails,
    navigation,
    recording,
    speakers,
    stream,
    words,
)

ROOMS = (events, attendees, door, mailings, mails, recording, speakers, stream)


def init_app(app: Flask) -> None:
    """Put sign-in and the staff's pages on."""
    accounts.init_app(app)
    navigation.init_app(app)
    words.init_app(app)
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
