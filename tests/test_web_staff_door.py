"""The door's pages, as a browser without JavaScript and as its script use them."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import approvals, lookup, rsvps, wording
from registration.database import db
from registration.models import (
    NO_ADDRESS,
    AttendanceMode,
    Attendee,
    Event,
    EventStatus,
    Rsvp,
    StaffRole,
)
from registration.parties import attendees
from registration.times import now
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_rsvp,
    make_staff,
)
from tests.signing_in import post, sign_in
from tests.test_cost_of_an_rsvp import statements


@pytest.fixture
def rsvp(app: Flask) -> Rsvp:
    return make_rsvp(make_option(), name="Amina Okonkwo-Bell", organisation="Lagos Centre")


@pytest.fixture
def door(app: Flask, client: FlaskClient, rsvp: Rsvp) -> FlaskClient:
    """A browser of a door account of the RSVP's event."""
    account = make_staff(StaffRole.DOOR, db.session.get_one(Event, rsvp.event_id), name="Noor")
    return sign_in(client, account)


def door_of(rsvp: Rsvp) -> str:
    return f"/staff/events/{rsvp.event.slug}/door"


def said(page) -> str:
    """The big word of the answer."""
    return re.search(r"<h2>\s*(.*?)\s*</h2>", page.text[page.text.index("data-outcome") :])[1]


def test_an_address_with_a_code_finds_whose_ticket_it_is(door, rsvp):
    [person] = attendees(rsvp)
    other = attendees(make_rsvp(make_option()))[0]
    for text in (person.ticket_code, person.spoken_code.lower()):
        assert "Amina Okonkwo-Bell" in door.get(f"{door_of(rsvp)}?q={text}").text
    assert "Nobody found" in door.get(f"{door_of(rsvp)}?q={other.ticket_code}").text
    db.session.refresh(person)
    assert person.checked_in_at is None


def test_who_has_a_seat_is_found_before_all_who_watch(door, rsvp):
    stream = make_option(rsvp.event, mode=AttendanceMode.VIRTUAL)
    for _number in range(lookup.FOUND):
        make_rsvp(stream, name="Amadou Sato")
    found = door.get(f"{door_of(rsvp)}?q=am").text
    assert "The first 20 found" in found
    assert 0 < found.index("Amina Okonkwo-Bell") < found.index("Amadou Sato")


def test_a_typed_code_lets_in_without_script(door, rsvp):
    ticket = attendees(rsvp)[0].spoken_code.lower()
    path = door_of(rsvp)

    first = post(door, path, q=ticket)
    again = post(door, path, q=ticket)

    assert (first.status_code, said(first)) == (200, "Admitted")
    assert "Amina Okonkwo-Bell" in first.text
    assert "Lagos Centre" in first.text
    assert said(again) == "Already in"
    assert "let in by Noor" in again.text


def test_of_two_rooms_the_door_says_which(door, rsvp):
    annex = make_option(rsvp.event, label="Annex")
    bo = make_rsvp(annex, name="Bo Example")
    online = make_option(rsvp.event, mode=AttendanceMode.VIRTUAL, label="On screen")
    make_rsvp(online, name="Bo Elsewhere")
    found = door.get(f"{door_of(rsvp)}?q=bo").text
    assert found.count("<bdi>Annex</bdi>") == 1
    assert "On screen" not in found
    for said_then in ("Admitted", "Already in"):
        answer = post(door, door_of(rsvp), q=attendees(bo)[0].ticket_code)
        assert said(answer) == said_then
        assert "<bdi>Annex</bdi>" in answer.text


def test_a_scan_is_answered_with_a_piece_of_the_page(door, rsvp):
    answer = post(
        door,
        door_of(rsvp),
        q=f"https://events.example.org/t/{attendees(rsvp)[0].ticket_code}",
        scan="y",
        headers={"X-Requested-With": "fetch"},
    )
    assert answer.text.lstrip().startswith("<section")
    assert 'data-kind="in"' in answer.text
    assert 'data-inside="1"' in answer.text


