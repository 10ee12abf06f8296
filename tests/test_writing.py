"""Rows that are written past the session's unit of work come out as if it had written them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select, update

from registration import parties
from registration.database import db, transaction
from registration.models import AttendanceOption, Rsvp, SearchWord, write_rsvp
from registration.writing import adopt, write_changes
from tests.conftest import NOW
from tests.factories import details, make_hybrid

#: What no two RSVPs share.
_OWN = {"id", "email", "search_text", "manage_key", "join_key", "ical_uid"}


def new_rsvp(room: AttendanceOption, email: str) -> Rsvp:
    rsvp = parties.new_rsvp(details(email=email, name="Élodie Brandt"), NOW, party_size=1)
    parties.direct(rsvp, room.event, room)
    return rsvp


def columns_of(rsvp_id: int) -> dict[str, Any]:
    row = db.session.execute(select(Rsvp.__table__).where(Rsvp.id == rsvp_id)).one()
    return {name: value for name, value in row._mapping.items() if name not in _OWN}


def words_of(rsvp_id: int) -> set[str]:
    return set(db.session.scalars(select(SearchWord.word).where(SearchWord.rsvp_id == rsvp_id)))


def test_a_new_rsvp_is_as_the_session_would_have_written_it(app: Flask) -> None:
    room, _ = make_hybrid()
    with transaction() as session:
        ours, theirs = new_rsvp(room, "a@example.org"), new_rsvp(room, "b@example.org")
        write_rsvp(ours)
        session.add(theirs)
        session.flush()
        numbers = ours.id, theirs.id
    assert columns_of(numbers[0]) == columns_of(numbers[1])
    assert words_of(numbers[0]) - {"a"} == words_of(numbers[1]) - {"b"}
    assert "elodie" in words_of(numbers[0])


def test_once_adopted_it_belongs_to_the_session_and_is_written_no_second_time(app: Flask) -> None:
    room, _ = make_hybrid()
    rsvp = new_rsvp(room, "a@example.org")
    with transaction(keep=True):
        write_rsvp(rsvp)
    adopt(rsvp)
    assert inspect(rsvp).persistent
    with transaction():
        rsvp.job_title = "Colonel"
    assert list(db.session.scalars(select(Rsvp.job_title))) == ["Colonel"]


def _write_and_fail(rsvp: Rsvp) -> None:
    with transaction():
        write_rsvp(rsvp)
        raise ZeroDivisionError


def test_one_whose_transaction_failed_is_in_no_session(app: Flask) -> None:
    room, _ = make_hybrid()
    rsvp = new_rsvp(room, "a@example.org")
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(rsvp)
    assert rsvp not in db.session
    assert db.session.scalar(select(Rsvp.id)) is None


def test_of_a_changed_object_only_what_changed_is_written_and_the_rest_is_read_anew(
    app: Flask,
) -> None:
    room, _ = make_hybrid(capacity=9)
    elsewhere = update(AttendanceOption.__table__).where(AttendanceOption.id == room.id)
    with transaction() as session:
        assert room.label != "Great hall"
        session.execute(elsewhere.values(label="Great hall"))
        room.capacity = 7
        write_changes(room)
        assert room not in session.dirty
    assert (room.label, room.capacity) == ("Great hall", 7)
