"""QR codes of addresses: for a page, for a mail, for paper."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any

import zxingcpp

#: Modules of white around a code (ISO/IEC 18004, 9.1).
QUIET_ZONE = 4
_DARK_RUN = re.compile(rb"\0+")
_AS_DIGITS = b"0" + b"1" * 255


def modules(text: str) -> list[bytes]:
    """The code row by row, a byte a module: 0 is dark. A seventh of it may be unreadable."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    picture: Any = code.to_image(add_quiet_zones=False)  # a buffer, which its type does not say
    side, plain = picture.shape[0], bytes(picture)
    return [plain[start : start + side] for start in range(0, side * side, side)]


def svg(text: str) -> str:
    """The code as an element for a page, without quiet zone, in the colour of the text.

    Hidden from who listens to the page: beside it stands what it says.
    """
    rows = modules(text)
    runs = (
        f"M{run.start()} {y}.5h{run.end() - run.start()}"
        for y, row in enumerate(rows)
        for run in _DARK_RUN.finditer(row)
    )
    return (
        f'<svg viewBox="0 0 {len(rows)} {len(rows)}" aria-hidden="true">'
        f'<path stroke="currentColor" d="{"".join(runs)}"/></svg>'
    )


def png(text: str, *, scale: int) -> bytes:
    """The code with its quiet zone as a PNG, `scale` pixels a module and one bit a pixel."""
    rows = modules(text)
    side = (len(rows) + 2 * QUIET_ZONE) * scale
    margin, dark, light = "1" * (QUIET_ZONE * scale), "0" * scale, "1" * scale
    blank = b"\0" + b"\xff" * ((side + 7) // 8)
    lines = [blank * (QUIET_ZONE * scale)]
    for row in rows:
        plain = row.translate(_AS_DIGITS).decode()
        bits = margin + plain.replace("0", dark).replace("1", light)
        bits = bits.ljust(-side % 8 + side, "1")
        lines.append((b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")) * scale)
    lines.append(lines[0])
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
