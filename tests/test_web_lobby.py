"""The lobby's pages: what they show and hide at each moment, and the staff's side of them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import keys, lobby, reminders, rendering, rsvps, streams
from registration.database import db
from registration.models import (
    AgendaItem,
    AttendanceOption,
    Event,
    EventStatus,
    MailKind,
    OutboxMail,
    Rsvp,
    StaffRole,
)
from tests.conftest import NOW
from tests.factories import make_event, make_option, make_rsvp, make_speaker, make_staff, save
from tests.forms import forms_of
from tests.furnished import address, furnish
from tests.signing_in import post, sign_in

PLAYER = "https://www.youtube-nocookie.com/embed/abcdefghijk"
MEETING = "https://example.zoom.us/j/123?pwd=secret"
SECRETS = (PLAYER, MEETING, "youtube", "zoom")


class Lobby:
    """An event with a room and a stream, somebody who watches, and a clock to move."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.client, self.app = client, app
        self.event: Event = make_event(guests_max=1, title="Policing in Conflict")
        self.room: AttendanceOption = make_option(self.event, capacity=1)
        self.stream = make_option(self.event, mode="virtual")
        self.rsvp: Rsvp = make_rsvp(self.stream, name="Amina Okonkwo-Bell")
        self.key, self.slug = self.rsvp.join_key, self.event.slug
        self.starts, self.ends = self.event.starts_at, self.event.ends_at
        self.staff = make_staff(StaffRole.ORGANISER, self.event)
        self.who = {"event_id": self.event.id, "staff_id": self.staff.id, "now": self.starts}

    def at(self, moment):
        self.app.config["NOW"] = lambda: moment
        return self

    def page(self, key: str = ""):
        return self.client.get(f"/j/{key or self.key}")

    def enter(self):
        return self.client.post(f"/j/{self.key}/enter")

    def status(self, **headers):
        return self.client.get(f"/events/{self.slug}/lobby.json", **headers)

    def add(self, url: str = PLAYER):
        return streams.add(url=url, label="", **self.who)


@pytest.fixture
def hall(app: Flask, client: FlaskClient) -> Lobby:
    return Lobby(app, client)


def shows(page, state: str) -> bool:
    return f'data-state="{state}"' in page.text


def test_before_the_door_opens_there_is_a_countdown_and_no_address(hall):
    hall.add()
    page = hall.at(hall.starts - timedelta(hours=1)).page()
    assert shows(page, "before")
    assert "Starts in" in page.text
    assert not any(secret in page.text for secret in SECRETS)
    assert "frame-src" not in page.headers["Content-Security-Policy"]
    assert hall.enter().location == f"/j/{hall.key}"
    assert not any(secret in hall.page().text for secret in SECRETS)


def test_the_lobby_of_an_event_of_several_days_says_each_day_once(hall):
    hall.event.ends_at = hall.event.starts_at + timedelta(days=1)
    db.session.commit()
    shown = hall.at(hall.starts - timedelta(days=3)).page().text.replace("\xa0", " ")
    assert "Sunday 6 December 2026, 10:00 a.m. – 7 December, 10:00 a.m. EST" in shown
    door = shown.partition("lobby__door")[2].partition("data-local")[0]
    assert door.count("6 December") == 1


def test_days_ahead_the_lobby_says_when_to_come_back_and_on_the_day_to_keep_it_open(hall):
    ahead = hall.at(hall.starts - timedelta(days=3)).page().text
    assert "The door opens on 6 December, 9:45 a.m. EST." in ahead.replace("\u00a0", " ")
    assert "Keep this page open" not in ahead
    assert "Check again" not in ahead
    on_the_day = hall.at(hall.starts - timedelta(hours=1)).page().text
    assert "The door opens at 9:45 a.m. EST. Keep this page open" in on_the_day.replace(
        "\u00a0", " "
    )
    assert "Check again" in on_the_day


