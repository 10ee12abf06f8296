"""Links that people enter: what is the address of a page on the web, and what only looks so."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import idna
from flask_babel import gettext

_UNFIT = re.compile(r"[\s\x00-\x1f\x7f-\x9f\\<>\"]")
# Underscores are in no name of a host (RFC 1123, 2.1), but in many that lead somewhere.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_LONGEST_HOST = 253
_LONGEST_SHOWN = 200
_BRACKETED = re.compile(r"\[[0-9a-fA-F:.]+\](?::[0-9]+)?")


class LinkRefused(Exception):
    """What is no link to the web; its text says how to put it right."""


def check(text: str, *, schemes: tuple[str, ...] = ("http", "https")) -> None:
    """Raise LinkRefused unless it is a full web address: a scheme, a host, perhaps a port.

    The host is a name, also one with letters outside ASCII (RFC 5891), or a number; there is
    nobody before an @, since `https://bank.example@evil.example` leads to the second of the two.
    """
    if not _is_web(text, schemes):
        raise LinkRefused(gettext("Enter a full web address, like https://example.org/page"))


def check_in_text(addresses: Iterable[str]) -> None:
    """Raise LinkRefused, with the address, if one of these links of a text leads to no page."""
    for address in addresses:
        try:
            check(address)
        except LinkRefused as refusal:
            raise LinkRefused(
                gettext(
                    "The link to “%(address)s” leads nowhere. %(what_to_do)s",
                    address=address if len(address) <= _LONGEST_SHOWN else f"{address[:60]}…",
                    what_to_do=refusal,
                )
            ) from refusal


def _is_web(text: str, schemes: tuple[str, ...]) -> bool:
    if _UNFIT.search(text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # brackets that hold no IPv6 address, or a port beyond the last
        return False
    return (
        parts.scheme in schemes
        and "@" not in parts.netloc
        and not parts.netloc.endswith(":")
        and port != 0
        and _is_host(parts)
    )


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        return bool(_BRACKETED.fullmatch(parts.netloc)) and _is_number(host)
    try:
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return False
    labels = host.removesuffix(".").split(".")
    # Browsers take whatever ends in a number for an IPv4 address (WHATWG URL, 3.5).
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        return _is_number(host)
    return len(host) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
