"""Printed matter as PDF: tickets, badges, and the list for the door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from flask_babel import gettext, ngettext

from registration import entries, wording
from registration.composing import composed
from registration.folding import folded
from registration.models import Attendee, Event, Rsvp
from registration.typesetting import QUIET, RULE, Paper

_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
# Stands for the number of pages until it is known; as wide as the largest.
_PAGES = "{pages}"
# Kana, Chinese characters and Hangul.
_FAMILY_FIRST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_NO_SURNAMES = {"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"}


def tickets(rsvp: Rsvp, party: Sequence[Attendee]) -> bytes:
    """The tickets of a party, one page each."""
    event = rsvp.event
    paper = Paper(gettext("Ticket: %(title)s", title=event.title))
    for person in party:
        paper.add_page()
        _ticket(paper, event, rsvp, person)
    return paper.done()


def _ticket(paper: Paper, event: Event, rsvp: Rsvp, person: Attendee) -> None:
    left, width, stub = 20.0, 104.0, 132.0
    paper.set_line_width(0.3)
    paper.rect(15, 20, 180, 118, style="D", round_corners=True, corner_radius=4)
    paper.set_dash_pattern(dash=0.6, gap=1.6)
    paper.line(stub, 24, stub, 134)
    paper.set_dash_pattern()
    y = paper.say(left, 27, width, entries.host_name(event), size=10, quiet=True)
    y = paper.say(left, y + 2, width, event.title, size=24, family="serif", lines=3, smallest=15)
    facts = [(gettext("When"), wording.span(event.starts_at, event.ends_at, event.zone))]
    if event.doors_at:
        facts.append(
            (
                gettext("Doors open"),
                wording.clock_before(event.doors_at, event.starts_at, event.zone),
            )
        )
    facts += [(gettext("Where"), entries.venue(event)), (gettext("Guest"), paper.name_of(person))]
    y = max(y + 5, 62)
    for label, text in facts:
        if text:
            y = paper.say(left, y, width, label, size=8.5, quiet=True)
            y = (
                paper.say(
                    left, y, width, text, size=11.5, style="B", lines=2, smallest=9, below=True
                )
                + 2.5
            )
    paper.say(left, 129, width, wording.option_name(rsvp.option), size=8.5, quiet=True)
    paper.code(entries.ticket_url(person.ticket_code), stub + 3.5, 30, 56)
    paper.say(stub + 6, 90, 52, person.spoken_code, size=20, style="B")
    admits = gettext("Admits one, on every day") if event.lasts_days else gettext("Admits one")
    paper.say(stub + 6, 100, 52, admits, size=9, quiet=True)


def badges(event: Event, people: Iterable[Attendee]) -> bytes:
    """Badges of 90 × 55 mm, ten on a sheet, with marks to cut along."""
    paper = Paper(gettext("Badges: %(title)s", title=event.title))
    for number, person in enumerate(people):
        place = number % 10
        if place == 0:
            paper.add_page()
        x, y = 15 + 90 * (place % 2), 11 + 55 * (place // 2)
        paper.set_line_width(0.1)
        paper.rect(x, y, 90, 55)
        paper.say(x + 5, y + 5, 80, event.title, size=8.5, family="serif", quiet=True)
        below = paper.say(
            x + 5, y + 15, 80, paper.name_of(person), size=24, style="B", lines=2, smallest=10
        )
        company = person.rsvp.organisation
        paper.say(x + 5, below + 1.5, 80, company, size=12, lines=2, smallest=9)
        paper.say(x + 5, y + 47, 80, entries.host_name(event), size=8, quiet=True)
    if not paper.pages:
        _empty(paper)
    return paper.done()


def door_list(event: Event, people: Sequence[Attendee], *, now: datetime) -> bytes:
    """Who is expected in the room, by surname, with boxes to tick: for when the network is not."""
    paper = Paper(gettext("List: %(title)s", title=event.title))
    paper.alias_nb_pages(_PAGES)
    y, letter, bottom = 300.0, "", 278.0
    for person in people:
        initial = _initial(person.name)
        if y > bottom - (10 if initial != letter else 0):
            y = _list_page(paper, event, len(people), now)
            letter = ""
        if initial != letter:
            letter = initial
            y = paper.say(17, y + 1.5, 9, letter, size=12, family="serif", below=True) + 0.5
        y = _list_row(paper, person, y)
    if not paper.pages:
        _empty(paper)
    return paper.done()


def _list_page(paper: Paper, event: Event, number: int, now: datetime) -> float:
    paper.add_page()
    when = wording.span(event.starts_at, event.ends_at, event.zone)
    printed = gettext(
        "Printed %(day)s, %(time)s",
        day=wording.plain_day(now, event.zone),
        time=wording.clock(now, event.zone),
    )
    expected = ngettext("%(num)d person", "%(num)d people", number)
    y = paper.say(17, 12, 140, event.title, size=15, family="serif")
    paper.say(17, y, 176, f"{when} · {expected} · {printed}", size=8.5, quiet=True)
    # From where the codes begin: from the right it would leave room for a longer number.
    paper.say(171, 13.5, 24, f"{paper.page_no()} / {_PAGES}", size=8.5, quiet=True)
    paper.rule(17, 24, 176)
    return 26


def _list_row(paper: Paper, person: Attendee, y: float) -> float:
    rsvp = person.rsvp
    paper.set_draw_color(*QUIET)
    paper.set_line_width(0.25)
    if person.checked_in_at:
        paper.set_fill_color(*QUIET)
    paper.rect(18, y + 1.2, 3.6, 3.6, style="DF" if person.checked_in_at else "D")
    paper.set_draw_color(*RULE)
    below = paper.say(
        24,
        y + 0.7,
        68,
        paper.name_of(person),
        size=10.5,
        style="B",
        lines=2,
        smallest=6.5,
        below=True,
    )
    bottom = max(y + 6.2, below + 0.8)
    host = gettext("Guest of %(name)s", name=rsvp.name) if person.position else rsvp.organisation
    # Of two rooms of a house, or two kinds of places, the label says which.
    about = " · ".join(part for part in (rsvp.option.label, host) if part)
    paper.say(92, y + 0.9, 62, about, size=9.5, smallest=7.5, below=True)
    if rsvp.needs_step_free:
        paper.say(154, y + 0.9, 18, gettext("Step-free"), size=8, quiet=True)
    paper.say(171, y + 0.9, 24, person.spoken_code, size=9)
    paper.rule(24, bottom, 169)
    return bottom + 0.2


def _empty(paper: Paper) -> None:
    paper.add_page()
    paper.say(20, 30, 170, gettext("Nobody has a seat in the room yet."), size=12)


def _initial(name: str) -> str:
    """The letter under which a name stands: where the list is sorted, without its accents."""
    said = composed(folded(surname(name)))
    return next((sign for sign in said if sign.isalnum()), "").upper()


def surname(name: str) -> str:
    """The name of the family, by which a list is sorted.

    The first word in Chinese, Japanese or Korean letters, else the last one that is not a title
    behind it. What stands in brackets, the name in other letters mostly, does not count, nor do
    emoji.
    """
    words = _IN_BRACKETS.sub(" ", name).replace(",", " ").split() or name.split()
    words = [word for word in words if any(sign.isalnum() for sign in word)] or words
    if words and _FAMILY_FIRST.match(words[0]):
        return words[0]
    while len(words) > 1 and words[-1].strip(".").lower() in _NO_SURNAMES:
        words.pop()
    return words[-1] if words else ""