def test_a_scan_asks_the_database_for_little(door, rsvp):
    path, code = door_of(rsvp), attendees(rsvp)[0].ticket_code
    # As in a process of its own: nothing is known from before.
    db.session.remove()
    with statements() as seen:
        answer = post(door, path, q=code, scan="y", headers={"X-Requested-With": "fetch"})
    assert said(answer) == "Admitted"
    asked = [statement.split()[0] for statement, _ in seen if not statement.startswith("BEGIN")]
    # Account, event, person; marked, noted, counted; the counts, who came last.
    assert asked == ["SELECT"] * 3 + ["UPDATE", "INSERT", "INSERT"] + ["SELECT"] * 2


@pytest.mark.parametrize(
    ("ago", "minutes"), [("600", 10), ("-600", 0), ("nan", 0), ("1e9", 0), ("long", 0), ("", 0)]
)
def test_a_ticket_that_a_phone_kept_counts_from_when_it_was_scanned(door, rsvp, now, ago, minutes):
    post(door, door_of(rsvp), q=attendees(rsvp)[0].ticket_code, scan="y", ago=ago)
    assert attendees(rsvp)[0].checked_in_at == now - timedelta(minutes=minutes)


def test_only_who_would_be_let_in_is_offered_to_be_let_in(door, rsvp, now):
    rsvps.cancel(rsvp_id=make_rsvp(rsvp.option, name="Amina Gone").id, now=now)
    buttons = re.findall(
        r'<button class="btn">(.*?)<span class="sr"> (.*?)</span>',
        door.get(f"{door_of(rsvp)}?q=amina").text,
    )
    assert buttons == [("Let in", "Amina Okonkwo-Bell"), ("Show", "Amina Gone")]


def test_what_is_no_code_is_searched_for_and_let_in_from_the_list(door, rsvp):
    path = door_of(rsvp)
    found = post(door, path, q="okonkwo")
    assert (found.status_code, found.location) == (303, f"{path}?q=okonkwo")
    page = door.get(found.location)
    assert "1 person found" in page.text
    answer = post(door, path, attendee=attendees(rsvp)[0].id)
    assert said(answer) == "Admitted"


def test_a_scan_of_what_is_no_ticket_is_told_and_not_searched_for(door, rsvp):
    answer = post(door, door_of(rsvp), q="WIFI:S:Lagos Centre;;", scan="y")
    assert (answer.status_code, said(answer)) == (200, "Not found")


def test_a_name_in_the_shape_of_a_code_is_a_name(door, rsvp):
    make_rsvp(rsvp.option, name="Humphrey")
    answer = post(door, door_of(rsvp), q="Humphrey")
    assert answer.status_code == 303
    assert "1 person found" in door.get(answer.location).text


def test_signs_that_no_ticket_has_are_told(door, rsvp):
    hint = "Ticket numbers have no O, 0, I or 1"
    assert hint in door.get(door_of(rsvp), query_string={"q": "jfe0-m52l"}).text
    for name in ("Batraest", "Nobodyoo", "JFE2M52", "JFE0M52L9"):
        assert hint not in door.get(door_of(rsvp), query_string={"q": name}).text


def test_undo_and_the_counts(door, rsvp):
    path, person = door_of(rsvp), attendees(rsvp)[0]
    post(door, path, attendee=person.id)
    live = door.get(f"{path}/now").text
    assert 'data-inside="1"' in live
    assert "Amina Okonkwo-Bell" in live
    undone = post(door, f"{path}/undo", attendee=person.id)
    assert undone.location == path
    assert 'data-inside="0"' in door.get(f"{path}/now").text


def test_each_of_two_doors_that_take_one_check_in_back_is_told(door, rsvp):
    path, person = door_of(rsvp), attendees(rsvp)[0]
    post(door, path, attendee=person.id)
    for _door in range(2):
        post(door, f"{path}/undo", attendee=person.id)
        assert "Amina Okonkwo-Bell is not in any more." in door.get(path).text


def seen_on(page: str) -> str:
    """The check-in that a page's Undo is of."""
    return html.unescape(re.search(r'name="seen" value="([^"]+)"', page)[1])


