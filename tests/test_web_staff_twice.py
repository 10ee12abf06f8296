"""Buttons of the desk that are pressed twice: done once, and the second press reads so as well."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from registration import announcements, approvals, lifecycle, mailings, speakers, speaking
from registration.database import db
from registration.models import (
    HOLD,
    Announcement,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    Mailing,
    MailKind,
    MailState,
    OutboxMail,
    SpeakerStatus,
    StaffRole,
    StreamSource,
)
from registration.segments import Segment
from tests.conftest import NOW
from tests.factories import (
    make_hybrid,
    make_invitation,
    make_option,
    make_rsvp,
    make_speaker,
    make_staff,
)
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
        assert "Stopped: 1 mail was" in press(desk, f"{base}/messages/{mailing.id}/stop")
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


class TestWhoIsAsked:
    def test_to_an_event_by_invitation(self, desk: FlaskClient, event: Event, base: str):
        path = f"{base}/settings/invitations"
        who = {"email": "amina@example.org", "name": "Amina"}
        assert "The invitation is on its way." in press(desk, path, **who)
        assert [mail.kind for mail in mails()] == [MailKind.INVITATION]
        desk.application.config["NOW"] = lambda: NOW + timedelta(minutes=1)
        post(desk, path, **who)
        assert len(mails()) == 2, "asked once more, later on"

    def test_to_speak(self, desk: FlaskClient, event: Event, base: str):
        speaker = make_speaker(event, email="ada@example.org")
        told = text_of(followed(desk, post(desk, f"{base}/speakers/")))
        assert "1 invitation is on its way." in told
        page = press(desk, f"{base}/speakers/{speaker.id}", do="invite")
        assert "The invitation is on its way." in page
        assert "Everybody has been asked." in press(desk, f"{base}/speakers/")
        assert "The reminder is on its way." in press(
            desk, f"{base}/speakers/{speaker.id}", do="remind"
        )
        kinds = [mail.kind for mail in mails()]
        assert sorted(kinds) == [MailKind.SPEAKER_INVITATION, MailKind.SPEAKER_REMINDER]

    def test_to_speak_and_has_said_yes_meanwhile(self, desk: FlaskClient, event: Event, base: str):
        speaker = make_speaker(event, email="ada@example.org")
        speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
        press(desk, f"{base}/speakers/{speaker.id}", do="invite")
        db.session.refresh(speaker)
        assert speaker.status is SpeakerStatus.CONFIRMED

    def test_to_work_here(self, desk: FlaskClient):
        who = {"email": "new@example.org", "name": "New", "role": "door"}
        assert "The invitation is on its way." in press(desk, "/staff/people/invite", **who)
        assert len(mails()) == 1
        other = post(desk, "/staff/people/invite", **who | {"role": "admin"})
        assert "This address has an account already." in text_of(other)


def test_a_code(desk: FlaskClient, base: str):
    path = f"{base}/settings/invitations/codes"
    code = {"code": "GUILD", "label": "The guild", "uses_max": "20"}
    assert "The code works from now on." in press(desk, path, **code)
    other = post(desk, path, **code | {"uses_max": "30"})
    assert "This event has a code of that name already." in text_of(other)


def test_a_stream_is_added_and_removed(desk: FlaskClient, event: Event, base: str):
    source = {"url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "label": "Main"}
    assert "The stream is added." in press(desk, f"{base}/stream/sources", **source)
    (kept,) = db.session.scalars(select(StreamSource)).all()
    path = f"{base}/stream/sources/{kept.id}"
    assert "The stream is removed." in press(desk, path, do="remove")
    late = followed(desk, post(desk, path, do="switch"))
    assert "This stream has been removed meanwhile." in text_of(late)


class TestAPerson:
    def test_who_is_added(self, desk: FlaskClient, room: AttendanceOption, base: str):
        who = {"name": "Amina Bell", "email": "amina@example.org", "attend": str(room.id)}
        page = press(desk, f"{base}/attendees/add", **who)
        assert "Amina Bell is on the list. A mail is on its way." in page
        assert len(mails()) == 1
        other = post(desk, f"{base}/attendees/add", **who | {"name": "Another Bell"})
        assert "has an RSVP to this event already" in text_of(other)
        assert 'value="Another Bell"' in other.text

    def test_who_is_erased(self, desk: FlaskClient, room: AttendanceOption, base: str):
        rsvp = make_rsvp(room)
        page = press(desk, f"{base}/attendees/{rsvp.id}/erase")
        assert "Erased. What is counted stays." in page
        assert len(log("rsvp.erased")) == 1

    def test_who_is_approved(self, desk: FlaskClient, event: Event, base: str):
        club = make_option(event, needs_approval=True, position=7)
        asked, refused = make_rsvp(club), make_rsvp(club)
        approved = press(desk, f"{base}/attendees/{asked.id}", do="approve")
        assert "Approved. A mail is on its way." in approved
        # On a page from before another one of the staff has said no.
        approvals.reject(rsvp_ids=[refused.id], staff_id=make_staff().id, now=NOW)
        late = press(desk, f"{base}/attendees/{refused.id}", do="approve")
        assert "This RSVP does not wait for approval any more." in late
        assert "Approved." not in late
