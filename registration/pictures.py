"""The files of pictures that people uploaded, once nothing shows them any more."""

from __future__ import annotations

import re
from pathlib import Path

from flask import current_app
from sqlalchemy import exists, or_, select

from registration.database import db
from registration.models import Event, Speaker

_NAME = re.compile(r"[0-9a-f]{32}\.webp")


def name_of(text: str | None) -> str:
    """The name of a picture that a form carries; what is no such name is none, above all a path."""
    return text if text and _NAME.fullmatch(text) else ""


def discard(*names: str) -> None:
    """Remove these files, but for those that a row still names: a clone shares its pictures.

    To be called when the rows that are to go name them no more, in their transaction or after it.
    """
    for name in filter(None, map(name_of, names)):
        used = or_(
            exists(select(Speaker.id).where(Speaker.photo == name)),
            exists(select(Event.id).where(Event.image == name)),
        )
        if not db.session.scalar(select(used)):
            Path(current_app.config["UPLOAD_FOLDER"], name).unlink(missing_ok=True)
