"""The second half of an import: rows of a list become invitations and RSVPs, whatever their number.

`prepare` makes what takes time before the lock of the seats is taken: keys and tickets. Under the
lock one statement writes each table.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import select, update

from registration import audit, emails, itip, parties, rowsets, seating
from registration.database import db
from registration.fates import Candidate, Fate
from registration.folding import words_in
from registration.models import (
    FROM_LIST,
    Answer,
    AttendanceOption,
    Attendee,
    Event,
    ImportKind,
    Invitation,
    InvitationStatus,
    MailKind,
    Question,
    Rsvp,
    RsvpStatus,
    SearchWord,
)
from registration.models.rsvps import search_text
from registration.seating import Seats

#: Ticket codes that are asked for at once.
_CHUNK = 1000


class Ready(NamedTuple):
    """What a row needs that nobody else may have, made before the lock."""

    columns: dict[str, Any]  # of the invitation or RSVP
    codes: Sequence[str] = ()  # a ticket for each person
    words: Sequence[tuple[int, str]] = ()  # by which they are found, with the person's position


def prepare(rows: Sequence[Candidate], kind: ImportKind) -> dict[int, Ready]:
    """Keys and tickets of the rows that may be taken in, by their line."""
    hopeful = [row for row in rows if row.fate is None]
    if kind is ImportKind.INVITEES:
        return {
            row.line: Ready({"key": secrets.token_urlsafe(24), "search_text": _searched(row)})
            for row in hopeful
        }
    codes = iter(_ticket_codes(sum(row.party_size for row in hopeful)))
    domain = current_app.config["MAIL_DOMAIN"]
    return {
        row.line: Ready(
            {
                "search_text": _searched(row),
                "manage_key": secrets.token_urlsafe(24),
                "join_key": secrets.token_urlsafe(24),
                "ical_uid": itip.new_uid(domain),
            },
            [next(codes) for _person in range(row.party_size)],
            _words(row),
        )
        for row in hopeful
    }


def _searched(row: Candidate) -> str:
    return search_text(row.name, row.email, row.organisation)


def _words(row: Candidate) -> list[tuple[int, str]]:
    said = [_searched(row), *row.guests]
    return [(position, word) for position, text in enumerate(said) for word in words_in(text)]


def _ticket_codes(number: int) -> list[str]:
    codes: dict[str, None] = {}
    while len(codes) < number:
        codes.update(dict.fromkeys(parties.new_ticket_codes(min(_CHUNK, number - len(codes)))))
    return list(codes)


def invite(
    rows: Sequence[Candidate], ready: dict[int, Ready], event: Event, *, mails: bool, now: datetime
) -> None:
    """Write an invitation for each row. In the caller's transaction."""
    written = rowsets.write(
        Invitation,
        [
            {
                "email": row.email,
                "name": row.name,
                "organisation": row.organisation,
                "language": row.language,
                **ready[row.line].columns,
            }
            for row in rows
        ],
        same={"event_id": event.id, "created_at": now},
        returning=["email", "id"],
    )
    if mails:
        ids: dict[str, int] = {row.email: row.id for row in written}
        emails.list_invited(
            [(ids[row.email], row.email, row.name, row.language) for row in rows],
            event=event,
            now=now,
        )


def seat(
    rows: Sequence[Candidate],
    ready: dict[int, Ready],
    seats: Seats,
    *,
    mails: bool,
    staff_id: int | None,
    now: datetime,
) -> None:
    """Write an RSVP for each row, with its seats or its place in the queue. Under the lock."""
    ids = _write_rsvps(rows, ready, seats, mails=mails, now=now)
    _write_people(rows, ready, ids, seats.event)
    _write_answers(rows, ids, seats.event)
    if mails:
        _mail(rows, ids, seats.event, now)
    audit.record_many(
        "rsvp.imported",
        {ids[row.email]: {"option": row.option.id} for row in rows if row.option},
        now=now,
        actor="system",
        staff_id=staff_id,
        event_id=seats.event.id,
    )


def _write_rsvps(
    rows: Sequence[Candidate],
    ready: dict[int, Ready],
    seats: Seats,
    *,
    mails: bool,
    now: datetime,
) -> dict[str, int]:
    """The RSVPs' own rows; their ids by address."""
    event = seats.event
    invited: dict[str, int] = {
        found.email: found.id
        for found in db.session.execute(
            select(Invitation.email, Invitation.id).where(Invitation.event_id == event.id)
        )
    }
    ids: dict[str, int] = {}
    for fate in (Fate.SEATED, Fate.WAITS):
        of_fate = [row for row in rows if row.fate is fate]
        written = rowsets.write(
            Rsvp,
            [
                {
                    "email": row.email,
                    "name": row.name,
                    "organisation": row.organisation,
                    "job_title": row.job_title,
                    "language": row.language,
                    "party_size": row.party_size,
                    "invitation_id": invited.get(row.email),
                    **ready[row.line].columns,
                    **place,
                }
                for row, place in zip(of_fate, _places(of_fate, seats), strict=True)
            ],
            same=_state(event, fate, mails=mails, now=now),
            returning=["email", "id"],
        )
        ids.update({row.email: row.id for row in written})
    if invited:
        _accept_invitations(event, now)
    return ids


