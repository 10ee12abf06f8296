"""The page on which staff choose how somebody is to attend instead."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from registration import rsvps
from registration.database import db
from registration.models import AttendanceMode, Rsvp, StaffRole
from registration.moves import How
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, make_staff
from tests.signing_in import send, sign_in


@pytest.fixture
def desk(client: FlaskClient, app: Flask) -> FlaskClient:
    """A browser in which an admin is signed in."""
    return sign_in(client, make_staff(name="Miriam Castellanos"))


def page_of(rsvp: Rsvp) -> str:
    return f"/staff/events/{rsvp.event.slug}/attendees/{rsvp.id}"


def meanings(page: str) -> list[tuple[str, str, str]]:
    """Each choice: what it sends, its title, and what it says comes of it."""
    choice = (
        r'value="([^"]+)"[^>]*><span class="choice__body">\s*<span[^>]*><span[^>]*>(.*?)</span>'
    )
    return re.findall(choice + r"</span>\s*<span>(.*?)</span>", page)


def now_of(rsvp_id: int) -> Rsvp:
    db.session.rollback()
    return db.session.get_one(Rsvp, rsvp_id, populate_existing=True)


def test_staff_put_somebody_online_and_back_and_the_page_says_who_did_it(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid()
    rsvp = make_rsvp(room, name="Amina Okonkwo-Bell")
    person, rsvp_id = page_of(rsvp), rsvp.id
    assert f'href="{person}/move"' in desk.get(person).text
    asked = desk.get(f"{person}/move").text
    assert meanings(asked) == [(f"{stream.id}:at_once", "Online", "At once.")]
    done = send(desk, f"{person}/move", move=f"{stream.id}:at_once")
    assert (done.status_code, done.location) == (303, person)
    assert now_of(rsvp_id).option_id == stream.id
    shown = desk.get(person).text
    assert "Moved. A mail is on its way, and their calendar follows." in shown
    assert re.search(r"Changed the way to attend<br>[^<]*<?[^>]*>[^<]*Miriam Castellanos", shown)
    send(desk, f"{person}/move", move=f"{room.id}:at_once")
    assert now_of(rsvp_id).option_id == room.id


def test_where_it_is_full_staff_read_what_waiting_means_before_they_choose(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room)
    make_rsvp(room)
    rsvp = make_rsvp(stream)
    asked = desk.get(f"{page_of(rsvp)}/move").text
    assert meanings(asked) == [
        (
            f"{room.id}:wait",
            "In person",
            "They wait for a seat, and keep their place meanwhile: Online.",
        ),
        (f"{room.id}:beyond", "In person, with an extra seat", "At once, beyond the capacity."),
    ]
    assert "Full, 1 waiting" in asked
    send(desk, f"{page_of(rsvp)}/move", move=f"{room.id}:wait")
    assert now_of(rsvp.id).watches_meanwhile
    asked = desk.get(f"{page_of(rsvp)}/move").text
    assert "Confirmed, waiting for the room" in asked
    assert meanings(asked) == [
        (
            f"{stream.id}:stay",
            "Stay: Online",
            "They keep this place. They leave the queue: In person, second.",
        )
    ]


def test_who_sits_in_one_room_and_waits_for_another_is_not_said_to_wait_for_the_room(
    desk: FlaskClient,
) -> None:
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    rsvp = make_rsvp(make_option(event=room.event, label="Hall B"))
    send(desk, f"{page_of(rsvp)}/move", move=f"{room.id}:wait")
    assert now_of(rsvp.id).waits_for_option_id == room.id
    assert "Confirmed, waiting for another place" in desk.get(page_of(rsvp)).text


def test_one_who_waits_is_said_to_lose_the_position_or_to_keep_it(desk: FlaskClient) -> None:
    room, stream = make_hybrid(capacity=0)
    rsvp = make_rsvp(room)
    asked = desk.get(f"{page_of(rsvp)}/move").text
    assert meanings(asked) == [
        (
            f"{stream.id}:meanwhile",
            "Online, while waiting",
            "They get their link now. They keep their position in the queue: In person, first.",
        ),
        (f"{stream.id}:at_once", "Online", "At once. They leave the queue: In person, first."),
    ]


def test_who_gives_up_a_place_that_others_wait_for_is_said_so(desk: FlaskClient) -> None:
    room, stream = make_hybrid(capacity=1)
    rsvp = make_rsvp(room)
    make_rsvp(room)
    ((_value, _title, meaning),) = meanings(desk.get(f"{page_of(rsvp)}/move").text)
    assert meaning == "At once. Others wait for the place that they leave."
    assert stream.seats_taken == 0


def test_one_who_waits_for_approval_can_go_on_waiting_for_it_elsewhere(desk: FlaskClient) -> None:
    event = make_event()
    room = make_option(event, needs_approval=True)
    hall = make_option(event, label="Hall", needs_approval=True)
    stream = make_option(event, mode=AttendanceMode.VIRTUAL)
    rsvp = make_rsvp(room)
    assert meanings(desk.get(f"{page_of(rsvp)}/move").text) == [
        (f"{hall.id}:undecided", "Hall", "They go on waiting for approval."),
        (f"{stream.id}:at_once", "Online", "At once: this way needs no approval."),
    ]


def test_a_page_that_is_older_than_what_it_shows_says_what_can_be_done_now(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid(capacity=1)
    rsvp = make_rsvp(stream)
    make_rsvp(room)
    answer = send(desk, f"{page_of(rsvp)}/move", move=f"{room.id}:at_once")
    assert answer.status_code == 422
    assert "Every seat is taken." in answer.text
    assert [value for value, *_ in meanings(answer.text)] == [
        f"{room.id}:wait",
        f"{room.id}:beyond",
    ]


def test_staff_read_that_somebody_has_the_seat_that_became_free_meanwhile(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid(capacity=1)
    seated, rsvp = make_rsvp(room), make_rsvp(stream)
    rsvps.cancel(rsvp_id=seated.id, now=NOW)
    done = send(desk, f"{page_of(rsvp)}/move", move=f"{room.id}:wait")
    shown = desk.get(done.location).text
    assert "Moved. A mail is on its way, and their calendar follows." in shown
    assert "They are in the queue." not in shown


def test_nothing_chosen_is_asked_for(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    answer = send(desk, f"{page_of(make_rsvp(room))}/move")
    assert answer.status_code == 422
    assert "Choose how they are to attend" in answer.text


@pytest.mark.parametrize(
    ("sent", "status"),
    [("x", 400), ("1:dance", 400), ("9999999999:wait", 400), ("99999:wait", 404)],
)
def test_what_no_page_offers_is_refused(desk: FlaskClient, sent: str, status: int) -> None:
    room, _stream = make_hybrid()
    assert send(desk, f"{page_of(make_rsvp(room))}/move", move=sent).status_code == status


def test_one_whose_rsvp_has_ended_is_offered_no_way(desk: FlaskClient) -> None:
    room, stream = make_hybrid()
    rsvp = make_rsvp(room)
    person = page_of(rsvp)
    rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    assert "/move" not in desk.get(person).text
    assert "There is no other way to attend for them now." in desk.get(f"{person}/move").text
    answer = send(desk, f"{person}/move", move=f"{stream.id}:{How.AT_ONCE}")
    assert answer.status_code == 422


def test_an_organiser_moves_people_of_their_own_events_alone_and_the_door_nobody(
    client: FlaskClient, app: Flask
) -> None:
    room, stream = make_hybrid()
    rsvp = make_rsvp(room)
    url = f"{page_of(rsvp)}/move"
    for account, status in (
        (make_staff(StaffRole.ORGANISER), 404),
        (make_staff(StaffRole.DOOR, room.event), 403),
        (make_staff(StaffRole.ORGANISER, room.event), 200),
    ):
        assert sign_in(client, account).get(url).status_code == status
    assert send(client, url, move=f"{stream.id}:at_once").status_code == 303
