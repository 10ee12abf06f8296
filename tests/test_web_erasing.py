"""Erasing by who it is about, by staff for them, and what everybody reads of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import erasure, retention, subscriptions
from registration.database import db
from registration.keys import unsubscribe_key
from registration.models import Attendee, OutboxMail, Rsvp, StaffRole
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_rsvp,
    make_staff,
)
from tests.forms import form_of
from tests.signing_in import sign_in


def erase(client: FlaskClient, key: str):
    """Press the button on the page that asks."""
    page = client.get(f"/rsvp/{key}/erase")
    assert page.status_code == 200
    return client.post(f"/rsvp/{key}/erase", data=form_of(page.text, ""))


class TestThePerson:
    def test_reads_what_goes_and_what_stays_and_erases_it(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, name="Amina Okonkwo")
        rsvp_id, key = rsvp.id, rsvp.manage_key
        assert f"/rsvp/{key}/erase" in client.get(f"/rsvp/{key}").text
        page = client.get(f"/rsvp/{key}/erase").text
        assert "This cancels your RSVP." in page
        answer = erase(client, key)
        assert (answer.status_code, answer.location) == (303, "/erased?language=en")
        assert "Your data is erased" in client.get(answer.location).text
        assert db.session.get_one(Rsvp, rsvp_id, populate_existing=True).name == ""

    def test_twice_reads_the_same(self, client: FlaskClient):
        room, _stream = make_hybrid()
        key = make_rsvp(room).manage_key
        sent = form_of(client.get(f"/rsvp/{key}/erase").text, "")
        for _time in range(2):
            answer = client.post(f"/rsvp/{key}/erase", data=sent)
            assert answer.status_code == 303
            assert answer.location.startswith("/erased")

    def test_changes_nothing_by_looking(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room)
        client.get(f"/rsvp/{rsvp.manage_key}/erase")
        assert db.session.get_one(Rsvp, rsvp.id, populate_existing=True).erased_at is None

    def test_needs_a_form_of_this_site(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room)
        assert client.post(f"/rsvp/{rsvp.manage_key}/erase").status_code == 400
        assert db.session.get_one(Rsvp, rsvp.id, populate_existing=True).erased_at is None

    def test_is_told_after_the_event_that_nothing_is_cancelled(
        self, app: Flask, client: FlaskClient
    ):
        room, _stream = make_hybrid()
        key, after = make_rsvp(room).manage_key, room.event.ends_at + timedelta(days=1)
        app.config["NOW"] = lambda: after
        assert "is cancelled by it" not in client.get(f"/rsvp/{key}/erase").text

    def test_is_told_what_is_kept_of_one_who_wants_no_messages(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room)
        address = f"/rsvp/{rsvp.manage_key}/erase"
        assert "wants no messages" not in client.get(address).text
        subscriptions.unsubscribe(
            email=rsvp.email, event_id=rsvp.event_id, everything=True, now=NOW
        )
        assert "wants no messages" in client.get(address).text

    def test_reads_it_in_their_language(self, client: FlaskClient):
        room, _stream = make_hybrid(language="fr")
        answer = erase(client, make_rsvp(room, language="fr").manage_key)
        page = client.get(answer.location, headers={"Accept-Language": "en"}).text
        assert '<html lang="fr"' in page
        assert "Vos données sont effacées" in page


class TestAfterwards:
    def test_no_link_leads_anywhere(self, client: FlaskClient):
        room, stream = make_hybrid()
        seated, watches = make_rsvp(room), make_rsvp(stream)
        code = db.session.scalar(select(Attendee.ticket_code).where(Attendee.rsvp_id == seated.id))
        links = [
            f"/rsvp/{seated.manage_key}",
            f"/rsvp/{seated.manage_key}/data.json",
            f"/rsvp/{seated.manage_key}/calendar.ics",
            f"/rsvp/{seated.manage_key}/tickets.pdf",
            f"/rsvp/{seated.manage_key}/erase",
            f"/j/{watches.join_key}",
            f"/t/{code}",
            f"/unsubscribe/{unsubscribe_key(seated)}",
        ]
        assert {client.get(link).status_code for link in links} == {200}
        for rsvp_id in (seated.id, watches.id):
            erasure.erase(rsvp_id=rsvp_id, now=NOW)
        assert {client.get(link).status_code for link in links} == {404}
        for link in links[:-1]:
            assert "your links have ended with it" in client.get(link).text

    @pytest.mark.parametrize("path", ["/rsvp/{}", "/j/{}", "/t/{}"])
    def test_nor_does_what_stands_in_its_place(self, client: FlaskClient, path: str):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        for key in (f"erased/{rsvp.id}", f"erased%2F{rsvp.id}"):
            assert client.get(path.format(key)).status_code == 404

    def test_nor_an_invitation(self, client: FlaskClient):
        event = make_event(visibility="invitation")
        invitation = make_invitation(event, name="Amina Okonkwo")
        rsvp = make_rsvp(make_option(event), email=invitation.email, invitation_key=invitation.key)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        address = f"/events/{event.slug}/rsvp?invitation=erased/{invitation.id}"
        assert "I cannot come" not in client.get(address).text


class TestStaff:
    def test_read_that_one_is_erased_and_open_nothing_of_them(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, name="Amina Okonkwo")
        mail_id = db.session.scalar(select(OutboxMail.id))
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        sign_in(client, make_staff())
        slug = room.event.slug
        for address in (f"/staff/events/{slug}/attendees", "/staff/outbox/", "/staff/log/"):
            page = client.get(address).text
            assert "Erased" in page, address
            assert f"/attendees/{rsvp.id}" not in page, address
            assert f'/outbox/{mail_id}"' not in page, address
        for address in (
            f"/staff/events/{slug}/attendees/{rsvp.id}",
            f"/staff/events/{slug}/attendees/{rsvp.id}/edit",
            f"/staff/outbox/{mail_id}",
            f"/staff/outbox/{mail_id}/html",
        ):
            assert client.get(address).status_code == 404, address

    def test_see_the_last_mail_while_it_waits(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, name="Amina Okonkwo")
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        mail_id = db.session.scalar(select(OutboxMail.id).where(OutboxMail.forgets))
        sign_in(client, make_staff())
        page = client.get(f"/staff/outbox/{mail_id}").text
        assert "Amina Okonkwo" in page
        assert "METHOD:CANCEL" in page

    def test_erase_for_one_who_asks(self, client: FlaskClient):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, name="Amina Okonkwo")
        sign_in(client, make_staff(StaffRole.ORGANISER, room.event))
        address = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}/erase"
        page = client.get(address).text
        assert "Erase what is kept of Amina Okonkwo?" in page
        answer = client.post(address, data=form_of(page, ""))
        assert answer.status_code == 303
        assert "Erased. What is counted stays." in client.get(answer.location).text

    @pytest.mark.parametrize("role", [StaffRole.DOOR, StaffRole.ORGANISER])
    def test_of_another_event_or_of_the_door_cannot(self, client: FlaskClient, role: StaffRole):
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, needs_captions=True)
        own = [room.event] if role is StaffRole.DOOR else []
        sign_in(client, make_staff(role, *own))
        person = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}"
        for address in (f"{person}/erase", person):
            assert client.get(address).status_code in (403, 404)

    def test_read_when_it_goes_and_that_it_went(self, app: Flask, client: FlaskClient):
        room, _stream = make_hybrid(retention_days=90)
        make_rsvp(room)
        sign_in(client, make_staff())
        overview = f"/staff/events/{room.event.slug}/"
        assert (
            "Personal data is erased on 6\N{NO-BREAK SPACE}March 2027." in client.get(overview).text
        )
        assert "go on 20\N{NO-BREAK SPACE}December 2026." in client.get(overview).text
        due = room.event.erases_at
        while retention.erase_due(now=due):
            pass
        app.config["NOW"] = lambda: due
        for address in (overview, f"/staff/events/{room.event.slug}/attendees"):
            assert (
                "Personal data was erased on 6\N{NO-BREAK SPACE}March 2027."
                in client.get(address).text
            )

    def test_set_the_day_in_the_editor(self, client: FlaskClient):
        event = make_event()
        make_option(event)
        sign_in(client, make_staff())
        assert "Set the day on which" in client.get(f"/staff/events/{event.slug}/").text
        address = f"/staff/events/{event.slug}/settings/registration"
        sent = form_of(client.get(address).text, "registration")
        sent["retention_days"] = "30"
        assert client.post(address, data=sent | {"do": "save"}).status_code == 303
        assert (
            "Personal data is erased on 5\N{NO-BREAK SPACE}January 2027."
            in client.get(address).text
        )

    def test_cannot_set_a_day_that_has_passed(self, app: Flask, client: FlaskClient):
        event = make_event(retention_days=90)
        make_option(event)
        sign_in(client, make_staff())
        address = f"/staff/events/{event.slug}/settings/registration"
        sent = form_of(client.get(address).text, "registration")
        app.config["NOW"] = lambda: event.ends_at + timedelta(days=30, hours=1)
        for days, status in (("9", 422), ("31", 422), ("32", 303)):
            sent["retention_days"] = days
            answer = client.post(address, data=sent | {"do": "save"})
            assert answer.status_code == status, days
            assert ("Enter 32 or more" in answer.text) is (status == 422), days


class TestEverybody:
    def test_reads_on_the_form_when_it_goes(self, client: FlaskClient):
        room, _stream = make_hybrid(retention_days=90)
        page = client.get(f"/events/{room.event.slug}/rsvp").text
        assert "We erase what you enter on 6\N{NO-BREAK SPACE}March 2027" in page
        assert "about access on 20\N{NO-BREAK SPACE}December 2026" in page

    def test_reads_no_day_where_none_is_set(self, client: FlaskClient):
        room, _stream = make_hybrid()
        assert "We erase what you enter" not in client.get(f"/events/{room.event.slug}/rsvp").text

    def test_reads_it_on_the_privacy_page(self, client: FlaskClient):
        page = client.get("/privacy").text
        assert "14 days after the event" in page
        assert "90 days after the event" in page
