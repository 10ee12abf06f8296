"""What a fault is tried on, and the verdict it ends with."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.mail_server import MailServer
from tests.benchmarks.product import Product

SEATS = 500


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


class Trial:
    """Faults tried on one kind of database: products to break, and what became of them."""

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
