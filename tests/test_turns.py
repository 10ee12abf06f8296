"""Writers to SQLite take turns."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from flask import Flask

from registration.database import db, transaction
from tests.conftest import settings_for


@pytest.fixture
def small(tmp_path: Path) -> Flask:
    """An application on a SQLite database of its own."""
    from app import create_app

    return create_app(settings_for(f"sqlite:///{tmp_path / 'turns.db'}", tmp_path))


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


def test_the_turn_of_a_killed_process_ends_with_it(small: Flask) -> None:
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with small.app_context(), transaction():
            os.write(tell, b"x")
            signal.pause()
    os.read(told, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with small.app_context(), transaction():
        assert db.session.connection() is not None
    os.close(told)
    os.close(tell)
