"""Which worker has a mail, and what became of it.

A mail is claimed by making it not due for a while, so that a worker that dies needs no cleanup:
another one takes the mail when it is due again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from flask import current_app
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from registration.database import db, transaction
from registration.models import MailState, OutboxMail
from registration.smtp import Broken, NotTaken

#: How long a claimed mail is nobody else's. Half of it over, a worker gives back what it has not
#: begun.
CLAIM = timedelta(minutes=10)
#: Pauses before the second try, the third, and so on; the last one repeats.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]
#: After a mail could not go for so long it is tried no more.
GIVE_UP = timedelta(days=3)

_ENDED = (
    update(OutboxMail)
    .where(OutboxMail.id == bindparam("mail_id"))
    .values(
        state=bindparam("state"), ended_at=bindparam("ended_at"), last_error=bindparam("last_error")
    )
)


def claim(*, now: datetime, limit: int = 50) -> list[int]:
    """Take due mails for the caller alone, oldest first; none while no server is configured.

    A mail to thousands goes when nothing else does: nobody's confirmation waits behind it. Mails
    that have been tried before are a fifth at most and go last: however many fail at once, and
    however slowly, they hold up no other.
    """
    if not current_app.config["MAIL_SERVER"]:
        return []
    taken: list[int] = []
    mailed, announced = OutboxMail.mailing_id, OutboxMail.announcement_id
    alone = and_(mailed.is_(None), announced.is_(None))
    among_many = or_(mailed.is_not(None), announced.is_not(None))
    for queue in (alone, among_many):
        if len(taken) < limit:
            taken += _take(queue, now, limit - len(taken))
    return taken


def _take(queue: ColumnElement[bool], now: datetime, limit: int) -> list[int]:
    due = select(OutboxMail.id, OutboxMail.attempts).where(
        _is_waiting(), OutboxMail.due_at <= now, queue
    )
    db.session.rollback()
    if db.session.execute(due.limit(1)).first() is None:
        # The usual case; it asks for no lock.
        return []
    with transaction():
        oldest = _locked(due, limit)
        tried = sorted(mail_id for mail_id, attempts in oldest if attempts)
        fresh = sorted(mail_id for mail_id, attempts in oldest if not attempts)
        most = math.ceil(limit / 5)
        if len(tried) > most:  # the others may stand behind them
            tried = tried[:most]
            rest = _locked(due.where(OutboxMail.attempts == 0), limit - most)
            fresh = sorted(mail_id for mail_id, _attempts in rest)
        db.session.execute(
            update(OutboxMail)
            .where(OutboxMail.id.in_([*fresh, *tried]))
            .values(due_at=now + CLAIM, attempts=OutboxMail.attempts + 1)
            .execution_options(synchronize_session=False)
        )
        return [*fresh, *tried]


def _is_waiting() -> ColumnElement[bool]:
    """That a mail waits, so said that SQLite goes by the index of due mails.

    It takes an index of some rows only where the condition is written out, without a parameter.
    And by itself it believes that few mails are in any one state: it would find all that wait by
    that, and sort them for each batch.
    """
    waiting = OutboxMail.state == literal(
        MailState.WAITING, OutboxMail.state.type, literal_execute=True
    )
    return func.likely(waiting) if db.engine.dialect.name == "sqlite" else waiting


def _locked(due: Select[int, int], limit: int) -> Sequence[Row[int, int]]:
    """The oldest of the mails that are due, with how often each was tried.

    Workers on PostgreSQL pass each other's rows; SQLite has one writer anyway. The UPDATE after it
    names the rows that were locked: with the SELECT inside it PostgreSQL may run that more than
    once, and take more than the limit.
    """
    oldest = due.order_by(OutboxMail.due_at, OutboxMail.id).limit(limit)
    return db.session.execute(oldest.with_for_update(skip_locked=True)).all()


class Notes:
    """What became of mails, each written for good before the next one goes.

    PostgreSQL gets one statement a mail, on a connection that is kept for the batch. A second one
    takes its place if the server was started anew meanwhile: to write the same again is no harm.
    """

    def __init__(self) -> None:
        self._kept: Connection | None = None

    def end(self, mail_id: int, state: MailState, now: datetime, *, error: str = "") -> None:
        """Commit what became of a mail; on a connection alone, since nothing else is kept."""
        values = {
            "mail_id": mail_id,
            "state": state,
            "ended_at": now,
            "last_error": error[:500],
        }
        db.session.rollback()
        if db.engine.dialect.name != "postgresql":
            options = {"writing": True}
            with db.engine.connect().execution_options(**options) as each, each.begin():
                each.execute(_ENDED, values)
            return
        try:
            self._connection().execute(_ENDED, values)
        except DBAPIError as trouble:
            if not trouble.connection_invalidated:
                raise
            self._forget()
            self._connection().execute(_ENDED, values)

    def _connection(self) -> Connection:
        if self._kept is None:
            self._kept = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._kept

    def _forget(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.invalidate()
            kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_trouble: object) -> None:
        """Give the connection back as it was."""
        if self._kept is not None:
            self._kept.close()


def failed(mail_id: int, trouble: Broken | NotTaken, now: datetime) -> None:
    """Try again later what was put off or broken off (4xx), and give up what was refused (5xx)."""
    is_final = isinstance(trouble, NotTaken) and trouble.is_final
    with transaction():
        row = db.session.get(OutboxMail, mail_id)
        if row is None or row.state is not MailState.WAITING:
            return
        row.last_error = str(trouble)[:500]
        row.failing_since = row.failing_since or now
        if is_final or now - row.failing_since >= GIVE_UP:
            row.state, row.ended_at = MailState.FAILED, now
        else:
            row.due_at = now + pause_before(row.attempts + 1, mail_id)


def give_back(mail_ids: Sequence[int], now: datetime, trouble: Exception | None = None) -> None:
    """Let mails that were claimed and not tried be due again; or give up after three days.

    The days begin with the first `trouble`: what was written while no worker ran has its time.
    """
    with transaction():
        ours = (OutboxMail.id.in_(mail_ids), OutboxMail.state == MailState.WAITING)
        values: dict[Any, Any] = {"due_at": now, "attempts": OutboxMail.attempts - 1}
        if trouble is not None:
            values["last_error"] = str(trouble)[:500]
            values["failing_since"] = func.coalesce(OutboxMail.failing_since, now)
            db.session.execute(
                update(OutboxMail)
                .where(*ours, OutboxMail.failing_since <= now - GIVE_UP)
                .values(state=MailState.FAILED, ended_at=now, last_error=values["last_error"])
            )
        db.session.execute(update(OutboxMail).where(*ours).values(values))


def put_off(mail_id: int, until: datetime) -> None:
    """Let a mail that was claimed and not tried be due again at a later time."""
    with transaction():
        db.session.execute(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id, OutboxMail.state == MailState.WAITING)
            .values(due_at=until, attempts=OutboxMail.attempts - 1)
            .execution_options(synchronize_session=False)
        )


def pause_before(attempt: int, mail_id: int) -> timedelta:
    """How long to wait before an attempt (2 is the first repeat), spread over the mails."""
    pause = PAUSES[min(attempt - 2, len(PAUSES) - 1)]
    return pause * (1 + (mail_id * 7919 % 100) / 500)
