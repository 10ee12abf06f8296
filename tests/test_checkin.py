"""The door of the room: tickets, twice at once, undo, and people without a seat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, update

from registration import arrivals, checkin, desk, doctor, lobby, lookup, rsvps, turnout, walkins
from registration.admission import Refusal, RsvpRefused
from registration.arrivals import Outcome
from registration.database import db
from registration.models import (
    AttendanceMode,
    Attendee,
    AuditEntry,
    Event,
    MailKind,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    Staff,
    StaffRole,
)
from registration.parties import Details, attendees
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_rsvp,
    make_staff,
    reschedule,
)


@pytest.fixture
def staff(app: Flask) -> Staff:
    return make_staff(name="Noor at the door")


def ticket_of(rsvp: Rsvp, position: int = 0) -> str:
    return attendees(rsvp)[position].ticket_code


def admit(rsvp: Rsvp, staff: Staff, now: datetime, **more) -> arrivals.Decision:
    arguments = {"event_id": rsvp.event_id, "code": ticket_of(rsvp)} | more
    return checkin.admit(staff_id=staff.id, now=now, **arguments)


def log_of(event_id: int) -> list[str]:
    return list(
        db.session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.event_id == event_id, AuditEntry.action.like("checkin.%"))
            .order_by(AuditEntry.id)
        )
    )


def test_a_ticket_lets_one_person_in_and_says_when_and_by_whom_the_second_time(app, staff, now):
    rsvp = make_rsvp(make_option())
    event_id = rsvp.event_id

    first = admit(rsvp, staff, now)
    second = admit(rsvp, make_staff(), now + timedelta(minutes=11))

    assert (first.outcome, second.outcome) == (Outcome.ADMITTED, Outcome.AGAIN)
    assert second.person.checked_in_at == now
    assert second.person.checked_in_by.name == "Noor at the door"
    assert log_of(event_id) == ["checkin.admitted", "checkin.again"]


def test_a_scan_that_a_phone_sends_twice_lets_in_once_and_is_no_second_ticket(app, staff, now):
    rsvp, other = make_rsvp(make_option()), make_staff()
    event_id, soon = rsvp.event_id, now + timedelta(seconds=6)
    outcomes = [
        admit(rsvp, who, at, kept=kept).outcome
        for who, at, kept in [
            (staff, now, True),
            (staff, soon, True),
            (staff, soon, False),
            (other, soon, True),
            (staff, now + timedelta(minutes=1), True),
        ]
    ]
    assert outcomes == [Outcome.ADMITTED] * 2 + [Outcome.AGAIN] * 3
    assert log_of(event_id) == ["checkin.admitted"] + ["checkin.again"] * 3
    assert turnout.counts_of(rsvp.event).inside == 1


def test_of_two_phones_that_kept_one_ticket_the_earlier_scan_stands(app, staff, now):
    option = make_option()
    rsvp, neighbour, other = make_rsvp(option), make_rsvp(option), make_staff(name="Bo")
    later = now + timedelta(minutes=5)
    admit(neighbour, staff, later)
    assert admit(rsvp, staff, later, kept=True).outcome is Outcome.ADMITTED

    second = admit(rsvp, other, now, kept=True)

    assert (second.outcome, second.person.checked_in_at) == (Outcome.AGAIN, later), "it is told"
    person = lookup.person_by_id(second.person.id)
    assert (person.checked_in_at, person.checked_in_by.name) == (now, "Bo")
    assert admit(rsvp, staff, later, kept=True).person.checked_in_at == now
    stood = [lookup.person_by_id(attendees(each)[0].id) for each in (rsvp, neighbour)]
    assert [person.checked_in_at for person in stood] == [now, later]
    assert turnout.counts_of(rsvp.event).inside == 2


def test_a_kept_scan_that_comes_late_hides_nobody_who_came_in_since(app, staff, now):
    option = make_option()
    early, late = make_rsvp(option, name="Early"), make_rsvp(option, name="Late")
    admit(late, staff, now + timedelta(minutes=2))
    admit(early, staff, now, kept=True)
    names = [person.name for person in turnout.last_in(option.event)]
    assert names == ["Late", "Early"]


def test_a_kept_scan_brings_nobody_back_whose_check_in_was_taken_back_after_it(app, staff, now):
    option = make_option(make_event(guests_max=1))
    rsvp = make_rsvp(option, guests=["Bola"])
    person = admit(rsvp, staff, now + timedelta(minutes=1)).person
    undone = {"event_id": rsvp.event_id, "attendee_id": person.id, "staff_id": staff.id}
    checkin.undo(**undone, now=now + timedelta(minutes=2))

    assert admit(rsvp, staff, now, kept=True).outcome is Outcome.TAKEN_BACK
    assert turnout.counts_of(rsvp.event).inside == 0
    guest = admit(rsvp, staff, now, kept=True, code=ticket_of(rsvp, 1))
    assert guest.outcome is Outcome.ADMITTED, "nobody took the guest's back"
    elsewhere = make_event(slug="elsewhere")
    there = admit(rsvp, staff, now, kept=True, event_id=elsewhere.id)
    assert there.outcome is Outcome.ELSEWHERE, "another door says what it is"
    after = admit(rsvp, staff, now + timedelta(minutes=3), kept=True)
    assert after.outcome is Outcome.ADMITTED, "it was scanned since"


def test_of_two_of_one_name_a_kept_scan_stops_at_the_one_who_was_taken_back(app, staff, now):
    rsvp = make_rsvp(make_option(make_event(guests_max=2)), guests=["Ana Kim", "Ana Kim"])
    first = admit(rsvp, staff, now, code=ticket_of(rsvp, 1)).person
    later = now + timedelta(minutes=1)
    undone = {"event_id": rsvp.event_id, "attendee_id": first.id, "staff_id": staff.id}
    checkin.undo(**undone, now=later)

    other = admit(rsvp, staff, now, kept=True, code=ticket_of(rsvp, 2))
    assert other.outcome is Outcome.ADMITTED
    same = admit(rsvp, staff, now, kept=True, code=ticket_of(rsvp, 1))
    assert same.outcome is Outcome.TAKEN_BACK


def test_who_came_on_a_day_before_is_welcome_on_the_next(app, staff, now):
    starts_at = now.replace(hour=14, minute=0)  # 9 a.m. in Washington
    event = make_event(starts_at=starts_at, ends_at=starts_at + timedelta(days=1, hours=8))
    rsvp = make_rsvp(make_option(event))
    assert admit(rsvp, staff, starts_at).outcome is Outcome.ADMITTED
    assert admit(rsvp, staff, starts_at + timedelta(hours=1)).outcome is Outcome.AGAIN
    next_day = admit(rsvp, staff, starts_at + timedelta(days=1))
    assert (next_day.outcome, next_day.person.checked_in_at) == (Outcome.BACK, starts_at)
    assert log_of(event.id)[-1] == "checkin.back"
    assert turnout.counts_of(event).inside == 1


def test_who_was_in_when_the_event_was_put_off_is_welcome_on_its_new_day(app, staff, now):
    starts_at = now.replace(hour=15)
    event = make_event(starts_at=starts_at)
    rsvp = make_rsvp(make_option(event))
    admit(rsvp, staff, starts_at)
    later = starts_at + timedelta(days=7)
    reschedule(
        event_id=event.id,
        starts_at=later,
        ends_at=later + timedelta(hours=1),
        staff_id=None,
        now=starts_at + timedelta(minutes=9),
    )
    assert admit(rsvp, staff, later).outcome is Outcome.BACK


def test_after_midnight_a_night_is_still_the_same_day(app, staff, now):
    starts_at = now.replace(hour=1, minute=0) + timedelta(days=1)  # 8 p.m. in Washington
    event = make_event(starts_at=starts_at, ends_at=starts_at + timedelta(hours=8))
    rsvp = make_rsvp(make_option(event))
    assert admit(rsvp, staff, starts_at).outcome is Outcome.ADMITTED
    assert admit(rsvp, staff, starts_at + timedelta(hours=5)).outcome is Outcome.AGAIN


def test_each_of_a_party_has_a_ticket_of_their_own(app, staff, now):
    option = make_option(make_event(guests_max=2))
    rsvp = make_rsvp(option, guests=["Bola", "Chidi"])
    event = option.event

    assert admit(rsvp, staff, now, code=ticket_of(rsvp, 1)).person.name == "Bola"
    assert admit(rsvp, staff, now, code=ticket_of(rsvp, 2)).person.name == "Chidi"
    assert turnout.counts_of(event) == turnout.Counts(inside=2, expected=3)


def test_what_is_no_ticket_for_this_door_says_why(app, staff, now):
    room, stream = make_hybrid(capacity=1)
    holder, waiting, watcher = make_rsvp(room), make_rsvp(room), make_rsvp(stream)
    elsewhere = make_rsvp(make_option())
    rsvps.cancel(rsvp_id=holder.id, now=now)
    room_id = room.event_id

    assert admit(holder, staff, now).outcome is Outcome.CANCELLED
    assert admit(watcher, staff, now).outcome is Outcome.ONLINE
    assert admit(elsewhere, staff, now, event_id=room_id).outcome is Outcome.ELSEWHERE
    assert admit(holder, staff, now, code="ZZZZ2222").outcome is Outcome.UNKNOWN
    late = make_rsvp(room)
    assert admit(late, staff, now).outcome is Outcome.WAITING
    assert admit(waiting, staff, now).outcome is Outcome.ADMITTED  # promoted by the cancellation
    inside = select(Attendee).where(Attendee.checked_in_at.is_not(None))
    assert len(db.session.scalars(inside).all()) == 1


def test_who_cancels_while_the_door_decides_is_not_let_in(app, staff, now, monkeypatch):
    option = make_option()
    rsvp, _other = make_rsvp(option), make_rsvp(option)
    rsvp_id, event_id = rsvp.id, rsvp.event_id
    looked = arrivals.standing

    def cancelled_meanwhile(person, at):
        found = looked(person, at)
        db.session.execute(
            update(Rsvp)
            .where(Rsvp.id == rsvp_id)
            .values(status=RsvpStatus.CANCELLED, seats_held=0)
            .execution_options(synchronize_session=False)
        )
        return found

    monkeypatch.setattr(arrivals, "standing", cancelled_meanwhile)
    assert admit(rsvp, staff, now).outcome is Outcome.CANCELLED
    assert turnout.counts_of(db.session.get_one(Event, event_id)).inside == 0


def test_a_ticket_of_another_event_leaves_no_trace_of_its_holder_in_the_log(app, staff, now):
    here, elsewhere = make_rsvp(make_option()), make_rsvp(make_option(), name="Not Yours")
    admit(elsewhere, staff, now, event_id=here.event_id)
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "checkin.elsewhere")
    ).one()
    assert entry.rsvp_id is None
    assert "Not Yours" not in str(entry.detail)


def test_two_doors_at_once_let_one_ticket_in_once(app, staff, now):
    rsvp = make_rsvp(make_option())
    code, event_id, staff_id = ticket_of(rsvp), rsvp.event_id, staff.id
    db.session.rollback()
    doors = 6
    together = Barrier(doors)

    def scan(_door: int) -> Outcome:
        with app.app_context():
            together.wait(timeout=30)
            return checkin.admit(event_id=event_id, staff_id=staff_id, now=now, code=code).outcome

    with ThreadPoolExecutor(doors) as pool:
        outcomes = list(pool.map(scan, range(doors)))

    assert sorted(outcomes) == [Outcome.ADMITTED] + [Outcome.AGAIN] * (doors - 1)
    assert log_of(event_id).count("checkin.admitted") == 1


def test_undo_takes_a_check_in_back_and_the_ticket_is_good_again(app, staff, now):
    rsvp = make_rsvp(make_option())
    event_id, attendee_id = rsvp.event_id, attendees(rsvp)[0].id
    admit(rsvp, staff, now)

    undo = {"event_id": event_id, "attendee_id": attendee_id, "staff_id": staff.id, "now": now}
    for _door in range(2):
        assert checkin.undo(**undo).checked_in_at is None
    assert log_of(event_id).count("checkin.undone") == 1
    assert turnout.counts_of(rsvp.event).inside == 0
    assert admit(rsvp, staff, now).outcome is Outcome.ADMITTED
    with pytest.raises(LookupError):
        checkin.undo(**(undo | {"event_id": make_event().id}))


def test_who_went_out_is_let_in_again_and_the_first_time_stays(app, staff, now):
    rsvp = make_rsvp(make_option())
    admit(rsvp, staff, now)
    back = admit(rsvp, staff, now + timedelta(hours=1), again=True)
    assert back.outcome is Outcome.READMITTED
    assert back.person.checked_in_at == now


def test_a_walk_in_takes_a_seat_and_is_in_and_is_mailed_nothing(app, staff, now):
    option = make_option(capacity=1)
    event = option.event
    person = walkins.walk_in(
        event_id=event.id, details=Details(name="Wu Xin", email=""), staff_id=staff.id, now=now
    )
    assert person.checked_in_at == now
    assert not person.rsvp.has_address
    assert turnout.counts_of(event) == turnout.Counts(1, 1)
    assert db.session.scalars(select(OutboxMail)).all() == []


def test_walk_ins_stop_at_the_capacity_until_staff_say_beyond(app, staff, now):
    option = make_option(capacity=1)
    event_id = option.event_id

    def come(**more) -> Attendee:
        return walkins.walk_in(
            event_id=event_id, details=Details("Ada", ""), staff_id=staff.id, now=now, **more
        )

    come()
    with pytest.raises(RsvpRefused) as refused:
        come()
    assert refused.value.reason is Refusal.FULL
    assert come(beyond_capacity=True).checked_in_at == now
    assert db.session.get_one(type(option), option.id).seats_taken == 2


def test_nobody_walks_into_an_event_without_a_room(app, staff, now):
    stream = make_option(mode=AttendanceMode.VIRTUAL)
    ada = {"event_id": stream.event_id, "details": Details("Ada", ""), "staff_id": staff.id}
    with pytest.raises(RsvpRefused, match="no seats in a room"):
        walkins.walk_in(**ada, now=now, beyond_capacity=True)


def test_who_cancelled_is_seated_as_a_walk_in_alone(app, staff, now):
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room)
    rsvps.cancel(rsvp_id=waiting.id, now=now)
    person = attendees(waiting)[0]
    who = {"event_id": room.event_id, "attendee_id": person.id, "staff_id": staff.id, "now": now}
    with pytest.raises(RsvpRefused, match="Add a walk-in"):
        walkins.seat(**who, beyond_capacity=True)


def test_nobody_is_given_a_seat_once_the_event_is_over(app, staff, now):
    room, stream = make_hybrid()
    watching = make_rsvp(stream)
    door = {"event_id": room.event_id, "staff_id": staff.id, "now": room.event.ends_at}
    with pytest.raises(RsvpRefused, match="has ended"):
        walkins.walk_in(**door, details=Details("Ada", ""))
    with pytest.raises(RsvpRefused, match="has ended"):
        walkins.seat(**door, attendee_id=attendees(watching)[0].id)


def test_who_comes_instead_of_watching_leaves_the_place_to_who_waits_for_it(app, staff, now):
    room, stream = make_hybrid()
    stream.capacity = 1
    db.session.commit()
    comes, waits = make_rsvp(stream), make_rsvp(stream)
    person = attendees(comes)[0]
    walkins.seat(event_id=room.event_id, attendee_id=person.id, staff_id=staff.id, now=now)
    db.session.expire_all()
    assert (comes.option_id, waits.status) == (room.id, RsvpStatus.CONFIRMED)
    seated = db.session.scalars(select(AuditEntry).filter_by(action="rsvp.seated")).one()
    assert (seated.rsvp_id, seated.staff_id) == (comes.id, staff.id)


def test_racing_walk_ins_never_pass_the_capacity(app, staff, now):
    option = make_option(capacity=3)
    event_id, staff_id, option_id = option.event_id, staff.id, option.id
    db.session.rollback()

    def come(number: int) -> bool:
        with app.app_context():
            try:
                walkins.walk_in(
                    event_id=event_id, details=Details(f"W{number}", ""), staff_id=staff_id, now=now
                )
            except RsvpRefused:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        came = list(pool.map(come, range(8)))
    assert came.count(True) == 3
    assert db.session.get_one(type(option), option_id).seats_taken == 3


@pytest.mark.parametrize("capacity", [None, 1])
def test_a_walk_in_whose_address_has_an_rsvp_is_told_so_first(app, staff, now, capacity):
    rsvp = make_rsvp(make_option(capacity=capacity))
    with pytest.raises(RsvpRefused) as refused:
        walkins.walk_in(
            event_id=rsvp.event_id, details=Details("Ada", rsvp.email), staff_id=staff.id, now=now
        )
    assert refused.value.reason is Refusal.HAS_RSVP


def test_undoing_a_walk_in_frees_the_seat(app, staff, now):
    option = make_option(capacity=1)
    person = walkins.walk_in(
        event_id=option.event_id, details=Details("Ada", ""), staff_id=staff.id, now=now
    )
    undone = checkin.undo(
        event_id=option.event_id, attendee_id=person.id, staff_id=staff.id, now=now
    )
    assert undone.rsvp.status is RsvpStatus.CANCELLED
    assert db.session.get_one(type(option), option.id).seats_taken == 0


def test_undo_keeps_an_rsvp_whose_link_claimed_to_be_a_walk_in(app, staff, now):
    rsvp = make_rsvp(make_option(), source="walk-in")
    attendee_id = attendees(rsvp)[0].id
    admit(rsvp, staff, now)
    undone = checkin.undo(
        event_id=rsvp.event_id, attendee_id=attendee_id, staff_id=staff.id, now=now
    )
    assert undone.rsvp.status is RsvpStatus.CONFIRMED


def test_one_who_waits_is_given_a_seat_at_the_door_while_there_is_one(app, staff, now):
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room, meanwhile_option_id=stream.id)
    event_id, attendee_id = room.event_id, attendees(waiting)[0].id
    arguments = {
        "event_id": event_id,
        "attendee_id": attendee_id,
        "staff_id": staff.id,
        "now": now,
    }

    with pytest.raises(RsvpRefused) as refused:
        walkins.seat(**arguments)
    assert refused.value.reason is Refusal.FULL
    person = walkins.seat(**arguments, beyond_capacity=True).person
    assert person.checked_in_at == now
    assert person.rsvp.option_id == room.id
    assert person.rsvp.waits_for_option_id is None
    # Another door still has the page of before.
    later = now + timedelta(minutes=1)
    assert walkins.seat(**(arguments | {"now": later})).outcome is Outcome.AGAIN
    again = select(AuditEntry.at).where(AuditEntry.action == "checkin.again")
    assert db.session.scalars(again).all() == [later]
    with pytest.raises(LookupError):
        walkins.seat(**(arguments | {"event_id": make_event().id}))


def test_a_party_for_whom_too_few_seats_are_left_is_told_how_many_at_the_door(app, staff, now):
    room, _stream = make_hybrid(capacity=2, guests_max=1)
    make_rsvp(room)
    waiting = make_rsvp(room, guests=["Ines"])
    with pytest.raises(RsvpRefused, match="Only 1 seat is left, and this party needs 2"):
        walkins.seat(
            event_id=room.event_id,
            attendee_id=attendees(waiting)[0].id,
            staff_id=staff.id,
            now=now,
        )


def test_two_doors_that_give_one_person_a_seat_let_in_once_and_say_so(app, staff, now):
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = make_rsvp(room)
    event_id, attendee_id, staff_id = room.event_id, attendees(waiting)[0].id, staff.id
    db.session.rollback()

    def seat(_door: int) -> Outcome:
        with app.app_context():
            return walkins.seat(
                event_id=event_id,
                attendee_id=attendee_id,
                staff_id=staff_id,
                now=now,
                beyond_capacity=True,
            ).outcome

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(seat, range(2)))
    assert sorted(outcomes) == [Outcome.ADMITTED, Outcome.AGAIN]
    assert turnout.counts_of(db.session.get_one(Event, event_id)) == turnout.Counts(1, 2)


def test_one_with_a_place_online_who_comes_gives_it_up_for_a_seat(app, staff, now):
    room, stream = make_hybrid(capacity=1)
    watcher = make_rsvp(stream)
    person = walkins.seat(
        event_id=room.event_id,
        attendee_id=attendees(watcher)[0].id,
        staff_id=staff.id,
        now=now,
    ).person
    assert (person.rsvp.option_id, person.checked_in_at) == (room.id, now)
    assert db.session.get_one(type(stream), stream.id).seats_taken == 0
    kinds = select(OutboxMail.kind).where(OutboxMail.rsvp_id == watcher.id).order_by(OutboxMail.id)
    assert db.session.scalars(kinds).all()[-1] is MailKind.CHANGED


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("K7QM2F4P", "K7QM2F4P"),
        (" k7qm-2f4p ", "K7QM2F4P"),
        ("K7QM 2F4P", "K7QM2F4P"),
        ("https://events.example.org/t/K7QM2F4P", "K7QM2F4P"),
        ("http>&&events/example/org&t&k7qm2f4p", "K7QM2F4P"),  # a scanner on another keyboard
        ("https://events.example.org/events/policing", ""),
        ("K7QM2F4", ""),
        ("K7QM2F4I", ""),
        ("Amina Okonkwo", ""),
        ("", ""),
    ],
)
def test_a_code_is_found_in_what_was_scanned_or_typed(text, code):
    assert lookup.code_in(text) == code


def test_the_search_minds_neither_case_nor_accents_nor_order(app, now):
    option = make_option(make_event(guests_max=1))
    event = option.event
    make_rsvp(option, name="Gérard Étienne-Baptiste", organisation="Médecins du Nord")
    make_rsvp(option, name="Łukasz Wójcik", guests=["王小明"])
    make_rsvp(make_option(), name="Gérard of another event")

    def names(text: str) -> list[str]:
        return [person.name for person in lookup.search(event, text).people]

    assert names("etienne gerard") == ["Gérard Étienne-Baptiste"]
    assert names("MEDECINS") == ["Gérard Étienne-Baptiste"]
    assert names("wojcik") == ["Łukasz Wójcik", "王小明"]
    assert names("小明") == ["王小明"]
    assert names("%") == []
    assert names("") == []


def test_turnout_counts_the_room_and_the_stream_apart(app, staff, now):
    event = make_event(starts_at=now + timedelta(minutes=5))
    room = make_option(event, capacity=10)
    stream = make_option(event, mode="virtual")
    here, _absent, watcher = make_rsvp(room), make_rsvp(room), make_rsvp(stream)
    admit(here, staff, now)
    lobby.enter(rsvp_id=watcher.id, now=now)
    assert turnout.of(event) == turnout.Turnout(
        room=1, room_expected=2, online=1, online_expected=1
    )


def test_the_latest_stand_first_among_who_came_in(app, staff, now):
    option = make_option()
    people = [make_rsvp(option) for _ in range(3)]
    for minutes, rsvp in enumerate(people):
        admit(rsvp, staff, now + timedelta(minutes=minutes))
    names = [person.name for person in turnout.last_in(option.event, 2)]
    assert names == [people[2].name, people[1].name]


def test_a_door_account_is_no_admin(app):
    assert not make_staff(StaffRole.DOOR).is_admin


def test_the_count_of_who_is_in_follows_whatever_takes_or_gives(app, staff, now):
    option = make_option(make_event(guests_max=1), capacity=5)
    event = option.event
    rsvp, other = make_rsvp(option, guests=["Bola"]), make_rsvp(option)
    who = {"staff_id": staff.id, "now": now}

    def inside() -> int:
        assert [finding for finding in doctor.counters() if not finding.is_fine] == []
        return turnout.counts_of(event).inside

    assert inside() == 0
    assert turnout.last_in(event) == []
    admit(make_rsvp(make_option()), staff, now)  # at another event's door
    admit(rsvp, staff, now)
    admit(rsvp, staff, now)
    assert inside() == 1
    assert desk.check_in(rsvp_ids=[rsvp.id, other.id], **who) == 2
    person = walkins.walk_in(event_id=event.id, details=Details(name="Wu Xin", email=""), **who)
    assert inside() == len(turnout.last_in(event)) == 4
    checkin.undo(event_id=event.id, attendee_id=person.id, **who)
    assert inside() == 3
    # A guest who is in and is taken off the RSVP.
    details = Details(name=rsvp.name, email=rsvp.email)
    desk.edit(rsvp_id=rsvp.id, details=details, guests=[], **who)
    assert inside() == 2
    desk.take_back_check_in(event_id=event.id, at=now, **who)
    assert inside() == 0
