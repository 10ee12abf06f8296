"""The exact words for times, in zones and in nights that are like no other."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import force_locale

from registration import wording


@pytest.mark.parametrize(
    ("zone", "begins", "minutes", "said"),
    [
        # The clocks change before the end: each time is in its own zone.
        ("America/New_York", "2026-11-01T04:30Z", 330, "12:30 a.m. EDT–5:00 a.m. EST"),
        ("America/New_York", "2026-11-01T05:30Z", 60, "1:30 a.m. EDT–1:30 a.m. EST"),
        ("America/New_York", "2026-03-08T06:00Z", 120, "1:00 a.m. EST–4:00 a.m. EDT"),
        (
            "America/New_York",
            "2026-11-01T02:00Z",
            480,
            "31 October, 10:00 p.m. EDT – 1 November, 5:00 a.m. EST",
        ),
        ("Africa/Casablanca", "2026-02-15T01:30Z", 120, "2:30 a.m. UTC+1–3:30 a.m. UTC+0"),
        # In any other night and zone, once.
        ("America/New_York", "2026-12-06T15:00Z", 90, "10:00–11:30 a.m. EST"),
        ("Asia/Kathmandu", "2026-11-01T04:30Z", 90, "10:15–11:45 a.m. UTC+5:45"),
        ("Pacific/Apia", "2026-11-01T20:00Z", 360, "9:00 a.m.–3:00 p.m. UTC+13"),
    ],
)
def test_hours_say_which_of_two_clocks_is_meant(
    app: Flask, zone: str, begins: str, minutes: int, said: str
) -> None:
    starts_at = datetime.fromisoformat(begins)
    hours = wording.hours(starts_at, starts_at + timedelta(minutes=minutes), ZoneInfo(zone))
    assert hours.replace(wording.NBSP, " ") == said


@pytest.mark.parametrize(
    ("language", "before", "said"),
    [
        ("en", 15, "11:50 p.m. CET on 7 December"),
        ("en", 5, "12:00 a.m. CET"),
        ("fr", 15, "23:50 CET le 7 décembre"),
    ],
)
def test_what_opens_on_the_day_before_says_the_day(
    app: Flask, language: str, before: int, said: str
) -> None:
    starts_at = datetime.fromisoformat("2026-12-07T23:05Z")  # in Paris it is the next day
    with force_locale(language):
        opens = wording.clock_before(
            starts_at - timedelta(minutes=before), starts_at, ZoneInfo("Europe/Paris")
        )
    assert opens.replace(wording.NBSP, " ") == said


def test_a_span_over_the_turn_of_the_year_says_both_years(app: Flask) -> None:
    starts_at = datetime.fromisoformat("2026-12-31T21:00Z")
    said = wording.span(starts_at, starts_at + timedelta(hours=5), ZoneInfo("Europe/Paris"))
    assert said.replace(wording.NBSP, " ") == (
        "Thursday 31 December 2026, 10:00 p.m. – 1 January 2027, 3:00 a.m. CET"
    )


def test_a_span_over_days_says_each_day_once(app: Flask) -> None:
    begins, ends = (datetime.fromisoformat(f"2026-12-0{day}T15:00Z") for day in (6, 8))
    zone = ZoneInfo("America/New_York")
    below = wording.hours_from(begins, ends, zone).replace(wording.NBSP, " ")
    assert below == "10:00 a.m. – 8 December, 10:00 a.m. EST"
    whole = wording.span(begins, ends, zone).replace(wording.NBSP, " ")
    assert whole == f"Sunday 6 December 2026, {below}"
    alone = wording.hours(begins, ends, zone).replace(wording.NBSP, " ")
    assert alone == f"6 December, {below}"


def test_hours_do_so_in_french(app: Flask) -> None:
    starts_at = datetime.fromisoformat("2026-10-25T00:15Z")
    with force_locale("fr"):
        hours = wording.hours(
            starts_at, starts_at + timedelta(minutes=105), ZoneInfo("Europe/Paris")
        )
    assert hours.replace(wording.NBSP, " ") == "02:15 CEST–03:00 CET"


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "1 December, 10:00 a.m. EST"), ("fr", "1er décembre à 10:00 EST")],
)
def test_a_moment_is_said_as_its_language_says_it(app: Flask, language: str, said: str) -> None:
    at, zone = datetime.fromisoformat("2026-12-01T15:00Z"), ZoneInfo("America/New_York")
    with force_locale(language):
        assert wording.moment(at, zone).replace(wording.NBSP, " ") == said
        assert "11er" not in wording.plain_day(at + timedelta(days=10), zone)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "6 December 2026"), ("fr", "6 décembre 2026")]
)
def test_a_day_and_its_month_stay_on_one_line(app: Flask, language: str, said: str) -> None:
    at, zone = datetime.fromisoformat("2026-12-06T15:00Z"), ZoneInfo("America/New_York")
    kept = said.replace(" ", wording.NBSP, 1)
    with force_locale(language):
        assert wording.plain_day(at, zone) == wording.plain_date(at.date()) == kept
        assert wording.day(at, zone).endswith(f" {kept}")
        assert wording.NBSP in wording.short_day(at, zone)


@pytest.mark.parametrize(
    ("language", "ends_at", "said"),
    [
        ("en", "2026-12-31T17:00Z", "December 2026"),
        ("en", "2027-01-02T17:00Z", "Dec 2026 – Jan 2027"),
        ("fr", "2027-01-02T17:00Z", "déc. 2026 – janv. 2027"),
    ],
)
def test_an_event_is_in_all_its_months(app: Flask, language: str, ends_at: str, said: str) -> None:
    begins, zone = datetime.fromisoformat("2026-12-30T08:00Z"), ZoneInfo("Europe/Paris")
    with force_locale(language):
        assert wording.month_and_year(begins, datetime.fromisoformat(ends_at), zone) == said


def test_an_event_over_two_months_of_a_year_says_the_year_once(app: Flask) -> None:
    begins, ends = (datetime.fromisoformat(f"2027-{day}T14:00Z") for day in ("01-25", "02-08"))
    with force_locale("en"):
        assert wording.month_and_year(begins, ends, ZoneInfo("Europe/Paris")) == "Jan–Feb 2027"
