"""Whatever happens to an RSVP: its attendee's calendar shows what is so, and nothing else."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from registration import (
    announcements,
    answering,
    approvals,
    departures,
    desk,
    emails,
    entries,
    erasure,
    lifecycle,
    links,
    rendering,
    replies,
    rsvps,
    speakers,
    speaking,
)
from registration.admission import RsvpRefused
from registration.claims import Notes
from registration.database import db, transaction
from registration.imip import Reply
from registration.models import (
    HOLD,
    LIVE,
    Announcement,
    AnnouncementState,
    AttendanceOption,
    Event,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    Speaker,
    SpeakerStatus,
)
from registration.revisions import EventRefused
from registration.speakers import Particulars, SpeakerRefused
from tests.calendar_client import CalendarClient
from tests.conftest import NOW, empty_every_table
from tests.factories import (
    details,
    make_event,
    make_hybrid,
    make_rsvp,
    make_speaker,
    make_staff,
    reschedule,
)

AMINA = "amina@example.org"
DAY = timedelta(days=1)


class Times:
    """What befalls an event, and the mails to one address that arrived of it, in order."""

    event_id: int
    address: str

    def __init__(self) -> None:
        self.moment, self.arrived = NOW, list[bytes]()

    @property
    def event(self) -> Event:
        return db.session.get_one(Event, self.event_id, populate_existing=True)

    def do(self, step: str) -> None:
        """One change; a refusal changes nothing."""
        self.moment += timedelta(minutes=1)
        try:
            getattr(self, step)()
        except (RsvpRefused, SpeakerRefused, EventRefused):
            db.session.rollback()

    def move_event(self, days: int = 1) -> None:
        event, by = self.event, {"staff_id": None, "now": self.moment}
        starts_at, ends_at = (at + days * DAY for at in (event.starts_at, event.ends_at))
        reschedule(event_id=event.id, starts_at=starts_at, ends_at=ends_at, **by)
        announcements.tell(event_id=event.id, **by)

    def move_event_back(self) -> None:
        self.move_event(-1)

    def cancel_event(self) -> None:
        lifecycle.cancel(event_id=self.event_id, reason="", staff_id=None, now=self.moment)

    def undo(self) -> None:
        held = select(Announcement.id).where(Announcement.state == AnnouncementState.HELD)
        for announcement_id in db.session.scalars(held).all():
            announcements.undo(announcement_id=announcement_id, staff_id=None, now=self.moment)

    def holds_end(self) -> None:
        self.moment += HOLD
        announcements.spread(now=self.moment)

    def post(self) -> None:
        """All that waits goes, rendered as it is sent."""
        waiting = select(OutboxMail.id).filter_by(state=MailState.WAITING, recipient=self.address)
        ids = db.session.scalars(waiting.order_by(OutboxMail.id)).all()
        with Notes() as notes:
            for mail_id, message in departures.rendered(ids, notes, self.moment):
                if message is not None:
                    self.arrived.append(message.as_bytes())
                    notes.end(mail_id, MailState.SENT, self.moment)

    def end(self) -> None:
        """What was taken back is not told, so everybody is told once more how it is."""
        with suppress(EventRefused):  # it is cancelled
            announcements.tell(event_id=self.event_id, staff_id=None, now=self.moment)
        for step in ("holds_end", "post"):
            self.do(step)

    def calendars(self, seed: int) -> Iterator[CalendarClient]:
        """One that got the mails in order; and late, out of order, some of them twice."""
        shuffled = self.arrived + self.arrived[::2]
        random.Random(seed).shuffle(shuffled)
        for contents in (self.arrived, shuffled):
            client = CalendarClient(self.address)
            for content in contents:
                client.receive(content)
            yield client


class Life(Times):
    """One address and one event, its mails in an outbox that is emptied now and then."""

    address = AMINA

    def __init__(self) -> None:
        super().__init__()
        self.room, self.stream = make_hybrid(capacity=1, title="Policing in Conflict")
        self.room_id, self.stream_id = self.room.id, self.stream.id
        self.event_id = self.room.event_id
        self.rivals: list[int] = []

    def rsvp(self) -> Rsvp | None:
        """The live RSVP of the address."""
        db.session.rollback()
        return db.session.scalars(
            select(Rsvp).where(Rsvp.email == AMINA, Rsvp.status.in_(LIVE))
        ).one_or_none()

    def answer_room(self) -> None:
        self._answer(self.room_id)

    def answer_stream(self) -> None:
        self._answer(self.stream_id)

    def answer_both(self) -> None:
        self._answer(self.room_id, meanwhile_option_id=self.stream_id)

    def _answer(self, option_id: int, **more: Any) -> None:
        answering.answer(
            event_id=self.event_id,
            option_id=option_id,
            details=details(email=AMINA, name="Amina"),
            accepts_waiting=True,
            now=self.moment,
            **more,
        )

    def switch_room(self) -> None:
        self._with(rsvps.switch, option_id=self.room_id, accepts_waiting=True)

    def switch_stream(self) -> None:
        self._with(rsvps.switch, option_id=self.stream_id)

    def watch(self) -> None:
        self._with(rsvps.watch_meanwhile, option_id=self.stream_id)

    def leave(self) -> None:
        self._with(rsvps.leave_waitlist)

    def cancel(self) -> None:
        self._with(rsvps.cancel)

    def rename(self) -> None:
        self._with(rsvps.edit, details=details(email=AMINA, name=f"Amina {self.moment:%M}"))

    def is_renamed(self) -> None:
        somebody = details(email=AMINA, name=f"Mina {self.moment:%M}")
        self._with(desk.edit, details=somebody, staff_id=None)

    def edit(self) -> None:
        self._with(rsvps.edit, details=details(email=AMINA, name="Amina", organisation="New"))

    def resend(self) -> None:
        self._with(links.resend, staff_id=None)

    def reject(self) -> None:
        if (rsvp := self.rsvp()) is not None:
            approvals.reject(rsvp_ids=[rsvp.id], staff_id=None, now=self.moment)  # type: ignore[arg-type]

    def erase(self) -> None:
        self._with(erasure.erase)

    def _with(self, verb: Callable[..., Any], **more: Any) -> None:
        if (rsvp := self.rsvp()) is not None:
            verb(rsvp_id=rsvp.id, now=self.moment, **more)

    def rival_comes(self) -> None:
        """Somebody takes the one seat, or waits for it."""
        option = db.session.get_one(AttendanceOption, self.room_id)
        self.rivals.append(make_rsvp(option, now=self.moment).id)

    def rival_goes(self) -> None:
        if self.rivals:
            rsvps.cancel(rsvp_id=self.rivals.pop(0), now=self.moment)

    def expected(self) -> list[tuple[datetime, str]]:
        """Start and place that the calendar should show."""
        rsvp, event = self.rsvp(), self.event
        if rsvp is None or not (rsvp.is_confirmed and event.is_published):
            return []
        place = entries.join_url(rsvp) if rsvp.option.is_virtual else entries.venue(event)
        return [(event.starts_at, place)]


def shown(client: CalendarClient) -> list[tuple[datetime, str]]:
    return [(entry.starts_at, entry.location) for entry in client.entries]


STEPS = [
    "answer_room", "answer_stream", "answer_both", "switch_room", "switch_stream", "watch", "leave",
    "cancel", "rename", "is_renamed", "edit", "resend", "reject", "erase", "rival_comes",
    "rival_goes", "post",
    "move_event", "move_event_back", "cancel_event", "undo", "holds_end",
]  # fmt: skip


#: How it may begin; what follows is anything.
OPENINGS = [
    ["answer_room"],
    ["answer_stream"],
    ["rival_comes", "answer_room"],
    ["rival_comes", "answer_both"],
    ["rival_comes", "answer_room", "watch"],
]


@given(
    opening=st.sampled_from(OPENINGS),
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=10),
    seed=st.integers(0, 99),
)
@example(opening=["answer_room"], steps=["post", "cancel", "cancel_event"], seed=0)
@example(opening=["answer_stream"], steps=["post", "erase", "cancel_event"], seed=0)
@example(opening=["answer_room"], steps=["post", "cancel_event", "holds_end", "is_renamed"], seed=0)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_life_of_an_rsvp_ends_with_the_right_calendar(
    app: Flask, opening: list[str], steps: list[str], seed: int
):
    life = Life()
    try:
        for step in [*opening, *steps]:
            life.do(step)
        life.end()
        for client in life.calendars(seed):
            assert shown(client) == life.expected()
    finally:
        db.session.rollback()
        empty_every_table()


def sequences(rsvp_id: int) -> list[int | None]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(OutboxMail.ical_sequence)
            .where(OutboxMail.rsvp_id == rsvp_id)
            .order_by(OutboxMail.id)
        )
    )


class TestNumbers:
    def test_a_long_life_counts_up_and_a_new_answer_is_a_new_entry(self, app: Flask):
        life = Life()
        life.do("answer_room")
        first = life.rsvp()
        assert first is not None
        first_id, first_uid = first.id, first.ical_uid
        for step in ("switch_stream", "edit", "switch_room", "resend", "cancel"):
            life.do("post")
            life.do(step)
        assert sequences(first_id) == [0, 1, 2, 2, 3]
        life.do("answer_stream")
        again = life.rsvp()
        assert again is not None
        assert again.ical_uid != first_uid
        assert sequences(again.id) == [0]

    def test_an_entry_that_waited_in_the_outbox_comes_with_the_mail_in_its_place(self, app: Flask):
        life = Life()
        life.do("rival_comes")
        life.do("answer_both")  # watches, with a REQUEST that has not gone
        rsvp = life.rsvp()
        assert rsvp is not None
        life.do("leave")
        assert sequences(rsvp.id)[-1] is not None
        life.do("post")
        client = CalendarClient(AMINA)
        for content in life.arrived:
            client.receive(content)
        assert shown(client) == life.expected() != []

    def test_the_waitlist_has_no_calendar_part(self, app: Flask):
        life = Life()
        life.do("rival_comes")
        life.do("answer_room")
        rsvp = life.rsvp()
        assert rsvp is not None
        assert sequences(rsvp.id) == [None]
        life.do("rival_goes")
        assert sequences(rsvp.id) == [None, 0]

    def test_one_who_watched_meanwhile_is_moved_not_added(self, app: Flask):
        life = Life()
        for step in ("rival_comes", "answer_both", "post", "rival_goes", "post"):
            life.do(step)
        client = CalendarClient(AMINA)
        for content in life.arrived:
            client.receive(content)
        assert len(client.known) == 1
        assert shown(client) == [
            (life.event.starts_at, "The Institute, 1 Example Street, Washington, DC")
        ]


class TestSpeakers:
    def life_of(self, *steps: Callable[[int], None]) -> tuple[CalendarClient, list[int | None]]:
        speaker = make_speaker(make_event(), email="speaker@example.org")
        client = CalendarClient("speaker@example.org")
        for step in steps:
            step(speaker.id)
            waiting = db.session.scalars(
                select(OutboxMail).where(OutboxMail.state == MailState.WAITING)
            ).all()
            for row in waiting:
                client.receive(rendering.render(row, now=NOW).as_bytes())
            with transaction():
                for row in waiting:
                    db.session.get_one(OutboxMail, row.id).state = MailState.SENT
        rows = db.session.scalars(select(OutboxMail.ical_sequence).order_by(OutboxMail.id))
        return client, list(rows)

    @staticmethod
    def invite(speaker_id: int) -> None:
        speakers.invite(speaker_id=speaker_id, staff_id=None, now=NOW)

    @staticmethod
    def says_yes(speaker_id: int) -> None:
        speaking.answer(speaker_id=speaker_id, will_speak=True, now=NOW)

    @staticmethod
    def says_no(speaker_id: int) -> None:
        speaking.answer(speaker_id=speaker_id, will_speak=False, now=NOW)

    @staticmethod
    def remind(speaker_id: int) -> None:
        speakers.remind(speaker_id=speaker_id, staff_id=None, now=NOW)

    def test_yes_turns_the_entry_into_an_accepted_one(self, app: Flask):
        client, numbers = self.life_of(self.invite)
        assert [entry.partstat for entry in client.entries] == ["NEEDS-ACTION"]
        db.session.rollback()
        empty_every_table()
        client, numbers = self.life_of(self.invite, self.says_yes)
        assert [entry.partstat for entry in client.entries] == ["ACCEPTED"]
        assert numbers == [0, 1]

    def test_no_takes_it_out_and_yes_after_that_brings_it_back(self, app: Flask):
        client, numbers = self.life_of(self.invite, self.says_yes, self.says_no)
        assert client.entries == []
        db.session.rollback()
        empty_every_table()
        client, numbers = self.life_of(self.invite, self.says_no, self.says_yes)
        assert len(client.entries) == 1
        assert numbers == [0, 1, 2]

    def test_a_reminder_takes_no_invitations_place(self, app: Flask):
        speaker = make_speaker(make_event())
        self.invite(speaker.id)
        self.remind(speaker.id)
        rows = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
        assert [(row.kind, row.state, row.ical_sequence) for row in rows] == [
            (MailKind.SPEAKER_INVITATION, MailState.WAITING, 0),
            (MailKind.SPEAKER_REMINDER, MailState.WAITING, None),
        ]


class SpeakerLife(Times):
    """What becomes of a speaker's invitation."""

    address = "speaker@example.org"

    def __init__(self) -> None:
        super().__init__()
        self.event_id = make_event().id
        self.id = make_speaker(self.event, email=self.address).id

    @property
    def speaker(self) -> Speaker:
        return db.session.get_one(Speaker, self.id, populate_existing=True)

    def invite(self) -> None:
        speakers.invite(speaker_id=self.id, staff_id=None, now=self.moment)

    def says_yes(self) -> None:
        speaking.answer(speaker_id=self.id, will_speak=True, now=self.moment)

    def says_no(self) -> None:
        speaking.answer(speaker_id=self.id, will_speak=False, now=self.moment)

    def remind(self) -> None:
        speakers.remind(speaker_id=self.id, staff_id=None, now=self.moment)

    def resend(self) -> None:
        speakers.resend(speaker_id=self.id, staff_id=make_staff().id, now=self.moment)

    def take_back(self) -> None:
        speakers.withdraw(speaker_id=self.id, staff_id=make_staff().id, now=self.moment)

    def call_earlier(self) -> None:
        particulars = Particulars.of(self.speaker)
        call_at = self.speaker.begins_at - timedelta(minutes=5)
        speakers.edit(
            speaker_id=self.id,
            particulars=dataclasses.replace(particulars, call_at=call_at),
            staff_id=make_staff().id,
            now=self.moment,
        )

    def expected(self) -> list[tuple[datetime, str]]:
        partstats = {SpeakerStatus.INVITED: "NEEDS-ACTION", SpeakerStatus.CONFIRMED: "ACCEPTED"}
        speaker = self.speaker
        if speaker.status not in partstats or not speaker.event.is_published:
            return []
        return [(speaker.begins_at, partstats[speaker.status])]


