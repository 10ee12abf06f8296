"""A mail server that takes everything and keeps one line of each mail, or behaves badly.

Run as `python -m tests.benchmarks.smtp_sink PORT FOLDER`. It writes `Message-ID recipient` to
FOLDER/taken for each mail that it said OK to, and reads in FOLDER/mode how to behave: `take`,
`defer`, `refuse`, `drop` (the connection, in DATA) or `hang`. It pipelines, as servers do.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


class Sink:
    """The server, as its folder says."""

    def __init__(self, folder: Path) -> None:
        self._mode = folder / "mode"
        self._taken = (folder / "taken").open("a", buffering=1)

    def mode(self) -> str:
        """How to behave now."""
        try:
            return self._mode.read_text().strip() or "take"
        except FileNotFoundError:
            return "take"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            writer.write(b"220 sink\r\n")
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            if word == b"EHLO":
                writer.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif word == b"MAIL":
                if self.mode() == "hang":
                    await asyncio.sleep(600)
                writer.write(b"250 ok\r\n")
            elif word == b"RCPT":
                recipient = line.decode().partition("<")[2].partition(">")[0]
                writer.write(b"250 ok\r\n")
            elif word == b"DATA":
                writer.write(b"354 go on\r\n")
                mode = self.mode()
                if mode == "drop":
                    await reader.readline()
                    return
                mail = await reader.readuntil(b"\r\n.\r\n")
                writer.write(self._answer(mode, mail, recipient))
            else:
                writer.write(b"250 ok\r\n")

    def _answer(self, mode: str, mail: bytes, recipient: str) -> bytes:
        if mode == "defer":
            return b"451 later\r\n"
        if mode == "refuse":
            return b"554 no\r\n"
        head = mail.partition(b"\r\n\r\n")[0].lower()
        number = head.partition(b"message-id:")[2].split()[0].decode()
        self._taken.write(f"{number} {recipient}\n")
        return b"250 taken\r\n"


async def main() -> None:
    """Serve until killed."""
    sink = Sink(Path(sys.argv[2]))
    server = await asyncio.start_server(sink.serve, "127.0.0.1", int(sys.argv[1]), limit=2**24)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
