"""Answers to meetings as Outlook encloses them in winmail.dat (MS-OXTNEF, MS-OXOCAL).

Exchange writes iCalendar to others, unless it is told otherwise or a contact is marked as one that
gets Outlook's own format: then the answer is in the file alone. Only what an answer says is read:
its class, the meeting's identifier, its number and when it was given. Knows nothing of Flask.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

_SIGNATURE = 0x223E9F78
_OF_MESSAGE = 1
_CLASS, _PROPERTIES = 0x00078008, 0x00069003
#: PARTSTAT by the end of the message class, also as the oldest programs write it.
_PARTSTATS = {
    "resp.pos": "ACCEPTED",
    "resp.tent": "TENTATIVE",
    "resp.neg": "DECLINED",
    "mtgrespp": "ACCEPTED",
    "mtgrespa": "TENTATIVE",
    "mtgrespn": "DECLINED",
}
_MEETING = UUID("6ed8da90-450b-101b-98da-00aa003f1305")
_APPOINTMENT = UUID("00062002-0000-0000-c000-000000000046")
# MS-OXPROPS: PidLidGlobalObjectId, PidLidAttendeeCriticalChange, PidLidAppointmentSequence and
# PidLidAppointmentCounterProposal.
_OBJECT_ID, _ANSWERED_AT = (_MEETING, 0x03), (_MEETING, 0x01)
_SEQUENCE, _COUNTERS = (_APPOINTMENT, 0x8201), (_APPOINTMENT, 0x8257)
#: Octets of the types that have as many in every value, and stand in steps of four.
_SIZES = {0x02: 2, 0x0B: 2, 0x03: 4, 0x04: 4, 0x0A: 4, 0x48: 16} | dict.fromkeys(
    (0x05, 0x06, 0x07, 0x14, 0x40), 8
)
_SIZED_EACH = (0x0D, 0x1E, 0x1F, 0x102)  # objects, texts, octets
_SEVERAL = 0x1000
_NAMED = 0x8000
_ID_HEAD = bytes.fromhex("040000008200e00074c5b7101a82e008")
#: What precedes the UID of a calendar that is not Outlook's (MS-OXOCAL, 2.2.1.27).
_THIRD_PARTY = b"vCal-Uid\x01\x00\x00\x00"

Name = tuple[UUID, int]


@dataclass(frozen=True)
class Answer:
    """What somebody said to a meeting."""

    uid: str
    partstat: str
    sequence: int | None = None
    answered_at: datetime | None = None
    is_odd: bool = False  # another time is proposed, or it is about one day of several


def read(content: bytes) -> Answer | None:
    """The answer in a winmail.dat; None if it holds anything else, or is not whole."""
    try:
        found = dict(_attributes(content))
        properties = dict(_named(found.get(_PROPERTIES, b"")))
        meeting = _meeting_of(properties.get(_OBJECT_ID, b""))
    except (struct.error, UnicodeDecodeError, ValueError):
        return None
    message_class = found.get(_CLASS, b"").rstrip(b"\0").decode("ascii", "replace").lower()
    said = [partstat for end, partstat in _PARTSTATS.items() if message_class.endswith(end)]
    if meeting is None or not said:
        return None
    uid, is_of_one_day = meeting
    return Answer(
        uid=uid,
        partstat=said[0],
        sequence=_number(properties.get(_SEQUENCE, b"")),
        answered_at=_moment(properties.get(_ANSWERED_AT, b"")),
        is_odd=is_of_one_day or bool(_number(properties.get(_COUNTERS, b""))),
    )


class _Octets:
    """Octets that are read from the front; struct.error where they end too early."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def __bool__(self) -> bool:
        return self._at < len(self._content)

    def take(self, number: int) -> bytes:
        taken = self._content[self._at : self._at + number]
        if len(taken) != number:
            raise struct.error("it ends too early")
        self._at += number
        return taken

    def padded(self, number: int) -> bytes:
        """So many, and those that fill them up to four."""
        taken = self.take(number)
        self.take(-number % 4)
        return taken

    def number(self, octets: int = 4) -> int:
        return int.from_bytes(self.take(octets), "little")


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of the message itself (MS-OXTNEF, 2.1.3)."""
    octets = _Octets(content)
    if octets.number() != _SIGNATURE:
        return
    octets.take(2)
    while octets:
        level, identifier = octets.number(1), octets.number()
        value = octets.take(octets.number())
        octets.take(2)  # a checksum: what carries a mail keeps it whole
        if level == _OF_MESSAGE:
            yield identifier, value


def _named(content: bytes) -> Iterator[tuple[Name, bytes]]:
    """The properties whose names are a set and a number, of one value (MS-OXTNEF, 2.1.3.4)."""
    if not content:
        return
    octets = _Octets(content)
    for _ in range(octets.number()):
        kind, identifier = octets.number(2), octets.number(2)
        name = None
        if identifier >= _NAMED:
            of, is_text = UUID(bytes_le=octets.take(16)), octets.number()
            if is_text:
                octets.padded(octets.number())
            else:
                name = of, octets.number()
        values = list(_values(kind, octets))
        if name and len(values) == 1:
            yield name, values[0]


def _values(kind: int, octets: _Octets) -> Iterator[bytes]:
    plain = kind & ~_SEVERAL
    if plain in _SIZED_EACH:
        for _ in range(octets.number()):
            yield octets.padded(octets.number())
    elif plain not in _SIZES:
        raise ValueError(f"{kind:#06x} is no type")
    elif kind & _SEVERAL:
        octets.padded(octets.number() * _SIZES[plain])
    else:
        yield octets.padded(_SIZES[plain])


def _meeting_of(identifier: bytes) -> tuple[str, bool] | None:
    """The UID in a GlobalObjectId, and whether it is about one day of several.

    None for a meeting of Outlook's own making.
    """
    if not identifier:
        return None
    octets = _Octets(identifier)
    if octets.take(16) != _ID_HEAD:
        return None
    day = octets.take(4)
    octets.take(8 + 8)  # when it was made, and nothing
    uid = octets.take(octets.number())
    if not uid.startswith(_THIRD_PARTY):
        return None
    return uid.removeprefix(_THIRD_PARTY).partition(b"\0")[0].decode(), any(day)


def _number(value: bytes) -> int | None:
    """A number that is not negative."""
    return int.from_bytes(value[:4], "little") & 0x7FFFFFFF if value else None


def _moment(value: bytes) -> datetime | None:
    """A FILETIME: steps of 100 nanoseconds since 1601."""
    try:
        since = timedelta(microseconds=int.from_bytes(value[:8], "little") // 10)
        return datetime(1601, 1, 1, tzinfo=UTC) + since if value else None
    except OverflowError:
        return None
