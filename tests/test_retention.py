"""What goes by itself after an event, and what stays of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from registration import (
    cloning,
    doctor,
    events,
    exports,
    growth,
    programme,
    reminders,
    retention,
    roster,
    rsvps,
    speakers,
    speaking,
    subscriptions,
)
from registration.admission import RsvpRefused
from registration.clock import Calendar
from registration.database import db
from registration.events import Draft
from registration.models import (
    LIVE,
    Answer,
    AttendanceOption,
    Attendee,
    AuditEntry,
    ErasureKind,
    Event,
    ImportKind,
    Invitation,
    OutboxMail,
    PendingImport,
    Rsvp,
    SearchWord,
    Speaker,
    SpeakerStatus,
    Unsubscribe,
)
from registration.roster import Filters
from registration.speaking import Profile
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
    reschedule,
    save,
)

DAY = timedelta(days=1)


def erase_all(now: object) -> int:
    """Let the clock go on until nothing is due; how many turns it took."""
    turns = 0
    while retention.erase_due(now=now):  # type: ignore[arg-type]
        turns += 1
        assert turns < 100, "it goes round and round"
    db.session.expire_all()
    return turns


def names() -> list[str]:
    return list(db.session.scalars(select(Rsvp.name).order_by(Rsvp.id)))


def entries(action: str) -> list[dict[str, object]]:
    wanted = select(AuditEntry.detail).where(AuditEntry.action == action)
    return list(db.session.scalars(wanted.order_by(AuditEntry.id)))


def keep_list(event: Event, at: object) -> None:
    save(
        PendingImport(
            event_id=event.id, staff_id=make_staff().id, kind=ImportKind.RSVPS, file_name="a.csv",
            cells=b"", created_at=at,
        )
    )  # fmt: skip


def lists() -> int | None:
    return db.session.scalar(select(func.count()).select_from(PendingImport))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two RSVPs in a transaction."""
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "_INVITATIONS", 2)


