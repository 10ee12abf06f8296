"""The database's floor: connections that ended, transactions."""

from __future__ import annotations

import psycopg
import pytest
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from registration.database import db, in_words, transaction
from registration.models import Rsvp, WorkerHeartbeat
from registration.writing import write_rows
from tests.conftest import DATABASES, NOW


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


def _driver() -> psycopg.Connection:
    driven = db.session.connection().connection.driver_connection
    assert isinstance(driven, psycopg.Connection)
    return driven


def test_reading_leaves_no_transaction_open_and_keeps_what_the_server_prepared(app: Flask) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql")
    for _visit in range(7):
        db.session.scalar(select(func.count()).select_from(Rsvp))
        assert _driver().info.transaction_status is TransactionStatus.IDLE
        db.session.rollback()
    assert db.session.scalar(prepared) >= 1


def test_writing_is_one_transaction_until_its_end(app: Flask) -> None:
    with transaction() as session:
        session.add(WorkerHeartbeat(name="a worker", at=NOW))
        session.flush()
        assert _driver().info.transaction_status is TransactionStatus.INTRANS
        session.rollback()
    assert db.session.scalar(select(WorkerHeartbeat.name)) is None


def _write_last(*names: str, then: type[Exception] | None = None) -> None:
    with transaction(rows_last=True):
        for name in names:
            write_rows(WorkerHeartbeat, [{"name": name, "at": NOW}])
        assert _names() == []
        if then is not None:
            raise then


def _names() -> list[str]:
    return sorted(db.session.scalars(select(WorkerHeartbeat.name)))


def test_a_statement_that_is_wrong_is_no_trouble_of_an_operators(app: Flask) -> None:
    with pytest.raises(DBAPIError) as wrong:
        db.session.execute(text("SELECT nothing FROM, WHERE"))
    assert in_words(wrong.value) is None


class TestRowsLast:
    """What is written at the very end, on both databases."""

    @pytest.fixture(params=DATABASES)
    def database(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_they_are_written_with_the_commit(self, app: Flask) -> None:
        _write_last("a worker", "another")
        assert _names() == ["a worker", "another"]

    def test_all_are_taken_back_where_one_cannot_be_written(self, app: Flask) -> None:
        with pytest.raises(IntegrityError):
            _write_last("a worker", "another", "a worker")
        assert _names() == []
        db.session.rollback()
        _write_last("a third")  # over the same connection
        assert _names() == ["a third"]

    def test_a_refusal_leaves_none_for_the_next_transaction(self, app: Flask) -> None:
        with pytest.raises(ZeroDivisionError):
            _write_last("a worker", then=ZeroDivisionError)
        _write_last("another")
        assert _names() == ["another"]
