"""The files of pictures that people uploaded, once nothing shows them any more."""

from __future__ import annotations

from pathlib import Path

from flask import current_app
from sqlalchemy import exists, or_, select

from registration.database import db
from registration.models import Event, Speaker


def discard(*names: str) -> None:
    """Remove these files, but for those that a row still names: a clone shares its pictures.

    To be called when the rows that are to go name them no more, in their transaction or after it.
    """
    for name in filter(None, names):
        used = or_(
            exists(select(Speaker.id).where(Speaker.photo == name)),
            exists(select(Event.id).where(Event.image == name)),
        )
        if not db.session.scalar(select(used)):
            Path(current_app.config["UPLOAD_FOLDER"], name).unlink(missing_ok=True)
