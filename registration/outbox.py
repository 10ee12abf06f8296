"""The outbox: delivery of mails, and what staff do with them.

A mail is claimed by making it not due for a while, so that a worker that dies needs no cleanup:
another one takes the mail when it is due again. No transaction is open while SMTP is spoken.
"""

from __future__ import annotations

import logging
import secrets
import smtplib
import socket
import ssl
import time
from datetime import datetime, timedelta

import flask_mail
from flask import current_app
from flask_mail import Mail
from sqlalchemy import ColumnElement, delete, func, select, update

from registration import rendering
from registration.database import db, transaction
from registration.mime import CalendarMessage
from registration.models import MailState, OutboxMail, WorkerHeartbeat

log = logging.getLogger(__name__)
mail = Mail()

#: How long a claimed mail is nobody else's. Longer than SMTP may hang.
CLAIM = timedelta(minutes=5)
#: Pauses before the second try, the third, and so on; the last one repeats.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]
#: After this long nothing is tried any more.
GIVE_UP = timedelta(days=3)
#: A worker that has not been heard of for this long is stale.
STALE = timedelta(minutes=2)


class ServerUnreachable(Exception):
    """The mail server cannot be spoken to; the mails wait."""


class KeptConnection(flask_mail.Connection):  # type: ignore[misc]  # untyped to mypy
    """Flask-Mail's connection with a time limit, and with certificates that are checked."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, secure and sign in as Flask-Mail's settings say."""
        state = self.mail
        limit = current_app.config["MAIL_TIMEOUT"]
        context = ssl.create_default_context()
        host: smtplib.SMTP
        if state.use_ssl:
            host = smtplib.SMTP_SSL(state.server, state.port, timeout=limit, context=context)
        else:
            host = smtplib.SMTP(state.server, state.port, timeout=limit)
        if state.use_tls:
            host.starttls(context=context)
        if state.username and state.password:
            host.login(state.username, state.password)
        return host


class Postman:
    """Delivers mails over one SMTP connection that is kept from batch to batch."""

    def __init__(self) -> None:
        self._connection: KeptConnection | None = None

    def deliver(self, mail_ids: list[int], *, now: datetime) -> int:
        """Deliver claimed mails; how many went.

        At a server that cannot be reached the rest waits, its attempts uncounted.
        """
        sent = 0
        for number, mail_id in enumerate(mail_ids):
            message = _rendered(mail_id, now)
            if message is None:
                continue
            try:
                self._send(message)
            except ServerUnreachable as trouble:
                self.close()
                _put_back(mail_ids[number:], trouble, now)
                log.warning("the mail server cannot be reached: %s", trouble)
                break
            except smtplib.SMTPException as refusal:
                _refused(mail_id, refusal, now)
            else:
                _end(mail_id, MailState.SENT, now)
                sent += 1
            _keep_rate()
        return sent

    def _send(self, message: CalendarMessage) -> None:
        """Send over the kept connection; over a new one where the old has died meanwhile."""
        fresh = self._connection is None
        try:
            self._connect().send(message)
        except (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError, OSError) as broken:
            self.close()
            if fresh:
                raise ServerUnreachable(str(broken)) from broken
            try:
                self._connect().send(message)
            except (smtplib.SMTPServerDisconnected, OSError) as again:
                raise ServerUnreachable(str(again)) from again
        except smtplib.SMTPResponseException as answer:
            # 421: the server closes; what it says is not about this mail.
            if answer.smtp_code == 421:
                raise ServerUnreachable(str(answer)) from answer
            self._reset()
            raise
        except smtplib.SMTPRecipientsRefused:
            self._reset()
            raise

    def _connect(self) -> KeptConnection:
        if self._connection is None:
            connection = KeptConnection(current_app.extensions["mail"])
            try:
                connection.__enter__()
            except (OSError, smtplib.SMTPException, ssl.SSLError) as trouble:
                raise ServerUnreachable(str(trouble)) from trouble
            self._connection = connection
        return self._connection

    def _reset(self) -> None:
        """Leave no half-given mail behind on the kept connection."""
        if self._connection is not None and self._connection.host is not None:
            try:
                self._connection.host.rset()
            except (smtplib.SMTPException, OSError):
                self.close()

    def close(self) -> None:
        """Say goodbye, as far as the server listens."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.host is not None:
            try:
                connection.host.quit()
            except (smtplib.SMTPException, OSError):
                connection.host.close()


def claim(*, now: datetime, limit: int = 50) -> list[int]:
    """Take due mails for the caller alone, oldest first; none while no server is configured.

    A mailing to thousands goes when nothing else does: nobody's confirmation waits behind it.
    """
    if not current_app.config["MAIL_SERVER"]:
        return []
    with transaction():
        taken = _take(OutboxMail.mailing_id.is_(None), now, limit)
        if len(taken) < limit:
            taken += _take(OutboxMail.mailing_id.is_not(None), now, limit - len(taken))
        return taken


def _take(which: ColumnElement[bool], now: datetime, limit: int) -> list[int]:
    due = (
        select(OutboxMail.id)
        .where(OutboxMail.state == MailState.WAITING, OutboxMail.due_at <= now, which)
        .order_by(OutboxMail.due_at, OutboxMail.id)
        .limit(limit)
        # Workers on PostgreSQL pass each other's rows; SQLite has one writer anyway.
        .with_for_update(skip_locked=True)
    )
    taken = db.session.scalars(
        update(OutboxMail)
        .where(
            OutboxMail.id.in_(due.scalar_subquery()),
            OutboxMail.state == MailState.WAITING,
            OutboxMail.due_at <= now,
        )
        .values(due_at=now + CLAIM, attempts=OutboxMail.attempts + 1)
        .returning(OutboxMail.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(taken)


def _rendered(mail_id: int, now: datetime) -> CalendarMessage | None:
    """The message of a claimed mail; None if it has ended meanwhile or cannot be rendered."""
    row = db.session.get(OutboxMail, mail_id, populate_existing=True)
    try:
        if row is None or row.state is not MailState.WAITING:
            return None
        return rendering.render(row, now=now)
    except Exception as trouble:  # one bad row must not stop the others
        number = secrets.token_hex(4)
        log.exception("mail %s cannot be rendered (error %s)", mail_id, number)
        _end(mail_id, MailState.FAILED, now, error=f"cannot be rendered: {trouble} ({number})")
        return None
    finally:
        # The database must not wait for SMTP.
        db.session.rollback()


def _refused(mail_id: int, refusal: smtplib.SMTPException, now: datetime) -> None:
    """Try again later what was put off (4xx), and give up what was refused (5xx)."""
    code, text = _answer_of(refusal)
    with transaction():
        row = db.session.get_one(OutboxMail, mail_id)
        row.last_error = f"{code} {text}"[:500]
        if 500 <= code < 600 or now - row.created_at >= GIVE_UP:
            row.state, row.ended_at = MailState.FAILED, now
        else:
            row.due_at = now + pause_before(row.attempts + 1, mail_id)


def _put_back(mail_ids: list[int], trouble: Exception, now: datetime) -> None:
    """Let mails that were claimed and not tried wait a minute, or give up after three days."""
    with transaction():
        ours = OutboxMail.id.in_(mail_ids)
        waits = OutboxMail.state == MailState.WAITING
        db.session.execute(
            update(OutboxMail)
            .where(ours, waits, OutboxMail.created_at <= now - GIVE_UP)
            .values(state=MailState.FAILED, ended_at=now, last_error=str(trouble)[:500])
        )
        db.session.execute(
            update(OutboxMail)
            .where(ours, waits)
            .values(
                due_at=now + PAUSES[0],
                attempts=OutboxMail.attempts - 1,
                last_error=str(trouble)[:500],
            )
        )


def _end(mail_id: int, state: MailState, now: datetime, *, error: str = "") -> None:
    db.session.rollback()
    with transaction():
        db.session.execute(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id)
            .values(state=state, ended_at=now, last_error=error[:500])
        )


def _answer_of(refusal: smtplib.SMTPException) -> tuple[int, str]:
    """Code and words of the server's answer; 450 where it gave none."""
    words: bytes | str
    if isinstance(refusal, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(refusal.recipients.values()))
    elif isinstance(refusal, smtplib.SMTPResponseException):
        code, words = refusal.smtp_code, refusal.smtp_error
    else:
        code, words = 450, str(refusal)
    return code, words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def pause_before(attempt: int, mail_id: int) -> timedelta:
    """How long to wait before an attempt (2 is the first repeat), spread over the mails."""
    pause = PAUSES[min(attempt - 2, len(PAUSES) - 1)]
    return pause * (1 + (mail_id * 7919 % 100) / 500)


