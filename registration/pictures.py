"""The files of pictures that people uploaded: named by a row, and gone once none shows them.

A row never takes over a file that another row or a form may name as well: it gets a copy of its
own. So whoever removes a name that no row has removes it from nobody, whatever
is being saved at the same time.
"""

from __future__ import annotations

import re
import secrets
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from flask_babel import gettext
from sqlalchemy import exists, or_, select

from registration.database import db
from registration.models import Event, Speaker

#: How long an upload waits for its form to be saved.
_KEPT = timedelta(days=1)
_NAME = re.compile(r"[0-9a-f]{32}\.webp")


def name_of(text: str | None) -> str:
    """The name of a picture that a form carries; what is no such name is none, above all a path."""
    return text if text and _NAME.fullmatch(text) else ""


class PictureGone(Exception):
    """A picture that was removed since a form named it; the text is fit for staff."""


def own(name: str) -> str:
    """A copy of the picture, for a row that is to name it. Raises PictureGone."""
    if not name:
        return ""
    folder = _folder()
    mine = f"{secrets.token_hex(16)}.webp"
    try:
        shutil.copyfile(folder / name, folder / mine)
    except FileNotFoundError as problem:
        raise PictureGone(
            gettext("The picture was removed meanwhile. Choose it again.")
        ) from problem
    return mine


def sweep(*, now: datetime) -> None:
    """Remove what no row names and nobody touched for a day: uploads that were never saved."""
    oldest = (now - _KEPT).timestamp()
    old = {
        file.name
        for file in _folder().glob("*.webp")
        if _NAME.fullmatch(file.name) and file.stat().st_mtime < oldest
    }
    named = {*db.session.scalars(select(Speaker.photo)), *db.session.scalars(select(Event.image))}
    discard(*(old - named))


def discard(*names: str) -> None:
    """Remove these files, but for those that a row still names: older clones share theirs.

    To be called when the rows that are to go name them no more, in their transaction or after it.
    """
    for name in filter(None, map(name_of, names)):
        used = or_(
            exists(select(Speaker.id).where(Speaker.photo == name)),
            exists(select(Event.id).where(Event.image == name)),
        )
        if not db.session.scalar(select(used)):
            (_folder() / name).unlink(missing_ok=True)


def _folder() -> Path:
    return Path(current_app.config["UPLOAD_FOLDER"])
