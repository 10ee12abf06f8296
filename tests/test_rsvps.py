"""What people do with an RSVP that they have sent: cancel, switch, edit."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from registration import answering, links, parties, queues, rsvps
from registration.admission import Refusal
from registration.database import db
from registration.models import Answer, AttendanceMode, AuditEntry, MailKind, RsvpStatus
from registration.parties import attendees
from tests.factories import details, make_event, make_hybrid, make_option, make_question, make_rsvp
from tests.outcomes import fresh, kinds_mailed, refusal_of


class TestCancelling:
    def test_a_freed_seat_goes_to_the_first_in_the_queue(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        seated, first, second = make_rsvp(room), make_rsvp(room), make_rsvp(room)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert fresh(first).status is RsvpStatus.CONFIRMED
        assert fresh(second).status is RsvpStatus.WAITLISTED
        assert kinds_mailed(seated) == [MailKind.CONFIRMED, MailKind.CANCELLED]
        assert kinds_mailed(first) == [MailKind.WAITLISTED, MailKind.PROMOTED]
        assert (fresh(room).seats_taken, room.waiting) == (1, 1)

    def test_cancelling_twice_is_once(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=2)
        rsvp = make_rsvp(room)
        make_rsvp(room)
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        assert fresh(room).seats_taken == 1
        assert kinds_mailed(rsvp).count(MailKind.CANCELLED) == 1

    def test_promotion_moves_one_who_watches_meanwhile_into_the_room(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid(capacity=1)
        seated = make_rsvp(room)
        watcher = make_rsvp(room, meanwhile_option_id=stream.id)
        uid = watcher.ical_uid
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert (fresh(watcher).option_id, watcher.waits_for_option_id) == (room.id, None)
        assert (fresh(stream).seats_taken, fresh(room).seats_taken) == (0, 1)
        assert (watcher.ical_uid, watcher.ical_sequence) == (uid, 1)

    def test_a_watcher_who_moves_up_frees_a_place_for_who_waits_for_the_stream(
        self, app: Flask, now: datetime
    ):
        event = make_event()
        room = make_option(event, capacity=1)
        stream = make_option(event, capacity=1, mode=AttendanceMode.VIRTUAL)
        seated = make_rsvp(room)
        watcher = make_rsvp(room, meanwhile_option_id=stream.id)
        outside = make_rsvp(stream)
        assert outside.status is RsvpStatus.WAITLISTED
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert fresh(watcher).option_id == room.id
        assert fresh(outside).status is RsvpStatus.CONFIRMED

    def test_nobody_is_promoted_once_the_event_has_begun(self, app: Flask):
        room, _ = make_hybrid(capacity=1)
        seated, waiting = make_rsvp(room), make_rsvp(room)
        rsvps.cancel(rsvp_id=seated.id, now=room.event.starts_at)
        assert fresh(waiting).status is RsvpStatus.WAITLISTED

    def test_leaving_the_waitlist_lets_a_smaller_party_pass(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=3, guests_max=3)
        make_rsvp(room, guests=["A guest"])
        family = make_rsvp(room, guests=["B", "C"])
        single = make_rsvp(room)
        rsvps.leave_waitlist(rsvp_id=family.id, now=now)
        assert fresh(family).status is RsvpStatus.CANCELLED
        assert fresh(single).status is RsvpStatus.CONFIRMED

    def test_leaving_the_waitlist_keeps_the_place_of_one_who_watches(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        watcher = make_rsvp(room, meanwhile_option_id=stream.id)
        rsvps.leave_waitlist(rsvp_id=watcher.id, now=now)
        assert (fresh(watcher).status, watcher.option_id) == (RsvpStatus.CONFIRMED, stream.id)
        assert fresh(room).waiting == 0


class TestSwitching:
    def test_a_switch_takes_effect_at_once_and_frees_the_seat(self, app: Flask, now: datetime):
        room, stream = make_hybrid(capacity=1)
        rsvp, waiting = make_rsvp(room), make_rsvp(room)
        rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=now)
        assert fresh(rsvp).option_id == stream.id
        assert fresh(waiting).status is RsvpStatus.CONFIRMED
        assert rsvp.ical_sequence == 1

    def test_who_switches_has_said_yes_when_they_first_did(self, app: Flask, now: datetime):
        room, stream = make_hybrid()
        rsvp = make_rsvp(room)
        rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=now + timedelta(days=1))
        assert fresh(rsvp).confirmed_at == now, "who comes since before a reminder gets it"

    def test_a_switch_to_a_full_room_is_refused_and_keeps_the_place(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(stream)
        reason = refusal_of(lambda: rsvps.switch(rsvp_id=rsvp.id, option_id=room.id, now=now))
        assert reason is Refusal.FULL
        assert fresh(rsvp).option_id == stream.id

    def test_a_switch_to_a_full_room_may_wait_for_it_and_keep_the_place(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid(capacity=1)
        seated = make_rsvp(room)
        rsvp = make_rsvp(stream)
        rsvps.switch(rsvp_id=rsvp.id, option_id=room.id, now=now, accepts_waiting=True)
        assert fresh(rsvp).watches_meanwhile
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert fresh(rsvp).option_id == room.id

    def test_one_who_waits_may_watch_and_keeps_the_position(self, app: Flask, now: datetime):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        first, second = make_rsvp(room), make_rsvp(room)
        rsvps.watch_meanwhile(rsvp_id=first.id, option_id=stream.id, now=now)
        assert fresh(first).watches_meanwhile
        assert queues.position_of(fresh(first)) == (0, 1)
        assert queues.position_of(fresh(second)) == (1, 0)

    def test_from_one_stream_to_another_the_position_stays(self, app: Flask, now: datetime):
        room, stream = make_hybrid(capacity=1)
        french = make_option(room.event, mode=AttendanceMode.VIRTUAL, label="In French")
        seated = make_rsvp(room)
        watcher = make_rsvp(room, meanwhile_option_id=stream.id)
        behind = make_rsvp(room)
        rsvps.switch(rsvp_id=watcher.id, option_id=french.id, now=now)
        assert (fresh(watcher).option_id, watcher.waits_for_option_id) == (french.id, room.id)
        assert queues.position_of(fresh(behind)) == (1, 0)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert fresh(watcher).option_id == room.id

    def test_one_who_waits_may_wait_for_another_room(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        hall = make_option(room.event, capacity=1)
        make_rsvp(room)
        seated, waiting = make_rsvp(hall), make_rsvp(room)
        rsvps.switch(rsvp_id=waiting.id, option_id=hall.id, now=now, accepts_waiting=True)
        assert (fresh(waiting).option_id, waiting.waits_for_option_id) == (hall.id, hall.id)
        assert (fresh(room).waiting, fresh(hall).waiting) == (0, 1)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert (fresh(waiting).status, waiting.option_id) == (RsvpStatus.CONFIRMED, hall.id)

    def test_one_who_waits_for_approval_may_watch_instead(self, app: Flask, now: datetime):
        event = make_event()
        room = make_option(event, needs_approval=True)
        stream = make_option(event, mode=AttendanceMode.VIRTUAL)
        rsvp = make_rsvp(room)
        rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=now)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.CONFIRMED, stream.id)
        reason = refusal_of(lambda: rsvps.switch(rsvp_id=rsvp.id, option_id=room.id, now=now))
        assert reason is Refusal.NEEDS_APPROVAL

    def test_one_who_waits_for_approval_may_wait_for_a_seat_instead(
        self, app: Flask, now: datetime
    ):
        event = make_event()
        board, room = make_option(event, needs_approval=True), make_option(event, capacity=1)
        seated, rsvp = make_rsvp(room), make_rsvp(board)
        rsvps.switch(rsvp_id=rsvp.id, option_id=room.id, now=now, accepts_waiting=True)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.WAITLISTED, room.id)
        rsvps.cancel(rsvp_id=seated.id, now=now)
        assert (fresh(rsvp).status, rsvp.option_id) == (RsvpStatus.CONFIRMED, room.id)

    def test_the_list_of_the_room_closes_and_the_stream_stays_open_to_a_switch(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid(registration_closes_at=now + timedelta(days=1))
        seated, watching = make_rsvp(room), make_rsvp(stream)
        later = now + timedelta(days=2)
        reason = refusal_of(lambda: rsvps.switch(rsvp_id=watching.id, option_id=room.id, now=later))
        assert reason is Refusal.CLOSED
        rsvps.switch(rsvp_id=seated.id, option_id=stream.id, now=later)
        assert fresh(seated).option_id == stream.id

    def test_to_a_stream_goes_nobody_before_it_opens_or_once_it_has_closed(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid()
        rsvp, second = make_rsvp(room), timedelta(seconds=1)

        def switch(opens_at: datetime, closes_at: datetime) -> None:
            stream.opens_at, stream.closes_at = opens_at, closes_at
            db.session.commit()
            rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=now)

        assert refusal_of(lambda: switch(now + second, now + 2 * second)) is Refusal.NOT_OPEN
        assert refusal_of(lambda: switch(now - second, now)) is Refusal.CLOSED
        switch(now, now + second)
        assert fresh(rsvp).option_id == stream.id

    @pytest.mark.parametrize("what", ["cancel", "leave", "switch", "edit", "resend", "watch"])
    def test_nothing_is_changed_once_the_event_is_over(self, app: Flask, what: str):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(room)
        over = {"rsvp_id": rsvp.id, "now": room.event.ends_at}
        verbs = {
            "cancel": lambda: rsvps.cancel(**over),
            "leave": lambda: rsvps.leave_waitlist(**over),
            "switch": lambda: rsvps.switch(option_id=stream.id, **over),
            "edit": lambda: rsvps.edit(details=details(), **over),
            "resend": lambda: links.resend(**over),
            "watch": lambda: rsvps.watch_meanwhile(option_id=stream.id, **over),
        }
        assert refusal_of(verbs[what]) is Refusal.ENDED
        assert fresh(rsvp).status is RsvpStatus.WAITLISTED


class TestGuests:
    def test_a_guest_who_stays_keeps_the_ticket_when_another_goes(self, app: Flask, now: datetime):
        room, _ = make_hybrid(guests_max=3)
        rsvp = make_rsvp(room, name="A", guests=["B", "C"])
        tickets = {person.name: person.ticket_code for person in attendees(rsvp)}

        def edit(*guests: str) -> dict[str, str]:
            about = details(name="A", email=rsvp.email)
            rsvps.edit(rsvp_id=rsvp.id, now=now, details=about, guests=guests)
            return {person.name: person.ticket_code for person in attendees(fresh(rsvp))}

        assert edit("C") == {"A": tickets["A"], "C": tickets["C"]}
        assert edit("C", "D")["C"] == tickets["C"]
        assert edit("D", "E")["E"] == tickets["C"], "who comes instead takes over the ticket"
        assert len(set(edit("D", "E", "F").values())) == 4

    def test_more_guests_than_allowed_are_refused(self, app: Flask):
        room, _ = make_hybrid(guests_max=1)
        reason = refusal_of(lambda: make_rsvp(room, guests=["B", "C"]))
        assert reason is Refusal.TOO_MANY_GUESTS

    def test_who_was_promised_guests_keeps_them_where_fewer_are_allowed_by_now(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid(guests_max=2)
        rsvp = make_rsvp(room, name="A", guests=["B", "C"])
        room.event.guests_max = 0
        db.session.commit()
        for guests in (["B", "D"], ["D"]):
            about = details(name="A", email=rsvp.email)
            rsvps.edit(rsvp_id=rsvp.id, now=now, details=about, guests=guests)
            assert [person.name for person in attendees(rsvp)][1:] == guests

    def test_a_guest_more_needs_a_free_seat(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=2, guests_max=2)
        rsvp = make_rsvp(room)
        other = make_rsvp(room)
        about = details(name=rsvp.name, email=rsvp.email)

        def grow():
            rsvps.edit(rsvp_id=rsvp.id, now=now, details=about, guests=["B"])

        assert refusal_of(grow) is Refusal.FULL
        rsvps.cancel(rsvp_id=other.id, now=now)
        grow()
        assert (fresh(rsvp).party_size, fresh(room).seats_taken) == (2, 2)

    def test_a_party_that_watches_does_not_grow_beyond_the_room_it_waits_for(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid(capacity=1, guests_max=1)
        make_rsvp(room)
        watcher = make_rsvp(room, meanwhile_option_id=stream.id)
        about = details(name=watcher.name, email=watcher.email)

        def grow():
            rsvps.edit(rsvp_id=watcher.id, now=now, details=about, guests=["B"])

        assert refusal_of(grow) is Refusal.TOO_MANY_GUESTS

    def test_a_guest_less_frees_a_seat_for_the_queue(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=2, guests_max=2)
        rsvp = make_rsvp(room, name="Amina", guests=["B"])
        waiting = make_rsvp(room)
        ticket = attendees(rsvp)[0].ticket_code
        about = details(name="Amina", email=rsvp.email)
        rsvps.edit(rsvp_id=rsvp.id, now=now, details=about, guests=[])
        assert fresh(waiting).status is RsvpStatus.CONFIRMED
        assert [person.ticket_code for person in attendees(fresh(rsvp))] == [ticket]

    def test_a_party_that_shrinks_in_the_queue_may_fit(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=2, guests_max=2)
        make_rsvp(room)
        family = make_rsvp(room, guests=["B"])
        assert family.status is RsvpStatus.WAITLISTED
        about = details(name=family.name, email=family.email)
        rsvps.edit(rsvp_id=family.id, now=now, details=about, guests=[])
        assert fresh(family).status is RsvpStatus.CONFIRMED

    def test_a_new_name_reaches_ticket_and_calendar(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        rsvp = make_rsvp(room, name="Amina Okonkwo")
        about = details(name="Amina Okonkwo-Bell", email=rsvp.email)
        rsvps.edit(rsvp_id=rsvp.id, now=now, details=about)
        assert attendees(fresh(rsvp))[0].name == "Amina Okonkwo-Bell"
        assert rsvp.ical_sequence == 1


class TestAnswers:
    def test_editing_replaces_the_answers(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        question = make_question(room.event)
        rsvp = make_rsvp(room, answers={question.id: {"text": "Mandates"}})
        about = details(name=rsvp.name, email=rsvp.email)
        rsvps.edit(
            rsvp_id=rsvp.id, now=now, details=about, answers={question.id: {"text": "Training"}}
        )
        values = db.session.scalars(select(Answer.value).where(Answer.rsvp_id == rsvp.id)).all()
        assert values == [{"text": "Training"}]

    def test_editing_keeps_what_is_asked_no_more_or_of_the_way_that_was_left(
        self, app: Flask, now: datetime
    ):
        room, stream = make_hybrid()
        retired = make_question(room.event, is_required=True)
        of_room = make_question(room.event, option_id=room.id)
        given = {retired.id: {"text": "Mandates"}, of_room.id: {"text": "Fish"}}
        rsvp, silent = make_rsvp(room, answers=given), make_rsvp(room)
        assert parties.unanswered(silent) == [retired.label]
        retired.retired_at = now
        db.session.commit()
        rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=now)
        about = details(name=rsvp.name, email=rsvp.email)
        rsvps.edit(rsvp_id=rsvp.id, now=now, details=about, answers={})
        assert parties.answers(rsvp) == given
        assert parties.unanswered(silent) == []


def test_every_change_is_in_the_audit_log(app: Flask, now: datetime):
    room, stream = make_hybrid(capacity=1, confirms_addresses=True)
    first, second = make_rsvp(room), make_rsvp(room)
    for rsvp in (first, second):
        answering.verify(rsvp_id=rsvp.id, now=now)
    rsvps.switch(rsvp_id=first.id, option_id=stream.id, now=now)
    rsvps.cancel(rsvp_id=first.id, now=now)

    def logged(rsvp_id: int) -> list[tuple[str, str, int | None]]:
        entries = select(AuditEntry).where(AuditEntry.rsvp_id == rsvp_id).order_by(AuditEntry.id)
        found = db.session.scalars(entries)
        return [(entry.action, entry.actor, entry.detail.get("option")) for entry in found]

    assert logged(first.id) == [
        ("rsvp.unverified", "attendee", room.id),
        ("rsvp.confirmed", "attendee", room.id),
        ("rsvp.switched", "attendee", stream.id),
        ("rsvp.cancelled", "attendee", None),
    ]
    assert logged(second.id) == [
        ("rsvp.unverified", "attendee", room.id),
        ("rsvp.waitlisted", "attendee", room.id),
        ("rsvp.promoted", "system", room.id),
    ]


def test_what_waits_for_staff_and_a_hold_that_ends_are_in_the_audit_log(app: Flask, now: datetime):
    room, stream = make_hybrid(confirms_addresses=True)
    stream.needs_approval = True
    db.session.commit()
    held, asks = make_rsvp(room), make_rsvp(stream)
    answering.verify(rsvp_id=asks.id, now=now)
    answering.end_holds(now=now + timedelta(hours=1))
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.actor, entry.rsvp_id) for entry in entries[-2:]] == [
        ("rsvp.pending", "attendee", asks.id),
        ("rsvp.hold_ended", "system", held.id),
    ]
