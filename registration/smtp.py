"""One kept SMTP connection, and what a server's answer means for a mail. Knows no database."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

#: Seconds without a word after which a kept connection is asked whether it is still there.
_QUIET = 5.0
_CLOSING = 421  # RFC 5321, 4.2.3: the server closes; it says nothing about the mail at hand
_SIZE = (452, 552)  # RFC 1870, 6: no room for this mail; a smaller one may find some


class Unreachable(Exception):
    """No mail can be given to the server now: it is not there, or it takes none from us."""


class Broken(Exception):
    """The server broke off over one mail, which may or may not have arrived."""


class NotTaken(Exception):
    """The server does not take this mail: `is_final` (5xx), or it may be tried again (4xx)."""

    def __init__(self, code: int, words: bytes) -> None:
        self.code = code
        self.is_final = 500 <= code < 600
        super().__init__(f"{code} {words.decode('utf-8', 'replace')}".strip())


@dataclass(frozen=True)
class Server:
    """Where mail is handed over. `ca_file` stands in for the system's certificate authorities."""

    host: str
    port: int
    starttls: bool = False
    tls: bool = False
    username: str = ""
    password: str = ""
    timeout: float = 30.0
    ca_file: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The server that the settings MAIL_… name."""
        return cls(
            host=config["MAIL_SERVER"],
            port=config["MAIL_PORT"],
            starttls=config["MAIL_USE_TLS"],
            tls=config["MAIL_USE_SSL"],
            username=config["MAIL_USERNAME"] or "",
            password=config["MAIL_PASSWORD"] or "",
            timeout=config["MAIL_TIMEOUT"],
            ca_file=config["MAIL_CA_FILE"],
        )


class Line:
    """A connection that is opened when a mail is sent, and kept for the next."""

    def __init__(self, server: Server, ticks: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._ticks = ticks
        self._host: smtplib.SMTP | None = None
        self._last_word = 0.0

    def send(self, sender: str, recipient: str, content: bytes) -> None:
        """Hand one mail over; returns once the server has taken it.

        Both addresses stand alone and are ASCII, as `mailboxes.ascii_address` makes them.
        Raises Unreachable, Broken or NotTaken. A kept connection that turns out to be dead before
        the mail was given is replaced unseen.
        """
        kept = self._host is not None and self._is_alive()
        try:
            self._give(self._opened(), sender, recipient, content)
        except _BrokenEarly as broken:
            self._drop()
            if not kept:
                raise Broken(str(broken)) from broken
            try:
                self._give(self._opened(), sender, recipient, content)
            except _BrokenEarly as again:
                self._drop()
                raise Broken(str(again)) from again
        self._last_word = self._ticks()

    def greet(self) -> None:
        """Open the connection as for a mail, and give none. Raises Unreachable."""
        self._opened()

    def close(self) -> None:
        """Say goodbye, as far as the server listens."""
        host, self._host = self._host, None
        if host is not None:
            try:
                host.quit()
            except (smtplib.SMTPException, OSError):
                host.close()

    def _opened(self) -> smtplib.SMTP:
        """The connection: secured, and signed in. Raises Unreachable."""
        if self._host is None:
            try:
                self._host = self._open()
            except smtplib.SMTPResponseException as refused:
                said = refused.smtp_error
                words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
                raise Unreachable(f"{refused.smtp_code} {words}") from refused
            except (OSError, smtplib.SMTPException, ValueError) as trouble:
                raise Unreachable(str(trouble)) from trouble
        return self._host

    def _open(self) -> smtplib.SMTP:
        server = self._server
        context = None
        if server.tls or server.starttls:  # to read all authorities takes a while
            context = ssl.create_default_context(cafile=server.ca_file or None)
        host: smtplib.SMTP
        if server.tls:
            host = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout, context=context
            )
        else:
            host = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        try:
            if host.sock is not None:
                # Short commands go at once instead of waiting for the answer to the last.
                host.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server.starttls:
                host.starttls(context=context)
            if server.username:
                _sign_in(host, server.username, server.password)
            host.ehlo_or_helo_if_needed()
        except BaseException:
            host.close()
            raise
        return host

    def _is_alive(self) -> bool:
        """Ask a connection that has been quiet for a while; a dead one is dropped."""
        if self._host is None or self._ticks() - self._last_word < _QUIET:
            return self._host is not None
        try:
            alive = self._host.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            alive = False
        if not alive:
            self._drop()
        return alive

    def _give(self, host: smtplib.SMTP, sender: str, recipient: str, content: bytes) -> None:
        """One mail transaction (RFC 5321, 3.3), in two journeys where the server pipelines."""
        try:
            answers = self._introduce(host, sender, recipient, len(content))
        except (smtplib.SMTPServerDisconnected, OSError) as broken:
            raise _BrokenEarly(str(broken)) from broken
        self._judge(host, *answers)
        # A message begins with a header, so that a line with a dot comes after a line end.
        body = content.replace(b"\n.", b"\n..")
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        try:
            host.send(body + b".\r\n")
            code, words = host.getreply()
        except (smtplib.SMTPServerDisconnected, OSError) as broken:
            self._drop()
            raise Broken(str(broken)) from broken
        if code == _CLOSING:
            self._drop()
            raise Broken(f"{code} {words.decode('utf-8', 'replace')}")
        if code != 250:
            self._reset()
            raise NotTaken(code, words)

    def _introduce(
        self, host: smtplib.SMTP, sender: str, recipient: str, size: int
    ) -> list[tuple[int, bytes]]:
        """The server's answers to MAIL, RCPT and DATA, as far as they were asked."""
        sized = f" size={size}" if host.has_extn("size") else ""
        commands = [
            f"mail FROM:<{sender}>{sized}\r\n",
            f"rcpt TO:<{recipient}>\r\n",
            "data\r\n",
        ]
        if host.has_extn("pipelining"):
            host.send("".join(commands))
            return [host.getreply() for _ in commands]
        answers = []
        for command in commands:
            host.send(command)
            answers.append(host.getreply())
            if answers[-1][0] >= 400:
                break
        return answers

    def _judge(self, host: smtplib.SMTP, *answers: tuple[int, bytes]) -> None:
        """Go on only if sender, recipient and DATA were taken."""
        refused = next((answer for answer in answers if answer[0] >= 400), None)
        if refused is None:
            return
        code, words = refused
        if code == _CLOSING:
            self._drop()
            told = f"{code} {words.decode('utf-8', 'replace')}"
            # Some close so on one recipient, again and again: the others must not wait behind it.
            raise Unreachable(told) if refused is answers[0] else Broken(told)
        if answers[-1][0] == 354:
            # It waits for the content although it refused the recipient: give it none.
            self._drop()
        else:
            self._reset()
        if refused is answers[0] and code not in _SIZE:
            # Not about this mail: nobody's mail would be taken from this sender now.
            raise Unreachable(f"{code} {words.decode('utf-8', 'replace')}")
        raise NotTaken(code, words)

    def _reset(self) -> None:
        """Leave no half-given mail behind."""
        if self._host is not None:
            try:
                if self._host.rset()[0] != 250:
                    self._drop()
            except (smtplib.SMTPException, OSError):
                self._drop()

    def _drop(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            host.close()


def _sign_in(host: smtplib.SMTP, username: str, password: str) -> None:
    """Sign in as the server likes best. The library knows names and passwords in ASCII alone."""
    if (username + password).isascii():
        host.login(username, password)
        return
    host.ehlo_or_helo_if_needed()
    both = base64.b64encode(f"\0{username}\0{password}".encode()).decode("ascii")  # RFC 4616
    code, words = host.docmd("AUTH", f"PLAIN {both}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, words)


class _BrokenEarly(Exception):
    """The connection broke before the mail's content was given: it has not arrived."""
