"""Addresses as they go over the wire: the envelope, headers and calendar parts."""

from __future__ import annotations

import re

import idna

# What would end the address, or begin something else.
_UNFIT = re.compile("[\\s<>\\x00-\\x1f\\x7f\\x85\\u2028\\u2029\\ud800-\\udfff]")


def ascii_address(address: str) -> str:
    """An address with its domain as A-labels (RFC 5891).

    Raises ValueError if the part before the @ is not ASCII: few servers take such mail.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or _UNFIT.search(address.strip()):
        raise ValueError(f"not an email address: {address!r}")
    if not local.isascii():
        raise ValueError(f"letters outside ASCII before the @ cannot be mailed: {address!r}")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}@{domain}"