def test_no_page_file_or_mail_of_anybody_has_the_address_before_the_door_opens(app, client):
    house = furnish(make_staff())
    watcher = db.session.scalars(select(Rsvp).where(Rsvp.join_key == house["lobby"]["key"])).one()
    event = watcher.event
    by = {"event_id": event.id, "staff_id": None, "now": NOW}
    for url in (PLAYER, MEETING):
        streams.add(url=url, label="", **by)
    for mine in ("rsvps", "editing", "erasing"):
        house[mine] = {"key": watcher.manage_key}
    house["unsubscribe"] = {"key": keys.unsubscribe_key(watcher)}
    moment = event.lobby_opens_at - timedelta(minutes=1)
    app.config["NOW"] = lambda: moment
    opened = 0
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.rule.startswith(("/staff/", "/static/")):
            answer = client.get(address(app, rule, house))
            opened += answer.status_code == 200
            assert not told_in(answer.get_data(), str(answer.headers).encode()), rule.endpoint
            answer.close()
    assert opened > 20

    for rule in reminders.RULES:
        reminders.send_due(now=rule.anchor.of(event) + rule.due)
    mails = db.session.scalars(select(OutboxMail)).all()
    assert {mail.kind for mail in mails} >= {MailKind.CONFIRMED, MailKind.REMINDER}
    assert any(mail.rsvp_id == watcher.id for mail in mails)
    for mail in mails:
        message = rendering.render(mail, now=moment)
        parts = (message.body.encode(), message.html.encode(), message.calendar or b"")
        assert not told_in(*parts), mail.kind


def told_in(*said: bytes) -> list[bytes]:
    """Which of the stream's addresses stand in what was said, in whole or in their own part."""
    everything = b"".join(said)
    return [
        part for part in (b"abcdefghijk", b"youtube", b"pwd=", b"zoom.us") if part in everything
    ]


def test_when_it_is_open_the_address_comes_only_after_enter(hall):
    hall.add()
    page = hall.at(hall.starts - timedelta(minutes=10)).page()
    assert shows(page, "open")
    assert not any(secret in page.text for secret in SECRETS)
    assert hall.client.get(f"/j/{hall.key}/stream.json").json == {"player": "", "link": ""}
    assert hall.client.get(f"/j/{hall.key}/out").location == f"/j/{hall.key}"

    entered = hall.enter()
    assert (entered.status_code, entered.location) == (303, f"/j/{hall.key}")
    page = hall.page()
    assert f'src="{PLAYER}"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "frame-src https://www.youtube-nocookie.com" in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert hall.client.get(f"/j/{hall.key}/stream.json").json["player"] == PLAYER


def test_a_meeting_elsewhere_is_opened_by_a_page_of_its_own_not_by_a_redirect(hall):
    hall.add(MEETING)
    way = hall.at(hall.starts).enter()
    assert way.location == f"/j/{hall.key}/out"
    out = hall.client.get(way.location)
    assert out.headers["Refresh"] == f"0; url={MEETING}"
    assert out.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-src" not in out.headers["Content-Security-Policy"]


def test_the_way_out_to_an_address_in_other_letters_is_one_that_a_header_can_say(hall):
    hall.add("https://meet.example.org/räume/日本?name=Ünal")
    out = hall.client.get(hall.at(hall.starts).enter().location)
    told = out.headers["Refresh"].removeprefix("0; url=")
    assert told == "https://meet.example.org/r%C3%A4ume/%E6%97%A5%E6%9C%AC?name=%C3%9Cnal"


def test_enter_needs_no_cookie_and_the_lobby_sets_none(hall):
    hall.at(hall.starts)
    assert "Set-Cookie" not in hall.page().headers
    assert hall.enter().status_code == 303
    assert "Set-Cookie" not in hall.page().headers


def test_looking_does_not_enter(hall):
    hall.add()
    hall.at(hall.starts).page()
    assert hall.client.get(f"/j/{hall.key}/enter").status_code == 405
    assert PLAYER not in hall.page().text


def test_the_lobbys_life(hall):
    hall.add()
    backup = hall.add("https://vimeo.com/123456")
    states = []
    hall.at(hall.starts).enter()
    states.append(hall.status().json["state"])
    streams.switch(source_id=backup.id, **hall.who)
    states.append(hall.status().json["state"])
    assert hall.client.get(f"/j/{hall.key}/stream.json").json["player"] == (
        "https://player.vimeo.com/video/123456"
    )
    hall.at(hall.ends + timedelta(hours=1))
    states.append(hall.status().json["state"])
    ended = hall.page()
    assert "player.vimeo.com" not in ended.text
    streams.record(
        recording_url="https://youtu.be/abcdefghijk",
        minutes=88,
        transcript_url="https://files.example.org/transcript.txt",
        audio_url="",
        slides_url="https://files.example.org/slides.pdf",
        **hall.who,
    )
    states.append(hall.status().json["state"])
    assert states == ["live", "backup", "ended", "recording"]
    for page in (hall.page(), hall.client.get(f"/events/{hall.slug}")):
        assert "https://www.youtube.com/watch?v=abcdefghijk" in page.text
        assert "transcript.txt" in page.text
        assert "slides.pdf" in page.text
    assert '"VideoObject"' in hall.client.get(f"/events/{hall.slug}").text


