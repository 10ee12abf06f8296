"""Staff move somebody to another way to attend."""

from __future__ import annotations

from datetime import datetime

import pytest
import vobject
from flask import Flask
from sqlalchemy import select

from registration import doctor, moves, queues, rendering, rsvps
from registration.admission import Refusal
from registration.database import db
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    AuditEntry,
    EventStatus,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
)
from registration.moves import How
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, make_staff, save
from tests.outcomes import fresh, kinds_mailed, refusal_of


def possible(rsvp: Rsvp, *options: AttendanceOption, now: datetime = NOW) -> list[tuple[int, How]]:
    """What staff can do, as (option, how)."""
    db.session.expire_all()
    return [(move.option.id, move.how) for move in moves.of(rsvp, options, now)]


def move(rsvp: Rsvp, option: AttendanceOption, how: How, now: datetime = NOW) -> None:
    """Do one of them; the counters are what the rows say, whatever comes of it."""
    try:
        moves.move(rsvp_id=rsvp.id, option_id=option.id, how=how, staff_id=None, now=now)
    finally:
        db.session.rollback()
        assert [finding.text for finding in doctor.counters() if not finding.is_fine] == []


class TestConfirmed:
    def test_is_in_at_once_and_frees_a_seat_for_who_waits(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        rsvp, waiting = make_rsvp(room), make_rsvp(room)
        assert possible(rsvp, room, stream) == [(stream.id, How.AT_ONCE)]
        move(rsvp, stream, How.AT_ONCE)
        assert fresh(rsvp).option_id == stream.id
        assert fresh(waiting).status is RsvpStatus.CONFIRMED

    def test_is_told_by_the_mail_of_a_switch_whose_entry_is_the_same_one(self, app: Flask):
        room, stream = make_hybrid()
        rsvp = make_rsvp(stream)
        uid = rsvp.ical_uid
        move(rsvp, room, How.AT_ONCE)
        assert kinds_mailed(rsvp) == [MailKind.CONFIRMED, MailKind.CHANGED]
        row = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.CHANGED)
        ).one()
        message = rendering.render(row, now=NOW)
        assert message.calendar is not None
        entry = vobject.readOne(message.calendar.decode()).vevent
        assert (message.method, entry.uid.value, entry.sequence.value) == ("REQUEST", uid, "1")
        assert entry.location.value.startswith("The Institute")

    def test_waits_for_a_full_room_and_keeps_the_place_meanwhile(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        seated, rsvp = make_rsvp(room), make_rsvp(stream)
        assert possible(rsvp, room, stream) == [(room.id, How.WAIT), (room.id, How.BEYOND)]
        move(rsvp, room, How.WAIT)
        assert fresh(rsvp).watches_meanwhile
        rsvps.cancel(rsvp_id=seated.id, now=NOW)
        assert fresh(rsvp).option_id == room.id

    def test_is_told_of_the_queue_by_a_mail_of_its_own_once_the_ticket_has_gone(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(stream)
        confirmation = db.session.scalars(
            select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id)
        ).one()
        confirmation.state = MailState.SENT
        db.session.commit()
        move(rsvp, room, How.WAIT)
        assert kinds_mailed(rsvp) == [MailKind.CONFIRMED, MailKind.WAITLISTED]

    def test_loses_no_ticket_that_has_not_gone_by_waiting_for_another_place(self, app: Flask):
        event = make_event()
        room, hall = make_option(event), make_option(event, label="Hall", capacity=1)
        make_rsvp(hall)
        rsvp = make_rsvp(room)
        move(rsvp, hall, How.WAIT)
        last = db.session.scalars(
            select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id).order_by(OutboxMail.id.desc())
        ).first()
        assert last is not None
        message = rendering.render(last, now=NOW)
        assert message.method == "REQUEST"
        assert rsvp.party[0].spoken_code in message.body
        assert "waitlist for another place as well: Hall" in " ".join(message.body.split())

    def test_is_seated_beyond_the_capacity_where_staff_say_so(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(stream)
        move(rsvp, room, How.BEYOND)
        assert fresh(rsvp).option_id == room.id
        assert (fresh(room).seats_taken, room.extra_seats) == (2, 1)
        move(rsvp, stream, How.AT_ONCE)
        assert (fresh(room).seats_taken, room.extra_seats) == (1, 0)

    def test_moves_back_by_the_same_way(self, app: Flask):
        room, stream = make_hybrid()
        rsvp = make_rsvp(room)
        move(rsvp, stream, How.AT_ONCE)
        move(rsvp, room, How.AT_ONCE)
        assert (fresh(rsvp).option_id, rsvp.ical_sequence) == (room.id, 2)
        assert (fresh(room).seats_taken, fresh(stream).seats_taken) == (1, 0)

    def test_is_moved_once_by_two_presses(self, app: Flask):
        room, stream = make_hybrid()
        rsvp = make_rsvp(room)
        move(rsvp, stream, How.AT_ONCE)
        move(rsvp, stream, How.AT_ONCE)
        assert kinds_mailed(rsvp) == [MailKind.CONFIRMED, MailKind.CHANGED]

    def test_waits_not_where_there_is_room_by_now(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        seated, rsvp = make_rsvp(room), make_rsvp(stream)
        rsvps.cancel(rsvp_id=seated.id, now=NOW)
        move(rsvp, room, How.WAIT)
        assert (fresh(rsvp).option_id, rsvp.waits_for_option_id) == (room.id, None)

    def test_stays_where_the_last_seat_has_gone_meanwhile(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        rsvp = make_rsvp(stream)
        make_rsvp(room)
        assert refusal_of(lambda: move(rsvp, room, How.AT_ONCE)) is Refusal.FULL
        assert fresh(rsvp).option_id == stream.id

    def test_never_waits_for_a_room_that_is_smaller_than_the_party(self, app: Flask):
        room, stream = make_hybrid(capacity=1, guests_max=1)
        rsvp = make_rsvp(stream, guests=["A guest"])
        assert possible(rsvp, room, stream) == [(room.id, How.BEYOND)]

    def test_may_be_let_in_where_approval_is_needed_since_staff_decide(self, app: Flask):
        event = make_event()
        room = make_option(event, needs_approval=True)
        rsvp = make_rsvp(make_option(event, mode=AttendanceMode.VIRTUAL))
        move(rsvp, room, How.AT_ONCE)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.CONFIRMED, room.id)


class TestWaiting:
    def test_may_watch_and_keep_the_position_or_leave_the_queue(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        first, second = make_rsvp(room), make_rsvp(room)
        assert possible(first, room, stream) == [
            (stream.id, How.MEANWHILE),
            (stream.id, How.AT_ONCE),
        ]
        move(first, stream, How.MEANWHILE)
        assert fresh(first).watches_meanwhile
        assert queues.position_of(first) == (0, 1)
        move(second, stream, How.AT_ONCE)
        assert (fresh(second).option_id, second.waits_for_option_id) == (stream.id, None)
        assert kinds_mailed(second)[-1] is MailKind.CONFIRMED

    def test_may_wait_for_another_room(self, app: Flask):
        room, _stream = make_hybrid(capacity=0)
        hall = make_option(room.event, capacity=0)
        rsvp = make_rsvp(room)
        move(rsvp, hall, How.WAIT)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.WAITLISTED, hall.id)
        assert (fresh(room).waiting, fresh(hall).waiting) == (0, 1)


class TestWatchingAndWaiting:
    @pytest.fixture
    def watcher(self, app: Flask) -> Rsvp:
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        return make_rsvp(room, meanwhile_option_id=stream.id)

    def test_may_stay_and_leave_the_queue(self, watcher: Rsvp):
        room, stream = watcher.waits_for, watcher.option
        assert possible(watcher, room, stream) == [(stream.id, How.STAY)]
        move(watcher, stream, How.STAY)
        assert (fresh(watcher).option_id, watcher.waits_for_option_id) == (stream.id, None)
        assert kinds_mailed(watcher)[-1] is MailKind.CHANGED
        move(watcher, stream, How.STAY)
        assert fresh(watcher).is_confirmed

    def test_goes_on_waiting_in_another_stream(self, watcher: Rsvp):
        french = make_option(watcher.event, mode=AttendanceMode.VIRTUAL, label="In French")
        move(watcher, french, How.AT_ONCE)
        assert fresh(watcher).option_id == french.id
        assert watcher.watches_meanwhile

    def test_who_has_moved_up_meanwhile_does_not_watch_by_an_old_page(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        seated, waiting = make_rsvp(room), make_rsvp(room)
        rsvps.cancel(rsvp_id=seated.id, now=NOW)
        refused = refusal_of(lambda: move(waiting, stream, How.MEANWHILE))
        assert refused is Refusal.NOT_POSSIBLE
        assert fresh(waiting).option_id == room.id


class TestPending:
    def test_goes_on_waiting_for_approval_where_that_is_needed_too(self, app: Flask):
        room, stream = make_hybrid()
        for option in (room, stream):
            option.needs_approval = True
            save(option)
        rsvp = make_rsvp(room)
        assert possible(rsvp, room, stream) == [(stream.id, How.UNDECIDED)]
        move(rsvp, stream, How.UNDECIDED)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.PENDING, stream.id)
        assert kinds_mailed(rsvp) == [MailKind.RECEIVED, MailKind.CHANGED]

    def test_is_in_at_once_where_no_approval_is_needed(self, app: Flask):
        room, stream = make_hybrid()
        room.needs_approval = True
        save(room)
        rsvp = make_rsvp(room)
        move(rsvp, stream, How.AT_ONCE)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.CONFIRMED, stream.id)


def test_staff_move_also_after_registration_has_closed(app: Flask, now: datetime):
    room, stream = make_hybrid(registration_closes_at=now)
    rsvp = make_rsvp(stream, now=now.replace(hour=0))
    assert possible(rsvp, room, stream) == [(room.id, How.AT_ONCE)]
    move(rsvp, room, How.AT_ONCE)
    assert fresh(rsvp).option_id == room.id


def test_nobody_is_let_wait_once_the_queue_has_closed(app: Flask):
    room, stream = make_hybrid(capacity=0)
    rsvp = make_rsvp(stream)
    later = room.event.promotes_until
    assert possible(rsvp, room, stream, now=later) == [(room.id, How.BEYOND)]
    assert refusal_of(lambda: move(rsvp, room, How.WAIT, later)) is Refusal.NOT_POSSIBLE


@pytest.mark.parametrize("what", ["over", "cancelled", "draft", "ended"])
def test_nobody_is_moved_when_there_is_nothing_to_attend(app: Flask, what: str):
    room, stream = make_hybrid()
    rsvp, now = make_rsvp(room), NOW
    if what == "over":
        now = room.event.ends_at
    elif what == "ended":
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    else:
        room.event.status = EventStatus(what)
        save(room.event)
    assert possible(rsvp, room, stream, now=now) == []
    refusal_of(lambda: move(rsvp, stream, How.AT_ONCE, now))
    assert fresh(rsvp).option_id == room.id


def test_an_option_of_another_event_is_none(app: Flask):
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room)
    with pytest.raises(LookupError):
        move(rsvp, make_option(), How.AT_ONCE)


