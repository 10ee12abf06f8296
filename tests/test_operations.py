"""What machines ask of the product: whether it can serve, and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import ValidationError
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from app import create_app
from registration import outbox
from registration.database import db, transaction
from registration.models import Event, MailState, OutboxMail, StaffRole
from registration.settings import Settings
from tests.conftest import NOW, settings_for
from tests.factories import make_hybrid, make_rsvp, make_staff
from tests.signing_in import sign_in

TOKEN = "what only the monitor knows"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_a_process_without_its_database_is_not_well(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/healthz").status_code == 200

    def gone(*_about: object) -> None:
        raise OperationalError("SELECT 1", None, OSError("the server has gone"))

    monkeypatch.setattr(db.session, "execute", gone)
    assert client.get("/healthz").status_code == 503


def test_a_process_whose_database_has_no_tables_yet_is_not_well(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'new.db'}", tmp_path))
    assert app.test_client().get("/healthz").status_code == 503
    with app.app_context():
        db.engine.dispose()


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody has a connection, and nobody gets one."""

    def refuse(*_about: object) -> None:
        raise db.engine.dialect.loaded_dbapi.OperationalError("the server has gone")

    db.session.remove()
    db.engine.dispose()
    event.listen(db.engine, "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(db.engine, "do_connect", refuse)


def test_a_database_that_is_away_is_told_to_staff_too_until_it_is_back(
    client: FlaskClient,
) -> None:
    event_page = f"/events/{make_hybrid()[0].event.slug}"
    paths = ("/", event_page, "/find", "/staff/", "/staff/sign-in")
    sign_in(client, make_staff(StaffRole.ADMIN))
    with database_away():
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert answer.headers["Retry-After"] == "60"
            assert "Our records cannot be reached" in answer.text
            assert "reload this page" in answer.text
    assert client.get("/staff/").status_code == 200
    assert client.get(event_page).status_code == 200


class TestMetrics:
    def numbers(self, client: FlaskClient) -> dict[str, float]:
        answer = client.get("/metrics", headers=BEARER)
        assert answer.status_code == 200
        assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.text.endswith("\n")
        samples = [line for line in answer.text.splitlines() if not line.startswith("# ")]
        return {name: float(number) for name, number in (line.rsplit(" ", 1) for line in samples)}

    @pytest.fixture(autouse=True)
    def token(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "METRICS_TOKEN", TOKEN)

    def test_tell_of_mails_workers_and_seats_and_of_nobody(
        self, app: Flask, client: FlaskClient
    ) -> None:
        assert self.numbers(client) == {
            'registration_mails{state="waiting"}': 0,
            'registration_mails{state="failed"}': 0,
            "registration_oldest_mail_seconds": 0,
            "registration_erasures_overdue": 0,
            'registration_seats_taken{mode="in_person"}': 0,
            'registration_seats_taken{mode="virtual"}': 0,
            'registration_waiting{mode="in_person"}': 0,
            'registration_waiting{mode="virtual"}': 0,
        }
        room, stream = make_hybrid(capacity=1)
        for option in (room, room, stream):
            make_rsvp(option, name="Amina Example")
        first, *_others, held = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id))
        with transaction():
            first.state = MailState.FAILED
            held.created_at, held.due_at = NOW - timedelta(days=1), NOW + timedelta(days=1)
        outbox.beat(now=NOW - timedelta(days=20))
        app.config["NOW"] = lambda: NOW + timedelta(minutes=5)
        assert self.numbers(client) == {
            'registration_mails{state="waiting"}': 2,
            'registration_mails{state="failed"}': 1,
            "registration_oldest_mail_seconds": 300,
            "registration_worker_seconds": 20 * 86_400 + 300,
            "registration_erasures_overdue": 0,
            'registration_seats_taken{mode="in_person"}': 1,
            'registration_seats_taken{mode="virtual"}': 1,
            'registration_waiting{mode="in_person"}': 1,
            'registration_waiting{mode="virtual"}': 0,
        }
        with transaction():
            held.attempts = 1
        # One that was tried in vain waits, though it is not due.
        assert self.numbers(client)["registration_oldest_mail_seconds"] == 86_400 + 300
        told = client.get("/metrics", headers=BEARER).text
        assert "Amina" not in told
        assert "@" not in told

    def test_count_the_erasures_that_are_late(self, app: Flask, client: FlaskClient) -> None:
        room, _stream = make_hybrid(retention_days=90)
        ends_at = db.session.get_one(Event, room.event_id).ends_at
        app.config["NOW"] = lambda: ends_at + timedelta(days=15)
        assert self.numbers(client)["registration_erasures_overdue"] == 1

    @pytest.mark.parametrize(
        "sent", ["", "Bearer ", "Bearer another", f"Basic {TOKEN}", "Bearer é"]
    )
    def test_are_for_who_brings_the_token(self, client: FlaskClient, sent: str) -> None:
        assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404
        assert client.get("/metrics", query_string={"token": TOKEN}).status_code == 404

    def test_are_nobodys_where_no_token_is_set_but_an_administrators(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "METRICS_TOKEN", "")
        for sent in ("", "Bearer ", "Bearer"):
            assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404
        organiser = sign_in(app.test_client(), make_staff(StaffRole.ORGANISER))
        assert organiser.get("/metrics").status_code == 404
        admin = sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        assert admin.get("/metrics").status_code == 200

    def test_take_no_token_that_can_be_guessed(self) -> None:
        with pytest.raises(ValidationError, match="METRICS_TOKEN"):
            Settings(metrics_token="a" * 19)
