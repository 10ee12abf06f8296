"""Alembic's environment: our metadata, the application's engine."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import context
from flask import current_app
from flask_security import AsaList

# Importing the models registers their tables.
from registration import models  # noqa: F401
from registration.database import Base, UTCDateTime, db


def _render_type(kind: str, thing: object, autogen: object) -> str | bool:
    """Write our column types by their names; the template imports them."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "UTCDateTime()"
    if kind == "type" and isinstance(thing, sa.JSON):
        return "JSON_DOCUMENT"
    if kind == "type" and isinstance(thing, AsaList):
        return "sa.UnicodeText()"
    return False


@contextmanager
def _rows_left_alone(connection: sa.Connection) -> Iterator[None]:
    """Let a table be rebuilt without its children.

    SQLite alters a table by making a new one and dropping the old, and a dropped table takes with
    it whatever refers to it ON DELETE CASCADE. Foreign keys are off meanwhile (which works outside
    of a transaction alone) and checked at the end.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - for mypy
    driver.execute("PRAGMA foreign_keys = OFF")
    yield
    driver.execute("PRAGMA foreign_keys = ON")
    if broken := driver.execute("PRAGMA foreign_key_check").fetchall():
        raise RuntimeError(f"the migration left rows without what they refer to: {broken[:5]}")


def _run() -> None:
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection, _rows_left_alone(connection):
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_item=_render_type,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


_run()
