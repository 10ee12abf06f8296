"""Who comes: writing an RSVP's row, its attendees and their answers, under the lock."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app
from sqlalchemy import bindparam, delete, exists, or_, select
from sqlalchemy.exc import IntegrityError

from registration import itip
from registration.database import db
from registration.models import (
    Answer,
    AttendanceOption,
    Attendee,
    Event,
    Question,
    Rsvp,
    RsvpStatus,
    write_guest_words,
)
from registration.writing import write_rows

#: What a person may change about themselves.
PARTICULARS = (
    "name",
    "organisation",
    "job_title",
    "needs_step_free",
    "needs_sign_language",
    "needs_captions",
    "access_note",
    "wants_news",
)
# Of the 32 signs of base32 (RFC 4648, section 6) those that look alike give way to others.
_TICKET_SIGNS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
)
_Said = ParamSpec("_Said")
_Result = TypeVar("_Result")
_TAKEN = (
    select(Attendee.id).where(Attendee.ticket_code.in_(bindparam("codes", expanding=True))).limit(1)
)
_ATTENDEES = (
    select(Attendee).where(Attendee.rsvp_id == bindparam("rsvp")).order_by(Attendee.position)
)


@dataclass(frozen=True)
class Details:
    """Who comes, in their own words. `email` is lower case and ASCII (IDN as A-labels)."""

    name: str
    email: str
    organisation: str = ""
    job_title: str = ""
    needs_step_free: bool = False
    needs_sign_language: bool = False
    needs_captions: bool = False
    access_note: str = ""
    language: str = "en"
    wants_news: bool = False
    booked_by_name: str = ""
    booked_by_email: str = ""


def new_rsvp(details: Details, now: datetime, *, party_size: int) -> Rsvp:
    """An RSVP of these people, to be made before the lock is taken; `direct` it there."""
    rsvp = Rsvp(
        status=RsvpStatus.PENDING,
        party_size=party_size,
        seats_held=0,
        email=details.email,
        booked_by_name=details.booked_by_name,
        booked_by_email=details.booked_by_email,
        language=details.language,
        consented_at=now,
        manage_key=secrets.token_urlsafe(24),
        join_key=secrets.token_urlsafe(24),
        ical_uid=itip.new_uid(current_app.config["MAIL_DOMAIN"]),
        ical_sequence=-1,
        revision=0,
        created_at=now,
        updated_at=now,
    )
    copy_details(rsvp, details)
    return rsvp


def direct(rsvp: Rsvp, event: Event, option: AttendanceOption) -> None:
    """Say what a new RSVP answers, as it is now: an event, and one of its ways to attend."""
    rsvp.event, rsvp.event_id = event, event.id
    rsvp.option, rsvp.option_id = option, option.id
    rsvp.consent_version = event.consent_version


def copy_details(rsvp: Rsvp, details: Details) -> None:
    """Take over what a person may change about themselves."""
    for name in PARTICULARS:
        setattr(rsvp, name, getattr(details, name))


def said_by(rsvp: Rsvp) -> dict[str, Any]:
    """What an RSVP says by now of all that its form asks: particulars, guests, answers."""
    particulars = {name: getattr(rsvp, name) for name in PARTICULARS}
    guests = [guest.name for guest in attendees(rsvp)[1:]]
    return particulars | {"guests": guests, "answers": answers(rsvp)}


def new_ticket_codes(number: int) -> list[str]:
    """So many ticket codes that nobody has yet."""
    while True:
        codes = random_codes(number)
        taken = db.session.scalar(_TAKEN, {"codes": codes})
        if taken is None and len(set(codes)) == number:
            return codes


def random_codes(number: int) -> list[str]:
    """So many ticket codes, each one of 32 ** 8; whether it is somebody's already is not asked."""
    return [
        base64.b32encode(secrets.token_bytes(5)).decode().translate(_TICKET_SIGNS)
        for _ in range(number)
    ]


def again_if_taken(verb: Callable[_Said, _Result]) -> Callable[_Said, _Result]:
    """Run a verb that writes `random_codes`, and once more where one of them is somebody's.

    To look for them first costs each RSVP a question that is answered with no.
    """

    @wraps(verb)
    def run(*args: _Said.args, **kwargs: _Said.kwargs) -> _Result:
        while True:
            try:
                return verb(*args, **kwargs)
            except IntegrityError as error:
                if "ticket_code" not in str(error.orig):
                    raise

    return run


