"""Buttons of the desk that are pressed twice: done once, and the second press reads so as well."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from registration import announcements, lifecycle, mailings
from registration.database import db
from registration.emails import HOLD
from registration.models import (
    Announcement,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    Mailing,
    MailKind,
    MailState,
    OutboxMail,
    StaffRole,
)
from registration.segments import Segment
from tests.conftest import NOW
from tests.factories import make_hybrid, make_invitation, make_rsvp, make_speaker, make_staff
from tests.forms import forms_of
from tests.signing_in import post, sign_in
from tests.test_web_rsvps import text_of
from tests.test_web_staff_imports import upload


@pytest.fixture
def room(app: Flask) -> AttendanceOption:
    return make_hybrid()[0]


@pytest.fixture
def event(room: AttendanceOption) -> Event:
    return room.event


@pytest.fixture
def base(event: Event) -> str:
    return f"/staff/events/{event.slug}"


@pytest.fixture
def desk(client: FlaskClient) -> FlaskClient:
    """A browser in which an admin is signed in."""
    return sign_in(client, make_staff(StaffRole.ADMIN))


def press(desk: FlaskClient, path: str, **fields: object) -> str:
    """Send a form twice, as a second press on a slow network does; what the second one reads."""
    first = post(desk, path, **fields)
    assert first.status_code == 303, text_of(first)
    desk.get(first.location)
    return text_of(followed(desk, post(desk, path, **fields)))


def form_in(page: str) -> dict[str, list[str]]:
    """What the form of a page that knows what it has shown would send as it stands."""
    sent = next(form.sent for form in forms_of(page) if "seen" in form.sent)
    return {name: values for name, values in sent.lists() if name != "csrf_token"}


def followed(desk: FlaskClient, answer: TestResponse) -> TestResponse:
    """The page to which an answer leads."""
    assert answer.status_code == 303, html.unescape(answer.text)
    while answer.status_code == 303:
        answer = desk.get(answer.location)
    assert answer.status_code == 200
    return answer


def log(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def mails(*states: MailState) -> list[OutboxMail]:
    db.session.rollback()
    wanted = states or tuple(MailState)
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.state.in_(wanted))))


class TestAMessage:
    @pytest.fixture
    def mailing(self, room: AttendanceOption, base: str) -> Mailing:
        make_rsvp(room)
        for mail in mails():
            mail.state = MailState.SENT
        db.session.commit()
        return mailings.write(
            event_id=room.event_id,
            staff_id=make_staff().id,
            subject="How to get in",
            body="Dear {first_name}",
            segment=Segment(),
            now=NOW,
        )

    def test_is_released_taken_back_and_thrown_away(
        self, desk: FlaskClient, mailing: Mailing, base: str
    ):
        path = f"{base}/messages/{mailing.id}"
        page = press(desk, f"{path}/release", seen_at=mailing.updated_at.isoformat())
        assert "Undo: take it back" in page
        assert "cannot be changed" not in page
        assert len(mails(MailState.WAITING)) == 1
        page = press(desk, f"{path}/undo")
        assert "Taken back: nothing has gone." in page
        assert "too late" not in page
        assert "The draft is gone." in press(desk, f"{path}/discard")
        assert [len(log(f"mailing.{what}")) for what in ("released", "undone", "discarded")] == [
            1,
            1,
            1,
        ]

    def test_is_scheduled(self, desk: FlaskClient, mailing: Mailing, app: Flask):
        about = {"mailing_id": mailing.id, "staff_id": mailing.staff_id, "now": NOW}
        seen_at, at = mailing.updated_at.isoformat(), NOW + timedelta(hours=1)
        for _twice in range(2):
            mailings.schedule(**about, at=at, seen_at=seen_at)
        assert len(log("mailing.scheduled")) == 1
        with pytest.raises(mailings.MailingRefused):
            mailings.schedule(**about, at=at + timedelta(hours=1), seen_at=seen_at)

    def test_is_stopped(self, desk: FlaskClient, mailing: Mailing, base: str, app: Flask):
        mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
        app.config["NOW"] = lambda: NOW + HOLD
        assert "Stopped: 1 mails" in press(desk, f"{base}/messages/{mailing.id}/stop")
        assert len(log("mailing.stopped")) == 1

    def test_that_has_gone_is_not_said_to_be_stopped(
        self, desk: FlaskClient, mailing: Mailing, base: str
    ):
        mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
        for mail in mails():
            mail.state = MailState.SENT
        db.session.commit()
        page = press(desk, f"{base}/messages/{mailing.id}/stop")
        assert "It is too late: every mail has gone." in page
        assert "Stopped" not in page


class TestWhatIsTakenBack:
    def test_a_mail(self, desk: FlaskClient, room: AttendanceOption):
        make_rsvp(room)
        (mail,) = mails(MailState.WAITING)
        page = press(desk, f"/staff/outbox/{mail.id}", do="withdraw")
        assert "Taken back." in page
        assert "too late" not in page

    def test_a_cancellation(self, desk: FlaskClient, room: AttendanceOption, base: str):
        make_rsvp(room)
        assert "Cancelled." in press(desk, f"{base}/settings/cancel", reason="The hall is shut.")
        told = db.session.scalars(select(Announcement)).one().id
        page = press(desk, f"{base}/settings/undo", announcement=told)
        assert "Undone. The event takes place" in page
        assert db.session.get_one(Event, room.event_id).status is EventStatus.PUBLISHED
        assert len(log("event.undone")) == 1

    def test_a_cancellation_that_has_been_told_is_not(
        self, app: Flask, desk: FlaskClient, room: AttendanceOption, base: str
    ):
        make_rsvp(room)
        lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=NOW)
        announcements.spread(now=NOW + HOLD)
        told = db.session.scalars(select(Announcement)).one().id
        assert "It is too late" in press(desk, f"{base}/settings/undo", announcement=told)

    def test_reminders(self, desk: FlaskClient, event: Event, base: str):
        make_invitation(event)
        post(desk, f"{base}/settings/invitations/reminders")
        page = press(desk, f"{base}/settings/invitations/reminders/undo")
        assert "Taken back: nobody is reminded." in page
        assert "too late" not in page
        assert len(log("invitation.taken_back")) == 1


def test_a_list_that_is_taken_in(desk: FlaskClient, event: Event, base: str):
    kept = upload(desk, event).location
    assert "This list has been taken in already" in press(desk, kept, do="go")
    assert len(log("import.rsvps")) == 1


def test_a_list_that_is_thrown_away(desk: FlaskClient, event: Event, base: str):
    kept = upload(desk, event).location
    assert "or thrown away" in press(desk, kept, do="drop")


class TestASave:
    """The second press sends what was seen before the first."""

    def test_of_what_an_event_says(self, desk: FlaskClient, event: Event, base: str):
        path = f"{base}/settings/texts"
        sent = form_in(desk.get(path).text) | {"summary": "Read by two."}
        page = press(desk, path, **sent)
        assert "Saved." in page
        assert "Read by two." in page
        assert len(log("event.edited")) == 1

    def test_of_a_new_time_is_told_once(self, desk: FlaskClient, room: AttendanceOption, base: str):
        make_rsvp(room)
        path = f"{base}/settings/basics"
        sent = form_in(desk.get(path).text) | {"title": "Another title", "do": "tell"}
        page = press(desk, path, **sent)
        assert "The mails wait for ten minutes" in page
        announcements.spread(now=NOW + HOLD)
        assert [mail.kind for mail in mails()].count(MailKind.EVENT_CHANGED) == 1

    @pytest.mark.parametrize(
        ("name", "row"),
        [
            ("questions", {"question": "Which diet?"}),
            ("agenda", {"title_": "Welcome", "starts_at": "2026-12-06T10:00"}),
            ("people", {"name": "Dr Ada Byron"}),
            ("options", {"mode": "virtual", "name": "A second stream"}),
        ],
    )
    def test_of_a_list_with_a_new_row(
        self, desk: FlaskClient, base: str, name: str, row: dict[str, str]
    ):
        path = f"{base}/settings/{name}"
        added = post(desk, path, **form_in(desk.get(path).text), do="add").text
        sent = form_in(added)
        key = sent["row"][-1]
        for field, value in row.items():
            assert f"{key}-{field}" in sent
            sent[f"{key}-{field}"] = [value]
        assert "Saved." in press(desk, path, **sent)
        assert len(log("event.edited")) == 1

    def test_of_a_speaker(self, desk: FlaskClient, event: Event, base: str):
        path = f"{base}/speakers/{make_speaker(event).id}/edit"
        sent = form_in(desk.get(path).text) | {"room": "Room 4"}
        assert "Saved." in press(desk, path, **sent)
        other = post(desk, path, **sent | {"room": "Room 5"})
        assert "Somebody else has changed this" in text_of(other)
