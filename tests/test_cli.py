"""The terminal's door: what an operator types wrong is told in words, and nothing has happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import select

from app import create_app
from registration.database import db
from registration.models import AuditEntry, Event, OutboxMail, Staff, StaffRole, staff_events
from tests.conftest import settings_for
from tests.factories import make_event, make_staff

PASSWORD = "correct horse battery"


def run(app: Flask, *arguments: str) -> Result:
    """Run a command; whatever it does, it does not end in a traceback."""
    # As the flask command finds them: also those of extensions.
    done = CliRunner().invoke(FlaskGroup(create_app=lambda: app), arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "right format"),
        (["new@example.org", "--password", "short"], "at least 12 characters"),
        (["new@example.org", "--event", "an-event", "--event", "nope"], "no such event: nope\n"),
        (["new@example.org", "--role", "king"], "is not one of"),
    ],
)
def test_an_account_that_could_not_sign_in_is_not_made(
    app: Flask, arguments: list[str], said: str
) -> None:
    make_event(slug="an-event")
    done = run(app, "staff", "add", *arguments)
    assert done.exit_code != 0
    assert said in done.output
    assert db.session.scalars(select(Staff)).all() == []


def test_an_account_works_on_the_events_that_the_command_names_and_on_those_before(
    app: Flask,
) -> None:
    slugs = [make_event(slug=slug).slug for slug in ("first", "second", "another")]
    for named in (slugs[:1], slugs[:2]):
        options = [word for slug in named for word in ("--event", slug)]
        assert "may sign in" in run(app, "staff", "add", "me@example.org", *options).output
    of_account = select(Event.slug).join(staff_events).order_by(Event.slug)
    assert db.session.scalars(of_account).all() == slugs[:2]


def test_an_account_that_was_closed_may_sign_in_as_the_command_says(app: Flask) -> None:
    make_staff(email="me@example.org", active=False, name="Me")
    assert "may sign in" in run(app, "staff", "add", "Me@Example.org").output
    account = db.session.scalars(select(Staff)).one()
    assert account.active
    assert account.name == "Me"


def test_an_account_that_gets_a_new_password_keeps_its_role(app: Flask) -> None:
    make_staff(StaffRole.DOOR, email="me@example.org")
    assert "as door" in run(app, "staff", "add", "me@example.org").output
    assert "as organiser" in run(app, "staff", "add", "new@example.org").output


def test_the_last_administrator_stays_one_at_the_terminal_too(app: Flask) -> None:
    make_staff(email="me@example.org")
    done = run(app, "staff", "add", "me@example.org", "--role", "organiser")
    assert done.exit_code != 0
    assert "last administrator" in done.output
    assert db.session.scalars(select(Staff)).one().is_admin


def test_an_only_administrator_who_has_lost_phone_and_codes_gets_in_again(app: Flask) -> None:
    make_staff(
        email="me@example.org", tf_primary_method="authenticator", tf_totp_secret="a secret",
        mf_recovery_codes=["a code"],
    )  # fmt: skip
    told = run(app, "staff", "add", "me@example.org").output
    assert "staff unlock me@example.org" in told
    assert "password alone" in run(app, "staff", "unlock", "Me@Example.org").output
    account = db.session.scalars(select(Staff)).one()
    assert not account.tf_primary_method
    assert not account.mf_recovery_codes
    mail = db.session.scalars(select(OutboxMail)).one()
    assert mail.facts["path"] == "/staff/reset"
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor) == ("staff.second_factor", "system")
    unknown = run(app, "staff", "unlock", "nobody@example.org")
    assert "no account with the address nobody@example.org" in unknown.output


def test_no_command_makes_accounts_or_roles_that_the_desk_does_not_know(app: Flask) -> None:
    assert "No such command" in run(app, "roles", "create", "king").output
    assert "No such command" in run(app, "users", "create", "me@example.org").output


@pytest.mark.parametrize(
    "arguments",
    [["--status", "nonsense"], ["--output", "/nowhere/at/all.csv"], ["--columns", "nonsense"]],
)
def test_a_list_that_is_not_written_is_not_in_the_log(app: Flask, arguments: list[str]) -> None:
    make_event(slug="an-event")
    assert run(app, "export", "an-event", *arguments).exit_code != 0
    assert db.session.scalars(select(AuditEntry)).all() == []


def test_the_doctor_says_that_a_database_has_no_schema_yet(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'new.db'}", tmp_path))
    done = run(app, "doctor")
    assert done.exit_code == 1
    assert "run: flask --app app db upgrade" in done.output
    with app.app_context():
        db.engine.dispose()


def test_the_doctor_says_what_else_is_wrong_while_the_database_is_away(tmp_path: Path) -> None:
    app = create_app(
        settings_for(
            "postgresql://me:hidden@127.0.0.1:1/none", tmp_path, upload_folder="/proc/uploads"
        )
    )
    done = run(app, "doctor")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert any(line.startswith("WRONG UPLOAD_FOLDER") for line in lines)
    assert any(line.startswith("WRONG the database cannot be used") for line in lines)
    assert "hidden" not in done.output


def test_no_demo_is_loaded_in_production(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PRODUCTION", True)
    done = run(app, "demo")
    assert done.exit_code == 1
    assert "PRODUCTION is set" in done.output
    assert db.session.scalars(select(Event)).all() == []


def test_a_disk_that_is_full_is_said(app: Flask) -> None:
    make_event(slug="an-event")
    assert "No space left" in run(app, "export", "an-event", "--output", "/dev/full").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["purge"],
        ["export", "an-event"],
        ["import", "an-event", __file__, "--as", "rsvps"],
        ["staff", "add", "me@example.org"],
        ["staff", "unlock", "me@example.org"],
        ["speakers", "invite", "an-event"],
        ["demo"],
        ["erased", "save", "a-list"],
    ],
)
def test_a_command_says_that_the_tables_are_not_there(tmp_path: Path, arguments: list[str]) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'new.db'}", tmp_path))
    done = run(app, *arguments)
    assert done.exit_code == 1
    assert "run: flask --app app db upgrade" in done.output
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("url", ["postgresql://me:hidden@127.0.0.1:1/none", "sqlite:///{folder}"])
@pytest.mark.parametrize(
    "arguments",
    [["doctor"], ["purge"], ["backup", "copy"], ["restore", __file__], ["db", "upgrade"]],
)
def test_a_command_says_why_the_database_cannot_be_used(
    tmp_path: Path, url: str, arguments: list[str]
) -> None:
    app = create_app(settings_for(url.format(folder=tmp_path), tmp_path))
    done = run(app, *arguments)
    assert done.exit_code == 1
    assert "DATABASE_URL" in done.output
    assert "hidden" not in done.output
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("imap://me:hidden@127.0.0.1:1/INBOX", "does not answer"),
        ("imap://me:hidden@127.0.0.1:99999", "does not answer"),
    ],
)
def test_a_mailbox_that_does_not_answer_is_said(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setitem(app.config, "INBOX_URL", url)
    done = run(app, "inbox")
    assert done.exit_code == 1
    assert said in done.output
    assert "hidden" not in done.output