def test_open_lobbies_are_told_why_the_event_is_cancelled(hall):
    streams.say(note="Five minutes late", **hall.who)
    hall.event.status = EventStatus.CANCELLED
    hall.event.cancellation_reason = "The speaker is ill."
    save(hall.event)
    told = hall.status().json
    assert (told["state"], told["note"]) == ("cancelled", "The speaker is ill.")
    assert "The speaker is ill." in hall.page().text


def test_a_cancelled_event_is_put_into_no_calendar(hall):
    address = f"/j/{hall.key}/calendar.ics"
    assert "BEGIN:VEVENT" in hall.client.get(address).text
    hall.event.status = EventStatus.CANCELLED
    save(hall.event)
    assert hall.client.get(address).location == f"/j/{hall.key}"


def test_the_status_is_the_same_for_all_cached_and_tells_of_nobody(hall):
    hall.add()
    hall.at(hall.starts).enter()
    answer = hall.status()
    assert answer.headers["Cache-Control"] == "public, max-age=2"
    assert "Set-Cookie" not in answer.headers
    assert set(answer.json) == {"state", "revision", "note", "starts_at", "ends_at", "ask_again"}
    assert not any(secret in answer.text for secret in (*SECRETS, "Amina", hall.key))
    same = hall.status(headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status_code, same.text) == (304, "")
    streams.say(note="Five minutes late", **hall.who)
    changed = hall.status(headers={"If-None-Match": answer.headers["ETag"]})
    assert changed.json["note"] == "Five minutes late"


def test_only_who_can_watch_is_told_how(hall):
    seated, waiting = make_rsvp(hall.room), make_rsvp(hall.room)
    hall.at(hall.starts - timedelta(hours=1))
    assert "To watch online instead" in hall.page(seated.join_key).text
    assert "you keep your position" in hall.page(waiting.join_key).text
    hall.at(hall.starts)
    page = hall.page(waiting.join_key).text
    assert "To watch online, open your page" in page
    assert "you keep your position" not in page
    hall.stream.closes_at = hall.starts
    save(hall.stream)
    for rsvp in (seated, waiting):
        assert "To watch online" not in hall.page(rsvp.join_key).text


def test_who_sits_in_the_room_waits_or_cancelled_is_told_kindly(hall):
    seated, waiting = make_rsvp(hall.room), make_rsvp(hall.room)
    gone = make_rsvp(hall.stream)
    rsvps.cancel(rsvp_id=gone.id, now=hall.starts - timedelta(days=1))
    hall.add()
    hall.at(hall.starts)
    for key, words in [
        (seated.join_key, "You have a seat in the room."),
        (waiting.join_key, "You are on the waitlist."),
        (gone.join_key, "This RSVP has been cancelled."),
    ]:
        page = hall.page(key)
        assert page.status_code == 200
        assert words in page.text
        assert "Enter" not in page.text
        assert not any(secret in page.text for secret in SECRETS)
    assert ">Online<" not in hall.page(seated.join_key).text


def test_a_new_rsvp_is_offered_to_nobody_who_could_not_send_one(hall):
    left, sent_away = make_rsvp(hall.stream), make_rsvp(hall.stream)
    before, again = hall.starts - timedelta(days=1), "RSVP again"
    rsvps.cancel(rsvp_id=left.id, now=before)
    rsvps.cancel(rsvp_id=sent_away.id, now=before, staff_id=make_staff().id)
    hall.at(before)
    assert again in hall.page(left.join_key).text
    page = hall.page(sent_away.join_key).text
    assert "The organisers have cancelled your RSVP." in page
    assert again not in page
    hall.event.registration_closes_at = before
    save(hall.event)
    assert again not in hall.page(left.join_key).text


def test_an_unknown_key_and_a_draft_show_nothing(hall, client):
    assert client.get("/j/unknown").status_code == 404
    assert client.post("/j/unknown/enter").status_code == 404
    draft = make_event(status="draft")
    assert client.get(f"/events/{draft.slug}/lobby.json").status_code == 404


