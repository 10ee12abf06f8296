"""A calendar that follows its mail, as RFC 5546 says; it knows nothing of our code."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import vobject


@dataclass(frozen=True)
class CalendarEntry:
    """What a person sees in their calendar."""

    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str
    partstat: str


@dataclass
class _Known:
    sequence: int
    stamp: datetime
    entry: CalendarEntry | None  # none: cancelled; the UID and its SEQUENCE are remembered


@dataclass
class CalendarClient:
    """The calendar of one person, fed with mails in any order and any number of times.

    Of two messages with the same UID the one with the higher SEQUENCE holds, and with the same
    SEQUENCE the one with the later DTSTAMP (RFC 5546, 2.1.5). Mail for others is no matter of it.
    """

    address: str
    known: dict[str, _Known] = field(default_factory=dict)

    def receive(self, content: bytes) -> None:
        """Read one mail; without a calendar part it changes nothing."""
        message = message_from_bytes(content, policy=SMTP)
        assert isinstance(message, EmailMessage)
        for part in message.walk():
            if part.get_content_type() == "text/calendar":
                self._apply(part.get_param("method"), part.get_content())

    def _apply(self, method: object, text: str) -> None:
        calendar = vobject.readOne(text)
        assert calendar.method.value == method
        (vevent,) = calendar.vevent_list
        (attendee,) = vevent.attendee_list
        assert attendee.value.lower() == f"mailto:{self.address}"
        uid, sequence = vevent.uid.value, int(vevent.sequence.value)
        stamp = vevent.dtstamp.value
        before = self.known.get(uid)
        if before is not None and (before.sequence, before.stamp) > (sequence, stamp):
            return
        if method == "REQUEST":
            assert vevent.status.value == "CONFIRMED"
            entry = CalendarEntry(
                starts_at=vevent.dtstart.value,
                ends_at=vevent.dtend.value,
                summary=vevent.summary.value,
                location=vevent.location.value if hasattr(vevent, "location") else "",
                partstat=attendee.params["PARTSTAT"][0],
            )
            self.known[uid] = _Known(sequence, stamp, entry)
        else:
            assert (method, vevent.status.value) == ("CANCEL", "CANCELLED")
            self.known[uid] = _Known(sequence, stamp, None)

    @property
    def entries(self) -> list[CalendarEntry]:
        """What stands in the calendar now."""
        return [known.entry for known in self.known.values() if known.entry is not None]
