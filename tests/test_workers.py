"""Workers as processes of their own, on one PostgreSQL: they share the mail, and may die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from registration.claims import CLAIM, claim
from registration.database import db, transaction
from registration.delivery import Postman
from registration.models import MailState, OutboxMail
from tests.benchmarks.product import until
from tests.factories import make_option, make_rsvp
from tests.smtp_servers import Mailbox, serving

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0  # seconds; for a machine that is busy with other things


@pytest.fixture
def database() -> str:
    """SQLite has one writer: its workers take turns, which other tests show."""
    return "postgresql"


def write_mails(number: int) -> None:
    """So many confirmations, due by any clock."""
    option = make_option()
    for index in range(number):
        make_rsvp(option, email=f"a{index}@example.org")
    with transaction():
        then = datetime.now(UTC) - timedelta(minutes=1)
        db.session.execute(update(OutboxMail).values(due_at=then, created_at=then))


def connections() -> int:
    """How many others are connected to the database: who has asked it can be ended by SIGTERM."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    found = db.session.scalar(others) or 0
    db.session.rollback()
    return found


@contextmanager
def worker(app: Flask, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as operators start it."""
    environment = os.environ | {
        "DATABASE_URL": app.config["DATABASE_URL"],
        "SECRET_KEY": app.config["SECRET_KEY"],
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "worker"], cwd=ROOT, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_two_workers_share_the_mail_and_send_none_twice(app: Flask):
    write_mails(150)
    mailbox = Mailbox(wanted=150)
    before = connections()
    with serving(mailbox) as port, worker(app, port) as one, worker(app, port) as two:
        assert mailbox.reached.wait(PATIENCE)
        # One may have sent them all before the other was there.
        until(lambda: connections() >= before + 2, seconds=PATIENCE, what="both have begun")
        for process in (one, two):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(PATIENCE) for process in (one, two)] == [0, 0]
    assert max(Counter(mailbox.recipients).values()) == 1
    assert len(mailbox.recipients) == 150
    db.session.rollback()
    assert set(db.session.scalars(select(OutboxMail.state))) == {MailState.SENT}


def test_a_worker_that_is_killed_repeats_one_mail_at_most(app: Flask):
    write_mails(60)
    mailbox = Mailbox(wanted=20)
    with serving(mailbox) as port:
        with worker(app, port) as process:
            assert mailbox.reached.wait(PATIENCE)
            process.kill()
            process.wait()
        app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port)
        try:
            # Another takes over when the claim is over.
            postman, later = Postman(), datetime.now(UTC) + CLAIM
            while mail_ids := claim(now=later):
                postman.deliver(mail_ids, now=later)
            postman.close()
        finally:
            app.config.update(MAIL_SERVER="", MAIL_PORT=25)
    assert set(mailbox.recipients) == {f"a{index}@example.org" for index in range(60)}
    repeats = [who for who, times in Counter(mailbox.recipients).items() if times > 1]
    assert len(repeats) <= 1
    # A repeat is the same message.
    assert len({message["Message-ID"] for message in mailbox.messages()}) == 60
