"""The virtual door: its states by the clock and by staff, who may enter, and the streams."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from registration import lobby, rsvps, streams
from registration.database import db
from registration.lobby import LobbyState
from registration.models import (
    HOLD,
    Attendee,
    AuditEntry,
    Event,
    EventStatus,
    LobbyPhase,
    StreamKind,
    StreamSource,
)
from registration.parties import attendees
from registration.streams import StreamRefused
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_rsvp,
    make_staff,
    reschedule,
    save,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def state_at(event: Event, moment: datetime) -> LobbyState:
    return lobby.status_of(event, moment).state


def steer(event: Event, phase: LobbyPhase, now: datetime) -> None:
    streams.steer(event_id=event.id, phase=phase, staff_id=make_staff().id, now=now)


def add(event: Event, url: str = "https://youtu.be/abcdefghijk", now=None) -> StreamSource:
    return streams.add(
        event_id=event.id, url=url, label="", staff_id=make_staff().id, now=now or event.created_at
    )


def test_the_lobby_follows_the_clock_and_stays_open_when_an_event_runs_over(app):
    event = make_event(lobby_opens_minutes=15)
    starts, ends = event.starts_at, event.ends_at
    assert state_at(event, starts - 16 * MINUTE) is LobbyState.BEFORE
    assert state_at(event, starts - 15 * MINUTE) is LobbyState.OPEN
    assert state_at(event, starts) is LobbyState.LIVE
    assert state_at(event, ends + 29 * MINUTE) is LobbyState.LIVE
    assert state_at(event, ends + 30 * MINUTE) is LobbyState.ENDED
    event.recording_url = "https://video.example.org/1"
    assert state_at(event, ends + MINUTE) is LobbyState.RECORDING
    assert state_at(event, starts) is LobbyState.LIVE
    event.status = EventStatus.CANCELLED
    assert state_at(event, starts) is LobbyState.CANCELLED


def test_staff_open_early_keep_live_and_end(app, now):
    event = make_event(starts_at=now + 2 * HOUR)
    steer(event, LobbyPhase.OPEN, now)
    assert state_at(event, now) is LobbyState.OPEN
    assert state_at(event, event.starts_at) is LobbyState.LIVE
    steer(event, LobbyPhase.LIVE, now)
    assert state_at(event, now) is LobbyState.LIVE
    assert state_at(event, event.ends_at + 3 * HOUR) is LobbyState.LIVE
    assert state_at(event, event.ends_at + 12 * HOUR) is LobbyState.ENDED
    steer(event, LobbyPhase.ENDED, now)
    assert state_at(event, event.starts_at) is LobbyState.ENDED
    steer(event, LobbyPhase.SCHEDULED, now)
    assert state_at(event, now) is LobbyState.BEFORE


def test_what_staff_said_is_forgotten_when_the_event_moves_to_another_day(app, now):
    event = make_event(starts_at=now + HOUR)
    steer(event, LobbyPhase.ENDED, now)
    starts_at = now + timedelta(days=7)
    reschedule(
        event_id=event.id, starts_at=starts_at, ends_at=starts_at + HOUR, staff_id=None, now=now
    )
    assert state_at(event, now) is LobbyState.BEFORE
    assert state_at(event, starts_at) is LobbyState.LIVE


def test_what_staff_said_on_the_day_holds_when_the_event_starts_later_that_day(app, now):
    event = make_event(starts_at=now + HOUR)
    steer(event, LobbyPhase.OPEN, now)
    starts_at = now + 3 * HOUR
    reschedule(
        event_id=event.id, starts_at=starts_at, ends_at=starts_at + HOUR, staff_id=None, now=now
    )
    assert state_at(event, now) is LobbyState.OPEN


def test_nobody_opens_the_lobby_more_than_a_day_before(app, now):
    event = make_event(starts_at=now + timedelta(days=14))
    with pytest.raises(StreamRefused, match="until the day before"):
        steer(event, LobbyPhase.OPEN, now)
    a_day_before = event.starts_at - timedelta(days=1)
    assert state_at(event, a_day_before) is LobbyState.BEFORE
    steer(event, LobbyPhase.OPEN, a_day_before)
    assert state_at(event, a_day_before) is LobbyState.OPEN


def test_each_change_counts_the_revision_up_and_is_in_the_log(app, now):
    event = make_event(starts_at=now)
    first, second = add(event), add(event, "https://vimeo.com/12345")
    staff_id = make_staff().id
    who = {"event_id": event.id, "staff_id": staff_id, "now": now}

    def kept() -> lobby.Status:
        db.session.rollback()
        return lobby.status_of(event, now)

    assert (kept().state, kept().revision) == (LobbyState.LIVE, 2)
    streams.switch(source_id=second.id, **who)
    assert (kept().state, kept().revision) == (LobbyState.BACKUP, 3)
    streams.switch(source_id=first.id, **who)
    assert (kept().state, kept().revision) == (LobbyState.LIVE, 4)
    streams.say(note=" Five minutes late ", **who)
    assert (kept().note, kept().revision) == ("Five minutes late", 5)
    streams.change(source_id=second.id, url="https://vimeo.com/67890", label="B", **who)
    assert lobby.sources_of(event)[1].url == "https://player.vimeo.com/video/67890"
    assert kept().revision == 6
    streams.remove(source_id=second.id, **who)
    assert (len(lobby.sources_of(event)), kept().revision) == (1, 7)
    streams.steer(phase=LobbyPhase.ENDED, **who)
    assert (kept().state, kept().revision) == (LobbyState.ENDED, 8)
    log = select(AuditEntry.action).order_by(AuditEntry.id)
    assert db.session.scalars(log).all() == [
        "stream.added",
        "stream.added",
        "lobby.source",
        "lobby.source",
        "lobby.note",
        "stream.changed",
        "stream.removed",
        "lobby.ended",
    ]


def test_the_source_on_air_may_be_taken_away(app, now):
    event = make_event(starts_at=now)
    first, second = add(event), add(event, "https://vimeo.com/12345")
    who = {"event_id": event.id, "staff_id": make_staff().id, "now": now}
    streams.switch(source_id=second.id, **who)
    streams.remove(source_id=second.id, **who)
    assert lobby.on_air(lobby.sources_of(event)).id == first.id
    with pytest.raises(LookupError):
        streams.switch(source_id=add(make_event()).id, **who)


def test_a_switch_takes_no_other_event_off_its_own_source(app, now):
    events = [make_event(starts_at=now) for _both in range(2)]
    for event in events:
        add(event)
        backup = add(event, "https://vimeo.com/12345")
        streams.switch(event_id=event.id, source_id=backup.id, staff_id=make_staff().id, now=now)
    assert {state_at(event, now) for event in events} == {LobbyState.BACKUP}


def test_a_party_that_enters_is_counted_once(app, now):
    stream = make_option(make_event(starts_at=now, guests_max=1), mode="virtual")
    rsvp = make_rsvp(stream, guests=["Bola"])
    assert lobby.enter(rsvp_id=make_rsvp(stream).id, now=now - MINUTE), "others were there before"
    assert lobby.enter(rsvp_id=rsvp.id, now=now)
    assert lobby.enter(rsvp_id=rsvp.id, now=now + HOUR)
    joined = db.session.scalars(select(Attendee.joined_at).where(Attendee.rsvp_id == rsvp.id))
    assert joined.all() == [now, now]


def test_who_has_no_place_online_does_not_enter(app, now):
    event = make_event(starts_at=now + 10 * MINUTE)
    room = make_option(event, capacity=1)
    stream = make_option(event, mode="virtual")
    seated, waiting = make_rsvp(room), make_rsvp(room)
    gone = make_rsvp(stream)
    rsvps.cancel(rsvp_id=gone.id, now=now)
    early = make_rsvp(make_hybrid()[1])
    for rsvp in (seated, waiting, gone, early):
        assert not lobby.enter(rsvp_id=rsvp.id, now=now)
    assert (
        db.session.scalar(select(Attendee.joined_at).where(Attendee.joined_at.is_not(None))) is None
    )


def test_switching_to_watch_on_the_morning_frees_the_seat(app, now):
    event = make_event(starts_at=now + HOUR)
    room, stream = make_option(event, capacity=1), make_option(event, mode="virtual")
    seated, waiting = make_rsvp(room), make_rsvp(room)
    rsvps.switch(rsvp_id=seated.id, option_id=stream.id, now=now)
    db.session.expire_all()
    assert waiting.is_confirmed
    assert lobby.enter(rsvp_id=seated.id, now=event.starts_at)
    assert attendees(seated)[0].joined_at == event.starts_at


def test_a_source_knows_whether_it_plays_in_our_page(app):
    event = make_event()
    assert add(event).kind is StreamKind.EMBED
    assert add(event, "https://example.zoom.us/j/1").kind is StreamKind.REDIRECT
    app.config["PLAYER_ORIGINS"] = ("https://live.example.org",)
    try:
        assert add(event, "https://live.example.org/hall").kind is StreamKind.EMBED
    finally:
        app.config["PLAYER_ORIGINS"] = ()


@pytest.mark.parametrize(
    "url",
    ["", "http://youtu.be/abcdefghijk", "javascript:alert(1)", "https://", "https://a b.example"],
)
def test_what_is_no_address_is_refused_and_changes_nothing(app, url):
    event = make_event()
    with pytest.raises(StreamRefused):
        add(event, url)
    assert db.session.scalars(select(StreamSource)).all() == []
    assert db.session.get_one(Event, event.id, populate_existing=True).lobby_revision == 0


def test_a_recording_is_kept_at_the_address_where_it_is_watched(app, now):
    event = save(make_event(updated_at=now - HOUR))
    streams.record(
        event_id=event.id,
        recording_url="https://www.youtube.com/embed/abcdefghijk",
        minutes=88,
        transcript_url="",
        audio_url="",
        slides_url="https://files.example.org/slides.pdf",
        staff_id=make_staff().id,
        now=now,
    )
    db.session.refresh(event)
    assert event.recording_url == "https://www.youtube.com/watch?v=abcdefghijk"
    assert event.recording_minutes == 88
    assert event.updated_at == now, "feeds have it as news"


def test_lobbies_ask_seldom_long_before_often_when_it_matters_and_less_where_very_many_do(app):
    event = make_event()
    opens = event.lobby_opens_at

    def pause(moment: datetime) -> int:
        return lobby.status_of(event, moment).ask_again

    pauses = [pause(opens - after) for after in (2 * HOUR, 30 * MINUTE, -MINUTE)]
    assert pauses == [60, 5, 5], "staff may open the door before its time"
    assert pause(event.starts_at) == 5
    event.lobby_phase = LobbyPhase.LIVE
    assert pause(event.ends_at + HOUR) == 5, "staff keep it live"
    event.lobby_phase = LobbyPhase.ENDED
    assert pause(event.starts_at) == 5, "staff may have ended it too soon"
    overrun = event.ends_at + lobby.OVERRUN / 2
    assert pause(overrun) == 5, "also while events run over"
    event.recording_url = "https://youtu.be/abcdefghijk"
    assert pause(event.starts_at) == 5, "also where the recording's address is known before"
    assert pause(event.ends_at + HOUR) == 0
    event.lobby_phase, event.recording_url = LobbyPhase.SCHEDULED, ""
    assert pause(event.ends_at + HOUR) == 60
    make_option(event, mode="virtual", seats_taken=20_000)
    assert pause(event.starts_at) == 25
    event.status, event.cancelled_at = EventStatus.CANCELLED, event.starts_at
    assert pause(event.starts_at) == 25, "it may be taken back"
    assert pause(event.starts_at + HOLD) == 0
