"""The mailbox's door: what calendars answered and what came back, one mail at a time.

A mail comes on standard input, from a mail server that pipes it, or out of a mailbox by IMAP.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import re
import ssl
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from registration import bounces, imip, outbox, replies, speaking

log = logging.getLogger(__name__)

#: How many mails one visit to the mailbox reads.
_MOST = 500
#: How many of each folder's mails tell who signs for our mail server.
_LOOKED_AT = 20
_PATIENCE = 30.0  # seconds for each answer of the server
#: Where mails go that have been read.
_DONE = "Processed"


class MailboxClosed(Exception):
    """A mailbox that cannot be read; its text says why, without the password."""


def read(raw: bytes, *, authserv: str, now: datetime) -> int:
    """Take the replies in a mail; how many counted.

    A report that a mail of ours did not arrive is noted at that mail. All else is left alone.
    """
    raw = raw[: imip.LARGEST_MAIL + 1]  # as a mailbox gives it
    bounce = bounces.read(raw)
    if bounce is not None:
        is_ours = outbox.came_back(message_id=bounce.message_id, said=bounce.said, now=now)
        log.info("a mail that did not arrive: %s", "ours" if is_ours else "nobody's")
        return 0
    taken = 0
    for reply in imip.read(raw, authserv=authserv):
        state = replies.take(reply, now=now)
        is_taken = state is not None or speaking.hear(reply, now=now)
        log.info("a calendar's reply: %s", state or ("a speaker's" if is_taken else "nobody's"))
        taken += is_taken
    return taken


def fetch(url: str, *, authserv: str, now: datetime, ca_file: str = "") -> int:
    """Read the mails of an IMAP mailbox and move them to Processed; how many replies counted.

    A mail is moved once what it said is kept: whatever breaks in between, it is read again, and
    a reply that is known already changes nothing. One that breaks us, or that cannot be moved,
    stays with a flag for people to see: it is tried again when all others have been read, so that
    no number of them stops any other. Raises MailboxClosed.
    """
    with _opened(url, ca_file) as (box, name):
        return _empty(box, name, authserv=authserv, now=now)


def look(url: str, *, ca_file: str = "") -> set[str]:
    """Who signed the Authentication-Results of the last mails there; changes nothing.

    A mail's topmost alone counts: others may have been in it when it came. Raises MailboxClosed.
    """
    with _opened(url, ca_file) as (box, name):
        names = set()
        for folder in (_own(box, _DONE), name):
            if box.select(f'"{folder}"', readonly=True)[0] != "OK":
                continue
            found = box.uid("SEARCH", "ALL")[1]
            for number in (found[0] or b"").split()[-_LOOKED_AT:]:
                wanted = "(BODY.PEEK[HEADER.FIELDS (AUTHENTICATION-RESULTS)])"
                _told, fetched = box.uid("FETCH", number.decode(), wanted)
                raw = next((part[1] for part in fetched if isinstance(part, tuple)), b"")
                names.update(imip.signers(raw)[:1])
        return names


@contextlib.contextmanager
def _opened(url: str, ca_file: str) -> Iterator[tuple[imaplib.IMAP4, str]]:
    """The mailbox's server, signed in, and the mailbox's name. Raises MailboxClosed."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    box: imaplib.IMAP4
    try:
        if parts.scheme == "imaps":
            # By default the library takes any certificate, and gives the password to anybody.
            context = ssl.create_default_context(cafile=ca_file or None)
            port = parts.port or 993
            box = imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=_PATIENCE)
        else:
            box = imaplib.IMAP4(host, parts.port or 143, timeout=_PATIENCE)
    except (imaplib.IMAP4.error, OSError, ValueError) as problem:
        raise MailboxClosed(f"{parts.hostname} does not answer: {problem}") from problem
    try:
        _sign_in(box, unquote(parts.username or ""), unquote(parts.password or ""))
        yield box, unquote(parts.path.strip("/")) or "INBOX"
    except (imaplib.IMAP4.error, OSError) as problem:
        said = problem.args[0] if problem.args else ""
        told = said.decode(errors="replace") if isinstance(said, bytes) else str(problem)
        did = "broke off" if isinstance(problem, imaplib.IMAP4.abort | OSError) else "refuses"
        raise MailboxClosed(f"{parts.hostname} {did}: {told}") from problem
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            box.logout()
        with contextlib.suppress(OSError):
            box.shutdown()  # the library leaves it open where nobody says goodbye


def _sign_in(box: imaplib.IMAP4, username: str, password: str) -> None:
    """Sign in. LOGIN knows ASCII alone (RFC 3501, 6.2.3); other letters go as RFC 4616 says."""
    if (username + password).isascii():
        box.login(username, password)
    else:
        box.authenticate("PLAIN", lambda _asked: f"\0{username}\0{password}".encode())


def _empty(box: imaplib.IMAP4, name: str, *, authserv: str, now: datetime) -> int:
    told, answer = box.select(f'"{name}"')
    if told != "OK":
        raise imaplib.IMAP4.error(answer[0] or f"there is no mailbox {name}")
    done = _own(box, _DONE)
    with contextlib.suppress(imaplib.IMAP4.error):
        box.create(f'"{done}"')
    taken = 0
    for number in _to_read(box):
        try:
            raw = _fetched(box, number)
            if raw is None:
                continue
            taken += read(raw, authserv=authserv, now=now)
            _sure(box.uid("COPY", number, f'"{done}"'))
            box.uid("STORE", number, "+FLAGS", r"(\Deleted)")
        except imaplib.IMAP4.abort:
            raise
        except Exception:
            log.exception("mail %s of the mailbox could not be read or moved", number)
            box.uid("STORE", number, "+FLAGS", r"(\Flagged)")
    box.expunge()
    return taken


def _own(box: imaplib.IMAP4, name: str) -> str:
    """A mailbox's name as this server wants it: some keep all below INBOX (RFC 2342)."""
    with contextlib.suppress(imaplib.IMAP4.error):
        found = re.match(rb'\(\("([^"\\]*)"', box.namespace()[1][0] or b"")
        return (found[1].decode(errors="replace") if found else "") + name
    return name


def _to_read(box: imaplib.IMAP4) -> list[str]:
    """The mails of this visit, by UID: those that have failed before behind all others."""
    numbers: list[str] = []
    for flag in ("UNFLAGGED", "FLAGGED"):
        found = _sure(box.uid("SEARCH", "UNDELETED", flag))
        numbers += (found[0] or b"").decode().split()
    return numbers[:_MOST]


def _fetched(box: imaplib.IMAP4, number: str) -> bytes | None:
    """A mail as far as it is looked at; None if somebody has taken it away meanwhile."""
    # PEEK: a mail that could not be read is not marked as seen.
    found = _sure(box.uid("FETCH", number, f"(BODY.PEEK[]<0.{imip.LARGEST_MAIL + 1}>)"))
    return next((part[1] for part in found if isinstance(part, tuple)), None)


def _sure(answered: tuple[str, list[Any]]) -> list[Any]:
    """What a server gave that did as it was asked; the library is silent where it did not."""
    told, given = answered
    if told != "OK":
        raise imaplib.IMAP4.error(given[0])
    return given
