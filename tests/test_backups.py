"""A copy of the database, and the way back from it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import flask_migrate
import pytest
from flask import Flask, current_app
from sqlalchemy import inspect, select, text

from app import create_app
from registration import backups, doctor, erasure, suppression
from registration.backups import BackupRefused
from registration.database import db
from registration.models import OutboxMail, Rsvp, RsvpStatus
from registration.suppression import ListRefused
from tests.conftest import NOW, new_postgresql_database, settings_for
from tests.factories import make_hybrid, make_rsvp


@pytest.fixture(scope="module")
def sqlite_up_to_date(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database as the migrations leave it."""
    folder = tmp_path_factory.mktemp("up-to-date")
    bring_up_to_date(f"sqlite:///{folder / 'source.db'}", folder)
    return folder / "source.db"


@pytest.fixture(scope="module")
def postgresql_up_to_date(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database as the migrations leave it."""
    url = new_postgresql_database(postgresql_server, "up_to_date")
    bring_up_to_date(url, tmp_path_factory.mktemp("up-to-date"))
    return "up_to_date"


@pytest.fixture
def urls(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """Two databases: one that is up to date, to copy from, and an empty one to restore into."""
    if database == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_up_to_date"), tmp_path)
        return [f"sqlite:///{tmp_path / name}.db" for name in ("source", "target")]
    server = request.getfixturevalue("postgresql_server")
    up_to_date = request.getfixturevalue("postgresql_up_to_date")
    return [
        new_postgresql_database(server, f"s_{tmp_path.name}", copy_of=up_to_date),
        new_postgresql_database(server, f"t_{tmp_path.name}"),
    ]


def bring_up_to_date(url: str, folder: Path) -> None:
    with application(url, folder):
        flask_migrate.upgrade()


@contextmanager
def application(url: str, folder: Path) -> Iterator[None]:
    """An application on that database, which lets go of it at the end."""
    with create_app(settings_for(url, folder)).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def assert_empty() -> None:
    """Nothing is in the way of who restores another copy."""
    assert inspect(db.engine).get_table_names() == []


def test_a_restored_copy_has_every_row_and_goes_on_where_it_was(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
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


def test_who_restores_reads_how_many_mails_would_go_once_more(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
        make_rsvp(make_hybrid()[0])
        db.session.rollback()
        backups.save(copy)
    with application(urls[1], tmp_path):
        told = current_app.test_cli_runner().invoke(args=["restore", str(copy)])
        assert told.exit_code == 0
        assert "Mails that waited when the backup was made: 1." in told.output


def test_a_copy_is_for_its_owner_alone_and_replaces_nothing(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
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
        assert_empty()


def test_a_damaged_copy_is_refused_and_the_database_stays_empty(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
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
        assert_empty()
        flask_migrate.upgrade()


def test_a_copy_that_cannot_be_made_says_why(urls: list[str], tmp_path: Path) -> None:
    with (
        application(urls[1], tmp_path),
        pytest.raises(BackupRefused, match="nothing to copy"),
    ):
        backups.save(tmp_path / "copy")
    with (
        application(urls[0], tmp_path),
        pytest.raises(BackupRefused, match="cannot be written"),
    ):
        backups.save(tmp_path / "nowhere" / "copy")


def test_who_was_erased_since_is_erased_again_and_not_mailed_again(
    urls: list[str], tmp_path: Path
) -> None:
    copy, erased = tmp_path / "copy", tmp_path / "erased"
    with application(urls[0], tmp_path):
        room, _stream = make_hybrid(capacity=1)
        ids = [make_rsvp(room, name=name).id for name in ("Zebedee", "Amina", "Ottoline")]
        db.session.rollback()
        erasure.erase(rsvp_id=ids[2], now=NOW)
        backups.save(copy)
        erasure.erase(rsvp_id=ids[0], now=NOW)
        assert suppression.save(erased) == 2
    said = erased.read_text()
    assert "Zebedee" not in said
    assert "@" not in said
    with application(urls[1], tmp_path):
        backups.restore(copy)
        assert db.session.get_one(Rsvp, ids[0]).name == "Zebedee"
        assert suppression.apply(erased, now=NOW) == 1
        assert suppression.apply(erased, now=NOW) == 0, "twice is once"
        names = dict(db.session.execute(select(Rsvp.id, Rsvp.name)).all())
        assert names == {ids[0]: "", ids[1]: "Amina", ids[2]: ""}
        assert db.session.get_one(Rsvp, ids[0]).status is RsvpStatus.CANCELLED
        mailed = db.session.scalars(select(OutboxMail.rsvp_id).where(OutboxMail.forgets)).all()
        assert mailed == [ids[2]], "only what was in the backup already"
        assert [finding.is_fine for finding in doctor.counters()] == [True]


def test_a_number_that_is_another_rsvps_now_is_left_alone(urls: list[str], tmp_path: Path) -> None:
    erased = tmp_path / "erased"
    with application(urls[0], tmp_path):
        rsvp_id = make_rsvp(make_hybrid()[0]).id
        db.session.rollback()
        erasure.erase(rsvp_id=rsvp_id, now=NOW)
        suppression.save(erased)
    with application(urls[1], tmp_path):
        flask_migrate.upgrade()
        other = make_rsvp(make_hybrid()[0]).id
        assert other == rsvp_id
        db.session.get_one(Rsvp, other).created_at = NOW - timedelta(days=1)
        db.session.commit()
        assert suppression.apply(erased, now=NOW) == 0
        assert db.session.get_one(Rsvp, other).erased_at is None


def test_a_list_of_erasures_that_cannot_be_written_leaves_the_older_one(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased = tmp_path / "erased"
    erased.write_text("older")
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", Mock(side_effect=full))
    with pytest.raises(ListRefused, match="No space left"):
        suppression.save(erased)
    assert {file.name: file.read_text() for file in tmp_path.glob("erased*")} == {"erased": "older"}


@pytest.mark.parametrize("content", [b"", b"1 2026-11-23T12:00:00+00:00\n", b"\xff\xfe\0"])
def test_what_is_no_list_of_erasures_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "erased").write_bytes(content)
    with pytest.raises(ListRefused, match="is no list"):
        suppression.apply(tmp_path / "erased", now=NOW)


def test_a_copy_of_a_later_version_is_refused_and_the_database_stays_empty(
    urls: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with application(urls[0], tmp_path):
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        backups.save(copy)
    with application(urls[1], tmp_path):
        with pytest.raises(BackupRefused, match="the version that made it"):
            backups.restore(copy)
        assert_empty()