class TestTheDate:
    def test_of_what_is_said_about_access_is_set_by_the_house(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        room, _stream = make_hybrid(retention_days=30)
        make_rsvp(room, needs_step_free=True, access_note="A chair with arms")
        monkeypatch.setitem(app.config, "SENSITIVE_DAYS", 3)
        due, noted = room.event.ends_at + 3 * DAY, select(Rsvp.access_note)
        assert not erase_all(due - timedelta(seconds=1))
        assert db.session.scalar(noted) == "A chair with arms"
        assert erase_all(due)
        assert db.session.scalar(noted) == ""

    def test_is_so_many_days_after_the_end(self, app: Flask):
        room, _stream = make_hybrid(retention_days=30)
        make_rsvp(room, name="Amina Okonkwo")
        due = room.event.ends_at + 30 * DAY
        erase_all(due - timedelta(seconds=1))
        assert names() == ["Amina Okonkwo"]
        erase_all(due)
        assert names() == [""]

    def test_moves_with_the_event(self, app: Flask):
        room, _stream = make_hybrid(retention_days=30)
        make_rsvp(room, name="Amina Okonkwo")
        event = room.event
        due = event.ends_at + 30 * DAY
        reschedule(
            event_id=event.id,
            starts_at=event.starts_at + 60 * DAY,
            ends_at=event.ends_at + 60 * DAY,
            staff_id=None,
            now=NOW,
        )
        erase_all(due)
        assert names() == ["Amina Okonkwo"]

    def test_that_nobody_has_set_never_comes(self, app: Flask):
        room, _stream = make_hybrid()
        make_rsvp(room, name="Amina Okonkwo")
        erase_all(NOW + 3650 * DAY)
        assert names() == ["Amina Okonkwo"]

    def test_is_set_for_every_new_event_and_for_copies_of_old_ones(self, app: Flask):
        old = make_event()
        start = NOW + DAY
        draft = Draft(title="New", starts_at=start, ends_at=start + DAY, time_zone="UTC")
        made = events.create(draft=draft, staff_id=None, now=NOW)
        copy = cloning.clone(event_id=old.id, staff_id=None, now=NOW)
        kept = cloning.clone(event_id=make_event(retention_days=7).id, staff_id=None, now=NOW)
        assert (made.retention_days, copy.retention_days, kept.retention_days) == (90, 90, 7)

    def test_comes_once(self, app: Flask):
        room, _stream = make_hybrid(retention_days=30)
        make_rsvp(room)
        due = room.event.ends_at + 30 * DAY
        erase_all(due)
        assert erase_all(due + 30 * DAY) == 0
        assert retention.personal_erased_at(room.event) == due
        assert entries("event.personal_erased") == [{"rsvps": 1}]

    def test_comes_again_for_an_event_that_is_held_again(self, app: Flask):
        room, _stream = make_hybrid(retention_days=30)
        event = room.event
        make_rsvp(room)
        due = event.ends_at + 30 * DAY
        erase_all(due)
        later = event.ends_at + 90 * DAY
        reschedule(event_id=event.id, starts_at=later - DAY, ends_at=later, staff_id=None, now=due)
        make_rsvp(room, name="Amina Okonkwo", now=due)
        assert retention.personal_erased_at(event) is None
        erase_all(later + 30 * DAY)
        assert names() == ["", ""]


class TestPersonalData:
    def test_goes_whole_and_every_number_stays(self, app: Flask, small: None):
        event = make_event(retention_days=30, guests_max=2)
        room, stream = make_option(event, capacity=4), make_option(event, mode="virtual")
        question = make_question(event)
        for number in range(5):
            make_rsvp(
                room,
                name=f"Zebedee {number}",
                email=f"zebedee{number}@quagmire.example",
                guests=["Ottoline"] if number < 2 else (),
                answers={question.id: {"text": "Violins"}},
                needs_captions=number < 2,
                meanwhile_option_id=stream.id if number == 4 else None,
            )
        rsvps.cancel(rsvp_id=1, now=NOW)
        for number in range(5):
            make_invitation(event, email=f"quagmire{number}@example.org", organisation="zebedee")
        other = make_rsvp(make_option(), name="Amina Okonkwo")
        before = _numbers(event)

        assert erase_all(event.erases_at) > 3
        db.session.expire_all()
        assert _numbers(event) == before
        assert _is_sound()
        assert not db.session.scalar(select(func.count()).select_from(Answer))
        said = [
            *db.session.scalars(select(Rsvp.email).where(Rsvp.event_id == event.id)),
            *db.session.scalars(select(Attendee.name)),
            *db.session.scalars(select(OutboxMail.recipient)),
            *db.session.scalars(select(OutboxMail.key)),
            *db.session.scalars(select(Invitation.email)),
            *db.session.scalars(select(Invitation.organisation)),
            *db.session.scalars(select(SearchWord.word)),
        ]
        assert not [text for text in said if "zebedee" in text or "quagmire" in text]
        assert "Ottoline" not in said
        db.session.refresh(other)
        assert (other.name, other.erased_at) == ("Amina Okonkwo", None)

    def test_goes_of_each_of_two_events_that_end_together(self, app: Flask, small: None):
        here, there = (make_option(make_event(retention_days=30)) for _event in range(2))
        for option in (here, there, there, there):
            make_rsvp(option, name="Zebedee")
        erase_all(here.event.erases_at)
        assert names() == [""] * 4

    def test_goes_of_its_event_alone_and_what_staff_did_stays_in_the_log(self, app: Flask):
        event, other = make_event(retention_days=30), make_event()
        address = "zebedee@quagmire.example"
        for each in (event, other):
            make_invitation(each, email=address)
            subscriptions.unsubscribe(email=address, event_id=each.id, everything=False, now=NOW)
            exports.hand_out(exports.Export(each, Filters(search="zebedee")), now=NOW)
        about = {"seen": "", "staff_id": None, "now": NOW}
        events.edit(event_id=event.id, changes={"title": "Bells"}, **about)
        edited = entries("event.edited")
        erase_all(event.erases_at)
        gone_at = [retention.personal_erased_at(each) for each in (event, other)]
        assert gone_at == [event.erases_at, None]
        invited = select(Invitation.event_id).where(Invitation.email == address)
        assert db.session.scalars(invited).all() == [other.id]
        assert db.session.scalars(select(Unsubscribe.event_id)).all() == [other.id]
        assert [detail.get("address") for detail in entries("mailing.unsubscribed")] == [
            None,
            address,
        ]
        exported = entries("export.csv")
        assert [detail["search"] for detail in exported] == ["", "zebedee"]
        assert entries("event.edited") == edited != [{}]

    def test_goes_on_where_a_worker_was_killed(self, app: Flask, small: None):
        room, _stream = make_hybrid(retention_days=30)
        for number in range(6):
            make_rsvp(room, name=f"Person {number}")
        due = room.event.erases_at
        while not any(name == "" for name in names()):
            retention.erase_due(now=due)
        assert any(names())
        assert retention.personal_erased_at(room.event) is None
        erase_all(due + DAY)
        assert names() == [""] * 6
        assert entries("event.personal_erased") == [{"rsvps": 6}]
        assert _is_sound()

    def test_lists_that_were_not_taken_in_go_too(self, app: Flask):
        event = make_event(retention_days=30)
        keep_list(event, event.erases_at)
        keep_list(make_event(), event.erases_at)
        erase_all(event.erases_at)
        assert lists() == 1, "that of the other event"

    def test_lists_that_were_not_taken_in_go_after_a_day(self, app: Flask):
        keep_list(make_event(), NOW)
        Calendar(ticks=lambda: 0.0).turn(NOW + DAY - timedelta(seconds=1))
        assert lists() == 1
        Calendar(ticks=lambda: 0.0).turn(NOW + DAY)
        assert lists() == 0

    def test_an_event_that_is_moved_at_the_last_moment_keeps_everything(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        room, _stream = make_hybrid(retention_days=30)
        rsvp_id = make_rsvp(room, access_note="A chair with arms").id
        event_id, due = room.event_id, retention.sensitive_due_at(room.event)
        look = retention._next_chunk

        def moved_meanwhile(kind: object, number: int) -> object:
            found = look(kind, number)  # type: ignore[arg-type]
            event = db.session.get_one(Event, event_id)
            event.starts_at, event.ends_at = due, due + timedelta(hours=1)
            db.session.commit()
            return found

        monkeypatch.setattr(retention, "_next_chunk", moved_meanwhile)
        retention.erase_due(now=due)
        kept = db.session.get_one(Rsvp, rsvp_id, populate_existing=True)
        assert kept.access_note == "A chair with arms"

    def test_a_worker_that_looked_too_early_passes_nobody_over(
        self, app: Flask, small: None, monkeypatch: pytest.MonkeyPatch
    ):
        """Before it has the lock the event's end is corrected, and its erasure begins anew."""
        room, _stream = make_hybrid(retention_days=90)
        first_id, *_others = [make_rsvp(room, access_note="A chair").id for _rsvp in range(3)]
        event_id, due = room.event_id, retention.sensitive_due_at(room.event)
        retention.erase_due(now=due)
        look = retention._next_chunk

        def corrected_meanwhile(kind: object, number: int) -> object:
            monkeypatch.setattr(retention, "_next_chunk", look)
            found = look(kind, number)  # type: ignore[arg-type]
            db.session.get_one(Event, event_id).ends_at -= timedelta(minutes=5)
            first = db.session.get_one(Rsvp, first_id)
            first.access_note, first.has_needs = "A chair with arms", True
            db.session.commit()
            return found

        monkeypatch.setattr(retention, "_next_chunk", corrected_meanwhile)
        erase_all(due)
        assert set(db.session.scalars(select(Rsvp.access_note))) == {""}

    def test_the_clock_sees_to_it(self, app: Flask):
        room, _stream = make_hybrid(retention_days=30)
        make_rsvp(room)
        calendar, due = Calendar(ticks=lambda: 0.0), room.event.erases_at
        assert due is not None
        while calendar.turn(due):
            pass
        assert names() == [""]

    def test_comes_also_where_reminders_fail(self, app: Flask, monkeypatch: pytest.MonkeyPatch):
        def broken(**_arguments: object) -> int:
            raise RuntimeError("a row that nobody has foreseen")

        monkeypatch.setattr(reminders, "send_due", broken)
        room, _stream = make_hybrid(retention_days=30)
        make_rsvp(room)
        assert room.event.erases_at is not None
        with pytest.raises(ExceptionGroup, match="not all that was due"):
            Calendar(ticks=lambda: 0.0).turn(room.event.erases_at)
        assert names() == [""]


class TestWhatIsSensitive:
    def test_goes_soon_and_the_rest_stays(self, app: Flask, small: None):
        event = make_event(retention_days=90)
        room = make_option(event)
        open_one = make_question(event)
        diet = make_question(event, label="What do you not eat?", is_sensitive=True)
        for number in range(3):
            make_rsvp(
                room,
                name=f"Person {number}",
                needs_step_free=number > 0,
                access_note="A ramp",
                answers={open_one.id: {"text": "Water"}, diet.id: {"text": "Nuts"}},
            )
        soon = event.ends_at + 14 * DAY
        erase_all(soon - timedelta(seconds=1))
        assert db.session.scalar(select(func.count()).where(Rsvp.has_needs)) == 3
        erase_all(soon)
        assert not db.session.scalar(select(func.count()).where(Rsvp.has_needs))
        assert set(db.session.scalars(select(Rsvp.access_note))) == {""}
        assert set(db.session.scalars(select(Answer.label))) == {open_one.label}
        assert names() == ["Person 0", "Person 1", "Person 2"]
        assert entries("event.sensitive_erased") == [{"rsvps": 3}]
        assert retention.personal_erased_at(event) is None

    def test_leaves_its_numbers(self, app: Flask, small: None):
        event = make_event(retention_days=90)
        room = make_option(event)
        for number in range(5):
            make_rsvp(room, needs_captions=number < 3, needs_step_free=number == 4)
        asked = {"step_free": 1, "sign_language": 0, "captions": 3}
        assert growth.needs_of(event) == asked
        retention.erase_due(now=event.ends_at + 14 * DAY)
        assert growth.needs_of(event) == asked
        erase_all(event.ends_at + 14 * DAY)
        assert growth.needs_of(event) == asked
        erase_all(event.erases_at)
        assert growth.needs_of(event) == asked

    def test_never_stays_longer_than_the_person(self, app: Flask):
        event = make_event(retention_days=2)
        assert retention.due_at(event, ErasureKind.SENSITIVE) == event.ends_at + 2 * DAY

    def test_goes_after_an_event_that_has_no_date_too(self, app: Flask):
        room, _stream = make_hybrid()
        make_rsvp(room, needs_captions=True)
        erase_all(room.event.ends_at + 14 * DAY)
        assert not db.session.scalar(select(func.count()).where(Rsvp.has_needs))


class TestSpeakers:
    """Of them stays what the event's page shows: it is the record."""

    def test_lose_soon_what_they_asked_for(self, app: Flask):
        event = make_event(retention_days=90)
        speaker = make_speaker(event, needs="A quiet room", pronunciation="LEE-zuh")
        elsewhere = make_speaker(make_event(starts_at=event.ends_at), needs="A ramp")
        soon = event.ends_at + 14 * DAY
        erase_all(soon - timedelta(seconds=1))
        assert speaker.needs == "A quiet room"
        erase_all(soon)
        assert elsewhere.needs == "A ramp"
        assert (speaker.needs, speaker.pronunciation) == ("", "LEE-zuh")
        profile = Profile(name="Lise", position="Director", needs="A chair")
        speaking.save_profile(speaker_id=speaker.id, profile=profile, now=soon)
        db.session.refresh(speaker)
        assert (speaker.name, speaker.needs) == ("Lise", "")

    def test_bring_nothing_back_that_the_page_does_not_show(self, app: Flask):
        event = make_event(retention_days=90)
        on_it = make_speaker(event, status=SpeakerStatus.CONFIRMED)
        not_on_it = make_speaker(event, status=SpeakerStatus.DECLINED)
        erase_all(event.erases_at)
        profile = Profile(name="Lise", position="Director", pronunciation="LEE-zuh")
        save = {"profile": profile, "now": event.erases_at}
        speaking.save_profile(speaker_id=on_it.id, **save)
        with pytest.raises(speakers.SpeakerRefused):
            speaking.save_profile(speaker_id=not_on_it.id, **save)
        db.session.rollback()
        assert (on_it.name, on_it.pronunciation) == ("Lise", "")
        assert not_on_it.name == ""

    def test_lose_on_the_day_what_is_not_on_the_page(self, app: Flask):
        event = make_event(retention_days=90)
        on_it, not_on_it = (
            make_speaker(event, name=name, email=f"{name}@quagmire.example", bio=f"{name}, a life")
            for name in ("lise", "zebedee")
        )
        on_it.pronunciation, on_it.room = "LEE-zuh", "The green room"
        on_it.green_room_url = "https://meet.example.org/green"
        staff_id = make_staff().id
        for speaker in (on_it, not_on_it):
            speakers.invite(speaker_id=speaker.id, staff_id=staff_id, now=NOW)
        for speaker, says in ((on_it, True), (not_on_it, False)):
            speaking.answer(speaker_id=speaker.id, will_speak=says, now=NOW)
        rows = programme.rows_of(event, "people")
        rows[1]["email"] = "zebedee@morass.example"
        programme.save(
            event_id=event.id, name="people", rows=rows, seen="", staff_id=staff_id, now=NOW
        )
        elsewhere = make_speaker(make_event(), name="Amina", pronunciation="a-MEE-na")
        speakers.invite(speaker_id=elsewhere.id, staff_id=staff_id, now=NOW)
        theirs = [row | {"bio": "A life"} for row in programme.rows_of(elsewhere.event, "people")]
        about = {"name": "people", "seen": "", "staff_id": staff_id, "now": NOW}
        programme.save(event_id=elsewhere.event_id, rows=theirs, **about)
        erase_all(event.erases_at)
        assert (on_it.name, on_it.bio, on_it.email) == ("lise", "lise, a life", "")
        assert (on_it.pronunciation, on_it.room, on_it.green_room_url) == ("", "", "")
        assert on_it.told == {}
        assert (not_on_it.name, not_on_it.bio) == ("", "")
        assert not_on_it.status is SpeakerStatus.DECLINED
        assert (elsewhere.name, elsewhere.pronunciation) == ("Amina", "a-MEE-na")
        to_them = select(OutboxMail.recipient).where(OutboxMail.speaker_id == elsewhere.id)
        assert db.session.scalars(to_them).all() == [elsewhere.email]
        assert entries("event.edited")[0] == {"part": "people"} != entries("event.edited")[1]
        said = [
            *db.session.scalars(select(OutboxMail.recipient)),
            *db.session.scalars(select(OutboxMail.recipient_name)),
            *db.session.scalars(select(OutboxMail.key)),
            *map(str, db.session.scalars(select(OutboxMail.facts))),
            *map(str, db.session.scalars(select(AuditEntry.detail))),
            *db.session.scalars(select(Speaker.search_text)),
        ]
        assert not [text for text in said if any(w in text for w in ("zeb", "quagmire", "morass"))]


def test_an_event_that_is_over_takes_nobody_in_after_its_erasure(app: Flask) -> None:
    room, _stream = make_hybrid(retention_days=1)
    erase_all(room.event.erases_at)
    with pytest.raises(RsvpRefused):
        make_rsvp(room, now=room.event.erases_at)


def _numbers(event: Event) -> object:
    options = select(
        AttendanceOption.seats_taken, AttendanceOption.waiting, AttendanceOption.id
    ).order_by(AttendanceOption.id)
    return (
        roster.counts_of(event),
        growth.of(event, event.ends_at),
        growth.sources_of(event),
        growth.needs_of(event),
        db.session.execute(options).all(),
        db.session.scalar(select(func.count()).select_from(Attendee)),
        db.session.scalar(select(func.count()).where(Rsvp.status.in_(LIVE))),
        db.session.scalar(select(func.count()).select_from(Invitation)),
    )


def _is_sound() -> bool:
    return all(finding.is_fine for finding in doctor.counters())


def test_an_operator_is_told_of_what_is_late_and_does_it_by_hand(app: Flask) -> None:
    room, _stream = make_hybrid(retention_days=30)
    make_rsvp(room, name="Amina Okonkwo")
    due = room.event.erases_at
    app.config["NOW"] = lambda: due + 2 * DAY
    assert any("a day late" in finding.text for finding in doctor.examine(now=due + 2 * DAY))
    answer = app.test_cli_runner().invoke(args=["purge"])
    assert answer.exit_code == 0, answer.output
    db.session.expire_all()
    assert names() == [""]
    assert not any("a day late" in finding.text for finding in doctor.examine(now=due + 2 * DAY))