def test_staff_steer_the_lobby_from_one_page(hall, client):
    sign_in(client, hall.staff)
    hall.at(hall.starts - timedelta(hours=1))
    base = f"/staff/events/{hall.slug}/stream"
    assert client.get(base).status_code == 200
    assert post(client, f"{base}/sources", url="https://youtu.be/abcdefghijk").status_code == 303
    assert post(client, f"{base}/sources", url="https://vimeo.com/1").status_code == 303
    before = client.get(base).text
    assert "Next on air" in before
    assert "On air" not in before
    assert post(client, f"{base}/phase", phase="live").status_code == 303
    assert hall.status().json["state"] == "live"
    backup = lobby.sources_of(hall.event)[-1].id
    assert post(client, f"{base}/sources/{backup}", do="switch").status_code == 303
    assert hall.status().json["state"] == "backup"
    post(client, f"{base}/note", note="Hello")
    assert hall.status().json["note"] == "Hello"
    assert "On air" in client.get(base).text
    post(client, f"{base}/sources/{backup}", do="remove")
    assert hall.status().json["state"] == "live"
    post(client, f"{base}/phase", phase="ended")
    assert hall.status().json["state"] == "ended"


def test_weeks_before_the_lobby_is_not_to_be_steered_and_staff_read_from_when(hall, client):
    sign_in(client, hall.staff)
    hall.at(hall.starts - timedelta(days=14))
    base = f"/staff/events/{hall.slug}/stream"
    page = client.get(base).text
    assert "you can open it here yourself" in page
    assert "Open the door now" not in page
    post(client, f"{base}/phase", phase="open")
    told = client.get(base).text
    assert "The lobby follows the clock until the day before the event." in told
    assert "Every open lobby follows" not in told
    assert hall.status().json["revision"] == 0


def test_staff_give_a_stream_another_address_and_who_watches_follows(hall, client):
    sign_in(client, hall.staff)
    source = hall.at(hall.starts).add()
    base = f"/staff/events/{hall.slug}/stream"
    revision = hall.status().json["revision"]
    change = partial(post, client, f"{base}/sources/{source.id}/address")
    url, label = f"source-{source.id}-url", f"source-{source.id}-label"
    change(**{url: MEETING, label: " Main  hall "})
    page = client.get(base).text
    assert "The address is changed; everybody who watches follows." in page
    assert MEETING in page
    assert "<bdi>Main hall</bdi>" in page
    assert hall.status().json["revision"] > revision
    for typed, asked in (
        ("zoom", "Enter a full web address"),
        ("", "Enter the address of the stream"),
    ):
        answer = change(**{url: typed, label: "The large hall"})
        assert answer.status_code == 422
        assert asked in answer.text
        assert f'value="{typed}"' in answer.text
        assert 'value="The large hall"' in answer.text
        assert f'href="#{url}"' in answer.text
    assert "<bdi>Main hall</bdi>" in client.get(base).text


def test_staff_read_how_soon_open_lobbies_follow(hall, client):
    sign_in(client, hall.staff)
    base = f"/staff/events/{hall.slug}/stream"
    for hours, soon in ((3, "within a minute or two."), (1, "within seconds.")):
        hall.at(hall.starts - timedelta(hours=hours))
        post(client, f"{base}/phase", phase="scheduled")
        assert f"Done. Every open lobby follows {soon}" in client.get(base).text
    for note, told in (("Hello", "shows the note within seconds."), ("", "The note is gone.")):
        post(client, f"{base}/note", note=note)
        assert told in client.get(base).text
        assert hall.status().json["note"] == note


def test_what_the_stream_cannot_be_told_and_a_stream_of_another_event_change_nothing(hall, client):
    sign_in(client, hall.staff)
    elsewhere = make_event()
    theirs = streams.add(**hall.who | {"event_id": elsewhere.id}, url=PLAYER, label="").id
    ours = hall.add().id
    base, revision = f"/staff/events/{hall.slug}/stream", hall.status().json["revision"]
    assert post(client, f"{base}/phase", phase="sideways").status_code == 400
    assert post(client, f"{base}/sources/{ours}", do="hide").status_code == 400
    for action in ("switch", "remove"):
        assert post(client, f"{base}/sources/{theirs}", do=action).status_code == 404
    typed = {f"source-{theirs}-url": MEETING}
    assert post(client, f"{base}/sources/{theirs}/address", **typed).status_code == 404
    assert hall.status().json["revision"] == revision
    assert [source.url for source in lobby.sources_of(elsewhere)] == [PLAYER]


