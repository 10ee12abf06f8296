"""What production insists on before it starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app import create_app
from registration.settings import DEVELOPMENT_KEY, Settings
from tests.conftest import settings_for

GOOD: dict[str, object] = {
    "production": True,
    "secret_key": "k" * 32,
    "mail_server": "mail.example.org",
}


def test_production_takes_a_long_key_and_a_mail_server() -> None:
    assert Settings(**GOOD).production  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [DEVELOPMENT_KEY, "", "k" * 31])
def test_production_refuses_a_key_that_can_be_guessed(key: str) -> None:
    with pytest.raises(ValidationError, match="SECRET_KEY must be set to at least 32"):
        Settings(**GOOD | {"secret_key": key})  # type: ignore[arg-type]


def test_production_refuses_to_be_without_a_mail_server() -> None:
    with pytest.raises(ValidationError, match="MAIL_SERVER must be set in production"):
        Settings(**GOOD | {"mail_server": ""})  # type: ignore[arg-type]


def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "hunter2")
    monkeypatch.setenv("DIGEST_HOUR", "25")
    with pytest.raises(SystemExit) as leaving:
        Settings.of_environment()
    lines = str(leaving.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["PORT", "DIGEST_HOUR"]
    assert "hunter2" not in str(leaving.value)
    with pytest.raises(ValidationError) as wrong:
        Settings(port="hunter2")  # type: ignore[arg-type]
    assert "hunter2" not in str(wrong.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://me:hun@ter2@127.0.0.1/registration"),
        ("DATABASE_URL", "postgresql://me:hun@ter2/@127.0.0.1/registration"),
        ("DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:port/registration"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("BASE_URL", "events.example.org"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://https://events.example.org"),
        ("BASE_URL", "https://events.example.org/registration"),
        ("BASE_URL", "https://events.example.org?a=b"),
        ("BASE_URL", "https://events.example.org,https://example.org"),
        ("HOST", ""),
        ("HOST", "http://127.0.0.1"),
        ("MAIL_SERVER", "smtp://mail.example.org"),
        ("MAIL_SERVER", "mail.example.org:587"),
        ("MAIL_CA_FILE", "/nowhere/at/all.pem"),
        ("MAIL_CA_FILE", __file__),
        ("CALENDAR_ADDRESS", "calendar"),
        ("CALENDAR_ADDRESS", "Calendar <calendar@example.org>"),
        ("CALENDAR_ADDRESS", "calendar@example.org,me@example.org"),
        ("CONTACT_EMAIL", ""),
        ("ORGANISATION_NAME", " "),
        ("ORGANISATION_NAME", "An Institute\nof Two Lines"),
        ("UPLOAD_FOLDER", ""),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:hunter2@cache.example.org:redis/0"),
        ("SECRET_KEY", ""),
        ("INBOX_URL", "pop3://me:hunter2@mail.example.org"),
        ("INBOX_URL", "imaps://me:hunter2@mail.example.org:imap/INBOX"),
        ("INBOX_URL", "imaps://me:hun/ter2@mail.example.org/INBOX"),
        ("INBOX_URL", "imaps://mail.example.org/INBOX"),
        ("INBOX_AUTHSERV", "mx.example.org;"),
        ("METRICS_TOKEN", "hunter2-é-hunter2-hunter2"),
        ("METRICS_TOKEN", "hunter2-hunter2-hunter2\n"),
        ("LIMIT_RSVP_PER_NETWORK", "often"),
        ("LIMIT_RSVP_PER_NETWORK", "0 per hour"),
        ("LIMIT_RSVP_PER_ADDRESS", "5 per hour; 10 per day"),
    ],
)
def test_what_could_not_work_is_refused_by_its_name_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as leaving:
        Settings.of_environment()
    (line,) = str(leaving.value).splitlines()
    assert re.fullmatch(rf"{name}:? must be .+", line)
    assert "ter2" not in line


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("database_url", "postgres://me:p%40s@h:1/db", "postgresql+psycopg://me:p%40s@h:1/db"),
        (
            "database_url",
            "postgresql:///db?host=/run/a@b",
            "postgresql+psycopg:///db?host=/run/a@b",
        ),
        ("base_url", "HTTPS://events.example.org/", "https://events.example.org"),
        ("base_url", "http://[::1]:8000", "http://[::1]:8000"),
        ("contact_email", "o'neil+events@mail.example.org", None),
        ("inbox_url", "imaps://me@example.org:a%2Fb@mail.example.org/INBOX", None),
        ("organisation_name", " Institut d’études : Genève ", "Institut d’études : Genève"),
    ],
)
def test_what_works_is_taken_as_it_is_usually_spelt(
    name: str, value: str, read: str | None
) -> None:
    assert getattr(Settings(**{name: value}), name) == (read or value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["MAIL_TIMEOUT", "MINIMUM_FILL_SECONDS"])
def test_nobody_is_let_wait_for_ever(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "inf")
    with pytest.raises(SystemExit, match=f"^{name}: .+ less than or equal to 3600$"):
        Settings.of_environment()


@pytest.mark.parametrize("languages", ["en,de", "english", "", " , "])
def test_a_language_without_a_catalogue_is_refused_and_those_with_one_are_named(
    languages: str,
) -> None:
    with pytest.raises(ValidationError, match="must be languages of en, fr"):
        Settings(languages=languages)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "origins", ["live.example.org", "https:", "*", "https://a.example; script-src *", "data:"]
)
def test_a_player_without_an_address_of_its_own_is_refused(origins: str) -> None:
    with pytest.raises(ValidationError, match="must be origins such as https"):
        Settings(player_origins=origins)  # type: ignore[arg-type]


def test_players_are_named_by_their_addresses() -> None:
    named = "https://live.example.org, http://localhost:8080/"
    assert len(Settings(player_origins=named).player_origins) == 2  # type: ignore[arg-type]


def test_a_folder_for_the_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="nowhere is not there; make it"):
        Settings(database_url=f"sqlite:///{tmp_path}/nowhere/registration.db")
    assert Settings(database_url=f"sqlite:///{tmp_path}/registration.db")
    assert Settings(database_url="sqlite:///registration.db")


def test_the_order_of_the_languages_is_kept() -> None:
    assert Settings(languages="fr, en").languages == ("fr", "en")  # type: ignore[arg-type]


def test_for_trying_it_neither_is_needed() -> None:
    assert not Settings(secret_key="short", mail_server="").production


@pytest.mark.parametrize("name", ["mail_username", "mail_password"])
def test_half_of_what_signs_in_at_the_mail_server_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="both of MAIL_USERNAME and MAIL_PASSWORD"):
        Settings(mail_server="mail.example.org", **{name: "hunter2"})  # type: ignore[arg-type]
    Settings(mail_server="mail.example.org", mail_username="me", mail_password="hunter2")


def test_who_starts_it_reads_what_to_set_and_nothing_that_is_secret(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "serve"],
        cwd=Path(__file__).parent.parent,
        env=os.environ
        | {
            "PRODUCTION": "1",
            "SECRET_KEY": "secret" * 6,
            "MAIL_PASSWORD": "secret",
            "MAIL_SERVER": "",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith("MAIL_SERVER must be set in production: ")
    assert "secretsecret" not in told.stderr
    assert not (tmp_path / "none.db").exists()


def test_an_institution_may_have_a_colon_in_its_name(tmp_path: Path) -> None:
    name = "Institut d’études : Genève"
    settings = settings_for(f"sqlite:///{tmp_path / 'n.db'}", tmp_path, organisation_name=name)
    assert create_app(settings).config["ORGANISATION_NAME"] == name
