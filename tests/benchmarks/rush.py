"""Many people who answer at once, whatever happens to the product meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter

from tests.benchmarks.client import Form, Lost, Visitor
from tests.benchmarks.product import Product


class Rush:
    """Answers to one event; who gets none asks again, with the same address, until it is over.

    With `goes_on` more people come until `wait`, however fast they are answered.
    """

    def __init__(
        self,
        product: Product,
        number: int,
        *,
        visitors: int = 8,
        tries: int = 10_000,
        seconds: float = 300,
        goes_on: bool = False,
    ) -> None:
        self.number = number
        self.acknowledged: set[str] = set()
        self.failures: Counter[str] = Counter()
        self._product = product
        self._came = 0
        self._goes_on = goes_on
        self._lock = threading.Lock()
        self._tries = tries
        self._ends_at = time.monotonic() + seconds
        self._threads = [threading.Thread(target=self._visit) for _ in range(visitors)]

    def start(self) -> Rush:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    @property
    def is_running(self) -> bool:
        """Whether anybody still tries."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self) -> Rush:
        """Until everybody has an answer, or has given up."""
        self._goes_on = False
        for thread in self._threads:
            thread.join()
        return self

    def gave_up(self) -> list[str]:
        """In words, that some got no answer; nothing if all did."""
        missing = self._came - len(self.acknowledged)
        told = f"{missing} of {self._came} got no answer: {dict(self.failures)}"
        return [told] if missing else []

    def _next(self) -> str:
        """The next address; none when enough have come."""
        with self._lock:
            is_over = self._came >= self.number and not self._goes_on
            if is_over or time.monotonic() > self._ends_at:
                return ""
            self._came += 1
            return f"guest-{self._came}@example.org"

    def _visit(self) -> None:
        form = Form(Visitor(self._product.port, timeout=40), "rush")
        while email := self._next():
            for _ in range(self._tries):
                if self._answer(form, email) or time.monotonic() > self._ends_at:
                    break
                time.sleep(0.1)

    def _answer(self, form: Form, email: str) -> bool:
        try:
            if not form.fields:
                form.open()
            answer = form.send(email)
        except Lost:
            failure = "lost"
        else:
            if answer.status == 303:
                self.acknowledged.add(email)
                return True
            failure = str(answer.status)
        self.failures[failure] += 1
        form.fields = {}
        return False


def comes_back(product: Product, *, seconds: float = 60) -> tuple[list[str], str]:
    """Answer for one more until it is taken: what is wrong if it is not, and how long it took."""
    began = time.monotonic()
    form = Form(Visitor(product.port, timeout=10), "rush")
    while time.monotonic() - began < seconds:
        try:
            form.open()
            if form.send("afterwards@example.org").status == 303:
                return [], f"after {time.monotonic() - began:.1f} s"
        except Lost:
            pass
        time.sleep(0.1)
    return [f"it takes no RSVP within {seconds:g} s"], "no"