@given(
    steps=st.lists(
        st.sampled_from(
            [
                "says_yes",
                "says_no",
                "remind",
                "resend",
                "take_back",
                "invite",
                "call_earlier",
                "move_event",
                "move_event_back",
                "cancel_event",
                "undo",
                "holds_end",
                "post",
                "post",
            ]
        ),
        max_size=12,
    ),
    seed=st.integers(0, 99),
)
@example(steps=["post", "says_yes", "move_event", "post", "move_event_back"], seed=0)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_life_of_a_speaker_ends_with_the_right_calendar(
    app: Flask, steps: list[str], seed: int
):
    life = SpeakerLife()
    try:
        for step in ["invite", *steps]:
            life.do(step)
        life.end()
        for client in life.calendars(seed):
            shown_now = [(entry.starts_at, entry.partstat) for entry in client.entries]
            assert shown_now == life.expected()
    finally:
        db.session.rollback()
        empty_every_table()


def test_an_end_that_staff_gave_a_reason_for_says_it_again_with_the_same_number(app: Flask):
    life = Life()
    life.do("answer_room")
    rsvp = life.rsvp()
    assert rsvp is not None
    life.do("post")
    by_staff = {"staff_id": make_staff().id, "now": life.moment + DAY}
    rsvps.cancel(rsvp_id=rsvp.id, by="staff", reason="The room is smaller.", **by_staff)
    life.do("post")
    other = make_rsvp(life.room, email="other@example.org")
    rsvps.cancel(rsvp_id=other.id, by="staff", reason="It is about another one.", **by_staff)
    links.resend(rsvp_id=rsvp.id, **by_staff)
    assert sequences(rsvp.id) == [0, 1, 1]
    mail = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    told = rendering.render(mail, now=NOW).body
    assert "The organisers have cancelled your RSVP." in told
    assert "The room is smaller." in told


