"""Migrations: what is in the database stays there, value by value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from flask_migrate import check, upgrade
from sqlalchemy import BindParameter, select, text

from app import create_app
from registration.database import JSON_DOCUMENT, UTCDateTime, db
from registration.models import (
    AuditEntry,
    Event,
    Invitation,
    Publication,
    Question,
    Rsvp,
    SearchWord,
)
from tests.conftest import NOW, new_postgresql_database, settings_for

_FIRST = (
    "INSERT INTO events (id, slug, status, visibility, title, summary, description, language,"
    " host, starts_at, ends_at, time_zone, venue_name, venue_address, venue_directions,"
    " venue_access, venue_map_url, hashtag, hashtag_line, contact_name, contact_email,"
    " contact_phone, image, image_alt, publications_url, registration, external_url, admission,"
    " guests_max, confirms_addresses, promotes_automatically, consent, consent_version,"
    " recording_notice, stream_note, lobby_opens_minutes, recording_url, transcript_url,"
    " audio_url, slides_url, ical_uid, ical_sequence, cancellation_reason, seats_revision,"
    " revision, created_at, updated_at) VALUES (1, 'an-event', 'published', 'public', 'An event',"
    " '', '', 'en', '', :now, :later, 'UTC', '', '', '', '', '', '', '', '', '', '', '', '', '',"
    " 'built_in', '', '', 0, false, true, '', '1', '', '', 15, '', '', '', '', 'uid', 0, '', 0, 0,"
    " :now, :now)",
    "INSERT INTO attendance_options (id, event_id, position, mode, label, note, needs_approval,"
    " seats_taken, extra_seats, waiting, last_waiting_number)"
    " VALUES (1, 1, 0, 'in_person', '', '', false, 1, 0, 0, 0)",
    "INSERT INTO rsvps (id, event_id, option_id, status, party_size, seats_held, email, name,"
    " organisation, job_title, booked_by_name, booked_by_email, needs_step_free,"
    " needs_sign_language, needs_captions, access_note, language, consent_version, wants_news,"
    " source, manage_key, join_key, ical_uid, ical_sequence, revision, created_at, updated_at)"
    " VALUES (1, 1, 1, 'confirmed', 1, 1, 'amina@example.org', 'Amina', '', '', '', '', false,"
    " false, true, '', 'en', '1', false, '', 'manage', 'join', 'uid-1', 0, 0, :now, :now)",
    "INSERT INTO attendees (id, rsvp_id, position, name, ticket_code)"
    " VALUES (1, 1, 0, 'Amina', 'K7QM2F4P')",
    "INSERT INTO staff (id, email, name, active, fs_uniquifier, created_at)"
    " VALUES (1, 'admin@example.org', '', true, 'unique', :now)",
    "INSERT INTO roles (id, name) VALUES (1, 'admin')",
    "INSERT INTO staff_roles (staff_id, role_id) VALUES (1, 1)",
    "INSERT INTO outbox (id, key, kind, state, recipient, recipient_name, language, event_id,"
    " rsvp_id, facts, created_at, due_at, attempts, last_error, message_id) VALUES (1, 'key',"
    " 'confirmed', 'sent', 'amina@example.org', '', 'en', 1, 1, '{}', :now, :now, 1, '', 'mid')",
    "INSERT INTO audit_entries (id, at, actor, action, event_id, rsvp_id, network, detail)"
    " VALUES (1, :now, 'attendee', 'rsvp.confirmed', 1, 1, '', '{}')",
)


@pytest.fixture
def fresh_url(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of its own."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'fresh.db'}"
    server = request.getfixturevalue("postgresql_server")
    return new_postgresql_database(server, f"fresh_{tmp_path.name}")


def test_every_migration_keeps_what_is_there(fresh_url: str, tmp_path: Path) -> None:
    with _left_at("0001", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(connection, *_FIRST)
            before = _filled(connection)
        upgrade()
        check()
        with db.engine.connect() as connection:
            for table, kept in before.items():
                row = connection.execute(text(f"SELECT * FROM {table}")).mappings().one()  # noqa: S608
                assert {name: row[name] for name in kept} == kept, table


def test_what_was_typed_to_sign_in_goes_if_it_is_no_accounts_address(
    fresh_url: str, tmp_path: Path
) -> None:
    with _left_at("0018", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(
                connection,
                "INSERT INTO staff (id, email, name, active, fs_uniquifier, created_at)"
                " VALUES (1, 'me@example.org', '', true, 'unique', :now)",
            )
            for typed in ("me@example.org", "correct horse battery"):
                _run(
                    connection,
                    "INSERT INTO audit_entries (at, actor, action, network, detail)"
                    " VALUES (:now, 'stranger', 'staff.sign_in_failed', '', :detail)",
                    detail=sa.bindparam("detail", {"account": typed}, JSON_DOCUMENT),
                )
        upgrade()
        kept = db.session.scalars(select(AuditEntry.detail).order_by(AuditEntry.id)).all()
        assert kept == [{"account": "me@example.org"}, {}]


def test_who_waits_is_told_of_changes_since_they_came(fresh_url: str, tmp_path: Path) -> None:
    with _left_at("0001", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(
                connection,
                *_FIRST[:3],
                "UPDATE rsvps SET status = 'waitlisted', seats_held = 0, ical_sequence = -1,"
                " waits_for_option_id = 1, waiting_number = 1",
            )
        upgrade(revision="0020")
        noted = "INSERT INTO event_editions (event_id, number, facts, created_at)"
        with db.engine.begin() as connection:
            for number, days in enumerate((-2, -1, 1)):
                _run(
                    connection,
                    f"{noted} VALUES (1, {number}, '{{}}', :at)",
                    at=_instant("at", NOW + timedelta(days=days)),
                )
        upgrade()
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT told_edition FROM rsvps")) == 1


def test_a_choice_that_was_renamed_is_known_by_who_made_it(fresh_url: str, tmp_path: Path) -> None:
    with _left_at("0001", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(
                connection,
                *_FIRST[:4],
                "INSERT INTO questions (id, event_id, position, kind, label, hint, choices,"
                " is_required, is_sensitive)"
                " VALUES (1, 1, 0, 'one_of', 'Lunch', '', :offers, false, false)",
                "INSERT INTO answers (id, rsvp_id, question_id, label, choices, value,"
                " is_sensitive)"
                " VALUES (1, 1, 1, 'Lunch', :chosen_of, :given, false)",
                offers=sa.bindparam("offers", ["Trout", "Salad"], JSON_DOCUMENT),
                chosen_of=sa.bindparam("chosen_of", ["Fish", "Salad"], JSON_DOCUMENT),
                given=sa.bindparam("given", {"choices": ["Fish"]}, JSON_DOCUMENT),
            )
        upgrade()
        assert db.session.scalars(select(Question)).one().known_choices == [
            "Trout",
            "Salad",
            "Fish",
        ]


def test_who_was_there_is_found_by_plain_letters(fresh_url: str, tmp_path: Path) -> None:
    with _left_at("0001", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(
                connection,
                *_FIRST[:4],
                "UPDATE rsvps SET name = 'Łucja Sørby'",
                "INSERT INTO attendees (id, rsvp_id, position, name, ticket_code)"
                " VALUES (2, 1, 1, 'Bjørn', 'K7QM2F4R')",
            )
        upgrade(revision="0021")
        with db.engine.begin() as connection:
            connection.execute(
                text("UPDATE rsvps SET search_text = :old"),
                {"old": "łucja sørby\namina@example.org\n"},
            )
            connection.execute(text("DELETE FROM search_words"))
            words = "INSERT INTO search_words (event_id, word, rsvp_id, position) VALUES (1, "
            for word, position in (("łucja", 0), ("sørby", 0), ("amina", 0), ("bjørn", 1)):
                connection.execute(text(f"{words}'{word}', 1, {position})"))
        upgrade()
        found = select(SearchWord.word).order_by(SearchWord.word)
        assert db.session.scalars(found).all() == ["amina", "bjorn", "lucja", "sorby"]
        assert db.session.scalars(select(Rsvp.search_text)).one() == (
            "lucja sorby\namina@example.org\n"
        )


def test_events_that_are_there_are_searched_by_plain_letters(
    fresh_url: str, tmp_path: Path
) -> None:
    with _left_at("0001", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(
                connection,
                _FIRST[0],
                "UPDATE events SET title = 'L’État', venue_name = 'Łódź'",
                "INSERT INTO publications (id, event_id, position, title, url, abstract, type,"
                """ topics, language) VALUES (1, 1, 0, 'Œuvre', '', '', '', '["Sécurité"]', '')""",
            )
        upgrade()
        whole = "l’etat\nan-event\n\n\nlodz\n"
        assert db.session.scalars(select(Event.search_text)).one() == whole
        assert db.session.scalars(select(Publication.search_text)).one() == "oeuvre\nsecurite"


def test_invitations_that_are_there_are_searched_by_plain_letters(
    fresh_url: str, tmp_path: Path
) -> None:
    with _left_at("0001", fresh_url, tmp_path):
        with db.engine.begin() as connection:
            _run(
                connection,
                _FIRST[0],
                "INSERT INTO invitations (id, event_id, email, name, organisation, language, key,"
                " status, created_at) VALUES"
                " (1, 1, '1@example.org', 'Zoë Łuczak', '', '', 'a key', 'open', :now),"
                " (2, 1, '2@example.org', '', '', '', 'erased/2', 'open', :now)",
            )
        upgrade()
        found = select(Invitation.search_text).order_by(Invitation.id)
        assert db.session.scalars(found).all() == ["zoe luczak\n1@example.org\n", ""]


@contextmanager
def _left_at(revision: str, url: str, folder: Path) -> Iterator[None]:
    """An application over a database whose schema is that of an older release."""
    with create_app(settings_for(url, folder)).app_context():
        upgrade(revision=revision)
        yield
        db.session.remove()
        db.engine.dispose()


def _run(connection: sa.Connection, *statements: str, **values: BindParameter[Any]) -> None:
    """Write to a schema that no model knows any more; every statement may speak of two instants."""
    known = {"now": _instant("now", NOW), "later": _instant("later", NOW + timedelta(hours=1))}
    for statement in statements:
        spoken = [value for name, value in (known | values).items() if f":{name}" in statement]
        connection.execute(text(statement).bindparams(*spoken))


def _instant(name: str, at: datetime) -> BindParameter[Any]:
    return sa.bindparam(name, at, UTCDateTime())


def _filled(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """The one row of each table, in which no text is empty: an empty one could not be lost."""
    rows = {}
    for table in [statement.split()[2] for statement in _FIRST]:
        read = text(f"SELECT * FROM {table}")  # noqa: S608
        blank = [
            name for name, value in connection.execute(read).mappings().one().items() if value == ""
        ]
        if blank:
            said = ", ".join(f"{name} = '{name}'" for name in blank)
            connection.execute(text(f"UPDATE {table} SET {said}"))  # noqa: S608
        rows[table] = dict(connection.execute(read).mappings().one())
    return rows


def test_a_process_is_well_on_its_own_tables_and_later_ones(fresh_url: str, tmp_path: Path) -> None:
    with _left_at("0030", fresh_url, tmp_path):
        browser = current_app.test_client()
        assert browser.get("/healthz").status_code == 503
        db.session.remove()
        upgrade()
        assert browser.get("/healthz").status_code == 200
        db.session.remove()
        # An update has gone round all but this one.
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))
        assert browser.get("/healthz").status_code == 200


def test_every_index_and_check_is_as_the_models_say(
    app: Flask, fresh_url: str, tmp_path: Path
) -> None:
    """Alembic's check looks at neither an index's condition nor a CHECK.

    One live RSVP an address is such a condition, and the kinds of mail are such a CHECK.
    """
    told = indexes() + checks()
    assert any("live_email" in rule and "WHERE" in rule for rule in told)
    assert any("mailkind" in rule and "'reminder'" in rule for rule in told)
    migrated = create_app(settings_for(fresh_url, tmp_path))
    with migrated.app_context():
        upgrade()
        assert indexes() + checks() == told
        db.engine.dispose()


def indexes() -> list[str]:
    """Every index of the database, as it says itself."""
    if db.engine.dialect.name == "postgresql":
        query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> :no"
    else:
        query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql <> '' AND name <> :no"
    found = db.session.scalars(text(query), {"no": "alembic_version"}).all()
    db.session.rollback()
    return sorted(" ".join(sql.split()) for sql in found)


def checks() -> list[str]:
    """Every CHECK of the database, its words sorted: a list of kinds may be in any order."""
    tables = sa.inspect(db.engine).get_multi_check_constraints()
    return sorted(
        " ".join([table, str(check["name"]), *sorted(re.findall(r"[^\s(),]+", check["sqltext"]))])
        for (_schema, table), found in tables.items()
        for check in found
    )