def _state(event: Event, fate: Fate, *, mails: bool, now: datetime) -> dict[str, Any]:
    """What all RSVPs of one fate begin with. Without mail nobody has an entry in a calendar."""
    is_seated = fate is Fate.SEATED
    has_entry = is_seated and mails
    # Nobody has agreed to anything by standing on a list: there is no consent.
    return {
        "event_id": event.id,
        "status": RsvpStatus.CONFIRMED if is_seated else RsvpStatus.WAITLISTED,
        "source": FROM_LIST,
        "confirmed_at": now if is_seated else None,
        "ical_sequence": 0 if has_entry else -1,
        "told_edition": event.edition,
        "created_at": now,
        "updated_at": now,
    }


def _accept_invitations(event: Event, now: datetime) -> None:
    """Note on the invitations of those who have just been written that they come."""
    coming = select(Rsvp.invitation_id).where(
        Rsvp.event_id == event.id, Rsvp.source == FROM_LIST, Rsvp.created_at == now
    )
    db.session.execute(
        update(Invitation)
        .where(Invitation.id.in_(coming))
        .values(status=InvitationStatus.ACCEPTED, answered_at=now)
        .execution_options(synchronize_session=False)
    )


def _places(rows: Sequence[Candidate], seats: Seats) -> list[dict[str, Any]]:
    """Where each row sits or waits; counted in the options. All rows have one fate."""
    wanted: Counter[int] = Counter()
    places: list[dict[str, Any]] = []
    for row in rows:
        option = _option(row)
        if row.fate is Fate.SEATED:
            wanted[option.id] += row.party_size
            places.append({"option_id": option.id, "seats_held": row.party_size})
        else:
            wanted[option.id] += 1
            number = option.last_waiting_number + wanted[option.id]
            places.append(
                {
                    "option_id": option.id,
                    "seats_held": 0,
                    "waits_for_option_id": option.id,
                    "waiting_number": number,
                }
            )
    for option_id, number in wanted.items():
        if rows[0].fate is Fate.SEATED:
            seating.take_many(seats.options[option_id], number)
        else:
            seating.wait_many(seats.options[option_id], number)
    return places


def _option(row: Candidate) -> AttendanceOption:
    assert row.option is not None
    return row.option


def _write_people(
    rows: Sequence[Candidate], ready: dict[int, Ready], ids: dict[str, int], event: Event
) -> None:
    """The people of each party, with their tickets and the words by which they are found."""
    rowsets.write(
        Attendee,
        [
            {"rsvp_id": ids[row.email], "position": position, "name": name, "ticket_code": code}
            for row in rows
            for position, (name, code) in enumerate(
                zip([row.name, *row.guests], ready[row.line].codes, strict=True)
            )
        ],
        same={},
    )
    rowsets.write(
        SearchWord,
        [
            {"rsvp_id": ids[row.email], "position": position, "word": word}
            for row in rows
            for position, word in ready[row.line].words
        ],
        same={"event_id": event.id},
    )


def _write_answers(rows: Sequence[Candidate], ids: dict[str, int], event: Event) -> None:
    asked = set().union(*(row.answers for row in rows))
    if not asked:
        return
    questions = {
        question.id: question
        for question in db.session.scalars(
            select(Question).where(Question.event_id == event.id, Question.id.in_(asked))
        )
    }
    for question in questions.values():
        rowsets.write(
            Answer,
            [
                {"rsvp_id": ids[row.email], "value": row.answers[question.id]}
                for row in rows
                if question.id in row.answers
            ],
            same={
                "question_id": question.id,
                "label": question.label,
                "choices": question.choices,
                "is_sensitive": question.is_sensitive,
            },
        )


def _mail(rows: Sequence[Candidate], ids: dict[str, int], event: Event, now: datetime) -> None:
    for fate, kind in ((Fate.SEATED, MailKind.CONFIRMED), (Fate.WAITS, MailKind.WAITLISTED)):
        emails.list_answered(
            kind,
            [
                (ids[row.email], row.email, row.name, row.language)
                for row in rows
                if row.fate is fate
            ],
            event=event,
            now=now,
        )
