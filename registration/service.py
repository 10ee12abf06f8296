"""The whole product as one command: schema, demo data, web server and worker, kept running.

All its processes are forked from one that has loaded everything, so that they share its memory.
In production each part may be started by the machine's own supervisor instead (README, "In
production").
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import secrets
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click
import flask_migrate
from flask import Flask, current_app
from gunicorn.app.base import BaseApplication
from sqlalchemy import inspect

from registration import clock, demo, staff
from registration.database import db
from registration.models import StaffRole
from registration.times import now

_ADMIN = "admin@example.org"
_PATIENCE = 20.0  # seconds that web and worker have to end what they are at
_LESS_URGENT = 10  # what it adds to its niceness, see nice(2)
_PAUSES = (0.2, 1.0, 5.0, 15.0)  # seconds before a dead part is started again; the last repeats
_HEALTHY = 60.0  # seconds after which a part's earlier deaths are forgotten
_PR_SET_PDEATHSIG = 1


@dataclass
class _Part:
    """A part of the product: a process that is started again when it ends."""

    name: str
    work: Callable[[], None]
    pid: int = 0
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0


def run(app: Flask) -> int:
    """Start web and worker and keep them running until SIGINT or SIGTERM; the exit status."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    _await_address(app.config["HOST"], app.config["PORT"], stop)
    if stop.is_set():
        return 0
    password = _aside(prepare)
    _share_memory()
    # Who holds the lock of the seats must not wait long for another thread to pause.
    sys.setswitchinterval(0.0005)
    parts = [
        _Part("web server", lambda: _Web(app).run()),
        _Part("worker", lambda: _work(app)),
    ]
    try:
        for part in parts:
            _start(part)
        _greet(app, password)
        while not stop.wait(0.2):
            for part in parts:
                _look_after(part)
    finally:
        _end(parts)
    return 0


def _await_address(host: str, port: int, stop: threading.Event) -> None:
    """Wait until nobody else listens where the web server is to, and say at once who waits.

    It may be a service that was killed and whose web server still ends what it is at. Raises
    ClickException for an address that this machine cannot give.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    told = False
    while not stop.is_set():
        try:
            socket.create_server((host.strip("[]"), port), family=family).close()
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise click.ClickException(f"HOST={host} PORT={port}: {problem}") from problem
        else:
            return
        if not told:
            click.echo(
                f"Another program listens on {host}:{port}; this waits until that ends. To go on "
                f"beside it, choose another port, as in PORT={port + 1}.",
                err=True,
            )
            told = True
        stop.wait(0.5)


def prepare() -> str:
    """Bring the schema up to date; fill a new database with the demo. The admin's new password.

    Empty if the database was there before, since it is shown once, and in production, where the
    first admin is made by `staff add` and nobody wants a demo.
    """
    is_new = not inspect(db.engine).has_table("events")
    flask_migrate.upgrade()
    if not is_new or current_app.config["PRODUCTION"]:
        return ""
    demo.load(now=now())
    password = secrets.token_urlsafe(9)
    staff.add(email=_ADMIN, role=StaffRole.ADMIN, password=password, now=now())
    return password


def _aside(work: Callable[[], str]) -> str:
    """What `work` returns, done in a process of its own: what it loads and leaves goes with it."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as pool:
        return pool.submit(_and_disconnect, work).result()


def _and_disconnect(work: Callable[[], str]) -> str:
    """What `work` returns, once no connection is open: SQLite has folded its log in then."""
    try:
        return work()
    finally:
        db.session.remove()
        db.engine.dispose()


def _share_memory() -> None:
    """Leave to the children memory that the collector will not touch.

    No connection is left to them: this process has opened none.
    """
    gc.collect()
    gc.freeze()


class _Web(BaseApplication):  # type: ignore[misc]
    """gunicorn over the application that is loaded already.

    Two processes of threads: one that waits for the database does not keep the others waiting.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        super().__init__()

    def load_config(self) -> None:
        """Take the settings; no access log, since addresses of pages hold keys."""
        config = self._app.config
        for name, value in {
            "bind": f"{config['HOST']}:{config['PORT']}",
            "workers": config["WEB_PROCESSES"],
            "threads": config["WEB_THREADS"],
            "worker_class": "gthread",
            "preload_app": True,
            "loglevel": "warning",
            "logger_class": "registration.logs.Logger",
            "graceful_timeout": 15,
            "control_socket_disable": True,
            "forwarder_headers": "",  # by default a root, whose page it answers 500 if it is odd
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._app


def _work(app: Flask) -> None:
    # In a rush whoever waits for a page comes first, and the mails a little later.
    os.nice(_LESS_URGENT)
    with contextlib.suppress(OSError):  # Linux weighs sessions against each other: see sched(7)
        Path("/proc/self/autogroup").write_text(str(_LESS_URGENT))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    clock.run(app, stop)


def _start(part: _Part) -> None:
    """Fork one part; in the child this never returns."""
    part.started_at, part.due_at = time.monotonic(), 0.0
    sys.stdout.flush()
    sys.stderr.flush()
    part.pid = os.fork()
    if part.pid:
        return
    status = 1
    try:
        os.setsid()  # Ctrl-C reaches it through us alone
        with contextlib.suppress(OSError, AttributeError):  # Linux: it ends if we are killed
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        part.work()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _look_after(part: _Part) -> None:
    """Start a part again that has ended, after a pause that grows while it keeps dying."""
    if part.pid and os.waitpid(part.pid, os.WNOHANG)[0]:
        part.pid = 0
        lived = time.monotonic() - part.started_at
        part.deaths = 1 if lived > _HEALTHY else part.deaths + 1
        pause = _PAUSES[min(part.deaths, len(_PAUSES)) - 1]
        part.due_at = time.monotonic() + pause
        click.echo(f"The {part.name} has ended; it starts again in {pause:g} s.", err=True)
    if not part.pid and time.monotonic() >= part.due_at:
        _start(part)


def _greet(app: Flask, password: str) -> None:
    site = app.config["BASE_URL"]
    click.echo(f"\n  Events:  {site}/\n  Staff:   {site}/staff/")
    if password:
        click.echo(f"  Sign in: {_ADMIN}  {password}   (shown this once)")
    if not app.config["MAIL_SERVER"]:
        click.echo("  Mail:    no MAIL_SERVER is set; mails wait in the staff's outbox")
    click.echo("\n  Ctrl-C ends it.\n")


def _end(parts: list[_Part]) -> None:
    running = [part for part in parts if part.pid]
    for part in running:
        os.kill(part.pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    for part in running:
        while not os.waitpid(part.pid, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(part.pid, signal.SIGKILL)
            time.sleep(0.05)
