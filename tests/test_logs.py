"""What is written to logs: no key, no address, nothing of what people said."""

from __future__ import annotations

import json
import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registration import logs
from registration.database import db, transaction
from registration.web import rsvps
from tests.factories import make_hybrid, make_rsvp


class TestLogs:
    @pytest.mark.parametrize("note", ["in one line", "in lines:\nthe second", "with\nDETAIL: it"])
    def test_a_row_that_the_database_refuses_is_not_in_them(
        self, app: Flask, caplog: pytest.LogCaptureFixture, note: str
    ) -> None:
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, access_note=f"I am ill {note} of my illness", name="Amina Example")
        try:
            with transaction():
                told = {"id": rsvp.id, "note": f"I am ill {note} of my illness"}
                db.session.execute(
                    text("UPDATE rsvps SET party_size = -1, access_note = :note WHERE id = :id"),
                    told,
                )
        except IntegrityError:
            logging.getLogger("a test").exception("the database has refused a row")
        written = "\n".join(logs.Lines().format(record) for record in caplog.records)
        assert "CHECK constraint failed" in written or "violates check constraint" in written
        assert "UPDATE rsvps SET party_size" in written, "what it was asked"
        for word in ("I am ill", "illness", "second", "Amina", rsvp.manage_key, rsvp.join_key):
            assert word not in written

    def test_they_hold_no_key_and_no_address(
        self,
        app: Flask,
        client: FlaskClient,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, email="amina@example.org")

        def fail(*_args: object, **_more: object) -> None:
            db.session.execute(
                text("INSERT INTO rsvps (email, manage_key) VALUES (:email, :key)"),
                {"email": rsvp.email, "key": rsvp.manage_key},
            )

        monkeypatch.setattr(rsvps, "attendees", fail)
        app.testing = False
        try:
            answer = client.get(f"/rsvp/{rsvp.manage_key}")
        finally:
            app.testing = True
        assert answer.status_code == 500
        written = "\n".join(logs.Lines().format(record) for record in caplog.records)
        assert "unexpected failure" in written
        assert "test_logs.py" in written, "where it broke"
        assert rsvp.manage_key not in written
        assert "amina@example.org" not in written

    def test_they_hold_the_secret_of_no_address(self, app: Flask) -> None:
        secrets, cleaned = {"key", "code", "token"}, 0
        for rule in app.url_map.iter_rules():
            if secrets & rule.arguments:
                _domain, path = rule.build(dict.fromkeys(rule.arguments, "SECRET-key_1"))
                assert "SECRET" in path
                assert "SECRET" not in logs.cleaned(f"GET {path} has failed"), path
                cleaned += 1
        assert cleaned > 20

    def test_what_the_web_server_says_of_an_address_is_cleaned(self) -> None:
        record = logging.LogRecord(
            "gunicorn.error",
            logging.ERROR,
            "",
            0,
            "Error handling request %s %s of %s",
            ("GET", "/rsvp/SECRET-key_1?source=x", "o'hara&amina/co@example.org"),
            None,
        )
        line = json.loads(logs.Lines().format(record))
        assert line["message"] == "Error handling request GET /rsvp/…?… of …@…"
        assert line["level"] == "error"