def test_who_declined_in_their_calendar_is_told_so_again_without_a_cancel(app: Flask):
    life = Life()
    life.do("answer_room")
    rsvp = life.rsvp()
    assert rsvp is not None
    life.do("post")
    said_at = life.moment + DAY
    about = {"uid": rsvp.ical_uid, "attendee": AMINA, "sender": AMINA, "digest": "1"}
    replies.take(Reply(partstat="DECLINED", stamped_at=said_at, **about), now=said_at)
    links.resend(rsvp_id=rsvp.id, now=said_at, staff_id=make_staff().id)
    assert sequences(rsvp.id) == [0, None, None]
    mail = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    assert "You declined in your calendar" in rendering.render(mail, now=NOW).body


@pytest.mark.parametrize("step", ["cancel", "reject", "erase"])
def test_who_never_had_an_entry_is_not_told_that_it_goes(app: Flask, step: str):
    life = Life()
    silent = make_rsvp(life.room, email=AMINA)  # as from a list that was taken in without mails
    silent.ical_sequence = -1
    db.session.execute(delete(OutboxMail))
    db.session.commit()
    life.do(step)
    mail = db.session.scalars(select(OutboxMail)).one()
    message = rendering.render(mail, now=NOW)
    assert message.calendar is None
    assert "leaves your calendar" not in message.body


@pytest.mark.parametrize("step", ["cancel", "reject"])
def test_an_end_says_cancel_and_an_end_said_again_says_it_again(app: Flask, step: str):
    life = Life()
    life.do("answer_room")
    rsvp = life.rsvp()
    assert rsvp is not None
    life.do("post")
    life.do(step)
    with transaction():
        emails.rsvp_again(db.session.get_one(Rsvp, rsvp.id), now=life.moment)
    life.moment += timedelta(minutes=2)
    life.do("post")
    client = CalendarClient(AMINA)
    for content in life.arrived:
        client.receive(content)
    assert client.entries == []
    assert len(client.known) == 1
