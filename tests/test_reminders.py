"""What the clock mails: reminders, follow-ups, digests; each once, late or not at all."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from pydantic import ValidationError
from sqlalchemy import select

from registration import (
    announcements,
    approvals,
    audit,
    claims,
    departures,
    digests,
    erasure,
    invitations,
    reminders,
    rendering,
    replies,
    rsvps,
    staff,
    streams,
    walkins,
)
from registration.clock import Calendar
from registration.database import db, transaction
from registration.imip import Reply
from registration.listing import options_of
from registration.mime import CalendarMessage
from registration.models import (
    AttendanceMode,
    Event,
    EventStatus,
    MailKind,
    MailState,
    OutboxMail,
    ReminderRound,
    Role,
    Rsvp,
    SpeakerStatus,
    Staff,
    StaffRole,
)
from registration.parties import Details
from registration.settings import Settings
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_rsvp,
    make_speaker,
    make_staff,
    reschedule,
    save,
)

START = NOW.replace(hour=15) + timedelta(days=13)  # of the factory's events
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BY_CLOCK = (MailKind.REMINDER, MailKind.FOLLOW_UP, MailKind.SPEAKER_REMINDER)


def run_until_done(moment: datetime) -> None:
    while reminders.send_due(now=moment):
        pass


def mailed(*kinds: MailKind) -> list[tuple[str, str]]:
    """Who was mailed which round."""
    db.session.rollback()
    rows = db.session.scalars(
        select(OutboxMail).where(OutboxMail.kind.in_(kinds or BY_CLOCK)).order_by(OutboxMail.id)
    )
    return [(row.facts["round"], row.recipient) for row in rows]


def change(event_id: int, **values: Any) -> None:
    with transaction():
        event = db.session.get_one(Event, event_id)
        for name, value in values.items():
            setattr(event, name, value)


@pytest.fixture
def hybrid(app: Flask) -> int:
    """An event with Amina in the room, Bo online and Chi waiting; its id."""
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room, email="amina@example.org")
    make_rsvp(stream, email="bo@example.org")
    make_rsvp(room, email="chi@example.org")
    return room.event_id


class TestBefore:
    def test_all_confirmed_are_reminded_a_day_before_and_those_online_an_hour_before(
        self, hybrid: int
    ):
        run_until_done(START - DAY - MINUTE)
        assert mailed() == []
        run_until_done(START - DAY)
        assert mailed() == [("day", "amina@example.org"), ("day", "bo@example.org")]
        run_until_done(START - HOUR - MINUTE)
        assert mailed()[2:] == []
        run_until_done(START - HOUR)
        assert mailed()[2:] == [("hour", "bo@example.org")]

    def test_however_often_the_clock_looks_each_is_reminded_once(self, hybrid: int):
        for minute in range(0, 1441, 60):
            run_until_done(START - DAY + timedelta(minutes=minute))
        assert len(mailed()) == 3

    def test_a_worker_that_was_down_reminds_late_while_it_is_of_use(self, hybrid: int):
        run_until_done(START - timedelta(hours=4))
        assert [which for which, _ in mailed()] == ["day", "day"]

    def test_a_worker_that_was_down_too_long_drops_it(self, hybrid: int):
        make_speaker(db.session.get_one(Event, hybrid), status=SpeakerStatus.CONFIRMED)
        run_until_done(START - timedelta(hours=2))
        assert mailed() == []
        run_until_done(START)
        assert mailed() == []

    def test_who_has_just_been_confirmed_has_had_it_all(self, hybrid: int):
        stream = db.session.get_one(Event, hybrid)
        option = make_option(stream)
        make_rsvp(option, email="late@example.org", now=START - timedelta(hours=10))
        run_until_done(START - timedelta(hours=9))
        assert ("day", "late@example.org") not in mailed()

    def test_a_moved_event_reminds_of_its_new_start(self, hybrid: int):
        run_until_done(START - DAY)
        change(hybrid, starts_at=START + 7 * DAY, ends_at=START + 7 * DAY + HOUR)
        run_until_done(START - HOUR)
        assert len(mailed()) == 2
        run_until_done(START + 6 * DAY)
        run_until_done(START + 7 * DAY - HOUR)
        assert [which for which, _ in mailed()[2:]] == ["day", "day", "hour"]

    def test_an_event_moved_by_an_hour_after_the_reminder_reminds_no_second_time(self, hybrid: int):
        make_speaker(db.session.get_one(Event, hybrid), status=SpeakerStatus.CONFIRMED)
        run_until_done(START - DAY)
        change(hybrid, starts_at=START + HOUR, ends_at=START + 2 * HOUR)
        run_until_done(START - DAY + HOUR)
        assert len(mailed()) == 3
        run_until_done(START)
        assert mailed()[3:] == [("hour", "bo@example.org")]
        change(hybrid, starts_at=START + HOUR + MINUTE)
        run_until_done(START + MINUTE)
        assert len(mailed()) == 4

    def test_a_start_that_is_told_in_ten_minutes_is_told_by_no_reminder_before(self, hybrid: int):
        later = NOW + 2 * DAY
        typo = later + timedelta(hours=20)
        reschedule(event_id=hybrid, starts_at=typo, ends_at=typo + HOUR, staff_id=None, now=later)
        run_until_done(later + 9 * MINUTE)
        assert mailed() == []
        announcements.spread(now=later + 10 * MINUTE)
        run_until_done(later + 10 * MINUTE)
        assert mailed() == [("day", "amina@example.org"), ("day", "bo@example.org")]

    def test_events_at_one_hour_are_reminded_of_each_by_itself(self, hybrid: int):
        run_until_done(START - DAY)
        later, typo = START - DAY + HOUR, START + MINUTE
        reschedule(event_id=hybrid, starts_at=typo, ends_at=typo + HOUR, staff_id=None, now=later)
        change(hybrid, starts_at=START)
        make_rsvp(make_option(), email="dora@example.org")
        next_month = make_event(starts_at=START + 30 * DAY)
        make_rsvp(make_option(next_month), email="emil@example.org")
        make_speaker(next_month, status=SpeakerStatus.CONFIRMED)
        run_until_done(later)
        assert mailed()[2:] == [("day", "dora@example.org")]

    @pytest.mark.parametrize("status", [EventStatus.CANCELLED, EventStatus.DRAFT])
    def test_an_event_that_does_not_take_place_reminds_nobody(
        self, hybrid: int, status: EventStatus
    ):
        change(hybrid, status=status)
        run_until_done(START - DAY)
        assert mailed() == []

    def test_a_crowd_is_written_in_chunks_that_may_break_off(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(reminders, "CHUNK", 3)
        option = make_option()
        for number in range(7):
            make_rsvp(option, email=f"a{number}@example.org")
        assert reminders.send_due(now=START - DAY) == 3
        run_until_done(START - DAY)
        run_until_done(START - DAY + HOUR)
        assert mailed() == [("day", f"a{number}@example.org") for number in range(7)]

    def test_an_assistant_has_a_copy(self, app: Flask):
        make_rsvp(
            make_option(),
            email="amina@example.org",
            booked_by_email="office@example.org",
            booked_by_name="The Office",
        )
        run_until_done(START - DAY)
        assert mailed() == [("day", "amina@example.org"), ("day", "office@example.org")]

    def test_a_speaker_who_said_yes_is_reminded(self, app: Flask):
        event = make_event()
        make_speaker(
            event, name="Yara", email="yes@example.org", language="fr",
            status=SpeakerStatus.CONFIRMED, room="Studio 2",
        )  # fmt: skip
        make_speaker(event, email="silent@example.org", status=SpeakerStatus.INVITED)
        make_speaker(event, email="", status=SpeakerStatus.CONFIRMED)
        run_until_done(START - DAY)
        run_until_done(START - DAY + HOUR)
        assert mailed() == [("speakers", "yes@example.org")]
        row = db.session.scalars(select(OutboxMail)).one()
        message = rendering.render(row, now=START - DAY)
        assert (message.recipient_name, message.language) == ("Yara", "fr")
        assert "Studio 2" in message.body

    def test_a_reminder_to_a_party_opens_its_tickets(self, app: Flask):
        option = make_option(make_event(starts_at=START, guests_max=1))
        make_rsvp(option, guests=["Ben Okonkwo"])
        run_until_done(START - DAY)
        row = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.REMINDER)
        ).one()
        assert "Open my tickets:" in rendering.render(row, now=START - DAY).body

    def test_a_reminder_has_no_calendar_part_and_ways_to_add_it(self, hybrid: int):
        run_until_done(START - DAY)
        rows = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.REMINDER).order_by(OutboxMail.id)
        ).all()
        room, stream = (rendering.render(row, now=START - DAY) for row in rows)
        for message in (room, stream):
            assert message.calendar is None
            assert message.subject.startswith("Reminder: Event")
            assert "https://calendar.google.com/" in message.body
            assert "https://outlook.live.com/" in message.body
        assert len(room.images) == 1
        assert "/j/" in stream.body
        assert "/j/" not in room.body


class TestTheQueueCloses:
    """Who waited until the end is told so, and what is left to do."""

    CLOSES = START - DAY

    @pytest.fixture
    def waiting(self, hybrid: int) -> int:
        """Of the event with Chi waiting, Dora waits too and watches meanwhile; its id."""
        room, stream = options_of(db.session.get_one(Event, hybrid))
        dora = make_rsvp(room, email="dora@example.org")
        rsvps.watch_meanwhile(rsvp_id=dora.id, option_id=stream.id, now=NOW)
        change(hybrid, promotion_closes_at=self.CLOSES)
        return hybrid

    def letters(self, moment: datetime) -> dict[str, CalendarMessage]:
        """What was written of it, as it reads then, by its reader."""
        db.session.rollback()
        rows = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.QUEUE_CLOSED)
        ).all()
        return {row.recipient: rendering.render(row, now=moment) for row in rows}

    def test_all_who_still_wait_are_told_once(self, waiting: int):
        run_until_done(self.CLOSES - MINUTE)
        assert mailed(MailKind.QUEUE_CLOSED) == []
        run_until_done(self.CLOSES)
        run_until_done(self.CLOSES + HOUR)
        assert mailed(MailKind.QUEUE_CLOSED) == [
            ("queue_closed", "chi@example.org"),
            ("queue_closed", "dora@example.org"),
        ]

    def test_at_the_start_where_no_other_moment_is_set(self, waiting: int):
        change(waiting, promotion_closes_at=None)
        run_until_done(START - MINUTE)
        assert mailed(MailKind.QUEUE_CLOSED) == []
        run_until_done(START)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 2

    def test_each_reads_what_is_left_to_do(self, app: Flask, waiting: int):
        app.config["NOW"] = lambda: self.CLOSES
        run_until_done(self.CLOSES)
        letters = self.letters(self.CLOSES)
        chi, dora = letters["chi@example.org"], letters["dora@example.org"]
        for letter in (chi, dora):
            assert letter.subject.startswith("The queue has closed: Event")
            assert letter.calendar is None
            assert "No seat has come free" in letter.body
        assert "You can watch online: your page has the link." in chi.body
        assert "/j/" not in chi.body
        with transaction():
            for row in db.session.scalars(select(OutboxMail)):
                row.state, row.ended_at = MailState.SENT, self.CLOSES
            options_of(db.session.get_one(Event, waiting))[1].closes_at = START
        app.config["NOW"] = lambda: START
        assert self.letters(START)["chi@example.org"].body == chi.body, "as it went"
        assert "You keep your place online." in dora.body
        assert "/j/" in dora.body

    @pytest.mark.parametrize(
        "stream", [{"capacity": 0}, {"needs_approval": True}, {"closes_at": CLOSES}]
    )
    def test_nobody_is_sent_to_a_stream_that_does_not_take_them(
        self, app: Flask, waiting: int, stream: dict[str, Any]
    ):
        app.config["NOW"] = lambda: self.CLOSES
        with transaction():
            online = options_of(db.session.get_one(Event, waiting))[1]
            online.extra_seats = 2
            for name, value in stream.items():
                setattr(online, name, value)
        run_until_done(self.CLOSES)
        letter = self.letters(self.CLOSES)["chi@example.org"]
        assert "There is nothing more to do." in letter.body
        assert "online" not in letter.body

    def test_who_has_a_seat_in_another_room_keeps_that(self, app: Flask):
        hall = make_option(make_event(starts_at=START), label="Hall A", capacity=1)
        annex = make_option(hall.event, label="Annex")
        make_rsvp(hall, email="bo@example.org")
        rsvp = make_rsvp(annex, email="chi@example.org")
        rsvps.switch(rsvp_id=rsvp.id, option_id=hall.id, accepts_waiting=True, now=NOW)
        run_until_done(START)
        app.config["NOW"] = lambda: START
        body = self.letters(START)["chi@example.org"].body
        assert "What you have stays as it is: Annex." in body
        assert "online" not in body
        assert "Open my ticket" in body
        assert "/j/" not in body

    def test_who_waits_for_a_place_online_reads_of_a_place(self, app: Flask):
        stream = make_option(make_event(starts_at=START), mode=AttendanceMode.VIRTUAL, capacity=1)
        make_rsvp(stream, email="bo@example.org")
        make_rsvp(stream, email="chi@example.org")
        run_until_done(START)
        letter = self.letters(START)["chi@example.org"]
        assert "No place has come free" in letter.body
        assert "seat" not in letter.body

    def test_nobody_is_told_where_it_is_off_or_over_or_nobody_waits(self, waiting: int):
        change(waiting, status=EventStatus.CANCELLED)
        run_until_done(self.CLOSES)
        assert mailed(MailKind.QUEUE_CLOSED) == []
        change(waiting, status=EventStatus.PUBLISHED)
        run_until_done(START + DAY)
        assert mailed(MailKind.QUEUE_CLOSED) == []
        assert db.session.scalars(select(ReminderRound)).all() == []

    def test_a_queue_that_opens_again_with_the_event_is_told_when_it_closes_again(
        self, waiting: int
    ):
        run_until_done(self.CLOSES)
        change(waiting, starts_at=START + HOUR, ends_at=START + 2 * HOUR)
        run_until_done(self.CLOSES + HOUR)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 2
        week = 7 * DAY
        change(
            waiting,
            starts_at=START + week,
            ends_at=START + week + HOUR,
            promotion_closes_at=self.CLOSES + week,
        )
        run_until_done(self.CLOSES + week - MINUTE)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 2
        run_until_done(self.CLOSES + week)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 4

    def test_a_queue_that_staff_open_again_is_told_when_it_closes_again(self, waiting: int):
        run_until_done(self.CLOSES - 2 * DAY)
        change(waiting, promotion_closes_at=self.CLOSES - 2 * DAY)
        run_until_done(self.CLOSES - 2 * DAY)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 2
        change(waiting, promotion_closes_at=self.CLOSES)
        run_until_done(self.CLOSES - MINUTE)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 2
        run_until_done(self.CLOSES)
        run_until_done(self.CLOSES + HOUR)
        assert len(mailed(MailKind.QUEUE_CLOSED)) == 4

    def test_who_waits_after_a_queue_that_closed_empty_is_told_of_the_next_end(self, app: Flask):
        room, elsewhere = (make_option(make_event(), capacity=1) for _ in range(2))
        change(room.event_id, promotion_closes_at=self.CLOSES)
        for option, name in ((room, "amina"), (elsewhere, "bo"), (elsewhere, "chi")):
            make_rsvp(option, email=f"{name}@example.org")
        run_until_done(self.CLOSES)
        change(room.event_id, promotion_closes_at=self.CLOSES + HOUR)
        make_rsvp(room, email="dora@example.org")
        run_until_done(self.CLOSES + HOUR)
        assert mailed(MailKind.QUEUE_CLOSED) == [("queue_closed", "dora@example.org")]

    def test_a_seat_given_by_staff_meanwhile_is_what_one_hears_of(self, app: Flask, waiting: int):
        run_until_done(self.CLOSES)
        chi = db.session.scalars(select(Rsvp).where(Rsvp.email == "chi@example.org")).one()
        approvals.promote(
            rsvp_id=chi.id, staff_id=make_staff().id, now=self.CLOSES, beyond_capacity=True
        )
        states = dict(
            db.session.execute(
                select(OutboxMail.kind, OutboxMail.state).where(OutboxMail.rsvp_id == chi.id)
            ).all()  # type: ignore[arg-type]
        )
        assert states[MailKind.QUEUE_CLOSED] is MailState.SUPERSEDED
        assert states[MailKind.PROMOTED] is MailState.WAITING


class TestOfUse:
    """A reminder that waited too long in the outbox."""

    def deliverable(self, app: Flask, moment: datetime) -> list[str]:
        app.config["MAIL_SERVER"] = "127.0.0.1"
        try:
            claimed = claims.claim(now=moment)
        finally:
            app.config["MAIL_SERVER"] = ""
        with claims.Notes() as notes:
            made = list(departures.rendered(claimed, notes, moment))
        return [str(message.recipients[0]) for _, message in made if message is not None]

    def written(self, app: Flask) -> int:
        rsvp_id = make_rsvp(make_option(), email="amina@example.org").id
        with transaction():
            for row in db.session.scalars(select(OutboxMail)):
                row.state = MailState.SENT
        run_until_done(START - DAY)
        return rsvp_id

    def test_is_sent_while_it_is_of_use(self, app: Flask):
        self.written(app)
        assert self.deliverable(app, START - 5 * HOUR) == ["amina@example.org"]

    def test_is_dropped_when_it_is_too_late(self, app: Flask):
        self.written(app)
        assert self.deliverable(app, START - HOUR) == []
        last = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
        assert last is not None
        assert (last.state, last.last_error) == (MailState.SUPERSEDED, "of no use any more")

    def test_is_dropped_when_the_event_is_called_off(self, app: Flask):
        self.written(app)
        event = db.session.scalars(select(Event)).one()
        change(event.id, status=EventStatus.CANCELLED)
        assert self.deliverable(app, START - DAY) == []

    def test_gives_way_to_the_mail_of_a_cancellation(self, app: Flask):
        rsvp_id = self.written(app)
        rsvps.cancel(rsvp_id=rsvp_id, now=START - DAY)
        kinds = db.session.execute(select(OutboxMail.kind, OutboxMail.state)).all()
        assert (MailKind.REMINDER, MailState.SUPERSEDED) in [tuple(row) for row in kinds]


class TestAfter:
    def test_the_recording_is_announced_once_to_all_confirmed(self, hybrid: int):
        end = START + timedelta(minutes=90)
        run_until_done(end + HOUR)
        assert mailed(MailKind.FOLLOW_UP) == []
        change(hybrid, recording_url="https://video.example.org/1")
        run_until_done(end + 2 * HOUR)
        run_until_done(end + 3 * HOUR)
        assert mailed() == [
            ("follow_up", "amina@example.org"),
            ("follow_up", "bo@example.org"),
        ]

    def test_it_waits_ten_minutes_so_that_staff_can_look(self, hybrid: int):
        change(hybrid, recording_url="https://video.example.org/1")
        run_until_done(START + DAY)
        row = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.FOLLOW_UP)
        ).first()
        assert row is not None
        assert row.due_at == START + DAY + timedelta(minutes=10)
        message = rendering.render(row, now=START + DAY)
        assert "The recording of Event" in message.subject
        assert message.calendar is None

    def test_people_who_gave_no_address_keep_nobody_elses_mail(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(reminders, "CHUNK", 1)
        event = make_event(recording_url="https://video.example.org/1")
        option = make_option(event)
        walkins.walk_in(
            event_id=event.id, details=Details("Bo", ""), staff_id=make_staff().id, now=NOW
        )
        make_rsvp(option, email="amina@example.org")
        for _chunk in range(3):
            reminders.send_due(now=START + DAY)
        assert mailed(MailKind.FOLLOW_UP) == [("follow_up", "amina@example.org")]
        assert reminders.send_due(now=START + DAY) == 0

    def publish(self, event_id: int, address: str, moment: datetime) -> None:
        streams.record(
            event_id=event_id,
            recording_url=address,
            minutes=None,
            transcript_url="",
            audio_url="",
            slides_url="",
            staff_id=make_staff().id,
            now=moment,
        )

    def due(self) -> set[datetime]:
        follow_up = OutboxMail.kind == MailKind.FOLLOW_UP
        return set(db.session.scalars(select(OutboxMail.due_at).where(follow_up)))

    def test_no_mail_says_that_a_recording_is_ready_that_was_taken_away(self, hybrid: int):
        after = START + DAY
        self.publish(hybrid, "https://video.example.org/1", after)
        run_until_done(after)
        self.publish(hybrid, "", after + 3 * MINUTE)
        assert min(self.due()) > after + 30 * DAY
        self.publish(hybrid, "https://video.example.org/2", after + 2 * DAY)
        run_until_done(after + 2 * DAY)
        assert self.due() == {after + 2 * DAY + 10 * MINUTE}
        assert len(mailed(MailKind.FOLLOW_UP)) == 2

    def test_another_address_is_looked_at_for_ten_minutes_and_other_words_are_not(
        self, hybrid: int
    ):
        after = START + DAY
        self.publish(hybrid, "https://video.example.org/1", after)
        run_until_done(after)
        self.publish(hybrid, "https://video.example.org/1", after + 5 * MINUTE)
        assert self.due() == {after + 10 * MINUTE}
        self.publish(hybrid, "https://video.example.org/2", after + 9 * MINUTE)
        assert self.due() == {after + 19 * MINUTE}

    def test_a_recording_before_the_end_waits_and_one_of_years_ago_is_no_news(self, hybrid: int):
        change(hybrid, recording_url="https://video.example.org/1")
        run_until_done(START + HOUR)
        run_until_done(START + 100 * DAY)
        assert mailed(MailKind.FOLLOW_UP) == []


def make_account(role: StaffRole, email: str, **values: Any) -> Staff:
    found = db.session.scalars(select(Role).where(Role.name == role)).one_or_none()
    account = Staff(
        email=email,
        active=values.pop("active", True),
        password=values.pop("password", "a hash"),
        fs_uniquifier=secrets.token_hex(16),
        created_at=NOW,
        roles=[found or Role(name=role)],
        **values,
    )
    return save(account)


class TestDigest:
    def test_staff_are_mailed_the_numbers_of_the_day_once(self, app: Flask):
        make_account(StaffRole.ADMIN, "admin@example.org", name="Ada")
        door = make_account(StaffRole.DOOR, "door@example.org")
        make_account(StaffRole.ADMIN, "gone@example.org", active=False)
        make_account(StaffRole.ADMIN, "astray@example.org", password=None)
        rsvp = make_rsvp(make_option(make_event(title="Policing in Conflict")))
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        staff.change(account_id=door.id, staff_id=door.id, gains=[rsvp.event_id], now=NOW)
        with transaction():
            row = db.session.scalars(select(OutboxMail)).first()
            assert row is not None
            row.state, row.ended_at = MailState.FAILED, NOW
        assert digests.send("2026-11-24", now=NOW + DAY) == 1
        assert digests.send("2026-11-24", now=NOW + DAY + HOUR) == 0
        mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "staff")).one()
        message = rendering.render(mail, now=NOW)
        assert mail.recipient == "admin@example.org"
        assert message.subject == "Yesterday: 1 cancellation and 1 mail that could not be delivered"
        assert "Policing in Conflict: 1 cancellation" in message.body

    def test_a_seat_given_back_by_an_erasure_is_told_of_too(self, app: Flask):
        make_account(StaffRole.ADMIN, "admin@example.org")
        rsvp = make_rsvp(make_option())
        erasure.erase(rsvp_id=rsvp.id, staff_id=None, now=NOW)
        assert digests.send("2026-11-24", now=NOW + DAY) == 1
        mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "staff")).one()
        assert mail.facts["events"][0]["cancelled"] == 1

    @pytest.mark.parametrize("where", ["in a calendar", "at an invitation"])
    def test_a_seat_given_back_by_a_no_is_told_of_too(self, app: Flask, where: str):
        make_account(StaffRole.ADMIN, "admin@example.org")
        room = make_option()
        invited = make_invitation(room.event)
        rsvp = make_rsvp(room, email=invited.email)
        if where == "in a calendar":
            no = Reply(rsvp.ical_uid, rsvp.email, rsvp.email, "DECLINED", "digest", stamped_at=NOW)
            replies.take(no, now=NOW)
        else:
            invitations.decline(invitation_id=invited.id, now=NOW)
        assert digests.send("2026-11-24", now=NOW + DAY) == 1
        mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "staff")).one()
        assert mail.facts["events"][0]["cancelled"] == 1

    def test_an_organiser_reads_of_their_own_events_only(self, app: Flask):
        organiser = make_account(StaffRole.ORGANISER, "organiser@example.org")
        rsvp = make_rsvp(make_option())
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        assert organiser.id
        assert digests.send("2026-11-24", now=NOW + DAY) == 0

    def test_nobody_is_mailed_about_nothing(self, app: Flask):
        make_account(StaffRole.ADMIN, "admin@example.org")
        assert digests.send("2026-11-24", now=NOW + DAY) == 0

    @pytest.mark.parametrize(
        ("at", "day"),
        [
            # Clocks go back in the night to the 25th, which makes that day 25 hours long.
            ("2026-10-24T04:59:59+00:00", "2026-10-24"),
            ("2026-10-24T05:00:00+00:00", "2026-10-25"),
            ("2026-10-25T05:59:59+00:00", "2026-10-25"),
            ("2026-10-25T06:00:00+00:00", "2026-10-26"),
            # And forward in the night to the 28th of March.
            ("2027-03-28T04:59:59+00:00", "2027-03-28"),
            ("2027-03-28T05:00:00+00:00", "2027-03-29"),
        ],
    )
    def test_what_happens_is_told_once_however_late_the_worker_is(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, at: str, day: str
    ):
        monkeypatch.setitem(app.config, "DIGEST_TIME_ZONE", "Europe/Berlin")
        make_account(StaffRole.ADMIN, "admin@example.org")
        moment = datetime.fromisoformat(at)
        audit.record("rsvp.cancelled", now=moment, event_id=make_event().id)
        db.session.commit()
        told = []
        for days, hour in enumerate((20, 12, 8)):
            late = moment.replace(hour=hour) + days * DAY
            due = digests.due_on(late)
            assert due is not None
            if digests.send(due, now=late):
                told.append(due)
        assert told == [day]

    def test_after_days_without_a_worker_all_since_the_last_digest_is_told(self, app: Flask):
        make_account(StaffRole.ADMIN, "admin@example.org")
        event_id = make_event(title="Policing in Conflict").id

        def cancelled(day: int) -> None:
            audit.record("rsvp.cancelled", now=NOW + day * DAY, event_id=event_id)
            db.session.commit()

        def told() -> list[str]:
            mails = select(OutboxMail).where(OutboxMail.kind == "staff").order_by(OutboxMail.id)
            return [rendering.render(mail, now=NOW).subject for mail in db.session.scalars(mails)]

        cancelled(0)
        digests.send("2026-11-24", now=NOW + DAY)
        cancelled(1)
        cancelled(2)
        digests.send("2026-11-27", now=NOW + 4 * DAY)
        cancelled(6)
        digests.send("2026-11-30", now=NOW + 7 * DAY)
        assert told() == [
            "Yesterday: 1 cancellation",
            "Since 24\u00a0November 2026: 2 cancellations",
            "Yesterday: 1 cancellation",
        ]

    @pytest.mark.parametrize(("before", "after"), [(7, 10), (10, 7)])
    @pytest.mark.parametrize("is_moved_on_its_day", [False, True])
    def test_another_hour_leaves_nothing_out_and_tells_nothing_twice(
        self,
        app: Flask,
        monkeypatch: pytest.MonkeyPatch,
        before: int,
        after: int,
        is_moved_on_its_day: bool,
    ):
        make_account(StaffRole.ADMIN, "admin@example.org")
        event_id = make_event().id
        monkeypatch.setitem(app.config, "DIGEST_HOUR", before)
        midnight = NOW.replace(hour=0)

        def turn(days: int, hour: int) -> None:
            late = midnight + days * DAY + hour * HOUR
            if due := digests.due_on(late):
                digests.send(due, now=late)

        for hours in range(4 * 24):  # one an hour, at its half
            at = midnight + (hours + 0.5) * HOUR
            audit.record("rsvp.cancelled", now=at, event_id=event_id)
        db.session.commit()
        turn(1, before)
        turn(2, before)
        monkeypatch.setitem(app.config, "DIGEST_HOUR", after)
        if is_moved_on_its_day:
            turn(2, max(before, after))
        turn(3, after)
        mails = select(OutboxMail).where(OutboxMail.kind == "staff").order_by(OutboxMail.id)
        told = [mail.facts["events"][0]["cancelled"] for mail in db.session.scalars(mails)]
        assert told == [24, 24, 24 + after - before]

    def test_a_day_begins_at_its_hour(self, app: Flask):
        assert digests.due_on(NOW.replace(hour=6)) is None
        assert digests.due_on(NOW.replace(hour=7)) == "2026-11-23"


class TestClock:
    def test_the_clock_looks_now_and_then_and_goes_on_while_there_is_more(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        looks: list[datetime] = []
        left = [2, 1, 0, 0]

        def send_due(*, now: datetime) -> int:
            looks.append(now)
            return left.pop(0)

        monkeypatch.setattr(reminders, "send_due", send_due)
        seconds = [0.0]
        calendar = Calendar(ticks=lambda: seconds[0])
        assert [calendar.turn(NOW) for _ in range(5)] == [True, True, False, False, False]
        assert len(looks) == 3
        seconds[0] = 21.0
        calendar.turn(NOW)
        assert len(looks) == 4


def test_a_time_zone_that_does_not_exist_is_refused_at_the_start():
    with pytest.raises(ValidationError, match="IANA time zone"):
        Settings(digest_time_zone="Mars/Olympus")
