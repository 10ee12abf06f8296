"""A consistent copy of the whole database while people go on writing, and the way back from it.

SQLite is copied by its own online backup. PostgreSQL is read table by table in one snapshot; the
copy names its migration, and goes back into an empty database of any PostgreSQL server.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import inspect, text

from registration.database import Base, db

_ABOUT = "about.json"


class BackupRefused(Exception):
    """A copy that cannot be made or put back; its text says why."""


def save(target: Path) -> None:
    """Copy the database as it is at one moment to a file that was not there.

    The file is only there once it is complete. Raises BackupRefused.
    """
    if target.exists():
        raise BackupRefused(f"{target} is there already; a backup replaces nothing")
    if not inspect(db.engine).has_table("events"):
        raise BackupRefused("the database is empty: there is nothing to copy")
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        # It holds names, addresses and keys: nobody else may read it.
        os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    except OSError as problem:
        raise _unwritten(target, problem) from problem
    try:
        if db.engine.dialect.name == "sqlite":
            _save_sqlite(unfinished)
        else:
            _save_postgresql(unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
    except (sqlite3.Error, OSError) as problem:
        raise _unwritten(target, problem) from problem
    finally:
        unfinished.unlink(missing_ok=True)


def restore(source: Path) -> None:
    """Put a copy back into an empty database, and bring its schema up to date.

    Raises BackupRefused if the database holds anything, or the file is no copy of this kind.
    """
    if inspect(db.engine).has_table("events"):
        raise BackupRefused("the database is not empty: restore into a new one")
    is_sqlite = db.engine.dialect.name == "sqlite"
    with source.open("rb") as file:
        is_of_sqlite = file.read(15) == b"SQLite format 3"
    if is_sqlite != is_of_sqlite:
        raise BackupRefused(f"{source} is not a copy from this kind of database")
    if is_sqlite:
        db.engine.dispose()
        _restore_sqlite(source)
    else:
        _restore_postgresql(source)
    flask_migrate.upgrade()


def _save_sqlite(target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy, db.engine.connect() as connection:
        source: Any = connection.connection.driver_connection
        source.backup(copy)
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupRefused("the copy is damaged; is the disk full?")


def _restore_sqlite(source: Path) -> None:
    try:
        with closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?immutable=1", uri=True)
        ) as copy:
            migration = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            damage = copy.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as problem:
        raise BackupRefused(f"{source} is no copy of ours: {problem}") from problem
    if damage != "ok":
        raise BackupRefused(f"{source} is damaged: {damage}")
    _check_is_known(source, migration[0] if migration else "")
    path = Path(str(db.engine.url.database))
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        shutil.copyfile(source, unfinished)
        for beside in ("-wal", "-shm"):
            Path(f"{path}{beside}").unlink(missing_ok=True)
        unfinished.replace(path)
    except OSError as problem:
        unfinished.unlink(missing_ok=True)
        raise _unwritten(path, problem) from problem


def _check_is_known(source: Path, migration: str) -> None:
    """Refuse a copy that a later version has made, while the database is still empty."""
    scripts = ScriptDirectory(current_app.extensions["migrate"].directory)
    if migration not in {script.revision for script in scripts.walk_revisions()}:
        raise BackupRefused(
            f"{source} is at migration {migration or 'none'}, which this version does not know: "
            "restore it with the version that made it, or a later one"
        )


def _unwritten(target: Path, problem: Exception) -> BackupRefused:
    said = problem.strerror if isinstance(problem, OSError) else str(problem)
    return BackupRefused(f"{target} cannot be written: {said}")


def _save_postgresql(target: Path) -> None:
    engine = db.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        tables = {
            name: [column["name"] for column in inspect(connection).get_columns(name)]
            for name in inspect(connection).get_table_names()
            if name != "alembic_version"
        }
        heads = MigrationContext.configure(connection).get_current_heads()
        copy.writestr(_ABOUT, json.dumps({"migration": heads[0], "tables": tables}))
        driver: Any = connection.connection.driver_connection
        for name, columns in tables.items():
            reading = f"COPY {_named(name, columns)} TO STDOUT"
            with (
                copy.open(name, "w", force_zip64=True) as file,
                driver.cursor() as cursor,
                cursor.copy(reading) as rows,
            ):
                for piece in rows:
                    file.write(piece)


def _restore_postgresql(source: Path) -> None:
    try:
        with zipfile.ZipFile(source) as copy:
            if damaged := copy.testzip():
                raise zipfile.BadZipFile(f"{damaged} is damaged")
            about = json.loads(copy.read(_ABOUT))
            _check_is_known(source, about["migration"])
            _put_back(source, copy, about["migration"], about["tables"])
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError) as problem:
        raise BackupRefused(f"{source} is no copy of ours: {problem}") from problem


def _put_back(
    source: Path, copy: zipfile.ZipFile, migration: str, tables: dict[str, list[str]]
) -> None:
    """Make the tables as they were then, and fill them."""
    flask_migrate.upgrade(revision=migration)
    present = set(inspect(db.engine).get_table_names())
    if not tables.keys() <= present:
        raise BackupRefused(f"{source} names tables that its migration does not have")
    order = [table.name for table in Base.metadata.sorted_tables if table.name in tables]
    order += [name for name in tables if name not in order]
    with db.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        # Migrations may have put rows of their own.
        for name in reversed(order):
            driver.execute(f'DELETE FROM "{name}"')  # noqa: S608 - a table that there is
        for name in order:
            _fill(driver, copy, name, tables[name])
        driver.commit()


def _fill(driver: Any, copy: zipfile.ZipFile, name: str, columns: list[str]) -> None:
    """Put the rows of one table back, and let its numbers go on after them."""
    writing = f"COPY {_named(name, columns)} FROM STDIN"
    with copy.open(name) as file, driver.cursor() as cursor, cursor.copy(writing) as rows:
        while piece := file.read(1 << 20):
            rows.write(piece)
    if "id" in columns:
        sequence = driver.execute("SELECT pg_get_serial_sequence(%s, 'id')", (name,)).fetchone()[0]
        last = driver.execute(f'SELECT max(id) FROM "{name}"').fetchone()[0]  # noqa: S608 - as above
        if sequence and last:
            driver.execute("SELECT setval(%s, %s)", (sequence, last))


def _named(table: str, columns: list[str]) -> str:
    quoted = ", ".join('"' + column.replace('"', "") + '"' for column in columns)
    return f'"{table}" ({quoted})'