def test_undo_of_a_page_that_stood_open_leaves_who_was_let_in_anew_since(door, rsvp, monkeypatch):
    path, person = door_of(rsvp), attendees(rsvp)[0]
    seen = seen_on(post(door, path, attendee=person.id).text)
    post(door, f"{path}/undo", attendee=person.id, seen=seen)
    later = now() + timedelta(minutes=3)
    monkeypatch.setattr("registration.web.staff.door.now", lambda: later)
    post(door, path, attendee=person.id)

    post(door, f"{path}/undo", attendee=person.id, seen=seen)

    page = door.get(path).text
    assert "Amina Okonkwo-Bell was let in again since. Nothing was undone." in page
    assert 'data-inside="1"' in page
    post(door, f"{path}/undo", attendee=person.id, seen=seen_on(page))
    assert 'data-inside="0"' in door.get(f"{path}/now").text


def test_who_is_let_in_again_stays_in_so_there_is_nothing_to_undo(door, rsvp):
    path, ticket = door_of(rsvp), attendees(rsvp)[0].ticket_code
    fetch = {"X-Requested-With": "fetch"}
    first, again = (
        post(door, path, q=ticket, headers=fetch, **more).text.partition("<template")[0]
        for more in ({}, {"again": "y"})
    )
    assert "Undo" in first
    assert "Let in again" in again
    assert "Undo" not in again


def test_of_who_came_in_on_another_day_the_day_is_said(app, door, rsvp, now):
    path, ticket = door_of(rsvp), attendees(rsvp)[0].ticket_code
    at = wording.clock(now, rsvp.event.zone)
    post(door, path, q=ticket)
    assert f"Came in at {at}, let in by Noor." in post(door, path, q=ticket).text
    app.config["NOW"] = lambda: now + timedelta(days=1)
    page = post(door, path, q=ticket).text
    assert f"Came in at {wording.moment(now, rsvp.event.zone)}, let in by Noor." in page


def test_a_walk_in_beyond_the_capacity_needs_a_press_of_its_own(app, client):
    room, _stream = make_hybrid(capacity=1)
    holder = make_rsvp(room)
    sign_in(client, make_staff(StaffRole.DOOR, room.event))
    path = f"{door_of(holder)}/walk-in"

    full = post(client, path, name="Ada", organisation="", email="")
    assert full.status_code == 409
    assert "Every seat is taken." in full.text
    assert "Let in beyond the capacity" in full.text
    assert post(client, path, name="Ada", organisation="", email="", beyond="y").status_code == 303
    assert db.session.scalar(select(Attendee.checked_in_at).where(Attendee.name == "Ada"))


@pytest.mark.parametrize("email", ["", "ada@example.org"])
def test_a_walk_in_whose_form_comes_twice_is_let_in_once(door, rsvp, email):
    path = f"{door_of(rsvp)}/walk-in"
    once = re.search(r'name="once"[^>]* value="([0-9a-f]{24})"', door.get(path).text)[1]

    def press(name: str):
        return post(door, path, name=name, organisation="", email=email, once=once)

    for _press in range(2):
        assert press("Ada").status_code == 303
    assert "<b data-inside>1</b>" in door.get(door_of(rsvp)).text
    # By the browser's Back the same form brings somebody else.
    assert press("Benedikt").status_code == (409 if email else 303)
    # Who was taken back may come anew.
    ada = db.session.scalars(select(Attendee).where(Attendee.name == "Ada")).one()
    post(door, f"{door_of(rsvp)}/undo", attendee=ada.id)
    assert press("Ada").status_code == 303
    assert f"<b data-inside>{1 if email else 2}</b>" in door.get(door_of(rsvp)).text


