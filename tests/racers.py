"""Processes that race: each has an application of its own on the database under test."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from flask import Flask

from registration.admission import RsvpRefused
from registration.invitations import InvitationRefused
from registration.parties import Details

RACERS = 8
#: A verb by its name ("answering.answer") and its keyword arguments.
Call = tuple[str, dict[str, Any]]

_app: Flask
_start: Barrier


def _get_ready(url: str, folder: str, start: Barrier) -> None:
    global _app, _start
    from app import create_app
    from tests.conftest import settings_for

    _app, _start = create_app(settings_for(url, Path(folder))), start


def _run(calls: list[Call]) -> list[str]:
    """Wait until all are ready, then make the calls; what came of each."""
    with _app.app_context():
        _start.wait(timeout=60)
        return [_outcome(*call) for call in calls]


def _outcome(verb: str, arguments: dict[str, Any]) -> str:
    module, _, name = verb.rpartition(".")
    call = getattr(importlib.import_module(f"registration.{module}"), name)
    if "details" in arguments:
        arguments = arguments | {"details": Details(**arguments["details"])}
    try:
        made = call(**arguments)
    except RsvpRefused as refusal:
        return f"refused: {refusal.reason}"
    except InvitationRefused:
        return "refused"
    return str(getattr(made, "status", made))


class Racers:
    """Eight processes that start at the same moment."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def race(self, lanes: Iterable[list[Call]]) -> list[list[str]]:
        """Let each process make the calls of its lane; what came of them, lane by lane."""
        lanes = list(lanes)
        assert len(lanes) == RACERS
        # A task waits for all others, so no process takes two.
        return [future.result(120) for future in [self._pool.submit(_run, it) for it in lanes]]


@contextmanager
def racers(url: str, folder: Path) -> Iterator[Racers]:
    """The processes, ended with the block."""
    # Not forked from this process: it has threads, and connections that are not to be shared.
    context = get_context("forkserver")
    context.set_forkserver_preload(["app", "tests.conftest"])
    with ProcessPoolExecutor(
        RACERS,
        mp_context=context,
        initializer=_get_ready,
        initargs=(url, str(folder), context.Barrier(RACERS)),
    ) as pool:
        yield Racers(pool)
