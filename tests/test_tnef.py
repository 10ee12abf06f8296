"""Answers of Outlook in a winmail.dat, written here as MS-OXTNEF says."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from registration import imip, inbox, tnef
from registration.database import db
from registration.imip import Reply
from registration.models import RsvpStatus
from registration.tnef import Answer
from tests.conftest import NOW
from tests.factories import make_option, make_rsvp

MEETING = UUID("6ed8da90-450b-101b-98da-00aa003f1305")
APPOINTMENT = UUID("00062002-0000-0000-c000-000000000046")
KEYWORDS = UUID("00020329-0000-0000-c000-000000000046")
UID = "0123456789abcdef0123456789abcdef@example.org"
LONG, BOOLEAN, TIME, TEXT, OCTETS = 0x03, 0x0B, 0x40, 0x1F, 0x102
SEVERAL_TEXTS, SEVERAL_SHORTS = 0x101F, 0x1002
MINUTE = timedelta(minutes=1)


def attribute(level: int, identifier: int, value: bytes) -> bytes:
    head = struct.pack("<BII", level, identifier, len(value))
    return head + value + struct.pack("<H", sum(value) & 0xFFFF)


def padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)


def sized(*values: bytes) -> bytes:
    each = (struct.pack("<I", len(value)) + padded(value) for value in values)
    return struct.pack("<I", len(values)) + b"".join(each)


def plain(kind: int, identifier: int, value: bytes) -> bytes:
    return struct.pack("<HH", kind, identifier) + value


def named(kind: int, of: UUID, name: int | str, value: bytes) -> bytes:
    if isinstance(name, str):
        text = name.encode("utf-16-le") + b"\0\0"
        about = struct.pack("<II", 1, len(text)) + padded(text)
    else:
        about = struct.pack("<II", 0, name)
    return struct.pack("<HH", kind, 0x8001) + of.bytes_le + about + value


def object_id(uid: str = UID, *, day: bytes = bytes(4)) -> bytes:
    made = b"vCal-Uid\x01\0\0\0" + uid.encode() + b"\0"
    head = bytes.fromhex("040000008200e00074c5b7101a82e008") + day + bytes(16)
    return head + struct.pack("<I", len(made)) + made


def winmail(
    message_class: str = "IPM.Schedule.Meeting.Resp.Neg",
    *more: bytes,
    meeting: bytes = object_id(),
) -> bytes:
    """An answer as Outlook encloses it, among other things that are no matter of it."""
    answered = NOW - datetime(1601, 1, 1, tzinfo=UTC)
    properties = [
        plain(TEXT, 0x0037, sized("Declined: Ünïted\0".encode("utf-16-le"))),
        plain(BOOLEAN, 0x0023, struct.pack("<HH", 1, 0)),
        plain(SEVERAL_SHORTS, 0x6000, struct.pack("<IHHHH", 3, 1, 2, 3, 0)),
        named(SEVERAL_TEXTS, KEYWORDS, "Keywords", sized(b"a\0\0\0", b"b\0c\0\0\0")),
        named(LONG, APPOINTMENT, 0x8201, struct.pack("<I", 2)),
        named(OCTETS, MEETING, 0x03, sized(meeting)),
        named(TIME, MEETING, 0x01, struct.pack("<Q", answered // MINUTE * 60 * 10**7)),
        *more,
    ]
    listed = struct.pack("<I", len(properties)) + b"".join(properties)
    return b"".join(
        [
            struct.pack("<IH", 0x223E9F78, 1),
            attribute(1, 0x00089006, struct.pack("<I", 0x00010000)),
            attribute(1, 0x00069007, struct.pack("<II", 1252, 0)),
            attribute(1, 0x00078008, message_class.encode() + b"\0"),
            attribute(1, 0x00069003, listed),
            # Of something that is enclosed.
            attribute(2, 0x00069002, b"no matter 1234"),
            attribute(2, 0x00078008, b"IPM.Schedule.Meeting.Resp.Pos\0"),
        ]
    )


def mail(content: bytes, sender: str) -> bytes:
    """A mail around it, as Exchange writes one."""
    return (
        f"From: Amina <{sender}>\r\nTo: calendar@example.org\r\nSubject: Declined\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="a"\r\n\r\n--a\r\n'
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n\r\n--a\r\n"
        'Content-Type: application/ms-tnef; name="winmail.dat"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
        f"{base64.encodebytes(content).decode()}\r\n--a--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("message_class", "partstat"),
    [
        ("IPM.Schedule.Meeting.Resp.Pos", "ACCEPTED"),
        ("IPM.Schedule.Meeting.Resp.Tent", "TENTATIVE"),
        ("IPM.Schedule.Meeting.Resp.Neg", "DECLINED"),
        ("IPM.Microsoft Schedule.MtgRespP", "ACCEPTED"),
        ("IPM.Microsoft Schedule.MtgRespA", "TENTATIVE"),
        ("IPM.Microsoft Schedule.MtgRespN", "DECLINED"),
    ],
)
def test_says_what_was_answered_to_which_entry_and_when(message_class: str, partstat: str):
    assert tnef.read(winmail(message_class)) == Answer(UID, partstat, 2, NOW)


def test_holds_nothing_that_no_database_keeps():
    """NUL in a text, and numbers and moments beyond all bounds."""
    far = named(TIME, MEETING, 0x01, b"\xff" * 8)
    high = named(LONG, APPOINTMENT, 0x8201, b"\xff" * 4)
    content = winmail("Resp.Neg", far, high, meeting=object_id(f"{UID}\0more"))
    assert tnef.read(content) == Answer(UID, "DECLINED", 2**31 - 1, None)


def test_another_time_or_one_day_of_several_is_for_people():
    assert tnef.read(winmail()).is_odd is False  # type: ignore[union-attr]
    proposes = named(BOOLEAN, APPOINTMENT, 0x8257, struct.pack("<HH", 1, 0))
    one_day = object_id(day=bytes.fromhex("07ea0c06"))
    for content in (winmail("Resp.Tent", proposes), winmail(meeting=one_day)):
        found = tnef.read(content)
        assert found is not None
        assert found.is_odd


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no winmail.dat",
        winmail("IPM.Note"),
        winmail("IPM.Schedule.Meeting.Request"),
        winmail(meeting=b""),
        winmail(meeting=object_id()[:30]),
        winmail(meeting=b"x" + object_id()[1:]),
        winmail(meeting=object_id().replace(b"vCal-Uid", b"Outlook!")),
        winmail("Resp.Neg", plain(0x7777, 1, b"")),  # a type that is none
        winmail("Resp.Neg", plain(0x1003, 1, b"\xff\xff\xff\xff")),  # far more than there are
        winmail("Resp.Neg", plain(OCTETS, 1, b"\xff\xff\xff\xff")),
    ],
)
def test_whatever_else_is_in_such_a_file_is_no_answer(content: bytes):
    assert tnef.read(content) is None


@given(
    at=st.integers(0, len(winmail()) - 1),
    octets=st.binary(min_size=1, max_size=8),
    end=st.integers(0, len(winmail())),
)
def test_nothing_breaks_it(at: int, octets: bytes, end: int):
    content = winmail()
    for broken in (content[:at] + octets + content[at + len(octets) :], content[:end]):
        found = tnef.read(broken)
        assert found is None or found.partstat in ("ACCEPTED", "TENTATIVE", "DECLINED")


def test_a_no_in_outlooks_own_format_ends_the_rsvp(app: Flask):
    rsvp = make_rsvp(make_option(), email="amina@example.org")
    content = winmail(meeting=object_id(rsvp.ical_uid))
    assert inbox.read(mail(content, "thief@example.org"), authserv="", now=NOW) == 0
    (reply,) = imip.read(mail(content, "Amina@Example.org"))
    assert (reply.attendee, reply.sender) == ("amina@example.org", "amina@example.org")
    assert inbox.read(mail(content, "amina@example.org"), authserv="", now=NOW) == 1
    db.session.refresh(rsvp)
    assert rsvp.status is RsvpStatus.CANCELLED


@pytest.mark.parametrize(
    "marked", [b"application/ms-tnef", b'application/octet-stream; name="WINMAIL.DAT"']
)
def test_it_is_known_by_its_type_or_its_name_and_doubted_as_any_other(marked: bytes):
    proposes = named(BOOLEAN, APPOINTMENT, 0x8257, struct.pack("<HH", 1, 0))
    content = winmail("IPM.Schedule.Meeting.Resp.Tent", proposes)
    raw = mail(content, "amina@example.org")
    raw = raw.replace(b'application/ms-tnef; name="winmail.dat"', marked)
    raw = b"Authentication-Results: mx.example.org; dmarc=fail\r\n" + raw
    (reply,) = imip.read(raw, authserv="mx.example.org")
    assert reply == Reply(
        uid=UID, attendee="amina@example.org", sender="amina@example.org", partstat="TENTATIVE",
        digest=reply.digest, fails_dmarc=True, sequence=2, stamped_at=NOW, is_odd=True,
    )  # fmt: skip
