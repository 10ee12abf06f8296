"""Whoever writes to SQLite takes turns: a queue in the system's kernel instead of asking again.

SQLite lets one write at a time. Its own way to wait is to sleep and look again, up to a tenth of a
second, while the one whose turn it could be sleeps too. Here a writing transaction first waits for
a lock on a file beside the database, which wakes it at once. Who does not know of the lock (another
program) is still kept out by SQLite itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

_FILE, _TURN = "turns.file", "turns.is_ours"


def prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """Open the file beside the database of a new connection; one in memory needs none."""
    cursor = connection.cursor()
    path = cursor.execute("PRAGMA database_list").fetchone()[2]
    cursor.close()
    if path:
        record.info[_FILE] = os.open(f"{path}-turns", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def take(info: dict[Any, Any]) -> None:
    """Wait until it is this connection's turn to write. It ends when the connection is given back.

    If whoever holds it dies, its turn ends.
    """
    if _FILE in info and not info.get(_TURN):
        fcntl.flock(info[_FILE], fcntl.LOCK_EX)
        info[_TURN] = True


@event.listens_for(Pool, "checkin")
def _give_back(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    if record.info.pop(_TURN, False):
        fcntl.flock(record.info[_FILE], fcntl.LOCK_UN)


@event.listens_for(Pool, "close")
@event.listens_for(Pool, "close_detached")
def _close(_connection: DBAPIConnection, record: ConnectionPoolEntry | None = None) -> None:
    if record is not None and _FILE in record.info:
        record.info.pop(_TURN, None)
        with contextlib.suppress(OSError):
            os.close(record.info.pop(_FILE))
