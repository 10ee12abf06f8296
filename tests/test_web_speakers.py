"""A speaker's own page in every state, and the speakers' tab of the staff."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from registration import speakers, speaking, wording
from registration.database import db
from registration.models import (
    AgendaItem,
    AttendanceMode,
    Event,
    EventStatus,
    Speaker,
    SpeakerStatus,
    StaffRole,
)
from tests.conftest import NOW
from tests.factories import make_event, make_speaker, make_staff, save
from tests.forms import form_of, forms_of
from tests.signing_in import post, sign_in


@pytest.fixture
def speaker(app: Flask) -> Speaker:
    return make_speaker(make_event(), name="Amina Okonkwo-Bell")


@pytest.fixture
def desk(app: Flask, client: FlaskClient, speaker: Speaker) -> FlaskClient:
    """A browser of an organiser of the event."""
    event = db.session.get_one(Event, speaker.event_id)
    return sign_in(client, make_staff(StaffRole.ORGANISER, event))


def photo() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (900, 1100), "teal").save(file, "JPEG")
    file.seek(0)
    return file


def fields(**changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "name": "Amina Okonkwo-Bell",
        "role": "speaker",
        "title": "Director",
        "affiliation": "The Institute",
        "bio": "",
        "email": "amina@example.org",
        "language": "en",
        "mode": "in_person",
        "call_at": "",
        "slot_starts_at": "",
        "slot_ends_at": "",
        "answer_by": "",
        "room": "",
        "green_room_url": "",
    }
    return plain | changes


def test_the_page_shows_the_venue_to_those_who_go_there(
    client: FlaskClient, speaker: Speaker
) -> None:
    path = f"/speaker/{speaker.key}"
    assert "1 Example Street" in client.get(path).text
    speaker.mode = AttendanceMode.VIRTUAL
    db.session.commit()
    assert "1 Example Street" not in client.get(path).text


@pytest.mark.parametrize(
    ("call", "part", "beside"),
    [(True, True, "Call time"), (False, True, "Your part"), (False, False, "Your part")],
)
def test_their_room_is_said_with_the_first_of_their_times(
    client: FlaskClient, speaker: Speaker, call: bool, part: bool, beside: str
) -> None:
    begins = speaker.event.starts_at
    speaker.room = "The map room"
    speaker.call_at = begins - timedelta(minutes=20) if call else None
    if part:
        speaker.slot_starts_at, speaker.slot_ends_at = begins, begins + timedelta(minutes=30)
    db.session.commit()
    page = client.get(f"/speaker/{speaker.key}").text
    lines = re.findall(r"<strong>([^<]+)</strong><p><bdi>([^<]*)</bdi></p>", page)
    assert [title for title, note in lines if "The map room" in note] == [beside]


@pytest.mark.parametrize(
    ("state", "said", "answers"),
    [
        ("not_invited", "Event", []),
        ("invited", "will you join us?", ["yes", "no"]),
        ("confirmed", "Thank you, Amina Okonkwo-Bell", ["no"]),
        ("declined", "You cannot join us", ["yes"]),
        ("withdrawn", "has been taken back", []),
        ("cancelled event", "This event has been cancelled.", []),
        ("past", "This event has ended.", []),
    ],
)
def test_the_page_says_where_it_stands(
    client: FlaskClient, speaker: Speaker, state: str, said: str, answers: list[str]
) -> None:
    if state != "not_invited":
        speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    if state in ("confirmed", "declined"):
        speaking.answer(speaker_id=speaker.id, will_speak=state == "confirmed", now=NOW)
    if state == "withdrawn":
        speakers.withdraw(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    event = db.session.get_one(Event, speaker.event_id)
    if state == "cancelled event":
        event.status = EventStatus.CANCELLED
        db.session.commit()
    if state == "past":
        ends_at = event.ends_at
        client.application.config["NOW"] = lambda: ends_at + timedelta(hours=1)
    page = client.get(f"/speaker/{speaker.key}")
    assert page.status_code == 200
    assert said in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    offered = [choice for choice in ("yes", "no") if f'value="{choice}"' in page.text]
    assert offered == answers
    assert ("How we introduce you" in page.text) == (state not in ("declined", "withdrawn"))


@pytest.mark.parametrize("will_speak", [True, False])
def test_only_who_was_to_speak_is_thanked_afterwards(
    client: FlaskClient, speaker: Speaker, will_speak: bool
) -> None:
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    speaking.answer(speaker_id=speaker.id, will_speak=will_speak, now=NOW)
    ends_at = db.session.get_one(Event, speaker.event_id).ends_at
    client.application.config["NOW"] = lambda: ends_at + timedelta(hours=1)
    page = client.get(f"/speaker/{speaker.key}").text
    assert "This event has ended." in page
    assert ("Thank you for your part in it." in page) is will_speak


def test_a_key_that_was_made_up_opens_nothing(client: FlaskClient, speaker: Speaker) -> None:
    for path in ("", "/answer", "/profile"):
        call = client.get if not path else lambda url: post(client, url, answer="yes")
        assert call(f"/speaker/made-up{path}").status_code == 404


def test_whoever_is_further_down_the_programme_has_a_page_too(
    client: FlaskClient, speaker: Speaker
) -> None:
    event = db.session.get_one(Event, speaker.event_id)
    second = make_speaker(event, title="Head of Mission", affiliation="EULEX")
    assert second.position == 1
    page = client.get(f"/speaker/{second.key}")
    assert page.status_code == 200
    assert 'value="Head of Mission, EULEX"' in page.text


def test_a_speaker_says_yes_and_how_they_are_introduced(
    client: FlaskClient, speaker: Speaker
) -> None:
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    key, speaker_id = speaker.key, speaker.id
    assert post(client, f"/speaker/{key}/answer", answer="yes").status_code == 303
    saved = post(
        client,
        f"/speaker/{key}/profile",
        name="Dr Amina Okonkwo-Bell",
        position="Director, The Institute",
        bio="A life.",
        needs="A ramp",
        pronunciation="AH-mee-nah",
        releases_recording="y",
        photo=(photo(), "me.jpg"),
    )
    assert saved.status_code == 303
    found = db.session.get_one(Speaker, speaker_id, populate_existing=True)
    assert (found.status, found.name, found.bio) == (
        SpeakerStatus.CONFIRMED,
        "Dr Amina Okonkwo-Bell",
        "A life.",
    )
    assert (found.title, found.affiliation) == ("Director", "The Institute")
    assert (found.needs, found.pronunciation) == ("A ramp", "AH-mee-nah")
    assert found.releases_recording
    assert "A new one takes the place of this one." in client.get(f"/speaker/{found.key}").text
    with client.get(f"/media/{found.photo}") as picture:
        assert picture.status_code == 200


def test_a_file_that_is_no_picture_is_refused_and_the_text_kept(
    client: FlaskClient, speaker: Speaker
) -> None:
    answer = post(
        client,
        f"/speaker/{speaker.key}/profile",
        name="Amina",
        bio="Typed with care",
        photo=(io.BytesIO(b"<svg onload=alert(1)>"), "me.jpg"),
    )
    assert answer.status_code == 422
    assert "Typed with care" in answer.text
    assert "Choose a picture" in answer.text


def test_where_nobody_speaks_yet_the_tab_leads_to_who_speaks(
    app: Flask, client: FlaskClient
) -> None:
    event = make_event()
    desk = sign_in(client, make_staff(StaffRole.ORGANISER, event))
    page = desk.get(f"/staff/events/{event.slug}/speakers/").text
    [address] = re.findall(r'yet\. <a class="link" href="([^"]+)', page)
    assert "Add a person" in desk.get(address).text


def test_a_photograph_is_not_chosen_twice_because_of_another_mistake(
    client: FlaskClient, speaker: Speaker
) -> None:
    url, speaker_id = f"/speaker/{speaker.key}/profile", speaker.id
    answer = post(client, url, name="", photo=(photo(), "me.jpg"))
    assert answer.status_code == 422
    sent = form_of(answer.text, "/profile")
    assert f'src="/media/{sent["kept"]}"' in answer.text
    again = post(client, url, **sent.to_dict() | {"name": "Amina"})
    assert again.status_code == 303
    found = db.session.get_one(Speaker, speaker_id, populate_existing=True)
    with client.get(f"/media/{found.photo}") as picture:
        assert picture.status_code == 200
    post(client, url, name="Amina", remove_photo="y")
    assert db.session.get_one(Speaker, speaker_id, populate_existing=True).photo == ""


def test_staff_choose_a_photograph_once_whatever_else_is_wrong(
    desk: FlaskClient, speaker: Speaker
) -> None:
    event, speaker_id = speaker.event, speaker.id
    url = f"/staff/events/{event.slug}/speakers/{speaker_id}/edit"
    refused = post(desk, url, **fields(name="", photo=(photo(), "me.jpg")))
    sent = forms_of(refused.text)[-1].sent
    assert f'src="/media/{sent["kept"]}"' in refused.text
    assert post(desk, url, **sent.to_dict() | {"name": "Amina"}).status_code == 303
    found = db.session.get_one(Speaker, speaker_id, populate_existing=True)
    with desk.get(f"/media/{found.photo}") as picture:
        assert picture.status_code == 200
    assert post(desk, url, **fields(remove_photo="y")).status_code == 303
    assert db.session.get_one(Speaker, speaker_id, populate_existing=True).photo == ""


def test_a_photograph_that_is_too_large_is_said_to_be(
    client: FlaskClient, speaker: Speaker
) -> None:
    answer = client.post(
        f"/speaker/{speaker.key}/profile",
        content_type="multipart/form-data; boundary=photo",
        environ_overrides={"CONTENT_LENGTH": str(13 * 1024 * 1024)},
    )
    assert answer.status_code == 413
    assert "A photograph or a list may have up to 10 MB" in answer.text


def test_a_photograph_that_is_too_large_is_heard_out_so_that_the_answer_arrives(
    client: FlaskClient, speaker: Speaker
) -> None:
    sent = io.BytesIO(bytes(13 * 1024 * 1024))
    answer = client.post(
        f"/speaker/{speaker.key}/profile",
        content_type="multipart/form-data; boundary=photo",
        input_stream=sent,
        content_length=13 * 1024 * 1024,
    )
    assert answer.status_code == 413
    assert sent.read() == b""


def test_a_page_restored_without_its_cookie_keeps_what_was_typed(
    client: FlaskClient, speaker: Speaker
) -> None:
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    key, speaker_id = speaker.key, speaker.id
    typed = {"name": "Amina", "bio": "A life of many words."}
    answer = client.post(f"/speaker/{key}/profile", data=typed)
    assert answer.status_code == 400
    assert "send it once more" in answer.text
    assert "A life of many words." in answer.text
    assert "A life" not in db.session.get_one(Speaker, speaker_id, populate_existing=True).bio
    token = re.findall(r'name="csrf_token" value="([^"]+)"', answer.text)[-1]
    again = client.post(f"/speaker/{key}/profile", data=typed | {"csrf_token": token})
    assert again.status_code == 303


def test_opening_the_page_answers_nothing(client: FlaskClient, speaker: Speaker) -> None:
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    client.get(f"/speaker/{speaker.key}?answer=yes")
    client.get(f"/speaker/{speaker.key}/answer?answer=yes")
    db.session.refresh(speaker)
    assert speaker.status is SpeakerStatus.INVITED


def test_staff_see_who_is_missing_what_and_edit_it(desk: FlaskClient, speaker: Speaker) -> None:
    base = f"/staff/events/{speaker.event.slug}/speakers/"
    speaker_id, key = speaker.id, speaker.key
    page = desk.get(base).text
    assert "Still missing: biography, photograph and leave to record" in page
    speakers.invite(speaker_id=speaker_id, staff_id=None, now=NOW)
    page = desk.get(f"{base}{speaker_id}/edit").text
    assert 'value="Amina Okonkwo-Bell"' in page
    saved = post(
        desk,
        f"{base}{speaker_id}/edit",
        **fields(bio="A life.", call_at="2026-12-06T09:15", photo=(photo(), "p.jpg")),
    )
    assert saved.status_code == 303
    assert "Their calendar is told of the change." in desk.get(saved.location).text
    found = db.session.get_one(Speaker, speaker_id, populate_existing=True)
    assert found.call_at is not None
    assert found.call_at.isoformat() == "2026-12-06T14:15:00+00:00"
    assert found.photo
    assert desk.get(f"/speaker/{key}").status_code == 404, "the address is another one"
    own = desk.get(f"/speaker/{found.key}").text
    assert "9:15\u00a0a.m." in own
    assert 'value="2026-12-06T09:15"' in desk.get(f"{base}{speaker_id}/edit").text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Enter a name"),
        ({"email": "nothing"}, "Enter an email address in the right format"),
        (
            {"slot_starts_at": "2026-12-06T10:00", "slot_ends_at": "2026-12-06T09:00"},
            "Let the slot",
        ),
        ({"slot_ends_at": "2026-12-06T09:00"}, "Enter when the slot starts, too"),
        ({"call_at": "2026-12-06T11:30"}, "Let the call time be before the event ends"),
        (
            {"call_at": "2026-12-06T10:05", "slot_starts_at": "2026-12-06T10:00"},
            "Let the call time be before the slot starts",
        ),
        ({"slot_starts_at": "2026-12-06T11:30"}, "Let the slot end after it starts"),
        ({"call_at": "2026-03-08T02:30"}, "The clocks in America/New_York skip this time that day"),
        ({"call_at": "2026-11-01T01:30"}, "This time happens twice that day"),
        ({"call_at": "soon"}, "Enter a day and a time"),
        ({"green_room_url": "javascript:alert(1)"}, "Enter a full web address"),
        ({"photo": b"no picture"}, "Choose a picture"),
        ({"seen": "stale"}, "Somebody else has changed this"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(
    desk: FlaskClient, speaker: Speaker, changes: dict[str, object], said: str
) -> None:
    path = f"/staff/events/{speaker.event.slug}/speakers/{speaker.id}/edit"
    if "photo" in changes:
        changes = {"photo": (io.BytesIO(b"no picture"), "p.jpg")}
    answer = post(desk, path, **fields(bio="Typed with care", **changes))
    assert answer.status_code == 422
    assert said in answer.text
    assert "Typed with care" in answer.text
    db.session.refresh(speaker)
    assert speaker.bio == ""


def test_a_time_that_the_clocks_show_twice_is_the_one_that_was_meant(
    desk: FlaskClient, speaker: Speaker
) -> None:
    path = f"/staff/events/{speaker.event.slug}/speakers/{speaker.id}/edit"
    page = post(desk, path, **fields(answer_by="2026-11-01T01:30")).text
    assert "1:30\u00a0a.m.\u00a0EDT" in page
    assert "1:30\u00a0a.m.\u00a0EST" in page
    post(desk, path, **fields(answer_by="2026-11-01T01:30"), **{"answer_by-fold": "1"})
    db.session.refresh(speaker)
    assert speaker.answer_by == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    # Shown again and saved as it is, it stays the later one.
    page = desk.get(path).text
    assert '<option value="1" selected>' in page


def test_nobody_is_to_be_asked_to_speak_at_what_is_over(
    desk: FlaskClient, speaker: Speaker
) -> None:
    path, asks = f"/staff/events/{speaker.event.slug}/speakers/", ("Invite all", 'name="do"')
    assert all(button in desk.get(path).text for button in asks)
    speaker.event.starts_at, speaker.event.ends_at = (
        NOW - timedelta(days=2),
        NOW - timedelta(days=1),
    )
    db.session.commit()
    page = desk.get(path).text
    assert speaker.name in page
    assert not [button for button in asks if button in page]


def test_staff_send_again_and_take_back(desk: FlaskClient, speaker: Speaker) -> None:
    base, speaker_id = f"/staff/events/{speaker.event.slug}/speakers/", speaker.id
    email = speaker.email
    assert "Take the invitation back" not in desk.get(base).text
    post(desk, f"{base}{speaker_id}", do="invite", email=email)
    assert "Take the invitation back" in desk.get(base).text
    answer = post(desk, f"{base}{speaker_id}", do="resend", email=email)
    assert "on its way once more" in desk.get(answer.location).text
    answer = post(desk, f"{base}{speaker_id}", do="withdraw", email=email)
    assert "taken back" in desk.get(answer.location).text


def test_who_was_replaced_stands_below_who_speaks_instead(
    desk: FlaskClient, speaker: Speaker
) -> None:
    base, speaker_id, before = (
        f"/staff/events/{speaker.event.slug}/speakers/", speaker.id, speaker.name,
    )  # fmt: skip
    post(desk, f"{base}{speaker_id}", do="invite", email=speaker.email)
    answer = post(
        desk, f"{base}{speaker_id}/edit", **fields(name="Lise Ndiaye", email="lise@example.org")
    )
    page = desk.get(answer.location).text
    assert page.index("of Lise Ndiaye<") < page.index(f"of {before}<")


@pytest.mark.parametrize("role", [StaffRole.DOOR, StaffRole.ORGANISER, None])
def test_strangers_do_nothing_with_a_speaker(
    app: Flask, client: FlaskClient, speaker: Speaker, role: StaffRole | None
) -> None:
    event = db.session.get_one(Event, speaker.event_id)
    if role is not None:
        sign_in(client, make_staff(role, event if role is StaffRole.DOOR else make_event()))
    refused = {StaffRole.DOOR: 403, StaffRole.ORGANISER: 404, None: 303}[role]
    base = f"/staff/events/{event.slug}/speakers/"
    assert client.get(base).status_code == refused
    assert client.get(f"{base}{speaker.id}/edit").status_code == refused
    for action in ("invite", "remind", "resend", "withdraw", "save"):
        assert post(client, f"{base}{speaker.id}", do=action).status_code == refused
    assert post(client, f"{base}{speaker.id}/edit", **fields(name="X")).status_code == refused
    db.session.refresh(speaker)
    assert (speaker.name, speaker.status) == ("Amina Okonkwo-Bell", SpeakerStatus.NOT_INVITED)


def test_the_times_of_a_speaker_stand_in_the_order_of_the_day(
    client: FlaskClient, speaker: Speaker
):
    event, starts_at = speaker.event, speaker.event.starts_at
    speaker.call_at = starts_at - timedelta(minutes=30)
    speaker.slot_starts_at = starts_at + timedelta(minutes=15)
    speaker.slot_ends_at = starts_at + timedelta(minutes=45)
    save(AgendaItem(event_id=event.id, title="Welcome", starts_at=starts_at))
    page = client.get(f"/speaker/{speaker.key}").text
    lines = re.findall(r'<span class="time">.*?</span><div><\w+>([^<]+)', page)
    assert lines == ["Call time", "Welcome", "Your part", "End"]
    span = wording.hours(speaker.call_at, speaker.slot_ends_at, event.zone)
    local = f"{speaker.call_at.isoformat()}/{speaker.slot_ends_at.isoformat()}"
    hours = r'<p class="meta">([^<]*) \([^<]*\) <span data-local="([^"]*)"'
    assert re.findall(hours, page) == [(span, local)], "one span, twice told"


def test_the_end_is_the_last_line_unless_the_programme_goes_on_after_it(
    client: FlaskClient, speaker: Speaker
):
    def last_line() -> str:
        return re.findall(r'<span class="time">.*?</span><div>(?:<bdi>)?([^<]+)', page())[-1]

    def page() -> str:
        return client.get(f"/speaker/{speaker.key}").text

    event = speaker.event
    assert ">End<" not in page(), "the hours below say it"
    save(AgendaItem(event_id=event.id, title="Welcome", starts_at=event.starts_at))
    assert last_line() == "End"
    later = event.ends_at + timedelta(minutes=10)
    save(AgendaItem(event_id=event.id, title="Reception", starts_at=later))
    assert last_line() == "Reception"
    assert ">End<" not in page()
