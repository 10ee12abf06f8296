"""A mailbox on the loopback interface that speaks as much IMAP as reading it takes."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """What the server does not do; its text says why."""


class Mailbox(socketserver.ThreadingTCPServer):
    """Mails by number in INBOX, and the numbers of those that were moved to Processed.

    `prefix` stands before the names of all mailboxes but INBOX; a server that is full copies
    nothing; it gives out nothing of the mails that are `unreadable`, and breaks off instead of
    answering a command so often as `breaks` says.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mails: list[bytes]) -> None:
        self.mails = dict(enumerate(mails, 1))
        self.processed: list[int] = []
        self.flags: dict[int, set[str]] = {number: set() for number in self.mails}
        self.prefix = ""
        self.is_full = False
        self.signed_in: list[str] = []  # as SASL PLAIN has it
        self.unreadable: set[int] = set()
        self.breaks: dict[str, int] = {}
        super().__init__(("127.0.0.1", 0), _Session)

    def answer(self, command: str, rest: list[str]) -> bytes:
        """What comes before the line that says that it is done. Raises Refused."""
        number = int(rest[0]) if rest and rest[0].isdecimal() else 0
        if command == "SEARCH":
            found = [number for number in sorted(self.mails) if self._has(number, rest)]
            return b"* SEARCH %s\r\n" % " ".join(map(str, found)).encode()
        if command == "FETCH":
            assert "PEEK" in " ".join(rest)
            if number in self.unreadable:
                raise Refused("[SERVERBUG] try later")
            mail = self.mails[number]
            return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (number, len(mail), mail)
        if command == "COPY":
            if self.is_full or rest[1].strip('"') != f"{self.prefix}Processed":
                raise Refused("[OVERQUOTA] full" if self.is_full else "[TRYCREATE] no such mailbox")
            self.processed.append(number)
        elif command == "STORE":
            self.flags[number].add(rest[2].strip("()").removeprefix("\\").upper())
        elif command == "EXPUNGE":
            for gone in [number for number in self.mails if "DELETED" in self.flags[number]]:
                del self.mails[gone]
        elif command == "SELECT":
            return b"* %d EXISTS\r\n" % len(self.mails)
        elif command == "NAMESPACE":
            return b'* NAMESPACE (("%s" ".")) NIL NIL\r\n' % self.prefix.encode()
        elif command == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 NAMESPACE\r\n"
        return b""

    def _has(self, number: int, wanted: list[str]) -> bool:
        flags = self.flags[number] | {"ALL"}
        return all((word.removeprefix("UN") in flags) is (word[:2] != "UN") for word in wanted)


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, command, *rest = line.decode().split()
            if command.upper() == "UID":
                command, *rest = rest
            command = command.upper()
            if self.server.breaks.get(command, 0):
                self.server.breaks[command] -= 1
                return
            if command == "AUTHENTICATE":
                self.wfile.write(b"+ \r\n")
                self.server.signed_in.append(base64.b64decode(self.rfile.readline()).decode())
            try:
                done = self.server.answer(command, rest)
                self.wfile.write(done + f"{tag} OK done\r\n".encode())
            except Refused as why:
                self.wfile.write(f"{tag} NO {why}\r\n".encode())
            if command == "LOGOUT":
                return


@contextmanager
def mailbox(*mails: bytes, tls: ssl.SSLContext | None = None) -> Iterator[tuple[Mailbox, str]]:
    """A mailbox with these mails, and its address."""
    with Mailbox([mail.replace(b"\n", b"\r\n") for mail in mails]) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        # How often it looks whether it is to end: a mailbox is opened for one test.
        often = {"poll_interval": 0.01}
        threading.Thread(target=server.serve_forever, kwargs=often, daemon=True).start()
        host, port = server.server_address[:2]
        yield server, f"imap{'s' if tls else ''}://calendar:secret@{host}:{port}/INBOX"
        server.shutdown()
