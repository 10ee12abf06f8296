"""The editor of an event, as staff use it without JavaScript."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from registration import announcements, lifecycle, mailings, programme, rsvps, speakers
from registration.database import db
from registration.models import (
    AgendaItem,
    Announcement,
    Answer,
    AttendanceOption,
    Event,
    EventStatus,
    Invitation,
    InvitationCode,
    InvitationStatus,
    Mailing,
    MailingState,
    MailKind,
    MailState,
    OutboxMail,
    Publication,
    Question,
    QuestionKind,
    Rsvp,
    RsvpStatus,
    Speaker,
    SpeakerStatus,
    StaffRole,
    StreamKind,
    StreamSource,
    Visibility,
)
from registration.segments import Segment
from registration.web.staff import editor_invitations
from tests.conftest import NOW
from tests.factories import (
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
from tests.forms import form_of, forms_of
from tests.signing_in import post, sign_in

AFTER_HOLD = NOW + timedelta(minutes=11)


@pytest.fixture
def desk(client: FlaskClient) -> FlaskClient:
    """A browser in which an admin is signed in."""
    return sign_in(client, make_staff())


def part(event: Event, name: str) -> str:
    return f"/staff/events/{event.slug}/settings/{name}"


def send(
    browser: FlaskClient,
    event: Event,
    part_: str,
    do: str = "save",
    page: str = "",
    **typed: Any,
) -> TestResponse:
    """Open a part, type, press a button."""
    url = part(event, part_)
    sent = form_of(page or browser.get(url).text, f"/{part_}")
    for field, value in typed.items():
        field = field.replace("__", "-")
        sent.poplist(field)
        if value is not None:
            sent.add(field, value)
    sent["do"] = do
    return browser.post(url, data=sent)


def reread(row: Any) -> Any:
    db.session.rollback()
    db.session.refresh(row)
    return row


def all_of(model: Any, event: Event) -> list[Any]:
    db.session.rollback()
    order = model.position if hasattr(model, "position") else model.id
    return list(db.session.scalars(select(model).where(model.event_id == event.id).order_by(order)))


# A new event


def new_event(browser: FlaskClient, **typed: str) -> TestResponse:
    sent = form_of(browser.get("/staff/events/new").text, "")
    for field, value in (
        {
            "title": "Policing in Conflict",
            "starts_at": "2026-12-06T10:00",
            "ends_at": "2026-12-06T11:30",
            "time_zone": "America/New_York",
            "in_person": "y",
            "room_capacity": "120",
            "online": "y",
            "venue_name": "The Institute",
        }
        | typed
    ).items():
        sent[field] = value
    return browser.post("/staff/events/new", data=sent)


def test_the_zone_is_that_of_the_latest_event_and_never_guessed(desk: FlaskClient) -> None:
    def offered() -> str:
        sent = (form.sent for form in forms_of(desk.get("/staff/events/new").text))
        return next(str(fields["time_zone"]) for fields in sent if "time_zone" in fields)

    assert offered() == ""
    assert "Enter a time zone" in new_event(desk, time_zone="").text
    make_event(time_zone="Europe/Paris")
    assert offered() == "Europe/Paris"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("paris", "Europe/Paris"),
        ("New York", "America/New_York"),
        (" europe/paris ", "Europe/Paris"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_known_by_its_city(desk: FlaskClient, typed: str, meant: str) -> None:
    assert new_event(desk, time_zone=typed).status_code == 303
    assert db.session.scalars(select(Event.time_zone)).one() == meant


@pytest.mark.parametrize("typed", ["Eastern", "Atlantis", "Europe", "_", "Paris/"])
def test_a_zone_that_nothing_names_is_asked_for_again(desk: FlaskClient, typed: str) -> None:
    answer = new_event(desk, time_zone=typed)
    assert "Choose a time zone from the list" in answer.text
    assert f'value="{typed}"' in answer.text


def test_an_event_is_made_on_one_page(desk: FlaskClient) -> None:
    answer = new_event(desk)
    assert answer.status_code == 303
    event = db.session.scalars(select(Event)).one()
    assert event.starts_at == datetime(2026, 12, 6, 15, 0, tzinfo=UTC)
    assert [option.capacity for option in all_of(AttendanceOption, event)] == [120, None]
    assert desk.get(answer.location).status_code == 200
    assert desk.get(f"/events/{event.slug}").status_code == 404  # a draft is nobody's business


def test_what_is_missing_is_asked_for_and_nothing_typed_is_lost(desk: FlaskClient) -> None:
    page = new_event(desk, title="Kept", ends_at="", venue_name="").text
    assert "Enter when it ends" in page
    assert "Enter where people come in person" in page
    assert 'value="Kept"' in page
    assert 'value="2026-12-06T10:00"' in page
    assert "<title>Error: New event" in page


def test_an_end_before_the_start_is_told_at_once_with_all_other_mistakes(desk: FlaskClient) -> None:
    told = "Let the event end after it starts"
    answer = new_event(desk, title="", ends_at="2026-12-06T09:59")
    assert answer.status_code == 422
    assert told in answer.text
    assert "Enter a title" in answer.text
    event = make_event()
    answer = send(desk, event, "basics", title="", ends_at="2026-12-06T10:00")
    assert answer.status_code == 422
    assert told in answer.text
    assert "Enter a title" in answer.text


def test_an_hour_that_the_clocks_skip_does_not_exist(desk: FlaskClient) -> None:
    page = new_event(desk, starts_at="2027-03-14T02:30", ends_at="2027-03-14T05:00").text
    assert "skip this time that day" in page


def test_an_hour_that_comes_twice_is_asked_about(desk: FlaskClient) -> None:
    typed = {"starts_at": "2027-11-07T01:30", "ends_at": "2027-11-07T05:00"}
    page = new_event(desk, **typed).text
    assert "happens twice that day" in page
    assert "1:30\u00a0a.m.\u00a0EDT" in page
    assert "1:30\u00a0a.m.\u00a0EST" in page
    new_event(desk, **typed, **{"starts_at-fold": "1"})
    event = db.session.scalars(select(Event)).one()
    assert event.starts_at == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)


def test_of_two_equal_hours_the_second_comes_later(desk: FlaskClient) -> None:
    typed = {"starts_at": "2027-11-07T01:45", "ends_at": "2027-11-07T01:15"}
    new_event(desk, **typed, **{"starts_at-fold": "0", "ends_at-fold": "1"})
    event = db.session.scalars(select(Event)).one()
    assert event.ends_at - event.starts_at == timedelta(minutes=30)


# Parts that are one form


@pytest.mark.parametrize(
    "name",
    ["basics", "texts", "registration", "options", "questions", "people", "agenda",
     "publications", "invitations", "publish"],
)  # fmt: skip
def test_each_part_opens_and_a_stranger_is_refused(
    client: FlaskClient, app: Flask, name: str
) -> None:
    event = make_event()
    make_option(event)
    make_speaker(event)
    make_question(event)
    assert client.get(part(event, name)).status_code == 303
    sign_in(client, make_staff(StaffRole.ORGANISER))
    assert client.get(part(event, name)).status_code == 404
    sign_in(client, make_staff(StaffRole.DOOR))
    assert client.get(part(event, name)).status_code == 403
    sign_in(client, make_staff())
    assert client.get(part(event, name)).status_code == 200


@pytest.mark.parametrize("name", ["basics", "texts", "registration"])
def test_saving_what_was_shown_changes_nothing(desk: FlaskClient, name: str) -> None:
    event = make_event(doors_at=NOW + timedelta(days=13), summary="A summary")
    make_option(event)
    assert send(desk, event, name).status_code == 303
    assert reread(event).revision == 0


@pytest.mark.parametrize("name", ["people", "agenda", "publications", "questions", "options"])
def test_saving_rows_that_were_shown_changes_nothing(desk: FlaskClient, name: str) -> None:
    event = make_event()
    option = make_option(event, capacity=5, closes_at=NOW)
    make_speaker(event, call_at=NOW, bio="A\nB")
    make_question(event, kind=QuestionKind.ONE_OF, choices=["a", "b"], option_id=option.id)
    save(AgendaItem(event_id=event.id, starts_at=NOW, title="A", recording_second=0))
    save(Publication(event_id=event.id, position=0, title="P", topics=["x", "y"]))
    answer = send(desk, event, name)
    assert answer.status_code == 303, answer.text
    assert reread(event).revision == 0


def test_texts_are_saved_and_previewed(desk: FlaskClient) -> None:
    event = make_event()
    page = send(desk, event, "texts", "preview", description="**Bold** <script>x</script>").text
    assert "<strong>Bold</strong>" in page
    assert "<script>x" not in page
    assert reread(event).description == ""
    send(desk, event, "texts", description="**Bold**")
    assert reread(event).description == "**Bold**"


def test_what_is_no_number_is_told_its_range_and_stays_to_be_seen(desk: FlaskClient) -> None:
    event = make_event()
    page = send(desk, event, "registration", guests_max="two").text
    assert "Enter a number from 0 to" in page
    assert 'value="two"' in page
    recording = f"/staff/events/{event.slug}/recording"
    page = post(desk, recording, recording_minutes="an hour").text
    assert "Enter a number of minutes" in page


def test_what_the_library_says_of_a_row_is_in_the_reader_s_language(desk: FlaskClient) -> None:
    event = make_event()
    save(Publication(event_id=event.id, position=0, title="P"))
    url = part(event, "publications")
    sent = form_of(desk.get(url).text, "/publications")
    dates = [name for name in sent if name.endswith("-published_on")]
    sent[dates[0]] = "soon"
    page = desk.post(url, data=sent, headers={"Accept-Language": "fr"}).text
    assert "date valide" in page
    assert "Not a valid" not in page


def test_a_language_that_is_none_is_refused(desk: FlaskClient) -> None:
    event = make_event()
    page = send(desk, event, "texts", language="xx").text
    assert "Not a valid choice" in page
    assert "<title>Error: Texts – " in page
    assert reread(event).language == "en"


def test_a_picture_is_made_small_and_must_be_described(desk: FlaskClient) -> None:
    event = make_event()
    file = io.BytesIO()
    Image.new("RGB", (2000, 1000)).save(file, "JPEG")
    refused = send(desk, event, "texts", image_file=(io.BytesIO(file.getvalue()), "a.jpg"))
    assert "Say what the picture shows" in refused.text
    # What was uploaded is kept while the rest is mended.
    kept = form_of(refused.text, "/texts")
    assert kept["image"].endswith(".webp")
    answer = send(desk, event, "texts", page=refused.text, image_alt="A street")
    assert answer.status_code == 303
    with desk.get(f"/media/{reread(event).image}") as shown:
        assert shown.mimetype == "image/webp"


def test_a_file_that_is_no_picture_is_refused(desk: FlaskClient) -> None:
    event = make_event()
    page = send(desk, event, "texts", image_file=(io.BytesIO(b"no"), "a.jpg"), image_alt="x")
    assert "JPEG, PNG or WebP" in page.text
    assert reread(event).image == ""


def test_the_second_editor_sees_both_versions_and_loses_nothing(desk: FlaskClient) -> None:
    event = make_event(summary="as it was")
    opened = desk.get(part(event, "texts")).text
    send(desk, event, "texts", summary="theirs")
    answer = send(desk, event, "texts", page=opened, summary="mine", description="my text")
    assert answer.status_code == 409
    assert "Somebody else has saved this part" in answer.text
    assert "theirs" in answer.text
    again = form_of(answer.text, "/texts")
    assert (again["summary"], again["description"]) == ("mine", "my text")
    assert reread(event).summary == "theirs"
    assert send(desk, event, "texts", page=answer.text).status_code == 303
    assert reread(event).summary == "mine"


def test_the_second_editor_of_rows_is_told_too(desk: FlaskClient) -> None:
    event = make_event()
    question = make_question(event, label="As it was?")
    opened = desk.get(part(event, "questions")).text
    send(desk, event, "questions", **{f"{question.id}__question": "Theirs?"})
    answer = send(desk, event, "questions", page=opened, **{f"{question.id}__question": "Mine?"})
    assert answer.status_code == 409
    assert "Theirs?" in answer.text
    assert reread(question).label == "Theirs?"


@pytest.fixture
def pair(app: Flask) -> tuple[FlaskClient, FlaskClient]:
    """Two browsers, in each of which somebody of the staff is signed in."""
    first, second = (sign_in(app.test_client(), make_staff()) for _ in range(2))
    return first, second


def photograph(colour: str) -> tuple[io.BytesIO, str]:
    """A picture as a form sends it."""
    file = io.BytesIO()
    Image.new("RGB", (40, 50), colour).save(file, "PNG")
    return io.BytesIO(file.getvalue()), "portrait.png"


def colour_of(browser: FlaskClient, name: str) -> str:
    """Which picture a name leads to."""
    if not name:
        return ""
    with browser.get(f"/media/{name}") as answer:
        assert answer.status_code == 200
        red, _green, blue = Image.open(io.BytesIO(answer.data)).convert("RGB").getpixel((9, 9))  # type: ignore[misc]
    return "red" if red > blue else "blue"


def pictures_of(browser: FlaskClient, page: str) -> list[str]:
    """The pictures that a form shows, by their colours; each of them is there."""
    names = re.findall(r'class="thumb" src="/media/([^"]+)"', page.split("data-keep=")[1])
    return [colour_of(browser, name) for name in names]


@pytest.mark.parametrize(
    ("mine", "result"), [("nothing", "blue"), ("another", "red"), ("away", "")]
)
def test_of_two_editors_of_photographs_neither_loses_one_unasked(
    pair: tuple[FlaskClient, FlaskClient], mine: str, result: str
) -> None:
    first, second = pair
    speaker = make_speaker(make_event(), name="Amina", photo="", bio="")
    event, key = db.session.get_one(Event, speaker.event_id), f"{speaker.id}-"
    send(first, event, "people", **{f"{key}photo_file": photograph("red")})
    opened = second.get(part(event, "people")).text
    send(first, event, "people", **{f"{key}photo_file": photograph("blue")})
    typed: dict[str, Any] = {
        "nothing": {},
        "another": {f"{key}photo_file": photograph("red")},
        "away": {f"{key}remove_photo": "y"},
    }[mine]
    answer = send(second, event, "people", page=opened, **typed, **{f"{key}bio": "Of Pristina."})
    assert answer.status_code == 409
    assert colour_of(second, reread(speaker).photo) == "blue"
    assert pictures_of(second, answer.text) == ([result] if result else [])
    assert send(second, event, "people", page=answer.text).status_code == 303
    assert reread(speaker).bio == "Of Pristina."
    assert colour_of(second, speaker.photo) == result


def test_who_was_taken_off_meanwhile_is_put_back_without_the_picture_that_is_gone(
    pair: tuple[FlaskClient, FlaskClient],
) -> None:
    first, second = pair
    speaker = make_speaker(make_event(), name="Amina", photo="")
    event = db.session.get_one(Event, speaker.event_id)
    send(first, event, "people", **{f"{speaker.id}-photo_file": photograph("red")})
    opened = second.get(part(event, "people")).text
    off = send(first, event, "people", do=f"remove:{speaker.id}").text
    send(first, event, "people", page=off)
    answer = send(second, event, "people", page=opened, **{f"{speaker.id}-bio": "Of Pristina."})
    assert (answer.status_code, pictures_of(second, answer.text)) == (409, [])
    assert send(second, event, "people", page=answer.text).status_code == 303
    (back,) = all_of(Speaker, event)
    assert (back.name, back.bio, back.photo) == ("Amina", "Of Pristina.", "")


@pytest.mark.parametrize(("mine", "result"), [("nothing", "blue"), ("another", "red")])
def test_of_two_editors_of_the_picture_of_an_event_neither_loses_one_unasked(
    pair: tuple[FlaskClient, FlaskClient], mine: str, result: str
) -> None:
    first, second = pair
    event = make_event(image_alt="A street")
    send(first, event, "texts", image_file=photograph("red"))
    opened = second.get(part(event, "texts")).text
    send(first, event, "texts", image_file=photograph("blue"))
    typed: dict[str, Any] = {"image_file": photograph("red")} if mine == "another" else {}
    answer = send(second, event, "texts", page=opened, summary="My summary.", **typed)
    assert answer.status_code == 409
    assert pictures_of(second, answer.text) == [result]
    assert ('alt="Picture"' in answer.text) == (mine == "another")  # theirs, beside this one
    assert send(second, event, "texts", page=answer.text).status_code == 303
    assert reread(event).summary == "My summary."
    assert colour_of(second, event.image) == result


def test_a_lost_session_gives_back_what_was_typed(client: FlaskClient, app: Flask) -> None:
    event = make_event()
    account = make_staff()
    sign_in(client, account)
    opened = form_of(client.get(part(event, "texts")).text, "/texts")
    opened["summary"], opened["do"] = "A long <text>", "save"
    with client.session_transaction() as session:
        session.clear()
    headers = {"Origin": "http://localhost"}
    kept = client.post(part(event, "texts"), data=opened, headers=headers)
    assert kept.status_code == 401
    assert "A long &lt;text&gt;" in kept.text
    assert "must be chosen again" not in kept.text
    with client.session_transaction() as session:
        session["_user_id"] = account.fs_uniquifier
        session["_fresh"] = True
    again = form_of(kept.text, "/texts")
    assert client.post(part(event, "texts"), data=again).status_code == 303
    assert reread(event).summary == "A long <text>"


def test_a_lost_session_gives_back_a_biography_too(client: FlaskClient, app: Flask) -> None:
    event, account = make_event(), make_staff()
    speaker = make_speaker(event)
    path = f"/staff/events/{event.slug}/speakers/{speaker.id}/edit"
    forms = forms_of(sign_in(client, account).get(path).text)
    opened = next(form.sent for form in forms if "bio" in form.sent)
    opened["bio"] = "A long life"
    with client.session_transaction() as session:
        session.clear()
    kept = client.post(path, data=opened, headers={"Origin": "http://localhost"})
    assert kept.status_code == 401
    with client.session_transaction() as session:
        session["_user_id"] = account.fs_uniquifier
        session["_fresh"] = True
    client.post(path, data=form_of(kept.text, path))
    assert reread(speaker).bio == "A long life"


def test_a_lost_session_says_which_fields_it_has_kept_and_that_a_picture_is_not_among_them(
    client: FlaskClient, app: Flask
) -> None:
    event = make_event()
    speaker = make_speaker(event)
    path = f"/staff/events/{event.slug}/speakers/{speaker.id}/edit"
    typed = {
        "name": "Amina Bello",
        "role": "",
        "shown_name": "Amina",
        "person-7-bio": "A long life",
    }
    kept = client.post(
        path,
        data=typed | {"photo_file": photograph("red")},
        headers={"Origin": "http://localhost"},
    )
    assert kept.status_code == 401
    assert re.findall(r"<dt>([^<]*)</dt>", kept.text) == ["name", "biography"]
    assert "A picture that you chose must be chosen again." in kept.text


def test_another_site_cannot_fill_a_form_that_waits_for_a_click(
    client: FlaskClient, app: Flask
) -> None:
    event = make_event()
    answer = client.post(
        part(event, "texts"),
        data={"summary": "theirs"},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 400
    assert "theirs" not in answer.text


# What stands in calendars


def test_a_scheduled_message_that_moves_is_shown_before_and_after(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    event = room.event
    make_rsvp(room)
    staff_id, day = make_staff().id, timedelta(days=1)
    for subject, at in [("See you soon", event.starts_at - day), ("Two weeks", NOW + day)]:
        mailing = mailings.write(
            event_id=event.id,
            staff_id=staff_id,
            subject=subject,
            body="Text",
            segment=Segment(),
            now=NOW,
        )
        mailings.schedule(mailing_id=mailing.id, staff_id=staff_id, at=at, now=NOW)
    page = send(desk, event, "basics", starts_at="2026-12-01T10:00", ends_at="2026-12-01T11:30")
    shown = " ".join(re.sub("<[^>]+>", "", page.text).split())
    assert "See you soon: 5 December, 10:00 a.m. EST → 30 November, 10:00 a.m. EST" in shown
    assert "→ a draft again, since its time has passed" in shown
    assert set(db.session.scalars(select(Mailing.state))) == {MailingState.SCHEDULED}
    answer = send(desk, event, "basics", "tell", page=page.text)
    said = desk.get(answer.location).text
    assert "1 scheduled message moved with the event." in said
    assert "1 scheduled message is a draft again" in said


def test_an_event_moved_to_before_its_rsvps_open_says_so_at_once(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(registration_opens_at=NOW + timedelta(days=10))
    event = db.session.get_one(Event, room.event_id)
    assert "closes before it opens" not in desk.get(part(event, "basics")).text
    answer = send(
        desk, event, "basics", "quiet", starts_at="2026-11-30T09:30", ends_at="2026-11-30T11:00"
    )
    assert "“In person” closes before it opens." in desk.get(answer.location).text


def test_where_speakers_alone_are_told_nothing_is_said_of_attendees(desk: FlaskClient) -> None:
    event = make_event()
    speakers.invite(speaker_id=make_speaker(event).id, staff_id=None, now=NOW)
    sent = {"starts_at": "2026-12-07T10:00", "ends_at": "2026-12-07T11:30"}
    page = send(desk, event, "basics", **sent)
    assert "<strong>1 speaker is mailed.</strong>" in page.text
    assert "attendee" not in page.text[page.text.index("<strong>1 speaker") :].partition("</p>")[0]
    later = send(desk, event, "basics", "quiet", page=page.text)
    assert "1 speaker was told something else." in desk.get(part(event, "publish")).text
    send(desk, event, "publish", "tell")
    held = desk.get(later.location).text
    assert "1 speaker." in held[held.index("The change is told at") :].partition("</p>")[0]
    assert "0 attendees" not in held


def test_before_a_new_time_is_saved_staff_see_who_is_told(desk: FlaskClient) -> None:
    room, stream = make_hybrid()
    event = room.event
    make_rsvp(room)
    make_rsvp(stream)
    speaker = make_speaker(event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    was = event.starts_at
    page = send(desk, event, "basics", starts_at="2026-12-07T10:00", ends_at="2026-12-07T11:30")
    assert "2 attendees are mailed; 1 speaker too" in page.text
    assert "Their calendars follow by themselves." in page.text
    assert reread(event).starts_at == was
    answer = send(desk, event, "basics", "tell", page=page.text)
    assert answer.status_code == 303
    assert reread(event).starts_at.day == 7
    shown = desk.get(answer.location).text
    assert "The change is told at" in shown
    announcements.spread(now=AFTER_HOLD)
    kinds = [mail.kind for mail in db.session.scalars(select(OutboxMail))]
    assert kinds.count(MailKind.EVENT_CHANGED) == 2
    shown = desk.get(answer.location).text
    assert "The change is being told: 0 of 3 mails have gone." in shown
    db.session.execute(update(OutboxMail).values(state=MailState.SENT))
    db.session.commit()
    shown = desk.get(answer.location).text
    assert "The change was told: 3 mails have gone." in shown


def test_staff_see_that_who_waits_is_told_without_an_entry(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    room.needs_approval = True
    db.session.commit()
    make_rsvp(room)  # is to be approved
    page = send(desk, room.event, "basics", venue_name="The Annex").text
    assert "1 attendee is mailed" in page
    assert "1 has no calendar entry, mostly since they wait" in page
    assert "calendars follow" not in page
    send(desk, room.event, "basics", "tell", page=page)
    assert db.session.scalars(select(Announcement)).one().attendees == 1


def test_a_change_can_be_saved_without_mailing_and_told_later(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    page = send(desk, room.event, "basics", venue_name="The Annex").text
    send(desk, room.event, "basics", "quiet", page=page)
    assert reread(room.event).venue_name == "The Annex"
    assert db.session.scalar(select(Announcement.id)) is None
    shown = desk.get(part(room.event, "publish")).text
    assert "1 attendee was told something else" in shown
    send(desk, room.event, "publish", "tell")
    assert db.session.scalars(select(Announcement)).one().attendees == 1


def test_the_mails_are_taken_back_with_one_button(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    page = send(desk, room.event, "basics", venue_name="The Annex").text
    send(desk, room.event, "basics", "tell", page=page)
    shown = desk.get(part(room.event, "basics")).text
    answer = desk.post(
        f"/staff/events/{room.event.slug}/settings/undo", data=form_of(shown, "/settings/undo")
    )
    assert answer.status_code == 303
    assert announcements.spread(now=AFTER_HOLD) == 0


def test_a_telling_of_another_event_cannot_be_taken_back(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    other, _other = make_hybrid()
    make_rsvp(room)
    page = send(desk, room.event, "basics", venue_name="The Annex").text
    send(desk, room.event, "basics", "tell", page=page)
    shown = desk.get(part(room.event, "basics")).text
    answer = desk.post(
        f"/staff/events/{other.event.slug}/settings/undo", data=form_of(shown, "/settings/undo")
    )
    assert answer.status_code == 404


# Rows


def test_rows_are_added_moved_and_removed_without_a_script(desk: FlaskClient) -> None:
    event = make_event()
    first, second = make_speaker(event, name="First"), make_speaker(event, name="Second")
    page = send(desk, event, "people", f"up:{second.id}").text
    page = send(desk, event, "people", "add", page=page).text
    sent = form_of(page, "/people")
    new = sent.getlist("row")[-1]
    page = send(desk, event, "people", f"remove:{first.id}", page=page, **{f"{new}__name": "New"})
    assert [person.name for person in all_of(Speaker, event)] == ["First", "Second"]
    answer = send(desk, event, "people", page=page.text)
    assert answer.status_code == 303, answer.text
    assert [person.name for person in all_of(Speaker, event)] == ["Second", "New"]


def test_a_form_that_names_another_file_as_its_picture_names_none(desk: FlaskClient) -> None:
    """The file of a picture that is replaced is removed: it must be one of ours."""
    event = make_event()
    person = make_speaker(event, name="First")
    changes = {f"{person.id}__photo": "../registration.db", f"{person.id}__name": "Second"}
    assert send(desk, event, "people", **changes).status_code == 303
    assert (reread(person).name, reread(person).photo) == ("Second", "")
    send(desk, event, "texts", image="../registration.db", summary="New")
    assert (reread(event).summary, reread(event).image) == ("New", "")


def test_a_row_with_a_mistake_says_which_and_saves_nothing(desk: FlaskClient) -> None:
    event = make_event()
    person = make_speaker(event, name="First")
    answer = send(desk, event, "people", **{f"{person.id}__email": "no address"})
    assert answer.status_code == 422
    assert "First: Enter an email address in the right format" in answer.text
    assert 'value="no address"' in answer.text
    assert "<title>Error: Who speaks – " in answer.text
    desk.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    french = send(desk, event, "people", **{f"{person.id}__email": "no address"}).text
    assert "First\N{NO-BREAK SPACE}: " in french


ELSEWHERE = "https://bank.example@evil.example/"
NO_LINK = "Enter a full web address, like https://example.org/page"


@pytest.mark.parametrize(
    ("part_", "field"),
    [
        ("basics", "venue_map_url"),
        ("texts", "publications_url"),
        ("registration", "external_url"),
    ],
)
def test_a_link_that_only_looks_like_one_is_told_and_what_is_saved_stays(
    desk: FlaskClient, part_: str, field: str
) -> None:
    event = make_event(**{field: "https://old@example.org/"})
    answer = send(desk, event, part_, **{field: ELSEWHERE})
    assert NO_LINK in answer.text
    assert f'value="{ELSEWHERE}"' in answer.text
    assert send(desk, event, part_, **{field: "https://bücher.example/"}).status_code == 303
    assert getattr(reread(event), field) == "https://bücher.example/"


def test_a_link_that_was_saved_before_does_not_stop_the_rest_from_being_saved(
    desk: FlaskClient,
) -> None:
    event = make_event(venue_map_url=ELSEWHERE, description="[more](/events/other)")
    person = make_speaker(event, name="First", green_room_url=ELSEWHERE)
    assert send(desk, event, "basics", title="New").status_code == 303
    assert send(desk, event, "texts", summary="New").status_code == 303
    assert send(desk, event, "people", **{f"{person.id}__name": "New"}).status_code == 303
    assert (reread(event).title, event.summary, reread(person).name) == ("New", "New", "New")


@pytest.mark.parametrize(
    ("part_", "field"), [("people", "green_room_url"), ("publications", "url")]
)
def test_a_row_with_a_link_that_only_looks_like_one_says_which(
    desk: FlaskClient, part_: str, field: str
) -> None:
    event = make_event()
    row = make_speaker(event) if part_ == "people" else Publication(event_id=event.id, title="P")
    row.position = 0
    save(row)
    answer = send(desk, event, part_, **{f"{row.id}__{field}": ELSEWHERE})
    assert NO_LINK in answer.text
    assert getattr(reread(row), field) == ""


@pytest.mark.parametrize(
    ("part_", "field"), [("texts", "description"), ("basics", "venue_directions")]
)
@pytest.mark.parametrize("link", ["/events/other", "//evil.example", "page.html", ELSEWHERE])
def test_a_link_in_a_text_that_leads_nowhere_is_named_and_nothing_typed_is_lost(
    desk: FlaskClient, part_: str, field: str, link: str
) -> None:
    event = make_event()
    typed = f"[Fine](https://example.org) and [not]({link})"
    answer = send(desk, event, part_, **{field: typed})
    assert f"The link to “{link}” leads nowhere. {NO_LINK}" in answer.text
    assert form_of(answer.text, f"/{part_}")[field] == typed
    assert getattr(reread(event), field) == ""
    picture = send(desk, event, part_, **{field: f"![](data:image/png;base64,{'A' * 300})"})
    assert "The link to “data:image/png;base64,AAAAA" in picture.text
    sound = "[a](https://example.org), [b](mailto:a@example.org) and <https://bücher.example/é>"
    assert send(desk, event, part_, **{field: sound}).status_code == 303


def test_who_is_taken_off_the_programme_loses_the_entry(desk: FlaskClient) -> None:
    event = make_event()
    person = make_speaker(event)
    speakers.invite(speaker_id=person.id, staff_id=None, now=NOW)
    send(desk, event, "people", row=None)
    assert reread(person).status is SpeakerStatus.CANCELLED
    assert db.session.scalars(
        select(OutboxMail).where(OutboxMail.kind == MailKind.SPEAKER_CANCELLED)
    ).one()
    assert "row-" not in desk.get(part(event, "people")).text.split("<template")[0]


def test_a_programme_that_somebody_was_taken_off_can_be_edited_again_and_again(
    desk: FlaskClient,
) -> None:
    """Who was invited is kept, and must not stand in the place of another."""
    event = make_event()
    gone = make_speaker(event, name="Gone", position=0)
    for position, name in enumerate(("First", "Second"), 1):
        make_speaker(event, name=name, position=position)
    speakers.invite(speaker_id=gone.id, staff_id=None, now=NOW)
    kept = [row for row in programme.rows_of(event, "people") if row["name"] != "Gone"]
    for _time in range(5):
        kept.reverse()
        about = {"seen": "", "staff_id": make_staff().id, "now": NOW}
        programme.save(event_id=event.id, name="people", rows=kept, **about)
        names = [row["name"] for row in programme.rows_of(event, "people")]
        assert names == [row["name"] for row in kept]


@pytest.mark.parametrize("key", ["²", "①", "9" * 30, "9" * 5000, "٣"])
def test_what_is_no_key_of_a_row_is_no_row(desk: FlaskClient, key: str) -> None:
    event = make_event()
    sent = {"row": key, f"{key}-name": "Eve", f"{key}-role": "speaker", f"{key}-mode": "in_person"}
    answer = post(desk, part(event, "people"), **sent, do="save")
    assert answer.status_code == 303
    assert db.session.scalars(select(Speaker)).all() == []


@pytest.mark.parametrize("second", ["²", "9" * 30, "-1", "1e3"])
def test_a_chapter_that_begins_at_no_number_begins_nowhere(desk: FlaskClient, second: str) -> None:
    event = make_event()
    line = {"title_": "Welcome", "starts_at": "2026-12-06T10:00", "recording_second": second}
    sent = {f"new1-{name}": value for name, value in line.items()}
    assert post(desk, part(event, "agenda"), row="new1", do="save", **sent).status_code == 303
    assert db.session.scalars(select(AgendaItem)).one().recording_second is None


@pytest.mark.parametrize(
    ("at", "warning"),
    [
        ("2026-12-06T09:29", "Before the event starts"),
        ("2026-12-06T09:30", ""),
        ("2026-12-06T11:30", ""),
        ("2026-12-06T11:31", "After it ends"),
        ("2026-12-07T10:00", "After it ends"),
    ],
)
def test_a_line_beyond_the_event_s_hours_is_saved_and_marked(
    desk: FlaskClient, at: str, warning: str
) -> None:
    event = make_event(doors_at=NOW.replace(hour=14, minute=30) + timedelta(days=13))
    sent = {"new1-title_": "Reception", "new1-starts_at": at}
    assert post(desk, part(event, "agenda"), row="new1", do="save", **sent).status_code == 303
    marks = re.findall(r'class="chip chip--warn">([^<]+)<', desk.get(part(event, "agenda")).text)
    assert marks == [warning] * bool(warning)


def test_a_line_of_the_programme_shows_its_time_and_its_day_where_there_are_several(
    desk: FlaskClient,
) -> None:
    event = make_event()
    save(AgendaItem(event_id=event.id, title="Panel", starts_at=event.starts_at))
    shut = desk.get(part(event, "agenda")).text.replace("\xa0", " ")
    assert ">10:00 a.m.</span><b><bdi>Panel<" in shut
    event.ends_at += timedelta(days=1)
    db.session.commit()
    shut = desk.get(part(event, "agenda")).text.replace("\xa0", " ")
    assert ">Sun 6 Dec, 10:00 a.m.</span><b><bdi>Panel<" in shut


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_time_at_an_end_of_the_calendar_is_told_so(desk: FlaskClient, at: str, zone: str) -> None:
    event = make_event(time_zone=zone)
    sent = {"new1-title_": "Welcome", "new1-starts_at": at}
    answer = post(desk, part(event, "agenda"), row="new1", do="save", **sent)
    assert answer.status_code == 422
    assert "Enter a day and a time, like" in answer.text


def test_a_speaker_whose_slot_moves_is_mailed(desk: FlaskClient) -> None:
    event = make_event()
    person = make_speaker(event)
    speakers.invite(speaker_id=person.id, staff_id=None, now=NOW)
    db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
    db.session.commit()
    send(desk, event, "people", **{f"{person.id}__call_at": "2026-12-06T09:00"})
    mail = db.session.scalars(
        select(OutboxMail).where(OutboxMail.kind == MailKind.SPEAKER_CHANGED)
    ).one()
    assert mail.ical_sequence == 1


def test_a_change_of_the_people_of_a_cancelled_event_puts_it_into_no_calendar_again(
    desk: FlaskClient,
) -> None:
    event = make_event()
    person = make_speaker(event)
    speakers.invite(speaker_id=person.id, staff_id=None, now=NOW)
    lifecycle.cancel(event_id=event.id, reason="Snow.", staff_id=None, now=NOW)
    send(desk, event, "people", **{f"{person.id}__call_at": "2026-12-06T09:00"})
    assert reread(person).call_at is not None
    assert [mail.kind for mail in all_of(OutboxMail, event)] == [MailKind.SPEAKER_INVITATION]


def test_a_question_with_answers_is_retired_and_others_go(desk: FlaskClient) -> None:
    event = make_event()
    room = make_option(event)
    answered, unanswered = make_question(event), make_question(event)
    make_rsvp(room, answers={answered.id: {"text": "Peace"}})
    send(desk, event, "questions", row=None)
    [kept] = all_of(Question, event)
    assert (kept.id, kept.retired_at) == (answered.id, NOW)
    assert "Retired questions" in desk.get(part(event, "questions")).text
    assert unanswered.id != kept.id


def test_who_chose_what_is_offered_no_more_keeps_it_and_can_change_the_rest(
    desk: FlaskClient, client: FlaskClient
) -> None:
    event = make_event()
    room = make_option(event)
    lunch = make_question(event, kind=QuestionKind.ONE_OF, choices=["Fish", "Vegan", "Rice"])
    days = make_question(event, kind=QuestionKind.ANY_OF, choices=["Monday", "Tuesday", "Friday"])
    given = {lunch.id: {"choices": ["Vegan"]}, days.id: {"choices": ["Monday", "Tuesday"]}}
    rsvp = make_rsvp(room, answers=given)
    left = {f"{lunch.id}__choices": "Fish\nRice", f"{days.id}__choices": "Monday\nFriday"}
    assert send(desk, event, "questions", **left).status_code == 303
    url = f"/rsvp/{rsvp.manage_key}/edit"
    changed = next(form.sent for form in forms_of(client.get(url).text) if "name" in form.sent)
    changed["name"] = "Amina Bell"
    assert client.post(url, data=changed).status_code == 303
    assert reread(rsvp).name == "Amina Bell"
    assert dict(db.session.execute(select(Answer.question_id, Answer.value)).all()) == given
    assert "Vegan" not in client.get(f"/events/{event.slug}/rsvp").text


def test_who_made_a_choice_that_is_offered_no_more_is_found_by_it(desk: FlaskClient) -> None:
    event = make_event()
    choices = {"kind": QuestionKind.ANY_OF, "choices": ["Fish", "Salad"]}
    lunch, room = make_question(event, label="Lunch?", **choices), make_option(event)

    def offer(*choices: str) -> None:
        left = {f"{lunch.id}__choices": "\n".join(choices)}
        assert send(desk, event, "questions", **left).status_code == 303

    def offered(page: str) -> list[str]:
        text = desk.get(f"/staff/events/{event.slug}/{page}").text
        return re.findall(rf'<option value="{lunch.id}:\w+">(?:Lunch\? )?([^<]+)', text)

    offer("Fish", "Salat")  # nobody has answered
    offer("Fish", "Salad")
    make_rsvp(room, name="Amina Bell", answers={lunch.id: {"choices": ["Fish"]}})
    offer("Trout", "Salad")
    for page in ("attendees", "messages/new"):
        assert offered(page) == ["Trout", "Salad", "Fish (offered no more)"]
    found = desk.get(f"/staff/events/{event.slug}/attendees?answer={lunch.id}:Fish").text
    assert "Amina Bell" in found
    offer("Trout", "Fish")
    assert offered("attendees") == ["Trout", "Fish", "Salad (offered no more)"]


def test_a_question_that_was_answered_is_not_made_one_of_another_kind(desk: FlaskClient) -> None:
    event = make_event()
    choices = {"kind": QuestionKind.ONE_OF, "choices": ["Fish", "Rice"]}
    answered, unanswered = make_question(event, **choices), make_question(event, **choices)
    make_rsvp(make_option(event), answers={answered.id: {"choices": ["Fish"]}})
    refused = send(desk, event, "questions", **{f"{answered.id}__kind": "yes_no"})
    assert "so it stays with the kind of answer that it has" in refused.text
    assert reread(answered).kind is QuestionKind.ONE_OF
    turned = {f"{answered.id}__kind": "any_of", f"{unanswered.id}__kind": "yes_no"}
    assert send(desk, event, "questions", **turned).status_code == 303
    assert reread(answered).kind is QuestionKind.ANY_OF
    assert reread(unanswered).kind is QuestionKind.YES_NO


def test_a_way_to_attend_with_rsvps_cannot_be_removed(desk: FlaskClient) -> None:
    room, stream = make_hybrid()
    make_rsvp(room)
    answer = send(desk, room.event, "options", row=None)
    assert "People have chosen" in answer.text
    assert len(all_of(AttendanceOption, room.event)) == 2
    send(desk, room.event, "options", row=str(room.id))
    assert [option.id for option in all_of(AttendanceOption, room.event)] == [room.id]
    assert stream.id != room.id


def test_a_room_with_rsvps_does_not_become_a_stream_that_no_calendar_knows_of(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid()
    make_rsvp(room)
    turned = {f"{room.id}__mode": "virtual", f"{stream.id}__mode": "in_person"}
    answer = send(desk, room.event, "options", **turned)
    assert "People have chosen “In person”, so it stays as it is" in answer.text
    assert [reread(option).is_virtual for option in (room, stream)] == [False, True]
    turned.pop(f"{room.id}__mode")  # the stream was chosen by nobody
    assert send(desk, room.event, "options", **turned).status_code == 303
    assert not reread(stream).is_virtual


def test_a_way_to_attend_that_everybody_left_goes_and_what_was_answered_for_it_stays(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid()
    answered = make_question(room.event, option_id=room.id)
    make_question(room.event, option_id=room.id)
    rsvp = make_rsvp(room, answers={answered.id: {"text": "The left aisle"}})
    rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=NOW)
    assert send(desk, room.event, "options", row=str(stream.id)).status_code == 303
    assert [option.id for option in all_of(AttendanceOption, stream.event)] == [stream.id]
    [kept] = all_of(Question, stream.event)
    assert (kept.id, kept.retired_at) == (answered.id, NOW)
    assert db.session.scalars(select(Answer.value)).one() == {"text": "The left aisle"}


def test_more_seats_go_to_those_who_wait_and_fewer_take_none_away(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room)
    assert waiting.status is RsvpStatus.WAITLISTED
    send(desk, room.event, "options", **{f"{room.id}__capacity": "2"})
    assert reread(waiting).status is RsvpStatus.CONFIRMED
    send(desk, room.event, "options", **{f"{room.id}__capacity": "1"})
    assert reread(waiting).status is RsvpStatus.CONFIRMED
    assert reread(room).seats_taken == 2


def test_a_publication_can_be_a_translation_of_another(desk: FlaskClient) -> None:
    event = make_event()
    first = save(Publication(event_id=event.id, position=0, title="In English"))
    second = save(Publication(event_id=event.id, position=1, title="En français"))
    send(
        desk,
        event,
        "publications",
        **{
            f"{second.id}__translation_of_id": str(first.id),
            f"{second.id}__language": "fr",
            f"{second.id}__topics": "police\r\npaix, justice",
        },
    )
    assert reread(second).translation_of_id == first.id
    assert second.topics == ["police", "paix, justice"]


@pytest.mark.parametrize("was_one", [True, False])
def test_a_translation_outlives_the_publication_that_it_translates(
    desk: FlaskClient, was_one: bool
) -> None:
    event = make_event()
    report, rapport = (
        save(Publication(event_id=event.id, position=position, title=title))
        for position, title in enumerate(("Report", "Rapport"))
    )
    choice = f"{rapport.id}__translation_of_id"
    if was_one:
        send(desk, event, "publications", **{choice: str(report.id)})
    page = send(desk, event, "publications", do=f"remove:{report.id}").text
    answer = send(desk, event, "publications", page=page, **{choice: str(report.id)})
    assert answer.status_code == 303
    (left,) = all_of(Publication, event)
    assert (left.title, left.translation_of_id) == ("Rapport", None)


def test_what_is_not_touched_stays_as_it_is_though_there_are_commas_in_it(
    desk: FlaskClient,
) -> None:
    event, topics = make_event(), ["Gender", "Justice, Security & Rule of Law"]
    publication = save(Publication(event_id=event.id, position=0, title="P", topics=topics))
    question = make_question(event, kind=QuestionKind.ONE_OF, choices=["Fish, no nuts", "Vegan"])
    send(desk, event, "publications")
    send(desk, event, "questions")
    assert reread(publication).topics == topics
    assert reread(question).choices == ["Fish, no nuts", "Vegan"]


# Life


def test_a_draft_is_previewed_by_staff_alone_then_published(
    client: FlaskClient, app: Flask
) -> None:
    event = make_event(status=EventStatus.DRAFT, venue_name="")
    make_option(event)
    preview = f"/staff/events/{event.slug}/preview"
    assert client.get(preview).status_code == 303
    sign_in(client, make_staff())
    shown = client.get(preview)
    assert "Preview." in shown.text
    assert "no-store" in shown.headers["Cache-Control"]
    checked = client.get(part(event, "publish")).text
    assert "there is no venue" in checked
    assert 'value="publish"' not in checked
    send(client, event, "basics", venue_name="The Institute")
    send(client, event, "publish", "publish")
    assert client.get(f"/events/{event.slug}").status_code == 200


def test_the_address_of_a_page_stays_when_its_event_is_a_draft_once_more(
    desk: FlaskClient,
) -> None:
    """Whoever was invited meanwhile has a link to it."""
    event = make_event(status=EventStatus.DRAFT)
    make_option(event)
    send(desk, event, "basics", slug="before")
    assert reread(event).slug == "before"
    opened_as_a_draft = desk.get(part(event, "basics")).text
    send(desk, event, "publish", "publish")
    send(desk, event, "publish", "withdraw")
    assert 'id="slug"' not in desk.get(part(event, "basics")).text
    send(desk, event, "basics", slug="after", title="Renamed", page=opened_as_a_draft)
    assert (reread(event).slug, event.title) == ("before", "Renamed")


def test_a_draft_whose_day_has_passed_says_what_keeps_it_from_being_published(
    desk: FlaskClient, now: datetime
) -> None:
    event = make_event(status=EventStatus.DRAFT, starts_at=now - timedelta(days=300))
    make_option(event)
    page = desk.get(part(event, "publish")).text
    assert "The event ends in the past." in page
    assert "Fix the one point above, then publish." in page
    assert 'value="publish"' not in page


def test_the_form_of_a_draft_is_previewed_before_it_opens(
    client: FlaskClient, now: datetime
) -> None:
    event = make_event(
        status=EventStatus.DRAFT, language="fr", registration_opens_at=now + timedelta(days=2)
    )
    make_option(event)
    make_question(event, label="What brings you here?")
    form = f"/staff/events/{event.slug}/preview/form"
    assert client.get(form).status_code == 303
    sign_in(client, make_staff())
    page = client.get(f"/staff/events/{event.slug}/preview").text
    assert f'href="{form}"' in page
    assert '<html lang="fr"' in page, "as its readers see it"
    shown = client.get(form).text
    assert "What brings you here?" in shown
    assert "Nom complet" in shown
    assert re.search(r'<button class="btn btn--main" disabled>', shown), "nobody can send it"


def test_an_event_is_cancelled_with_a_reason(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    shown = desk.get(part(room.event, "publish")).text
    assert "1 attendee is mailed" in shown
    sent = form_of(shown, "/settings/cancel")
    for reason, said in (("", "Say why"), ("A long story. " * 80, "Use 1000 characters or fewer")):
        sent["reason"] = reason
        answer = desk.post(f"/staff/events/{room.event.slug}/settings/cancel", data=sent)
        assert answer.status_code == 422
        assert said in answer.text
        assert reason in answer.text
        assert reread(room.event).status is EventStatus.PUBLISHED
    sent["reason"] = "The building is closed."
    desk.post(f"/staff/events/{room.event.slug}/settings/cancel", data=sent)
    assert reread(room.event).status is EventStatus.CANCELLED
    assert "The cancellation is told at" in desk.get(part(room.event, "publish")).text


def test_a_copy_has_everything_but_the_rsvps(desk: FlaskClient) -> None:
    room, stream = make_hybrid(capacity=7)
    event = room.event
    make_rsvp(room)
    person = make_speaker(event, status=SpeakerStatus.CONFIRMED, ical_sequence=3)
    make_question(event, option_id=stream.id)
    first = save(Publication(event_id=event.id, position=0, title="In English"))
    save(Publication(event_id=event.id, position=1, title="F", translation_of_id=first.id))
    save(InvitationCode(event_id=event.id, code="GROUP", uses_max=9, uses=4))
    url = "https://www.youtube.com/embed/dQw4w9WgXcQ"
    sources = {"event_id": event.id, "kind": StreamKind.EMBED, "url": url}
    save(StreamSource(**sources, position=0))
    save(StreamSource(**sources, position=1, is_live=True))  # the first one failed that day
    answer = send(desk, event, "publish", "clone")
    copy = db.session.scalars(select(Event).where(Event.id != event.id)).one()
    assert copy.slug in answer.location
    assert (copy.status, copy.title) == (EventStatus.DRAFT, event.title)
    assert copy.ical_uid != event.ical_uid
    options = all_of(AttendanceOption, copy)
    assert [(option.capacity, option.seats_taken) for option in options] == [(7, 0), (None, 0)]
    [speaker] = all_of(Speaker, copy)
    assert speaker.status is SpeakerStatus.NOT_INVITED
    assert speaker.key != person.key
    assert (speaker.ical_uid != person.ical_uid, speaker.ical_sequence) == (True, -1)
    assert all_of(Question, copy)[0].option_id == options[1].id
    copies = all_of(Publication, copy)
    assert copies[1].translation_of_id == copies[0].id
    assert all_of(InvitationCode, copy)[0].uses == 0
    assert [source.is_live for source in all_of(StreamSource, copy)] == [False, False]
    assert all_of(Rsvp, copy) == []


# Invitations and codes


def test_a_code_is_made_and_lets_people_in(desk: FlaskClient, client: FlaskClient) -> None:
    event = make_event(visibility=Visibility.INVITATION)
    make_option(event)
    sent = form_of(desk.get(part(event, "invitations")).text, "/codes")
    sent["code"], sent["uses_max"] = "partners", "3"
    url = part(event, "invitations") + "/codes"
    assert desk.post(url, data=sent).status_code == 303
    sent["uses_max"] = "4"
    page = desk.post(url, data=sent).text
    assert "already" in page
    assert "<title>Error: " in page
    [code] = all_of(InvitationCode, event)
    assert (code.code, code.uses_max) == ("PARTNERS", 3)
    assert "0 of 3" in desk.get(part(event, "invitations")).text


def test_one_person_is_invited_by_mail(desk: FlaskClient) -> None:
    event = make_event(visibility=Visibility.INVITATION)
    make_option(event)
    answer = send(desk, event, "invitations", email="Someone@example.org", name="Someone")
    assert answer.status_code == 303
    invited = db.session.scalars(select(Invitation)).one()
    assert invited.email == "someone@example.org"
    assert db.session.scalars(select(OutboxMail)).one().kind is MailKind.INVITATION
    assert "someone@example.org" in desk.get(part(event, "invitations")).text


def test_a_list_of_invited_people_that_is_cut_off_says_so(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event()
    make_invitation(event, name="Karen Hall")
    make_invitation(event)
    monkeypatch.setattr(editor_invitations, "PAGE", 1)
    page = desk.get(part(event, "invitations")).text
    assert "1 of 2 are shown. Search for the others." in page
    page = desk.get(part(event, "invitations") + "?q=hall").text
    assert "are shown. Search for the others." not in page
    page = desk.get(part(event, "invitations") + "?q=nobody").text
    assert "Nobody matches." in page


@pytest.mark.parametrize("visibility", ["public", "unlisted", "invitation"])
def test_who_can_open_the_page_is_said_when_it_is_published(
    desk: FlaskClient, visibility: str
) -> None:
    draft = make_event(status="draft", visibility=visibility, venue_name="The Institute")
    make_option(draft)
    answer = send(desk, draft, "publish", do="publish")
    told = desk.get(answer.location).text
    everybody = "Published. The page is open to everybody"
    assert f"{everybody}." in told or f"{everybody} who has its address." in told
    assert (f"{everybody}." in told) is (visibility == "public")


def test_invited_people_are_found_whatever_their_accents_and_capitals(desk: FlaskClient) -> None:
    event = make_event()
    make_invitation(event, name="Zoë ŁUCZAK", organisation="Institut d’Études")
    make_invitation(event, name="Somebody Else")
    for typed in ("zoe", "luczak ZOÉ", "etudes"):
        page = desk.get(part(event, "invitations") + f"?q={typed}").text
        assert "Zoë ŁUCZAK" in page, typed
        assert "Somebody Else" not in page, typed


def test_who_has_not_answered_is_reminded_and_the_mails_can_be_taken_back(
    desk: FlaskClient,
) -> None:
    event = make_option().event
    for name in ("One", "Two", "Three"):
        make_invitation(event, name=name)
    make_invitation(event, status=InvitationStatus.ACCEPTED)
    page = desk.get(part(event, "invitations")).text
    assert "Remind 3 people who have not answered" in page
    sent = form_of(page, "/reminders")
    assert len(sent.getlist("id")) == 0
    url = part(event, "invitations") + "/reminders"
    page = desk.post(url, data=sent | {"all": "y"}, follow_redirects=True).text
    assert "3 people are reminded." in page
    assert "3 reminders go at" in page
    assert "who have not answered</button>" not in page
    undo = form_of(page, "/reminders/undo")
    page = desk.post(url + "/undo", data=undo, follow_redirects=True).text
    assert "Taken back: nobody is reminded." in page
    assert "Remind 3 people" in page
    db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
    db.session.commit()
    page = desk.post(url + "/undo", data=undo, follow_redirects=True).text
    assert "It is too late" in page


def test_the_ticked_alone_are_reminded(desk: FlaskClient) -> None:
    event = make_option().event
    first, second = make_invitation(event), make_invitation(event)
    url = part(event, "invitations") + "/reminders"
    sent = form_of(desk.get(part(event, "invitations")).text, "/reminders") | {"ticked": "y"}
    assert "First tick the people" in desk.post(url, data=sent, follow_redirects=True).text
    page = desk.post(url, data=sent | {"id": second.id}, follow_redirects=True).text
    assert "1 person is reminded." in page
    assert f'value="{second.id}"' not in page
    both = sent | {"id": [first.id, second.id]}
    page = desk.post(url, data=both, follow_redirects=True).text
    assert "Left out as answered or mailed lately: 1." in page
    assert "Nobody was reminded" in desk.post(url, data=both, follow_redirects=True).text


def test_who_was_searched_for_and_reminded_is_still_in_sight(desk: FlaskClient) -> None:
    event = make_option().event
    make_invitation(event, name="Somebody Else")
    wanted = make_invitation(event, name="Karen Hall")
    page = desk.get(part(event, "invitations") + "?q=hall").text
    form = next(form for form in forms_of(page) if "/reminders" in form.action)
    page = desk.post(
        form.action, data=form.sent | {"ticked": "y", "id": wanted.id}, follow_redirects=True
    ).text
    assert "1 person is reminded." in page
    assert "Somebody Else" not in page
    undo = next(form for form in forms_of(page) if "/reminders/undo" in form.action)
    page = desk.post(undo.action, data=undo.sent, follow_redirects=True).text
    assert "Taken back" in page
    assert "Somebody Else" not in page


def test_nobody_is_reminded_of_what_takes_no_answers(desk: FlaskClient) -> None:
    event = make_option(make_event(registration_closes_at=NOW)).event
    make_invitation(event)
    page = desk.get(part(event, "invitations"))
    assert "who has not answered</button>" not in page.text
    sent = form_of(page.text, "/reminders") | {"all": "y"}
    url = part(event, "invitations") + "/reminders"
    assert "RSVPs are closed" in desk.post(url, data=sent, follow_redirects=True).text


def test_the_list_of_events_can_be_searched(desk: FlaskClient) -> None:
    make_event(title="Policing in Conflict")
    make_event(title="Peace in Sudan", venue_name="The Annex")
    found = desk.get("/staff/?q=annex").text
    assert "Peace in Sudan" in found
    assert "Policing in Conflict" not in found
    make_event(title="L’État de droit")
    assert "L’État de droit" in desk.get("/staff/?q=etat").text
    assert "No event here matches" in desk.get("/staff/?q=nothing").text
