"""Being told by mail when RSVPs open: who asks, when the mail goes, and that the address goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from registration import desk, erasure, forgetting, lifecycle, listing, openings, rendering
from registration.clock import Calendar
from registration.database import db
from registration.models import (
    AttendanceMode,
    Event,
    EventStatus,
    MailKind,
    MailState,
    OpeningReminder,
    OutboxMail,
    RegistrationKind,
    Rsvp,
)
from registration.parties import Details
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_staff
from tests.signing_in import post, sign_in

OPENS = NOW + timedelta(days=3)


@pytest.fixture
def event(app: Flask) -> Event:
    """An event whose RSVPs open in three days."""
    room, _stream = make_hybrid(registration_opens_at=OPENS)
    return room.event


def ask(event: Event, email: str = "ada@example.org", language: str = "en") -> None:
    openings.ask(event_id=event.id, email=email, language=language, now=NOW)


def asked(browser: FlaskClient, event: Event, email: str) -> str:
    """What the page says to who enters an address."""
    return post(browser, f"/events/{event.slug}/remind", email=email).text


def put_on_the_list(event: Event, email: str) -> Rsvp:
    """What staff may do before RSVPs open."""
    details = Details(name="Ada Example", email=email)
    option_id = listing.options_of(event)[0].id
    return desk.add(
        event_id=event.id, option_id=option_id, details=details, staff_id=make_staff().id, now=NOW
    )


def mails() -> list[OutboxMail]:
    db.session.rollback()
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.recipient)))


def waiting() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(OpeningReminder)) or 0


class TestAsking:
    def test_the_page_of_an_event_leads_there_until_it_opens(
        self, app: Flask, client: FlaskClient, event: Event
    ) -> None:
        path, link = f"/events/{event.slug}", "/remind"
        assert link in client.get(path).text
        assert link in client.get(f"{path}/rsvp").text
        app.config["NOW"] = lambda: OPENS
        assert link not in client.get(path).text
        answer = client.get(path + link)
        assert answer.status_code == 303
        assert answer.location == f"{path}/rsvp"

    def test_the_page_says_the_same_for_every_address_and_keeps_each_once(
        self, client: FlaskClient, event: Event
    ) -> None:
        first, second = (asked(client, event, "Ada@Example.org") for _time in range(2))
        assert "Then a message goes to ada@example.org." in first
        assert first == second
        assert waiting() == 1

    def test_a_mistake_is_422_and_keeps_nothing(self, client: FlaskClient, event: Event) -> None:
        answer = post(client, f"/events/{event.slug}/remind", email="no address")
        assert answer.status_code == 422
        assert "Enter an email address in the right format" in answer.text
        assert 'value="no address"' in answer.text
        assert waiting() == 0

    @pytest.mark.parametrize("why", ["cancelled", "elsewhere", "no way", "open"])
    def test_nobody_is_asked_where_nothing_will_open(
        self, client: FlaskClient, event: Event, why: str
    ) -> None:
        if why == "cancelled":
            lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=NOW)
        elif why == "elsewhere":
            event.registration, event.external_url = RegistrationKind.EXTERNAL, "https://a.example"
        elif why == "no way":
            event = make_event(registration_opens_at=OPENS)
        else:
            make_option(event).opens_at = None
            event.registration_opens_at = None
        db.session.commit()
        page = client.get(f"/events/{event.slug}").text
        assert "Remind me by email" not in page
        assert client.get(f"/events/{event.slug}/remind").status_code == 303

    def test_staff_read_how_many_wait(self, client: FlaskClient, event: Event) -> None:
        sign_in(client, make_staff())
        said = "mailed when RSVPs open"
        overview = f"/staff/events/{event.slug}/"
        assert said not in client.get(overview).text
        for name in ("ada", "grace"):
            ask(event, f"{name}@example.org")
        assert "2 people are mailed when RSVPs open" in client.get(overview).text


class TestTelling:
    def test_each_is_mailed_once_when_it_opens_in_their_language(self, event: Event) -> None:
        ask(event)
        ask(event, "grace@example.org", "fr")
        assert openings.tell_due(now=OPENS - timedelta(seconds=1)) == 0
        assert waiting() == 2
        for _worker in range(2):
            openings.tell_due(now=OPENS)
        first, second = mails()
        assert (first.recipient, second.recipient) == ("ada@example.org", "grace@example.org")
        assert waiting() == 0
        told = message_from_bytes(
            rendering.render(first, now=OPENS).as_bytes(), policy=policy.default
        )
        assert told["Subject"].startswith("RSVPs are open: ")
        text = told.get_body(("plain",)).get_content()
        assert f"http://events.example.org/events/{event.slug}/rsvp" in text
        assert told.get_body(("calendar",)) is None
        french = rendering.render(second, now=OPENS)
        assert french.subject.startswith("Les inscriptions sont ouvertes")

    @pytest.mark.parametrize(
        ("way", "said"),
        [
            ({"capacity": 9}, "Seats go in the order in which people answer."),
            ({"capacity": 9, "needs_approval": True}, "The organisers approve each RSVP."),
            ({"capacity": None}, ""),
            ({"mode": AttendanceMode.VIRTUAL, "capacity": 9}, ""),
        ],
    )
    def test_the_first_are_promised_seats_only_where_they_get_them(
        self, app: Flask, way: dict[str, Any], said: str
    ) -> None:
        event = make_event(registration_opens_at=OPENS)
        make_option(event, **way)
        ask(event)
        openings.tell_due(now=OPENS)
        body = rendering.render(mails()[0], now=OPENS).body
        promises = (
            "Seats go in the order in which people answer.",
            "The organisers approve each RSVP.",
        )
        assert [promise for promise in promises if promise in body] == [*filter(None, [said])]

    def test_the_clock_does_it(self, event: Event) -> None:
        ask(event)
        assert Calendar().turn(OPENS)
        assert [mail.kind for mail in mails()] == [MailKind.OPENED]

    def test_who_was_told_of_one_event_is_told_of_the_next(self, event: Event) -> None:
        ask(event)
        openings.tell_due(now=OPENS)
        room, _stream = make_hybrid(registration_opens_at=OPENS + timedelta(days=1))
        openings.ask(event_id=room.event_id, email="ada@example.org", language="en", now=OPENS)
        openings.tell_due(now=OPENS + timedelta(days=1))
        assert {mail.event_id for mail in mails()} == {event.id, room.event_id}

    def test_the_address_goes_with_the_mail(self, event: Event) -> None:
        ask(event)
        openings.tell_due(now=OPENS)
        (mail,) = mails()
        mail.state, mail.ended_at = MailState.SENT, OPENS
        db.session.commit()
        forgetting.forget_last_mails(now=OPENS)
        (mail,) = mails()
        assert mail.recipient == ""
        assert "ada" not in mail.key

    def test_more_than_one_turn_writes_are_told_in_the_next(
        self, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(openings, "CHUNK", 2)
        for name in ("ada", "grace", "mary"):
            ask(event, f"{name}@example.org")
        assert [openings.tell_due(now=OPENS) for _turn in range(3)] == [2, 1, 0]
        assert len(mails()) == 3

    def test_who_is_on_the_list_by_then_is_not_told(self, event: Event) -> None:
        ask(event)
        put_on_the_list(event, "ada@example.org")
        openings.tell_due(now=OPENS)
        assert MailKind.OPENED not in [mail.kind for mail in mails()]
        assert waiting() == 0

    def test_the_mail_follows_an_opening_that_is_put_off(self, event: Event) -> None:
        ask(event)
        event.registration_opens_at = OPENS + timedelta(days=1)
        db.session.commit()
        openings.tell_due(now=OPENS)
        assert mails() == []
        openings.tell_due(now=OPENS + timedelta(days=1))
        assert len(mails()) == 1

    @pytest.mark.parametrize("why", ["cancelled", "over", "elsewhere"])
    def test_of_an_event_that_takes_none_any_more_the_addresses_go_unmailed(
        self, event: Event, why: str
    ) -> None:
        ask(event)
        at: datetime = NOW
        if why == "cancelled":
            lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=NOW)
            openings.tell_due(now=NOW)
            assert waiting() == 1, "it can still be taken back"
            at = NOW + timedelta(minutes=11)
        elif why == "over":
            at = event.ends_at
        else:
            event.registration, event.external_url = RegistrationKind.EXTERNAL, "https://a.example"
            db.session.commit()
        openings.tell_due(now=at)
        assert waiting() == 0
        assert [mail for mail in mails() if mail.kind is MailKind.OPENED] == []

    def test_a_draft_keeps_them_until_it_is_public_again(self, event: Event) -> None:
        ask(event)
        event.status = EventStatus.DRAFT
        db.session.commit()
        openings.tell_due(now=OPENS)
        assert waiting() == 1

    def test_who_is_erased_is_not_told(self, event: Event) -> None:
        rsvp = put_on_the_list(event, "ada@example.org")
        ask(event)
        ask(event, "grace@example.org")
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        db.session.rollback()
        assert list(db.session.scalars(select(OpeningReminder.email))) == ["grace@example.org"]
