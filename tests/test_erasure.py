"""One person's data erased: nothing of them is left, and everything still counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import icalendar
import pytest
from flask import Flask
from sqlalchemy import Table, func, select, update

from registration import (
    answering,
    checkin,
    claims,
    delivery,
    desk,
    doctor,
    erasure,
    events,
    exports,
    finding,
    forgetting,
    invitations,
    links,
    lobby,
    queues,
    rendering,
    replies,
    retention,
    rsvps,
    subscriptions,
    turnout,
)
from registration.admission import RsvpRefused
from registration.database import Base, db
from registration.imip import Reply
from registration.models import (
    Answer,
    Attendee,
    AuditEntry,
    Invitation,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    SearchWord,
    Unsubscribe,
)
from registration.parties import Details
from registration.roster import Filters
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
)
from tests.smtp_servers import Mailbox, serving

#: What is told of the person in these tests; none of it may be found afterwards.
TRACES = (
    "quagmire", "zebedee", "ottoline", "umbrella", "bosun", "violins", "wheelchair", "handyman",
)  # fmt: skip


def everything() -> str:
    """All that the database says, in small letters."""
    db.session.rollback()
    tables = [table for table in Base.metadata.sorted_tables if isinstance(table, Table)]
    with db.engine.connect() as connection:
        rows = [tuple(row) for table in tables for row in connection.execute(select(table))]
    return repr(rows).lower()


def traces(*keys: str) -> list[str]:
    """What is still found of the person, and of these keys."""
    said = everything()
    return [trace for trace in (*TRACES, *(key.lower() for key in keys)) if trace in said]


def at_rest() -> None:
    """Nothing is left to be mailed, and the counters equal their rows."""
    assert [finding.text for finding in doctor.counters() if not finding.is_fine] == []


def reload(rsvp_id: int) -> Rsvp:
    db.session.expire_all()
    return db.session.get_one(Rsvp, rsvp_id)


def person(option_id: int, event_id: int, **more: object) -> Rsvp:
    """Somebody who told all there is to tell."""
    rsvp = answering.answer(
        event_id=event_id,
        option_id=option_id,
        details=Details(
            name="Zebedee Quagmire",
            email="zebedee@quagmire.example",
            organisation="Umbrella Union",
            job_title="Bosun",
            needs_step_free=True,
            access_note="A wheelchair",
            booked_by_name="The Handyman",
            booked_by_email="handyman@example.org",
            wants_news=True,
        ),
        guests=["Ottoline Quagmire"],
        now=NOW,
        accepts_waiting=True,
        **more,  # type: ignore[arg-type]
    )
    assert rsvp is not None
    return rsvp


def told_by(rsvp_id: int) -> list[object]:
    """What is kept of an RSVP beside its own row."""
    kept = (
        select(Attendee.name, Attendee.ticket_code).where(Attendee.rsvp_id == rsvp_id),
        select(Answer.value).where(Answer.rsvp_id == rsvp_id),
        select(OutboxMail.recipient, OutboxMail.key).where(OutboxMail.rsvp_id == rsvp_id),
        select(AuditEntry.detail).where(AuditEntry.rsvp_id == rsvp_id),
    )
    found = [db.session.execute(rows).all() for rows in kept]
    assert all(found)
    return found


def deliver(app: Flask, mailbox: Mailbox, now: datetime = NOW) -> None:
    postman = delivery.Postman(sleep=lambda _seconds: None)
    while claimed := claims.claim(now=now):
        postman.deliver(claimed, now=now)
    postman.close()


@pytest.fixture
def mailbox(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    box = Mailbox()
    with serving(box) as port:
        monkeypatch.setitem(app.config, "MAIL_SERVER", "127.0.0.1")
        monkeypatch.setitem(app.config, "MAIL_PORT", port)
        yield box


class TestNothingIsLeft:
    def test_of_one_who_told_everything_and_did_everything(self, app: Flask, mailbox: Mailbox):
        event = make_event(guests_max=3)
        room, stream = make_option(event, capacity=5), make_option(event, mode="virtual")
        question = make_question(event, label="What else?")
        invitation = make_invitation(
            event, email="zebedee@quagmire.example", name="Zebedee Quagmire", key="key-of-zebedee"
        )
        staff_id = make_staff().id
        first = person(stream.id, event.id)
        rsvps.cancel(rsvp_id=first.id, now=NOW)
        rsvp = person(
            room.id,
            event.id,
            answers={question.id: {"text": "Violins"}},
            invitation_key=invitation.key,
        )
        keys = [rsvp.manage_key, rsvp.join_key, rsvp.ical_uid, first.manage_key]
        codes = list(db.session.scalars(select(Attendee.ticket_code)))
        desk.edit(
            rsvp_id=rsvp.id,
            details=Details(name="Zebedee Quagmire II", email=rsvp.email, organisation="Umbrella"),
            staff_id=staff_id,
            now=NOW,
        )
        guest = db.session.scalars(select(Attendee).where(Attendee.position == 1)).first()
        assert guest is not None
        checkin.admit(event_id=event.id, code=guest.ticket_code, staff_id=staff_id, now=NOW)
        links.send(email="zebedee@quagmire.example", now=NOW)
        subscriptions.unsubscribe(
            email="zebedee@quagmire.example", event_id=event.id, everything=False, now=NOW
        )
        replies.take(
            Reply(
                uid=rsvp.ical_uid,
                attendee="zebedee@quagmire.example",
                sender="zebedee@quagmire.example",
                partstat="TENTATIVE",
                digest="a digest",
                comment="My violins",
            ),
            now=NOW,
        )
        exports.hand_out(exports.Export(event, Filters(search="quag")), now=NOW)
        assert set(traces("'quag'")) == {*TRACES, "'quag'"}

        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        deliver(app, mailbox)
        forgetting.forget_last_mails(now=NOW)

        assert traces(*keys, *codes, "key-of-zebedee", "'quag'") == []
        at_rest()

    def test_but_what_others_told(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp, given = (
            person(room.id, room.event_id),
            {make_question(room.event).id: {"text": "Bells"}},
        )
        other = make_rsvp(room, name="Zelda Quartermain", guests=["Ines"], answers=given)
        db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
        db.session.commit()
        before = told_by(other.id)
        address, invited = other.email, make_invitation(room.event, email="zoe@example.org")
        links.send(email=address, now=NOW)
        subscriptions.unsubscribe(email=address, event_id=room.event_id, everything=False, now=NOW)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert told_by(other.id) == before
        db.session.refresh(invited)
        assert invited.email == "zoe@example.org"
        last_mails = select(OutboxMail.id).filter_by(forgets=True, recipient=address)
        assert db.session.scalars(last_mails).all() == []
        assert db.session.scalars(select(Unsubscribe.email)).all() == [address]
        logged = select(AuditEntry.detail).where(AuditEntry.action == "mailing.unsubscribed")
        assert db.session.scalars(logged).all()[-1]["address"] == address
        assert reload(other.id).name == "Zelda Quartermain"
        assert reload(other.id).is_confirmed
        found = finding.condition(room.event_id, "zelda")
        assert found is not None
        assert db.session.scalars(select(Rsvp.id).where(found)).all() == [other.id]

    def test_but_their_rsvp_to_another_event(self, app: Flask):
        here, there = (make_option(make_event(guests_max=1)) for _event in range(2))
        rsvp, elsewhere = person(here.id, here.event_id), person(there.id, there.event_id)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert reload(elsewhere.id).name == "Zebedee Quagmire"
        assert links.send(email="zebedee@quagmire.example", now=NOW) is None
        waiting = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "links")).one()
        assert waiting.facts == {"rsvps": [elsewhere.id]}

    def test_but_what_they_were_sent_of_another_event(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp, other = person(room.id, room.event_id), make_event()
        address = rsvp.email
        elsewhere = make_invitation(other, email=address)
        subscriptions.unsubscribe(email=address, event_id=other.id, everything=False, now=NOW)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        db.session.expire_all()
        assert elsewhere.email == address
        kept = db.session.scalars(select(Unsubscribe)).one()
        assert (kept.email, kept.event_id) == (address, other.id)
        logged = select(AuditEntry.detail).where(AuditEntry.event_id == other.id)
        assert db.session.scalars(logged).one()["address"] == address

    def test_but_that_they_want_no_messages_at_all(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = person(room.id, room.event_id)
        for everything in (False, True):
            subscriptions.unsubscribe(
                email=rsvp.email, event_id=room.event_id, everything=everything, now=NOW
            )
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        kept = db.session.scalars(select(Unsubscribe)).one()
        assert (kept.email, kept.event_id) == ("zebedee@quagmire.example", None)


class TestWhatStays:
    def test_a_row_that_counts_and_says_nothing(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = person(room.id, room.event_id, source="newsletter")
        made_at = rsvp.created_at
        erasure.erase(rsvp_id=rsvp.id, now=NOW + timedelta(hours=1))
        kept = reload(rsvp.id)
        assert (kept.event_id, kept.option_id, kept.party_size) == (room.event_id, room.id, 2)
        assert (kept.status, kept.source) == (RsvpStatus.CANCELLED, "newsletter")
        assert (kept.created_at, kept.erased_at) == (made_at, NOW + timedelta(hours=1))
        assert (kept.has_address, kept.wants_news) == (False, False)
        assert (kept.name, kept.email) == ("", f"erased-{kept.id}@walk-in.invalid")

    def test_the_log_says_that_it_happened(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = person(room.id, room.event_id)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert last is not None
        assert (last.action, last.actor, last.detail) == ("rsvp.erased", "attendee", {})

    def test_an_rsvp_of_a_past_event_keeps_its_state_and_its_turnout(self, app: Flask):
        room, stream = make_hybrid(guests_max=1)
        event, staff_id = room.event, make_staff().id
        rsvp, watcher = person(room.id, event.id), make_rsvp(stream)
        code = db.session.scalar(select(Attendee.ticket_code).where(Attendee.rsvp_id == rsvp.id))
        checkin.admit(event_id=event.id, code=code, staff_id=staff_id, now=event.starts_at)
        lobby.enter(rsvp_id=watcher.id, now=event.starts_at)
        before = turnout.of(event)
        after = event.ends_at + timedelta(days=1)
        for each in (rsvp, watcher):
            erasure.erase(rsvp_id=each.id, now=after)
        assert reload(rsvp.id).status is RsvpStatus.CONFIRMED
        assert turnout.of(event) == before
        assert before.room == before.online == 1
        at_rest()

    def test_an_export_has_its_line_with_nothing_in_it(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        export = exports.Export(room.event, Filters())
        (row,) = export.rows()
        said = dict(zip((column.key for column in export.columns), row, strict=True))
        assert said["status"] == "cancelled"
        assert {said[key] or "" for key in ("name", "rsvp_by", "email", "ticket")} == {""}


class TestTheSeat:
    def test_goes_to_the_first_who_waits(self, app: Flask):
        room, _stream = make_hybrid(2, guests_max=1)
        rsvp, waits = person(room.id, room.event_id), make_rsvp(room)
        assert waits.status is RsvpStatus.WAITLISTED
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert reload(waits.id).is_confirmed
        at_rest()

    def test_in_the_queue_goes_too(self, app: Flask):
        room, _stream = make_hybrid(0, guests_max=1)
        rsvp, behind = person(room.id, room.event_id), make_rsvp(room)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert queues.position_of(reload(behind.id)) == (0, 0)
        at_rest()

    def test_is_free_for_the_same_address_again(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        erasure.erase(rsvp_id=person(room.id, room.event_id).id, now=NOW)
        assert person(room.id, room.event_id).is_confirmed

    def test_is_given_back_by_an_ended_rsvp_of_the_same_address_too(self, app: Flask):
        room, stream = make_hybrid(guests_max=1)
        ended = person(stream.id, room.event_id)
        rsvps.cancel(rsvp_id=ended.id, now=NOW)
        live = person(room.id, room.event_id)
        erasure.erase(rsvp_id=ended.id, now=NOW)
        assert reload(live.id).erased_at
        assert not reload(live.id).is_live
        at_rest()


class TestTheLastMail:
    def test_takes_the_entry_out_of_the_calendar_and_is_then_forgotten(
        self, app: Flask, mailbox: Mailbox
    ):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room, name="Zebedee Quagmire", email="zebedee@quagmire.example")
        uid = rsvp.ical_uid
        deliver(app, mailbox)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert forgetting.forget_last_mails(now=NOW) == 0
        deliver(app, mailbox)

        assert mailbox.recipients == ["zebedee@quagmire.example"] * 2
        message = mailbox.messages()[-1]
        (part,) = [p for p in message.walk() if p.get_content_type() == "text/calendar"]
        assert part.get_param("method") == "CANCEL"
        (entry,) = icalendar.Calendar.from_ical(part.get_content()).walk("VEVENT")
        assert (str(entry["UID"]), entry["SEQUENCE"]) == (uid, 1)
        assert str(entry["ATTENDEE"]) == "mailto:zebedee@quagmire.example"
        assert "erased/" not in str(message)
        assert "Zebedee" in message["To"]

        assert forgetting.forget_last_mails(now=NOW) == 1
        last = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
        assert last is not None
        assert (last.state, last.recipient, last.facts) == (MailState.SENT, "", {})
        assert traces(uid) == []

    def test_goes_even_where_the_first_mail_had_not_gone(self, app: Flask, mailbox: Mailbox):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = person(room.id, room.event_id)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        deliver(app, mailbox)
        assert sorted(mailbox.recipients) == ["handyman@example.org", "zebedee@quagmire.example"]

    def test_takes_over_the_cancel_that_had_not_gone(self, app: Flask, mailbox: Mailbox):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room, email="zebedee@quagmire.example")
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        sequence = reload(rsvp.id).ical_sequence
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        waiting = db.session.scalars(
            select(OutboxMail).where(OutboxMail.state == MailState.WAITING)
        ).one()
        assert waiting.ical_sequence == sequence + 1
        assert rendering.render(waiting, now=NOW).method == "CANCEL"

    def test_is_not_written_to_one_who_knows_that_it_ended(self, app: Flask, mailbox: Mailbox):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room)
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        deliver(app, mailbox)
        number = len(mailbox.recipients)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        deliver(app, mailbox)
        assert len(mailbox.recipients) == number

    def test_is_not_written_after_the_event(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room)
        erasure.erase(rsvp_id=rsvp.id, now=room.event.ends_at)
        states = select(OutboxMail.state).where(OutboxMail.rsvp_id == rsvp.id)
        assert db.session.scalars(states).all() == [MailState.WITHDRAWN]

    @pytest.mark.parametrize("answer", ["550 5.1.1 <zebedee@quagmire.example> is unknown"])
    def test_that_is_refused_is_forgotten_with_what_the_server_said(
        self, app: Flask, mailbox: Mailbox, answer: str
    ):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room, email="zebedee@quagmire.example")
        mailbox.refuses["zebedee@quagmire.example"] = answer
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        deliver(app, mailbox)
        forgetting.forget_last_mails(now=NOW)
        assert traces() == []

    def test_that_cannot_go_keeps_the_address_for_three_days(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room, email="zebedee@quagmire.example")
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert forgetting.forget_last_mails(now=NOW + timedelta(days=2)) == 0
        assert forgetting.forget_last_mails(now=NOW + timedelta(days=3)) == 1
        assert traces() == []


class TestTwice:
    def test_is_once(self, app: Flask):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        number = db.session.scalar(select(func.count()).select_from(OutboxMail))
        with pytest.raises(LookupError):
            erasure.erase(rsvp_id=rsvp.id, now=NOW)
        assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == number

    @pytest.mark.parametrize(
        "verb",
        [
            lambda rsvp_id: rsvps.cancel(rsvp_id=rsvp_id, now=NOW, by="staff"),
            lambda rsvp_id: links.resend(rsvp_id=rsvp_id, now=NOW, staff_id=1),
            lambda rsvp_id: desk.correct_address(
                rsvp_id=rsvp_id, email="back@example.org", staff_id=1, now=NOW
            ),
        ],
    )
    def test_nobody_brings_one_back(self, app: Flask, verb: Callable[[int], object]):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room)
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
        with pytest.raises(LookupError):
            verb(rsvp.id)

    def test_a_mail_written_in_that_moment_neither_goes_nor_stays(
        self, app: Flask, mailbox: Mailbox
    ):
        room, _stream = make_hybrid(guests_max=1)
        rsvp = make_rsvp(room, email="zebedee@quagmire.example")
        erasure.erase(rsvp_id=rsvp.id, now=room.event.ends_at)
        db.session.add(
            OutboxMail(
                key="late", kind="reminder", recipient="zebedee@quagmire.example",
                event_id=room.event_id, rsvp_id=rsvp.id, created_at=NOW, due_at=NOW,
                message_id="<late@example.org>",
            )
        )  # fmt: skip
        db.session.commit()
        deliver(app, mailbox)
        assert mailbox.recipients == []
        assert traces() == []


def test_an_invitation_of_the_address_can_be_answered_no_more(app: Flask) -> None:
    event = make_event(visibility="invitation")
    option = make_option(event)
    invitation = make_invitation(event)
    rsvp = make_rsvp(option, email=invitation.email, invitation_key=invitation.key)
    erasure.erase(rsvp_id=rsvp.id, now=NOW)
    kept = db.session.get_one(Invitation, invitation.id)
    assert (kept.name, kept.key) == ("", f"erased/{kept.id}")
    with pytest.raises(RsvpRefused):
        make_rsvp(option, email=kept.email, invitation_key=kept.key)


def test_an_address_that_was_corrected_before_is_left_nowhere_either(
    app: Flask, mailbox: Mailbox
) -> None:
    option = make_option(make_event(visibility="invitation"))
    before, name = "zebedee@quagmire.example", "Ottoline"
    by = {"staff_id": make_staff().id, "now": NOW}
    invited = invitations.invite(event_id=option.event_id, email=before, name=name, **by)
    rsvp = make_rsvp(option, email=before, name=name, invitation_key=invited.key)
    links.send(email=before, now=NOW)
    deliver(app, mailbox)
    desk.correct_address(rsvp_id=rsvp.id, email="right@example.org", **by)
    erasure.erase(rsvp_id=rsvp.id, now=NOW)
    deliver(app, mailbox)
    retention.erase_due(now=NOW)
    assert traces() == []


def test_who_has_the_address_before_by_now_keeps_what_is_theirs(app: Flask) -> None:
    option = make_option()
    invited = make_invitation(option.event, email="assistant@example.org")
    first = make_rsvp(option, email=invited.email, invitation_key=invited.key)
    right = {"email": "right@example.org", "staff_id": make_staff().id, "now": NOW}
    desk.correct_address(rsvp_id=first.id, **right)
    make_rsvp(option, email=invited.email)
    address = {"email": invited.email, "event_id": option.event_id}
    subscriptions.unsubscribe(**address, everything=False, now=NOW)
    erasure.erase(rsvp_id=first.id, now=NOW)
    assert subscriptions.state_of(**address) == "event"


def test_no_word_is_left_to_find_them_by(app: Flask) -> None:
    room, _stream = make_hybrid(guests_max=1)
    rsvp = person(room.id, room.event_id)
    assert db.session.scalar(select(func.count()).select_from(SearchWord))
    erasure.erase(rsvp_id=rsvp.id, now=NOW)
    assert not db.session.scalar(select(func.count()).select_from(SearchWord))
    assert retention.erase_due(now=NOW) == 0


def test_no_seat_goes_to_one_erased_after_the_end_where_the_event_is_held_later_after_all(
    app: Flask,
) -> None:
    room = make_option(capacity=1)
    seated, erased = make_rsvp(room), make_rsvp(room)
    event = room.event
    after, later = event.ends_at + timedelta(days=1), timedelta(days=20)
    erasure.erase(rsvp_id=erased.id, now=after)
    assert erased.status is RsvpStatus.WAITLISTED, "what is counted stays"

    moved = {"starts_at": event.starts_at + later, "ends_at": event.ends_at + later}
    events.edit(event_id=event.id, changes=moved, seen="", staff_id=None, now=after)
    rsvps.cancel(rsvp_id=seated.id, now=after)
    assert erased.status is RsvpStatus.CANCELLED
    assert make_rsvp(room, now=after).is_confirmed
    assert all(finding.is_fine for finding in doctor.counters())
