"""Everything that can be done with seats, in any order, and what must hold after each step.

SEATS_EXAMPLES=500 looks for longer.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Integer, bindparam, func, select

from registration import answering, approvals, capacity, invitations, links, moves, rsvps
from registration.admission import RsvpRefused
from registration.database import db
from registration.models import (
    LIVE,
    AttendanceMode,
    AttendanceOption,
    Attendee,
    AuditEntry,
    Event,
    EventStatus,
    Invitation,
    InvitationCode,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
)
from tests.conftest import NOW
from tests.factories import details, make_code, make_event, make_invitation, make_option

EXAMPLES = int(os.environ.get("SEATS_EXAMPLES", "40"))
STEPS = 40
STAFF = None  # acting staff in the audit log; the accounts are tested elsewhere

#: What the last mail of a change may be, by the state that it leads to.
TELLS = {
    RsvpStatus.UNVERIFIED: {MailKind.VERIFY},
    RsvpStatus.PENDING: {MailKind.RECEIVED, MailKind.CHANGED},
    RsvpStatus.WAITLISTED: {MailKind.WAITLISTED},
    RsvpStatus.CONFIRMED: {
        MailKind.CONFIRMED,
        MailKind.PROMOTED,
        MailKind.CHANGED,
        MailKind.WAITLISTED,  # keeps a place and waits for another
    },
    RsvpStatus.CANCELLED: {MailKind.CANCELLED},
    RsvpStatus.DECLINED: {MailKind.CANCELLED},
    RsvpStatus.REJECTED: {MailKind.REJECTED},
}

people = st.integers(0, 6)
parties = st.integers(1, 3)
ways = st.integers(0, 2)
nth = st.integers(0, 11)


class Row(NamedTuple):
    """An RSVP as it was at a moment."""

    email: str
    status: RsvpStatus
    option: int
    waits_for: int | None
    number: int | None
    size: int
    held: int
    sequence: int
    by_code: bool

    @property
    def state(self) -> tuple[Any, ...]:
        """What an attendee is told of when it changes."""
        return self.status, self.option, self.waits_for


class Moment(NamedTuple):
    """All of an event at a moment."""

    rows: dict[int, Row]
    taken: dict[int, int]
    waiting: dict[int, int]
    capacity: dict[int, int | None]
    mails: dict[int, tuple[int, MailKind, MailState, int | None]]
    entries: int
    keys: list[str]
    tickets: dict[int, int]
    code_uses: tuple[int, int]


EVENT_ID = bindparam("event_id", type_=Integer)

#: What a moment is read with. They are asked thousands of times, so they are made once.
QUESTIONS = (
    select(
        Rsvp.id,
        Rsvp.email,
        Rsvp.status,
        Rsvp.option_id,
        Rsvp.waits_for_option_id,
        Rsvp.waiting_number,
        Rsvp.party_size,
        Rsvp.seats_held,
        Rsvp.ical_sequence,
        Rsvp.code_id.is_not(None),
        Rsvp.manage_key,
        Rsvp.join_key,
        Rsvp.ical_uid,
    ).where(Rsvp.event_id == EVENT_ID),
    select(
        AttendanceOption.id,
        AttendanceOption.seats_taken,
        AttendanceOption.waiting,
        AttendanceOption.capacity,
    ).where(AttendanceOption.event_id == EVENT_ID),
    select(
        OutboxMail.id,
        OutboxMail.rsvp_id,
        OutboxMail.kind,
        OutboxMail.state,
        OutboxMail.ical_sequence,
    ).where(OutboxMail.event_id == EVENT_ID),
    select(Attendee.rsvp_id, func.count(Attendee.ticket_code.distinct()))
    .join(Rsvp)
    .where(Rsvp.event_id == EVENT_ID)
    .group_by(Attendee.rsvp_id),
    select(InvitationCode.uses, InvitationCode.uses_max).where(InvitationCode.event_id == EVENT_ID),
    select(func.count()).where(AuditEntry.event_id == EVENT_ID),
)


class Seats(RuleBasedStateMachine):
    """One event with a room, a stream and a hall, and seven people who do as they like."""

    @initialize(
        room=st.sampled_from([0, 1, 2, 2, 3, 4]),
        stream=st.sampled_from([None, None, 0, 2]),
        confirms=st.sampled_from([False, False, True]),
        approval=st.sampled_from([False, False, True]),
        automatic=st.sampled_from([True, True, True, False]),
        first=st.lists(parties, min_size=2, max_size=5),
    )
    def begin(
        self,
        room: int,
        stream: int | None,
        confirms: bool,
        approval: bool,
        automatic: bool,
        first: list[int],
    ):
        self.now, self.known = NOW, None
        event = make_event(
            guests_max=2, confirms_addresses=confirms, promotes_automatically=automatic
        )
        self.event_id = event.id
        self.options = [
            make_option(event, capacity=room).id,
            make_option(event, capacity=stream, mode=AttendanceMode.VIRTUAL).id,
            make_option(event, capacity=2, needs_approval=approval).id,
        ]
        self.invitation_id = make_invitation(event, email=self.address(0)).id
        self.code = make_code(event, uses_max=2).code
        for person, size in enumerate(first):
            self.answer_in(person, 0, size)
            self.with_one(0, lambda rsvp_id: answering.verify(rsvp_id=rsvp_id, now=self.now))

    # What people and staff do ------------------------------------------------------------

    @rule(person=people, size=parties)
    def answer_in_the_room(self, person: int, size: int):
        self.answer_in(person, 0, size)

    @rule(person=people, size=parties)
    def answer_for_the_room_and_watch(self, person: int, size: int):
        self.answer_in(person, 0, size, watches=True)

    @rule(
        person=people,
        way=ways,
        size=parties,
        waits=st.booleans(),
        watches=st.booleans(),
        coded=st.booleans(),
    )
    def answer_somehow(
        self, person: int, way: int, size: int, waits: bool, watches: bool, coded: bool
    ):
        self.answer_in(person, way, size, waits=waits, watches=watches, coded=coded)

    def answer_in(
        self,
        person: int,
        way: int,
        size: int,
        *,
        waits: bool = True,
        watches: bool = False,
        coded: bool = False,
    ) -> None:
        email = self.address(person)
        live = {row.email for row in self.moment().rows.values() if row.status in LIVE}
        made = self.do(
            lambda: answering.answer(
                event_id=self.event_id,
                option_id=self.options[way],
                details=details(email=email),
                now=self.now,
                guests=["A guest"] * (size - 1),
                accepts_waiting=waits,
                meanwhile_option_id=self.options[1] if watches else None,
                code=self.code if coded else "",
            )
        )
        if email in live:
            assert made is None or isinstance(made, RsvpRefused)

    @rule(number=nth)
    def verify(self, number: int):
        self.with_one(number, lambda rsvp_id: answering.verify(rsvp_id=rsvp_id, now=self.now))

    @rule(number=nth)
    def cancel_by_the_attendee(self, number: int):
        self.cancel(number, "attendee")

    @rule(number=nth, by=st.sampled_from(["attendee", "staff"]))
    def cancel(self, number: int, by: str):
        self.with_one(number, lambda rsvp_id: rsvps.cancel(rsvp_id=rsvp_id, now=self.now, by=by))

    @rule(number=nth)
    def leave_waitlist(self, number: int):
        self.with_one(number, lambda rsvp_id: rsvps.leave_waitlist(rsvp_id=rsvp_id, now=self.now))

    @rule(number=nth, way=ways, waits=st.booleans())
    def switch(self, number: int, way: int, waits: bool):
        self.with_one(
            number,
            lambda rsvp_id: rsvps.switch(
                rsvp_id=rsvp_id, option_id=self.options[way], now=self.now, accepts_waiting=waits
            ),
        )

    @rule(number=nth, way=ways, how=st.sampled_from(list(moves.How)))
    def move_by_staff(self, number: int, way: int, how: moves.How):
        self.with_one(
            number,
            lambda rsvp_id: moves.move(
                rsvp_id=rsvp_id,
                option_id=self.options[way],
                how=how,
                staff_id=STAFF,
                now=self.now,
            ),
            by_hand=how is moves.How.BEYOND,
            beyond=how is moves.How.BEYOND,
        )

    @rule(number=nth)
    def watch_meanwhile(self, number: int):
        self.with_one(
            number,
            lambda rsvp_id: rsvps.watch_meanwhile(
                rsvp_id=rsvp_id, option_id=self.options[1], now=self.now
            ),
        )

    @rule(number=nth, size=parties)
    def edit(self, number: int, size: int):
        self.with_one(
            number,
            lambda rsvp_id: rsvps.edit(
                rsvp_id=rsvp_id,
                now=self.now,
                details=details(email="ignored@example.org"),
                guests=["A guest"] * (size - 1),
            ),
            renames=True,
        )

    @rule(numbers=st.sets(nth, min_size=1, max_size=3))
    def approve(self, numbers: set[int]):
        ids = self.some(numbers)
        self.do(lambda: approvals.approve(rsvp_ids=ids, staff_id=STAFF, now=self.now))

    @rule(numbers=st.sets(nth, min_size=1, max_size=3))
    def reject(self, numbers: set[int]):
        ids = self.some(numbers)
        self.do(lambda: approvals.reject(rsvp_ids=ids, staff_id=STAFF, now=self.now))

    @rule(number=nth, beyond=st.booleans())
    def promote_by_hand(self, number: int, beyond: bool):
        self.with_one(
            number,
            lambda rsvp_id: approvals.promote(
                rsvp_id=rsvp_id, staff_id=STAFF, now=self.now, beyond_capacity=beyond
            ),
            by_hand=True,
            beyond=beyond,
        )

    @rule(way=ways, number=st.sampled_from([0, 1, 2, 3, 5, None]))
    def set_capacity(self, way: int, number: int | None):
        self.do(
            lambda: capacity.set_capacity(
                option_id=self.options[way], capacity=number, staff_id=STAFF, now=self.now
            )
        )

    @rule(minutes=st.sampled_from([1, 20, 40]))
    def time_passes_and_holds_end(self, minutes: int):
        self.now += timedelta(minutes=minutes)
        self.do(lambda: answering.end_holds(now=self.now))

    @precondition(lambda self: self.now < NOW + timedelta(days=1))
    @rule(chance=st.integers(0, 9))
    def the_event_begins(self, chance: int):
        if chance == 0:
            self.now = db.session.get_one(Event, self.event_id).starts_at

    @rule(what=st.sampled_from(["decline", "resend", "by itself", "by hand", "draft", "publish"]))
    def happens_seldom(self, what: str):
        event = db.session.get_one(Event, self.event_id)
        if what == "decline":
            self.do(lambda: invitations.decline(invitation_id=self.invitation_id, now=self.now))
        elif what == "resend":
            for rsvp_id in self.some({0}):
                again = partial(links.resend, rsvp_id=rsvp_id, now=self.now)
                self.do(again, subject=rsvp_id, repeats=True)
        else:
            if what in ("by itself", "by hand"):
                event.promotes_automatically = what == "by itself"
            else:
                event.status = EventStatus(what + "ed" if what == "publish" else what)
            db.session.commit()
            self.do(lambda: capacity.fill_all(now=self.now))

    # What must hold ----------------------------------------------------------------------

    @invariant()
    def the_seats_are_right(self):
        now = self.moment()
        self.check_counters(now)
        self.check_queues(now)
        live = Counter(row.email for row in now.rows.values() if row.status in LIVE)
        assert not live or max(live.values()) == 1, "one live RSVP for an address"
        assert len(set(now.keys)) == 3 * len(now.rows), "keys of its own for each"
        assert now.tickets == {key: row.size for key, row in now.rows.items()}
        uses, most = now.code_uses
        assert uses == sum(row.by_code for row in now.rows.values() if row.status in LIVE) <= most

    def check_counters(self, now: Moment) -> None:
        held, waiting = Counter(), Counter()
        for row in now.rows.values():
            held[row.option] += row.held
            if row.waits_for is not None:
                waiting[row.waits_for] += 1
        for option in self.options:
            assert now.taken[option] == held[option]
            assert now.waiting[option] == waiting[option]

    def check_queues(self, now: Moment) -> None:
        """Nobody waits while a seat is free for the first."""
        if not any(now.waiting.values()):
            return
        if not db.session.get_one(Event, self.event_id).promotes_at(self.now):
            return
        for option, limit in now.capacity.items():
            queue = sorted(
                (row.number, row.size) for row in now.rows.values() if row.waits_for == option
            )
            if queue:
                assert limit is not None
                assert now.taken[option] + queue[0][1] > limit

    def teardown(self):
        db.session.rollback()

    # -------------------------------------------------------------------------------------

    def address(self, person: int) -> str:
        return f"person-{person}@event-{self.event_id}.example.org"

    def with_one(self, number: int, call: Callable[[int], Any], **allowed: bool) -> None:
        for rsvp_id in self.some({number}):
            self.do(partial(call, rsvp_id), subject=rsvp_id, **allowed)

    def some(self, numbers: set[int]) -> list[int]:
        """The RSVPs of those numbers, counted from the last."""
        ids = sorted(self.moment().rows, reverse=True)
        return sorted({ids[number % len(ids)] for number in numbers}) if ids else []

    def do(
        self,
        call: Callable[[], Any],
        *,
        subject: int | None = None,
        renames: bool = False,
        repeats: bool = False,
        by_hand: bool = False,
        beyond: bool = False,
    ) -> Any:
        """Call a verb, and look at the difference that it made; its refusal makes none."""
        before = self.moment()
        self.known = None
        try:
            result = call()
        except RsvpRefused as refusal:
            assert self.moment() == before, "a refusal changes nothing"
            return refusal
        after = self.moment()
        self.check_mails(before, after, subject if renames or repeats else None)
        self.check_order(before, after, subject if by_hand else None)
        for option, limit in after.capacity.items():
            if limit is not None and after.taken[option] > limit and not beyond:
                assert after.taken[option] <= before.taken[option], "only staff pass the capacity"
        return result

    def check_mails(self, before: Moment, after: Moment, excused: int | None) -> None:
        """Every change of state has its mail, once; nothing else has one."""
        new = [mail for key, mail in after.mails.items() if key not in before.mails]
        for rsvp_id, row in after.rows.items():
            old = before.rows.get(rsvp_id)
            mine = [mail for mail in new if mail[0] == rsvp_id]
            going = [kind for _, kind, state, _ in mine if state is MailState.WAITING]
            assert old is None or row.sequence - old.sequence in (0, 1, 2)
            if old is None or old.state != row.state:
                assert len(going) == 1, (old, row, mine)
                assert going[0] in TELLS[row.status], (old, row, going)
                if rsvp_id != excused:
                    assert len(mine) == 1
                if old is not None and old.status is RsvpStatus.CONFIRMED:
                    has_entry = old.option != row.option or row.status not in LIVE
                    # A mail that takes the place of one that had not gone may bring its entry.
                    assert mine[-1][3] is not None or not has_entry, "the calendar follows"
            elif rsvp_id == excused:
                assert len(mine) <= 1
            else:
                assert not mine, (old, row, mine)

    def check_order(self, before: Moment, after: Moment, chosen: int | None) -> None:
        """Who sits down somewhere stood before all who go on waiting for it."""
        for rsvp_id, row in after.rows.items():
            old = before.rows.get(rsvp_id)
            if not row.held or rsvp_id == chosen or (old and old.held and old.option == row.option):
                continue
            for number, other in after.rows.items():
                waited_before = number in before.rows and before.rows[number].waits_for
                if other.waits_for == row.option == waited_before:
                    assert old is not None, "nobody overtakes"
                    assert old.waits_for == row.option, "nobody overtakes"
                    assert (other.number or 0) > (old.number or 0), "nobody overtakes"

    def moment(self) -> Moment:
        """All as it is now; read once after each change."""
        if self.known is None:
            db.session.rollback()
            self.known = self.read()
        return self.known

    def read(self) -> Moment:
        connection, this = db.session.connection(), {"event_id": self.event_id}
        rows, options, mails, tickets, code, entries = (
            connection.execute(question, this).all() for question in QUESTIONS
        )
        return Moment(
            rows={row[0]: Row(*row[1:10]) for row in rows},
            taken={row.id: row.seats_taken for row in options},
            waiting={row.id: row.waiting for row in options},
            capacity={row.id: row.capacity for row in options},
            mails={key: tuple(rest) for key, *rest in mails},
            entries=entries[0][0],
            keys=sorted(key for row in rows for key in row[10:]),
            tickets=dict(map(tuple, tickets)),
            code_uses=tuple(code[0]),
        )


def test_whatever_is_done_in_whatever_order_the_seats_are_right(app: Flask, database: str):
    run_state_machine_as_test(
        Seats,
        settings=settings(
            # The rules are the same on both; on PostgreSQL each step takes longer.
            max_examples=EXAMPLES if database == "sqlite" else max(1, EXAMPLES // 3),
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            database=None,
            # A failure is shown as it was found: making it small takes minutes.
            phases=[Phase.generate, *([Phase.shrink] if EXAMPLES > 100 else [])],
        ),
    )
    assert db.session.scalar(select(func.count()).select_from(Invitation))
