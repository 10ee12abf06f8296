"""More seats and fewer: who moves up, and that nobody loses a seat."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from registration import capacity, rsvps, seating
from registration.database import db
from registration.models import AuditEntry, EventStatus, MailKind, OutboxMail, Rsvp, RsvpStatus
from tests.factories import make_hybrid, make_rsvp, save
from tests.outcomes import fresh

STAFF = None  # acting staff in the audit log; the accounts are tested elsewhere


def set_capacity(option, number, now):
    capacity.set_capacity(option_id=option.id, capacity=number, staff_id=STAFF, now=now)


def test_new_seats_go_to_the_first_in_the_queue(app: Flask, now: datetime):
    room, _ = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = [make_rsvp(room) for _ in range(4)]
    set_capacity(room, 3, now)
    statuses = [fresh(rsvp).status for rsvp in waiting]
    assert statuses == [RsvpStatus.CONFIRMED] * 2 + [RsvpStatus.WAITLISTED] * 2
    assert (fresh(room).seats_taken, room.waiting) == (3, 2)


def test_no_limit_lets_everybody_in(app: Flask, now: datetime):
    room, _ = make_hybrid(capacity=0)
    waiting = [make_rsvp(room) for _ in range(3)]
    set_capacity(room, None, now)
    assert all(fresh(rsvp).is_confirmed for rsvp in waiting)


def test_nobody_loses_a_seat_when_the_capacity_sinks(app: Flask, now: datetime):
    room, _ = make_hybrid(capacity=3)
    seated = [make_rsvp(room) for _ in range(3)]
    set_capacity(room, 1, now)
    assert all(fresh(rsvp).is_confirmed for rsvp in seated)
    waiting = make_rsvp(room)
    for rsvp in seated[:2]:
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        assert fresh(waiting).status is RsvpStatus.WAITLISTED
    rsvps.cancel(rsvp_id=seated[2].id, now=now)
    assert fresh(waiting).is_confirmed
    assert (fresh(room).seats_taken, room.extra_seats) == (1, 0)


def test_a_large_raise_is_done_in_several_transactions_in_order(
    app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(seating, "PROMOTIONS_AT_ONCE", 2)
    room, _ = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = [make_rsvp(room) for _ in range(6)]
    set_capacity(room, 6, now)
    assert [fresh(rsvp).is_confirmed for rsvp in waiting] == [True] * 5 + [False]
    revisions = {fresh(room.event).seats_revision}
    assert revisions == {7 + 3}, "seven answers, and three transactions for five parties"
    mailed = db.session.scalars(
        select(OutboxMail.rsvp_id)
        .where(OutboxMail.kind == MailKind.PROMOTED)
        .order_by(OutboxMail.id)
    ).all()
    assert mailed == [rsvp.id for rsvp in waiting[:5]]


def test_the_same_capacity_changes_nothing(app: Flask, now: datetime):
    room, _ = make_hybrid(capacity=5)
    set_capacity(room, 5, now)
    assert db.session.scalar(select(AuditEntry.id)) is None


def test_a_change_is_in_the_audit_log(app: Flask, now: datetime):
    room, _ = make_hybrid(capacity=5)
    set_capacity(room, 8, now)
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.event_id) == ("option.capacity", room.event_id)
    assert (entry.detail["before"], entry.detail["after"]) == (5, 8)


def test_an_unknown_option_and_a_negative_number_are_refused(app: Flask, now: datetime):
    room, _ = make_hybrid()
    with pytest.raises(LookupError):
        capacity.set_capacity(option_id=room.id + 9, capacity=1, staff_id=STAFF, now=now)
    with pytest.raises(ValueError, match="negative"):
        set_capacity(room, -1, now)


class TestFillingWhatNobodyTold:
    """Seats that became free for the queue without a change of seats."""

    def free_seat(self, now: datetime, **event) -> Rsvp:
        """One who waits for a seat that is free, since the queue did not move."""
        room, _ = make_hybrid(capacity=1, **event)
        seated, waiting = make_rsvp(room), make_rsvp(room)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert fresh(waiting).status is RsvpStatus.WAITLISTED
        return waiting

    def test_a_queue_that_staff_let_move_again_moves(self, app: Flask, now: datetime):
        waiting = self.free_seat(now, promotes_automatically=False)
        assert capacity.fill_all(now=now) == 0
        waiting.event.promotes_automatically = True
        save(waiting.event)
        assert capacity.fill_all(now=now) == 1
        assert fresh(waiting).is_confirmed
        assert capacity.fill_all(now=now) == 0

    def test_an_event_that_moves_takes_its_cut_off_along(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        seated, waiting = make_rsvp(room), make_rsvp(room)
        begun = room.event.starts_at
        rsvps.cancel(rsvp_id=seated.id, now=begun)
        assert capacity.fill_all(now=begun) == 0
        room.event.starts_at += timedelta(days=7)
        room.event.ends_at += timedelta(days=7)
        save(room.event)
        assert capacity.fill_all(now=begun) == 1
        assert fresh(waiting).is_confirmed

    def test_a_party_that_does_not_fit_is_not_looked_at_again_and_again(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid(capacity=3, guests_max=3)
        make_rsvp(room, guests=["B"])
        make_rsvp(room, guests=["C", "D"])
        assert capacity.fill_all(now=now) == 0

    def test_an_event_that_does_not_take_place_is_left_alone(self, app: Flask, now: datetime):
        waiting = self.free_seat(now, promotes_automatically=False)
        waiting.event.promotes_automatically = True
        waiting.event.status = EventStatus.CANCELLED
        save(waiting.event)
        assert capacity.fill_all(now=now) == 0

    def test_an_event_that_is_over_is_left_alone_though_its_queue_closes_later(
        self, app: Flask, now: datetime
    ):
        waiting = self.free_seat(now, promotes_automatically=False)
        event = waiting.event
        event.promotes_automatically = True
        event.promotion_closes_at = event.ends_at + timedelta(days=1)
        save(event)
        assert capacity.fill_all(now=event.ends_at) == 0
