"""`python -m tests.benchmarks.faults`: break everything, and see that nothing is lost.

Each fault ends with a verdict: every RSVP that was acknowledged is there; each has its mail, and a
repeat of it has the same Message-ID and comes only from a worker that was killed; counters equal
rows; no option is overbooked; and the product came back by itself, without being started again.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.faults_of_databases import (
    backup,
    migration,
    postgresql_disk_full,
    postgresql_restarts,
    sqlite_busy,
    sqlite_disk_full,
)
from tests.benchmarks.faults_of_processes import (
    clock_steps,
    dies_at_commits,
    kills,
    mail_server_is,
)
from tests.benchmarks.product import databases
from tests.benchmarks.trial import Trial, Verdict

VERDICTS = Path(__file__).parent / "FAULTS.md"
_MODES = ("down", "defer", "drop", "hang", "refuse")
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
            trial = Trial(kind, Path(name), make, asked.rsvps, asked.seed)
            _try(trial, asked.only)
            verdicts += trial.verdicts
    if not verdicts:
        parser.error("no fault is called that")
    took = time.monotonic() - began
    if not asked.only and not asked.database and asked.rsvps == 2000:
        _write(verdicts, took)
    sys.stdout.write(f"{len(verdicts)} verdicts in {took / 60:.0f} minutes\n")
    return int(any(verdict.wrong for verdict in verdicts))


def _try(trial: Trial, only: list[str] | None) -> None:
    """One fault after the other; a fault that cannot be tried is wrong too."""
    is_sqlite = trial.kind == "sqlite"
    faults = {
        "kill": kills,
        "commit": dies_at_commits,
        **{f"mail-{mode}": partial(mail_server_is, mode) for mode in _MODES},
        "database": sqlite_busy if is_sqlite else postgresql_restarts,
        "disk": sqlite_disk_full if is_sqlite else postgresql_disk_full,
        "clock": clock_steps,
        "backup": backup,
        "migration": migration,
    }
    for name, fault in faults.items():
        if not only or name.startswith(tuple(only)):
            try:
                fault(trial)
            except Exception as trouble:
                trial.say(name, [f"not tried to its end: {trouble!r:.300}"], "")


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
