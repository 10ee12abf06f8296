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
    with db.engine.connect() as administrator:
        with db.engine.connect() as ours:
            backend = ours.scalar(text("SELECT pg_backend_pid()"))
        ended = administrator.scalar(
            text("SELECT pg_terminate_backend(:backend, 120000)"), {"backend": backend}
        )
        assert ended
        # Ours lies in the pool; one of these would be it.
        with db.engine.connect() as one, db.engine.connect() as another:
            assert one.scalar(text("SELECT 1")) == another.scalar(text("SELECT 1")) == 1
