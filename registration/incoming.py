"""Mail that comes, as the standard library reads it, however it is written."""

from __future__ import annotations

import email
import itertools
from email.message import Message
from email.policy import Compat32
from typing import Any

#: What is read of a header. The library takes parameters apart in the square of their length: one
#: mail could keep who reads it for hours, at each visit to the mailbox, with all that came after.
_LONGEST_HEADER = 8 * 1024

#: How many parts a mail may have, each block of a report on its delivery one of them: the library
#: takes a blank line in one for a part, and a mail of nothing else would keep it for a minute.
MOST_PARTS = 1000


class TooManyParts(RecursionError):
    """A mail of more parts than anybody sends, behind each other and not only in each other."""


class _ShortHeaders(Compat32):
    """The library's usual policy, which reads no more of a header than anybody needs."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


_POLICY = _ShortHeaders()


def message_of(raw: bytes) -> Message:
    """The mail in these octets.

    Raises RecursionError where parts are a thousand deep, TooManyParts where they are as many.
    """
    parts = itertools.count()

    def part(**kept: Any) -> Message:
        if next(parts) > MOST_PARTS:
            raise TooManyParts
        return Message(**kept)

    return email.message_from_bytes(raw, part, policy=_POLICY)
