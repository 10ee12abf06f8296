"""The database floor: base class, column types, engine settings, and what a transaction is."""

from __future__ import annotations

import enum
import select
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Executable,
    MetaData,
    UpdateBase,
    event,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from registration import turns


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database. A naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime reached the database: {value!r}")
        value = value.astimezone(UTC)
        # SQLite keeps text: without the zone all instants compare in one format.
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: A JSON value; binary and comparable on PostgreSQL.
JSON_DOCUMENT = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """Base of all models: named constraints, and the column types that annotations mean."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UTCDateTime(),
        list[str]: JSON_DOCUMENT,
        dict[str, Any]: JSON_DOCUMENT,
        enum.StrEnum: Enum(
            enum.StrEnum,
            native_enum=False,
            create_constraint=True,
            length=20,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


# Trap: SQLAlchemy(model_class=Base) refuses a Base that has a type_annotation_map.
db = SQLAlchemy(metadata=Base.metadata)

#: Where a session keeps what its transaction writes last.
_PUT_OFF = "rows put off"


def engine_options(url: str) -> dict[str, Any]:
    """Options for SQLALCHEMY_ENGINE_OPTIONS that fit the database behind `url`."""
    # What is written is about people: it must not reach a log in the text of an error.
    common = {"hide_parameters": True}
    if url.startswith("sqlite"):
        return common | {"connect_args": {"timeout": 30}}
    # The connection that was used last goes first: it knows the most prepared statements.
    return common | {"pool_size": 5, "max_overflow": 10, "pool_use_lifo": True}


@event.listens_for(Engine, "connect")
def _prepare_connection(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    # The driver must not begin transactions by itself: `_begin` below says how each begins.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "busy_timeout = 30000",
        "foreign_keys = ON",
        # What is erased must not stay readable in the file; not every build does so by itself.
        "secure_delete = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    turns.prepare(connection, record)


@event.listens_for(Pool, "checkout")
def _look_whether_alive(
    connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Replace a connection that its server has ended, without asking the server.

    A server says that it goes, and its end of the socket closes: either can be read, while
    nothing is to be read from a connection at rest.
    """
    if not isinstance(connection, psycopg.Connection):
        return
    if connection.closed:
        raise InvalidatePoolError
    ears = select.poll()
    ears.register(connection.pgconn.socket, select.POLLIN)
    if ears.poll(0):
        raise InvalidatePoolError


@event.listens_for(Session, "after_begin")
def _read_without_transaction(
    _session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    """Leave out the transaction where the session only reads from PostgreSQL.

    Each statement sees what is committed by then in any case. To begin and to roll back are two
    more questions to the server, and a rollback lets the driver forget its prepared statements.
    """
    driven = connection.connection.driver_connection
    if isinstance(driven, psycopg.Connection):
        driven.autocommit = not connection.get_execution_options().get("writing", False)


@event.listens_for(Pool, "checkin")
def _give_back(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    if isinstance(connection, psycopg.Connection) and not connection.closed:
        connection.autocommit = False


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # A deferred transaction that turns to writing fails at once if another wrote meanwhile,
        # whatever the busy timeout is; one that says so at its beginning waits its turn.
        writing = connection.get_execution_options().get("writing", False)
        if writing:
            turns.take(connection.info)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def write_file_anew() -> None:
    """Write SQLite's file anew, without what pages that were split still hold of rows long gone.

    Who writes meanwhile waits. Nothing happens to PostgreSQL, which tidies up by itself. Raises
    sqlite3.OperationalError where it cannot be done, say on a full disk: then all is as it was.
    """
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            turns.take(connection.info)
            driven = cast(sqlite3.Connection, connection.connection.driver_connection)
            driven.execute("VACUUM")
            driven.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def queue_up(name: str) -> None:
    """Go on only once nobody else does who queues up for the same name, until the commit.

    For what has no row in common that could be locked: PostgreSQL locks the name itself. SQLite
    lets one write at a time anyhow.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))


def count_changed(statement: UpdateBase) -> int:
    """Write rows by one statement; how many they were. Objects at hand stay as they are."""
    options = {"synchronize_session": False, "preserve_rowcount": True}
    written = db.session.execute(statement.execution_options(**options))
    return cast("CursorResult[Any]", written).rowcount


def execute_rows(statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
    """Run a statement that returns nothing for each of these rows; `rows_last` puts it off."""
    if not rows:
        return
    session = db.session()
    put_off = session.info.get(_PUT_OFF)
    if put_off is None:
        session.connection().execute(statement, rows)
    else:
        put_off.append((statement, rows))


@contextmanager
def transaction(*, keep: bool = False, rows_last: bool = False) -> Iterator[Session]:
    """One writing transaction from a clean start: committed at the end, rolled back on any error.

    What the session read before is forgotten, so that nothing stale takes part in a decision.
    With `keep`, rows may be read after it as they were committed, without asking for them again.
    With `rows_last`, what `execute_rows` is given is written at the very end, together with the
    commit: PostgreSQL gets all of it in one message, and the seats' lock is held for less long.
    Nothing in such a transaction may look for those rows.
    """
    session = db.session()
    session.rollback()
    session.expire_all()
    connection = session.connection(execution_options={"writing": True})
    put_off: list[tuple[Executable, Sequence[dict[str, Any]]]] = []
    if rows_last:
        session.info[_PUT_OFF] = put_off
    try:
        yield session
        session.expire_on_commit = not keep
        session.flush()
        _finish(connection, put_off)
        session.commit()
    except BaseException:
        # Before anything else happens: a refusal must not keep locks while its page renders.
        session.rollback()
        raise
    finally:
        session.expire_on_commit = True
        session.info.pop(_PUT_OFF, None)


def in_words(problem: DBAPIError) -> str | None:
    """What an operator can do about it; None if it is a fault of ours."""
    said = str(problem.orig).partition("\n")[0]
    missing = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
    if isinstance(problem.orig, missing) or said.startswith(("no such table", "no such column")):
        return "the tables of this version are not in the database; run: flask --app app db upgrade"
    # SQLite's word for a statement that is wrong; PostgreSQL's is no OperationalError.
    if getattr(problem.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return None
    # What has no statement went wrong before there was a connection.
    if isinstance(problem, OperationalError) or problem.statement is None:
        return (
            f"the database cannot be used: {said}. Look whether DATABASE_URL is right, and whether "
            "its server runs or its file may be written"
        )
    return None


def _told_as_ever(error: psycopg.Error) -> Exception:
    """The error of the driver as each statement by itself would have raised it."""
    told = DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True)
    assert isinstance(told, Exception)
    return told


def _finish(
    connection: Connection, rows_last: Sequence[tuple[Executable, Sequence[dict[str, Any]]]]
) -> None:
    """Write the last rows; to PostgreSQL together with the commit, as one question."""
    if not rows_last:
        return
    driven = connection.connection.driver_connection
    if isinstance(driven, psycopg.Connection):
        try:
            with driven.pipeline():
                for statement, rows in rows_last:
                    connection.execute(statement, rows)
                driven.commit()
        except psycopg.Error as error:
            # It comes at the end of the pipeline, when nobody asks for a statement any more.
            raise _told_as_ever(error) from error
    else:
        for statement, rows in rows_last:
            connection.execute(statement, rows)
