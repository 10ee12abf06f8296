"""What strangers send beside forms: foreign hosts and ways on, and what their browsers keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from registration import rendering, staff
from registration.database import db
from registration.models import (
    OutboxMail,
    StaffRole,
)
from tests.conftest import NOW, settings_for
from tests.factories import make_hybrid, make_rsvp, make_staff
from tests.signing_in import post


class TestCookies:
    def test_they_are_for_this_site_alone_and_not_for_scripts(self, tmp_path: Path) -> None:
        application = create_app(
            settings_for(
                f"sqlite:///{tmp_path / 'cookies.db'}",
                tmp_path,
                base_url="https://events.example.org",
            )
        )
        with application.app_context():
            db.create_all()
            answer = application.test_client().get("/find", base_url="https://events.example.org")
            cookie = answer.headers["Set-Cookie"]
            assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
            assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
            db.session.remove()
            db.engine.dispose()


class TestForeignHosts:
    def test_a_foreign_host_stands_in_no_page_and_no_mail(self, client: FlaskClient) -> None:
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room)
        account = make_staff(StaffRole.ADMIN)
        evil = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
        for path in ("/", f"/events/{room.event.slug}", f"/rsvp/{rsvp.manage_key}", "/feed.atom",
                     "/calendar.ics", f"/rsvp/{rsvp.manage_key}/calendar.ics"):  # fmt: skip
            answer = client.get(path, headers=evil)
            assert "evil.example.com" not in answer.text + str(answer.headers)
        post(client, "/staff/reset", email=account.email, headers=evil)
        for row in db.session.scalars(select(OutboxMail)):
            assert b"evil.example.com" not in rendering.render(row, now=NOW).as_bytes()

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example.com/", "//evil.example.com", r"/\evil.example.com", "javascript:1"],
    )
    def test_signing_in_leads_nowhere_else(self, client: FlaskClient, target: str) -> None:
        email, password = "admin@example.org", "a long and good password"
        staff.add(email=email, role=StaffRole.ADMIN, password=password, now=NOW)
        answer = post(client, "/staff/sign-in", email=email, password=password, next=target)
        assert answer.status_code in (200, 302, 303)
        location = answer.headers.get("Location", "/staff/")
        assert re.match(r"(http://events\.example\.org|http://localhost)?/(?![/\\])", location)