def test_the_log_names_who_did_it(app: Flask):
    room, stream = make_hybrid()
    rsvp, staff = make_rsvp(room), make_staff()
    moves.move(rsvp_id=rsvp.id, option_id=stream.id, how=How.AT_ONCE, staff_id=staff.id, now=NOW)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "rsvp.switched")).one()
    assert (entry.staff_id, entry.actor, entry.rsvp_id) == (staff.id, "staff", rsvp.id)


def test_who_is_let_watch_meanwhile_is_mailed_the_link(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room)
    move(waiting, stream, How.MEANWHILE)
    assert fresh(waiting).watches_meanwhile
    assert kinds_mailed(waiting) == [MailKind.WAITLISTED, MailKind.CONFIRMED]


def test_who_is_moved_again_and_again_is_mailed_the_last_word_alone(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room)
    french = make_option(room.event, mode=AttendanceMode.VIRTUAL, needs_approval=True)
    other = make_option(room.event, mode=AttendanceMode.VIRTUAL, needs_approval=True)
    pending = make_rsvp(french)

    def unsent(rsvp: Rsvp) -> list[MailKind]:
        mails = db.session.scalars(select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id))
        return [mail.kind for mail in mails if mail.state is MailState.WAITING]

    move(waiting, stream, How.MEANWHILE)
    assert unsent(waiting) == [MailKind.CONFIRMED]
    move(waiting, stream, How.STAY)
    assert unsent(waiting) == [MailKind.CHANGED]
    move(pending, other, How.UNDECIDED)
    move(pending, french, How.UNDECIDED)
    assert unsent(pending) == [MailKind.CHANGED]
