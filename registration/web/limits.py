"""How much one visitor or one address may do: wide enough for a campus behind one address."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, request
from limits import RateLimitItem
from limits.storage import RedisStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from registration import addresses
from registration.web.fields import one_line

log = logging.getLogger(__name__)
Kept = TypeVar("Kept")


def network() -> str:
    """Where a request comes from: an IPv4 address, or the /64 in which an IPv6 host is at home."""
    address = request.remote_addr or "127.0.0.1"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped:
        return str(found.ipv4_mapped)  # as a socket for both kinds names an IPv4 host
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))


def address_sent() -> str:
    """The email address in the form that was sent, as it is kept however it is spelt; or nothing.

    A domain can be spelt in many ways ("ｅxample.org"), and signs that nobody sees can stand
    anywhere: each spelling would be tried anew.
    """
    text = one_line(request.form.get("email"))[:254]
    if not text.isascii():
        with contextlib.suppress(addresses.AddressRefused):
            return addresses.canonical(text)
    return text.lower()


#: How often counters that have run out are swept away, in seconds.
_SWEEP = 60.0
#: How long a request waits for Redis, in seconds.
_PATIENCE = 1.0


class ProcessMemory(Storage):
    """Counters in the memory of this process.

    The library's own starts a thread and walks over all counters for each count.
    """

    STORAGE_SCHEME = ["process"]
    base_exceptions = ValueError

    def __init__(self, uri: str | None = None, **options: float | str | bool) -> None:
        super().__init__(uri, **options)  # type: ignore[arg-type]
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}  # how many, and when they run out
        self._swept_at = time.time()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count on; the new number."""
        moment = time.time()
        with self._lock:
            if moment - self._swept_at > _SWEEP:
                self._sweep(moment)
            number, until = self._counts.get(key, (0, 0.0))
            if until <= moment:
                number, until = 0, moment + expiry
            self._counts[key] = (number + amount, until)
        return number + amount

    def get(self, key: str) -> int:
        """The number as it stands."""
        number, until = self._counts.get(key, (0, 0.0))
        return number if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When the number runs out, as a timestamp."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forget everything; how many counters there were."""
        with self._lock:
            number = len(self._counts)
            self._counts.clear()
        return number

    def clear(self, key: str) -> None:
        """Forget one counter."""
        with self._lock:
            self._counts.pop(key, None)

    def _sweep(self, moment: float) -> None:
        self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > moment}
        self._swept_at = moment


class SharedMemory(ProcessMemory):
    """Counters in Redis for all processes together; in this one's memory while Redis is away.

    To be without limits, or without a form, is worse than to count for each process.
    """

    STORAGE_SCHEME = ["shared+redis", "shared+rediss"]

    def __init__(self, uri: str, **options: float | str | bool) -> None:
        super().__init__(uri, **options)
        self._redis = RedisStorage(
            uri.removeprefix("shared+"),
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
        )

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count on; the new number."""
        own = super().incr
        return self._ask(
            lambda: self._redis.incr(key, expiry, amount), lambda: own(key, expiry, amount)
        )

    def get(self, key: str) -> int:
        """The number as it stands."""
        own = super().get
        return self._ask(lambda: self._redis.get(key), lambda: own(key))

    def get_expiry(self, key: str) -> float:
        """When the number runs out, as a timestamp."""
        own = super().get_expiry
        return self._ask(lambda: self._redis.get_expiry(key), lambda: own(key))

    def _ask(self, shared: Callable[[], Kept], own: Callable[[], Kept]) -> Kept:
        try:
            return shared()
        except self._redis.base_exceptions as trouble:
            log.warning("limits are counted in each process, since Redis is away: %s", trouble)
            return own()


class Limiter:
    """Counts what is limited, from the first time until the time of the limit is over."""

    def init_app(self, app: Flask) -> None:
        """Count in memory, or where `REDIS_URL` is set in Redis: for all processes together."""
        redis = app.config["REDIS_URL"]
        self._counters = storage_from_string(f"shared+{redis}" if redis else "process://")
        self._windows = FixedWindowRateLimiter(self._counters)

    def hit(self, limit: RateLimitItem, key: str, *, cost: int = 1) -> bool:
        """Count once more; False where the limit is passed. A negative cost takes back."""
        return self._windows.hit(limit, key, cost=cost)

    def anew_at(self, limit: RateLimitItem, key: str) -> float:
        """When it is counted from the beginning again, as a timestamp."""
        return self._windows.get_window_stats(limit, key).reset_time

    def reset(self) -> None:
        """Forget everything."""
        self._counters.reset()


limiter = Limiter()
