"""The form and the manage page as a browser without scripts meets them: what is refused and how."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from registration import (
    approvals,
    invitations,
    lifecycle,
    links,
    rendering,
    rsvps,
    streams,
    subscriptions,
)
from registration.database import db
from registration.models import (
    Answer,
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    MailKind,
    OutboxMail,
    QuestionKind,
    Rsvp,
    RsvpStatus,
    Visibility,
)
from registration.parties import attendees
from registration.times import now
from registration.web.limits import limiter
from tests.conftest import NOW
from tests.factories import (
    make_code,
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_question,
    make_rsvp,
    make_speaker,
    make_staff,
    save,
)
from tests.forms import form_of
from tests.signing_in import post


def hidden(page: str) -> dict[str, str]:
    """The fields that a browser sends by itself."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    }


def send(client: FlaskClient, event: Event, option: AttendanceOption | str, **typed: Any) -> Any:
    """Open the form, fill it in, send it."""
    path = f"/events/{event.slug}/rsvp"
    choice = option if isinstance(option, str) else str(option.id)
    plain = {"name": "Amina Okonkwo-Bell", "email": "amina@example.org", "consent": "y"}
    return client.post(
        path, data=hidden(client.get(path).text) | {"attend": choice} | plain | typed
    )


def press(client: FlaskClient, rsvp: Rsvp, action: str, **typed: Any) -> str:
    """Press a button of the manage page; the page that comes back."""
    path = f"/rsvp/{rsvp.manage_key}"
    token = hidden(client.get("/find").text)["csrf_token"]
    answer = client.post(f"{path}/{action}", data={"csrf_token": token} | typed)
    assert answer.status_code == 303
    assert answer.location == path
    return text_of(client.get(path))


