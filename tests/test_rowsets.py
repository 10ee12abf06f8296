"""Many rows by one statement: what comes out is what went in."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from registration import rowsets
from registration.database import db, transaction
from registration.models import Answer, AuditEntry, Event
from tests.conftest import NOW
from tests.factories import make_event, make_option, make_question, make_rsvp

NAUGHTY = [
    "",
    "O’Hara",
    "'; DROP TABLE rsvps; --",
    '"',
    "\\",
    "two\nlines",
    "🎫",
    "عمر",
    "%s :x $1",
]


def test_values_come_back_as_they_went(app: Flask) -> None:
    event = make_event()
    details: list[dict[str, Any]] = [
        {"text": text, "list": [1, None, True], "number": 1.5} for text in NAUGHTY
    ]
    with transaction():
        written = rowsets.write(
            AuditEntry,
            [
                {"actor": text, "rsvp_id": None, "detail": detail}
                for text, detail in zip(NAUGHTY, details, strict=True)
            ],
            same={"at": NOW, "action": "test", "event_id": event.id},
            returning=["id", "actor"],
        )
    assert sorted(row.actor for row in written) == sorted(NAUGHTY)
    found = {entry.actor: entry for entry in db.session.scalars(select(AuditEntry))}
    assert [found[text].detail for text in NAUGHTY] == details
    assert {(entry.at, entry.network, entry.rsvp_id) for entry in found.values()} == {
        (NOW, "", None)
    }


@pytest.mark.parametrize("is_sensitive", [True, False])
def test_truth_stays_true(app: Flask, is_sensitive: bool) -> None:
    option = make_option()
    question = make_question(db.session.get_one(Event, option.event_id))
    rsvp = make_rsvp(option)
    with transaction():
        rowsets.write(
            Answer,
            [{"rsvp_id": rsvp.id, "is_sensitive": is_sensitive, "value": {"yes": True}}],
            same={"question_id": question.id, "label": "Lunch?"},
        )
    answer = db.session.scalars(select(Answer)).one()
    assert (answer.is_sensitive, answer.value, answer.choices) == (is_sensitive, {"yes": True}, [])


def test_no_rows_are_no_statement(app: Flask) -> None:
    assert rowsets.write(AuditEntry, [], same={}) == []