def _keep_rate() -> None:
    per_minute = current_app.config["MAIL_PER_MINUTE"]
    if per_minute:
        time.sleep(60 / per_minute)


def resend(*, mail_id: int, now: datetime) -> None:
    """Try a mail once more at once: one that failed, or one that waits for its next try."""
    with transaction():
        row = db.session.get_one(OutboxMail, mail_id)
        if row.state in (MailState.FAILED, MailState.WAITING):
            row.state, row.due_at, row.ended_at, row.attempts = MailState.WAITING, now, None, 0


def withdraw(*, mail_id: int, now: datetime) -> bool:
    """Take back a mail that has not gone; False if it is too late."""
    with transaction():
        taken = db.session.scalar(
            update(OutboxMail)
            .where(
                OutboxMail.id == mail_id,
                OutboxMail.state == MailState.WAITING,
                # One that a worker holds at this moment may be on its way.
                OutboxMail.due_at <= now,
            )
            .values(state=MailState.WITHDRAWN, ended_at=now)
            .returning(OutboxMail.id)
        )
        return taken is not None


def beat(*, now: datetime) -> None:
    """Note that this machine's worker is alive."""
    with transaction():
        name = socket.gethostname()
        row = db.session.get(WorkerHeartbeat, name) or WorkerHeartbeat(name=name)
        row.at = now
        db.session.add(row)
        db.session.execute(
            delete(WorkerHeartbeat).where(WorkerHeartbeat.at < now - timedelta(days=7))
        )


def is_stale(now: datetime) -> bool:
    """Whether no worker has been heard of lately."""
    last = db.session.scalar(select(func.max(WorkerHeartbeat.at)))
    return last is None or last < now - STALE


def trouble(now: datetime) -> str | None:
    """What staff must know: "no_server", "stale" or "failing"; None while all is well."""
    if not current_app.config["MAIL_SERVER"]:
        return "no_server"
    if is_stale(now):
        return "stale"
    late = select(OutboxMail.id).where(
        OutboxMail.state == MailState.WAITING,
        OutboxMail.last_error != "",
        OutboxMail.created_at < now - timedelta(minutes=10),
    )
    return "failing" if db.session.scalar(late.limit(1)) else None
