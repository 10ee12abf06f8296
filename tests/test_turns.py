"""Writers to SQLite take turns."""

from __future__ import annotations

import fcntl
import signal
import threading
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from registration.database import db, transaction
from tests.conftest import settings_for


def application(folder: Path) -> Flask:
    """An application on a SQLite database of its own."""
    return create_app(settings_for(f"sqlite:///{folder / 'turns.db'}", folder))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Flask]:
    """The application in this process."""
    app = application(tmp_path)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_the_next_writer_is_let_in_when_the_one_before_has_ended(small: Flask) -> None:
    order: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with small.app_context(), transaction():
            inside.set()
            go_on.wait(30)
            order.append("first")

    def second() -> None:
        with small.app_context(), transaction():
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert order == ["first", "second"]


def test_a_turn_ends_with_a_failure_too(small: Flask) -> None:
    with small.app_context():
        with pytest.raises(LookupError), transaction():
            raise LookupError
        with transaction():
            pass


def hold_the_turn(path: Path, told: Connection) -> None:
    """What a process of its own does until it is killed."""
    with application(path).app_context(), transaction():
        told.send("it is mine")
        signal.pause()


def test_the_turn_of_a_killed_process_ends_with_it(small: Flask, tmp_path: Path) -> None:
    spawning = get_context("spawn")  # this process has threads, which a fork would leave behind
    ours, theirs = spawning.Pipe()
    child = spawning.Process(target=hold_the_turn, args=(tmp_path, theirs), daemon=True)
    child.start()
    assert ours.recv() == "it is mine"
    with (tmp_path / "turns.db-turns").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    child.kill()
    child.join()
    with small.app_context(), transaction():
        assert db.session.connection() is not None
