"""Delivery of the outbox: hand each claimed mail over, and note what became of it.

No transaction is open while SMTP is spoken. What became of a mail is committed before the next one
goes, so that a worker that is killed repeats at most one: the one that the server took in that
moment. The repeat has the same Message-ID.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from flask import current_app
from flask_mail import email_dispatched

from registration import departures
from registration.claims import CLAIM, Notes, failed, give_back
from registration.mime import CalendarMessage
from registration.models import MailState
from registration.smtp import Broken, Line, NotTaken, Server, Unreachable

log = logging.getLogger(__name__)

#: Pauses of a worker whose server cannot be reached; the last one repeats.
RESTS = [timedelta(seconds=seconds) for seconds in (5, 15, 30, 60)]
#: Connections that break over one mail after another mean the server, not the mails.
BROKEN_IN_A_ROW = 3
#: Mails rendered before the first of them goes: few, so that a later change finds them unsent.
_CHUNK = 10


class Postman:
    """Delivers mails over one SMTP connection that is kept from batch to batch."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], object] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._ticks = ticks
        self._line: Line | None = None
        self._next_at = 0.0
        self._failures = 0
        self._rests_until: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """Whether the server was out of reach a moment ago: it is not asked in a tight loop."""
        # A clock that was set back meanwhile must not let it rest until yesterday's tomorrow.
        return self._rests_until is not None and now < self._rests_until <= now + RESTS[-1]

    def deliver(
        self,
        mail_ids: Sequence[int],
        *,
        now: datetime,
        stopping: Callable[[], bool] = lambda: False,
    ) -> int:
        """Deliver claimed mails; how many went.

        What is not begun when `stopping` says so, when the server cannot be reached or when half
        of the claim's time is over is given back, its attempts uncounted.
        """
        with Notes() as notes:
            return self._deliver(mail_ids, notes, now, stopping)

    def _deliver(
        self, mail_ids: Sequence[int], notes: Notes, now: datetime, stopping: Callable[[], bool]
    ) -> int:
        sent = broken = done = 0
        began = self._ticks()
        chunk = _CHUNK if not current_app.config["MAIL_PER_MINUTE"] else 1
        for start in range(0, len(mail_ids), chunk):
            going = departures.rendered(mail_ids[start : start + chunk], notes, now)
            for mail_id, message in going:
                if stopping() or self._ticks() - began > CLAIM.total_seconds() / 2:
                    give_back(mail_ids[done:], now)
                    return sent
                trouble = self._send(mail_id, message, notes, now) if message else None
                if trouble is None:
                    broken, sent = 0, sent + bool(message)
                elif isinstance(trouble, Broken):
                    broken += 1
                if isinstance(trouble, Unreachable) or broken == BROKEN_IN_A_ROW:
                    done += isinstance(trouble, Broken)
                    self._rest(now)
                    give_back(mail_ids[done:], now, trouble)
                    log.warning("the mail server cannot be reached: %s", trouble)
                    return sent
                done += 1
        return sent

    def _send(
        self, mail_id: int, message: CalendarMessage, notes: Notes, now: datetime
    ) -> Exception | None:
        """Hand one mail over and note what became of it; what went wrong, if anything did."""
        self._keep_rate()
        try:
            self._open_line().send(
                str(message.sender), str(message.recipients[0]), message.as_bytes()
            )
        except Unreachable as trouble:
            return trouble
        except (Broken, NotTaken) as trouble:
            failed(mail_id, trouble, now)
            return trouble
        notes.end(mail_id, MailState.SENT, now)
        self._failures, self._rests_until = 0, None
        email_dispatched.send(current_app._get_current_object(), message=message)  # type: ignore[attr-defined]
        return None

    def _open_line(self) -> Line:
        if self._line is None:
            self._line = Line(Server.of(current_app.config), self._ticks)
        return self._line

    def _rest(self, now: datetime) -> None:
        self._rests_until = now + RESTS[min(self._failures, len(RESTS) - 1)]
        self._failures += 1

    def _keep_rate(self) -> None:
        """Wait until the next mail may go, where this worker's mails are limited."""
        per_minute = current_app.config["MAIL_PER_MINUTE"]
        if per_minute:
            wait = self._next_at - self._ticks()
            if wait > 0:
                self._sleep(wait)
            self._next_at = max(self._ticks(), self._next_at) + 60 / per_minute

    def close(self) -> None:
        """Say goodbye to the server."""
        if self._line is not None:
            self._line.close()
