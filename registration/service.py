"""The whole product as one command: schema, demo data, web server and worker, started and ended.

For a machine of one's own and for trying; in production each is started by the machine's own
supervisor (README, "In production").
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import flask_migrate
from flask import Flask
from sqlalchemy import inspect

from registration import demo, staff
from registration.database import db
from registration.models import StaffRole
from registration.times import now

_ADMIN = "admin@example.org"
_PATIENCE = 20.0  # seconds that web and worker have to end what they are at


def run(app: Flask) -> int:
    """Start web and worker, end both on SIGINT or SIGTERM; the exit status.

    If one of them ends by itself, so does the other: a supervisor sees it and starts again.
    """
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    password = prepare()
    children = [
        subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own commands
        for command in _commands(app)
    ]
    _greet(app, password)
    try:
        while not stopping and all(child.poll() is None for child in children):
            time.sleep(0.2)
    finally:
        _end(children)
    return 0 if stopping else 1


def prepare() -> str:
    """Bring the schema up to date; fill a new database with the demo. The admin's new password.

    Empty if the database was there before: it is shown once.
    """
    is_new = not inspect(db.engine).has_table("events")
    flask_migrate.upgrade()
    if not is_new:
        return ""
    demo.load(now=now())
    password = secrets.token_urlsafe(9)
    staff.add(email=_ADMIN, role=StaffRole.ADMIN, password=password, now=now())
    return password


def _commands(app: Flask) -> list[list[str]]:
    """Web server and worker, in sessions of their own: Ctrl-C reaches them through us alone."""
    python = [sys.executable, "-m"]
    config = app.config
    web = [
        *python,
        "gunicorn",
        "app:create_app()",
        f"--chdir={app.root_path}",
        f"--bind={config['HOST']}:{config['PORT']}",
        f"--workers={config['WEB_PROCESSES']}",
        f"--threads={config['WEB_THREADS']}",
        "--worker-class=gthread",
        "--preload",
        "--log-level=warning",
        "--graceful-timeout=15",
    ]
    worker = [*python, "flask", "--app", str(Path(app.root_path) / "app.py"), "worker"]
    return [web, worker]


def _greet(app: Flask, password: str) -> None:
    site = app.config["BASE_URL"]
    click.echo(f"\n  Events:  {site}/\n  Staff:   {site}/staff/")
    if password:
        click.echo(f"  Sign in: {_ADMIN}  {password}   (shown this once)")
    if not app.config["MAIL_SERVER"]:
        click.echo("  Mail:    no MAIL_SERVER is set; mails wait in the staff's outbox")
    click.echo("\n  Ctrl-C ends it.\n")


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + _PATIENCE
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
