"""A mailbox on the loopback interface that speaks as much IMAP as reading it takes."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Mailbox(socketserver.ThreadingTCPServer):
    """Mails by number in INBOX, and the numbers of those that were moved to Processed."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mails: list[bytes]) -> None:
        self.mails = dict(enumerate(mails, 1))
        self.processed: list[int] = []
        self._marked: set[int] = set()
        super().__init__(("127.0.0.1", 0), _Session)

    def expunge(self) -> None:
        for number in self._marked:
            self.mails.pop(number, None)

    def answer(self, command: str, rest: list[str]) -> bytes:
        """What comes before the line that says that it is done."""
        number = int(rest[0]) if rest and rest[0].isdecimal() else 0
        if command == "SEARCH":
            return b"* SEARCH %s\r\n" % " ".join(map(str, sorted(self.mails))).encode()
        if command == "FETCH":
            assert "PEEK" in " ".join(rest)
            mail = self.mails[number]
            return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (number, len(mail), mail)
        if command == "COPY":
            self.processed.append(number)
        elif command == "STORE":
            self._marked.add(number)
        elif command == "EXPUNGE":
            self.expunge()
        elif command == "SELECT":
            return b"* %d EXISTS\r\n" % len(self.mails)
        elif command == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n"
        return b""


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, command, *rest = line.decode().split()
            if command.upper() == "UID":
                command, *rest = rest
            done = self.server.answer(command.upper(), rest)
            self.wfile.write(done + f"{tag} OK done\r\n".encode())
            if command.upper() == "LOGOUT":
                return


@contextmanager
def mailbox(*mails: bytes, tls: ssl.SSLContext | None = None) -> Iterator[tuple[Mailbox, str]]:
    """A mailbox with these mails, and its address."""
    with Mailbox([mail.replace(b"\n", b"\r\n") for mail in mails]) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        yield server, f"imap{'s' if tls else ''}://calendar:secret@{host}:{port}/INBOX"
        server.shutdown()