def text_of(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def number_of_rsvps() -> int:
    return db.session.scalar(select(func.count()).select_from(Rsvp)) or 0


class TestTheForm:
    def test_an_answer_is_taken_and_its_page_opened(self, app: Flask, client: FlaskClient):
        room, _ = make_hybrid()
        answer = send(client, room.event, room)
        assert answer.status_code == 303
        assert "Your seat is reserved, Amina" in text_of(client.get(answer.location))

    def test_where_mail_is_sent_first_and_second_answer_look_alike(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
        room, stream = make_hybrid()
        first = send(client, room.event, room)
        seen = text_of(client.get(first.location))
        second = send(client, room.event, stream, name="Somebody Else")
        assert (second.status_code, second.location) == (first.status_code, first.location)
        assert text_of(client.get(second.location)) == seen
        assert "amina@example.org" in seen
        rsvp = db.session.scalars(select(Rsvp)).one()
        assert rsvp.name == "Amina Okonkwo-Bell"
        assert rsvp.manage_key not in client.get(first.location).text
        kinds = db.session.scalars(select(OutboxMail.kind).order_by(OutboxMail.id)).all()
        assert kinds == [MailKind.CONFIRMED, MailKind.LINKS]

    def test_the_cookie_of_a_form_holds_what_the_privacy_notice_says_and_no_more(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
        room, _ = make_hybrid()
        client.get(f"/events/{room.event.slug}/rsvp")
        with client.session_transaction() as before:
            assert set(before) == {"csrf_token"}
        assert send(client, room.event, room, source="news").status_code == 303
        with client.session_transaction() as held:
            said = {name: held[name] for name in held.keys() - {"csrf_token", "_fresh"}}
            assert said == {"sent_to": "amina@example.org", "came_by": {"source": "news"}}
        notice = text_of(client.get("/privacy"))
        assert "it holds the address that you gave and by which link or code you came" in notice

    def test_an_unknown_event_is_404_and_a_draft_too(self, client: FlaskClient):
        assert client.get("/events/nothing/rsvp").status_code == 404
        draft = make_event(status=EventStatus.DRAFT)
        assert client.get(f"/events/{draft.slug}/rsvp").status_code == 404

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"registration_closes_at": -1}, "RSVPs are closed"),
            ({"status": EventStatus.CANCELLED}, "This event has been cancelled"),
            ({"starts_at": -200, "ends_at": -100}, "This event has ended"),
        ],
    )
    def test_an_event_that_takes_no_more_answers_is_410(
        self, client: FlaskClient, now: datetime, values: dict[str, Any], words: str
    ):
        values = {
            name: now + timedelta(hours=value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        room, _ = make_hybrid(**values)
        answer = client.get(f"/events/{room.event.slug}/rsvp")
        assert answer.status_code == 410
        assert words in text_of(answer)

    def test_a_link_preselects_what_it_names_and_nothing_that_may_be_two(self, client: FlaskClient):
        hall = make_option(capacity=5)
        gallery, full = make_option(hall.event, capacity=5), make_option(hall.event, capacity=1)
        stream = make_option(hall.event, mode=AttendanceMode.VIRTUAL)
        make_rsvp(full)

        def chosen(attend: object) -> list[str]:
            page = client.get(f"/events/{hall.event.slug}/rsvp?attend={attend}").text
            return re.findall(r'value="(\w+)" id="attend-\d+" checked', page)

        page = client.get(f"/events/{hall.event.slug}").text
        assert f'/rsvp?attend={hall.id}">In person</a>' in page
        assert chosen(hall.id) == [f"{hall.id}"]
        assert chosen(gallery.id) == [f"{gallery.id}"]
        assert chosen("virtual") == [f"{stream.id}"]
        assert chosen("in_person") == [], "there are two rooms"
        assert chosen(full.id) == [], "one may wait, or wait and watch"
        assert chosen("nothing") == []
        hall.closes_at = gallery.opens_at = hall.event.starts_at
        gallery.closes_at = hall.event.ends_at
        db.session.commit()
        assert chosen("in_person") == [f"{hall.id}"], "one may be chosen now"

    def test_the_only_way_is_chosen_already_unless_a_link_has_named_another(
        self, client: FlaskClient, now: datetime
    ):
        room, stream = make_hybrid(capacity=5)

        def chosen(query: str = "") -> list[str]:
            page = client.get(f"/events/{room.event.slug}/rsvp{query}").text
            return re.findall(r'value="(\w+)" id="attend-\d+" checked', page)

        assert chosen() == []
        room.closes_at = now - timedelta(hours=1)
        db.session.commit()
        assert chosen() == [f"{stream.id}"]
        assert chosen(f"?attend={room.id}") == [], "they wanted to come to the room"

    def test_an_option_that_opens_later_says_when(self, client: FlaskClient, now: datetime):
        event = make_event()
        make_option(event, opens_at=now + timedelta(days=2))
        answer = client.get(f"/events/{event.slug}/rsvp")
        assert answer.status_code == 200
        assert "RSVPs are not open yet They open on Wednesday 25 November" in text_of(answer)

    def test_an_event_with_no_way_to_attend_yet_is_not_called_full(self, client: FlaskClient):
        path = f"/events/{make_event().slug}"
        for page in (client.get(path), client.get(f"{path}/rsvp")):
            assert page.status_code == 200
            assert "RSVPs are not open yet" in text_of(page)
            assert "Every seat is taken" not in text_of(page)

    def test_ways_to_watch_while_one_waits_are_told_apart(self, client: FlaskClient):
        event = make_event()
        make_option(event, label="Hall", capacity=0)
        make_option(event, label="In English", mode=AttendanceMode.VIRTUAL)
        path = f"/events/{event.slug}/rsvp"
        assert "Waitlist, and online meanwhile" in text_of(client.get(path))
        make_option(event, label="In French", mode=AttendanceMode.VIRTUAL)
        page = text_of(client.get(path))
        assert "Waitlist for “Hall”, meanwhile “In English”" in page
        assert "Waitlist for “Hall”, meanwhile “In French”" in page

    def test_a_queue_that_has_closed_is_not_offered(self, app: Flask, client: FlaskClient):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        path, begun = f"/events/{room.event.slug}/rsvp", room.event.starts_at
        app.config["NOW"] = lambda: begun
        assert f'value="{room.id}w"' not in client.get(path).text
        stream.closes_at = begun
        save(stream)
        answer = client.get(path)
        assert (answer.status_code, "Every seat is taken" in text_of(answer)) == (410, True)

    @pytest.mark.parametrize(
        ("seats", "places", "said"),
        [
            (0, None, "Join the waitlist, or watch online Every seat in the room is taken."),
            (0, 0, "Join the waitlist Every seat in the room is taken. What is given back"),
            (None, 0, "Save your place"),
            ("no room", 0, "Join the waitlist Every place is taken. What is given back"),
            ("no room", 1, "Save your place"),
        ],
    )
    def test_what_is_full_is_named_and_nothing_promised_that_there_is_not(
        self, client: FlaskClient, seats: int | str | None, places: int | None, said: str
    ):
        event = make_event()
        if seats != "no room":
            make_option(event, capacity=seats)
        make_option(event, mode=AttendanceMode.VIRTUAL, capacity=places)
        assert f"(America/New_York) {said}" in text_of(client.get(f"/events/{event.slug}/rsvp"))

    def test_no_place_is_promised_at_once_where_the_organisers_decide(self, client: FlaskClient):
        room = make_option(needs_approval=True)
        path = f"/events/{room.event.slug}/rsvp"
        page = client.get(path)
        assert "Save your place" not in text_of(page)
        assert '<button class="btn btn--main">Send</button>' in page.text
        make_option(room.event, mode=AttendanceMode.VIRTUAL)
        page = client.get(path)
        assert "Save your place" in text_of(page)
        assert '<button class="btn btn--main">Save my place</button>' in page.text

    def test_who_joins_a_queue_is_promised_a_seat_in_their_turn_alone(self, client: FlaskClient):
        event = make_event()
        for option in (
            make_option(event, capacity=1),
            make_option(event, mode=AttendanceMode.VIRTUAL, capacity=1),
        ):
            make_rsvp(option)
            make_rsvp(option)
        page = text_of(client.get(f"/events/{event.slug}/rsvp"))
        assert "1 party is waiting. When it is your turn, a seat that becomes free is yours" in page
        assert (
            "1 party is waiting. When it is your turn, a place that becomes free is yours" in page
        )

    def test_a_stream_that_is_full_has_places_also_where_it_is_refused(
        self, app: Flask, client: FlaskClient
    ):
        event = make_event(guests_max=5)
        stream = make_option(event, mode=AttendanceMode.VIRTUAL, capacity=3)
        path, begun = f"/events/{event.slug}/rsvp", event.starts_at
        too_many = send(client, event, stream, guest_1="B", guest_2="C", guest_3="D")
        assert "There are 3 places in all, and your party needs 4." in text_of(too_many)
        make_rsvp(stream)
        few = send(client, event, stream, guest_1="B", guest_2="C")
        assert "Only 2 places are left, and your party needs 3." in text_of(few)
        make_rsvp(stream, guests=["B"])
        waiting = make_rsvp(stream)
        form = hidden(client.get(path).text)
        app.config["NOW"] = lambda: begun
        typed = {"attend": f"{stream.id}w", "name": "Cy", "email": "c@example.org", "consent": "y"}
        late = client.post(path, data=form | typed)
        lobby = client.get(f"/j/{waiting.join_key}")
        assert "No more places are given to it." in text_of(lobby)
        for answer in (late, lobby, client.get(path), client.get(f"/events/{event.slug}")):
            assert "seat" not in text_of(answer)
        assert "Every place is taken The waitlist has closed as well." in text_of(late)
        page = text_of(client.get(f"/events/{event.slug}"))
        assert "Every place is taken. The waitlist has closed as well." in page

    def test_a_queue_that_staff_empty_by_hand_promises_no_turn(self, client: FlaskClient):
        event = make_event(promotes_automatically=False)
        make_option(event, capacity=0)
        page = text_of(client.get(f"/events/{event.slug}/rsvp"))
        assert page.count("The organisers choose who gets what is given back.") == 2
        assert "goes to the first" not in page
        assert "at once" not in page

    @pytest.mark.parametrize("by_itself", [True, False])
    def test_who_waits_for_a_stream_is_told_of_a_place_and_of_no_seat(
        self, client: FlaskClient, by_itself: bool
    ):
        event = make_event(promotes_automatically=by_itself)
        stream = make_option(event, mode=AttendanceMode.VIRTUAL, capacity=1)
        make_rsvp(stream)
        page = text_of(client.get(f"/rsvp/{make_rsvp(stream).manage_key}"))
        assert "first in the queue" in page
        assert "A place is given back" in page
        assert "seat" not in page

    def test_of_a_queue_for_a_stream_that_has_closed_no_place_is_promised(
        self, client: FlaskClient
    ):
        stream = make_option(make_event(), mode=AttendanceMode.VIRTUAL, capacity=1)
        make_rsvp(stream)
        waiting = make_rsvp(stream)
        stream.event.promotion_closes_at = now() - timedelta(minutes=1)
        db.session.commit()
        page = text_of(client.get(f"/rsvp/{waiting.manage_key}"))
        assert page.count("No more places are given to it.") == 2
        assert "seat" not in page

    def test_nobody_is_asked_for_a_seat_back_where_all_get_in(self, client: FlaskClient):
        def page(rsvp: Rsvp) -> str:
            return text_of(client.get(f"/rsvp/{rsvp.manage_key}"))

        assert "somebody may be waiting" not in page(make_rsvp(make_option(capacity=None)))
        event = make_event(guests_max=1)
        room = make_option(event, capacity=3)
        assert "Give your seat back" in page(make_rsvp(room))
        assert "Give your seats back" in page(make_rsvp(room, guests=["Bo"]))

    def test_full_meanwhile_is_409_with_what_to_do_instead_and_nothing_lost(
        self, client: FlaskClient
    ):
        room, _ = make_hybrid(capacity=1)
        path = f"/events/{room.event.slug}/rsvp"
        form = hidden(client.get(path).text)
        make_rsvp(room)
        typed = {
            "attend": str(room.id),
            "name": "Amina Okonkwo-Bell",
            "email": "amina@example.org",
            "organisation": "Example University",
            "consent": "y",
        }
        answer = client.post(path, data=form | typed)
        assert answer.status_code == 409
        assert "Every seat is taken. Choose what to do instead" in text_of(answer)
        for kept in ("Amina Okonkwo-Bell", "amina@example.org", "Example University"):
            assert f'value="{kept}"' in answer.text
        assert f'value="{room.id}w"' in answer.text
        again = client.post(path, data=hidden(answer.text) | typed | {"attend": f"{room.id}w"})
        assert again.status_code == 303

    def test_closed_meanwhile_is_410_and_keeps_what_was_typed(
        self, client: FlaskClient, now: datetime
    ):
        room, stream = make_hybrid()
        room.closes_at = now
        save(room)
        answer = send(client, room.event, room)
        assert answer.status_code == 410
        assert "closed while this page was open" in text_of(answer)
        assert 'value="Amina Okonkwo-Bell"' in answer.text
        assert f'value="{stream.id}"' in answer.text

    def test_an_option_that_is_gone_is_told_of(self, client: FlaskClient):
        room, _ = make_hybrid()
        for choice in ("99999999", f"{room.id}w99999999"):
            answer = send(client, room.event, choice)
            assert answer.status_code in (303, 409)
            if answer.status_code == 409:
                assert "not offered any more" in text_of(answer)
                assert 'value="Amina Okonkwo-Bell"' in answer.text

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"name": ""}, "Enter your full name"),
            ({"name": " \u200b "}, "Enter your full name"),
            ({"name": "A" * 10_000}, "Use 200 characters or fewer"),
            ({"name": "Amina\x00Bell"}, "characters that cannot be seen"),
            ({"email": "amina@"}, "Enter an email address in the right format"),
            ({"email": "amina@example..org"}, "Enter an email address in the right format"),
            ({"email": "am ina@example.org"}, "Enter an email address in the right format"),
            ({"email": "a" * 300 + "@example.org"}, "Enter"),
            ({"email": "amina@gmial.com"}, "Did you mean amina@gmail.com?"),
            ({"attend": ""}, "Choose how you will attend"),
            ({"attend": "../etc"}, "Choose how you will attend"),
            ({"consent": ""}, "Agree to this to send your RSVP"),
            ({"booked_by_email": "bo@"}, "Enter an email address in the right format"),
            ({"organisation": "x" * 201}, "Use 200 characters or fewer"),
            ({"website": "https://spam.example"}, "as if a program had filled it in"),
            ({"started": "forged"}, "Check what you typed"),
        ],
    )
    def test_a_mistake_is_422_said_twice_and_nothing_is_lost(
        self, client: FlaskClient, typed: dict[str, str], words: str
    ):
        room, _ = make_hybrid()
        answer = send(client, room.event, room, job_title="Lecturer", **typed)
        assert answer.status_code == 422
        assert words in text_of(answer)
        assert "There is a problem" in answer.text
        assert 'value="Lecturer"' in answer.text
        assert number_of_rsvps() == 0

    def test_who_answers_for_somebody_else_and_by_which_link_is_kept(self, client: FlaskClient):
        room, _ = make_hybrid()
        by = {"booked_by_name": "Bo Li", "booked_by_email": "bo@example.org", "source": "poster"}
        assert send(client, room.event, room, **by).status_code == 303
        rsvp = db.session.query(Rsvp).one()
        kept = (rsvp.booked_by_name, rsvp.booked_by_email, rsvp.source)
        assert kept == ("Bo Li", "bo@example.org", "poster")

    def test_a_slip_that_is_meant_is_taken_the_second_time(self, client: FlaskClient):
        room, _ = make_hybrid()
        typed = {"email": "amina@gmial.com", "booked_by_email": "bo@hotmial.com"}
        path = f"/events/{room.event.slug}/rsvp"
        answer, tries = send(client, room.event, room, **typed), 1
        while answer.status_code == 422:
            plain = {"attend": str(room.id), "name": "Amina", "consent": "y"}
            answer, tries = client.post(path, data=hidden(answer.text) | plain | typed), tries + 1
        assert (answer.status_code, tries) == (303, 2)

    def test_a_required_question_is_asked_again_and_an_unknown_choice_refused(
        self, client: FlaskClient
    ):
        room, _ = make_hybrid()
        question = make_question(
            room.event, kind=QuestionKind.ONE_OF, choices=["A", "B"], is_required=True
        )
        answer = send(client, room.event, room)
        assert (answer.status_code, "Answer “" in text_of(answer)) == (422, True)
        answer = send(client, room.event, room, **{f"question_{question.id}": "Z"})
        assert (answer.status_code, "Choose one of the answers" in text_of(answer)) == (422, True)
        question.kind = QuestionKind.ANY_OF
        save(question)
        answer = send(client, room.event, room, **{f"question_{question.id}": ["A", "Z"]})
        assert (answer.status_code, "Choose one of the answers" in text_of(answer)) == (422, True)

    def test_a_choice_that_is_sent_many_times_is_kept_once(self, client: FlaskClient):
        room, _ = make_hybrid()
        choices = {"kind": QuestionKind.ANY_OF, "choices": ["Soup", "Bread"]}
        field = f"question_{make_question(room.event, **choices).id}"
        send(client, room.event, room, **{field: ["Bread", *["Soup"] * 1000]})
        assert db.session.scalars(select(Answer.value)).one() == {"choices": ["Bread", "Soup"]}

    def test_an_edit_keeps_what_was_answered_for_the_room_that_one_waits_for(
        self, client: FlaskClient
    ):
        room, stream = make_hybrid(capacity=1)
        meal = make_question(room.event, option_id=room.id, is_required=True)
        field = f"question_{meal.id}"
        send(client, room.event, room, email="first@example.org", **{field: "Fish"})
        send(client, room.event, f"{room.id}w{stream.id}", **{field: "Vegetables"})
        rsvp = db.session.scalars(select(Rsvp).where(Rsvp.email != "first@example.org")).one()
        assert rsvp.watches_meanwhile
        path = f"/rsvp/{rsvp.manage_key}/edit"
        page = client.get(path)
        assert "Vegetables" in page.text
        sent = hidden(page.text) | {"name": "Another Name", field: "Vegetables"}
        assert client.post(path, data=sent).status_code == 303
        assert db.session.scalars(select(Answer.value).where(Answer.rsvp_id == rsvp.id)).one() == {
            "text": "Vegetables"
        }
        # What is required of the room is asked for while it is waited for.
        assert client.post(path, data=sent | {field: ""}).status_code == 422

    def test_a_form_sent_within_a_moment_is_asked_for_once_more(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "MINIMUM_FILL_SECONDS", 2.0)
        room, _ = make_hybrid()
        answer = send(client, room.event, room)
        assert (answer.status_code, "That was very quick" in text_of(answer)) == (422, True)

    def test_a_missing_token_is_400_and_says_what_to_do(self, client: FlaskClient):
        room, _ = make_hybrid()
        answer = client.post(f"/events/{room.event.slug}/rsvp", data={"name": "Amina"})
        assert answer.status_code == 400
        assert "The page was open for too long" in text_of(answer)

    def test_a_page_restored_without_its_cookie_keeps_what_was_typed(self, client: FlaskClient):
        room, _ = make_hybrid()
        path, ours = f"/events/{room.event.slug}/rsvp", {"Origin": "http://localhost"}
        typed = {"name": "Amina Okonkwo-Bell", "email": "amina@example.org", "consent": "y"}
        sent = hidden(client.get(path).text) | typed | {"attend": str(room.id)}
        client.delete_cookie("session")
        answer = client.post(path, data=sent, headers=ours)
        assert answer.status_code == 400
        assert "send it once more" in answer.text
        assert 'value="Amina Okonkwo-Bell"' in answer.text
        again = sent | hidden(answer.text)
        assert client.post(path, data=again, headers=ours).status_code == 303

    @pytest.mark.parametrize("path", ["/find", "/events/{}/remind"])
    def test_an_address_left_without_a_cookie_need_not_be_typed_again(
        self, client: FlaskClient, now: datetime, path: str
    ):
        room, _ = make_hybrid(registration_opens_at=now + timedelta(days=1))
        path, ours = path.format(room.event.slug), {"Origin": "http://localhost"}
        answer = client.post(path, data={"email": "amina@example.org"}, headers=ours)
        assert answer.status_code == 400
        assert "Nothing is lost: send it once more." in text_of(answer)
        assert 'value="amina@example.org"' in answer.text
        again = form_of(answer.text, "").to_dict()
        assert client.post(path, data=again, headers=ours).status_code == 200
        elsewhere = {"Origin": "https://elsewhere.example.org"}
        answer = client.post(path, data={"email": "amina@example.org"}, headers=elsewhere)
        assert (answer.status_code, "amina" in answer.text) == (400, False)

    def test_a_no_without_its_cookie_leads_back_to_the_invitation(self, client: FlaskClient):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        invited = make_invitation(room.event, language="fr")
        path = f"/events/{room.event.slug}/rsvp"
        answer = client.post(f"{path}/decline", data={"invitation": invited.key})
        assert answer.status_code == 400
        link = f'href="{path}?invitation={invited.key}">Rouvrir la page</a>'
        assert link in answer.text

    def test_an_edit_without_its_cookie_keeps_what_was_typed(self, client: FlaskClient):
        rsvp = make_rsvp(make_hybrid()[0])
        path = f"/rsvp/{rsvp.manage_key}/edit"
        answer = client.post(path, data={"name": "Amina Okonkwo-Bell", "organisation": "ACME"})
        assert answer.status_code == 400
        assert "send it once more" in answer.text
        again = hidden(answer.text) | {"name": "Amina Okonkwo-Bell", "organisation": "ACME"}
        assert 'value="Amina Okonkwo-Bell"' in answer.text
        assert client.post(path, data=again).status_code == 303

    @pytest.mark.parametrize("button", ["cancel", "resend", "verify", "erase"])
    def test_a_button_without_its_cookie_leads_back_to_its_page_in_its_language(
        self, client: FlaskClient, button: str
    ):
        rsvp = make_rsvp(make_hybrid()[0], language="fr")
        path = f"/rsvp/{rsvp.manage_key}"
        answer = client.post(f"{path}/{button}")
        assert answer.status_code == 400
        assert "La page est restée ouverte trop longtemps" in text_of(answer)
        assert f'<a class="btn btn--main" href="{path}">Rouvrir la page</a>' in answer.text
        assert client.get(path).status_code == 200
        assert client.post(f"/rsvp/nothing/{button}").status_code == 404

    def test_a_speakers_answer_without_its_cookie_leads_back_to_their_page(
        self, client: FlaskClient
    ):
        speaker = make_speaker(make_event())
        answer = client.post(f"/speaker/{speaker.key}/answer", data={"answer": "yes"})
        assert answer.status_code == 400
        assert f'href="/speaker/{speaker.key}">Open the page again</a>' in answer.text

    def test_a_form_that_is_gone_meanwhile_is_404_also_without_its_cookie(
        self, client: FlaskClient
    ):
        ours = {"Origin": "http://localhost"}
        for path in ("/events/nothing/rsvp", "/rsvp/nothing/edit", "/speaker/nothing/profile"):
            assert client.post(path, headers=ours).status_code == 404

    def test_another_site_cannot_fill_the_form(self, client: FlaskClient):
        room, _ = make_hybrid()
        answer = client.post(
            f"/events/{room.event.slug}/rsvp",
            data={"name": "Amina Okonkwo-Bell"},
            headers={"Origin": "https://elsewhere.example.org"},
        )
        assert answer.status_code == 400
        assert "Amina" not in answer.text

    def test_who_brings_guests_reads_that_they_attend_the_same_way(self, client: FlaskClient):
        said = "who attends another way needs an RSVP of their own"
        room, _ = make_hybrid(guests_max=1)
        assert said in text_of(client.get(f"/events/{room.event.slug}/rsvp"))
        only = make_option(make_event(guests_max=1))
        assert said not in text_of(client.get(f"/events/{only.event.slug}/rsvp"))

    def test_too_many_guests_are_422(self, client: FlaskClient):
        room, _ = make_hybrid(capacity=2, guests_max=3)
        answer = send(client, room.event, room, guest_1="B", guest_2="C", guest_3="D")
        assert answer.status_code == 422
        assert "There are 2 seats in all, and your party needs 4." in text_of(answer)
        assert 'value="D"' in answer.text

    def test_who_pressed_twice_for_the_last_seat_is_told_where_to_look(self, client: FlaskClient):
        room, _stream = make_hybrid(capacity=1)
        sent = hidden(client.get(f"/events/{room.event.slug}/rsvp").text)
        typed = {"attend": str(room.id), "name": "Bo", "email": "bo@example.org", "consent": "y"}
        first, second = (
            client.post(f"/events/{room.event.slug}/rsvp", data=sent | typed) for _ in range(2)
        )
        assert (first.status_code, second.status_code) == (303, 409)
        assert "If you pressed twice, look in your mail" in text_of(second)

    def test_who_allows_no_cookies_reads_what_is_missing_and_loses_nothing(self, app: Flask):
        room, _stream = make_hybrid()
        client = app.test_client(use_cookies=False)
        path = f"/events/{room.event.slug}/rsvp"
        sent = hidden(client.get(path).text) | {"attend": str(room.id), "name": "Bo"}
        answer = client.post(path, data=sent, headers={"Origin": "http://localhost"})
        assert answer.status_code == 400
        assert "allow the cookies of this site" in text_of(answer)
        assert 'value="Bo"' in answer.text
        with_cookie = app.test_client()
        with_cookie.get(path)
        answer = with_cookie.post(path, data={"name": "Bo"}, headers={"Origin": "http://localhost"})
        assert "send it once more." in text_of(answer)
        assert "cookies" not in text_of(answer)


