"""Mail servers that tests send to, each as well or as badly behaved as it is told."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """What a server took, and how it behaves.

    Maps from a recipient say what it answers: to RCPT, after DATA, or that it breaks the
    connection in DATA. `breaks` and `answers` count down, so that a later try succeeds.
    """

    refuses: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[str]] = field(default_factory=dict)
    breaks: dict[str, int] = field(default_factory=dict)
    sender_answer: str = ""
    password: str = "right"
    hangs: bool = False
    pipelines: bool = False  # says that it takes commands before it has answered the last
    goes_on: bool = False  # and asks for the content of a mail whose recipient it has refused
    taken: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    greeted: set[int] = field(default_factory=set)
    protocols: list[Any] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    wanted: int = 0  # `reached` is set when so many mails have been taken
    reached: threading.Event = field(default_factory=threading.Event)
    server: Any = None
    loop: Any = None

    @property
    def connections(self) -> int:
        """How many connections have said hello."""
        return len(self.greeted)

    def hang_up(self) -> None:
        """Close the latest connection, without a word."""
        closed = threading.Event()

        def close() -> None:
            self.server.transport.close()
            self.loop.call_soon(closed.set)

        self.loop.call_soon_threadsafe(close)
        closed.wait()

    def close_all(self) -> None:
        """Let no connection outlive the server."""
        for protocol in self.protocols:
            if protocol.transport is not None:
                protocol.transport.abort()

    def messages(self) -> list[EmailMessage]:
        """What was taken, parsed."""
        parsed = [message_from_bytes(content, policy=SMTP) for content in self.taken]
        assert all(isinstance(message, EmailMessage) for message in parsed)
        return parsed  # type: ignore[return-value]

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted.add(id(server))
        session.host_name = hostname
        return [responses[0], *["250-PIPELINING"] * self.pipelines, *responses[1:]]

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        answer = self.refuses.get(address, "250 OK")
        if self.goes_on or address not in self.refuses:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        recipient = envelope.rcpt_tos[0]
        if self.hangs:
            await asyncio.sleep(3600)
        if self.breaks.get(recipient, 0):
            self.breaks[recipient] -= 1
            server.transport.close()
            return "250 nobody hears this"
        if self.answers.get(recipient):
            return self.answers[recipient].pop(0)
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        self.recipients.extend(envelope.rcpt_tos)
        if len(self.taken) >= self.wanted:
            self.reached.set()
        self.secured.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"

    def sign_in(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        """One password is right."""
        assert isinstance(given, LoginPassword)
        is_right = (given.login, given.password) == (b"robot", self.password.encode())
        if is_right:
            self.signed_in.append(given.login.decode())
        return AuthResult(success=is_right, handled=False)


@contextmanager
def serving(
    mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, port: int = 0, **options: Any
) -> Iterator[int]:
    """Serve a mailbox on a port of its own until the block ends; gives the port."""
    loop = asyncio.new_event_loop()
    mailbox.loop = loop

    def protocol() -> smtp.SMTP:
        mailbox.server = smtp.SMTP(mailbox, loop=loop, hostname="localhost", **options)
        mailbox.protocols.append(mailbox.server)
        return mailbox.server

    server = loop.run_until_complete(
        loop.create_server(protocol, "127.0.0.1", port, ssl=tls, reuse_address=True)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        mailbox.close_all()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
