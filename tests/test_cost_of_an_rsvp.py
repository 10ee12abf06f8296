"""One RSVP costs the same whoever is there already: so many statements, each through an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import Connection, event, insert, select, text, update

from app import create_app
from registration import announcements, doctor, outbox, queues, rsvps
from registration.database import db
from registration.models import AttendanceOption, Door, Rsvp, RsvpStatus
from tests.conftest import NOW, settings_for
from tests.factories import make_code, make_hybrid, make_rsvp, reschedule, save

# As a plan names it: the ids' own is the table itself on SQLite.
_INDEX = re.compile(r"(?:Index Scan on|Scan using|USING INDEX|USING) (INTEGER PRIMARY KEY|\w+)")


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent to the database, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def crowd(option: AttendanceOption, number: int, now: datetime, *, waiting: bool) -> None:
    """So many more who are seated, or who wait."""
    first = option.last_waiting_number
    db.session.execute(
        insert(Rsvp),
        [
            {
                "event_id": option.event_id,
                "option_id": option.id,
                "status": RsvpStatus.WAITLISTED if waiting else RsvpStatus.CONFIRMED,
                "party_size": 1,
                "seats_held": 0 if waiting else 1,
                "waits_for_option_id": option.id if waiting else None,
                "waiting_number": first + n + 1 if waiting else None,
                "email": f"crowd-{int(waiting)}-{n}@example.org",
                "name": "One of many",
                "manage_key": f"m-{waiting}-{n}",
                "join_key": f"j-{waiting}-{n}",
                "ical_uid": f"u-{waiting}-{n}",
                "told_edition": option.event.edition,
                "created_at": now,
                "updated_at": now,
            }
            for n in range(number)
        ],
    )
    if waiting:
        option.waiting += number
        option.last_waiting_number += number
    else:
        option.seats_taken += number
        option.capacity = option.seats_taken
    db.session.commit()


def acts(room: AttendanceOption, stream: AttendanceOption, now: datetime) -> dict[str, Callable]:
    """Everything an attendee does, each on an RSVP of its own."""
    seated = [
        row.id
        for row in db.session.scalars(
            select(Rsvp).where(Rsvp.option_id == room.id, Rsvp.seats_held == 1).limit(2)
        )
    ]
    waiting = [
        row.id
        for row in db.session.scalars(
            select(Rsvp)
            .where(Rsvp.waits_for_option_id == room.id)
            .order_by(Rsvp.id.desc())
            .limit(2)
        )
    ]
    return {
        "answer and wait": lambda: make_rsvp(room),
        "answer and watch": lambda: make_rsvp(stream),
        "watch meanwhile": lambda: rsvps.watch_meanwhile(
            rsvp_id=waiting[0], option_id=stream.id, now=now
        ),
        "leave the waitlist": lambda: rsvps.leave_waitlist(rsvp_id=waiting[1], now=now),
        "cancel, and the first moves up": lambda: rsvps.cancel(rsvp_id=seated[0], now=now),
        "switch, and the next moves up": lambda: rsvps.switch(
            rsvp_id=seated[1], option_id=stream.id, now=now
        ),
    }


def cost_of(act: Callable) -> int:
    with statements() as seen:
        act()
    return len(seen)


def test_the_number_of_statements_does_not_grow(app: Flask, now: datetime):
    room, stream = make_hybrid(capacity=3)
    for _ in range(6):
        make_rsvp(room)
    small = {name: cost_of(act) for name, act in acts(room, stream, now).items()}
    crowd(room, 1500, now, waiting=False)
    crowd(room, 1500, now, waiting=True)
    large = {name: cost_of(act) for name, act in acts(room, stream, now).items()}
    assert {name: n for name, n in large.items() if n > small[name]} == {}
    assert small["answer and wait"] <= 10


def test_each_statement_goes_through_an_index(app: Flask, database: str, now: datetime):
    room, stream = make_hybrid(capacity=3)
    for _ in range(6):
        make_rsvp(room)
    crowd(room, 3000, now, waiting=False)
    crowd(room, 3000, now, waiting=True)
    if database == "postgresql":
        with db.engine.begin() as connection:
            # As autovacuum does; SQLite has no figures to plan with in production either.
            connection.execute(text("ANALYZE"))
    people = acts(room, stream, now)
    with statements() as seen:
        for act in people.values():
            act()
        rsvp = db.session.scalars(select(Rsvp).where(Rsvp.waiting_number.is_not(None))).first()
        assert rsvp is not None
        queues.position_of(rsvp)
    assert walks(seen, database) == []


def test_some_of_a_crowd_are_told_without_a_walk_over_all(
    app: Flask, database: str, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    """Also right after they came, when PostgreSQL has no figures of them to plan with."""
    monkeypatch.setattr(announcements, "FIRST_CHUNK", 100)
    monkeypatch.setattr(announcements, "next_size", lambda size, _held: size)
    if database == "postgresql":
        with db.engine.begin() as connection:
            # Of new files it has none, whatever the tests before this one have left; and it takes
            # none in the moment in which they are empty.
            connection.execute(text("TRUNCATE events CASCADE"))
            connection.execute(text("ALTER TABLE rsvps SET (autovacuum_enabled = false)"))
            connection.execute(text("DELETE FROM pg_statistic WHERE starelid = 'rsvps'::regclass"))
    room, _stream = make_hybrid(capacity=None)
    crowd(room, 3000, now, waiting=False)
    db.session.execute(update(Rsvp).values(ical_sequence=0))
    assert reschedule(
        event_id=room.event_id,
        starts_at=room.event.starts_at + timedelta(days=1),
        ends_at=room.event.ends_at + timedelta(days=1),
        staff_id=None,
        now=now,
    )
    with statements() as seen:
        announcements.spread(now=now + timedelta(hours=1))
    of_some = [statement for statement in seen if "rsvps.id BETWEEN" in statement[0]]
    assert len(of_some) > 3
    taken = set()
    with db.engine.connect() as connection:
        for statement, parameters in of_some:
            taken |= set(_INDEX.findall("\n".join(plan(connection, statement, parameters))))
        if database == "postgresql":
            connection.execute(text("ALTER TABLE rsvps RESET (autovacuum_enabled)"))
            connection.commit()
    assert taken == {"pk_rsvps" if database == "postgresql" else "INTEGER PRIMARY KEY"}


def test_staff_do_not_wait_for_all_mails_that_wait(app: Flask, database: str, now: datetime):
    """The banner on their desk looks at those alone that have failed to go."""
    app.config["MAIL_SERVER"] = "localhost"
    outbox.beat(now=now)
    with statements() as seen:
        assert outbox.trouble(now) is None
    app.config["MAIL_SERVER"] = ""
    of_mails = [statement for statement in seen if "FROM outbox" in statement[0]]
    with db.engine.connect() as connection:
        if database == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [line for one in of_mails for line in plan(connection, *one)]
    assert any("ix_outbox_failing" in line for line in plans), plans


def test_a_migrated_sqlite_finds_an_address_by_itself(tmp_path: Path):
    """It has no figures to plan with, and the order in which migrations made indexes leads it."""
    made = create_app(settings_for(f"sqlite:///{tmp_path / 'migrated.db'}", tmp_path))
    with made.app_context():
        flask_migrate.upgrade()
        room, _stream = make_hybrid()
        with statements() as seen:
            make_rsvp(room)
        with db.engine.connect() as connection:
            plans = [
                line
                for statement, parameters in seen
                if statement.startswith(("SELECT", "UPDATE", "DELETE"))
                for line in plan(connection, statement, parameters)
            ]
        db.session.remove()
        db.engine.dispose()
    of_rsvps = [plan for plan in plans if "rsvps" in plan]
    assert any("ix_rsvps_email (email=? AND event_id=?" in plan for plan in of_rsvps), of_rsvps
    assert [plan for plan in of_rsvps if "(event_id=?" in plan] == []


def plan(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """What the database says of how it would run a statement."""
    how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return [str(row[-1]) for row in connection.exec_driver_sql(f"{how} {statement}", parameters)]


def walks(seen: list[tuple[str, Any]], database: str) -> list[str]:
    """The statements that walk over all rows of a table that grows with the number of people."""
    found = []
    with db.engine.connect() as connection:
        if database == "postgresql":
            # It reads a small table whole although there is an index; this asks whether there is.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in seen:
            if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
                continue
            if "waiting_number IS NOT NULL" in statement:
                continue  # the test's own
            if isinstance(parameters, list):  # the same for several rows
                parameters = parameters[0]
            lines = plan(connection, statement, parameters)
            for table in ("rsvps", "attendees", "outbox", "answers", "audit_entries"):
                for line in lines:
                    words = line.replace("USING COVERING INDEX", "USING INDEX").split()
                    scans = f"Seq Scan on {table}" in line or (
                        words[:2] == ["SCAN", table] and "INDEX" not in words
                    )
                    if scans:
                        found.append(f"{line}: {statement}")
    return found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE attendance_options SET seats_taken = 1, capacity = 5", "1 seats counted, 2 held"),
        ("UPDATE attendance_options SET waiting = 4", "4 parties counted as waiting, 0 wait"),
        ("DELETE FROM attendees", "a party of 2 with 0 attendees"),
        ("UPDATE invitation_codes SET uses = 1", "code STAFF: 1 uses counted, 0 live RSVPs"),
        ("UPDATE doors SET inside = 3", "3 counted at the door, 0 are in"),
        ("DELETE FROM search_words", "1 RSVPs, of which the search finds 0"),
    ],
)
def test_the_doctor_says_which_counter_differs(app: Flask, change: str, words: str):
    room, _stream = make_hybrid(guests_max=1)
    make_rsvp(room, guests=["A guest"])
    make_code(room.event, code="STAFF")
    save(Door(event_id=room.event_id, inside=0, last_at=NOW))
    assert all(finding.is_fine for finding in doctor.counters())
    with db.engine.begin() as connection:
        connection.execute(text(f"{change} WHERE TRUE"))
    db.session.rollback()
    runner = app.test_cli_runner()
    said = runner.invoke(args=["doctor"])
    assert said.exit_code != 0
    assert words in said.output
