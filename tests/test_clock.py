"""The worker's loop: what it does by itself, and writes down when it cannot."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from registration import clock, delivery, imports, rsvps, sheets
from registration.database import db
from registration.models import ImportKind, MailKind, OutboxMail, PendingImport, Rsvp
from tests.conftest import NOW, settings_for
from tests.factories import make_hybrid, make_rsvp, make_staff, save


@pytest.fixture
def stop(caplog: pytest.LogCaptureFixture) -> Iterator[threading.Event]:
    """Set once the worker has written something down."""
    stop, logger = threading.Event(), logging.getLogger("registration.clock")
    heard = logging.Handler()
    heard.emit = lambda _record: stop.set()  # type: ignore[method-assign]
    logger.addHandler(heard)
    yield stop
    logger.removeHandler(heard)


@pytest.mark.parametrize("revision", ["base", "0028"])
def test_a_worker_that_starts_before_the_upgrade_says_what_to_run(
    tmp_path: Path, stop: threading.Event, caplog: pytest.LogCaptureFixture, revision: str
) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'old.db'}", tmp_path))
    with app.app_context():
        if revision != "base":
            flask_migrate.upgrade(revision=revision)
    clock.run(app, stop)
    (record,) = (record for record in caplog.records if record.name == "registration.clock")
    assert record.getMessage().endswith("run: flask --app app db upgrade")
    assert record.exc_info is None
    with app.app_context():
        db.engine.dispose()


def test_a_worker_whose_database_is_away_says_so_in_one_line(
    tmp_path: Path, stop: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(settings_for("postgresql://me:hidden@127.0.0.1:1/none", tmp_path))
    clock.run(app, stop)
    (record,) = (record for record in caplog.records if record.name == "registration.clock")
    assert "DATABASE_URL" in record.getMessage()
    assert "hidden" not in record.getMessage()
    assert record.exc_info is None


def test_a_fault_of_ours_keeps_its_trace(
    tmp_path: Path,
    stop: threading.Event,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'new.db'}", tmp_path))

    def breaks(**_about: object) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("registration.outbox.beat", breaks)
    clock.run(app, stop)
    (record,) = (record for record in caplog.records if record.name == "registration.clock")
    assert record.exc_info is not None


def test_a_turn_gives_a_seat_that_no_change_of_seats_has_told_of(app: Flask) -> None:
    room, _stream = make_hybrid(capacity=1, promotes_automatically=False)
    seated, waiting = make_rsvp(room).id, make_rsvp(room).id
    rsvps.cancel(rsvp_id=seated, now=NOW)
    room.event.promotes_automatically = True
    save(room.event)
    clock.turn(delivery.Postman(), threading.Event())
    assert db.session.get_one(Rsvp, waiting).is_confirmed


def test_a_list_that_nobody_took_in_goes_by_itself(app: Flask) -> None:
    """It holds names and addresses of people who have sent us nothing."""
    room, _stream = make_hybrid()
    imports.keep(
        event_id=room.event_id,
        staff_id=make_staff().id,
        kind=ImportKind.INVITEES,
        sheet=sheets.read(b"name,email\nAmina,amina@example.org\n", "list.csv"),
        file_name="list.csv",
        now=NOW,
    )
    kept = select(func.count()).select_from(PendingImport)
    clock.Calendar().turn(NOW + timedelta(hours=1))
    assert db.session.scalar(kept) == 1
    clock.Calendar().turn(NOW + timedelta(days=2))
    assert db.session.scalar(kept) == 0


def test_staff_get_the_digest_of_the_day_by_itself(app: Flask) -> None:
    staff = make_staff(password="a hash")  # who has taken up the account
    room, _stream = make_hybrid()
    rsvps.cancel(rsvp_id=make_rsvp(room).id, now=NOW)
    address, wanted = staff.email, select(OutboxMail).where(OutboxMail.kind == MailKind.STAFF)
    calendar = clock.Calendar(ticks=iter(range(0, 1000, 100)).__next__)
    for hours in (17, 19, 20):  # its hour is at seven
        calendar.turn(NOW + timedelta(hours=hours))
        found = db.session.scalars(wanted).all()
        assert [mail.recipient for mail in found] == ([address] if hours >= 19 else [])
