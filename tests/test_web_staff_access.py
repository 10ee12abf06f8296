"""Who may open which of the staff's rooms: every address of the URL map, every role."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy import select
from werkzeug.routing import Rule

from registration import speakers, streams
from registration.database import db
from registration.models import Attendee, Event, MailKind, OutboxMail, StaffRole
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_rsvp, make_speaker, make_staff
from tests.furnished import furnish
from tests.signing_in import PASSWORD, SITE, post, send, sign_in
from tests.test_every_address import rows

#: What admins alone may do, and what the door may do too.
ADMINS_ALONE = ("staff_log.", "staff_accounts.")
THE_DOORS_TOO = ("staff_door.", "staff_printing.", "staff_events.index", "staff_account.")


def rules(app: Flask) -> list[Rule]:
    """The staff's addresses; those of sign-in are Flask-Security's own."""
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("staff_")]


@pytest.fixture
def filled(app: Flask) -> dict[str, object]:
    """Something to be shown or changed at each address: all of one event."""
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room)
    speaker = make_speaker(room.event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    mail = db.session.query(OutboxMail).filter_by(kind=MailKind.CONFIRMED).one()
    other = make_staff(StaffRole.ORGANISER)
    return {
        "slug": room.event.slug,
        "rsvp_id": rsvp.id,
        "speaker_id": speaker.id,
        "mail_id": mail.id,
        "account_id": other.id,
        "format": "csv",
        "cid": "x",
    }


def addresses(
    app: Flask, filled: dict[str, object], *, of_event: bool = False
) -> list[tuple[str, str, str]]:
    """Method, address and endpoint of everything in the staff's rooms; or of the event's alone."""
    found = []
    with app.test_request_context():
        for rule in rules(app):
            if of_event and not {"slug", "mail_id"} & rule.arguments:
                continue
            values = {name: filled.get(name, 1) for name in rule.arguments}
            url = app.url_map.bind("events.example.org").build(rule.endpoint, values)
            found += [(method, url, rule.endpoint) for method in rule.methods & {"GET", "POST"}]
    return found


@pytest.fixture
def unguarded(app: Flask) -> Flask:
    """The application without its check of tokens, so that what answers is the check of roles."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    app.config["WTF_CSRF_ENABLED"] = True


def test_a_stranger_is_sent_to_sign_in_wherever_they_knock(
    unguarded: Flask, filled: dict[str, object]
) -> None:
    every = addresses(unguarded, filled)
    assert len(every) > 25
    for method, url, endpoint in every:
        answer = unguarded.test_client().open(url, method=method)
        assert answer.status_code == 303, (method, endpoint)
        assert answer.location.startswith("/staff/sign-in?next="), (method, endpoint)


def test_a_button_pressed_after_the_session_leads_back_to_its_page_and_says_so(
    app: Flask, filled: dict[str, object], client: FlaskClient
) -> None:
    page = f"/staff/events/{filled['slug']}/attendees?q=bell"
    path = f"/staff/events/{filled['slug']}/attendees/many/"
    answer = post(client, path, headers={"Referer": f"{SITE}{page}"}, do="check_in")
    asked = parse_qs(urlsplit(answer.location).query)
    assert asked["next"] == [page]
    assert "so this was not done" in client.get(answer.location).text
    make_staff(email="ada@example.org", password=hash_password(PASSWORD))
    entered = send(client, answer.location, email="ada@example.org", password=PASSWORD, **asked)
    assert entered.location == page
    by_script = {"Referer": "https://evil.example/staff/", "Sec-Fetch-Mode": "cors"}
    client = app.test_client()
    answer = post(client, path, headers=by_script)
    assert answer.location == "/staff/sign-in?next=/staff/"
    assert "so this was not done" not in client.get(answer.location).text


@pytest.mark.parametrize("role", [StaffRole.ORGANISER, StaffRole.DOOR])
def test_nobody_reaches_an_event_that_is_not_theirs(
    unguarded: Flask, filled: dict[str, object], role: StaffRole
) -> None:
    client = sign_in(unguarded.test_client(), make_staff(role, make_event()))
    for method, url, endpoint in addresses(unguarded, filled, of_event=True):
        answer = client.open(url, method=method)
        assert answer.status_code in (403, 404), (method, endpoint)


#: Parts of addresses that name a row of one event.
OF_ONE_EVENT = {"rsvp_id", "speaker_id", "mailing_id", "import_id", "source_id"}


