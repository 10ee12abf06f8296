"""Mailings: whom they reach, what they say, the hold, and how one gets out of them."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from registration import (
    announcements,
    claims,
    clock,
    delivery,
    departures,
    lifecycle,
    mailings,
    outbox,
    progress,
    rendering,
    rsvps,
    segments,
    staff,
    subscriptions,
    walkins,
)
from registration.database import db
from registration.letters import mailings as letters
from registration.mailings import MailingRefused
from registration.models import (
    HOLD,
    Announcement,
    Attendee,
    AuditEntry,
    Event,
    Mailing,
    MailingState,
    MailKind,
    MailState,
    OutboxMail,
    QuestionKind,
    Rsvp,
    Staff,
    StaffRole,
)
from registration.parties import Details
from registration.segments import Presence, Segment, Who
from registration.times import now
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
    reschedule,
)
from tests.outcomes import kinds_mailed

LATER = NOW + HOLD
CANCELLED_AT = NOW + timedelta(minutes=5)


def write(event_id: int, writer: Staff | None = None, **values: object) -> Mailing:
    """A draft to everybody confirmed, unless said otherwise."""
    plain: dict[str, object] = {
        "subject": "How to get in, {first_name}",
        "body": "Dear {first_name},\n\nyour ticket: {ticket_link}",
        "segment": Segment(),
        "now": NOW,
    }
    staff_id = (writer or make_staff(StaffRole.ORGANISER)).id
    return mailings.write(event_id=event_id, staff_id=staff_id, **(plain | values))  # type: ignore[arg-type]


def mails_of(mailing: Mailing) -> list[OutboxMail]:
    return list(
        db.session.scalars(
            select(OutboxMail).where(OutboxMail.mailing_id == mailing.id).order_by(OutboxMail.id)
        )
    )


def everything_gone() -> None:
    """What was written so far has been delivered."""
    db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
    db.session.commit()


def body_of(mail: OutboxMail) -> str:
    return str(rendering.render(mail, now=NOW).body)


def test_a_released_mailing_is_one_mail_to_each_confirmed_rsvp(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    seated = make_rsvp(room, name="Amina Okonkwo-Bell")
    watching = make_rsvp(stream)
    make_rsvp(room)  # waits
    mailing = write(room.event_id)

    assert mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW) == 2

    assert [mail.recipient for mail in mails_of(mailing)] == [seated.email, watching.email]
    assert {mail.due_at for mail in mails_of(mailing)} == {LATER}
    message = rendering.render(mails_of(mailing)[0], now=NOW)
    assert message.subject == "How to get in, Amina"
    assert "Dear Amina," in message.body
    assert f"http://events.example.org/rsvp/{seated.manage_key}" in message.body
    assert watching.email not in message.as_string()


def test_who_came_without_an_rsvp_reads_that_the_organisers_entered_one(app: Flask) -> None:
    room = make_option()
    mailing = write(room.event_id)
    make_rsvp(room)
    walkins.walk_in(
        event_id=room.event_id,
        details=Details(name="Amina", email="walk@example.org"),
        staff_id=mailing.staff_id,
        now=NOW,
    )
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    sent, entered = (" ".join(body_of(mail).split()) for mail in mails_of(mailing))
    assert "because you sent an RSVP for" in sent
    assert "because the organisers entered an RSVP with this address for" in entered


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (Segment(Who.CONFIRMED), {"seated", "watching", "meanwhile"}),
        (Segment(Who.WAITING), {"waiting", "meanwhile"}),
        (Segment(Who.EVERYONE), {"seated", "watching", "meanwhile", "waiting"}),
        (Segment(Who.ENDED), {"ended"}),
        (Segment(presence=Presence.CHECKED_IN), {"seated"}),
        (Segment(presence=Presence.NOT_CHECKED_IN), {"watching", "meanwhile"}),
        (Segment(presence=Presence.JOINED), {"watching"}),
        (Segment(presence=Presence.NOT_JOINED), {"seated", "meanwhile"}),
        (Segment(wants_news=True), {"watching"}),
    ],
)
def test_a_segment_is_who_it_says(app: Flask, segment: Segment, expected: set[str]) -> None:
    room, stream = make_hybrid(capacity=1)
    people = {
        "seated": make_rsvp(room),
        "watching": make_rsvp(stream, wants_news=True),
        "waiting": make_rsvp(room, wants_news=True),
        "meanwhile": make_rsvp(room, meanwhile_option_id=stream.id),
        "ended": make_rsvp(stream),
    }
    ids = {rsvp.id: name for name, rsvp in people.items()}
    rsvps.cancel(rsvp_id=people["ended"].id, now=NOW)
    # One who cancelled and is back counts once, as what they are now.
    back = make_rsvp(stream)
    rsvps.cancel(rsvp_id=back.id, now=NOW)
    pending = make_option(db.session.get_one(Event, room.event_id), needs_approval=True)
    make_rsvp(pending, email=back.email)
    for name, column in (("seated", "checked_in_at"), ("watching", "joined_at")):
        attendee = db.session.scalars(
            select(Attendee).where(Attendee.rsvp_id == people[name].id)
        ).one()
        setattr(attendee, column, NOW)
    db.session.commit()

    found = set(db.session.scalars(segments.rsvps_of(room.event_id, segment)))

    if segment.who is Who.EVERYONE:
        ids[db.session.scalar(select(Rsvp.id).where(Rsvp.option_id == pending.id))] = "pending"
        expected = expected | {"pending"}
    assert {ids.get(rsvp_id, "somebody else") for rsvp_id in found} == expected
    assert segments.count(room.event_id, segment) == len(expected)


def test_the_counts_beside_the_segments_are_those_of_the_segments(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    for option in (room, stream, stream, room):
        make_rsvp(option)
    counts = segments.counts(room.event_id)
    assert counts[Who.CONFIRMED, room.id] == 1
    assert counts[Who.CONFIRMED, stream.id] == 2
    for who in Who:
        assert counts.get((who, None), 0) == segments.count(room.event_id, Segment(who))


def test_a_segment_by_answer_takes_those_who_gave_it(app: Flask) -> None:
    option = make_option()
    event = db.session.get_one(Event, option.event_id)
    lunch = make_question(event, kind=QuestionKind.ANY_OF, choices=["Soup", "Käse"])
    stays = make_question(event, kind=QuestionKind.YES_NO)
    hungry = make_rsvp(
        option, answers={lunch.id: {"choices": ["Käse", "Soup"]}, stays.id: {"yes": True}}
    )
    make_rsvp(option, answers={lunch.id: {"choices": ["Soup"]}, stays.id: {"yes": False}})
    make_rsvp(option)

    def found(question_id: int, answer: str) -> list[int]:
        segment = Segment(question_id=question_id, answer=answer)
        return list(db.session.scalars(segments.rsvps_of(event.id, segment)))

    assert found(lunch.id, "Käse") == [hungry.id]
    assert len(found(lunch.id, "Soup")) == 2
    assert found(lunch.id, "K") == []
    assert found(stays.id, "yes") == [hungry.id]
    assert len(found(stays.id, "no")) == 1


def test_a_segment_of_another_event_is_empty(app: Flask) -> None:
    make_rsvp(make_option())
    elsewhere = make_event().id
    assert segments.count(elsewhere, Segment(Who.EVERYONE)) == 0
    assert set(segments.counts(elsewhere).values()) == {0}


def test_who_came_to_the_door_without_an_address_is_in_no_segment(app: Flask) -> None:
    option = make_option()
    walkins.walk_in(
        event_id=option.event_id,
        details=Details(name="Somebody", email=""),
        staff_id=make_staff().id,
        now=NOW,
    )
    assert segments.count(option.event_id, Segment()) == 0
    assert segments.counts(option.event_id).get((Who.CONFIRMED, None), 0) == 0


def test_nothing_goes_before_the_hold_is_over(app: Flask) -> None:
    app.config["MAIL_SERVER"] = "mail.example.org"
    try:
        option = make_option()
        make_rsvp(option)
        everything_gone()
        mailing = write(option.event_id)
        mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
        assert claims.claim(now=LATER - timedelta(seconds=1)) == []
        assert claims.claim(now=LATER) == [mail.id for mail in mails_of(mailing)]
    finally:
        app.config["MAIL_SERVER"] = ""


def test_a_confirmation_does_not_wait_behind_a_mailing(app: Flask) -> None:
    app.config["MAIL_SERVER"] = "mail.example.org"
    try:
        option = make_option()
        for _number in range(3):
            make_rsvp(option)
        everything_gone()
        mailing = write(option.event_id)
        mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
        late = make_rsvp(option, now=LATER + timedelta(minutes=1))
        first = claims.claim(now=LATER + timedelta(minutes=1), limit=1)
        assert db.session.get_one(OutboxMail, first[0]).rsvp_id == late.id
        rest = claims.claim(now=LATER + timedelta(minutes=1), limit=10)
        assert {db.session.get_one(OutboxMail, number).mailing_id for number in rest} == {
            mailing.id
        }
    finally:
        app.config["MAIL_SERVER"] = ""


def test_undo_makes_it_a_draft_again_and_takes_every_mail_back(app: Flask) -> None:
    option = make_option()
    make_rsvp(option)
    mailing = write(option.event_id)
    staff_id = mailing.staff_id
    mailings.release(mailing_id=mailing.id, staff_id=staff_id, now=NOW)

    mailings.undo(mailing_id=mailing.id, staff_id=staff_id, now=LATER - timedelta(seconds=1))

    assert mailing.state is MailingState.DRAFT
    assert [mail.state for mail in mails_of(mailing)] == [MailState.WITHDRAWN]
    # Corrected, it goes to the same people once more.
    assert mailings.release(mailing_id=mailing.id, staff_id=staff_id, now=LATER) == 1
    how_far = progress.of([mailing])[mailing.id]
    assert (how_far.waiting, how_far.total, how_far.left_out) == (1, 1, 0)


def test_after_the_hold_it_cannot_be_undone_but_stopped(app: Flask) -> None:
    option = make_option()
    first, _second = make_rsvp(option), make_rsvp(option)
    mailing = write(option.event_id)
    staff_id = mailing.staff_id
    mailings.release(mailing_id=mailing.id, staff_id=staff_id, now=NOW)
    with pytest.raises(MailingRefused):
        mailings.undo(mailing_id=mailing.id, staff_id=staff_id, now=LATER)
    sent = next(mail for mail in mails_of(mailing) if mail.rsvp_id == first.id)
    sent.state, sent.ended_at = MailState.SENT, LATER
    db.session.commit()

    assert mailings.stop(mailing_id=mailing.id, staff_id=staff_id, now=LATER) == 1

    assert mailing.state is MailingState.STOPPED
    how_far = progress.of([mailing])[mailing.id]
    assert (how_far.sent, how_far.waiting, how_far.left_out) == (1, 0, 1)


def test_a_mailing_is_released_once(app: Flask) -> None:
    option = make_option()
    make_rsvp(option)
    mailing = write(option.event_id)
    for _twice in range(2):
        assert mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW) == 1
    with pytest.raises(MailingRefused):
        mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=LATER)
    with pytest.raises(MailingRefused):
        mailings.rewrite(
            mailing_id=mailing.id,
            staff_id=mailing.staff_id,
            subject="Other",
            body="Other",
            segment=Segment(),
            seen_at="",
            now=NOW,
        )
    assert len(mails_of(mailing)) == 1


def test_nobody_releases_a_text_that_they_have_not_read(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    mailing = write(room.event_id)
    mailing_id, staff_id, read_at = mailing.id, mailing.staff_id or 0, mailing.updated_at
    mailings.rewrite(
        mailing_id=mailing_id,
        staff_id=staff_id,
        subject="Another",
        body="half a sen",
        segment=Segment(),
        seen_at=read_at.isoformat(),
        now=LATER,
    )
    who: dict = {"mailing_id": mailing_id, "staff_id": staff_id, "now": LATER}
    with pytest.raises(MailingRefused, match="Read it again"):
        mailings.release(**who, seen_at=read_at.isoformat())
    with pytest.raises(MailingRefused, match="Read it again"):
        mailings.schedule(**who, at=LATER + timedelta(days=1), seen_at=read_at.isoformat())
    assert mailings.release(**who, seen_at=LATER.isoformat()) == 1


def test_a_mailing_in_its_hold_does_not_go_once_the_event_is_cancelled(app: Flask) -> None:
    mail = cancelled_in_its_hold()
    assert not goes(mail, LATER)
    assert not goes(mail, CANCELLED_AT + HOLD)
    assert mail.state is MailState.SUPERSEDED


def test_a_mailing_waits_while_a_cancellation_can_be_taken_back(app: Flask) -> None:
    mail = cancelled_in_its_hold()
    app.config["MAIL_SERVER"] = "127.0.0.1"
    try:
        assert mail.id in claims.claim(now=LATER)
    finally:
        app.config["MAIL_SERVER"] = ""
    assert not goes(mail, LATER)
    assert (mail.state, mail.attempts) == (MailState.WAITING, 0)
    assert mail.due_at == CANCELLED_AT + HOLD
    undo_cancellation(LATER)
    assert goes(mail, CANCELLED_AT + HOLD)


def test_what_was_to_be_read_before_the_event_does_not_go_after_it(app: Flask) -> None:
    mail = released(NOW)
    event = mail.event
    assert event is not None
    assert goes(mail, event.ends_at - timedelta(seconds=1))
    assert not goes(mail, event.ends_at)
    assert mail.state is MailState.SUPERSEDED


def test_a_message_that_was_released_while_the_event_ran_goes_after_it(app: Flask) -> None:
    mail = released(make_event().starts_at)
    event = mail.event
    assert event is not None
    assert goes(mail, event.ends_at)


def released(at: datetime) -> OutboxMail:
    """A mail of a message that was released then."""
    room, _stream = make_hybrid()
    make_rsvp(room)
    mailing = write(room.event_id)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id or 0, now=at)
    [mail] = mails_of(mailing)
    return mail


def test_what_is_written_while_a_cancellation_is_held_goes_all_the_same(app: Flask) -> None:
    before = cancelled_in_its_hold()
    mailing = write(before.event_id or 0, subject="We are sorry")
    later = CANCELLED_AT + timedelta(minutes=5)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id or 0, now=later)
    announcements.spread(now=CANCELLED_AT + HOLD)
    [mail] = mails_of(mailing)
    assert goes(mail, later + HOLD)
    db.session.refresh(before)
    assert before.state is MailState.SUPERSEDED


def cancelled_in_its_hold() -> OutboxMail:
    """A mail of a message that was held when the event was cancelled."""
    room, _stream = make_hybrid()
    make_rsvp(room)
    mailing = write(room.event_id)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id or 0, now=NOW)
    lifecycle.cancel(event_id=room.event_id, reason="Snow", staff_id=None, now=CANCELLED_AT)
    [mail] = mails_of(mailing)
    return mail


def goes(mail: OutboxMail, at: datetime) -> bool:
    """Whether it goes when its turn has come."""
    with claims.Notes() as notes:
        [(_id, message)] = departures.rendered([mail.id], notes, at)
    db.session.refresh(mail)
    return message is not None


def undo_cancellation(at: datetime) -> None:
    held = db.session.scalars(select(Announcement.id)).one()
    assert announcements.undo(announcement_id=held, staff_id=None, now=at)


def test_a_mailing_to_nobody_stays_a_draft(app: Flask) -> None:
    mailing = write(make_option().event_id)
    with pytest.raises(MailingRefused):
        mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    assert mailing.state is MailingState.DRAFT


def test_what_two_people_write_at_once_is_not_overwritten(app: Flask) -> None:
    mailing = write(make_option().event_id)
    seen_at = mailing.updated_at.isoformat()

    def rewrite(subject: str, now: datetime) -> None:
        mailings.rewrite(
            mailing_id=mailing.id,
            staff_id=mailing.staff_id,
            subject=subject,
            body=mailing.body,
            segment=Segment(),
            seen_at=seen_at,
            now=now,
        )

    rewrite("First", NOW + timedelta(seconds=5))
    with pytest.raises(MailingRefused):
        rewrite("Second", NOW + timedelta(seconds=9))
    assert mailing.subject == "First"


def test_a_field_that_does_not_exist_is_refused(app: Flask) -> None:
    event_id = make_option().event_id
    with pytest.raises(MailingRefused, match="frist_name"):
        write(event_id, body="Dear {frist_name}")


def test_a_change_of_the_rsvp_keeps_the_mailing_and_its_end_takes_it_back(app: Flask) -> None:
    room, stream = make_hybrid()
    switches, leaves = make_rsvp(room), make_rsvp(room)
    mailing = write(room.event_id)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)

    rsvps.switch(rsvp_id=switches.id, option_id=stream.id, now=NOW)
    rsvps.cancel(rsvp_id=leaves.id, now=NOW)

    states = {mail.rsvp_id: mail.state for mail in mails_of(mailing)}
    assert states == {switches.id: MailState.WAITING, leaves.id: MailState.SUPERSEDED}


def test_who_gets_a_seat_meanwhile_is_not_told_that_there_is_none(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    seated, first, second = (make_rsvp(room) for _ in range(3))
    mailing = write(room.event_id, segment=Segment(Who.WAITING))
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    rsvps.switch(rsvp_id=seated.id, option_id=stream.id, now=NOW)
    assert {mail.rsvp_id: goes(mail, LATER) for mail in mails_of(mailing)} == {
        first.id: False,
        second.id: True,
    }


def test_a_message_to_who_waits_does_not_stand_for_the_news_of_a_move(app: Flask) -> None:
    rsvp = make_rsvp(make_option(capacity=0))
    event = rsvp.event
    everything_gone()
    mailing = write(event.id, segment=Segment(Who.WAITING))
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    day = timedelta(days=1)
    new = {"starts_at": event.starts_at + day, "ends_at": event.ends_at + day}
    reschedule(event_id=event.id, **new, staff_id=None, now=LATER)
    assert [goes(mail, LATER) for mail in mails_of(mailing)] == [True]
    announcements.spread(now=LATER + HOLD)
    assert kinds_mailed(rsvp)[-1] is MailKind.EVENT_CHANGED


def test_who_watches_by_now_is_not_told_the_way_to_the_room(app: Flask) -> None:
    room, stream = make_hybrid()
    rsvp = make_rsvp(room)
    mailing = write(room.event_id, segment=Segment(option_id=room.id))
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=NOW)
    assert [goes(mail, LATER) for mail in mails_of(mailing)] == [False]


def test_who_unsubscribed_gets_no_second_try_of_a_mailing_that_failed(app: Flask) -> None:
    rsvp = make_rsvp(make_option())
    mailing = write(rsvp.event_id)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    [mail] = mails_of(mailing)
    mail.state, mail.attempts = MailState.FAILED, 1
    db.session.commit()
    subscriptions.unsubscribe(email=rsvp.email, event_id=rsvp.event_id, everything=False, now=LATER)
    assert outbox.resend(mail_id=mail.id, staff_id=None, now=LATER)
    assert not goes(mail, LATER)


def test_a_test_goes_to_its_writer_with_nobodys_links(app: Flask) -> None:
    option = make_option()
    rsvp = make_rsvp(option)
    staff = make_staff(StaffRole.ORGANISER, name="Robin Clerk")
    mailing = write(option.event_id, staff)
    assert mailings.test(mailing_id=mailing.id, staff_id=staff.id, now=NOW) == staff.email
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == MailKind.MAILING)).one()
    message = rendering.render(mail, now=NOW)
    assert mail.recipient == staff.email
    assert message.subject == "Test: How to get in, Robin"
    assert rsvp.manage_key not in message.as_string()
    assert "List-Unsubscribe" not in message.as_string()
    assert progress.of([mailing])[mailing.id].waiting == 0


def test_who_unsubscribed_is_left_out_and_not_counted(app: Flask) -> None:
    option = make_option()
    stays, of_event, of_all = (make_rsvp(option) for _number in range(3))
    for rsvp, everything in ((of_event, False), (of_all, True)):
        subscriptions.unsubscribe(
            email=rsvp.email, event_id=option.event_id, everything=everything, now=NOW
        )
    assert segments.count(option.event_id, Segment()) == 1
    assert segments.counts(option.event_id)[Who.CONFIRMED, None] == 1
    assert segments.unsubscribed(option.event_id, Segment()) == 2
    mailing = write(option.event_id)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    assert [mail.rsvp_id for mail in mails_of(mailing)] == [stays.id]

    elsewhere = make_option()
    for rsvp in (of_event, of_all):
        make_rsvp(elsewhere, email=rsvp.email)
    assert segments.count(elsewhere.event_id, Segment()) == 1


def test_unsubscribing_takes_back_what_is_under_way(app: Flask) -> None:
    option, elsewhere = make_option(), make_option()
    rsvp, other = make_rsvp(option), make_rsvp(option)
    make_rsvp(elsewhere, email=rsvp.email)
    mailing, of_another = write(option.event_id), write(elsewhere.event_id)
    for each in (mailing, of_another):
        mailings.release(mailing_id=each.id, staff_id=each.staff_id, now=NOW)
    for _twice in range(2):
        subscriptions.unsubscribe(
            email=rsvp.email, event_id=option.event_id, everything=False, now=NOW
        )
    waiting = [mail.rsvp_id for mail in mails_of(mailing) if mail.state is MailState.WAITING]
    assert waiting == [other.id]
    assert [mail.state for mail in mails_of(of_another)] == [MailState.WAITING]
    subscriptions.subscribe_again(email=rsvp.email, event_id=option.event_id, now=NOW)
    assert subscriptions.state_of(rsvp.email, option.event_id) == "all"


def test_a_mailing_carries_one_click_unsubscribe_and_a_confirmation_does_not(app: Flask) -> None:
    option = make_option()
    rsvp = make_rsvp(option)
    mailing = write(option.event_id)
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    mail = mails_of(mailing)[0]
    sent = rendering.render(mail, now=NOW).as_string()
    headers = sent.partition("\r\n\r\n")[0].replace("\r\n ", " ").split("\r\n")
    address = next(line for line in headers if line.startswith("List-Unsubscribe: "))
    assert address.startswith("List-Unsubscribe: <http://events.example.org/unsubscribe/")
    assert address.endswith(">")
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in headers
    assert rsvp.manage_key not in address
    confirmation = db.session.scalars(
        select(OutboxMail).where(OutboxMail.kind == MailKind.CONFIRMED)
    ).one()
    assert "List-Unsubscribe" not in rendering.render(confirmation, now=NOW).as_string()


def test_who_has_nothing_to_change_any_more_is_not_led_to_change_it(app: Flask) -> None:
    soon = now()
    event = make_event(starts_at=soon + timedelta(days=1), ends_at=soon + timedelta(days=2))
    option = make_option(event)
    comes, left = make_rsvp(option, now=soon), make_rsvp(option, now=soon)
    rsvps.cancel(rsvp_id=left.id, now=soon)

    def says(rsvp: Rsvp) -> bool:
        return "Change or cancel my RSVP" in letter_to(rsvp)

    def letter_to(rsvp: Rsvp) -> str:
        mail = OutboxMail(
            kind=MailKind.MAILING,
            event=event,
            rsvp=rsvp,
            recipient=rsvp.email,
            recipient_name=rsvp.name,
            language="en",
            facts={"subject": "A word", "body": "Hello."},
            message_id="<a.word@example.org>",
        )
        with db.session.no_autoflush:
            return rendering.render(mail, now=soon).body

    assert [says(comes), says(left)] == [True, False]
    assert "Open my RSVP" in letter_to(left)
    event.starts_at, event.ends_at = soon - timedelta(days=2), soon - timedelta(days=1)
    assert not says(comes)


def test_a_name_cannot_bring_markup_or_links_along(app: Flask) -> None:
    option = make_option()
    make_rsvp(option, name="*Eve* [click](https://evil.example) <b>x</b>")
    mailing = write(option.event_id, body="Dear {name}, [yours]({manage_link}) and {event_link}")
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    mail = mails_of(mailing)[0]
    html = str(rendering.render(mail, now=NOW).html)
    assert "*Eve* [click](https://evil.example) &lt;b&gt;x&lt;/b&gt;" in html
    assert 'href="https://evil.example' not in html
    assert f'href="http://events.example.org/rsvp/{mail.rsvp.manage_key}"' in html


def test_a_name_that_is_an_address_is_no_link(app: Flask) -> None:
    """Anybody may type it as the name of somebody else, who then has our mail."""
    option = make_option()
    make_rsvp(option, name="https://evil.example/pay")
    mailing = write(option.event_id, body="Dear {name} ({first_name}), [you]({name})\n\n# {name}")
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    html = str(rendering.render(mails_of(mailing)[0], now=NOW).html)
    assert "Dear https://evil.example/pay (https://evil.example/pay)" in html
    assert 'href="https://evil.example' not in html


def test_the_text_part_keeps_lists_and_links_readable(app: Flask) -> None:
    option = make_option()
    make_rsvp(option)
    mailing = write(
        option.event_id,
        body="# Doors\n\nBring:\n\n- a pass\n- [the map](https://example.org/map)\n\n**{event}**",
    )
    mailings.release(mailing_id=mailing.id, staff_id=mailing.staff_id, now=NOW)
    text = body_of(mails_of(mailing)[0])
    assert " - a pass\n - the map <https://example.org/map>" in text
    assert "**" not in text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 72


def test_each_field_has_a_value_for_everybody(app: Flask) -> None:
    room, stream = make_hybrid()
    event = db.session.get_one(Event, room.event_id)
    for option in (room, stream):
        values = letters.values_for(make_rsvp(option), event)
        assert set(values) == set(letters.FIELDS)
        assert all(values.values()), values
    assert set(letters.sample_values(event, "R")) == set(letters.FIELDS)


def test_what_staff_do_with_a_mailing_is_in_the_log(app: Flask) -> None:
    option = make_option()
    make_rsvp(option)
    mailing = write(option.event_id)
    staff_id = mailing.staff_id
    mailings.test(mailing_id=mailing.id, staff_id=staff_id, now=NOW)
    mailings.release(mailing_id=mailing.id, staff_id=staff_id, now=NOW)
    mailings.undo(mailing_id=mailing.id, staff_id=staff_id, now=NOW)
    mailings.discard(mailing_id=mailing.id, staff_id=staff_id, now=NOW)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.staff_id == staff_id).order_by(AuditEntry.id)
    )
    expected = ["written", "tested", "released", "undone", "discarded"]
    assert list(actions) == [f"mailing.{what}" for what in expected]
    assert db.session.scalar(select(func.count()).select_from(Mailing)) == 0


def test_those_left_out_are_counted_of_the_segment_and_of_its_event_alone(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    elsewhere = make_option()
    for rsvp in [make_rsvp(option) for option in (room, room, stream, elsewhere)]:
        about = {"email": rsvp.email, "event_id": rsvp.event_id, "now": NOW}
        subscriptions.unsubscribe(**about, everything=True)
    left_out = {
        segment: segments.unsubscribed(room.event_id, segment)
        for segment in (Segment(), Segment(Who.WAITING), Segment(option_id=stream.id))
    }
    assert list(left_out.values()) == [2, 1, 1]


def test_who_comes_to_another_event_has_not_come_back_to_this_one(app: Flask) -> None:
    rsvp = make_rsvp(make_option())
    rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    make_rsvp(make_option(), email=rsvp.email)
    assert segments.count(rsvp.event_id, Segment(Who.ENDED)) == 1


def test_a_segment_is_kept_whole(app: Flask) -> None:
    whole = Segment(Who.EVERYONE, 2, Presence.NOT_CHECKED_IN, 3, "yes")
    for segment in (Segment(), whole):
        assert Segment.from_json(segment.as_json()) == segment


def test_a_copy_is_a_draft_that_says_the_same_to_the_same_people(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    segment = Segment(who=Who.EVERYONE, option_id=room.id)
    mailing = write(room.event_id, segment=segment)
    who = {"mailing_id": mailing.id, "staff_id": mailing.staff_id, "now": NOW}
    mailings.test(**who)
    mailings.release(**who)
    copy = mailings.copy(**who)
    assert (copy.subject, copy.body) == (mailing.subject, mailing.body)
    assert Segment.from_json(copy.segment) == segment
    assert (copy.id != mailing.id, copy.state) == (True, MailingState.DRAFT)


def test_a_draft_that_a_second_click_comes_too_late_for_is_gone_and_no_error(app: Flask) -> None:
    mailing = write(make_option().event_id)
    who = {"mailing_id": mailing.id, "staff_id": mailing.staff_id, "now": NOW}
    mailings.discard(**who)
    mailings.discard(**who)
    for verb in (mailings.release, mailings.undo, mailings.stop, mailings.test):
        with pytest.raises(MailingRefused, match="thrown this draft away"):
            verb(**who)


class TestScheduled:
    TOMORROW = NOW + timedelta(days=1)

    def reschedule(self, event: Event, by: timedelta) -> None:
        reschedule(
            event_id=event.id,
            starts_at=event.starts_at + by,
            ends_at=event.ends_at + by,
            staff_id=None,
            now=NOW,
        )

    def test_it_moves_with_its_event(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing_id = self.scheduled(room.event_id).id
        elsewhere = self.scheduled(make_event().id).id
        self.reschedule(room.event, timedelta(days=7))
        assert db.session.get_one(Mailing, elsewhere).due_at == self.TOMORROW
        assert db.session.get_one(Mailing, mailing_id).due_at == self.TOMORROW + timedelta(days=7)
        mailings.release_due(now=self.TOMORROW + timedelta(days=6))
        assert db.session.get_one(Mailing, mailing_id).is_scheduled

    def test_one_whose_time_has_passed_by_the_move_is_a_draft_again(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing_id = self.scheduled(room.event_id).id
        self.reschedule(room.event, timedelta(days=-2))
        assert mailings.release_due(now=self.TOMORROW) == 0
        assert db.session.get_one(Mailing, mailing_id).is_draft

    def scheduled(self, event_id: int) -> Mailing:
        mailing = write(event_id)
        mailings.schedule(
            mailing_id=mailing.id, staff_id=mailing.staff_id, at=self.TOMORROW, now=NOW
        )
        return mailing

    def test_it_goes_at_its_time_to_those_who_belong_then(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        leaves = make_rsvp(room, email="leaves@example.org")
        mailing = self.scheduled(room.event_id)
        mailing_id = mailing.id
        make_rsvp(room, email="comes@example.org")
        rsvps.cancel(rsvp_id=leaves.id, now=NOW)
        assert mailings.release_due(now=self.TOMORROW - timedelta(seconds=1)) == 0
        assert mails_of(mailing) == []
        assert mailings.release_due(now=self.TOMORROW) == 1
        assert mailings.release_due(now=self.TOMORROW) == 0
        [mail] = mails_of(db.session.get_one(Mailing, mailing_id))
        assert (mail.recipient, mail.due_at) == ("comes@example.org", self.TOMORROW)
        released = db.session.get_one(Mailing, mailing_id)
        assert (released.state, released.recipients) == (MailingState.RELEASED, 1)
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "mailing.released")
        ).one()
        assert (entry.actor, entry.staff_id) == ("system", None)

    @pytest.mark.parametrize("taken", ["the account is closed", "another role", "the event"])
    def test_it_is_the_events_and_goes_also_where_its_writer_works_no_more(
        self, app: Flask, taken: str
    ) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        admin, writer = make_staff(), make_staff(StaffRole.ORGANISER, room.event)
        mailing = write(room.event_id, writer)
        who = {"account_id": writer.id, "staff_id": admin.id, "now": NOW}
        mailings.schedule(mailing_id=mailing.id, staff_id=writer.id, at=self.TOMORROW, now=NOW)
        assert mailings.left_behind(writer) == []
        if taken == "the account is closed":
            staff.set_active(active=False, **who)
        elif taken == "another role":
            staff.change(role=StaffRole.DOOR, **who)
        else:
            staff.change(loses=[room.event_id], **who)
        assert mailings.left_behind(writer) == [mailing]
        assert mailings.release_due(now=self.TOMORROW) == 1
        assert mailings.left_behind(writer) == []

    def test_the_worker_sends_it_off(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing_id = self.scheduled(room.event_id).id
        app.config["NOW"] = lambda: self.TOMORROW
        assert clock.turn(delivery.Postman(), threading.Event())
        assert len(mails_of(db.session.get_one(Mailing, mailing_id))) == 1

    def test_it_can_be_taken_back_until_then(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing = self.scheduled(room.event_id)
        staff_id = mailing.staff_id
        assert staff_id
        mailings.undo(mailing_id=mailing.id, staff_id=staff_id, now=NOW + timedelta(hours=23))
        assert mailings.release_due(now=self.TOMORROW) == 0
        db.session.refresh(mailing)
        assert (mailing.state, mailing.due_at) == (MailingState.DRAFT, None)

    def test_it_is_not_written_on_meanwhile(self, app: Flask) -> None:
        mailing = self.scheduled(make_event().id)
        with pytest.raises(MailingRefused):
            mailings.rewrite(
                mailing_id=mailing.id,
                staff_id=mailing.staff_id or 0,
                subject="Another",
                body="text",
                segment=Segment(),
                seen_at="",
                now=NOW,
            )

    @pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(), HOLD - timedelta(1e-6)])
    def test_a_time_within_the_hold_is_refused(self, app: Flask, ahead: timedelta) -> None:
        mailing = write(make_event().id)
        with pytest.raises(MailingRefused):
            mailings.schedule(
                mailing_id=mailing.id, staff_id=mailing.staff_id or 0, at=NOW + ahead, now=NOW
            )

    def test_nobody_reads_see_you_tomorrow_of_an_event_that_was_cancelled(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing = self.scheduled(room.event_id)
        lifecycle.cancel(
            event_id=room.event_id, reason="Snow", staff_id=None, now=NOW + timedelta(hours=1)
        )
        assert mailings.release_due(now=self.TOMORROW) == 0
        db.session.refresh(mailing)
        assert mailing.state is MailingState.DRAFT
        assert mails_of(mailing) == []
        assert "mailing.kept_back" in db.session.scalars(select(AuditEntry.action)).all()

    def test_one_that_no_worker_sent_before_the_end_of_the_event_is_a_draft_again(
        self, app: Flask
    ) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing = self.scheduled(room.event_id)
        assert mailings.release_due(now=room.event.ends_at) == 0
        db.session.refresh(mailing)
        assert mailing.state is MailingState.DRAFT

    def test_what_is_to_go_after_the_end_goes_then(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing, after = write(room.event_id), room.event.ends_at + timedelta(hours=1)
        mailings.schedule(mailing_id=mailing.id, staff_id=mailing.staff_id or 0, at=after, now=NOW)
        assert mailings.release_due(now=after) == 1

    def test_one_that_is_due_while_a_cancellation_can_be_taken_back_waits_for_that(
        self, app: Flask
    ) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        mailing_id = self.scheduled(room.event_id).id
        lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=self.TOMORROW)
        assert mailings.release_due(now=self.TOMORROW) == 0
        assert db.session.get_one(Mailing, mailing_id).is_scheduled
        undo_cancellation(self.TOMORROW)
        assert mailings.release_due(now=self.TOMORROW) == 1

    def test_what_is_scheduled_after_the_cancellation_goes(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        make_rsvp(room)
        lifecycle.cancel(
            event_id=room.event_id, reason="Snow", staff_id=None, now=NOW - timedelta(hours=1)
        )
        self.scheduled(room.event_id)
        assert mailings.release_due(now=self.TOMORROW) == 1
