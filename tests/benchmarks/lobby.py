"""Everybody comes at once: ten thousand open lobbies that ask, and two thousand Enter in a minute.

`rush` is the load and what it saw; run as a module it starts the product on a database of its own
on the loopback interface, measures, and ends it: `python -m tests.benchmarks.lobby [seconds]`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

LOBBIES, ENTERS_A_MINUTE = 10_000, 2_000
_PATIENCE = 10.0


@dataclass
class Rush:
    """What the load saw: seconds that each answer took, and what went wrong."""

    asked: list[float] = field(default_factory=list)
    entered: list[float] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """The figures in a line."""
        return (
            f"status: {len(self.asked)} answers, {_spread(self.asked)}; "
            f"enter with its page: {len(self.entered)}, {_spread(self.entered)}; "
            f"trouble: {dict(self.trouble) or 'none'}"
        )


def _spread(took: list[float]) -> str:
    ordered = sorted(took) or [0.0]
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99)]
    return " / ".join(f"{1000 * seconds:.0f}" for seconds in [*at, ordered[-1]]) + (
        " ms (median / 95 % / 99 % / longest)"
    )


async def rush(port: int, slug: str, keys: list[str], *, every: float, seconds: float) -> Rush:
    """Let all lobbies ask and people enter for so long, each on a connection of its own.

    `every` is what the status document says: seconds between two questions of a lobby.
    """
    seen = Rush()
    now = asyncio.get_running_loop().time
    begins = now()
    asks = [
        (random.random() + turn) * every
        for _ in range(LOBBIES)
        for turn in range(int(seconds / every) + 1)
    ]
    enters = [random.random() * seconds for _ in keys[: int(ENTERS_A_MINUTE * seconds / 60)]]
    acts = [(at, "") for at in asks if at < seconds]
    acts += [(at, key) for at, key in zip(enters, keys, strict=False)]
    running: set[asyncio.Task[None]] = set()
    for at, key in sorted(acts):
        if (wait := begins + at - now()) > 0:
            await asyncio.sleep(wait)
        due = begins + at  # a late client counts against the server: it is one machine
        act = _enter(port, key, due, seen) if key else _ask(port, slug, due, seen)
        task = asyncio.create_task(act)
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return seen


async def _ask(port: int, slug: str, due: float, seen: Rush) -> None:
    await _timed(due, seen.asked, seen, [("GET", f"/events/{slug}/lobby.json", 200)], port)


async def _enter(port: int, key: str, due: float, seen: Rush) -> None:
    steps = [("POST", f"/j/{key}/enter", 303), ("GET", f"/j/{key}", 200)]
    await _timed(due, seen.entered, seen, steps, port)


async def _timed(
    due: float, into: list[float], seen: Rush, steps: list[tuple[str, str, int]], port: int
) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            for method, path, expected in steps:
                status = await _exchange(port, method, path)
                if status != expected:
                    seen.trouble[f"{method} answered {status}"] += 1
                    return
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as trouble:
        seen.trouble[type(trouble).__name__] += 1
    else:
        into.append(asyncio.get_running_loop().time() - due)


async def _exchange(port: int, method: str, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
            "Content-Length: 0\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )
        answer = await reader.read(-1)
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]) if answer else 0


def prepare(seats: int) -> tuple[str, list[str]]:
    """An event that is live now, on the database of the environment; its slug and join keys."""
    from datetime import UTC, datetime, timedelta

    import flask_migrate
    from sqlalchemy import select

    from app import create_app
    from registration.database import db
    from registration.demo import crowd
    from registration.models import AttendanceMode, AttendanceOption, Rsvp, StreamKind, StreamSource
    from tests.factories import make_event

    with create_app().app_context():
        flask_migrate.upgrade()
        now = datetime.now(UTC)
        event = make_event(slug="rush", starts_at=now - timedelta(minutes=5))
        event_id = event.id
        db.session.add(AttendanceOption(event_id=event_id, position=0, mode=AttendanceMode.VIRTUAL))
        url = "https://www.youtube-nocookie.com/embed/abcdefghijk"
        db.session.add(StreamSource(event_id=event_id, position=0, kind=StreamKind.EMBED, url=url))
        db.session.commit()
        crowd.fill(event_id=event_id, in_person=0, virtual=seats, now=now)
        keys = list(db.session.scalars(select(Rsvp.join_key).where(Rsvp.event_id == event_id)))
        db.engine.dispose()
    return "rush", keys


def _told(port: int, slug: str) -> float:
    """How often lobbies are told to ask, as soon as the server answers."""
    for _ in range(150):
        try:
            with urlopen(f"http://127.0.0.1:{port}/events/{slug}/lobby.json") as answer:
                return float(json.load(answer)["ask_again"])
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the server does not answer")


def main() -> None:
    """Start the product, measure, end it, and print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8151
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'lobby.db'}")
        os.environ["PORT"] = str(port)
        slug, keys = prepare(LOBBIES)
        command = ["gunicorn", "app:create_app()", f"--bind=127.0.0.1:{port}", "--workers=2"]
        command += ["--threads=4", "--worker-class=gthread", "--preload", "--log-level=warning"]
        server = subprocess.Popen([sys.executable, "-m", *command])
        try:
            every = _told(port, slug)
            seen = asyncio.run(rush(port, slug, keys, every=every, seconds=seconds))
        finally:
            server.terminate()
            server.wait(30)
    sys.stdout.write(
        f"{LOBBIES} lobbies, each every {every:.0f} s, for {seconds:.0f} s, {seen.line()}\n"
    )


if __name__ == "__main__":
    main()
