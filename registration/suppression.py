"""The list of who was erased, kept beside backups: it outlives a restored one.

It holds the numbers of RSVPs and when each was made, nothing that is personal. What goes on its
day by itself is not in it: in a restored database it is due again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from registration import erasure
from registration.database import db
from registration.models import AuditEntry, Rsvp

_HEAD = "RSVPs erased as somebody asked: number, and when it was made"


class ListRefused(Exception):
    """A list that cannot be written or read; its text says why."""


def save(target: Path) -> int:
    """Write the list, in the place of an older one; how many RSVPs are in it. Raises ListRefused.

    Whatever fails, an older list stays whole.
    """
    asked = select(AuditEntry.rsvp_id).where(AuditEntry.action == "rsvp.erased")
    erased = db.session.execute(
        select(Rsvp.id, Rsvp.created_at).where(Rsvp.id.in_(asked)).order_by(Rsvp.id)
    ).all()
    lines = [_HEAD, *(f"{rsvp_id} {made_at.isoformat()}" for rsvp_id, made_at in erased)]
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        with unfinished.open("w") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as problem:
        with suppress(OSError):
            unfinished.unlink()
        raise ListRefused(f"{target} cannot be written: {problem.strerror}") from problem
    return len(erased)


def apply(source: Path, *, now: datetime) -> int:
    """Erase what a backup has brought back of this list; of how many RSVPs. Raises ListRefused.

    Who is erased is not mailed: they were told when it was done. One transaction for each, and
    the list can be applied again. A number that has become another RSVP's is left alone.
    """
    done = 0
    for rsvp_id, made_at in _read(source):
        there = select(Rsvp.id).where(
            Rsvp.id == rsvp_id, Rsvp.created_at == made_at, Rsvp.erased_at.is_(None)
        )
        if db.session.scalar(there) is not None:
            erasure.erase(rsvp_id=rsvp_id, now=now, tells=False)
            done += 1
    return done


def _read(source: Path) -> list[tuple[int, datetime]]:
    try:
        head, *lines = source.read_text().splitlines()
        if head != _HEAD:
            raise ValueError
        pairs = [line.split() for line in lines]
        erased = [(int(number), datetime.fromisoformat(made_at)) for number, made_at in pairs]
        if any(made_at.tzinfo is None for _number, made_at in erased):
            raise ValueError
    except ValueError as problem:
        raise ListRefused(f"{source} is no list that `erased save` has written") from problem
    return erased
