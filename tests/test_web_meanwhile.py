"""What has changed while a page was open: said on what is sent, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import approvals, events, lifecycle, rsvps
from registration.database import db
from registration.models import (
    AttendanceOption,
    Event,
    EventStatus,
    MailKind,
    OutboxMail,
    Rsvp,
    RsvpStatus,
)
from registration.parties import attendees
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, save
from tests.forms import form_of
from tests.test_web_rsvps import hidden, number_of_rsvps, press, text_of

TYPED = {"name": "Amina Okonkwo-Bell", "email": "amina@example.org", "consent": "y"}


def opened(client: FlaskClient, option: AttendanceOption) -> dict[str, str]:
    """The form as it stands when it is opened, filled in."""
    page = client.get(f"/events/{option.event.slug}/rsvp")
    return hidden(page.text) | {"attend": str(option.id)} | TYPED


class TestTheForm:
    def test_who_answered_for_another_day_is_asked_again(self, client: FlaskClient):
        room, _ = make_hybrid()
        sent = opened(client, room)
        event = room.event
        event.starts_at += timedelta(days=7)
        event.ends_at += timedelta(days=7)
        save(event)
        path = f"/events/{event.slug}/rsvp"
        blank = client.post(path, data=sent | {"name": ""})
        assert blank.status_code == 422, "a mistake on the way does not hide it"
        answer = client.post(path, data=sent | hidden(blank.text))
        assert answer.status_code == 409
        assert "This event has moved to Sunday 13 December 2026" in text_of(answer)
        assert 'value="Amina Okonkwo-Bell"' in answer.text
        assert number_of_rsvps() == 0
        assert client.post(path, data=sent | hidden(answer.text)).status_code == 303
        assert number_of_rsvps() == 1

    def test_nobody_is_noted_as_agreeing_to_what_they_have_not_read(self, client: FlaskClient):
        room, _ = make_hybrid(consent="We keep your name until the end.")
        sent = opened(client, room)
        event, path = room.event, f"/events/{room.event.slug}/rsvp"
        edited = {"event_id": event.id, "seen": "", "staff_id": None, "now": NOW}
        events.edit(changes={"consent": "We publish your name."}, **edited)
        blank = client.post(path, data=sent | {"name": ""})
        assert blank.status_code == 422, "a mistake on the way does not hide it"
        answer = client.post(path, data=sent | hidden(blank.text))
        assert answer.status_code == 409
        assert '<a href="#consent">What you are asked to agree to has changed' in answer.text
        assert "We publish your name." in answer.text
        again = form_of(answer.text, path)
        assert "consent" not in again, "the tick was for other words"
        assert again["name"] == "Amina Okonkwo-Bell"
        assert number_of_rsvps() == 0
        assert client.post(path, data=sent | hidden(answer.text)).status_code == 303
        rsvp = db.session.scalars(select(Rsvp)).one()
        assert rsvp.consent_version == db.session.get_one(Event, event.id).consent_version

    @pytest.mark.parametrize("begins", ["", "soon", "9999-12-31T23:59:59-23:59"])
    def test_what_says_no_start_is_taken_as_it_is(self, client: FlaskClient, begins: str):
        room, _ = make_hybrid()
        sent = opened(client, room) | {"begins": begins}
        assert client.post(f"/events/{room.event.slug}/rsvp", data=sent).status_code == 303

    @pytest.mark.parametrize(
        ("allowed", "words"),
        [(0, "This event takes no guests."), (1, "You can bring 1 guest to this event.")],
    )
    def test_no_guest_is_dropped_in_silence(self, client: FlaskClient, allowed: int, words: str):
        room, _ = make_hybrid(guests_max=2)
        sent = opened(client, room) | {"guest_1": "Li Wei", "guest_2": "Bo Ek"}
        room.event.guests_max = allowed
        save(room.event)
        path = f"/events/{room.event.slug}/rsvp"
        answer = client.post(path, data=sent)
        assert answer.status_code == 422
        assert f'<a href="#guest_{allowed + 1}">{words}</a>' in answer.text
        for name in ("Li Wei", "Bo Ek"):
            assert f'value="{name}"' in answer.text
        assert "Empty a name to take a guest off." in answer.text
        names = dict(zip(("guest_1", "guest_2"), [*["Li Wei"] * allowed, "", ""], strict=False))
        assert client.post(path, data=sent | hidden(answer.text) | names).status_code == 303

    def test_a_party_for_whom_the_seats_left_are_too_few_may_wait_for_them(
        self, client: FlaskClient
    ):
        room, stream = make_hybrid(capacity=2, guests_max=2)
        path = f"/events/{room.event.slug}/rsvp"
        sent = opened(client, room) | {"guest_1": "Li Wei"}
        make_rsvp(room)
        answer = client.post(path, data=sent)
        assert answer.status_code == 409
        said = text_of(answer)
        assert "Only 1 seat is left, and your party needs 2. Choose what to do instead" in said
        assert "Waitlist for a party of 2: In person Join the waitlist." in said
        assert "1 of 2 seats left" in said
        ways = re.findall(r'name="attend" value="(\w+)"', answer.text)
        assert ways == [f"{room.id}", f"{room.id}w", f"{stream.id}", f"{room.id}w{stream.id}"]
        # It stays chosen while something else is mended.
        sent |= hidden(answer.text) | {"attend": f"{room.id}w"}
        assert f'value="{room.id}w" id="attend-1" checked' in (
            client.post(path, data=sent | {"name": ""}).text
        )
        too_many = client.post(path, data=sent | {"guest_2": "Bo Ek", "name": ""}).text
        assert f'value="{room.id}w' not in too_many
        assert client.post(path, data=sent).status_code == 303
        waiting = db.session.scalars(select(Rsvp).order_by(Rsvp.id.desc())).first()
        assert (waiting.status, waiting.party_size) == (RsvpStatus.WAITLISTED, 2)

    @pytest.mark.parametrize("change", ["closed", "cancelled", "over"])
    def test_where_there_is_no_form_any_more_it_says_that_nothing_was_taken(
        self, app: Flask, client: FlaskClient, change: str
    ):
        room, _ = make_hybrid()
        sent, event = opened(client, room), room.event
        if change == "closed":
            event.registration_closes_at = NOW
            save(event)
        elif change == "cancelled":
            lifecycle.cancel(
                event_id=event.id, reason="The speaker is ill.", staff_id=None, now=NOW
            )
        else:
            over = event.ends_at
            app.config["NOW"] = lambda: over
        path = f"/events/{event.slug}/rsvp"
        answer = client.post(path, data=sent)
        assert answer.status_code == 410
        assert "Your RSVP was not taken." in text_of(answer)
        assert "Your RSVP was not taken." not in text_of(client.get(path))

    def test_a_page_that_is_a_draft_again_says_so_and_one_that_never_was_public_does_not(
        self, client: FlaskClient
    ):
        room, _ = make_hybrid()
        sent, path = opened(client, room), f"/events/{room.event.slug}"
        lifecycle.withdraw(event_id=room.event_id, staff_id=None, now=NOW)
        for answer in (client.get(path), client.get(f"{path}/rsvp")):
            assert answer.status_code == 404
            assert "closed at the moment" in text_of(answer)
        assert "what you sent was not taken" in text_of(client.post(f"{path}/rsvp", data=sent))
        draft = make_event(status=EventStatus.DRAFT)
        assert "There is nothing at this address" in text_of(client.get(f"/events/{draft.slug}"))


class TestTheManagePage:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda event: cancel(event), "This event has been cancelled."),
            (lambda event: withdraw(event), "This event is not published at the moment."),
        ],
        ids=["cancelled", "draft"],
    )
    def test_changes_that_come_too_late_are_not_saved_and_the_page_says_so(
        self, client: FlaskClient, change: Callable[[Event], None], words: str
    ):
        room, _ = make_hybrid()
        rsvp = make_rsvp(room)
        path = f"/rsvp/{rsvp.manage_key}"
        sent = hidden(client.get(f"{path}/edit").text) | {"name": "Another Name"}
        change(room.event)
        answer = client.post(f"{path}/edit", data=sent)
        assert (answer.status_code, answer.location) == (303, path)
        assert f"{words} Your changes are not saved." in text_of(client.get(path))
        db.session.refresh(rsvp)
        assert rsvp.name != "Another Name"

    def test_a_guest_whom_the_event_does_not_allow_any_more_is_told_of(self, client: FlaskClient):
        room, _ = make_hybrid(guests_max=2)
        rsvp = make_rsvp(room, name="Amina", guests=["Li Wei"])
        path = f"/rsvp/{rsvp.manage_key}/edit"
        sent = hidden(client.get(path).text) | {"name": "Amina", "guest_1": "Li Wei"}
        room.event.guests_max = 0
        save(room.event)
        answer = client.post(path, data=sent | {"guest_2": "Bo Ek"})
        assert answer.status_code == 422
        assert '<a href="#guest_2">This event takes no guests.</a>' in answer.text
        assert 'value="Bo Ek"' in answer.text
        db.session.expire_all()
        assert [person.name for person in attendees(rsvp)] == ["Amina", "Li Wei"]

    def test_a_way_that_is_gone_is_told_of_where_it_was_pressed(self, client: FlaskClient):
        room, stream = make_hybrid()
        rsvp, gone = make_rsvp(room), stream.id
        db.session.delete(stream)
        db.session.commit()
        page = press(client, rsvp, "switch", option=str(gone))
        assert "This way to attend is not offered any more." in page

    def test_nobody_is_asked_to_wait_for_what_could_never_seat_them(self, client: FlaskClient):
        room, stream = make_hybrid(guests_max=1)
        stream.capacity = 1
        save(stream)
        party, alone = make_rsvp(room, guests=["Bo Ek"]), make_rsvp(room)
        make_rsvp(stream)
        words = "Wait for a place: Online"
        assert words not in client.get(f"/rsvp/{party.manage_key}").text
        assert words in client.get(f"/rsvp/{alone.manage_key}").text

    def test_an_rsvp_that_the_organisers_ended_says_so_and_why_as_its_mail_does(
        self, client: FlaskClient
    ):
        room, _ = make_hybrid()
        ended, own = make_rsvp(room), make_rsvp(room)
        rsvps.cancel(rsvp_id=ended.id, now=NOW, by="staff", reason="The room is smaller now.")
        rsvps.cancel(rsvp_id=own.id, now=NOW)
        page = text_of(client.get(f"/rsvp/{ended.manage_key}"))
        assert "The organisers have cancelled your RSVP. The room is smaller now." in page
        assert "RSVP again" not in page
        assert "RSVP again" in text_of(client.get(f"/rsvp/{own.manage_key}"))
        asked = make_rsvp(make_option(needs_approval=True))
        approvals.reject(rsvp_ids=[asked.id], staff_id=None, now=NOW, reason="For members alone.")
        assert "For members alone." in text_of(client.get(f"/rsvp/{asked.manage_key}"))

    def test_no_mail_is_promised_where_none_can_go(self, app: Flask, client: FlaskClient):
        room, stream = make_hybrid()
        rsvp = make_rsvp(room)
        assert "on its way" not in press(client, rsvp, "switch", option=str(stream.id))
        assert "The mail waits" in press(client, rsvp, "resend")
        kinds = db.session.query(OutboxMail.kind).filter_by(rsvp_id=rsvp.id).all()
        assert (MailKind.CHANGED,) in kinds


def cancel(event: Event) -> None:
    """Call an event off."""
    lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=NOW)


def withdraw(event: Event) -> None:
    """What an event with RSVPs is where they were taken in before it was public."""
    event.status = EventStatus.DRAFT
    save(event)
