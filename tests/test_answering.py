"""Answering an event: seats, queue, windows, questions, the address, invitations."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from registration import answering, desk, invitations, links, parties, queues, rsvps
from registration.admission import Refusal
from registration.database import db
from registration.models import (
    Answer,
    AttendanceMode,
    AttendanceOption,
    EventStatus,
    InvitationStatus,
    MailKind,
    MailState,
    OutboxMail,
    QuestionKind,
    RsvpStatus,
    Visibility,
)
from registration.parties import attendees
from tests.factories import (
    details,
    make_code,
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
    save,
)
from tests.outcomes import fresh, kinds_mailed, recipients, refusal_of


class TestAnswering:
    def test_a_party_with_room_is_confirmed_and_mailed(self, app: Flask):
        room, _ = make_hybrid(capacity=5)
        rsvp = make_rsvp(room, email="amina@example.org", name="Amina Okonkwo-Bell")
        assert rsvp.status is RsvpStatus.CONFIRMED
        assert fresh(room).seats_taken == 1
        assert kinds_mailed(rsvp) == [MailKind.CONFIRMED]
        assert len(rsvp.manage_key) >= 22
        assert rsvp.manage_key != rsvp.join_key

    def test_each_person_of_a_party_has_a_ticket_of_their_own(self, app: Flask):
        room, _ = make_hybrid(guests_max=2)
        rsvp = make_rsvp(room, name="Amina", guests=["Bo", "Chi"])
        party = attendees(rsvp)
        assert [person.name for person in party] == ["Amina", "Bo", "Chi"]
        assert len({person.ticket_code for person in party}) == 3
        assert fresh(room).seats_taken == 3

    def test_a_ticket_code_that_is_somebodys_already_gives_way_to_another(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        room, _ = make_hybrid()
        taken = [person.ticket_code for person in attendees(make_rsvp(room))]
        codes = iter([taken, taken, ["ABCD2345"]])
        monkeypatch.setattr(parties, "random_codes", lambda _number: next(codes))
        second = make_rsvp(room, email="amina@example.org")
        assert [person.ticket_code for person in attendees(second)] == ["ABCD2345"]
        assert fresh(room).seats_taken == 2

    def test_a_full_room_is_refused_to_one_who_was_shown_free_seats(self, app: Flask):
        room, _ = make_hybrid(capacity=1)
        make_rsvp(room)
        assert refusal_of(lambda: make_rsvp(room, accepts_waiting=False)) is Refusal.FULL
        assert fresh(room).waiting == 0

    def test_a_full_room_puts_one_who_accepts_it_on_the_waitlist(self, app: Flask):
        room, _ = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(room)
        assert rsvp.status is RsvpStatus.WAITLISTED
        assert (rsvp.seats_held, fresh(room).waiting) == (0, 1)
        assert kinds_mailed(rsvp) == [MailKind.WAITLISTED]

    def test_who_waits_may_hold_a_virtual_place_meanwhile(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        rsvp = make_rsvp(room, meanwhile_option_id=stream.id)
        assert rsvp.status is RsvpStatus.CONFIRMED
        assert (rsvp.option_id, rsvp.waits_for_option_id) == (stream.id, room.id)
        assert kinds_mailed(rsvp) == [MailKind.CONFIRMED]

    def test_nobody_overtakes_a_party_that_does_not_fit(self, app: Flask):
        room, _ = make_hybrid(capacity=3, guests_max=3)
        make_rsvp(room, guests=["A guest"])
        family = make_rsvp(room, guests=["B", "C"])
        single = make_rsvp(room)
        assert (family.status, single.status) == (RsvpStatus.WAITLISTED, RsvpStatus.WAITLISTED)
        assert queues.position_of(single) == (1, 0)

    def test_a_second_answer_changes_nothing_and_mails_the_links(self, app: Flask, now: datetime):
        room, stream = make_hybrid()
        first = make_rsvp(room, email="amina@example.org", name="Amina")
        again = answering.answer(
            event_id=room.event_id,
            option_id=stream.id,
            details=details(email="amina@example.org", name="Somebody else"),
            now=now,
        )
        assert again is None
        assert fresh(first).name == "Amina"
        assert fresh(first).option_id == room.id
        links = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.LINKS)
        ).all()
        assert [mail.recipient for mail in links] == ["amina@example.org"]

    def test_the_links_are_mailed_only_a_few_times_a_day(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        make_rsvp(room, email="amina@example.org")
        for minute in range(9):
            links.send(email="amina@example.org", now=now + timedelta(minutes=minute))
        links.send(email="amina@example.org", now=now + timedelta(days=2))
        mailed = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == MailKind.LINKS))
        assert len(mailed.all()) == 4 + 1

    def test_how_often_the_links_are_mailed_is_set(
        self, app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(app.config, "LIMIT_LINKS_PER_ADDRESS", "2 per hour")
        email = make_rsvp(make_option()).email
        for minute in (0, 1, 2, 61):
            links.send(email=email, now=now + timedelta(minutes=minute))
        mailed = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == MailKind.LINKS))
        assert len(mailed.all()) == 2 + 1

    def test_no_links_are_mailed_of_what_is_over(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        email, ends_at = make_rsvp(room).email, room.event.ends_at
        links.send(email=email, now=ends_at)
        assert recipients() == [email]
        links.send(email=email, now=ends_at - timedelta(seconds=1))
        assert recipients() == [email, email]

    def test_an_attendee_has_the_mail_again_only_a_few_times_a_day(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        rsvp = make_rsvp(room)
        sent = [links.resend(rsvp_id=rsvp.id, now=now) for _ in range(6)]
        assert sent == [True] * 4 + [False] * 2
        assert links.resend(rsvp_id=rsvp.id, now=now, staff_id=make_staff().id)
        assert links.resend(rsvp_id=rsvp.id, now=now + timedelta(days=1))

    def test_a_mail_of_an_ended_rsvp_is_not_sent_again(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        rsvp = make_rsvp(room)
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        reason = refusal_of(lambda: links.resend(rsvp_id=rsvp.id, now=now))
        assert reason is Refusal.NOT_POSSIBLE
        # Staff may, and the entry leaves the calendar with whichever of the two mails goes.
        links.resend(rsvp_id=rsvp.id, now=now, staff_id=make_staff().id)
        waiting = db.session.scalars(
            select(OutboxMail).where(OutboxMail.state == MailState.WAITING)
        ).one()
        assert (waiting.kind, waiting.ical_sequence) == (MailKind.CANCELLED, 1)

    def test_a_party_that_could_never_sit_down_does_not_hold_the_queue(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid(capacity=2, guests_max=4)
        reason = refusal_of(lambda: make_rsvp(room, guests=["B", "C"]))
        assert reason is Refusal.TOO_MANY_GUESTS
        make_rsvp(room, guests=["B"])
        waiting = make_rsvp(room)
        about = details(name=waiting.name, email=waiting.email)

        def grow():
            rsvps.edit(rsvp_id=waiting.id, now=now, details=about, guests=["B", "C"])

        assert refusal_of(grow) is Refusal.TOO_MANY_GUESTS

    def test_nobody_is_sent_into_a_queue_that_has_closed(self, app: Flask):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        begun = room.event.starts_at
        assert refusal_of(lambda: make_rsvp(room, now=begun)) is Refusal.FULL
        assert make_rsvp(stream, now=begun).is_confirmed

    @pytest.mark.parametrize("elsewhere", ["another event", "nowhere", "approval", "closed"])
    def test_a_place_meanwhile_is_one_that_is_open_to_all(
        self, app: Flask, now: datetime, elsewhere: str
    ):
        room, stream = make_hybrid(capacity=1)
        make_rsvp(room)
        if elsewhere == "another event":
            meanwhile = make_hybrid()[1].id
        elif elsewhere == "nowhere":
            meanwhile = 10**9
        else:
            meanwhile = stream.id
            stream.needs_approval = elsewhere == "approval"
            stream.closes_at = now if elsewhere == "closed" else None
            save(stream)
        rsvp = make_rsvp(room, meanwhile_option_id=meanwhile)
        assert (rsvp.status, rsvp.option_id) == (RsvpStatus.WAITLISTED, room.id)

    def test_an_unknown_address_is_mailed_nothing(self, app: Flask, now: datetime):
        links.send(email="nobody@example.org", now=now)
        assert db.session.scalar(select(OutboxMail.id)) is None

    def test_registering_again_after_a_cancellation_gets_a_new_calendar_uid(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid()
        first = make_rsvp(room, email="amina@example.org")
        rsvps.cancel(rsvp_id=first.id, now=now)
        second = make_rsvp(room, email="amina@example.org")
        assert second.id != first.id
        assert second.ical_uid != fresh(first).ical_uid
        assert second.ical_sequence == 0

    def test_the_database_itself_refuses_a_second_live_rsvp(self, app: Flask):
        room, _ = make_hybrid()
        first = make_rsvp(room, email="amina@example.org")
        other = make_rsvp(room, email="bo@example.org")
        assert first.email != other.email
        other.email = "amina@example.org"
        with pytest.raises(IntegrityError):
            db.session.commit()

    def test_the_database_itself_refuses_to_overbook(self, app: Flask):
        room, _ = make_hybrid(capacity=1)
        make_rsvp(room)
        room.seats_taken = 2
        with pytest.raises(IntegrityError):
            db.session.commit()

    def test_another_events_option_is_refused(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        stranger, _ = make_hybrid()
        with pytest.raises(LookupError):
            answering.answer(
                event_id=room.event_id, option_id=stranger.id, details=details(), now=now
            )


class TestWindows:
    def test_a_closed_event_takes_no_answer(self, app: Flask, now: datetime):
        room, _ = make_hybrid(registration_closes_at=now)
        assert refusal_of(lambda: make_rsvp(room)) is Refusal.CLOSED

    def test_an_event_that_is_not_open_yet_takes_no_answer(self, app: Flask, now: datetime):
        room, _ = make_hybrid(registration_opens_at=now + timedelta(seconds=1))
        assert refusal_of(lambda: make_rsvp(room)) is Refusal.NOT_OPEN
        assert make_rsvp(room, now=now + timedelta(seconds=1)).is_confirmed

    def test_an_option_has_a_window_of_its_own(self, app: Flask, now: datetime):
        event = make_event()
        room = make_option(event, closes_at=now)
        stream = make_option(event, mode=AttendanceMode.VIRTUAL)
        assert refusal_of(lambda: make_rsvp(room)) is Refusal.CLOSED
        assert make_rsvp(stream).is_confirmed

    def test_a_past_event_takes_no_answer(self, app: Flask, now: datetime):
        room, _ = make_hybrid(starts_at=now - timedelta(hours=5))
        assert refusal_of(lambda: make_rsvp(room)) is Refusal.ENDED

    @pytest.mark.parametrize("status", [EventStatus.DRAFT, EventStatus.CANCELLED])
    def test_an_event_that_does_not_take_place_takes_no_answer(
        self, app: Flask, status: EventStatus
    ):
        room, _ = make_hybrid(status=status)
        assert refusal_of(lambda: make_rsvp(room)) in (Refusal.CANCELLED, Refusal.NOT_OPEN)


class TestQuestions:
    def test_an_answer_keeps_the_words_it_was_asked_in(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        question = make_question(
            room.event, kind=QuestionKind.ONE_OF, label="Which session?", choices=["A", "B"]
        )
        rsvp = make_rsvp(room, answers={question.id: {"choices": ["B"]}})
        question.label, question.choices = "Which part?", ["A"]
        save(question)
        kept = db.session.scalars(select(Answer).where(Answer.rsvp_id == rsvp.id)).one()
        assert (kept.label, kept.choices, kept.value) == (
            "Which session?",
            ["A", "B"],
            {"choices": ["B"]},
        )

    def test_another_events_question_is_not_answered(self, app: Flask):
        room, _ = make_hybrid()
        foreign = make_question(make_event())
        rsvp = make_rsvp(room, answers={foreign.id: {"text": "x"}})
        assert db.session.scalar(select(Answer.id).where(Answer.rsvp_id == rsvp.id)) is None


class TestConfirmingTheAddress:
    def test_the_seat_is_held_until_the_address_is_confirmed(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1, confirms_addresses=True)
        rsvp = make_rsvp(room)
        assert (rsvp.status, rsvp.seats_held) == (RsvpStatus.UNVERIFIED, 1)
        assert kinds_mailed(rsvp) == [MailKind.VERIFY]
        later = make_rsvp(room)
        answering.verify(rsvp_id=later.id, now=now)
        assert fresh(later).status is RsvpStatus.WAITLISTED
        answering.verify(rsvp_id=rsvp.id, now=now)
        assert fresh(rsvp).status is RsvpStatus.CONFIRMED, "the held seat is not given away"
        assert (fresh(room).seats_taken, room.waiting) == (1, 1)

    def test_who_comes_by_an_invitation_has_confirmed_it_already(self, app: Flask):
        room, _ = make_hybrid(confirms_addresses=True)
        invited = make_invitation(room.event)
        by_it = make_rsvp(room, email=invited.email, invitation_key=invited.key)
        assert kinds_mailed(by_it) == [MailKind.CONFIRMED]
        # Passed on, it says nothing of another address.
        assert make_rsvp(room, invitation_key=invited.key).status is RsvpStatus.UNVERIFIED

    def test_a_hold_that_ends_goes_on_to_the_queue(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1, confirms_addresses=True)
        late, waiting = make_rsvp(room), make_rsvp(room)
        answering.verify(rsvp_id=waiting.id, now=now)
        assert answering.end_holds(now=now + timedelta(minutes=29)) == 0
        assert answering.end_holds(now=now + timedelta(minutes=30)) == 1
        assert fresh(waiting).status is RsvpStatus.CONFIRMED
        answering.verify(rsvp_id=late.id, now=now + timedelta(hours=1))
        assert fresh(late).status is RsvpStatus.WAITLISTED, "no dead end for who confirms late"

    def test_who_has_confirmed_keeps_the_seat_when_the_half_hour_ends(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid(capacity=1, confirms_addresses=True)
        rsvp = make_rsvp(room)
        answering.verify(rsvp_id=rsvp.id, now=now)
        assert answering.end_holds(now=now + timedelta(minutes=30)) == 0
        assert (fresh(rsvp).seats_held, fresh(room).seats_taken) == (1, 1)

    def test_confirming_twice_is_once(self, app: Flask, now: datetime):
        room, _ = make_hybrid(confirms_addresses=True)
        rsvp = make_rsvp(room)
        answering.verify(rsvp_id=rsvp.id, now=now)
        answering.verify(rsvp_id=rsvp.id, now=now)
        assert fresh(room).seats_taken == 1
        assert kinds_mailed(rsvp).count(MailKind.CONFIRMED) == 1

    def test_a_hold_ends_where_staff_wish_to_decide_by_now(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1, confirms_addresses=True)
        held, waiting = make_rsvp(room), make_rsvp(room)
        answering.verify(rsvp_id=waiting.id, now=now)
        room.needs_approval = True
        save(room)
        answering.verify(rsvp_id=held.id, now=now)
        assert (fresh(held).status, held.seats_held) == (RsvpStatus.PENDING, 0)
        assert fresh(waiting).is_confirmed

    def test_only_the_owner_of_an_address_is_sent_the_key_that_confirms_it(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid(confirms_addresses=True)
        rsvp = make_rsvp(
            room, email="amina@example.org", booked_by_email="bo@example.org", booked_by_name="Bo"
        )
        links.send(email="bo@example.org", now=now)
        assert recipients() == ["amina@example.org"]
        answering.verify(rsvp_id=rsvp.id, now=now)
        assert recipients()[1:] == ["amina@example.org", "bo@example.org"]


class TestAssistant:
    def test_both_get_each_mail_and_one_of_them_the_calendar_entry(self, app: Flask, now: datetime):
        room, stream = make_hybrid()
        rsvp = make_rsvp(
            room, email="amina@example.org", booked_by_email="bo@example.org", booked_by_name="Bo"
        )
        rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=now)
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        assert recipients() == ["amina@example.org", "bo@example.org"] * 3
        sequences = db.session.scalars(select(OutboxMail.ical_sequence).order_by(OutboxMail.id))
        assert sequences.all() == [0, None, 1, None, 2, None]

    def test_an_assistant_finds_what_they_answered_for_others(self, app: Flask, now: datetime):
        room, _ = make_hybrid()
        made = [make_rsvp(room, booked_by_email="bo@example.org").id for _ in range(2)]
        made.append(make_rsvp(room, email="bo@example.org").id)
        make_rsvp(room)
        links.send(email="bo@example.org", now=now)
        mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == MailKind.LINKS)).one()
        assert mail.facts["rsvps"] == made


class TestInvitationOnly:
    @pytest.fixture
    def room(self, app: Flask) -> AttendanceOption:
        room, _ = make_hybrid(visibility=Visibility.INVITATION)
        return room

    def test_a_stranger_is_refused(self, room: AttendanceOption):
        assert refusal_of(lambda: make_rsvp(room)) is Refusal.NOT_INVITED

    def test_an_invited_person_comes_in_with_their_key(self, room: AttendanceOption):
        invitation = make_invitation(room.event)
        rsvp = make_rsvp(room, email=invitation.email, invitation_key=invitation.key)
        assert rsvp.is_confirmed
        assert fresh(invitation).status is InvitationStatus.ACCEPTED

    def test_a_personal_invitation_passed_on_opens_nothing(self, room: AttendanceOption):
        invitation = make_invitation(room.event)
        reason = refusal_of(lambda: make_rsvp(room, invitation_key=invitation.key))
        assert reason is Refusal.NOT_INVITED

    def test_an_invited_person_may_say_no_and_later_yes(
        self, room: AttendanceOption, now: datetime
    ):
        invitation = make_invitation(room.event)
        rsvp = make_rsvp(room, email=invitation.email, invitation_key=invitation.key)
        invitations.decline(invitation_id=invitation.id, now=now)
        assert fresh(rsvp).status is RsvpStatus.DECLINED
        assert fresh(room).seats_taken == 0
        assert make_rsvp(room, email=invitation.email, invitation_key=invitation.key).is_confirmed

    def test_the_invitation_of_who_cancels_is_open_again(
        self, room: AttendanceOption, now: datetime
    ):
        invitation = make_invitation(room.event)
        rsvp = make_rsvp(room, email=invitation.email, invitation_key=invitation.key)
        assert fresh(invitation).answered_at == now
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        assert fresh(invitation).status is InvitationStatus.OPEN
        assert fresh(invitation).answered_at is None

    def test_saying_no_also_ends_an_rsvp_sent_without_the_link(self, app: Flask, now: datetime):
        room, _ = make_hybrid(capacity=1)
        invitation = make_invitation(room.event)
        rsvp, other = make_rsvp(room, email=invitation.email), make_rsvp(room)
        invitations.decline(invitation_id=invitation.id, now=now)
        assert fresh(rsvp).status is RsvpStatus.DECLINED
        assert fresh(other).is_confirmed, "and the seat goes on"

    def test_saying_no_also_ends_an_rsvp_whose_address_was_corrected(
        self, room: AttendanceOption, now: datetime
    ):
        invitation = make_invitation(room.event)
        rsvp = make_rsvp(room, email=invitation.email, invitation_key=invitation.key)
        desk.correct_address(
            rsvp_id=rsvp.id, email="right@example.org", staff_id=make_staff().id, now=now
        )
        again = make_rsvp(room, email=invitation.email, invitation_key=invitation.key)
        invitations.decline(invitation_id=invitation.id, now=now)
        assert {fresh(rsvp).status, fresh(again).status} == {RsvpStatus.DECLINED}
        assert fresh(room).seats_taken == 0

    def test_a_second_no_ends_an_rsvp_that_was_sent_since_the_first(
        self, app: Flask, now: datetime
    ):
        room, _ = make_hybrid()
        invitation = make_invitation(room.event)
        invitations.decline(invitation_id=invitation.id, now=now)
        rsvp = make_rsvp(room, email=invitation.email)
        invitations.decline(invitation_id=invitation.id, now=now)
        assert fresh(rsvp).status is RsvpStatus.DECLINED
        assert fresh(room).seats_taken == 0

    def test_a_no_after_the_event_is_refused(self, room: AttendanceOption):
        invitation = make_invitation(room.event)
        over = room.event.ends_at

        def decline():
            invitations.decline(invitation_id=invitation.id, now=over)

        assert refusal_of(decline) is Refusal.ENDED

    def test_a_code_lets_in_as_many_as_it_says_and_a_cancellation_gives_its_use_back(
        self, room: AttendanceOption, now: datetime
    ):
        code = make_code(room.event, uses_max=1)
        rsvp = make_rsvp(room, code=code.code.lower())
        assert refusal_of(lambda: make_rsvp(room, code=code.code)) is Refusal.CODE_USED
        rsvps.cancel(rsvp_id=rsvp.id, now=now)
        assert make_rsvp(room, code=code.code).is_confirmed

    def test_a_code_that_is_used_up_shuts_nobody_out_of_an_event_that_became_public(
        self, room: AttendanceOption
    ):
        code = make_code(room.event, uses_max=1)
        make_rsvp(room, code=code.code)
        room.event.visibility = Visibility.PUBLIC
        db.session.commit()
        assert make_rsvp(room, code=code.code).code_id is None
        assert fresh(code).uses == 1
