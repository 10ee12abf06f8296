"""A sample of each kind of mail, in the staff's rooms."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from registration import previews
from registration.database import db
from registration.models import Event, MailKind, OutboxMail, Rsvp, StaffRole
from tests.conftest import NOW
from tests.factories import make_staff
from tests.signing_in import sign_in
from tests.test_mime import check_wire


def test_there_is_a_sample_of_every_kind():
    assert {sample.kind for sample in previews.SAMPLES.values()} == set(MailKind)


@pytest.mark.parametrize("name", previews.SAMPLES)
def test_each_sample_is_a_mail_and_leaves_nothing_behind(app: Flask, name: str):
    message = previews.render(name, language="en", now=NOW)
    check_wire(message.as_bytes())
    assert message.subject
    assert message.body
    assert (message.calendar is not None) == previews.SAMPLES[name].calendar
    if message.calendar is not None:
        # An entry as everybody gets it: nothing is taken away or changed by its first edition.
        assert re.search(rb"^UID:[0-9a-f]{32}@example\.org\r$", message.calendar, re.MULTILINE)
        is_first = name.startswith(("confirmed", "promoted", "speaker-invitation"))
        assert (b"\nSEQUENCE:0\r" in message.calendar) == is_first
    # Text is written for reading: no line is long but links.
    assert all(len(line) <= 72 or "://" in line for line in message.body.splitlines())
    for model in (Event, Rsvp, OutboxMail):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0


def test_questions_about_a_sample_go_to_the_house(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(app.config, "CONTACT_EMAIL", "desk@institute.example")
    message = previews.render("confirmed", language="en", now=NOW)
    assert message.human == "desk@institute.example"
    assert "Questions: desk@institute.example" in message.body


@pytest.mark.parametrize("name", ["confirmed", "reminder", "mailing", "follow-up"])
def test_a_sample_is_to_who_answered_by_themselves_as_most_do(app: Flask, name: str):
    body = previews.render(name, language="en", now=NOW).body
    assert "because you sent an RSVP" in " ".join(body.split())


def test_organisers_read_them(client: FlaskClient):
    desk = sign_in(client, make_staff(role=StaffRole.ORGANISER))
    page = desk.get("/staff/outbox/kinds/")
    assert page.status_code == 200
    assert "METHOD:REQUEST" in page.text
    frame = desk.get("/staff/outbox/kinds/cancelled/html")
    assert frame.status_code == 200
    assert "default-src &#39;none&#39;" not in frame.headers["Content-Security-Policy"]
    assert "script-src" not in frame.headers["Content-Security-Policy"]
    assert "cid:" not in desk.get("/staff/outbox/kinds/confirmed/html").text
    assert desk.get("/staff/outbox/kinds/nonsense").status_code == 404


def test_strangers_and_the_door_do_not(client: FlaskClient):
    assert client.get("/staff/outbox/kinds/").status_code in (302, 303)
    door = sign_in(client, make_staff(role=StaffRole.DOOR))
    assert door.get("/staff/outbox/kinds/").status_code in (403, 404)
