"""The staff's rooms."""

from __future__ import annotations

from flask import Flask

from registration.web.staff import (
    access,
    account,
    accounts,
    attendees,
    bulk,
    differences,
    door,
    editor,
    editor_invitations,
    editor_life,
    editor_new,
    events,
    exports,
    imports,
    log,
    mailings,
    mails,
    moving,
    navigation,
    person,
    printing,
    recording,
    signing_in,
    speakers,
    stream,
    words,
)

ROOMS = (
    events,
    attendees,
    bulk,
    person,
    moving,
    exports,
    door,
    printing,
    editor,
    editor_invitations,
    editor_life,
    editor_new,
    imports,
    mailings,
    mails,
    recording,
    speakers,
    stream,
    accounts,
    log,
    account,
)


def init_app(app: Flask) -> None:
    """Put sign-in and the staff's pages on."""
    signing_in.init_app(app)
    navigation.init_app(app)
    words.init_app(app)
    differences.init_app(app)
    app.before_request(access.note_network)
    editor_life.init_app(app)
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
