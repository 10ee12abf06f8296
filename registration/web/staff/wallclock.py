"""Times as staff enter them: what the clock on the wall shows, in the event's own zone.

A time that the clocks skip does not exist; one that they show twice is asked about.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import Form, StringField
from wtforms.widgets import DateTimeLocalInput

from registration import wording
from registration.models import Event

FORMAT = "%Y-%m-%dT%H:%M"
#: The years of events: near the ends of the calendar a zone's offset leads beyond them.
_YEARS = range(1900, 3000)


class MomentField(StringField):  # type: ignore[misc]
    """A day and a time of day. `data` is an aware instant once `resolve` has found no error."""

    widget = DateTimeLocalInput()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo("UTC")
        self.second_time = False  # the later one of two
        self.happens_twice = False
        self._typed = ""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """Take what was typed, and which of two equal times was meant."""
        self.choice = formdata.get(f"{self.name}-fold", "") if formdata else ""
        super().process(formdata, *args, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep the text; the zone is not known yet."""
        self._typed = valuelist[0].strip() if valuelist else ""
        self.data: datetime | None = None

    def _value(self) -> str:
        if self._typed:
            return self._typed
        if isinstance(self.data, datetime):
            return self.data.astimezone(self.zone).strftime(FORMAT)
        return ""

    def show_in(self, zone: ZoneInfo) -> None:
        """Show a saved instant in a zone, and whether its time happens twice."""
        self.zone = zone
        if isinstance(self.data, datetime):
            local = self.data.astimezone(zone)
            self.happens_twice = _happens_twice(local.replace(tzinfo=None), zone)
            self.second_time = bool(local.fold)

    def resolve(self, zone: ZoneInfo) -> bool:
        """Turn what was typed into an instant; False with an error if there is none."""
        self.zone = zone
        if not self._typed:
            return True
        try:
            wall = datetime.strptime(self._typed[:16], FORMAT)  # noqa: DTZ007 - a wall clock
            if wall.year not in _YEARS:
                raise ValueError(wall)
        except ValueError:
            self.errors = [gettext("Enter a day and a time, like 2026-12-06 10:00")]
            return False
        at = wall.replace(tzinfo=zone)
        if _skipped(wall, zone):
            self.errors = [
                gettext(
                    "The clocks in %(zone)s skip this time that day. Choose one an hour later "
                    "or earlier",
                    zone=zone.key,
                )
            ]
            return False
        if _happens_twice(wall, zone):
            self.happens_twice = True
            if self.choice not in ("0", "1"):
                self.errors = [
                    gettext("This time happens twice that day: choose which of the two is meant")
                ]
                return False
            self.second_time = self.choice == "1"
            at = at.replace(fold=int(self.choice))
        # Two times of one zone would be compared by what the clock shows, whichever is meant.
        self.data = at.astimezone(UTC)
        return True

    def twice(self) -> list[tuple[str, str]]:
        """The two times that are meant by the same clock, as a value and a text."""
        wall = self._value()[:16]
        at = datetime.strptime(wall, FORMAT).replace(tzinfo=self.zone)
        return [(str(fold), wording.clock(at.replace(fold=fold), self.zone)) for fold in (0, 1)]


@cache
def zone_names() -> frozenset[str]:
    """The names of the time zone database, read once: they are those of six hundred files."""
    return frozenset(available_timezones())


def moments(form: Form) -> list[MomentField]:
    """The fields of a form that are times."""
    return [field for field in form if isinstance(field, MomentField)]


class MomentsForm(FlaskForm):  # type: ignore[misc]
    """A form whose times are in the event's zone."""

    def zone(self, event: Event | None) -> ZoneInfo:
        """The zone that its times are in: its own field's, else the event's."""
        chosen = getattr(self, "time_zone", None)
        if chosen is not None and chosen.data in zone_names():
            return ZoneInfo(chosen.data)
        return event.zone if event else ZoneInfo("UTC")

    def show(self, event: Event) -> None:
        """Fill times in the event's zone."""
        for field in moments(self):
            field.show_in(event.zone)

    def validate_for(self, event: Event | None) -> bool:
        """Check the shape, then the times."""
        is_fine = self.validate()
        resolved = [field.resolve(self.zone(event)) for field in moments(self) if not field.errors]
        return is_fine & all(resolved) & self._is_in_order()

    def _is_in_order(self) -> bool:
        """Whether an event, where the form has its times, ends after it starts; else an error."""
        starts, ends = getattr(self, "starts_at", None), getattr(self, "ends_at", None)
        if not (starts and ends and starts.data and ends.data) or starts.errors or ends.errors:
            return True
        if ends.data > starts.data:
            return True
        ends.errors = [gettext("Let the event end after it starts")]
        return False


def part_is_in_order(form: Form, event: Event) -> bool:
    """Whether a person's part, once resolved, has a beginning, an end after it and a call before.

    Else the entry in their calendar would end before it begins. False with an error.
    """
    call, starts, ends = form.call_at, form.slot_starts_at, form.slot_ends_at
    ends_at = ends.data or event.ends_at
    if ends.data and not starts.data:
        ends.errors = [gettext("Enter when the slot starts, too")]
    elif starts.data and starts.data >= ends_at:
        ends.errors = [gettext("Let the slot end after it starts")]
    elif call.data and starts.data and call.data > starts.data:
        call.errors = [gettext("Let the call time be before the slot starts")]
    elif call.data and call.data >= ends_at:
        call.errors = [gettext("Let the call time be before the event ends")]
    return not (call.errors or starts.errors or ends.errors)


def _skipped(wall: datetime, zone: ZoneInfo) -> bool:
    at = wall.replace(tzinfo=zone)
    there_and_back = datetime.fromtimestamp(at.timestamp(), tz=zone)
    return there_and_back.replace(tzinfo=None) != wall


def _happens_twice(wall: datetime, zone: ZoneInfo) -> bool:
    first = wall.replace(tzinfo=zone, fold=0)
    offsets = first.utcoffset(), first.replace(fold=1).utcoffset()
    return not _skipped(wall, zone) and offsets[0] != offsets[1]
