"""The VEVENTs of a calendar that somebody else's program has written (RFC 5545).

Tolerant of what real calendars write: lines may end in LF, properties may be missing, and a zone
may have the name that Windows has for it. Knows nothing of Flask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

# A content line: name, parameters of which quoted ones may hold anything, value.
_LINE = re.compile(
    r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)'
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:])*)')
_STAMP = re.compile(r"(\d{8})T(\d{6})Z?$")


@dataclass
class Vevent:
    """The lines of a VEVENT, but for those of what is nested in it."""

    lines: dict[str, list[tuple[dict[str, str], str]]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The first line of that name, as it is written; empty if there is none."""
        return next((value.strip() for _parameters, value in self.lines.get(name, [])), "")

    def moment(self, name: str) -> datetime | None:
        """A time that says which instant it is: in UTC, or in a zone that is known by its name."""
        parameters = next((parameters for parameters, _value in self.lines.get(name, [])), {})
        text = self.text(name)
        at, zone = stamp(text), _zone(parameters.get("TZID", "UTC" if text[-1:] == "Z" else ""))
        # Near the ends of the calendar a zone's offset leads beyond them.
        if at is None or zone is None or not 1970 <= at.year < 3000:
            return None
        return at.replace(tzinfo=zone).astimezone(UTC)


def parse(content: str) -> tuple[str, list[Vevent]]:
    """METHOD and the VEVENTs of a calendar; nothing of what cannot be understood."""
    unfolded = re.sub(r"\r?\n[ \t]", "", content.removeprefix("\ufeff"))
    method, entries = "", list[Vevent]()
    nested: list[str] = []
    for text in re.split("\r\n?|\n", unfolded):
        found = _LINE.match(text)
        if found is None:
            continue
        name, value = found[1].upper(), found[3]
        if name == "BEGIN":
            nested.append(value.strip().upper())
            if nested[1:] == ["VEVENT"]:
                entries.append(Vevent())
        elif name == "END":
            nested = nested[:-1]
        elif name == "METHOD" and nested == ["VCALENDAR"]:
            method = value.strip().upper()
        elif nested == ["VCALENDAR", "VEVENT"]:
            parameters = {
                key.upper(): text.replace('"', "") for key, text in _PARAMETER.findall(found[2])
            }
            entries[-1].lines.setdefault(name, []).append((parameters, value))
    return method, entries


def unescaped(text: str) -> str:
    """A value of type TEXT as it was typed (RFC 5545, section 3.3.11)."""
    return re.sub(r"\\([nN\\;,])", lambda found: "\n" if found[1] in "nN" else found[1], text)


def stamp(text: str) -> datetime | None:
    """A time of day on a date, taken for UTC; None if it is anything else."""
    found = _STAMP.match(text)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _zone(name: str) -> ZoneInfo | None:
    """A zone by its name in the zone database, or by the one that Windows has for it."""
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name)) if name else None
    except (ValueError, OSError, LookupError):
        return None
