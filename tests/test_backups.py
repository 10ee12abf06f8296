"""A copy of the database, and the way back from it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask_migrate
import pytest
from sqlalchemy import select

from app import create_app
from registration import backups, doctor
from registration.backups import BackupRefused
from registration.database import db
from registration.models import Rsvp
from tests.conftest import new_postgresql_database, settings_for
from tests.factories import make_hybrid, make_rsvp


@pytest.fixture
def urls(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """Two empty databases: one to copy from, one to restore into."""
    if database == "sqlite":
        return [f"sqlite:///{tmp_path / name}.db" for name in ("source", "target")]
    server = request.getfixturevalue("postgresql_server")
    return [new_postgresql_database(server, f"{name}_{tmp_path.name}") for name in ("s", "t")]


@contextmanager
def application(url: str, folder: Path) -> Iterator[None]:
    """An application on that database, which lets go of it at the end."""
    with create_app(settings_for(url, folder)).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def test_a_restored_copy_has_every_row_and_goes_on_where_it_was(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
        flask_migrate.upgrade()
        room, stream = make_hybrid(capacity=2)
        keys = [make_rsvp(room).manage_key for _ in range(3)] + [make_rsvp(stream).manage_key]
        db.session.rollback()
        backups.save(copy)
        make_rsvp(stream)  # after the copy: not in it
    with application(urls[1], tmp_path):
        backups.restore(copy)
        assert sorted(db.session.scalars(select(Rsvp.manage_key))) == sorted(keys)
        assert [finding.is_fine for finding in doctor.counters()] == [True]
        option = db.session.get_one(type(room), 1)
        assert make_rsvp(option).id == 5  # numbers go on, none is given twice


def test_a_copy_is_for_its_owner_alone_and_replaces_nothing(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
        flask_migrate.upgrade()
        backups.save(copy)
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        with pytest.raises(BackupRefused, match="there already"):
            backups.save(copy)
        with pytest.raises(BackupRefused, match="not empty"):
            backups.restore(copy)


@pytest.mark.parametrize(
    "content",
    [b"SQLite format", b"SQLite format 3", b"SQLite format 3\0 and no more", b"PK\3\4 and no more"],
)
def test_what_is_no_copy_is_refused_and_the_database_stays_empty(
    urls: list[str], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "copy").write_bytes(content)
    with application(urls[1], tmp_path):
        with pytest.raises(BackupRefused):
            backups.restore(tmp_path / "copy")
        flask_migrate.upgrade()


def test_a_damaged_copy_is_refused_and_the_database_stays_empty(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
        flask_migrate.upgrade()
        make_rsvp(make_hybrid()[0], name="Amina " * 3000)
        db.session.rollback()
        backups.save(copy)
    content = bytearray(copy.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 9000] = bytes(9000)
    copy.write_bytes(content)
    with application(urls[1], tmp_path):
        with pytest.raises(BackupRefused):
            backups.restore(copy)
        flask_migrate.upgrade()


def test_a_copy_that_cannot_be_made_says_why(urls: list[str], tmp_path: Path) -> None:
    with application(urls[0], tmp_path):
        with pytest.raises(BackupRefused, match="nothing to copy"):
            backups.save(tmp_path / "copy")
        flask_migrate.upgrade()
        with pytest.raises(BackupRefused, match="cannot be written"):
            backups.save(tmp_path / "nowhere" / "copy")
