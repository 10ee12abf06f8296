"""Keys that are signed rather than stored: they open one thing, and cannot be made up."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app
from itsdangerous import Signer

from registration.models import Invitation, Rsvp

#: What stands before the number of a row of each kind.
_MARKS = {Rsvp: "", Invitation: "i"}
_NAMED = re.compile(r"(i?)([0-9]{1,9})\.")


def unsubscribe_key(reader: Rsvp | Invitation) -> str:
    """What ends mailings, or invitations, to the address of one reader; it opens nothing else.

    Where that address is corrected it ends: the mail that it stands in may be a stranger's.
    """
    return _signer(reader.email).sign(f"{_MARKS[type(reader)]}{reader.id}").decode()


def read_unsubscribe_key(key: str) -> tuple[type[Any], int] | None:
    """Whom a key names, Rsvp or Invitation and its id; whether it is theirs is to be asked yet."""
    named = _NAMED.match(key)
    kinds = {mark: kind for kind, mark in _MARKS.items()}
    return (kinds[named[1]], int(named[2])) if named else None


def is_unsubscribe_key_of(reader: Rsvp | Invitation, key: str) -> bool:
    """Whether we made a key for this reader at the address that they have now."""
    return _signer(reader.email).validate(key)


def is_unsubscribe_key_of_before(key: str) -> bool:
    """Whether we made a key when none said for which address it was."""
    return _signer().validate(key)


def _signer(address: str = "") -> Signer:
    salt = f"unsubscribe {address}".strip()
    return Signer(str(current_app.config["SECRET_KEY"]), salt=salt, sep=".")