class TestLimits:
    @pytest.fixture(autouse=True)
    def _fresh(self, app: Flask):
        limiter.reset()
        yield
        limiter.reset()

    def test_one_address_answers_so_often_an_hour_and_mistakes_are_free(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_ADDRESS", "2 per hour")
        room, _ = make_hybrid()
        for _ in range(4):
            assert send(client, room.event, room, name="").status_code == 422
        statuses = [send(client, room.event, room).status_code for _ in range(3)]
        assert statuses == [303, 303, 429]
        assert send(client, room.event, room, email="bo@example.org").status_code == 303

    def test_a_limit_that_is_met_says_what_to_do_and_when(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_NETWORK", "1 per hour")
        room, _ = make_hybrid()
        send(client, room.event, room)
        answer = send(client, room.event, room, email="bo@example.org")
        assert answer.status_code == 429
        assert re.search(r"is lost: wait \d\d minutes and send it again", text_of(answer))
        assert 0 < int(answer.headers["Retry-After"]) <= 3600

    def test_mails_that_are_asked_for_once_more_count_as_rsvps_of_their_network(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_NETWORK", "1 per hour")
        room, _ = make_hybrid()
        keys = [make_rsvp(room, email=f"{who}@example.org").manage_key for who in "ab"]
        answers = [post(client, f"/rsvp/{key}/resend") for key in keys]
        assert [answer.status_code for answer in answers] == [303, 429]

    def test_a_limit_that_is_met_loses_nothing_that_was_typed(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_NETWORK", "1 per hour")
        room, stream = make_hybrid()
        topic = make_question(room.event)
        send(client, room.event, room)
        typed = {"email": "bo@example.org", "name": "Bo", f"question_{topic.id}": "The vote"}
        shown = form_of(send(client, room.event, stream, **typed).text, "")
        assert shown["attend"] == str(stream.id)
        assert typed.items() <= shown.to_dict().items()
        limiter.reset()
        assert client.post(f"/events/{room.event.slug}/rsvp", data=shown).status_code == 303

    def test_a_network_is_a_64_of_ipv6(self, app: Flask, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(app.config, "LIMIT_FIND_PER_NETWORK", "1 per hour")

        def find(address: str) -> int:
            client = app.test_client()
            where = {"REMOTE_ADDR": address}
            token = hidden(client.get("/find", environ_base=where).text)
            return client.post(
                "/find", data=token | {"email": "x@example.org"}, environ_base=where
            ).status_code

        assert find("2001:db8::1") == 200
        assert find("2001:db8::2") == 429
        assert find("2001:db8:0:1::1") == 200
        assert find("192.0.2.1") == 200

    def test_a_campus_behind_one_address_gets_in_by_default(self, app: Flask):
        assert app.config["LIMIT_RSVP_PER_NETWORK"] == "3000 per hour"


class TestFinding:
    def test_the_page_says_the_same_of_a_known_and_an_unknown_address(self, client: FlaskClient):
        room, _ = make_hybrid()
        make_rsvp(room, email="amina@example.org")
        token = hidden(client.get("/find").text)
        answers = [
            client.post("/find", data=token | {"email": email})
            for email in ("amina@example.org", "nobody@example.org")
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        known, unknown = (re.sub(r"\w+@example.org", "", text_of(answer)) for answer in answers)
        assert known == unknown


class TestByInvitation:
    def test_the_page_and_the_form_say_so_and_what_to_do(self, client: FlaskClient):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        path, invitation = f"/events/{room.event.slug}", make_invitation(room.event)
        how = "This event is by invitation. Use the link in your invitation, or the code"
        page = client.get(path)
        assert how in text_of(page)
        assert page.text.count(f'href="{path}/rsvp">RSVP with a code</a>') == 2
        assert "?attend=" not in page.text
        assert how in text_of(client.get(f"{path}/rsvp"))
        assert how not in text_of(client.get(f"{path}/rsvp?invitation={invitation.key}"))
        everybody, _ = make_hybrid()
        page = client.get(f"/events/{everybody.event.slug}")
        assert "invitation" not in text_of(page)
        assert f'href="/events/{everybody.event.slug}/rsvp">RSVP</a>' in page.text

    @pytest.mark.parametrize("visibility", Visibility)
    def test_who_reads_about_the_event_on_the_way_keeps_what_they_came_by(
        self, client: FlaskClient, visibility: Visibility
    ):
        room, _ = make_hybrid(visibility=visibility)
        path, invited = f"/events/{room.event.slug}", make_invitation(room.event)
        for link in (f"invitation={invited.key}", "code=PARTNERS&source=a%26b"):
            form = unescape(client.get(f"{path}/rsvp?{link}").text)
            assert f'<a class="back" href="{path}?{link}">' in form
            answer = client.get(f"{path}?{link}")
            page = unescape(answer.text)
            assert page.count(f'href="{path}/rsvp?{link}">RSVP</a>') == 2
            assert f'href="{path}/rsvp"' not in page
            assert "Use the link in your invitation" not in page
            assert "public" not in answer.headers["Cache-Control"]
        assert "public" in client.get(f"{path}?source=news").headers["Cache-Control"]

    def test_a_stranger_is_403_and_a_used_code_409_at_the_field(self, client: FlaskClient):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        answer = send(client, room.event, room)
        assert (answer.status_code, "This event is by invitation" in text_of(answer)) == (403, True)
        answer = send(client, room.event, room, code="PARTNRES")
        told = "This code is not one of this event. Check it, or use the link in your invitation."
        assert (answer.status_code, f'<a href="#code">{told}</a>' in answer.text) == (403, True)
        code = make_code(room.event, uses_max=1)
        make_rsvp(room, code=code.code)
        answer = send(client, room.event, room, code=code.code)
        assert answer.status_code == 409
        assert 'href="#code"' in answer.text
        assert f'value="{code.code}"' in answer.text

    def test_who_is_invited_at_another_address_is_told_at_which(self, client: FlaskClient):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        invited = make_invitation(room.event, email="work@example.org")
        answer = send(client, room.event, room, email="private@example.org", invitation=invited.key)
        assert answer.status_code == 403
        told = "Your invitation is for work@example.org. Answer with that address."
        assert f'<a href="#email">{told}</a>' in answer.text
        assert (
            f'<p class="error" id="email-error"><span class="sr">Error: </span>{told}'
            in answer.text
        )
        assert 'value="private@example.org"' in answer.text
        assert 'href="#code"' not in answer.text

    @pytest.mark.parametrize("by", ["invitation", "code"])
    def test_who_cancelled_is_let_in_again_by_what_let_them_in(self, client: FlaskClient, by: str):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        invited, code = make_invitation(room.event), make_code(room.event)
        link = {"invitation": invited.key, "code": code.code}
        passed = {"invitation_key": invited.key} if by == "invitation" else {"code": code.code}
        rsvp = make_rsvp(room, email=invited.email, **passed)
        rsvps.cancel(rsvp_id=rsvp.id, now=rsvp.created_at)
        page = client.get(f"/rsvp/{rsvp.manage_key}").text
        assert f'href="/events/{room.event.slug}/rsvp?{by}={link[by]}">RSVP again</a>' in page

    def test_who_has_answered_sees_what_they_said(self, client: FlaskClient):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        invited = make_invitation(room.event, name="Ada")
        path = f"/events/{room.event.slug}/rsvp"
        form = client.get(f"{path}?invitation={invited.key}")
        assert "Will you join us, Ada?" in text_of(form)
        client.post(f"{path}/decline", data=hidden(form.text))
        page = text_of(client.get(f"{path}?invitation={invited.key}"))
        assert "You have said no. If you can come after all, send this form." in page
        assert "I cannot come" not in page
        make_rsvp(room, email=invited.email, invitation_key=invited.key)
        page = client.get(f"{path}?invitation={invited.key}")
        assert "You have said yes already" in text_of(page)
        assert "Will you join us" not in text_of(page)
        assert "I cannot come" in text_of(page)
        assert 'href="/find">Mail me my links</a>' in page.text

    @pytest.mark.parametrize("query", ["", "?invitation={key}"])
    def test_no_cache_keeps_the_link_of_who_is_invited_to_what_has_closed(
        self, app: Flask, client: FlaskClient, query: str
    ):
        room, _ = make_hybrid()
        path = f"/events/{room.event.slug}/rsvp" + query.format(key=make_invitation(room.event).key)
        app.config["NOW"] = lambda: room.event.ends_at
        answer = client.get(path)
        assert answer.status_code == 410
        assert ("public" in answer.headers["Cache-Control"]) is not bool(query)

    def test_no_is_said_with_one_press_and_only_with_the_key(self, app: Flask, client: FlaskClient):
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        invitation = make_invitation(room.event)
        path = f"/events/{room.event.slug}/rsvp"
        token = hidden(client.get(f"{path}?invitation={invitation.key}").text)
        answer = client.post(f"{path}/decline", data=token)
        assert "Thank you for telling us" in text_of(answer)
        assert client.post(f"{path}/decline", data=token | {"invitation": "x"}).status_code == 404
        app.config["NOW"] = lambda: room.event.ends_at
        assert client.post(f"{path}/decline", data=token).status_code == 410


class TestTheManagePage:
    def test_an_unknown_key_is_404_everywhere(self, client: FlaskClient):
        token = hidden(client.get("/find").text)
        for action in ("", "/edit", "/cancel", "/leave", "/calendar.ics"):
            assert client.get(f"/rsvp/nobody{action}").status_code == 404
        for action in ("verify", "switch", "watch", "leave", "resend", "cancel", "edit"):
            assert client.post(f"/rsvp/nobody/{action}", data=token).status_code == 404

    def test_reading_changes_nothing(self, client: FlaskClient):
        room, _ = make_hybrid(confirms_addresses=True)
        rsvp = make_rsvp(room)
        for action in ("verify", "watch", "resend"):
            assert client.get(f"/rsvp/{rsvp.manage_key}/{action}").status_code == 405
        client.get(f"/rsvp/{rsvp.manage_key}/cancel")
        db.session.rollback()
        assert db.session.get_one(Rsvp, rsvp.id).status is RsvpStatus.UNVERIFIED

    def test_an_address_confirms_itself_by_a_press_and_has_its_seat(self, client: FlaskClient):
        room, _ = make_hybrid(confirms_addresses=True)
        rsvp = make_rsvp(room, name="Amina")
        assert "Your seat is reserved" not in text_of(client.get(f"/rsvp/{rsvp.manage_key}"))
        page = press(client, rsvp, "verify")
        assert "Thank you." in page
        assert "Your seat is reserved, Amina" in page

    def test_the_life_of_an_rsvp_press_by_press(self, client: FlaskClient, now: datetime):
        room, stream = make_hybrid(capacity=1)
        seated = make_rsvp(room, name="Bo")
        rsvp = make_rsvp(room, name="Amina")
        page = client.get(f"/rsvp/{rsvp.manage_key}").text
        assert "You are first in the queue, Amina" in unescape(page)
        page = press(client, rsvp, "watch", option=stream.id)
        assert "Your link is ready, Amina" in page
        assert "You are next" in page
        page = press(client, rsvp, "leave")
        assert "You have left the waitlist." in page
        page = press(client, rsvp, "switch", option=room.id)
        assert "Every seat is taken." in page, "full meanwhile"
        press(client, rsvp, "switch", option=room.id, wait="y")
        press(client, seated, "cancel")
        assert "Your seat is reserved, Amina" in text_of(client.get(f"/rsvp/{rsvp.manage_key}"))
        assert "Your RSVP is cancelled, Bo" in text_of(client.get(f"/rsvp/{seated.manage_key}"))
        assert "This RSVP has ended." in press(client, seated, "resend")

    def test_who_was_given_a_seat_meanwhile_has_not_left_the_waitlist(self, client: FlaskClient):
        room, _stream = make_hybrid(capacity=1)
        seated, first = make_rsvp(room), make_rsvp(room)
        press(client, seated, "cancel")
        page = press(client, first, "leave")
        assert "You have left the waitlist." not in page
        assert "This RSVP is not on the waitlist any more." in page
        assert "Your seat is reserved" in page
        press(client, first, "cancel")
        assert "You have left the waitlist." in press(client, first, "leave"), "twice is once"

    def test_who_asked_to_wait_for_a_seat_that_became_free_is_told_that_it_is_theirs(
        self, client: FlaskClient
    ):
        room, stream = make_hybrid(capacity=1)
        seated, watcher = make_rsvp(room), make_rsvp(stream)
        press(client, seated, "cancel")
        page = press(client, watcher, "switch", option=room.id, wait="y")
        assert "Done." in page
        assert "You are on the waitlist" not in page
        assert "Your seat is reserved" in page

    def test_leaving_the_waitlist_asks_first_and_says_what_is_lost(self, client: FlaskClient):
        room, stream = make_hybrid(capacity=1)
        seated, first = make_rsvp(room), make_rsvp(room)
        second = make_rsvp(room, meanwhile_option_id=stream.id)
        page = client.get(f"/rsvp/{second.manage_key}")
        assert f'href="/rsvp/{second.manage_key}/leave"' in page.text
        page = text_of(client.get(f"/rsvp/{first.manage_key}/leave"))
        assert "You are first in the queue. If you leave, you lose this position" in page
        assert "This cancels your RSVP." in page
        page = text_of(client.get(f"/rsvp/{second.manage_key}/leave"))
        assert "You are second in the queue." in page
        assert "What you have stays as it is: Online." in page
        assert "cancelled" not in page
        db.session.rollback()
        assert db.session.get_one(Rsvp, first.id).status is RsvpStatus.WAITLISTED
        answer = client.get(f"/rsvp/{seated.manage_key}/leave")
        assert answer.location == f"/rsvp/{seated.manage_key}", "there is no queue to leave"

    def test_a_switch_asks_first_where_what_is_given_up_may_not_come_back(
        self, client: FlaskClient
    ):
        room, stream = make_hybrid(capacity=1)
        seated, waiting = make_rsvp(room), make_rsvp(room)
        for rsvp, words, told in (
            (waiting, "Watch online and leave the waitlist", "You are first in the queue. If you"),
            (seated, "Watch online instead", "In person: every place is taken. If you give yours"),
        ):
            path = f"/rsvp/{rsvp.manage_key}"
            page = client.get(path)
            assert f'href="{path}/switch?option={stream.id}">{words}</a>' in page.text
            asked = client.get(f"{path}/switch?option={stream.id}")
            assert told in text_of(asked)
            assert f'name="option" value="{stream.id}"' in asked.text
            for nothing in (0, room.id, "x"):
                answer = client.get(f"{path}/switch?option={nothing}")
                assert (answer.status_code, answer.location) == (303, path)
        db.session.rollback()
        assert db.session.get_one(Rsvp, waiting.id).status is RsvpStatus.WAITLISTED
        assert db.session.get_one(Rsvp, seated.id).option_id == room.id
        press(client, seated, "switch", option=stream.id)
        page = client.get(f"/rsvp/{seated.manage_key}").text
        assert "Wait for a seat" in page, "the seat went to who waited"

    def test_who_gives_up_the_last_seat_for_a_stream_is_asked_also_while_waiting_for_another_room(
        self, client: FlaskClient
    ):
        hall = make_option(label="Hall A", capacity=1)
        annex = make_option(hall.event, label="Annex", capacity=1)
        stream = make_option(hall.event, mode=AttendanceMode.VIRTUAL)
        make_rsvp(hall)
        rsvp = make_rsvp(annex)
        press(client, rsvp, "switch", option=hall.id, wait="y")
        page = text_of(client.get(f"/rsvp/{rsvp.manage_key}/switch?option={stream.id}"))
        assert "Annex: every place is taken. If you give yours back" in page
        assert "you lose this position" not in page
        press(client, rsvp, "switch", option=stream.id)
        assert "You are next" in text_of(client.get(f"/rsvp/{rsvp.manage_key}"))

    def test_what_must_be_answered_for_the_way_switched_to_is_asked(self, client: FlaskClient):
        room, stream = make_hybrid()
        lunch = make_question(
            room.event, label="What will you eat?", option_id=room.id, is_required=True
        )
        make_question(room.event, label="What else?", option_id=room.id)
        rsvp = make_rsvp(stream)
        path = f"/rsvp/{rsvp.manage_key}"
        assert "still open" not in client.get(path).text
        page = press(client, rsvp, "switch", option=room.id)
        assert "A question is still open What will you eat? Answer now" in page
        token = hidden(client.get(f"{path}/edit").text)
        typed = {"name": rsvp.name, f"question_{lunch.id}": "Soup"}
        answer = client.post(f"{path}/edit", data=token | typed)
        assert "still open" not in client.get(answer.location).text

    def test_a_switch_that_can_be_taken_back_is_one_press(self, client: FlaskClient):
        room, stream = make_hybrid(capacity=5)
        rsvp = make_rsvp(room)
        path = f"/rsvp/{rsvp.manage_key}"
        assert f'action="{path}/switch"' in client.get(path).text
        assert client.get(f"{path}/switch?option={stream.id}").location == path

    def test_the_mail_is_sent_again_only_so_often(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
        room, _ = make_hybrid()
        rsvp = make_rsvp(room)
        for _ in range(4):
            assert "The mail is on its way" in press(client, rsvp, "resend")
        assert "We have sent it several times today" in press(client, rsvp, "resend")

    def test_a_guest_more_than_there_is_room_for_keeps_what_was_typed(self, client: FlaskClient):
        room, _ = make_hybrid(capacity=1, guests_max=1)
        rsvp = make_rsvp(room, name="Amina")
        path = f"/rsvp/{rsvp.manage_key}/edit"
        token = hidden(client.get(path).text)
        answer = client.post(path, data=token | {"name": "Amina", "guest_1": "A guest"})
        assert answer.status_code == 422
        assert 'value="A guest"' in answer.text

    def test_guests_who_were_allowed_once_stay_until_they_are_taken_off(self, client: FlaskClient):
        room, _ = make_hybrid(guests_max=2)
        rsvp = make_rsvp(room, name="Amina", guests=["B", "C"])
        room.event.guests_max = 0
        save(room.event)
        path = f"/rsvp/{rsvp.manage_key}/edit"
        page = client.get(path).text
        assert "up to 0" not in page
        sent = hidden(page) | {"name": "Amina", "guest_1": "B", "guest_2": "C"}
        assert client.post(path, data=sent | {"job_title": "Director"}).status_code == 303
        db.session.expire_all()
        assert [person.name for person in attendees(rsvp)] == ["Amina", "B", "C"]
        sent |= hidden(client.get(path).text)
        assert client.post(path, data=sent | {"guest_1": ""}).status_code == 303
        db.session.expire_all()
        assert [person.name for person in attendees(rsvp)] == ["Amina", "C"]

    def test_a_page_that_was_overtaken_takes_nothing_away_unasked(self, client: FlaskClient):
        room, _ = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room, name="Amina")
        path = f"/rsvp/{rsvp.manage_key}/edit"
        older = hidden(client.get(path).text) | {"name": "Amina", "job_title": "Director"}
        older |= {"guest_1": ""}
        newer = hidden(client.get(path).text) | {"name": "Amina", "guest_1": "Ben"}
        assert client.post(path, data=newer).status_code == 303
        assert client.post(path, data=newer).status_code == 303  # pressed twice
        wrong = client.post(path, data=older | {"name": ""})
        assert wrong.status_code == 422
        answer = client.post(path, data=older | hidden(wrong.text))
        assert answer.status_code == 409
        assert "changed since you opened this page" in text_of(answer)
        assert 'value="Director"' in answer.text
        assert [person.name for person in attendees(rsvp)] == ["Amina", "Ben"]
        # Told of it, who sends it once more means it.
        assert client.post(path, data=older | hidden(answer.text)).status_code == 303
        db.session.expire_all()
        assert [person.name for person in attendees(rsvp)] == ["Amina"]

    def test_who_is_to_be_approved_reads_what_they_asked_for_and_what_comes(
        self, client: FlaskClient
    ):
        room = make_option(make_event(guests_max=1), needs_approval=True, label="Main hall")
        rsvp = make_rsvp(room, name="Amina", guests=["Ben"])
        page = text_of(client.get(f"/rsvp/{rsvp.manage_key}"))
        assert "Main hall" in page
        assert "For Amina Ben" in page
        assert "A yes brings the ticket and the calendar invitation." in page

    def test_who_presses_for_the_link_twice_is_told_nothing_else(self, client: FlaskClient):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(room, accepts_waiting=True)
        for _press in range(2):
            said = press(client, rsvp, "watch", option=stream.id)
            assert "Your link is ready. You keep your position in the queue." in said
        assert "not on the waitlist any more" not in said

    @pytest.mark.parametrize(
        ("state", "said", "unsaid"),
        [
            ("room", ["the entry leaves your calendar", "while there is room"], ["waitlist"]),
            ("meanwhile", ["the entry leaves your calendar", "leave the waitlist"], []),
            ("pending", ["while there is room"], ["your place", "calendar", "waitlist"]),
        ],
    )
    def test_what_a_cancellation_costs_is_said_before(
        self, client: FlaskClient, state: str, said: list[str], unsaid: list[str]
    ):
        rsvp = rsvp_in(state)
        page = text_of(client.get(f"/rsvp/{rsvp.manage_key}/cancel"))
        page = page[page.index("Cancel your RSVP?") :]
        for words in said:
            assert words in page
        for words in unsaid:
            assert words not in page
        rsvp.event.registration_closes_at = now()
        save(rsvp.event)
        assert "while there is room" not in client.get(f"/rsvp/{rsvp.manage_key}/cancel").text

    @pytest.mark.parametrize("state", ["waiting", "pending", "not held", "room", "meanwhile"])
    def test_only_who_had_a_place_of_few_is_told_that_others_can_have_it(
        self, client: FlaskClient, state: str
    ):
        rsvp, gives = rsvp_in(state), state == "room"
        page = press(client, rsvp, "cancel")
        assert ("Somebody else can have your place now." in page) is gives
        assert "You can send a new RSVP while there is room." in page
        rows = select(OutboxMail).filter_by(rsvp_id=rsvp.id, kind=MailKind.CANCELLED)
        body = rendering.render(db.session.scalars(rows).one(), now=now()).body
        assert ("somebody else can have your place now." in " ".join(body.split())) is gives
        assert "Thank you for telling us" in body
        rsvp.event.registration_closes_at = now()
        save(rsvp.event)
        page = text_of(client.get(f"/rsvp/{rsvp.manage_key}"))
        assert ("Somebody else can have your place now." in page) is gives
        assert "RSVPs are closed." in page

    def test_the_room_is_not_said_to_open_when_it_is_open(self, app: Flask, client: FlaskClient):
        _, stream = make_hybrid()
        rsvp = make_rsvp(stream)
        path, opens_at = f"/rsvp/{rsvp.manage_key}", rsvp.event.lobby_opens_at
        page = text_of(client.get(path))
        assert "Your room opens at 9:45 a.m. EST" in page
        assert "Open your link from 9:45 a.m. EST A countdown shows until the start." in page
        app.config["NOW"] = lambda: opens_at
        page = text_of(client.get(path))
        assert "Your room is open." in page
        assert "Your room opens" not in page
        assert "until the day" not in page
        assert "Open your link from" not in page
        assert "Press Enter" in page

    @pytest.mark.parametrize(
        ("minutes", "said"),
        [
            (0, "Your room opens at 10:00 a.m. EST ."),
            (1, "Your room opens at 9:59 a.m. EST , 1 minute before the start."),
            (1440, "Your room opens at 10:00 a.m. EST on 5 December ."),
        ],
    )
    def test_the_room_that_opens_at_the_start_or_the_day_before_says_when(
        self, client: FlaskClient, minutes: int, said: str
    ):
        _, stream = make_hybrid(lobby_opens_minutes=minutes)
        assert said in text_of(client.get(f"/rsvp/{make_rsvp(stream).manage_key}"))

    @pytest.mark.parametrize("mode", list(AttendanceMode))
    def test_another_room_or_stream_is_called_by_its_name(
        self, client: FlaskClient, mode: AttendanceMode
    ):
        event = make_event()
        here = make_option(event, label="Main hall", mode=mode)
        make_option(event, label="Overflow room", mode=mode)
        page = text_of(client.get(f"/rsvp/{make_rsvp(here).manage_key}"))
        assert "Attend this way instead: Overflow room" in page

    def test_who_waits_for_a_stream_is_promised_a_link_and_no_ticket(self, client: FlaskClient):
        stream = make_option(mode=AttendanceMode.VIRTUAL, capacity=1)
        make_rsvp(stream)
        page = text_of(client.get(f"/rsvp/{make_rsvp(stream).manage_key}"))
        assert "We mail you your link and the calendar invitation." in page
        assert "ticket" not in page

    def test_who_has_a_seat_reads_the_way_there_and_finds_the_programme(self, client: FlaskClient):
        room, stream = make_hybrid(
            venue_directions="Bring **photo identification**.",
            venue_access="The entrance is step-free.\nHearing loop",
            venue_map_url="https://maps.example.org/house",
        )
        for option in (room, stream):
            page = client.get(f"/rsvp/{make_rsvp(option).manage_key}").text
            assert f'href="/events/{room.event.slug}">The event’s page</a>' in page
            for told in ("<strong>photo identification</strong>", "step-free", "Open in maps"):
                assert (told in page) is not option.is_virtual

    def test_an_event_without_a_venue_has_no_empty_place(self, client: FlaskClient):
        room = make_option(make_event(venue_name="", venue_address=""), capacity=5)
        ticket = text_of(client.get(f"/rsvp/{make_rsvp(room).manage_key}"))
        assert "When" in ticket
        assert "Where" not in ticket
        form = text_of(client.get(f"/events/{room.event.slug}/rsvp"))
        assert "In person 4 of 5 seats left" in form

    def test_the_form_counts_no_seats_where_there_are_none_yet(self, client: FlaskClient):
        room = make_option(capacity=0)
        page = text_of(client.get(f"/events/{room.event.slug}/rsvp"))
        assert "Join the waitlist." in page
        assert "0 of 0" not in page

    def test_the_form_of_a_room_that_is_open_does_not_say_when_it_opens(
        self, app: Flask, client: FlaskClient
    ):
        _, stream = make_hybrid()
        page = f"/events/{stream.event.slug}/rsvp"
        assert "a personal link that opens at 9:45 a.m. EST" in text_of(client.get(page))
        app.config["NOW"] = lambda: stream.event.starts_at
        assert "Live stream. You get a personal link." in text_of(client.get(page))

    @pytest.mark.parametrize("page", ["edit", "cancel"])
    def test_nothing_is_asked_that_would_be_refused(
        self, app: Flask, client: FlaskClient, page: str
    ):
        room, _ = make_hybrid()
        rsvp = make_rsvp(room)
        path, over = f"/rsvp/{rsvp.manage_key}", rsvp.event.ends_at
        assert client.get(f"{path}/{page}").status_code == 200
        app.config["NOW"] = lambda: over
        assert client.get(f"{path}/{page}").location == path

    def test_a_ticket_that_admits_nobody_any_more_says_so(self, client: FlaskClient, app: Flask):
        room, stream = make_hybrid()
        event, rsvp, moved = room.event, make_rsvp(room), make_rsvp(room)
        tickets = [f"/t/{attendees(one)[0].ticket_code}" for one in (rsvp, moved)]
        assert "Show this ticket at the door." in client.get(tickets[1]).text
        rsvps.switch(rsvp_id=moved.id, option_id=stream.id, now=NOW)
        assert "This ticket is not valid any more." in client.get(tickets[1]).text
        staff = make_staff()
        lifecycle.cancel(event_id=event.id, reason="The hall burnt.", staff_id=staff.id, now=NOW)
        for ticket in tickets:
            page = text_of(client.get(ticket))
            assert "This event has been cancelled. The hall burnt." in page
            assert "at the door" not in page
        for file in ("tickets.pdf", "calendar.ics"):
            path = f"/rsvp/{rsvp.manage_key}"
            assert client.get(f"{path}/{file}").location == path

    def test_a_file_of_an_rsvp_that_has_ended_leads_to_where_it_says_so(self, client: FlaskClient):
        """Reminders carry a link to the entry, and people open old mails."""
        room, _ = make_hybrid()
        rsvp = make_rsvp(room, name="Amina Diallo")
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        for file in ("tickets.pdf", "calendar.ics"):
            answer = client.get(f"/rsvp/{rsvp.manage_key}/{file}", follow_redirects=True)
            assert "Your RSVP is cancelled, Amina" in answer.text

    def test_the_ticket_of_an_event_that_is_over_says_so(self, client: FlaskClient, app: Flask):
        room, _ = make_hybrid()
        ticket, over = attendees(make_rsvp(room))[0].ticket_code, room.event.ends_at
        app.config["NOW"] = lambda: over
        assert "This event has ended." in client.get(f"/t/{ticket}").text

    def test_each_ticket_of_a_party_has_a_heading_of_its_own(self, client: FlaskClient):
        room, _ = make_hybrid(guests_max=1)
        party, alone = make_rsvp(room, name="Amina", guests=["Bo"]), make_rsvp(room)
        page = client.get(f"/rsvp/{party.manage_key}").text
        for name in ("Amina", "Bo"):
            assert f'<span class="sr"> – {name}</span></h2>' in page
        assert "Show these codes" in page
        page = client.get(f"/rsvp/{alone.manage_key}").text
        assert "</bdi></h2>" in page
        assert "Show this code" in page

    def test_two_tickets_are_not_called_this_ticket(
        self, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
        room, _ = make_hybrid(guests_max=1)
        party, alone = make_rsvp(room, guests=["B"]), make_rsvp(room)
        assert "We sent these tickets to" in client.get(f"/rsvp/{party.manage_key}").text
        assert "We sent this ticket to" in client.get(f"/rsvp/{alone.manage_key}").text

    def test_nothing_was_sent_where_no_mail_can_be(self, client: FlaskClient):
        room, online = make_hybrid()
        for rsvp in (make_rsvp(room), make_rsvp(online)):
            page = client.get(f"/rsvp/{rsvp.manage_key}").text
            assert "Keep the address of this page." in page
            assert "We sent" not in page

    def test_who_will_be_led_to_a_meeting_is_not_promised_a_player(self, client: FlaskClient):
        _, online = make_hybrid()
        path = f"/rsvp/{make_rsvp(online).manage_key}"
        assert "The player appears on the same page." in client.get(path).text
        meeting = "https://zoom.us/j/123"
        streams.add(event_id=online.event_id, url=meeting, label="", staff_id=None, now=NOW)
        page = client.get(path).text
        assert "It leads on to the meeting." in page
        assert "no software to install" not in page

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("room", "Your seat is reserved, Amina"),
            ("party", "Your seats are reserved, Amina"),
            ("online", "Your link is ready, Amina"),
            ("waiting", "You are first in the queue, Amina"),
            ("waiting by hand", "The organisers give the seats that become free"),
            ("queue closed", "The queue has closed"),
            ("meanwhile", "You are next"),
            ("held", "We hold your seat until"),
            ("not held", "Press the button and your RSVP counts."),
            ("pending", "Waiting for approval"),
            ("rejected", "We could not offer you a place, Amina"),
            ("declined", "You said no, Amina"),
            ("cancelled", "Your RSVP is cancelled, Amina"),
            ("past", "This event has ended"),
            ("event cancelled", "This event has been cancelled"),
            ("draft", "The organisers are changing this event"),
        ],
    )
    def test_every_state_has_its_page(
        self, app: Flask, client: FlaskClient, state: str, words: str
    ):
        rsvp = rsvp_in(state)
        if state in ("past", "queue closed"):
            moment = rsvp.event.ends_at if state == "past" else rsvp.event.starts_at
            app.config["NOW"] = lambda: moment
        answer = client.get(f"/rsvp/{rsvp.manage_key}")
        assert answer.status_code == 200
        assert words in text_of(answer)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "private, no-store"

    def test_a_page_that_ended_leads_to_a_new_rsvp_with_a_new_uid(self, client: FlaskClient):
        room, _ = make_hybrid()
        rsvp = make_rsvp(room, email="amina@example.org")
        assert "RSVP again" in press(client, rsvp, "cancel")
        assert client.get(f"/rsvp/{rsvp.manage_key}/cancel").status_code == 303
        assert send(client, room.event, room).status_code == 303
        assert len(set(db.session.scalars(select(Rsvp.ical_uid)))) == 2


def rsvp_in(state: str) -> Rsvp:
    """Amina's RSVP, in that state of its manage page."""
    about = {"name": "Amina Okonkwo-Bell", "email": "amina@example.org"}
    if state in ("held", "not held"):
        room, _ = make_hybrid(capacity=int(state == "held"), confirms_addresses=True)
        return make_rsvp(room, **about)
    if state in ("pending", "rejected"):
        rsvp = make_rsvp(make_option(needs_approval=True), **about)
        if state == "rejected":
            approvals.reject(rsvp_ids=[rsvp.id], staff_id=None, now=rsvp.created_at)
        return rsvp
    if state == "declined":
        event = make_event()
        rsvp = make_rsvp(make_option(event), **about)
        rsvp.status, rsvp.seats_held, rsvp.option.seats_taken = RsvpStatus.DECLINED, 0, 0
        return save(rsvp)
    room, stream = make_hybrid(
        capacity=1 if state in ("waiting", "waiting by hand", "queue closed", "meanwhile") else 5,
        guests_max=1,
        promotes_automatically=state != "waiting by hand",
    )
    if room.capacity == 1:
        make_rsvp(room)
    rsvp = make_rsvp(
        stream if state == "online" else room,
        guests=["A guest"] if state == "party" else [],
        meanwhile_option_id=stream.id if state == "meanwhile" else None,
        **about,
    )
    if state == "cancelled":
        rsvps.cancel(rsvp_id=rsvp.id, now=rsvp.created_at)
    if state in ("event cancelled", "draft"):
        new = EventStatus.DRAFT if state == "draft" else EventStatus.CANCELLED
        rsvp.event.status = new
        save(rsvp.event)
    return rsvp


class TestOwnData:
    def test_is_all_that_was_said_and_no_key(self, client: FlaskClient):
        room, _ = make_hybrid(guests_max=1)
        question = make_question(room.event, label="Which team?")
        rsvp = make_rsvp(
            room,
            name="Amina Okonkwo-Bell",
            access_note="A seat near the door",
            guests=["A guest"],
            answers={question.id: {"text": "Research"}},
        )
        answer = client.get(f"/rsvp/{rsvp.manage_key}/data.json")
        assert answer.content_type == "application/json"
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "private, no-store"
        told = answer.json
        assert told["rsvp"]["access_note"] == "A seat near the door"
        assert [person["name"] for person in told["people"]] == ["Amina Okonkwo-Bell", "A guest"]
        assert told["answers"] == [{"question": "Which team?", "answer": "Research"}]
        assert [mail["kind"] for mail in told["mails"]] == ["confirmed"]
        assert rsvp.manage_key not in answer.text
        assert rsvp.join_key not in answer.text

    def test_tells_of_the_invitation_used_or_not(self, client: FlaskClient):
        room = make_option()
        for email, used in (("used@example.org", True), ("unused@example.org", False)):
            invitation = invitations.invite(
                event_id=room.event_id, email=email, name="Amina Bell", staff_id=None, now=NOW
            )
            rsvp = make_rsvp(room, email=email, invitation_key=invitation.key if used else "")
            answer = client.get(f"/rsvp/{rsvp.manage_key}/data.json")
            [told] = answer.json["invitations"]
            assert (told["name"], told["email"]) == ("Amina Bell", email)
            assert told["status"] == ("accepted" if used else "open")
            assert [mail["kind"] for mail in told["mails"]] == ["invitation"]
            assert invitation.key not in answer.text

    def test_tells_of_what_an_erasure_takes_along(self, client: FlaskClient):
        room = make_option()
        first = make_rsvp(room, email="amina@example.org", organisation="Then")
        rsvps.cancel(rsvp_id=first.id, now=NOW)
        second = make_rsvp(room, email="amina@example.org", organisation="Now")
        make_rsvp(room, email="other@example.org", organisation="Another")
        answer = client.get(f"/rsvp/{second.manage_key}/data.json")
        assert answer.json["rsvp"]["organisation"] == "Now"
        [other] = answer.json["other_rsvps"]
        assert (other["rsvp"]["organisation"], other["rsvp"]["status"]) == ("Then", "cancelled")
        assert [mail["kind"] for mail in other["mails"]] == ["confirmed", "cancelled"]
        assert first.manage_key not in answer.text

    def test_tells_of_what_is_kept_of_the_address_beside_any_rsvp(self, client: FlaskClient):
        rsvp = make_rsvp(make_option(), email="amina@example.org")
        make_rsvp(rsvp.option, email="other@example.org")
        path = f"/rsvp/{rsvp.manage_key}/data.json"
        told = client.get(path).json
        assert (told["mails_with_links"], told["wants_no_messages"]) == ([], False)
        for email in ("amina@example.org", "other@example.org"):
            links.send(email=email, now=NOW)
        subscriptions.unsubscribe(
            email="amina@example.org", event_id=rsvp.event_id, everything=True, now=NOW
        )
        told = client.get(path).json
        assert [mail["to"] for mail in told["mails_with_links"]] == ["amina@example.org"]
        assert told["wants_no_messages"] is True

    def test_is_nobody_elses(self, client: FlaskClient):
        rsvp = make_rsvp(make_option())
        assert client.get(f"/rsvp/{rsvp.join_key}/data.json").status_code == 404


def test_the_summary_is_in_the_order_of_the_page_and_names_the_question(client: FlaskClient):
    room, _ = make_hybrid(slug="wrong")
    make_question(room.event, label="Which team?", is_required=True)
    token = hidden(client.get("/events/wrong/rsvp").text)
    page = client.post("/events/wrong/rsvp", data=token | {"email": "amina@"}).text
    summary = page.partition('class="problem"')[2].partition("</div>")[0]
    targets = re.findall(r'<a href="#([\w-]+)">', summary)
    assert [target.rstrip("0123456789") for target in targets] == [
        "attend-", "name", "email", "question_", "consent"
    ]  # fmt: skip
    assert "Answer “Which team?”" in summary
    places = [page.index(f' id="{link}"') for link in targets]
    assert places == sorted(places)


def test_a_question_from_the_right_reads_from_there_whatever_the_page_does(client: FlaskClient):
    room, _ = make_hybrid()
    words = "מה השאלה שלך?"
    make_question(room.event, label=words)
    make_question(room.event, kind=QuestionKind.ONE_OF, label="Which?", choices=[words])
    page = client.get(f"/events/{room.event.slug}/rsvp").text
    assert f"<bdi>{words}</bdi>" in page
    assert f'<span dir="auto">{words}</span>' in page
    assert re.search(r'<input[^>]* id="name"[^>]* dir="auto"', page)
    assert not re.search(r'<input[^>]* id="email"[^>]* dir="auto"', page)


def test_the_picture_of_a_code_is_not_read_out_beside_its_letters(client: FlaskClient):
    rsvp = make_rsvp(make_hybrid()[0])
    page = client.get(f"/rsvp/{rsvp.manage_key}").text
    assert re.search(r'<svg viewBox="0 0 \d+ \d+" aria-hidden="true"><path', page)
