"""How RSVPs grew, and how that is drawn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registration import growth, rsvps
from registration.growth import Growth
from registration.web.staff import chart
from tests.conftest import NOW
from tests.factories import make_hybrid, make_rsvp

pytestmark = pytest.mark.usefixtures("app")


def test_growth_sums_live_rsvps_by_day_and_way() -> None:
    room, stream = make_hybrid(capacity=None)
    for days_ago in (3, 3, 1):
        make_rsvp(room, now=NOW - timedelta(days=days_ago))
    make_rsvp(stream, now=NOW - timedelta(days=2))
    gone = make_rsvp(stream, now=NOW - timedelta(days=2))
    rsvps.cancel(rsvp_id=gone.id, now=NOW)
    found = growth.of(room.event, NOW)
    assert found is not None
    assert found.days[0] == (NOW - timedelta(days=3)).date()
    assert found.days[-1] == NOW.date()
    assert found.in_person == [2, 2, 3, 3]
    assert found.virtual == [0, 1, 1, 1]


def test_one_day_is_no_growth_yet() -> None:
    room, _stream = make_hybrid()
    assert growth.of(room.event, NOW) is None
    make_rsvp(room)
    assert growth.of(room.event, NOW) is None


def test_sources_and_needs_are_counted() -> None:
    room, stream = make_hybrid(capacity=None)
    make_rsvp(room, source="newsletter", needs_step_free=True)
    make_rsvp(room, source="newsletter")
    make_rsvp(stream, needs_step_free=True)
    assert growth.sources_of(room.event) == [("newsletter", 2), ("", 1)]
    assert growth.needs_of(room.event) == {"step_free": 1, "sign_language": 0, "captions": 0}


@pytest.mark.parametrize(("room", "online"), [(0, 0), (5, 5), (83, 214), (120, 92_000)])
def test_the_ends_of_the_lines_never_cover_each_other(room: int, online: int) -> None:
    days = [NOW.date() + timedelta(days=number) for number in range(3)]
    drawn = chart.of(Growth(days, [0, 0, room], [0, 0, online]), 120)
    upper, lower = drawn.labels
    assert lower.y - upper.y >= 17
    assert lower.y <= 96.01
    assert drawn.ticks[0] >= max(room, online)
    assert drawn.table[-1] == (days[-1], room, online)
