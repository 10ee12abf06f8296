"""The product as one command: it starts, keeps its parts alive, and ends without leftovers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent


def until(condition: Callable[[], object], *, seconds: float = 180) -> None:
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


def listens(port: int) -> bool:
    """Whether somebody answers there, well or not."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture(scope="module")
def database_of_the_service(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a SQLite database, new to the first service that starts on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('service') / 'service.db'}"


@pytest.fixture
def service(database_of_the_service: str) -> Iterator[tuple[psutil.Process, int]]:
    """The whole product on that database: its process and its port."""
    port = free_port()
    started = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "serve"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_of_the_service, "PORT": str(port)},
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


def test_a_port_that_is_taken_is_said_and_waited_for_and_nothing_is_made_before(
    tmp_path: Path,
) -> None:
    database, other = tmp_path / "waiting.db", socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "serve"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": f"sqlite:///{database}", "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        try:
            said = waiting.stderr.readline()
            assert f"Another program listens on 127.0.0.1:{port}" in said
            assert f"PORT={port + 1}" in said
            assert not database.exists()
            other.close()
            until(lambda: is_up(port))
        finally:
            waiting.terminate()


def test_an_address_of_another_machine_is_refused_in_words(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "serve"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}", "HOST": "192.0.2.1"},
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: HOST=192.0.2.1 PORT=8000: ")


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The web server as the README starts it in production, on a database without any table.

    Its port, and the file that its standard error goes to.
    """
    port, said = free_port(), tmp_path / "said"
    (command,) = re.findall(r"`(gunicorn [^`]+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    with said.open("wb") as standard_error:
        started = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command), "--bind", f"127.0.0.1:{port}"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"},
            stdout=subprocess.DEVNULL,
            stderr=standard_error,
        )
    try:
        until(lambda: listens(port))
        yield port, said
    finally:
        started.terminate()
        # gunicorn gives a worker thirty seconds to end before it kills it, and may need them.
        started.wait(60)


def test_what_breaks_in_production_is_found_in_the_log_by_the_number_on_its_page(
    web_server: tuple[int, Path],
) -> None:
    port, said = web_server
    key, address = "SECRET-key-of-a-link", "amina&co@example.org"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/rsvp/{key}?for={address}")
    assert refused.value.code == 500
    page = refused.value.read().decode()
    (number,) = re.findall(r"give the number (\w+)", page)
    assert "no such table" not in page
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(f"GET /rsvp/{key} HTTP/1.1\r\n{address} no header\r\n\r\n".encode())
        assert b" 400 " in line.recv(1000)

    written = said.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in written.splitlines()]
    (broke,) = [line for line in lines if line["level"] == "error"]
    assert number in broke["message"]
    assert "no such table" in broke["trace"]
    assert any("Invalid request" in line["message"] for line in lines)
    for personal in (key, "amina", address, "127.0.0.1: "):
        assert personal not in written


def test_no_header_moves_the_links_of_a_page_to_another_site(
    web_server: tuple[int, Path],
) -> None:
    """Nor of a page that is kept for all, where a proxy on the same machine passes it on."""
    port, _said = web_server
    told = []
    for header in ("SCRIPT_NAME: //evil.example.com", "PATH_INFO: /staff/", "X-Nothing: -"):
        with socket.create_connection(("127.0.0.1", port)) as line:
            head = "GET /privacy HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            line.sendall(f"{head}{header}\r\n\r\n".encode())
            told.append(line.makefile("rb").read())
    for answer in told:
        assert b" 200 " in answer.splitlines()[0]
        assert b"evil.example.com" not in answer
