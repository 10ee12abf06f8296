"""The sink in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.product import ROOT, free_port, until


class MailServer:
    """A mail server on a port of its own, that can be started, told to misbehave and killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What the product must know of it."""
        return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(self.port), "MAIL_TIMEOUT": "3"}

    def start(self) -> None:
        """Listen."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.smtp_sink", str(self.port), str(self._folder)],
            cwd=ROOT,
        )
        until(self._listens, seconds=30, what="the mail server listens")

    def _listens(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def behave(self, mode: str) -> None:
        """Take, defer, refuse, drop or hang from now on."""
        (self._folder / "mode").write_text(mode)

    def taken(self) -> Counter[tuple[str, str]]:
        """Message-ID and recipient of each mail it said OK to, with how often."""
        path = self._folder / "taken"
        lines = path.read_text().splitlines() if path.exists() else []
        return Counter((line.split()[0], line.split()[1]) for line in lines)

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        """Run it for as long as the block lasts."""
        self.start()
        try:
            yield self
        finally:
            self.stop()
