"""The chart of an event's growth: numbers turned into places on a picture of 100 by 100."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext

from registration.growth import Growth

#: As far apart as two labels at the end of the lines must be.
_APART = 17.0


@dataclass(frozen=True)
class Label:
    """A number at the end of a line."""

    number: int
    text: str
    y: float


@dataclass(frozen=True)
class Chart:
    """What the picture shows; places are percentages, y from the top."""

    room: str
    online: str
    ticks: list[int]
    days: list[date]
    labels: list[Label]
    names_capacity: bool  # whether there is room to say what its line is
    capacity: int | None
    capacity_y: float
    table: list[tuple[date, int, int]]


def of(growth: Growth, capacity: int | None) -> Chart:
    """The picture of a growth, with the line of the room's capacity if it is near."""
    near = capacity if capacity and capacity <= 2 * max(growth.most, 1) else None
    top = _top(max(growth.most, near or 0))
    room, online = growth.in_person[-1], growth.virtual[-1]
    labels = _labels(room, online, top)
    capacity_y = _y(near or 0, top)
    return Chart(
        room=_points(growth.in_person, top),
        online=_points(growth.virtual, top),
        ticks=[round(top * share / 4) for share in (4, 3, 2, 1, 0)],
        days=[growth.days[0], growth.days[len(growth.days) // 2], growth.days[-1]],
        labels=labels,
        names_capacity=all(not -10 < capacity_y - label.y < 14 for label in labels),
        capacity=near,
        capacity_y=capacity_y,
        table=_weeks(growth),
    )


def _top(number: int) -> int:
    """The next round number that four lines divide: 4, 8, 20, 40, 80, 200 …"""
    step = 1
    while True:
        for factor in (4, 8, 12, 16, 20, 24, 32):
            if factor * step >= number:
                return factor * step
        step *= 10


def _y(number: int, top: int) -> float:
    return round(100 - 100 * number / top, 2)


def _points(numbers: list[int], top: int) -> str:
    last = len(numbers) - 1
    return " ".join(
        f"{100 * place / last:.2f},{_y(number, top)}" for place, number in enumerate(numbers)
    )


def _labels(room: int, online: int, top: int) -> list[Label]:
    """The two ends, pushed apart where they would lie on each other."""
    ends = sorted(
        [(_y(room, top), room, gettext("In person")), (_y(online, top), online, gettext("Online"))]
    )
    (upper, *first), (lower, *second) = ends
    lower = max(lower, upper + _APART)
    if lower > 96:
        lower, upper = 96.0, min(upper, 96 - _APART)
    return [Label(first[0], first[1], upper), Label(second[0], second[1], lower)]


def _weeks(growth: Growth) -> list[tuple[date, int, int]]:
    """The rows of the table: the last day, and every seventh before it, or fewer of very many."""
    places = range(len(growth.days) - 1, -1, -max(7, len(growth.days) // 20))
    return [
        (growth.days[place], growth.in_person[place], growth.virtual[place])
        for place in reversed(places)
    ]
