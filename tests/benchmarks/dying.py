"""The whole product whose processes die at commits: `python -m tests.benchmarks.dying FILE`.

A kill at any moment seldom comes between two transactions that should have been one. Here a
process is killed right before or right after one commit in so many, until enough have died. FILE
gets a line for each: who it was.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from multiprocessing import parent_process
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app import create_app
from registration import service

#: The worker gets to few commits in a rush.
ONE_IN = {"web": 40, "worker": 6}
DEATHS = {"web": 28, "worker": 2}
_chance = random.SystemRandom()  # each process its own


def main() -> int:
    """Serve until told to stop."""
    app, told, us = create_app(), Path(sys.argv[1]), os.getpid()

    def perhaps(*_about: object) -> None:
        # Where the database is prepared nobody is answered yet.
        if parent_process() is not None:
            return
        # The web's processes are children of their server, the worker is one of the service.
        who, died = "worker" if os.getppid() == us else "web", told.read_text().split()
        if os.getpid() == us or died.count(who) >= DEATHS[who] or _chance.randrange(ONE_IN[who]):
            return
        with told.open("a") as file:
            file.write(f"{who}\n")
        os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", perhaps)  # it is about to
    event.listen(Session, "after_commit", perhaps)
    with app.app_context():
        return service.run(app)


if __name__ == "__main__":
    sys.exit(main())
