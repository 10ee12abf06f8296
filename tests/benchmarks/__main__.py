"""`python -m tests.benchmarks`: measure the product, print the table, write it as Markdown.

Each row stands beside its floor, measured in the same minute, since machines differ and are
shared: the ratio tells more than the figure.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

from tests.benchmarks import rows_public, rows_size, rows_staff
from tests.benchmarks.product import databases
from tests.benchmarks.table import Bench, Row, markdown

RESULTS = Path(__file__).parent / "RESULTS.md"
_NOTE = """
What is marked short is a wish that is not met yet. An RSVP writes seven rows and changes two under
the lock of the event's seats, reads five more, and checks a form of twenty fields; its floor writes
two rows and checks nothing. Meanwhile the worker sends the mails, with what the rush leaves of the
processors.
"""
GROUPS = {
    "public": rows_public.measure,
    "size": rows_size.measure,
    "staff": rows_staff.measure,
    "mail": rows_size.measure_mail,
    "browser": rows_public.measure_first_visit,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--only", choices=list(GROUPS), action="append")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--small", action="store_true", help="a tenth of the sizes")
    asked = parser.parse_args()
    kinds = tuple(asked.database or ["sqlite", "postgresql"])
    rows: list[Row] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with databases(folder, kinds) as make:
            for kind in kinds:
                bench = Bench(kind, make, folder, asked.seconds, 10 if asked.small else 1, rows)
                for group, measure in GROUPS.items():
                    if not asked.only or group in asked.only:
                        bench.run(group, measure)
    took = time.monotonic() - began
    load = os.getloadavg()[0]
    text = markdown(rows) + (
        f"\nMeasured in {took / 60:.0f} minutes on {os.cpu_count()} cores that the load shares "
        f"({platform.machine()}, Python {platform.python_version()}, load average {load:.1f}).\n"
    )
    if not asked.only and not asked.database and not asked.small:
        RESULTS.write_text("# How fast\n\n" + text + _NOTE, encoding="utf-8")
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
