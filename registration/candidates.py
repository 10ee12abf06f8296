"""The rows of a list as they are understood, before anybody looks what the event has already.

A row that cannot be understood has its fate at once; fates.py decides on the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from babel import Locale
from flask import current_app
from flask_babel import format_decimal, gettext, ngettext

from registration import addresses, wording
from registration.fates import Candidate, Fate, Plan
from registration.matching import plain
from registration.models import AttendanceOption, Event, ImportKind, Question, QuestionKind
from registration.sheets import MOST_CELL, Sheet

#: How long a name, an organisation or a title may be, and an answer: as in the forms.
_LONGEST = 200
_LONGEST_ANSWER = {QuestionKind.SHORT_TEXT: 500, QuestionKind.LONG_TEXT: MOST_CELL}
_YES = {"yes", "y", "true", "1", "x", "oui", "ja", "si", "sí"}
_NO = {"no", "n", "false", "0", "non", "nein", ""}
_ROOM = {"inperson", "room", "onsite", "inpresence", "physical", "f2f", "surplace", "enpersonne",
         "venue", "enpresentiel", "presentiel", "vorort",
         "inprasenz", "prasenz", "presencial"}  # fmt: skip
_STREAM = {"online", "virtual", "virtually", "remote", "stream", "livestream", "enligne",
           "distance", "adistance", "zoom", "webinar", "virtuel", "enlinea"}  # fmt: skip
# Of a list that comes from elsewhere, or out of here: in it stand those who have cancelled, too.
_NOT_COMING = {"cancelled", "canceled", "rsvpcancelled", "declined", "rejected", "notaccepted",
               "notattending", "annule", "annulee", "inscriptionannulee", "declinee", "refuse",
               "refusee", "nonretenue", "abgesagt", "storniert"}  # fmt: skip


def read(
    sheet: Sheet,
    kind: ImportKind,
    plan: Plan,
    *,
    event: Event,
    options: Sequence[AttendanceOption],
    questions: Sequence[Question],
) -> list[Candidate]:
    """The rows as they are understood, those that cannot be with their fate."""
    by_id = {option.id: option for option in options}
    default = by_id.get(plan.option_id or 0)
    ways = _ways(options)
    seen: dict[str, Candidate] = {}
    found = []
    for line, cells in sheet.rows:
        values = {name: cells[column] for name, column in plan.columns.items()}
        row = Candidate(line, option=default)
        _read_person(row, values, event)
        if kind is ImportKind.RSVPS:
            _read_wishes(row, values, event, ways, questions)
        if row.fate is None:
            first = seen.setdefault(row.email, row)
            if first is not row:
                _read_second(row, first, values.get("rsvp_by", ""), event)
        found.append(row)
    return found


def _read_second(row: Candidate, first: Candidate, rsvp_by: str, event: Event) -> None:
    """A row with the address of an earlier one: a guest, where it says who sent the RSVP.

    So our own lists have each person of a party on a row.
    """
    if rsvp_by and plain(rsvp_by) == plain(first.name) != plain(row.name):
        row.host = first
        first.guests.append(row.name)
        _check_number(first, event)
        row.ends(Fate.GUEST, gettext("Comes with line %(line)d", line=first.line))
    row.ends(Fate.DUPLICATE, gettext("The same address stands on line %(line)d", line=first.line))


def _read_person(row: Candidate, values: Mapping[str, str], event: Event) -> None:
    address = values.get("email", "")
    name = values.get("name", "")
    if not name:
        name = f"{values.get('first_name', '')} {values.get('last_name', '')}"
    address, named = _parted(address)
    row.name = " ".join((name.strip() or named).split())
    row.organisation = " ".join(values.get("organisation", "").split())
    row.job_title = " ".join(values.get("job_title", "").split())
    row.language = _language(values.get("language", ""), event)
    row.email = address.lower()
    if not address:
        row.ends(Fate.NO_ADDRESS, gettext("There is no address"))
        return
    try:
        row.email = addresses.canonical(address)
    except addresses.AddressRefused as refusal:
        several = sum("@" in part for part in re.split(r"[\s<>,;/|]+", address)) > 1
        row.ends(
            Fate.BAD_ADDRESS,
            gettext("Several addresses stand in one cell; give each a row of its own")
            if several
            else str(refusal),
        )
    for said in (row.name, row.organisation, row.job_title):
        _fits(row, said, _LONGEST)


def _fits(row: Candidate, said: str, most: int) -> None:
    """Leave a row out rather than cut what it says."""
    if len(said) > most:
        why = gettext(
            "“%(beginning)s…” is too long: there is room for %(most)s letters",
            beginning=said[:40].rstrip(),
            most=format_decimal(most),
        )
        row.ends(Fate.TOO_LONG, why)


def _parted(text: str) -> tuple[str, str]:
    """Address and name of "Amina Bell <amina@example.org>" or "mailto:amina@example.org"."""
    both = re.fullmatch(r'"?([^"<>]*?)"?\s*<([^<>\s]+)>', text)
    if both:
        return both[2], both[1]
    return text.removeprefix("mailto:").strip(), ""


def _language(text: str, event: Event) -> str:
    """The language of pages that a cell says: "fr", "fr-CA", "fre", "French", "Français".

    A name may be in any of those languages. The event's own where it says none of them.
    """
    said = plain(re.split(r"[\s_(-]", text.strip())[0])
    known = current_app.config["LANGUAGES"]
    for code in known:
        one = Locale.parse(code)
        names = (plain(one.get_language_name(reader) or "") for reader in known)
        if said == one.language or (len(said) > 2 and any(n.startswith(said) for n in names)):
            return str(code)
    return event.language


def _read_wishes(
    row: Candidate,
    values: Mapping[str, str],
    event: Event,
    ways: Mapping[str, AttendanceOption],
    questions: Sequence[Question],
) -> None:
    said = values.get("status", "")
    if plain(said) in _NOT_COMING:
        row.ends(Fate.NOT_COMING, gettext("The list says “%(said)s”", said=said[:80]))
    if not row.name:
        row.ends(Fate.NO_NAME, gettext("There is no name"))
    said = values.get("option", "")
    if said:
        row.option = ways.get(plain(said))
    if row.option is None:
        row.ends(
            Fate.UNKNOWN_OPTION,
            gettext("“%(said)s” is no way to attend this event", said=said[:80])
            if said
            else gettext("It says no way to attend, and none was chosen for all"),
        )
    guests = re.split(r"[;\n]|,\s", values.get("guests", ""))
    row.guests = [" ".join(name.split()) for name in guests if name.strip()]
    for name in row.guests:
        _fits(row, name, _LONGEST)
    _check_number(row, event)
    for question in questions:
        said = values.get(f"question.{question.id}", "")
        if not said:
            continue
        _fits(row, said, _LONGEST_ANSWER.get(question.kind, MOST_CELL))
        answer = _answer(question, said)
        if answer is None:
            row.ends(
                Fate.BAD_ANSWER,
                gettext("“%(said)s” is no answer to “%(label)s”", said=said[:80],
                        label=question.label),
            )  # fmt: skip
        else:
            row.answers[question.id] = answer


def _check_number(row: Candidate, event: Event) -> None:
    if len(row.guests) > event.guests_max:
        row.ends(
            Fate.TOO_MANY_GUESTS,
            ngettext(
                "The event allows %(num)d guest",
                "The event allows %(num)d guests",
                event.guests_max,
            )
            if event.guests_max
            else gettext("The event takes no guests"),
        )


def _ways(options: Sequence[AttendanceOption]) -> dict[str, AttendanceOption]:
    """What a cell may say for each way to attend: its name; its kind where only one is of it."""
    ways: dict[str, AttendanceOption] = {}
    for words, is_virtual in ((_ROOM, False), (_STREAM, True)):
        of_kind = [option for option in options if option.is_virtual is is_virtual]
        if len(of_kind) == 1:
            ways.update(dict.fromkeys(words, of_kind[0]))
    for option in options:
        ways[plain(wording.option_name(option))] = option
    return ways


def _answer(question: Question, said: str) -> dict[str, Any] | None:
    """A cell as an answer; None if it is none."""
    if question.kind is QuestionKind.YES_NO:
        word = said.strip().casefold()
        return {"yes": word in _YES} if word in _YES | _NO else None
    if question.kind in (QuestionKind.SHORT_TEXT, QuestionKind.LONG_TEXT):
        return {"text": said}
    choices = {plain(choice): choice for choice in question.choices}
    # A choice may hold a comma or a semicolon itself: they separate only where nothing else does.
    for parts in (
        [said],
        said.split("\n"),
        re.split(r"[;\n]", said),
        re.split(r"[;\n]|,\s*", said),
    ):
        chosen = [choices.get(plain(part)) for part in parts if part.strip()]
        if None not in chosen and (question.kind is QuestionKind.ANY_OF or len(chosen) == 1):
            return {"choices": [choice for choice in chosen if choice is not None]}
    return None
