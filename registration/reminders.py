"""What the clock mails by itself: reminders, that a queue has closed, and the follow-up.

A round is found due again and again until all its mails are written, some hundred in each
transaction. A worker that was down writes late what is still of use, and drops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, SQLColumnExpression, exists, or_, select

from registration import emails
from registration.database import db, transaction
from registration.emails import follow_ups
from registration.models import (
    HOLD,
    NO_ADDRESS,
    Announcement,
    AnnouncementState,
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    MailKind,
    OutboxMail,
    ReminderRound,
    RoundKind,
    Rsvp,
    RsvpStatus,
    Speaker,
    SpeakerStatus,
)
from registration.writing import insert_unless_there

#: Mails written in one transaction.
CHUNK = 500


class Anchor(NamedTuple):
    """The moment of an event from which a round is counted: in a query, and of one event."""

    column: SQLColumnExpression[datetime]
    of: Callable[[Event], datetime]


START = Anchor(Event.starts_at, lambda event: event.starts_at)
END = Anchor(Event.ends_at, lambda event: event.ends_at)
QUEUE_CLOSES = Anchor(Event.queue_closes_at, lambda event: event.queue_closes_at)


@dataclass(frozen=True)
class Rule:
    """When a round is due and until when it is of use, from a moment of the event."""

    kind: RoundKind
    mail: MailKind
    due: timedelta
    useful_until: timedelta
    #: One who had a mail of this round so lately gets none for the event's new start.
    rest: timedelta
    anchor: Anchor = START
    #: One round for each such moment: an event that moves has rounds of its new start.
    per: Anchor = START
    hold: timedelta = timedelta(0)


RULES = (
    Rule(
        RoundKind.DAY_BEFORE,
        MailKind.REMINDER,
        due=timedelta(hours=-24),
        useful_until=timedelta(hours=-3),
        rest=timedelta(hours=24),
    ),
    Rule(
        RoundKind.HOUR_BEFORE,
        MailKind.REMINDER,
        due=timedelta(hours=-1),
        useful_until=timedelta(0),
        rest=timedelta(hours=1),
    ),
    Rule(
        RoundKind.SPEAKERS,
        MailKind.SPEAKER_REMINDER,
        due=timedelta(hours=-24),
        useful_until=timedelta(hours=-3),
        rest=timedelta(hours=24),
    ),
    Rule(
        RoundKind.QUEUE_CLOSED,
        MailKind.QUEUE_CLOSED,
        due=timedelta(0),
        useful_until=timedelta(days=7),  # and while the event is not over
        rest=timedelta(hours=24),
        anchor=QUEUE_CLOSES,
        per=QUEUE_CLOSES,
    ),
    Rule(
        RoundKind.FOLLOW_UP,
        MailKind.FOLLOW_UP,
        due=timedelta(0),
        useful_until=follow_ups.USEFUL,
        rest=timedelta(days=3650),
        anchor=END,
        hold=HOLD,
    ),
)


def send_due(*, now: datetime) -> int:
    """Write one chunk of each round that is due; how many mails. Cheap while none is."""
    written = 0
    for rule in RULES:
        for event_id in db.session.scalars(_events_due(rule, now)).all():
            written += _write_chunk(rule, event_id, now)
    return written


def _events_due(rule: Rule, now: datetime) -> Select[int]:
    anchor = rule.anchor.column
    done = exists().where(
        ReminderRound.event_id == Event.id,
        ReminderRound.kind == rule.kind,
        ReminderRound.starts_at == rule.per.column,
        ReminderRound.ended_at.is_not(None),
    )
    # While staff can take back that people are told of a change, nothing else tells them of it.
    is_told_soon = exists().where(
        Announcement.event_id == Event.id, Announcement.state == AnnouncementState.HELD
    )
    due = select(Event.id).where(
        Event.status == EventStatus.PUBLISHED,
        anchor <= now - rule.due,
        anchor > now - rule.useful_until,
        ~done,
        ~is_told_soon,
    )
    if rule.kind is RoundKind.FOLLOW_UP:
        due = due.where(Event.recording_url != "")
    if rule.kind is RoundKind.QUEUE_CLOSED:
        some_wait = exists().where(
            AttendanceOption.event_id == Event.id, AttendanceOption.waiting > 0
        )
        due = due.where(Event.ends_at > now, some_wait)
    return due.order_by(Event.starts_at)


def _write_chunk(rule: Rule, event_id: int, now: datetime) -> int:
    """The next mails of a round, and how far it is, in one transaction; 0 when it has ended."""
    with transaction():
        event = db.session.get_one(Event, event_id)
        found = _round_of(rule, event, now)
        if found is None or found.ended_at is not None:
            return 0
        people = db.session.execute(_people(rule, event, now, after=found.reached_id)).all()
        if people:
            found.reached_id = people[-1].id
            if rows := list(_rows(rule, event, people, now)):
                db.session.execute(insert_unless_there(OutboxMail), rows)
        if len(people) < CHUNK:
            found.ended_at = now
        return len(people)


def _round_of(rule: Rule, event: Event, now: datetime) -> ReminderRound | None:
    """The round, locked; made where there is none. None: another worker has it."""
    db.session.execute(
        insert_unless_there(ReminderRound).values(
            event_id=event.id,
            kind=rule.kind,
            starts_at=rule.per.of(event),
            reached_id=0,
            created_at=now,
        )
    )
    return db.session.scalars(
        select(ReminderRound)
        .where(
            ReminderRound.event_id == event.id,
            ReminderRound.kind == rule.kind,
            ReminderRound.starts_at == rule.per.of(event),
        )
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _people(rule: Rule, event: Event, now: datetime, *, after: int) -> Select[*tuple[Any, ...]]:
    """Whom a round is for, in the order of their ids."""
    told_lately = exists().where(
        OutboxMail.key.like(f"{rule.mail}:{rule.kind}.%"),
        OutboxMail.created_at > now - rule.rest,
    )
    if rule.kind is RoundKind.SPEAKERS:
        return (
            select(Speaker.id, Speaker.email, Speaker.name, Speaker.language)
            .where(
                Speaker.event_id == event.id,
                Speaker.status == SpeakerStatus.CONFIRMED,
                Speaker.email != "",
                Speaker.id > after,
                ~told_lately.where(OutboxMail.speaker_id == Speaker.id),
            )
            .order_by(Speaker.id)
            .limit(CHUNK)
        )
    people = select(
        Rsvp.id, Rsvp.email, Rsvp.name, Rsvp.language, Rsvp.booked_by_email, Rsvp.booked_by_name
    ).where(
        Rsvp.event_id == event.id,
        Rsvp.id > after,
        ~told_lately.where(OutboxMail.rsvp_id == Rsvp.id),
    )
    if rule.kind is RoundKind.QUEUE_CLOSED:
        people = people.where(Rsvp.waits_for_option_id.is_not(None))
    else:
        people = people.where(Rsvp.status == RsvpStatus.CONFIRMED)
    if rule.anchor is START:
        # Who has been confirmed since has just had all of it by mail.
        due_at = event.starts_at + rule.due
        people = people.where(or_(Rsvp.confirmed_at.is_(None), Rsvp.confirmed_at < due_at))
    if rule.kind is RoundKind.HOUR_BEFORE:
        people = people.join(AttendanceOption, AttendanceOption.id == Rsvp.option_id).where(
            AttendanceOption.mode == AttendanceMode.VIRTUAL
        )
    return people.order_by(Rsvp.id).limit(CHUNK)


def _rows(
    rule: Rule, event: Event, people: Sequence[Row[*tuple[Any, ...]]], now: datetime
) -> Iterable[dict[str, Any]]:
    """Outbox rows for these people, and copies for who answered for them."""
    facts: dict[str, Any] = {
        "round": str(rule.kind),
        "until": (rule.anchor.of(event) + rule.useful_until).isoformat(),
    }
    of_speakers = rule.kind is RoundKind.SPEAKERS
    for person in people:
        recipients: list[tuple[str, str, dict[str, Any]]] = [(person.email, person.name, facts)]
        copy_to = "" if of_speakers else person.booked_by_email
        if copy_to and copy_to != person.email:
            recipients.append((copy_to, person.booked_by_name, facts | {"copy": True}))
        for address, name, about in recipients:
            if address.endswith(NO_ADDRESS):
                continue
            what = f"{rule.kind}.{person.id}.{rule.per.of(event).timestamp():.0f}"
            yield emails.row(
                rule.mail,
                what,
                recipient=address,
                recipient_name=name,
                language=person.language,
                event_id=event.id,
                rsvp_id=None if of_speakers else person.id,
                speaker_id=person.id if of_speakers else None,
                facts=about,
                now=now,
                due_at=now + rule.hold,
            )
