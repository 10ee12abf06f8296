"""Eight processes at the boundary: nobody is let in twice, and no seat is left over.

Each of these fails without the lock of seating.py. On SQLite the lock is twice: a transaction
that writes says so when it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from registration import capacity, desk, doctor, links, moves, turnout
from registration.database import db
from registration.models import (
    AttendanceOption,
    Event,
    Invitation,
    InvitationCode,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    StreamSource,
    Visibility,
)
from tests.factories import (
    make_code,
    make_hybrid,
    make_invitation,
    make_rsvp,
    make_speaker,
    make_staff,
    reschedule,
)
from tests.racers import RACERS, Call, Racers, racers

STAFF = None  # acting staff in the audit log; the accounts are tested elsewhere


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """One database after the other, so that each has its processes once."""
    return str(request.param)


@pytest.fixture(scope="module")
def field(
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Racers]:
    """The processes, each connected to the database under test."""
    if database == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    else:
        url = f"sqlite:///{tmp_path_factory.getbasetemp() / 'registration.db'}"
    with racers(url, tmp_path_factory.getbasetemp()) as made:
        yield made


def answer(option: AttendanceOption, email: str, now: datetime, **values: Any) -> Call:
    about = {"name": "A racer", "email": email}
    plain = {"event_id": option.event_id, "option_id": option.id, "details": about, "now": now}
    return "answering.answer", plain | {"accepts_waiting": True} | values


def seats_of(option: AttendanceOption) -> tuple[int, int]:
    """Seats taken and parties waiting, once all is seen to be right."""
    db.session.rollback()
    assert [finding.text for finding in doctor.counters() if not finding.is_fine] == []
    assert capacity.fill_all(now=option.event.created_at) == 0, "no seat is left over"
    db.session.refresh(option)
    assert option.capacity is not None
    assert option.seats_taken <= option.capacity + option.extra_seats
    return option.seats_taken, option.waiting


def mails(kind: MailKind) -> Counter[int]:
    """How many mails of a kind each RSVP has."""
    rows = select(OutboxMail.rsvp_id, func.count()).where(OutboxMail.kind == kind)
    return Counter(dict(map(tuple, db.session.execute(rows.group_by(OutboxMail.rsvp_id)))))


def test_answers_never_overbook(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid(capacity=10)
    lanes = [
        [answer(room, f"r{lane}-{turn}@example.org", now) for turn in range(4)]
        for lane in range(RACERS)
    ]
    came = Counter(outcome for lane in field.race(lanes) for outcome in lane)
    assert came == {"confirmed": 10, "waitlisted": 22}
    assert seats_of(room) == (10, 22)
    numbers = db.session.scalars(select(Rsvp.waiting_number).where(Rsvp.waiting_number > 0)).all()
    assert sorted(numbers) == list(range(1, 23))


def test_one_address_answers_once(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid(capacity=10)
    came = field.race([[answer(room, "amina@example.org", now)]] * RACERS)
    assert sorted(lane[0] for lane in came) == ["None"] * 7 + ["confirmed"]
    assert seats_of(room) == (1, 0)


def test_an_address_is_mailed_its_links_no_more_often_than_once_asks(
    app: Flask, field: Racers, now: datetime
):
    room, _ = make_hybrid(capacity=10)
    make_rsvp(room, email="amina@example.org")
    for _turn in range(3):  # of 4 a day
        links.send(email="amina@example.org", now=now)
    # Half of them through the form of the event, which mails the same links.
    asking: Call = ("links.send", {"email": "amina@example.org", "now": now})
    again = answer(room, "amina@example.org", now)
    field.race([[asking]] * (RACERS // 2) + [[again]] * (RACERS // 2))
    assert seats_of(room) == (1, 0)
    assert mails(MailKind.LINKS).total() == 4


def test_a_code_lets_in_as_many_as_it_says(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid(capacity=100, visibility=Visibility.INVITATION)
    code = make_code(room.event, uses_max=5)
    lanes = [
        [answer(room, f"r{lane}-{turn}@example.org", now, code=code.code) for turn in range(2)]
        for lane in range(RACERS)
    ]
    came = Counter(outcome for lane in field.race(lanes) for outcome in lane)
    assert came == {"confirmed": 5, "refused: code_used": 11}
    assert seats_of(room) == (5, 0)
    assert db.session.get_one(InvitationCode, code.id).uses == 5


def test_seats_given_back_go_to_the_first_while_others_answer(
    app: Flask, field: Racers, now: datetime
):
    room, _ = make_hybrid(capacity=6)
    seated = [make_rsvp(room).id for _ in range(6)]
    waiting = [make_rsvp(room).id for _ in range(6)]
    # Each seat is given back by four processes at once.
    lanes = [
        [
            *(
                ("rsvps.cancel", {"rsvp_id": rsvp_id, "now": now})
                for rsvp_id in seated[lane % 2 :: 2]
            ),
            answer(room, f"r{lane}@example.org", now),
        ]
        for lane in range(RACERS)
    ]
    field.race(lanes)
    assert seats_of(room) == (6, 8)
    confirmed = db.session.scalars(select(Rsvp.id).where(Rsvp.status == RsvpStatus.CONFIRMED))
    assert sorted(confirmed) == waiting, "in order of arrival"
    assert mails(MailKind.CANCELLED) == Counter(seated), "once each"
    assert mails(MailKind.PROMOTED) == Counter(waiting)


def test_switches_never_overbook_and_strand_nobody(app: Flask, field: Racers, now: datetime):
    room, stream = make_hybrid(capacity=4)
    inside = [make_rsvp(room).id for _ in range(4)]
    outside = [make_rsvp(stream).id for _ in range(4)]

    def switch(rsvp_id: int, option: AttendanceOption, waits: bool = False) -> Call:
        return "rsvps.switch", {
            "rsvp_id": rsvp_id,
            "option_id": option.id,
            "now": now,
            "accepts_waiting": waits,
        }

    lanes = [[switch(rsvp_id, stream), switch(rsvp_id, room, True)] for rsvp_id in inside]
    lanes += [[switch(rsvp_id, room, True)] for rsvp_id in outside]
    field.race(lanes)
    assert seats_of(room) == (4, 4)
    db.session.refresh(stream)
    assert stream.seats_taken == 4


def test_staff_move_nobody_into_a_seat_that_is_taken(app: Flask, field: Racers, now: datetime):
    room, stream = make_hybrid(capacity=4)
    inside = [make_rsvp(room).id for _ in range(3)]
    outside = [make_rsvp(stream).id for _ in range(4)]

    def move(rsvp_id: int, option: AttendanceOption) -> Call:
        return "moves.move", {
            "rsvp_id": rsvp_id,
            "option_id": option.id,
            "how": moves.How.AT_ONCE,
            "staff_id": STAFF,
            "now": now,
        }

    lanes = [[move(rsvp_id, room)] for rsvp_id in outside]
    lanes += [[move(rsvp_id, stream)] * 2 for rsvp_id in inside]
    lanes += [[answer(room, f"new-{turn}@example.org", now) for turn in range(4)]]
    field.race(lanes)
    taken, waiting = seats_of(room)
    assert taken == 4
    db.session.refresh(stream)
    assert taken + waiting + stream.seats_taken == 11


def test_staff_give_a_seat_once(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid(capacity=0, promotes_automatically=False)
    waiting = [make_rsvp(room).id for _ in range(8)]
    capacity.set_capacity(option_id=room.id, capacity=3, staff_id=STAFF, now=now)
    came = field.race(
        [("approvals.promote", {"rsvp_id": rsvp_id, "staff_id": STAFF, "now": now})]
        for rsvp_id in waiting
    )
    outcomes = Counter(outcome for lane in came for outcome in lane)
    assert outcomes == {"None": 3, "refused: full": 5}
    assert seats_of(room) == (3, 5)


def test_an_undo_of_many_check_ins_counts_once_and_spares_who_came_in_anew(
    app: Flask, field: Racers, now: datetime
):
    room, _ = make_hybrid(capacity=12)
    people = [make_rsvp(room).id for _ in range(12)]
    staff_id = make_staff().id
    desk.check_in(rsvp_ids=people, staff_id=staff_id, now=now)
    undo = {"event_id": room.event_id, "at": now, "staff_id": staff_id, "now": now}
    later = {"rsvp_ids": people, "staff_id": staff_id, "now": now + timedelta(minutes=1)}
    lanes: list[list[Call]] = [[("desk.take_back_check_in", undo)]] * 4
    lanes += [[("desk.check_in", later)] * 2] * 4
    came = field.race(lanes)
    assert sum(int(number) for lane in came[:4] for number in lane) == 12
    seats_of(room)
    assert turnout.counts_of(room.event).inside == sum(int(n) for lane in came[4:] for n in lane)


def test_a_capacity_that_rises_and_sinks_loses_nobody(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid(capacity=2)

    def set_capacity(number: int) -> Call:
        arguments = {"option_id": room.id, "capacity": number, "staff_id": STAFF, "now": now}
        return "capacity.set_capacity", arguments

    lanes = [[set_capacity(number) for number in (5, 1, 7, 3)] for _ in range(4)]
    lanes += [
        [answer(room, f"r{lane}-{turn}@example.org", now) for turn in range(4)] for lane in range(4)
    ]
    field.race(lanes)
    taken, waiting = seats_of(room)
    assert taken + waiting == 16
    assert taken >= 3
    assert max(mails(MailKind.PROMOTED).values(), default=1) == 1


def test_a_hold_ends_or_is_confirmed_and_never_both(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid(capacity=4, confirms_addresses=True)
    held = [make_rsvp(room).id for _ in range(4)]
    later = now + timedelta(minutes=31)
    lanes: list[list[Call]] = [
        [("answering.verify", {"rsvp_id": rsvp_id, "now": later})] for rsvp_id in held
    ]
    lanes += [[("answering.end_holds", {"now": later})]] * 4
    field.race(lanes)
    assert seats_of(room) == (4, 0)
    assert mails(MailKind.CONFIRMED) == Counter(held)


def test_a_change_is_told_once_to_those_who_stay(app: Flask, field: Racers, now: datetime):
    room, stream = make_hybrid(capacity=None)
    everybody = [make_rsvp(room) for _ in range(60)]
    reschedule(
        event_id=room.event_id,
        starts_at=room.event.starts_at + timedelta(days=1),
        ends_at=room.event.ends_at + timedelta(days=1),
        staff_id=STAFF,
        now=now,
    )
    later = now + timedelta(minutes=11)
    gone, switched = everybody[0:24], everybody[30:54]
    telling: list[Call] = [("announcements.spread", {"now": later})]
    cancelling: list[list[Call]] = [
        [("rsvps.cancel", {"rsvp_id": rsvp.id, "by": "attendee", "now": later}) for rsvp in part]
        for part in (gone[0::3], gone[1::3], gone[2::3])
    ]
    switching: list[list[Call]] = [
        [
            ("rsvps.switch", {"rsvp_id": rsvp.id, "option_id": stream.id, "now": later})
            for rsvp in part
        ]
        for part in (switched[0::3], switched[1::3], switched[2::3])
    ]
    field.race([telling, telling, *cancelling, *switching])
    db.session.rollback()
    # Nobody's calendar has two mails of one number, or lacks the last.
    rows = db.session.execute(
        select(OutboxMail.rsvp_id, OutboxMail.kind, OutboxMail.ical_sequence, OutboxMail.state)
        .where(OutboxMail.ical_sequence.is_not(None))
        .order_by(OutboxMail.ical_sequence)
    ).all()
    for rsvp in everybody:
        db.session.refresh(rsvp)
        mine = [row for row in rows if row.rsvp_id == rsvp.id]
        assert [row.ical_sequence for row in mine] == list(range(len(mine)))
        assert rsvp.ical_sequence == len(mine) - 1
        waiting = [row.kind for row in mine if row.state is MailState.WAITING]
        if rsvp in gone:
            assert waiting == [MailKind.CANCELLED]
        elif rsvp in switched:
            # Told before it switched: that mail gave way. Switched before: its mail said it all.
            assert waiting == [MailKind.CHANGED]
        else:
            assert waiting == [MailKind.CONFIRMED, MailKind.EVENT_CHANGED]


def test_who_is_invited_is_reminded_once(app: Flask, field: Racers, now: datetime):
    room, _ = make_hybrid()
    for _turn in range(3):
        make_invitation(room.event)
    reminding = {"event_id": room.event_id, "chosen": None, "staff_id": STAFF, "now": now}
    came = field.race([[("invitations.remind", reminding)]] * RACERS)
    assert sorted(outcome for lane in came for outcome in lane) == ["3"] + ["refused"] * 7
    db.session.rollback()
    reminders = select(func.count()).where(OutboxMail.kind == MailKind.INVITATION_REMINDER)
    assert db.session.scalar(reminders) == 3


def test_what_is_pressed_at_once_is_done_once(app: Flask, field: Racers, now: datetime):
    """As a desk does whose button is pressed twice, or two of the staff at one moment."""
    room, _ = make_hybrid(capacity=10)
    event_id, who = room.event_id, {"staff_id": make_staff().id, "now": now}
    about = {"event_id": event_id, **who}
    amina = {"name": "Amina", "email": "amina@example.org"}
    speaker_id = make_speaker(room.event, email="ada@example.org").id
    calls: list[Call] = [
        ("desk.add", {"option_id": room.id, "details": amina, **about}),
        ("invitations.invite", {"email": "bo@example.org", "name": "Bo", **about}),
        ("invitations.make_code", {"code": "GUILD", "label": "", "uses_max": 5, **about}),
        ("speakers.invite", {"speaker_id": speaker_id, **who}),
        ("speakers.remind", {"speaker_id": speaker_id, **who}),
        ("streams.add", {"url": "https://video.example.org/1", "label": "Main", **about}),
    ]
    # One after the other: who has waited for the first would come to the second in turn.
    outcomes = [
        outcome for call in calls for lane in field.race([[call]] * RACERS) for outcome in lane
    ]
    assert [outcome for outcome in outcomes if "refused" in outcome] == []
    assert seats_of(room) == (1, 0)
    kinds = Counter(db.session.scalars(select(OutboxMail.kind)))
    wanted = {
        MailKind.CONFIRMED,
        MailKind.INVITATION,
        MailKind.SPEAKER_INVITATION,
        MailKind.SPEAKER_REMINDER,
    }
    assert kinds == dict.fromkeys(wanted, 1)
    for model in (Invitation, InvitationCode, StreamSource):
        assert db.session.scalar(select(func.count()).select_from(model)) == 1, model


def test_new_drafts_of_one_title_have_addresses_of_their_own(
    app: Flask, field: Racers, now: datetime
):
    event_id = make_hybrid()[0].event_id
    copy: Call = ("cloning.clone", {"event_id": event_id, "staff_id": STAFF, "now": now})
    field.race([[copy, copy]] * RACERS)
    db.session.rollback()
    slugs = db.session.scalars(select(Event.slug)).all()
    assert len(set(slugs)) == 1 + 2 * RACERS