def write_party(rsvp: Rsvp, names: Sequence[str], codes: Sequence[str]) -> None:
    """Write the attendees of a new RSVP: who answered first, then the guests."""
    write_rows(
        Attendee,
        [
            {"rsvp_id": rsvp.id, "position": position, "name": name, "ticket_code": code}
            for position, (name, code) in enumerate(zip(names, codes, strict=True))
        ],
    )
    if len(names) > 1:
        write_guest_words(db.session.connection(), rsvp, names[1:])


def rewrite_party(rsvp: Rsvp, names: Sequence[str], codes: Sequence[str]) -> bool:
    """Make the attendees be these, in this order; whether a guest came, went or was renamed.

    A person who stays keeps the ticket, whoever leaves before them in the list; `codes` are for
    those who are new. A guest whose name is new takes over the ticket of one who left.
    """
    present = attendees(rsvp)
    present[0].name = names[0]
    leaving, coming = present[1:], []
    for name in names[1:]:
        stays = next((guest for guest in leaving if guest.name == name), None)
        if stays is None:
            coming.append(name)
        else:
            leaving.remove(stays)
    changed = bool(leaving or coming)
    for guest, name in zip(leaving, coming, strict=False):
        guest.name = name
    for guest in leaving[len(coming) :]:
        db.session.delete(guest)
    last = present[-1].position
    for number, name in enumerate(coming[len(leaving) :], start=1):
        db.session.add(
            Attendee(
                rsvp_id=rsvp.id,
                position=last + number,
                name=name,
                ticket_code=codes[number - 1],
            )
        )
    return changed


def attendees(rsvp: Rsvp) -> list[Attendee]:
    """The people of an RSVP, who answered first."""
    return list(db.session.scalars(_ATTENDEES, {"rsvp": rsvp.id}))


def answers(rsvp: Rsvp) -> dict[int, dict[str, Any]]:
    """What an RSVP answered, by question: values as `write_answers` takes them."""
    given = select(Answer.question_id, Answer.value).where(Answer.rsvp_id == rsvp.id)
    return dict(db.session.execute(given).all())


def unanswered(rsvp: Rsvp) -> list[str]:
    """The questions that must be answered and are not: a switch, say, has added its own."""
    asked = select(Question.label).where(
        Question.event_id == rsvp.event_id,
        Question.is_required,
        Question.retired_at.is_(None),
        or_(Question.option_id.is_(None), Question.option_id.in_(rsvp.option_ids)),
        ~exists().where(Answer.question_id == Question.id, Answer.rsvp_id == rsvp.id),
    )
    return list(db.session.scalars(asked.order_by(Question.position)))


def write_answers(rsvp: Rsvp, answers: Mapping[int, dict[str, Any]]) -> None:
    """Keep the answers with the words in which they were asked; unknown questions are dropped."""
    if not answers:
        return
    questions = db.session.scalars(
        select(Question).where(Question.event_id == rsvp.event_id, Question.id.in_(answers))
    )
    for question in questions:
        db.session.add(
            Answer(
                rsvp_id=rsvp.id,
                question_id=question.id,
                label=question.label,
                choices=question.choices,
                value=answers[question.id],
                is_sensitive=question.is_sensitive,
            )
        )


def rewrite_answers(rsvp: Rsvp, answers: Mapping[int, dict[str, Any]]) -> None:
    """Replace the answers to the questions that are still asked of the options that it is about.

    Older ones stay as they are, and so does what was answered for a way to attend that was left:
    who goes back to it is not asked again.
    """
    still_asked = select(Question.id).where(
        Question.event_id == rsvp.event_id,
        Question.retired_at.is_(None),
        Question.option_id.is_(None) | Question.option_id.in_(rsvp.option_ids),
    )
    db.session.execute(
        delete(Answer).where(Answer.rsvp_id == rsvp.id, Answer.question_id.in_(still_asked))
    )
    write_answers(rsvp, answers)
