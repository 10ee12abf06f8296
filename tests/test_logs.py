"""What is written to logs: no key, no address, nothing of what people said."""

from __future__ import annotations

import json
import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from registration import logs
from registration.database import db
from registration.web import rsvps
from tests.factories import make_hybrid, make_rsvp


class TestLogs:
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

    def test_what_the_web_server_says_of_an_address_is_cleaned(self) -> None:
        record = logging.LogRecord(
            "gunicorn.error",
            logging.ERROR,
            "",
            0,
            "Error handling request %s %s of %s",
            ("GET", "/rsvp/SECRET-key_1?source=x", "amina@example.org"),
            None,
        )
        line = json.loads(logs.Lines().format(record))
        assert line["message"] == "Error handling request GET /rsvp/…?… of …@…"
        assert line["level"] == "error"
