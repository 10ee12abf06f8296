"""How a list was written as text: in which encoding, and what separates its cells."""

from __future__ import annotations

import codecs
import csv
import io
import re

_SEPARATORS = (",", ";", "\t", "|")


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding, as well as bytes can tell."""
    for mark, codec, name in (
        (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
        (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    ):
        if content.startswith(mark):
            return content.decode(codec, "replace"), name
    sample = content[:4096]
    if sample.count(0) > len(sample) // 4:
        # Latin letters in UTF-16 have a zero in every other byte: which one tells the order.
        order = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
        return content.decode(order, "replace"), "UTF-16"
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        if _looks_like_mac(content):
            return content.decode("mac_roman"), "Mac Roman"
        return content.decode("cp1252", "replace"), "Windows-1252"


def _looks_like_mac(content: bytes) -> bool:
    """Whether the letters beyond ASCII stand where Mac Roman has them.

    There accented letters are 0x80 to 0x9F, where Windows-1252 has punctuation and holes; here
    they are 0xC0 to 0xFF, where Mac Roman has signs. Only those beside plain letters count, and
    not the quotation marks and dashes that Windows writes there.
    """
    beside = re.findall(
        rb"(?<=[A-Za-z])[\x80-\x9f\xc0-\xff]|[\x80-\x9f\xc0-\xff](?=[a-z])", content
    )
    mac = sum(1 for byte in beside if byte < b"\xa0" and byte not in b"\x91\x92\x93\x94\x96\x97")
    return mac > sum(1 for byte in beside if byte >= b"\xc0")


def separator_of(text: str) -> str:
    """What separates the cells: the sign that cuts most rows into the same number of cells."""
    first = text[:64].splitlines()[0].strip() if text.strip() else ""
    said = re.fullmatch(r"sep=(.)", first, re.IGNORECASE)
    if said and said[1] in _SEPARATORS:
        return said[1]
    best, best_score = ",", (0.0, 0)
    for separator in _SEPARATORS:
        widths = []
        try:
            for row in csv.reader(io.StringIO(text[:65_536], newline=""), delimiter=separator):
                if any(row):
                    widths.append(len(row))
                if len(widths) == 60:
                    break
        except csv.Error:
            continue
        if not widths or (width := max(widths, key=widths.count)) < 2:
            continue
        score = (widths.count(width) / len(widths), width)
        if score > best_score:
            best, best_score = separator, score
    return best
