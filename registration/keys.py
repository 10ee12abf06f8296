"""Keys that are signed rather than stored: they open one thing, and cannot be made up."""

from __future__ import annotations

from typing import Any

from flask import current_app
from itsdangerous import BadSignature, Signer

from registration.models import Invitation, Rsvp

#: What stands before the number of a row of each kind.
_MARKS = {Rsvp: "", Invitation: "i"}


def unsubscribe_key(reader: Rsvp | Invitation) -> str:
    """What ends mailings, or invitations, to the address of one reader; it opens nothing else."""
    return _signer().sign(f"{_MARKS[type(reader)]}{reader.id}").decode()


def read_unsubscribe_key(key: str) -> tuple[type[Any], int] | None:
    """Whom a key was made for, Rsvp or Invitation and its id; None if we did not make it."""
    try:
        said = _signer().unsign(key).decode()
    except BadSignature:
        return None
    kind = Invitation if said.startswith(_MARKS[Invitation]) else Rsvp
    return kind, int(said.removeprefix(_MARKS[kind]))


def _signer() -> Signer:
    return Signer(str(current_app.config["SECRET_KEY"]), salt="unsubscribe", sep=".")
