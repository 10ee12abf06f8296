"""What can be set from outside: defaults here, the environment over them, checked at start."""

from __future__ import annotations

import re
import secrets
import ssl
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT_KEY = "development-only"
#: The shortest token that is taken: shorter ones can be guessed.
_TOKEN = 20
_HOST = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])"
_SITE = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?")
_ADDRESS = re.compile(r"[^\s@,;:<>\"()\[\]]+@[\w-]+(\.[\w-]+)*")
_ORIGIN = re.compile(r"https?://[\w.-]+(?::[0-9]+)?(?:/[^\s;,]*)?", re.ASCII)
_CATALOGUES = tuple((ROOT / "registration" / "translations").glob("*/LC_MESSAGES/messages.mo"))


def _parts_of(address: str) -> SplitResult:
    """An address taken apart; nothing but empty parts where it is none."""
    try:
        parts = urlsplit(address)
        _port = parts.port  # raises ValueError
    except ValueError:
        return urlsplit("")
    return parts


class Settings(BaseSettings):
    """Every setting of the product; each is read from the environment variable of its name.

    Raises pydantic.ValidationError, which names each wrong variable, when it is made.
    """

    # What is wrong is said without its value: it may be a password.
    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    # Where it runs
    database_url: str = f"sqlite:///{ROOT / 'instance' / 'registration.db'}"
    secret_key: str = DEVELOPMENT_KEY
    production: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    base_url: str = ""
    web_processes: Annotated[int, Field(ge=1, le=64)] = 2
    web_threads: Annotated[int, Field(ge=1, le=64)] = 4
    trusted_proxies: Annotated[int, Field(ge=0, le=8)] = 0
    upload_folder: str = str(ROOT / "instance" / "uploads")
    redis_url: str = ""
    # What a monitor must bring to read /metrics; without it administrators alone do
    metrics_token: str = ""
    # How long a process may answer with a public page that it made, in seconds. With the second
    # for which browsers may keep it, what it says of seats is never older than two.
    page_memory_seconds: Annotated[float, Field(ge=0, le=60)] = 1.0

    # Who runs it
    organisation_name: str = "U.S. Institute of Peace"
    organisation_address: str = "2301 Constitution Avenue NW, Washington, DC 20037"
    contact_email: str = "events@example.org"
    hue: Annotated[int, Field(ge=0, le=359)] = 225
    languages: Annotated[tuple[str, ...], NoDecode] = ("en", "fr")

    # The lobby: players that may stand in it besides those of registration/players.py
    player_origins: Annotated[tuple[str, ...], NoDecode] = ()

    # Mail: the names that Flask-Mail reads
    mail_server: str = ""
    mail_port: Annotated[int, Field(ge=1, le=65535)] = 25
    mail_use_tls: bool = False
    mail_use_ssl: bool = False
    mail_username: str | None = None
    mail_password: str | None = None
    mail_ca_file: str = ""
    mail_timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    mail_per_minute: Annotated[int, Field(ge=0)] = 0
    calendar_address: str = "calendar@example.org"
    # Where calendars' replies arrive, for the command "inbox"; who says whether they are genuine
    inbox_url: str = ""
    inbox_authserv: str = ""
    # How many days after its end an event's personal data goes, unless its editor says otherwise;
    # and what people say about access
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    sensitive_days: Annotated[int, Field(ge=1, le=3650)] = 14
    # When staff are mailed the cancellations and failures of the last day
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 7
    digest_time_zone: str = "UTC"

    # Limits on what one visitor may do; see registration/web/limits.py
    limit_rsvp_per_network: str = "3000 per hour"
    limit_rsvp_per_address: str = "10 per hour"
    limit_sign_in_per_address: str = "10 per 15 minutes"
    limit_sign_in_per_network: str = "100 per 15 minutes"
    limit_links_per_address: str = "4 per day"
    limit_find_per_network: str = "600 per hour"
    limit_guesses_per_network: str = "100 per 15 minutes"
    minimum_fill_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0

    @field_validator("languages", "player_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator(
        "limit_rsvp_per_network",
        "limit_rsvp_per_address",
        "limit_links_per_address",
        "limit_sign_in_per_address",
        "limit_sign_in_per_network",
        "limit_find_per_network",
        "limit_guesses_per_network",
    )
    @classmethod
    def _limit(cls, value: str) -> str:
        """Refuse what says no limit, such as "often", and what would let nobody in."""
        try:
            parts = limits.parse_many(value)
        except ValueError:
            parts = []
        # Of several the first alone would count.
        if len(parts) != 1 or parts[0].amount < 1:
            raise ValueError("must be one limit of 1 or more, such as 10 per hour")
        return value

    @field_validator("player_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what would let more, or something else, into the lobby than one player."""
        if not all(_ORIGIN.fullmatch(origin) for origin in value):
            raise ValueError("must be origins such as https://live.example.org")
        return value

    @field_validator("languages")
    @classmethod
    def _spoken(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a language that no catalogue is there for: half of a mail would be English."""
        written_in = "en"
        known = {written_in, *(path.parent.parent.name for path in _CATALOGUES)}
        if not value or set(value) - known:
            raise ValueError(f"must be languages of {', '.join(sorted(known))}")
        return value

    @field_validator("host", "mail_server")
    @classmethod
    def _machine(cls, value: str, about: ValidationInfo) -> str:
        """Refuse what is more than a name or an address, such as one with a port.

        No mail server is one way to run it; no host would be to listen on every network.
        """
        if (value or about.field_name == "host") and not re.fullmatch(_HOST, value):
            raise ValueError("must be the host alone, without its port or smtp://")
        return value

    @field_validator("mail_ca_file")
    @classmethod
    def _certificates(cls, value: str) -> str:
        """Refuse a file that no connection could be checked against: each would fail."""
        try:
            if value:
                ssl.create_default_context(cafile=value)
        except OSError as problem:
            raise ValueError(f"must be a file of certificates (PEM): {problem}") from problem
        return value

    @field_validator("calendar_address", "contact_email")
    @classmethod
    def _address(cls, value: str) -> str:
        """Refuse what no calendar or mail server would take for one address."""
        if not value.isascii() or not _ADDRESS.fullmatch(value):
            raise ValueError("must be one address alone, such as events@example.org")
        return value

    @field_validator("organisation_name")
    @classmethod
    def _name(cls, value: str) -> str:
        """Refuse a name that cannot stand in the head of a mail."""
        if not value.strip() or not value.isprintable():
            raise ValueError("must be a name, in one line")
        return value.strip()

    @field_validator("upload_folder")
    @classmethod
    def _folder(cls, value: str) -> str:
        """Take a relative one from where the product lies, whatever it is started from."""
        if not value:
            raise ValueError("must be a folder")
        return str(ROOT / value)

    @field_validator("metrics_token")
    @classmethod
    def _token(cls, value: str) -> str:
        """Refuse what no header brings as it is written here: spaces around it, other letters."""
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ValueError("must be letters and digits without accents, and no space around them")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        """Refuse what the library would only call unknown, or end in a traceback at."""
        if value and _parts_of(value).scheme not in ("redis", "rediss"):
            raise ValueError("must be redis://host:6379/0 (or rediss://)")
        return value

    @field_validator("inbox_url")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        """Refuse what would be read as another host, or as a password that is half of it."""
        parts = _parts_of(value)
        is_whole = parts.scheme in ("imap", "imaps") and parts.hostname and parts.username
        if value and (not is_whole or "@" in parts.path + parts.query + parts.fragment):
            raise ValueError(
                "must be imaps://user:password@host/INBOX (or imap://); in user and password "
                "write / as %2F, ? as %3F, # as %23 and % as %25"
            )
        return value

    @field_validator("inbox_authserv")
    @classmethod
    def _authserv(cls, value: str) -> str:
        """Refuse what no Authentication-Results could name."""
        if not re.fullmatch(r"[\w.-]*", value):
            raise ValueError("must be the name alone, such as mx.example.org")
        return value

    @field_validator("digest_time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        """Refuse what is no IANA name; worker and digest would fail much later."""
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as problem:
            raise ValueError("must be an IANA time zone such as America/New_York") from problem
        return value

    @field_validator("database_url")
    @classmethod
    def _driver(cls, value: str) -> str:
        """Take the usual spellings of a PostgreSQL address and name the driver we ship."""
        kind, _separator, rest = value.partition("://")
        if kind in ("postgres", "postgresql", "postgresql+psycopg"):
            value = f"postgresql+psycopg://{rest}"
            cls._check_parts(value)
            return value
        if not value.startswith("sqlite:///"):
            raise ValueError("must be a sqlite:/// or a postgresql:// address")
        path = value.removeprefix("sqlite:///").partition("?")[0]
        if path in ("", ":memory:"):
            raise ValueError("must be the address of a file: each process has its own memory")
        folder = Path(path).parent
        # A relative one lies in instance/, which is made.
        if folder.is_absolute() and folder != ROOT / "instance" and not folder.is_dir():
            raise ValueError(f"the folder {folder} is not there; make it, or name another one")
        return value

    @staticmethod
    def _check_parts(url: str) -> None:
        """Refuse an address whose password would be read as its host, and said in an error."""
        try:
            parts = make_url(url)
            is_split_well = "@" not in f"{parts.host}{parts.database}"
        except (ArgumentError, ValueError):
            is_split_well = False
        if not is_split_well:
            raise ValueError(
                "must be postgresql://user:password@host:port/name; in user and password write "
                "@ as %40, / as %2F, ? as %3F, # as %23 and % as %25"
            )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.base_url:
            self.base_url = f"http://{self.host}:{self.port}"
        scheme, separator, rest = self.base_url.rstrip("/").partition("://")
        self.base_url = f"{scheme.lower()}{separator}{rest}"
        if not _SITE.fullmatch(self.base_url):
            raise ValueError(
                "BASE_URL must be https:// (or http://) and a host, without a path, such as "
                "https://events.example.org"
            )
        if self.production and len(self.secret_key) < 32:
            raise ValueError(
                "SECRET_KEY must be set to at least 32 random characters in production, "
                f"for example {secrets.token_urlsafe(32)}"
            )
        if not self.secret_key:
            # As a variable that was forgotten leaves it: every form would fail.
            raise ValueError(
                "SECRET_KEY must be random characters, not empty; for trying, do not set it at all"
            )
        if self.production and not self.mail_server:
            raise ValueError(
                "MAIL_SERVER must be set in production: without mail nobody gets the link to their "
                "RSVP, and the form tells who has answered already. Set it to the host that takes "
                "your mail, for example localhost"
            )
        if self.metrics_token and len(self.metrics_token) < _TOKEN:
            raise ValueError(f"METRICS_TOKEN must have at least {_TOKEN} random characters")
        if bool(self.mail_username) != bool(self.mail_password):
            raise ValueError("set both of MAIL_USERNAME and MAIL_PASSWORD, or neither")
        if self.mail_use_tls and self.mail_use_ssl:
            raise ValueError("set MAIL_USE_TLS (STARTTLS) or MAIL_USE_SSL, not both")
        return self

    @classmethod
    def of_environment(cls) -> Self:
        """The settings as the environment has them.

        Raises SystemExit if they are wrong; its text says in a line each what is to be set.
        """
        try:
            return cls()
        except ValidationError as wrong:
            lines = [
                ": ".join([*(str(name).upper() for name in error["loc"]), error["msg"]])
                for error in wrong.errors()
            ]
            raise SystemExit("\n".join(lines).replace("Value error, ", "")) from None

    @property
    def mail_domain(self) -> str:
        """The domain in calendar UIDs and Message-IDs."""
        return self.calendar_address.rpartition("@")[2]

    def flask_config(self) -> dict[str, Any]:
        """The same values under the upper-case names that Flask and its extensions read."""
        return {name.upper(): value for name, value in self.model_dump().items()} | {
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "MAIL_DOMAIN": self.mail_domain,
            "MAIL_DEFAULT_SENDER": (self.organisation_name, self.calendar_address),
        }
