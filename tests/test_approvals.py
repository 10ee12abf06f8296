"""What staff decide about RSVPs: approved, rejected, moved up."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import approvals, rsvps
from registration.admission import Refusal
from registration.database import db
from registration.models import EventStatus, MailKind, OutboxMail, Rsvp, RsvpStatus
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, save
from tests.outcomes import fresh, kinds_mailed, refusal_of

STAFF = None  # acting staff in the audit log; the accounts are tested elsewhere


class TestApproval:
    def test_a_pending_party_holds_no_seat_until_it_is_approved(self, app: Flask, now: datetime):
        room = make_option(capacity=1, needs_approval=True)
        first, second = make_rsvp(room), make_rsvp(room)
        assert first.status is RsvpStatus.PENDING
        assert fresh(room).seats_taken == 0
        done = approvals.approve(rsvp_ids=[second.id, first.id], staff_id=STAFF, now=now)
        assert done == 2
        assert fresh(first).status is RsvpStatus.CONFIRMED, "the earlier arrival sits first"
        assert fresh(second).status is RsvpStatus.WAITLISTED
        assert kinds_mailed(first) == [MailKind.RECEIVED, MailKind.CONFIRMED]

    def test_a_rejected_party_gives_its_seat_to_the_queue(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        seated, waiting = make_rsvp(room), make_rsvp(room)
        assert approvals.reject(rsvp_ids=[seated.id], staff_id=STAFF, now=now) == 1
        assert fresh(seated).status is RsvpStatus.REJECTED
        assert fresh(waiting).status is RsvpStatus.CONFIRMED

    def test_nobody_moves_up_who_is_rejected_next(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        seated, first, second = make_rsvp(room), make_rsvp(room), make_rsvp(room)
        both = [first.id, seated.id]
        assert approvals.reject(rsvp_ids=both, staff_id=STAFF, now=now, reason="No room.") == 2
        assert kinds_mailed(first) == [MailKind.WAITLISTED, MailKind.REJECTED]
        assert fresh(second).is_confirmed
        said = db.session.scalars(
            select(OutboxMail.facts).where(OutboxMail.kind == MailKind.REJECTED)
        )
        assert [facts["reason"] for facts in said] == ["No room."] * 2

    def test_many_are_approved_at_once(self, app: Flask, now: datetime):
        room = make_option(capacity=150, needs_approval=True)
        ids = [make_rsvp(room).id for _ in range(160)]
        before = fresh(room.event).seats_revision
        assert approvals.approve(rsvp_ids=reversed(ids), staff_id=STAFF, now=now) == 160
        assert fresh(room.event).seats_revision == before + 2, "a transaction for each hundred"
        assert (fresh(room).seats_taken, room.waiting) == (150, 10)
        waiting = db.session.scalars(
            select(Rsvp.id).where(Rsvp.waits_for_option_id == room.id).order_by(Rsvp.waiting_number)
        )
        assert waiting.all() == ids[150:]

    def test_nobody_is_let_into_a_cancelled_event(self, app: Flask, now: datetime):
        room = make_option(needs_approval=True)
        rsvp = make_rsvp(room)
        room.event.status = EventStatus.CANCELLED
        save(room.event)

        def approve():
            approvals.approve(rsvp_ids=[rsvp.id], staff_id=STAFF, now=now)

        assert refusal_of(approve) is Refusal.CANCELLED
        assert kinds_mailed(rsvp) == [MailKind.RECEIVED]

    def test_who_was_rejected_and_answers_again_waits_for_staff(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        first = make_rsvp(room, email="amina@example.org")
        approvals.reject(rsvp_ids=[first.id], staff_id=STAFF, now=now)
        assert make_rsvp(room, email="amina@example.org").status is RsvpStatus.PENDING
        assert make_rsvp(room).is_confirmed

    @pytest.mark.parametrize("places", [None, 0])
    def test_and_does_not_get_round_them_by_another_way_to_attend(
        self, client: FlaskClient, now: datetime, places: int | None
    ):
        event = make_event()
        room, stream = make_option(event), make_option(event, capacity=places)
        first = make_rsvp(room, email="amina@example.org")
        offered = f'name="option" value="{stream.id}"'
        assert offered in client.get(f"/rsvp/{first.manage_key}").text
        approvals.reject(rsvp_ids=[first.id], staff_id=STAFF, now=now)
        again = make_rsvp(room, email="amina@example.org")
        assert offered not in client.get(f"/rsvp/{again.manage_key}").text

        def switch():
            rsvps.switch(rsvp_id=again.id, option_id=stream.id, now=now, accepts_waiting=True)

        assert refusal_of(switch) is Refusal.NEEDS_APPROVAL
        assert fresh(again).status is RsvpStatus.PENDING

    def test_staff_may_choose_who_moves_up(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1, promotes_automatically=False)
        seated, first, second = make_rsvp(room), make_rsvp(room), make_rsvp(room)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert fresh(first).status is RsvpStatus.WAITLISTED
        approvals.promote(rsvp_id=second.id, staff_id=STAFF, now=now)
        assert fresh(second).status is RsvpStatus.CONFIRMED
        assert fresh(first).status is RsvpStatus.WAITLISTED

    def test_only_staff_pass_the_capacity_and_only_by_saying_so(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        seated, waiting = make_rsvp(room), make_rsvp(room)

        def promote(**how):
            approvals.promote(rsvp_id=waiting.id, staff_id=STAFF, now=now, **how)

        assert refusal_of(promote) is Refusal.FULL
        promote(beyond_capacity=True)
        assert (fresh(room).seats_taken, room.extra_seats) == (2, 1)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert (fresh(room).seats_taken, room.extra_seats) == (1, 0)
