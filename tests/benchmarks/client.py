"""A light HTTP client: one kept connection a visitor, as many visitors as are asked for."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlencode


class Lost(Exception):
    """The connection broke before the answer was complete."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Visitor:
    """A browser without JavaScript on one kept connection, with one cookie."""

    def __init__(self, port: int, *, timeout: float = 30.0) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._rest = b""
        self._is_heard = False  # whether anything of the answer has come

    def get(self, path: str, **headers: str) -> Answer:
        """Fetch a page."""
        return self._exchange(self._head("GET", path, headers) + b"\r\n")

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form."""
        body = urlencode(fields).encode()
        head = self._head("POST", path, headers)
        head += b"Content-Type: application/x-www-form-urlencoded\r\n"
        return self._exchange(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _head(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            lines.append(f"Cookie: {pairs}")
        return ("\r\n".join(lines) + "\r\n").encode()

    def _exchange(self, request: bytes) -> Answer:
        was_kept, self._is_heard = self._socket is not None, False
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self.port), self._timeout)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
            return self._read()
        except (OSError, Lost) as trouble:
            self.close()
            if was_kept and not self._is_heard and not isinstance(trouble, TimeoutError):
                # A server ends what rests for seconds, maybe as it is asked: browsers dial anew.
                return self._exchange(request)
            raise Lost(str(trouble)) from trouble

    def _read(self) -> Answer:
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers: dict[str, str] = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "set-cookie":
                cookie, _, content = value.strip().partition("=")
                self.cookies[cookie] = content.partition(";")[0]
            headers[name.lower()] = value.strip()
        if status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body)

    def _chunks(self) -> bytes:
        pieces = []
        while size := int(self._until(b"\r\n"), 16):
            pieces.append(self._exactly(size))
            self._exactly(2)
        self._exactly(2)
        return b"".join(pieces)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def _more(self) -> None:
        assert self._socket is not None
        piece = self._socket.recv(262_144)
        if not piece:
            raise Lost("the server hung up")
        self._is_heard = True
        self._rest += piece


_INPUT = re.compile(rb'name="(csrf_token|started)" value="([^"]*)"')


@dataclass
class Form:
    """The RSVP form of an event, opened once by a visitor."""

    visitor: Visitor
    slug: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it is and where it is sent to."""
        return f"/events/{self.slug}/rsvp"

    def open(self) -> None:
        """Load the form: its tokens, and the first way to attend that it offers."""
        page = self.visitor.get(self.path)
        if page.status != 200:
            raise Lost(f"the form answered {page.status}")
        self.fields = {name.decode(): value.decode() for name, value in _INPUT.findall(page.body)}
        found = re.search(rb'name="attend" value="(\w+)"', page.body)
        self.fields["attend"] = found[1].decode() if found else ""

    def send(self, email: str, name: str = "Ada Example", **more: str) -> Answer:
        """Answer for this address."""
        about = {"name": name, "email": email, "organisation": "Example Institute", "consent": "y"}
        return self.visitor.post(self.path, self.fields | about | more)


@dataclass(frozen=True)
class Load:
    """What a load gave: how many a second, how long each took, and what went wrong.

    `each_ms` is the median in milliseconds, of `visits` the mean.
    """

    rate: float
    each_ms: float
    failed: int
    done: int


def load(
    make: Callable[[int], Callable[[], bool]], *, visitors: int = 8, seconds: float = 5.0
) -> Load:
    """Let visitors do the same thing again and again; `make(n)` makes what visitor `n` does."""
    took: list[float] = []
    failed = 0
    acts = [make(number) for number in range(visitors)]
    for act in acts:
        act()  # warm
    end = time.perf_counter() + seconds

    def visit(act: Callable[[], bool]) -> None:
        nonlocal failed
        while time.perf_counter() < end:
            began = time.perf_counter()
            try:
                good = act()
            except Lost:
                good = False
            if good:
                took.append(time.perf_counter() - began)
            else:
                failed += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=visit, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    span = time.perf_counter() - began
    return Load(len(took) / span, 1000 * median(took or [0.0]), failed, len(took))


def visits(port: int, what: str, slug: str, *, seconds: float, visitors: int = 8) -> Load | None:
    """The load of visitors who `insert`, `post` or go the `whole` way (visitors.lua), by wrk.

    None where wrk is not installed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        return None
    told = subprocess.run(
        [
            wrk,
            f"-t{visitors}",
            f"-c{visitors}",
            f"-d{max(1, round(seconds))}s",
            "-s",
            str(Path(__file__).with_name("visitors.lua")),
            f"http://127.0.0.1:{port}",
            what,
            slug,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"finished (\d+) failed (\d+) seconds ([\d.]+)", told)
    assert found is not None, told
    done, rate = int(found[1]), int(found[1]) / float(found[3])
    return Load(rate, 1000 * visitors / rate if rate else 0.0, int(found[2]), done)


def pages(port: int, path: str, *, connections: int = 8, seconds: float = 5.0) -> Load:
    """The load of reading one page: by wrk where it is installed, else by visitors."""
    wrk = shutil.which("wrk")
    if wrk is None:

        def make(_number: int) -> Callable[[], bool]:
            visitor = Visitor(port)
            return lambda: visitor.get(path, Accept_Encoding="gzip").status == 200

        return load(make, visitors=connections, seconds=seconds)
    told = subprocess.run(
        [
            wrk,
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--latency",
            "-H",
            "Accept-Encoding: gzip",
            f"http://127.0.0.1:{port}{path}",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]
    half = re.search(r"50%\s+([\d.]+)(us|ms|s)", told)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    return Load(
        rate,
        float(half[1]) * scale[half[2]] if half else 0.0,
        int(failures[1]) if failures else 0,
        int(rate * seconds),
    )