def test_ones_own_event_is_no_way_to_what_belongs_to_another(unguarded: Flask) -> None:
    """Neither by the address nor, at the door and in bulk, by what is sent."""
    own = make_event(slug="own")
    account = make_staff(StaffRole.ORGANISER, own)
    house = furnish(account)[""]
    event = db.session.scalars(select(Event).where(Event.slug == house["slug"])).one()
    by = {"event_id": event.id, "staff_id": account.id, "now": NOW}
    house["source_id"] = streams.add(url="https://meet.example.org/a", label="", **by).id
    others = db.session.scalars(select(Attendee.id)).all()
    client = sign_in(unguarded.test_client(), account)
    assert client.get("/staff/events/own/").status_code == 200
    before, seen = rows(), set()
    for rule in rules(unguarded):
        if not ("slug" in rule.arguments and OF_ONE_EVENT & rule.arguments):
            continue
        values = {name: house.get(name, "undo") for name in rule.arguments} | {"slug": "own"}
        url = unguarded.url_map.bind("events.example.org").build(rule.endpoint, values)
        for method in rule.methods & {"GET", "POST"}:
            for do in ("drop", "go", "remove", "switch", "change", "cancel", "invite"):
                sent = {"do": do, "sure": "y", "url": "https://meet.example.org/b"}
                answer = client.open(url, method=method, data=sent if method == "POST" else None)
                # What is no action there is refused as such.
                assert answer.status_code in (400, 404), (method, rule.endpoint, do)
        seen |= OF_ONE_EVENT & rule.arguments
    assert seen == OF_ONE_EVENT
    for attendee_id in others:
        for way in ("", "/seat", "/undo"):
            sent = {"attendee": attendee_id, "beyond": "y", "again": "y", "scan": "y"}
            assert client.post(f"/staff/events/own/door{way}", data=sent).status_code in (200, 404)
    for do in ("approve", "reject", "promote", "check_in", "cancel"):
        sent = {"do": do, "sure": "y", "id": house["rsvp_id"]}
        assert client.post("/staff/events/own/attendees/many/", data=sent).status_code == 303
    after = rows()
    # The door notes in its own log that a ticket of another event was shown.
    del before["audit_entries"], after["audit_entries"]
    assert after == before


def test_the_door_reaches_the_door_and_nothing_else(
    unguarded: Flask, filled: dict[str, object]
) -> None:
    event = db.session.get(OutboxMail, filled["mail_id"]).event
    client = sign_in(unguarded.test_client(), make_staff(StaffRole.DOOR, event))
    for method, url, endpoint in addresses(unguarded, filled):
        answer = client.open(url, method=method)
        if endpoint.startswith(THE_DOORS_TOO):
            assert answer.status_code != 403, (method, endpoint)
        else:
            assert answer.status_code == 403, (method, endpoint)


def test_an_organiser_reaches_their_event_and_no_admins_room(
    unguarded: Flask, filled: dict[str, object]
) -> None:
    event = db.session.get(OutboxMail, filled["mail_id"]).event
    client = sign_in(unguarded.test_client(), make_staff(StaffRole.ORGANISER, event))
    for method, url, endpoint in addresses(unguarded, filled):
        is_admins = endpoint.startswith(ADMINS_ALONE)
        if method == "GET" or is_admins:
            answer = client.open(url, method=method)
            assert (answer.status_code == 403) is is_admins, (method, endpoint)
            assert answer.status_code < 500, (method, endpoint)


def test_an_admin_opens_every_page(unguarded: Flask, filled: dict[str, object]) -> None:
    client = sign_in(unguarded.test_client(), make_staff())
    for method, url, endpoint in addresses(unguarded, filled):
        if method == "GET":
            assert client.get(url).status_code in (200, 302, 303, 404), (method, endpoint)


def test_an_account_that_was_closed_is_a_stranger(client, app: Flask) -> None:
    account = make_staff()
    sign_in(client, account)
    assert client.get("/staff/").status_code == 200
    account.active = False
    db.session.commit()
    assert client.get("/staff/").status_code == 303


def test_no_token_in_a_header_or_an_address_signs_anybody_in(client, app: Flask) -> None:
    token = make_staff().get_auth_token()
    carried = client.get("/staff/", headers={"Authentication-Token": token})
    assert carried.status_code == 303
    assert client.get("/staff/", query_string={"auth_token": token}).status_code == 303


def test_who_was_taken_off_an_event_reads_that_it_may_be_theirs_no_more(
    app: Flask, client: FlaskClient
) -> None:
    door = sign_in(client, make_staff(StaffRole.DOOR))
    page = door.get(f"/staff/events/{make_event().slug}/door")
    assert page.status_code == 404
    assert "the event may not be one of yours any more" in page.text
