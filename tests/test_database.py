"""The database's floor: connections that ended, transactions."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from registration.database import db


@pytest.fixture
def database() -> str:
    """The one that has a server."""
    return "postgresql"


def test_a_connection_that_its_server_ended_is_replaced_unseen(app: Flask) -> None:
    backend = db.session.scalar(text("SELECT pg_backend_pid()"))
    db.session.rollback()
    # Another connection, as an administrator's; ours lies in the pool.
    with db.engine.connect() as first, db.engine.connect() as second:
        pids = {one.scalar(text("SELECT pg_backend_pid()")) for one in (first, second)}
        assert backend in pids
    with db.engine.connect() as other:
        own = other.scalar(text("SELECT pg_backend_pid()"))
        for pid in pids - {own}:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    for _ in range(2):
        with db.engine.connect() as one, db.engine.connect() as another:
            assert one.scalar(text("SELECT 1")) == another.scalar(text("SELECT 1")) == 1
