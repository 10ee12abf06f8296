"""The files of pictures that people uploaded: named by a row, and gone once none shows them.

An upload has a name of its own kind until its form is saved. A row never takes over a file that
another row or a form may name as well: it gets a copy of its own. So whoever removes a name that no
row has removes it from nobody, whatever is being saved at the same time; and what a row has ever
named is no upload that waits, also for a database that is empty yet, or older than the pictures.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeGuard

from flask import current_app
from flask_babel import gettext
from sqlalchemy import exists, or_, select

from registration.database import db
from registration.models import Event, Speaker
from registration.revisions import EventRefused

#: How long an upload waits for its form to be saved.
_KEPT = timedelta(days=1)
_UPLOAD = ".new.webp"
_NAME = re.compile(r"[0-9a-f]{32}(?:\.new)?\.webp")


def new_name() -> str:
    """A name for an upload, that nobody guesses."""
    return f"{secrets.token_hex(16)}{_UPLOAD}"


def name_of(text: str | None) -> str:
    """The name of a picture that a form carries; what is no such name is none, above all a path."""
    return text if text and _NAME.fullmatch(text) else ""


def is_upload(name: str | None) -> TypeGuard[str]:
    """Whether it is the name of an upload that waits for its form to be saved."""
    return bool(name) and str(name).endswith(_UPLOAD)


class PictureGone(EventRefused):
    """A picture that was removed since a form named it."""


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


@contextmanager
def chosen(names: Sequence[str | None]) -> Iterator[list[str | None]]:
    """What rows are to have, for what their forms name: of an upload a copy, of "" no picture.

    Any other name stands for the picture that a form has found there, which may be another by now:
    it is None, and the row keeps what it has. Copies are made before the block, so that no row is
    locked meanwhile, and removed again where the block fails. Raises PictureGone.
    """
    with _unless_it_fails() as mine:
        mine.extend(own(name) if is_upload(name) else None if name else name for name in names)
        yield mine


@contextmanager
def copied(names: Sequence[str]) -> Iterator[list[str]]:
    """Copies of these pictures for rows that are made from others: "" where there is no file.

    Like those of `chosen` they are made before the block, and removed again where it fails.
    """
    with _unless_it_fails() as mine:
        mine.extend(map(_own_if_there, names))
        yield [name or "" for name in mine]


def _own_if_there(name: str) -> str:
    with suppress(PictureGone):
        return own(name)
    return ""


@contextmanager
def _unless_it_fails() -> Iterator[list[str | None]]:
    """A list for the names of files that are removed where the block fails."""
    mine: list[str | None] = []
    try:
        yield mine
    except BaseException:
        for copy in filter(None, mine):
            (_folder() / copy).unlink(missing_ok=True)
        raise


def sweep(*, now: datetime) -> None:
    """Remove uploads that nobody has saved within a day."""
    oldest = (now - _KEPT).timestamp()
    waiting = _folder().glob(f"*{_UPLOAD}")
    discard(*(file.name for file in waiting if file.stat().st_mtime < oldest))


def discard(*names: str | None) -> None:
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
