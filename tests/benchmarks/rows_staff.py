"""What staff and the door feel: lists, files, lookups."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median

import psutil
from sqlalchemy import select, text

from registration.database import db
from registration.models import AttendanceMode, AttendanceOption, Attendee, Event, Rsvp, RsvpStatus
from tests.benchmarks.client import Answer, Visitor, load
from tests.benchmarks.product import Product
from tests.benchmarks.rows_public import floors
from tests.benchmarks.table import Bench

_EMAIL, _PASSWORD = "bench@example.org", "a password for measuring"


def measure(bench: Bench) -> None:
    """An event with 100,000 attendees, as staff and door see it."""
    product = Product(bench.database(bench.kind), bench.folder)
    many, some = 100_000 // bench.shrink, 10_000 // bench.shrink
    with product.running(), floors(bench.database(bench.kind)) as floor_port:
        product.event("large")
        product.event("medium")
        product.flask("demo", "--attendees", str(many), "--event", "large")
        product.flask("demo", "--attendees", str(some), "--event", "medium")
        _tidy(product)
        product.flask("staff", "add", _EMAIL, "--role", "admin", "--password", _PASSWORD)
        visitor = signed_in(product)
        _list(bench, visitor, many)
        _exports(bench, product, visitor, many, some)
        _door(bench, product, floor_port, many)


def _tidy(product: Product) -> None:
    """Do at once what PostgreSQL does by itself within a minute of so many new rows.

    It would be done beside whatever is measured just then.
    """
    with product.app.app_context():
        if db.engine.dialect.name == "postgresql":
            db.session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            db.session.execute(text("VACUUM ANALYZE"))
            db.session.remove()


def token(page: Answer) -> str:
    """The CSRF token of a page."""
    found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', page.body)
    assert found, f"no token on a page with status {page.status}"
    return found[1].decode()


def signed_in(product: Product) -> Visitor:
    """A staff member at the desk."""
    visitor = Visitor(product.port, timeout=120)
    page = visitor.get("/staff/sign-in")
    answer = visitor.post(
        "/staff/sign-in",
        {"csrf_token": token(page), "email": _EMAIL, "password": _PASSWORD},
    )
    assert answer.status in (302, 303), answer.status
    return visitor


def _timed(visitor: Visitor, path: str, times: int = 5) -> tuple[float, int]:
    """Median milliseconds and the size of an answer."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        answer = visitor.get(path)
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status == 200, f"{path} answered {answer.status}"
    return median(took), len(answer.body)


def _list(bench: Bench, visitor: Visitor, many: int) -> None:
    path = "/staff/events/large/attendees"
    first = visitor.get(path).body.decode()
    last = max((int(number) for number in re.findall(r"page=(\d+)", first)), default=1)
    for name, query in (
        ("first page", ""),
        ("search", "?q=smith"),
        ("last page", f"?page={max(last, many // 50)}"),
    ):
        took, size = _timed(visitor, path + query)
        bench.add(
            f"staff list of {many:,} attendees: {name}",
            f"{took:.0f} ms, {size / 1000:.0f} kB",
            wanted="100 ms, 100 kB",
            reached=took <= 100 and size <= 100_000,
        )


def _exports(bench: Bench, product: Product, visitor: Visitor, many: int, some: int) -> None:
    for kind, limit in (("csv", 0.5), ("xlsx", 1.5)):
        began = time.perf_counter()
        answer = visitor.get(f"/staff/events/medium/attendees.{kind}")
        took = time.perf_counter() - began
        assert answer.status == 200, answer.status
        bench.add(
            f"export of {some:,} attendees, {kind.upper()}",
            f"{took:.2f} s",
            wanted=f"{limit} s",
            reached=took <= limit,
        )
        web, _worker = product.parts()
        before = {process.pid: _peak(process, reset=True) for process in web.children()}
        answer = visitor.get(f"/staff/events/large/attendees.{kind}")
        assert answer.status == 200
        growth = max(_peak(process) - before[process.pid] for process in web.children())
        bench.add(
            f"memory growth of an export of {many:,}, {kind.upper()}",
            f"{growth:.0f} MB",
            wanted="30 MB",
            reached=growth <= 30,
        )


def _peak(process: psutil.Process, *, reset: bool = False) -> float:
    """The most memory that a process has had at once since the last reset, in MB."""
    if reset:
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def _door(bench: Bench, product: Product, floor_port: int, many: int) -> None:
    """The door's lookup, the lobby's page and status, and Enter, each beside the floors."""
    with product.app.app_context():
        moment = datetime.now(UTC)
        event_id = db.session.scalars(select(Event.id).where(Event.slug == "large")).one()
        event = db.session.get_one(Event, event_id)
        event.starts_at, event.ends_at = moment, moment + timedelta(hours=2)
        event.stream_url = "https://stream.example.org/live"
        db.session.commit()

        def people(mode: AttendanceMode) -> list[tuple[str, str]]:
            found = db.session.execute(
                select(Attendee.ticket_code, Rsvp.join_key)
                .join(Rsvp, Rsvp.id == Attendee.rsvp_id)
                .join(AttendanceOption, AttendanceOption.id == Rsvp.option_id)
                .where(
                    Rsvp.event_id == event_id,
                    Rsvp.status == RsvpStatus.CONFIRMED,
                    AttendanceOption.mode == mode,
                )
                .limit(4000)
            )
            return [(row.ticket_code, row.join_key) for row in found]

        codes = [code for code, _key in people(AttendanceMode.IN_PERSON)]
        keys = [key for _code, key in people(AttendanceMode.VIRTUAL)]

    def constant(_number: int) -> Callable[[], bool]:
        visitor = Visitor(floor_port)
        return lambda: visitor.get("/constant").status == 200

    def search(number: int) -> Callable[[], bool]:
        visitor = signed_in(product)
        names = cycle(("smith", "maria", "chen", "okafor"))
        return lambda: visitor.get(f"/staff/events/large/door?q={next(names)}").status == 200

    def admit(number: int) -> Callable[[], bool]:
        visitor = signed_in(product)
        fields = {"csrf_token": token(visitor.get("/staff/events/large/door"))}
        codes_left = cycle(codes[number::8])

        def act() -> bool:
            sent = fields | {"q": next(codes_left), "scan": "y"}
            return visitor.post("/staff/events/large/door", sent).status in (200, 303)

        return act

    def lobby(number: int) -> Callable[[], bool]:
        visitor = Visitor(product.port)
        keys_left = cycle(keys[number::8])
        return lambda: visitor.get(f"/j/{next(keys_left)}").status == 200

    def enter(number: int) -> Callable[[], bool]:
        visitor = Visitor(product.port)
        key = keys[number]
        return lambda: visitor.post(f"/j/{key}/enter", {}).status in (200, 302, 303)

    floor = load(constant, seconds=bench.seconds / 2).rate
    for name, make in (
        ("door: a ticket is let in", admit),
        (f"door: search among {many:,}", search),
        ("lobby page", lobby),
        ("lobby: Enter", enter),
    ):
        found = load(make, seconds=bench.seconds / 2)
        bench.add(
            name,
            f"{found.rate:,.0f} a second, median {found.each_ms:.0f} ms",
            floor=f"{floor:,.0f} a second",
            ratio=f"{found.rate / floor:.2f}",
            wanted="(ratio)",
            reached=found.failed == 0,
        )
