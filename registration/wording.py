"""The exact words for times, availability and names, on pages and in mails, in the locale at hand.

English is written as "10:00 a.m. EST" and "Tuesday 6 December 2026"; other languages as Babel
has it. Numbers and their units are joined by a no-break space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from flask_babel import get_locale, gettext, ngettext

from registration.models import BY_STAFF, FROM_LIST, WALK_IN, AttendanceOption, Event
from registration.scripts import FROM_THE_RIGHT

NBSP = "\u00a0"
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"


def _locale() -> str:
    locale = get_locale()
    return _identifier(locale.language, locale.territory, locale.script) if locale else "en"


@cache
def _identifier(language: str, territory: str | None, script: str | None) -> str:
    return str(Locale(language, territory, script))


# A page and a mail say few dates, and all that go out in a rush say the same ones.
@lru_cache(maxsize=4096)
def _date(on: date, pattern: str, locale: str) -> str:
    """A date, its day and month not to be broken.

    French has the first of a month as an ordinal, which Babel's patterns do not.
    """
    text = re.sub(r"(?<=\d) (?=[^\W\d])", NBSP, format_date(on, pattern, locale=locale))
    return re.sub(rf"\b1(?={NBSP})", "1er", text) if locale.startswith("fr") else text


def _is_english() -> bool:
    return _locale().startswith("en")


def isolated(text: str) -> str:
    """A text inside a sentence that runs the other way, so that neither turns the other's order.

    Without it "→" between two Arabic places points from the new one to the old, and a sentence
    that begins with a Hebrew title is read from the right (Unicode Standard Annex 9, 2.4).
    """
    return f"{ISOLATE}{text}{END_OF_ISOLATE}" if FROM_THE_RIGHT.search(text) else text


def listed(texts: Iterable[str]) -> str:
    """ "3 confirmed, 2 waiting and 1 left out", as a sentence has it."""
    return format_list(list(texts), locale="en_GB" if _is_english() else _locale())


def day(at: datetime, zone: ZoneInfo) -> str:
    """ "Tuesday 6 December 2026"."""
    return _part(at, zone, "EEEE d MMMM y" if _is_english() else "full")


def plain_day(at: datetime, zone: ZoneInfo) -> str:
    """ "6 December 2026"."""
    return plain_date(at.astimezone(zone).date())


def day_and_month(at: datetime, zone: ZoneInfo) -> str:
    """ "6 December"."""
    return _part(at, zone, "d MMMM")


def short_day(at: datetime, zone: ZoneInfo) -> str:
    """ "Tue 6 Dec"."""
    return _part(at, zone, "EEE d MMM")


def new_day(at: datetime, event: Event, before: datetime | None = None) -> str:
    """The day of a line of the programme, where it is not the day of the line before it.

    Nothing for the first line of an event that ends on the day on which it starts.
    """
    zone = event.zone
    on = at.astimezone(zone).date()
    if before is not None:
        is_new = on != before.astimezone(zone).date()
    else:
        is_new = {on} != {end.astimezone(zone).date() for end in (event.starts_at, event.ends_at)}
    return day(at, zone) if is_new else ""


def short_date(at: datetime, zone: ZoneInfo) -> str:
    """ "6 Dec"."""
    return _part(at, zone, "d MMM")


def day_of_month(at: datetime, zone: ZoneInfo) -> str:
    """ "6"."""
    return str(at.astimezone(zone).day)


def weekday(at: datetime, zone: ZoneInfo) -> str:
    """ "Tuesday"."""
    return _part(at, zone, "EEEE")


def short_weekday(at: datetime, zone: ZoneInfo) -> str:
    """ "Tue"."""
    return _part(at, zone, "EEE")


def month_and_year(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """ "December 2026"; over more than one "Jan–Feb 2027", "Dec 2026 – Jan 2027"."""
    first, last = starts_at.astimezone(zone), ends_at.astimezone(zone)
    if first.year != last.year:
        return f"{_part(first, zone, 'LLL y')} – {_part(last, zone, 'LLL y')}"
    if first.month != last.month:
        return f"{months(first, last, zone)} {_part(last, zone, 'y')}"
    return _part(first, zone, "LLLL y")


def months(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """ "Jan–Feb"."""
    return f"{_part(starts_at, zone, 'LLL')}–{_part(ends_at, zone, 'LLL')}"


def month(at: datetime, zone: ZoneInfo) -> str:
    """ "December"."""
    return _part(at, zone, "LLLL")


def _part(at: datetime, zone: ZoneInfo, pattern: str) -> str:
    return _date(at.astimezone(zone).date(), pattern, _locale())


def zone_name(at: datetime, zone: ZoneInfo) -> str:
    """The abbreviation in use at that instant: "EST"; where there is none "UTC+3", "UTC+5:45"."""
    name = at.astimezone(zone).tzname() or ""
    if re.fullmatch(r"[A-Z]{2,5}", name):
        return name
    offset = at.astimezone(zone).strftime("%z")  # "+0545"
    minutes = "" if offset[3:5] == "00" else f":{offset[3:5]}"
    return f"UTC{offset[0]}{int(offset[1:3])}{minutes}"


def clock(at: datetime, zone: ZoneInfo, *, with_zone: bool = True) -> str:
    """ "10:00 a.m. EST"."""
    text = _time(at.astimezone(zone).time(), _locale())
    return f"{text}{NBSP}{zone_name(at, zone)}" if with_zone else text


@lru_cache(maxsize=4096)
def _time(at: time, locale: str) -> str:
    if not locale.startswith("en"):
        return format_time(at, "short", locale=locale)
    period = "p.m." if at.hour >= 12 else "a.m."
    return f"{at.hour % 12 or 12}:{at.minute:02}{NBSP}{period}"


def hours(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """ "10:00–11:30 a.m. EST"; over several days with the days."""
    times = hours_from(starts_at, ends_at, zone)
    if starts_at.astimezone(zone).date() != ends_at.astimezone(zone).date():
        return f"{day_and_month(starts_at, zone)}, {times}"
    return times


def hours_from(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """The hours behind or below the day on which they begin, which they do not say again:
    "10:00–11:30 a.m. EST", "10:00 a.m. – 8 December, 1:00 p.m. EST".
    """
    first, last = starts_at.astimezone(zone), ends_at.astimezone(zone)
    end = clock(ends_at, zone)
    if first.date() != last.date():
        return gettext(
            "%(start)s – %(last_day)s, %(end)s",
            start=_start(starts_at, ends_at, zone),
            last_day=_last_day(first.date(), last.date()),
            end=end,
        )
    start = _start(starts_at, ends_at, zone)
    if _is_english() and (first.hour < 12) == (last.hour < 12) and start.count(NBSP) == 1:
        start = start.split(NBSP)[0]
    return f"{start}–{end}"


def _last_day(first: date, last: date) -> str:
    """The day on which a span ends; with its year where that is another one."""
    return plain_date(last) if first.year != last.year else _date(last, "d MMMM", _locale())


def span(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """ "Sunday 6 December 2026, 10:00–11:30 a.m. EST"; over several days each is said once."""
    return f"{day(starts_at, zone)}, {hours_from(starts_at, ends_at, zone)}"


def hours_at(event: Event, starts_at: datetime, ends_at: datetime) -> str:
    """The hours of a part of an event, with their day where the event has several."""
    said = span if new_day(starts_at, event) else hours
    return said(starts_at, ends_at, event.zone)


def _start(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """The time at the start of a span; with its zone where the clocks change before the end."""
    changes = zone_name(starts_at, zone) != zone_name(ends_at, zone)
    return clock(starts_at, zone, with_zone=changes)


def moment(at: datetime, zone: ZoneInfo) -> str:
    """ "3 December, 10:00 a.m. EST"."""
    return gettext("%(day)s, %(time)s", day=day_and_month(at, zone), time=clock(at, zone))


def recent_moment(at: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """ "10:00 a.m. EST", with its day where that is not today."""
    is_today = at.astimezone(zone).date() == now.astimezone(zone).date()
    return clock(at, zone) if is_today else moment(at, zone)


def clock_before(at: datetime, starts_at: datetime, zone: ZoneInfo) -> str:
    """ "9:45 a.m. EST", of what comes before a start, as it fits behind "at" and "from".

    "11:45 p.m. CET on 7 December" where it is on another day.
    """
    time = clock(at, zone)
    if at.astimezone(zone).date() == starts_at.astimezone(zone).date():
        return time
    return gettext("%(time)s on %(day)s", time=time, day=day_and_month(at, zone))


def ordinal_place(number: int) -> str:
    """A place in a queue in words: "fourth" up to the tenth, then "11th"."""
    words = {
        1: gettext("first"),
        2: gettext("second"),
        3: gettext("third"),
        4: gettext("fourth"),
        5: gettext("fifth"),
        6: gettext("sixth"),
        7: gettext("seventh"),
        8: gettext("eighth"),
        9: gettext("ninth"),
        10: gettext("tenth"),
    }
    if number in words:
        return words[number]
    if not _is_english():
        return gettext("number %(number)d", number=number)
    tail = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{tail or 'th'}"


def option_name(option: AttendanceOption) -> str:
    """What an option is called: its label, else "In person" or "Online"."""
    return option.label or (gettext("Online") if option.is_virtual else gettext("In person"))


def availability(option: AttendanceOption, event: Event, now: datetime) -> str:
    """What an option has left, exactly: "37 of 120 seats left", "Full – join the waitlist".

    "Full" alone once the queue has closed.
    """
    opens_at = option.opens_for(event)
    if opens_at is not None and now < opens_at:
        return gettext("Opens %(moment)s", moment=moment(opens_at, event.zone))
    if now >= option.closes_for(event):
        return gettext("Closed")
    if option.is_full and now >= event.promotes_until:
        return gettext("Full")
    return room_left(option)


def room_left(option: AttendanceOption) -> str:
    """How much room is left, whatever the window says."""
    if option.is_full:
        return gettext("Full – join the waitlist")
    if option.capacity is None:
        return gettext("Unlimited")
    left = option.seats_left or 0
    if option.capacity == 1:
        return gettext("1 of 1 place left") if option.is_virtual else gettext("1 of 1 seat left")
    # In English it is the capacity that has a plural: "1 of 120 seats left". In French what is left
    # has it, so that both forms are here.
    return (
        ngettext("%(num)d of %(capacity)d places left", "%(num)d of %(capacity)d places left", left,
                 capacity=option.capacity)
        if option.is_virtual
        else ngettext("%(num)d of %(capacity)d seats left", "%(num)d of %(capacity)d seats left",
                      left, capacity=option.capacity)
    )  # fmt: skip


def taken_percent(option: AttendanceOption) -> float:
    """How much of a capacity is taken, 0 to 100; 0 where there is no limit."""
    if not option.capacity:
        return 0 if option.capacity is None else 100
    return round(min(100.0, 100 * option.seats_taken / option.capacity), 1)


def plain_date(on: date) -> str:
    """A date without a time: "17 October 2024"."""
    return _date(on, "d MMMM y" if _is_english() else "long", _locale())


def short_plain_date(on: date) -> str:
    """ "17 Oct"."""
    return _date(on, "d MMM", _locale())


def language_name(code: str) -> str:
    """What a language calls itself: "Français"."""
    name = Locale.parse(code, sep="-").get_display_name() or code
    return name[:1].upper() + name[1:]


def source_name(source: str) -> str:
    """Where an RSVP came from: our own ways in words, what a link named as it named it."""
    names = {
        "": gettext("Not known"),
        WALK_IN: gettext("Came without an RSVP"),
        BY_STAFF: gettext("Added by staff"),
        FROM_LIST: gettext("Imported from a list"),
    }
    return names.get(source, source)
