"""Mail that is written to be slow to read."""

from __future__ import annotations

import base64

import pytest

from registration import bounces, imip
from registration.incoming import MOST_PARTS, TooManyParts, message_of

MUCH = 200_000
MIXED = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'


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
    raw = MIXED + b"--b\r\nContent-Type: text/plain"
    message = message_of(raw + b"; a=b" * MUCH + b"\r\n\r\nHello\r\n--b--\r\n")
    inner = message.get_payload()
    assert isinstance(inner, list)
    assert len(inner[0]["Content-Type"]) <= 8 * 1024


@pytest.mark.parametrize(
    ("results", "fails"),
    [
        ('dmarc=pass reason="dmarc=fail"', False),
        (r'reason="a \" quote; dmarc=fail" dmarc=pass', False),
        ('reason="never closed; dmarc=fail', True),
        ('"' + '\\"' * 3000 + " dmarc=fail", True),
    ],
)
def test_what_is_quoted_says_nothing_and_a_quote_without_an_end_is_none(
    results: str, fails: bool
) -> None:
    message = message_of(f"Authentication-Results: mx.example.org; {results}\r\n\r\n".encode())
    assert imip._fails_dmarc(message, "mx.example.org") is fails


REPORT = (
    b"Message-ID: <report@mx.example.org>\r\nIn-Reply-To: <sent@events.example.org>\r\n"
    b'Content-Type: multipart/report; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: message/delivery-status\r\n%b\r\n%b\r\n--b--\r\n"
)


def test_a_mail_of_more_parts_than_anybody_sends_is_none_of_ours() -> None:
    many = (REPORT % (b"", b"\r\n" * 2 * MOST_PARTS), MIXED + b"--b\r\n\r\n" * 2 * MOST_PARTS)
    for raw in many:
        with pytest.raises(TooManyParts):
            message_of(raw)
        assert bounces.read(raw) is None
        assert imip.read(raw) == []


def test_a_report_of_many_addresses_is_read() -> None:
    late = b"Action: delayed\r\n\r\n" * (MOST_PARTS // 2)
    found = bounces.read(REPORT % (b"", late + b"Action: failed\r\nStatus: 5.1.1\r\n"))
    assert found == bounces.Bounce("<sent@events.example.org>", "5.1.1")


def test_no_more_of_a_report_is_read_than_anybody_writes_however_it_is_encoded() -> None:
    late = b"Action: delayed\n\n" * MOST_PARTS
    written = base64.encodebytes(late + b"Action: failed\n")
    assert bounces.read(REPORT % (b"Content-Transfer-Encoding: base64\r\n", written)) is None
    written = base64.encodebytes(late[: len(late) // 2] + b"Action: failed\n")
    assert bounces.read(REPORT % (b"Content-Transfer-Encoding: base64\r\n", written)) is not None


def test_a_sender_in_comments_without_an_end_is_nobody() -> None:
    assert imip.read(b"From: " + b"(" * 8000 + b"\r\n\r\nHello\r\n") == []
