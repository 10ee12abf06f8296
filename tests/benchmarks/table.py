"""Rows of figures, and the table of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure, what it was to reach, and whether it did."""

    name: str
    database: str
    figure: str
    floor: str
    ratio: str
    wanted: str
    reached: bool


@dataclass
class Bench:
    """What a measurement needs, and where it puts its rows."""

    kind: str
    database: Callable[[str], str]
    folder: Path
    seconds: float
    shrink: int
    rows: list[Row]

    def add(
        self,
        name: str,
        figure: str,
        *,
        reached: bool,
        wanted: str,
        floor: str = "",
        ratio: str = "",
    ) -> None:
        """Add a row, and say it at once."""
        row = Row(name, self.kind, figure, floor, ratio, wanted, reached)
        self.rows.append(row)
        told = f"{'ok   ' if reached else 'SHORT'} {self.kind:10} {name}: {figure} {ratio}"
        sys.stderr.write(told + "\n")

    def add_rate(self, name: str, rate: float, floor: float, wanted: float) -> None:
        """Add a rate beside its floor; `wanted` is the ratio to reach."""
        self.add(
            name,
            f"{rate:,.0f} a second",
            floor=f"{floor:,.0f} a second",
            ratio=f"{rate / floor:.2f}",
            wanted=f"{wanted:g} of the floor",
            reached=rate >= wanted * floor,
        )

    def run(self, group: str, measure: Callable[[Bench], None]) -> None:
        """Measure one group; what cannot be measured is a row too."""
        began = time.monotonic()
        try:
            measure(self)
        except Exception as trouble:
            self.add(group, f"not measured: {trouble!r:.200}", reached=False, wanted="")
            import traceback

            traceback.print_exc()
        sys.stderr.write(f"      {group} took {time.monotonic() - began:.0f} s\n")


def markdown(rows: list[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = [
        "| what | database | figure | floor | ratio | to reach | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        mark = "✓" if row.reached else "short"
        cells = (row.name, row.database, row.figure, row.floor, row.ratio, row.wanted, mark)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
