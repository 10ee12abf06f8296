"""What becomes of each row of a list, and why: the dry run of an import, and its first half.

`read_rows` looks at the rows alone; `judge` looks at what the event has already, and is called
under the lock of the seats when the rows are to be written.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flask_babel import format_decimal, gettext, ngettext
from sqlalchemy import select

from registration import addresses, wording
from registration.database import db
from registration.matching import plain
from registration.models import (
    LIVE,
    AttendanceOption,
    Event,
    ImportKind,
    Invitation,
    Question,
    QuestionKind,
    Rsvp,
    Unsubscribe,
)
from registration.sheets import MOST_CELL, Sheet


class Fate(enum.StrEnum):
    """What becomes of a row."""

    INVITED = "invited"
    SEATED = "seated"
    WAITS = "waits"
    FULL = "full"
    EXISTS = "exists"
    DUPLICATE = "duplicate"
    WANTS_NO_MAIL = "wants_no_mail"
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    NO_NAME = "no_name"
    TOO_LONG = "too_long"
    UNKNOWN_OPTION = "unknown_option"
    TOO_MANY_GUESTS = "too_many_guests"
    BAD_ANSWER = "bad_answer"


#: A row with one of these is taken in; the others are left out.
TAKEN = (Fate.INVITED, Fate.SEATED, Fate.WAITS)


@dataclass(frozen=True)
class Plan:
    """How a list is read. `columns` says in which column each field stands."""

    columns: dict[str, int] = field(default_factory=dict)
    option_id: int | None = None  # for RSVPs that name no way to attend
    sends_mail: bool = True
    waits: bool = True  # whoever finds no seat waits, else is left out

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Plan:
        """As it was kept."""
        return cls(**kept)


@dataclass
class Candidate:
    """A row as it was understood. Without a fate, what the event has decides."""

    line: int
    email: str = ""
    name: str = ""
    organisation: str = ""
    job_title: str = ""
    language: str = ""
    option: AttendanceOption | None = None
    guests: list[str] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    fate: Fate | None = None
    why: str = ""
    rsvp_id: int | None = None  # the one that its address has already

    @property
    def party_size(self) -> int:
        """How many seats it asks for."""
        return 1 + len(self.guests)

    @property
    def is_taken(self) -> bool:
        """Whether it becomes an invitation or an RSVP."""
        return self.fate in TAKEN

    def ends(self, fate: Fate, why: str = "") -> None:
        """Decide on it, unless that is done."""
        if self.fate is None:
            self.fate, self.why = fate, why


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


def read_rows(
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
    seen: dict[str, int] = {}
    found = []
    for line, cells in sheet.rows:
        values = {name: cells[column] for name, column in plan.columns.items()}
        row = Candidate(line, option=default)
        _read_person(row, values, event)
        if kind is ImportKind.RSVPS:
            _read_wishes(row, values, event, ways, questions)
        if row.fate is None and row.email in seen:
            row.ends(
                Fate.DUPLICATE,
                gettext("The same address stands on line %(line)d", line=seen[row.email]),
            )
        elif row.fate is None:
            seen[row.email] = line
        found.append(row)
    return found


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
    code = text.strip().casefold()[:2]
    known = {"en": "en", "an": "en", "fr": "fr"}
    return known.get(code, event.language)


def _read_wishes(
    row: Candidate,
    values: Mapping[str, str],
    event: Event,
    ways: Mapping[str, AttendanceOption],
    questions: Sequence[Question],
) -> None:
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
    if len(row.guests) > event.guests_max:
        row.ends(
            Fate.TOO_MANY_GUESTS,
            ngettext(
                "The event allows %(num)d guest",
                "The event allows %(num)d guests",
                event.guests_max,
            ),
        )
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


def judge(
    rows: Sequence[Candidate],
    kind: ImportKind,
    plan: Plan,
    *,
    event_id: int,
    options: Sequence[AttendanceOption],
) -> None:
    """Give each row that has none its fate, by what the event has at this moment."""
    live = select(Rsvp.email, Rsvp.id).where(Rsvp.event_id == event_id, Rsvp.status.in_(LIVE))
    coming = {row.email: row.id for row in db.session.execute(live)}
    invited: set[str] = set()
    silent: set[str] = set()
    if kind is ImportKind.INVITEES:
        invited = set(
            db.session.scalars(select(Invitation.email).where(Invitation.event_id == event_id))
        )
        if plan.sends_mail:
            silent = set(db.session.scalars(Unsubscribe.addresses(event_id)))
    left = {option.id: option.seats_left for option in options}
    queued = {option.id: option.waiting > 0 for option in options}
    for row in rows:
        if row.fate is not None:
            continue
        if row.email in coming:
            row.rsvp_id = coming[row.email]
            row.ends(Fate.EXISTS, gettext("This address has an RSVP already"))
        elif row.email in invited:
            row.ends(Fate.EXISTS, gettext("This address is invited already"))
        elif row.email in silent:
            row.ends(Fate.WANTS_NO_MAIL, gettext("This address wants no such messages from us"))
        elif kind is ImportKind.INVITEES:
            row.ends(Fate.INVITED)
        else:
            _seat(row, plan, left, queued)


def _seat(row: Candidate, plan: Plan, left: dict[int, int | None], queued: dict[int, bool]) -> None:
    assert row.option is not None
    capacity = row.option.capacity
    if capacity is not None and row.party_size > capacity:
        row.ends(Fate.FULL, gettext("The party is larger than all the seats"))
        return
    free = left[row.option.id]
    if not queued[row.option.id] and (free is None or row.party_size <= free):
        if free is not None:
            left[row.option.id] = free - row.party_size
        row.ends(Fate.SEATED)
    elif plan.waits:
        queued[row.option.id] = True
        row.ends(Fate.WAITS, gettext("No seat is free: it joins the waitlist"))
    else:
        row.ends(Fate.FULL, gettext("No seat is free"))
