"""The clock's door: one loop that does what time brings due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError

from registration import (
    announcements,
    answering,
    capacity,
    claims,
    delivery,
    digests,
    imports,
    mailings,
    openings,
    outbox,
    pictures,
    reminders,
    retention,
)
from registration.database import db, in_words
from registration.times import now

log = logging.getLogger(__name__)

#: Seconds between two looks while nothing is due, and after an error.
IDLE, AFTER_TROUBLE = 1.0, 5.0
_BEAT = timedelta(seconds=30)
#: Seconds between two looks at what the calendar brings due.
_LOOK = 20.0


def run(app: Flask, stop: threading.Event) -> None:
    """Do what is due, again and again, until `stop` is set.

    Survives outages of database and mail.
    """
    postman, calendar = delivery.Postman(sleep=stop.wait), Calendar()
    last_beat = time.monotonic() - _BEAT.total_seconds()
    with app.app_context():
        while not stop.is_set():
            try:
                if time.monotonic() - last_beat >= _BEAT.total_seconds():
                    outbox.beat(now=now())
                    last_beat = time.monotonic()
                busy = turn(postman, stop)
                busy |= calendar.turn(now())
            except Exception as trouble:  # whatever it was: mail must go on
                told = _told(trouble)
                log.error(
                    "a turn of the clock has failed; trying again soon%s",
                    f": {told}" if told else "",
                    exc_info=None if told else trouble,
                )
                db.session.rollback()
                stop.wait(AFTER_TROUBLE)
            else:
                if not busy:
                    stop.wait(IDLE)
        postman.close()


def _told(trouble: Exception) -> str | None:
    """What an operator can do about all of it; None if any of it is a fault of ours."""
    parts = trouble.exceptions if isinstance(trouble, ExceptionGroup) else (trouble,)
    told = [in_words(part) if isinstance(part, DBAPIError) else None for part in parts]
    return None if None in told else told[0]


class Calendar:
    """What days and hours bring due: reminders, follow-ups, erasures, old lists, the digest."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._next_look = 0.0
        self._digest_of = ""
        self._swept_on: date | None = None

    def turn(self, moment: datetime) -> bool:
        """Do what is due, if it is time to look; whether there is more to do."""
        if self._ticks() < self._next_look:
            return False
        reminded, told, erased, *_ = each(
            lambda: reminders.send_due(now=moment),
            lambda: openings.tell_due(now=moment),
            lambda: retention.erase_due(now=moment),
            lambda: imports.forget_old(now=moment),
            lambda: self._send_digest(moment),
            lambda: self._sweep(moment),
        )
        written = reminded + told + erased
        db.session.remove()
        if not written:
            self._next_look = self._ticks() + _LOOK
        return bool(written)

    def _sweep(self, moment: datetime) -> None:
        if moment.date() != self._swept_on:
            pictures.sweep(now=moment)
            self._swept_on = moment.date()

    def _send_digest(self, moment: datetime) -> None:
        day = digests.due_on(moment)
        if day is not None and day != self._digest_of:
            digests.send(day, now=moment)
            self._digest_of = day


def turn(postman: delivery.Postman, stop: threading.Event) -> bool:
    """One turn of the loop; whether there was anything to do."""
    done = each(
        lambda: answering.end_holds(now=now()),
        lambda: capacity.fill_all(now=now()),
        lambda: announcements.spread(now=now()),
        lambda: mailings.release_due(now=now()),
        lambda: _deliver(postman, stop),
    )
    db.session.remove()
    return any(done)


def _deliver(postman: delivery.Postman, stop: threading.Event) -> bool:
    claimed = [] if postman.rests(now()) else claims.claim(now=now())
    postman.deliver(claimed, now=now(), stopping=stop.is_set)
    return bool(claimed) and not postman.rests(now())


def each(*steps: Callable[[], Any]) -> list[Any]:
    """What each step gives. One that fails keeps no other from its turn.

    Raises an ExceptionGroup of what failed, after the last.
    """
    given, failed = [], []
    for step in steps:
        try:
            given.append(step())
        except Exception as problem:
            db.session.rollback()
            failed.append(problem)
    if failed:
        raise ExceptionGroup("not all that was due could be done", failed)
    return given