@pytest.mark.parametrize("once", ["", "A sign of another form", "'; --@example.org"])
def test_what_a_walk_in_says_is_kept_whatever_sign_their_form_has(door, rsvp, once):
    path = f"{door_of(rsvp)}/walk-in"
    for name in ("Ada", "Benedikt"):
        fields = {"name": name, "organisation": "Example House", "email": "", "once": once}
        assert post(door, path, **fields).status_code == 303
    came = db.session.scalars(select(Rsvp).where(Rsvp.id != rsvp.id).order_by(Rsvp.id)).all()
    assert [(it.name, it.organisation, it.language) for it in came] == [
        ("Ada", "Example House", rsvp.event.language),
        ("Benedikt", "Example House", rsvp.event.language),
    ]
    assert {bool(re.fullmatch(f"[0-9a-f]{{24}}{NO_ADDRESS}", it.email)) for it in came} == {True}


def test_a_walk_in_with_a_known_address_is_led_to_that_rsvp(door, rsvp):
    path = door_of(rsvp)
    page = post(door, f"{path}/walk-in", name="Ada", organisation="", email=rsvp.email)
    assert page.status_code == 409
    link = re.search(r'href="([^"]+)">Show this RSVP', page.text)[1]
    assert 'Let in<span class="sr"> Amina Okonkwo-Bell' in door.get(link).text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": ""}, "Enter the name for the badge"),
        ({"name": "Ada", "email": "ada"}, "Enter an email address in the right format"),
    ],
)
def test_a_walk_in_that_cannot_be_taken_keeps_what_was_typed(door, rsvp, fields, text):
    answer = post(door, f"{door_of(rsvp)}/walk-in", organisation="Example House", **fields)
    assert answer.status_code == 422
    assert text in answer.text
    assert "Example House" in answer.text


def test_one_who_waits_is_offered_a_seat(app, client):
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room, name="Benedikt")
    sign_in(client, make_staff(StaffRole.DOOR, room.event))
    person = attendees(waiting)[0]
    path = door_of(waiting)

    assert said(post(client, path, q=person.ticket_code)) == "On the waitlist"
    full = post(client, f"{path}/seat", attendee=person.id)
    assert "Every seat is taken." in full.text
    assert said(post(client, f"{path}/seat", attendee=person.id, beyond="y")) == "Admitted"


def test_of_who_was_not_accepted_the_door_says_what_the_list_said(door, rsvp, now):
    turned_away = make_rsvp(rsvp.option, name="Amina Away")
    account = make_staff(StaffRole.ORGANISER, rsvp.event)
    approvals.reject(rsvp_ids=[turned_away.id], staff_id=account.id, now=now)

    found = door.get(f"{door_of(rsvp)}?q=away")
    shown = post(door, door_of(rsvp), attendee=str(attendees(turned_away)[0].id))

    assert "Not accepted" in found.text
    assert said(shown) == "Not accepted"


def test_a_ticket_of_another_event_says_nothing_of_its_holder(door, rsvp):
    other = make_rsvp(make_option(), name="Not Yours")
    answer = post(door, door_of(rsvp), q=attendees(other)[0].ticket_code)
    assert said(answer) == "Another event"
    assert "Not Yours" not in answer.text
    assert other.event.title not in answer.text


@pytest.mark.parametrize("path", ["", "/now", "/shell", "/walk-in"])
def test_who_is_not_signed_in_is_sent_to_sign_in(app, client, rsvp, path):
    answer = client.get(door_of(rsvp) + path)
    assert answer.status_code == 303
    assert "/staff/sign-in" in answer.location


@pytest.mark.parametrize("action", ["", "/seat", "/undo", "/walk-in"])
def test_the_door_of_another_event_stays_shut(app, client, rsvp, action):
    sign_in(client, make_staff(StaffRole.DOOR, make_event()))
    person = attendees(rsvp)[0]
    answer = post(client, door_of(rsvp) + action, attendee=person.id, name="Ada")
    assert answer.status_code == 404
    assert db.session.scalar(select(Attendee.checked_in_at)) is None


def test_without_the_forms_token_nobody_is_let_in(door, rsvp):
    answer = door.post(door_of(rsvp), data={"attendee": attendees(rsvp)[0].id})
    assert answer.status_code == 400
    assert db.session.scalar(select(Attendee.checked_in_at)) is None


