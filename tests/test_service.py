"""The product as one command: it starts, keeps its parts alive, and ends without leftovers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent


def until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until it is so; the bound only ends a test that has failed."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_up(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/healthz"
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[psutil.Process, int]]:
    """The whole product on a SQLite database of its own: its process and its port."""
    port = free_port()
    started = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "serve"],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": f"sqlite:///{tmp_path / 'service.db'}", "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    process = psutil.Process(started.pid)
    everything = [process]
    try:
        until(lambda: is_up(port))
        yield process, port
        everything += process.children(recursive=True) if started.poll() is None else []
    finally:
        started.terminate()
        started.wait(30)
        for left in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()


def test_a_part_that_is_killed_comes_back_and_all_ends_on_sigterm(
    service: tuple[psutil.Process, int],
) -> None:
    process, port = service
    web, worker = process.children()
    for killed in (worker, web.children()[0], web):
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        until(lambda: len(process.children(recursive=True)) == 4 and is_up(port))

    everything = process.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    _gone, alive = psutil.wait_procs(everything, timeout=10)
    assert alive == []


def test_nothing_stays_behind_when_the_service_itself_is_killed(
    service: tuple[psutil.Process, int],
) -> None:
    process, _port = service
    everything = process.children(recursive=True)
    process.kill()
    _gone, alive = psutil.wait_procs(everything, timeout=30)
    assert alive == []
