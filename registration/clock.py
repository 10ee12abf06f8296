"""The clock's door: one loop that does what time brings due."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from flask import Flask
from sqlalchemy.exc import DBAPIError

from registration import capacity, outbox, rsvps
from registration.database import db
from registration.times import now

log = logging.getLogger(__name__)

#: Seconds between two looks while nothing is due, and after a database error.
IDLE, AFTER_TROUBLE = 1.0, 5.0
_BEAT = timedelta(seconds=30)


def run(app: Flask, stop: threading.Event) -> None:
    """Deliver mail, end holds and fill free seats until `stop` is set.

    Survives outages of database and mail.
    """
    postman = outbox.Postman()
    last_beat = time.monotonic() - _BEAT.total_seconds()
    with app.app_context():
        while not stop.is_set():
            try:
                if time.monotonic() - last_beat >= _BEAT.total_seconds():
                    outbox.beat(now=now())
                    last_beat = time.monotonic()
                busy = turn(postman)
            except DBAPIError:
                log.exception("the database does not answer; trying again soon")
                db.session.rollback()
                stop.wait(AFTER_TROUBLE)
            else:
                if not busy:
                    stop.wait(IDLE)
        postman.close()


def turn(postman: outbox.Postman, *, limit: int = 20) -> bool:
    """One turn of the loop; whether there was anything to do.

    A batch is small, so that a worker asked to stop does so soon.
    """
    ended = rsvps.end_holds(now=now())
    filled = capacity.fill_all(now=now())
    claimed = outbox.claim(now=now(), limit=limit)
    postman.deliver(claimed, now=now())
    db.session.remove()
    return bool(ended or filled or claimed)
