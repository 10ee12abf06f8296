"""What is erased is not in the bytes of SQLite's file either."""

from __future__ import annotations

import resource
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from registration import erasure, retention
from registration.database import db
from registration.models import AttendanceOption
from tests.conftest import NOW
from tests.factories import make_hybrid, make_rsvp

_SAID = (b"quagmire", b"zebedee", b"umbrella")


@pytest.fixture
def database() -> str:
    """The one that is a file."""
    return "sqlite"


def furnish() -> AttendanceOption:
    """People of an event, by one address each."""
    room, _stream = make_hybrid(retention_days=30)
    for number in range(40):
        make_rsvp(
            room,
            name=f"Zebedee{number} Quagmire",
            email=f"zebedee{number}@quagmire.example",
            organisation="Umbrella",
        )
    return room


def in_the_file() -> list[bytes]:
    """What the file says of them, the log of its changes worked in."""
    db.session.remove()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    content = Path(db.engine.url.database or "").read_bytes().lower()
    return [said for said in _SAID if said in content]


def test_after_the_day_of_an_event_nothing_is_left_in_the_file(app: Flask) -> None:
    due = furnish().event.erases_at
    assert len(in_the_file()) == len(_SAID)
    while retention.erase_due(now=due):
        pass
    assert in_the_file() == []


def test_after_one_asked_for_it_nothing_of_theirs_is_left_in_the_file(app: Flask) -> None:
    room, _stream = make_hybrid()
    asked = make_rsvp(room, name="Zebedee", email="z@quagmire.example", organisation="Umbrella")
    make_rsvp(room)
    erasure.erase(rsvp_id=asked.id, now=NOW, tells=False)
    assert in_the_file() == []


def test_purging_by_hand_leaves_no_page_that_is_out_of_use(app: Flask) -> None:
    due = furnish().event.erases_at
    app.config["NOW"] = lambda: due + timedelta(days=2)
    answer = app.test_cli_runner().invoke(args=["purge"])
    assert answer.exit_code == 0, answer.output
    assert in_the_file() == []
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA freelist_count").scalar() == 0


def test_a_disk_without_room_for_a_new_file_is_said_and_nobody_has_to_wait(app: Flask) -> None:
    furnish()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        answer = app.test_cli_runner().invoke(args=["purge"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.exit_code == 1
    assert answer.output.startswith("Nothing that is due to be erased is left.")
    assert "could not be written anew" in answer.output
    assert len(in_the_file()) == len(_SAID)
    make_rsvp(make_hybrid()[0])