@pytest.mark.parametrize(
    "typed",
    [
        "zoom.us/j/1",
        "https://[zoom.us]/j/1",
        "https://zoom.us@evil.example/",
        "https://zoom.us:99999/j/1",
    ],
)
def test_a_wrong_address_of_a_stream_is_told_at_its_field(hall, client, typed):
    sign_in(client, hall.staff)
    answer = post(client, f"/staff/events/{hall.slug}/stream/sources", url=typed)
    assert answer.status_code == 422
    assert "Enter a full web address, like https://example.org/page" in answer.text
    assert typed in answer.text


def test_staff_read_that_a_known_recording_ends_the_stream_on_time(hall, client):
    desk = sign_in(client, hall.staff)
    stream = f"/staff/events/{hall.slug}/stream"
    hall.at(hall.starts)
    assert "stays open for half an hour" in desk.get(stream).text
    hall.event.recording_url = "https://www.youtube.com/watch?v=abcdefghijk"
    save(hall.event)
    page = desk.get(stream).text
    assert "the lobby shows the recording instead" in page
    assert "half an hour" not in page
    assert hall.at(hall.ends).status().json["state"] == "recording"


@pytest.mark.parametrize(
    "typed", ["nonsense", "https://", "https://[nonsense]/", "https://a@b.example/"]
)
def test_a_wrong_address_of_a_recording_is_told_and_not_lost(hall, client, typed):
    sign_in(client, hall.staff)
    base = f"/staff/events/{hall.slug}/recording"
    wrong = post(client, base, recording_url=typed, recording_minutes="many")
    assert wrong.status_code == 422
    assert "Enter a full web address, like https://example.org/page" in wrong.text
    assert f'value="{typed}"' in wrong.text


def test_staff_publish_the_recording(hall, client):
    sign_in(client, hall.staff)
    base = f"/staff/events/{hall.slug}/recording"
    assert post(client, base, recording_url="https://youtu.be/abcdefghijk").status_code == 303
    assert "in the lobby once the event is over." in client.get(base).text
    hall.at(hall.ends + timedelta(days=1))
    assert hall.status().json["state"] == "recording"
    assert post(client, base, recording_url="https://youtu.be/abcdefghijl").status_code == 303
    assert "in the lobby." in client.get(base).text, "it is over"


def test_who_adds_the_slides_takes_away_no_recording_that_another_has_added(hall, client):
    sign_in(client, hall.staff)
    base = f"/staff/events/{hall.slug}/recording"
    page = client.get(base).text
    opened = next(f.sent for f in forms_of(page) if "slides_url" in f.sent).to_dict()
    theirs = {"recording_url": "https://youtu.be/abcdefghijk", "recording_minutes": "90"}
    assert client.post(base, data={**opened, **theirs}).status_code == 303

    mine = {"slides_url": "https://example.org/slides.pdf"}
    assert client.post(base, data={**opened, **mine}).status_code == 303
    page = client.get(base).text
    for kept in ("abcdefghijk", 'value="90"', mine["slides_url"]):
        assert kept in page
    shown = next(f.sent for f in forms_of(page) if "slides_url" in f.sent).to_dict()
    assert client.post(base, data={**shown, "recording_url": ""}).status_code == 303
    assert "abcdefghijk" not in client.get(base).text, "emptied on purpose"


@pytest.mark.parametrize(
    "path",
    [
        "stream/phase",
        "stream/note",
        "stream/sources",
        "stream/sources/1",
        "stream/sources/1/address",
        "recording",
    ],
)
def test_others_steer_nothing(hall, client, path):
    url = f"/staff/events/{hall.slug}/{path}"
    fields = {"phase": "live", "do": "remove", "url": "https://vimeo.com/1", "note": "x"}
    assert client.post(url, data=fields).status_code in (303, 400)  # nobody signed in
    sign_in(client, make_staff(StaffRole.DOOR, hall.event))
    assert post(client, url, **fields).status_code == 403
    sign_in(client, make_staff(StaffRole.ORGANISER, make_event()))
    assert post(client, url, **fields).status_code == 404
    assert hall.status().json["revision"] == 0


def test_a_programme_in_another_direction_stands_by_itself(hall, client):
    event = hall.event
    save(AgendaItem(event_id=event.id, starts_at=event.starts_at, title="!ברוכים", note="(הבאים)"))
    for page in (
        hall.at(hall.starts - timedelta(hours=1)).page(),
        client.get(f"/events/{event.slug}"),
        client.get(f"/speaker/{make_speaker(event).key}"),
    ):
        assert "<bdi>!ברוכים</bdi>" in page.text
        assert "<bdi>(הבאים)</bdi>" in page.text
