"""Keys that are signed rather than stored: they open one thing, and cannot be made up."""

from __future__ import annotations

from flask import current_app
from itsdangerous import BadSignature, Signer


def unsubscribe_key(rsvp_id: int) -> str:
    """What ends the mailings to the address of an RSVP; it opens nothing else."""
    return _signer().sign(str(rsvp_id)).decode()


def read_unsubscribe_key(key: str) -> int | None:
    """The id of the RSVP that a key was made for; None for one that we did not make."""
    try:
        return int(_signer().unsign(key))
    except (BadSignature, ValueError):
        return None


def _signer() -> Signer:
    return Signer(str(current_app.config["SECRET_KEY"]), salt="unsubscribe", sep=".")
