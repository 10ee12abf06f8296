"""What production insists on before it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from registration.settings import DEVELOPMENT_KEY, Settings

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
