"""Every address of the house, opened and knocked at: what each answer must have and must not do."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule

from registration import speakers
from registration.database import Base, db
from registration.models import (
    Attendee,
    MailKind,
    OutboxMail,
    StaffRole,
)
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_rsvp, make_speaker, make_staff
from tests.signing_in import sign_in

#: Forms without a token, and why: the key in the address is what a stranger cannot know, and
#: mail programs (RFC 8058) and players that are embedded elsewhere send no cookie.
WITHOUT_TOKEN = {"unsubscribe.act", "lobby.enter"}


#: Reading these is an act that staff answer for: it stands in the audit log.
WRITES_DOWN_THAT_IT_WAS_READ = {"staff_exports.download"}


@pytest.fixture
def everything(app: Flask) -> dict[str, dict[str, object]]:
    """Values for each address: by the first part of the endpoint, and for all."""
    room, stream = make_hybrid()
    event = room.event
    rsvp, watcher = make_rsvp(room), make_rsvp(stream)
    speaker = make_speaker(event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    mail = db.session.query(OutboxMail).filter_by(kind=MailKind.CONFIRMED).first()
    ticket = db.session.query(Attendee).first()
    assert mail is not None
    assert ticket is not None
    return {
        "": {
            "slug": event.slug,
            "rsvp_id": rsvp.id,
            "speaker_id": speaker.id,
            "mail_id": mail.id,
            "account_id": make_staff(StaffRole.ORGANISER).id,
            "format": "csv",
            "hue": 10,
            "code": ticket.ticket_code,
        },
        "rsvps": {"key": rsvp.manage_key},
        "lobby": {"key": watcher.join_key},
        "speakers": {"key": speaker.key},
        "unsubscribe": {"key": rsvp.manage_key},
    }


def address(app: Flask, rule: Rule, everything: dict[str, dict[str, object]]) -> str:
    values = everything[""] | everything.get(rule.endpoint.partition(".")[0], {})
    arguments = {name: values.get(name, "1") for name in rule.arguments}
    adapter = app.url_map.bind("events.example.org")
    try:
        return adapter.build(rule.endpoint, arguments)
    except ValueError:
        return adapter.build(rule.endpoint, {name: values.get(name, 1) for name in rule.arguments})


def rows() -> dict[str, list[str]]:
    """Everything that is in the database."""
    db.session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        everything_of = db.session.execute(text(f'SELECT * FROM "{table.name}"'))  # noqa: S608
        found[table.name] = sorted(map(repr, everything_of))
    db.session.rollback()
    return found


def policy_of(header: str) -> dict[str, list[str]]:
    parts = [part.split() for part in header.split(";") if part.strip()]
    return {name: sources for name, *sources in parts}


class TestEveryAddress:
    def test_reading_changes_no_row_and_every_answer_is_guarded(
        self, app: Flask, everything: dict[str, dict[str, object]]
    ) -> None:
        admin = sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        admin.get("/staff/")
        stranger = app.test_client()
        before, opened = rows(), 0
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in WRITES_DOWN_THAT_IT_WAS_READ:
                continue
            url = address(app, rule, everything)
            for client in (stranger, admin):
                answer = client.get(url)
                assert answer.status_code < 500, f"{url} answered {answer.status_code}"
                opened += answer.status_code == 200
                self.check_headers(url, answer.headers)
                answer.close()
            assert rows() == before, f"reading {url} ({rule.endpoint}) changed a row"
        assert opened > 40

    @staticmethod
    def check_headers(url: str, headers: object) -> None:
        get = headers.get  # type: ignore[attr-defined]
        assert get("X-Content-Type-Options") == "nosniff", url
        if url.startswith(("/static/", "/staff/fs-static/")):
            return
        policy = policy_of(get("Content-Security-Policy", ""))
        assert policy.get("default-src") in (["'self'"], ["'none'"]), f"{url}: {policy}"
        for name in ("script-src", "connect-src", "style-src"):
            # The frame in which staff see a mail shows the mail's own styles, and nothing else.
            if name == "style-src" and policy["default-src"] == ["'none'"]:
                continue
            assert policy.get(name, ["'self'"]) == ["'self'"], f"{url}: {policy}"
        assert "'unsafe-eval'" not in get("Content-Security-Policy"), url
        assert policy.get("object-src", policy["default-src"]) == ["'none'"], url
        assert policy["base-uri"] == ["'none'"], url
        assert policy["form-action"] in (["'self'"], ["'none'"]), url
        is_mail = policy["default-src"] == ["'none'"]
        assert policy["frame-ancestors"] == (["'self'"] if is_mail else ["'none'"]), url
        assert get("Referrer-Policy") in ("no-referrer", "same-origin")
        allowed = dict(part.split("=") for part in get("Permissions-Policy", "").split(", "))
        nothing = ("geolocation", "microphone", "payment", "usb")
        assert allowed == dict.fromkeys(nothing, "()") | {"camera": "(self)"}, url
        assert "Strict-Transport-Security" not in headers, "the site is on http"  # type: ignore[operator]
        if re.match("/(rsvp|j|t|speaker|unsubscribe)/", url):
            assert get("Referrer-Policy") == "no-referrer", url
            assert "public" not in get("Cache-Control", ""), url

    def test_nothing_is_changed_without_a_token(
        self, app: Flask, everything: dict[str, dict[str, object]]
    ) -> None:
        admin = sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        before, refused = rows(), 0
        for rule in app.url_map.iter_rules():
            for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
                if rule.endpoint in WITHOUT_TOKEN:
                    continue
                url = address(app, rule, everything)
                answer = admin.open(url, method=method)
                assert answer.status_code == 400, f"{method} {url}: {answer.status_code}"
                refused += 1
        assert refused > 20
        assert rows() == before


def test_a_file_is_taken_for_what_it_says_it_is(client: FlaskClient) -> None:
    answer = client.get("/static/css/base.css")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_a_draft_is_seen_by_no_stranger(client: FlaskClient) -> None:
    event = make_event(status="draft")
    for path in ("", "/rsvp", ".ics"):
        assert client.get(f"/events/{event.slug}{path}").status_code == 404
