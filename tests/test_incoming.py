"""Mail that is written to be slow to read."""

from __future__ import annotations

import pytest

from registration import bounces, imip
from registration.incoming import message_of

MUCH = 200_000


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: text/plain; " + "a=b; " * MUCH,
        "Content-Type: multipart/mixed" + ";" * MUCH,
        "Content-Disposition: attachment" + ';"' * MUCH,
        "Subject: one line" + "\r\n and another" * MUCH,
    ],
)
def test_no_more_of_a_header_is_read_than_anybody_needs(header: str) -> None:
    raw = f"From: a@example.org\r\n{header}\r\n\r\nHello\r\n".encode()
    assert max(len(value) for _name, value in message_of(raw).items()) <= 8 * 1024
    assert imip.read(raw) == []
    assert bounces.read(raw) is None


def test_a_header_of_a_part_is_no_longer_either() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain'
    message = message_of(raw + b"; a=b" * MUCH + b"\r\n\r\nHello\r\n--b--\r\n")
    inner = message.get_payload()
    assert isinstance(inner, list)
    assert len(inner[0]["Content-Type"]) <= 8 * 1024


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ('dmarc=pass reason="dmarc=fail"', imip.Dmarc.PASS),
        (r'reason="a \" quote; dmarc=fail" dmarc=pass', imip.Dmarc.PASS),
        ('reason="never closed; dmarc=fail', imip.Dmarc.FAIL),
        ('"' + '\\"' * 3000 + " dmarc=fail", imip.Dmarc.FAIL),
    ],
)
def test_what_is_quoted_says_nothing_and_a_quote_without_an_end_is_none(
    results: str, found: imip.Dmarc
) -> None:
    message = message_of(f"Authentication-Results: mx.example.org; {results}\r\n\r\n".encode())
    assert imip._dmarc(message, "mx.example.org") is found