def test_the_page_that_a_phone_keeps_names_nobody_and_can_change_nothing(door, rsvp):
    path, person = door_of(rsvp), attendees(rsvp)[0]
    post(door, path, q=person.ticket_code)
    page = door.get(f"{path}/shell").text
    assert rsvp.event.title in page
    for told in (person.name, rsvp.organisation, "Noor", "csrf_token", "of 1 in"):
        assert told not in page


def test_the_phone_may_open_the_door_with_a_script_that_lies_elsewhere(client):
    answer = client.get("/static/js/door-worker.js")
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert "Service-Worker-Allowed" not in client.get("/static/js/door.js").headers


def test_a_person_of_another_event_cannot_be_undone_or_seated(door, rsvp):
    other = attendees(make_rsvp(make_option()))[0].id
    for action in ("undo", "seat"):
        assert post(door, f"{door_of(rsvp)}/{action}", attendee=other).status_code == 404


def test_a_strangers_phone_learns_nothing_from_a_ticket(app, client, rsvp):
    page = client.get(f"/t/{attendees(rsvp)[0].ticket_code}")
    assert "Amina" not in page.text
    assert "Let in" not in page.text


def test_a_door_account_that_opens_a_ticket_may_let_in(door, rsvp):
    ticket = attendees(rsvp)[0].ticket_code
    page = door.get(f"/t/{ticket}")
    assert "Let in" in page.text
    assert f'action="{door_of(rsvp)}"' in page.text


def test_a_door_account_of_another_event_may_not(app, client, rsvp):
    sign_in(client, make_staff(StaffRole.DOOR, make_event()))
    assert "Let in" not in client.get(f"/t/{attendees(rsvp)[0].ticket_code}").text


@pytest.mark.parametrize("days", [-1, 1])
def test_the_door_says_that_it_is_the_wrong_day(client: FlaskClient, days: int) -> None:
    account = make_staff(StaffRole.ADMIN)
    soon = make_option(make_event(starts_at=now() + timedelta(minutes=5))).event
    other = make_option(make_event(starts_at=now() + timedelta(days=days, minutes=5))).event
    browser = sign_in(client, account)
    assert "Not today" not in browser.get(f"/staff/events/{soon.slug}/door").text
    page = browser.get(f"/staff/events/{other.slug}/door").text
    assert f"Not today: {wording.span(other.starts_at, other.ends_at, other.zone)}." in page


def test_the_door_of_a_cancelled_event_says_so(client: FlaskClient) -> None:
    event = make_option(make_event(status=EventStatus.CANCELLED)).event
    page = sign_in(client, make_staff()).get(f"/staff/events/{event.slug}/door").text
    assert "This event has been cancelled." in page
    assert "Not today" not in page


def test_the_door_of_an_event_without_a_room_offers_no_seat(client: FlaskClient) -> None:
    watching = make_rsvp(make_option(make_event(), mode=AttendanceMode.VIRTUAL))
    browser = sign_in(client, make_staff())

    page = browser.get(door_of(watching)).text
    answer = post(browser, door_of(watching), q=attendees(watching)[0].ticket_code)
    unknown = post(browser, door_of(watching), q="ABCDEFGH", scan="y")

    assert "This event has no seats in a room." in page
    assert said(answer) == "Online only"
    for text in (page, answer.text, unknown.text):
        assert re.search(r"<p[^>]* hidden[^>]*><b data-inside", text)
        assert "walk-in" not in text
        assert "Give a seat" not in text
        assert "Print" not in text


def test_after_its_end_the_door_offers_no_seat_that_it_would_refuse(client: FlaskClient) -> None:
    event = make_event(starts_at=now() - timedelta(hours=2), ends_at=now() - timedelta(minutes=1))
    room = make_option(event, capacity=1)
    make_rsvp(room, now=event.starts_at - timedelta(days=1))
    waiting = make_rsvp(room, now=event.starts_at - timedelta(days=1))
    browser = sign_in(client, make_staff())

    answer = post(browser, door_of(waiting), q=attendees(waiting)[0].ticket_code)

    assert said(answer) == "On the waitlist"
    assert "This event has ended." in answer.text
    assert "Give a seat" not in answer.text
    assert "Add a walk-in" not in answer.text
