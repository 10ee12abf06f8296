"""Telling everybody of a change: held, taken back, and at last written to the outbox.

A telling is one row until its hold ends, so that saving a change takes no longer for a hundred
thousand RSVPs than for one. Then the worker writes the mails with set-based statements, a chunk
of RSVPs in each transaction, so that nobody who sends an RSVP meanwhile waits for long.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from registration import audience, audit, editions, emails, seating
from registration.audience import Group
from registration.database import JSON_DOCUMENT, db, transaction
from registration.models import (
    LIVE,
    NO_ADDRESS,
    Announcement,
    AnnouncementKind,
    AnnouncementState,
    AttendanceOption,
    Event,
    EventStatus,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
)

#: How many RSVPs one transaction looks at.
CHUNK = 500


def tell(*, event_id: int, staff_id: int | None, now: datetime) -> bool:
    """Tell those who were not told of how the event is now; False if there is nobody."""
    with transaction():
        event = seating.lock(event_id).event
        editions.keep(event, now=now)
        reach = audience.reach(event, editions.facts_of(event))
        speakers = [
            speaker
            for speaker in audience.speakers_with_entry(event_id)
            if editions.speaker_differs(speaker)
        ]
        if not (reach.attendees or speakers) or event.status is not EventStatus.PUBLISHED:
            return False
        announcement = emails.event_changed(event, staff_id=staff_id, now=now)
        announcement.attendees, announcement.speakers = reach.attendees, len(speakers)
        audit.record(
            "event.announced",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            attendees=reach.attendees,
            speakers=len(speakers),
        )
    return True


def undo(*, announcement_id: int, staff_id: int | None, now: datetime) -> bool:
    """Take a telling back while it is held; False if it is too late.

    The change itself stays, but for a cancellation: then the event takes place again.
    """
    event_id = db.session.scalar(
        select(Announcement.event_id).where(Announcement.id == announcement_id)
    )
    if event_id is None:
        raise LookupError(f"there is no announcement {announcement_id}")
    with transaction():
        event = seating.lock(event_id).event
        announcement = db.session.get_one(Announcement, announcement_id, populate_existing=True)
        if announcement.state is not AnnouncementState.HELD or now >= announcement.due_at:
            return False
        announcement.state, announcement.ended_at = AnnouncementState.WITHDRAWN, now
        if announcement.kind is AnnouncementKind.CANCELLED:
            event.status = EventStatus.PUBLISHED
            event.cancelled_at, event.cancellation_reason = None, ""
            event.ical_sequence += 1
            event.revision += 1
            event.updated_at = now
        audit.record(
            "event.undone",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            kind=str(announcement.kind),
        )
    return True


def spread(*, now: datetime) -> int:
    """Write the mails of all tellings whose hold has ended; how many RSVPs were looked at."""
    looked_at = 0
    due = (Announcement.due_at <= now) & Announcement.state.in_(
        (AnnouncementState.HELD, AnnouncementState.SENDING)
    )
    for announcement_id in db.session.scalars(
        select(Announcement.id).where(due).order_by(Announcement.id)
    ).all():
        began = time.monotonic()
        while number := _spread_chunk(announcement_id, now):
            looked_at += number
            time.sleep(_breath(time.monotonic() - began))
            began = time.monotonic()
    return looked_at


def _breath(took: float) -> float:
    """How long to pause after a transaction, so that others get their turn.

    PostgreSQL lets those who wait in by itself; with SQLite they look again now and then.
    """
    return 0.0 if db.engine.dialect.name == "postgresql" else max(0.01, took / 2)


def _spread_chunk(announcement_id: int, now: datetime) -> int:
    """One transaction of a telling; 0 when there is nothing left of it."""
    event_id = db.session.scalar(
        select(Announcement.event_id).where(Announcement.id == announcement_id)
    )
    if event_id is None:
        return 0
    with transaction():
        # In the order of all who change seats; two workers take turns.
        event = seating.lock(event_id).event
        announcement = db.session.get_one(Announcement, announcement_id, populate_existing=True)
        if announcement.state not in (AnnouncementState.HELD, AnnouncementState.SENDING):
            return 0
        if announcement.state is AnnouncementState.HELD:
            announcement.state = AnnouncementState.SENDING
            announcement.attendees = announcement.speakers = 0
            _tell_speakers(event, announcement, now)
        last, number = db.session.execute(_chunk_after(announcement)).one()
        if number:
            whose = (
                Rsvp.id.between(announcement.reached_rsvp_id + 1, last)
                # A sum, so that no index of the event's RSVPs is taken: the ids alone are few.
                & (Rsvp.event_id + 0 == event_id)
            )
            theirs = (
                OutboxMail.rsvp_id.between(announcement.reached_rsvp_id + 1, last)
                & (OutboxMail.event_id + 0 == event_id)
                & (OutboxMail.state == MailState.WAITING)
            )
            write = (
                _write_cancelled
                if announcement.kind is AnnouncementKind.CANCELLED
                else _write_changed
            )
            announcement.attendees += write(event, announcement, whose, theirs, now)
            announcement.reached_rsvp_id = last
        if number < CHUNK:
            announcement.state, announcement.ended_at = AnnouncementState.SENT, now
        return int(number)


def _chunk_after(announcement: Announcement) -> Any:
    """The last id of the next RSVPs of the event, and how many they are."""
    ids = (
        select(Rsvp.id)
        .where(Rsvp.event_id == announcement.event_id, Rsvp.id > announcement.reached_rsvp_id)
        .order_by(Rsvp.id)
        .limit(CHUNK)
        .subquery()
    )
    return select(func.max(ids.c.id), func.count()).select_from(ids)


def _tell_speakers(event: Event, announcement: Announcement, now: datetime) -> None:
    for speaker in audience.speakers_with_entry(event.id):
        if announcement.kind is AnnouncementKind.CANCELLED:
            speaker.revision += 1
            emails.speaker_cancelled(speaker, now=now, announcement=announcement)
            announcement.speakers += 1
        elif emails.speaker_moved(speaker, now=now, announcement=announcement):
            announcement.speakers += 1


def _write_changed(
    event: Event,
    announcement: Announcement,
    whose: ColumnElement[bool],
    theirs: ColumnElement[bool],
    now: datetime,
) -> int:
    """Mail those of `whose` RSVPs whose entry differs; how many they are."""
    _take_back_unsent(whose, theirs, now)
    mailed = 0
    with_entry = whose & audience.has_entry()
    for group, number in list(audience.groups(event, editions.facts_of(event), with_entry)):
        chosen = with_entry & _in_group(event, group)
        facts = {"edition": group.told, "before": group.before, "changed": group.changed}
        sequence = Rsvp.ical_sequence + 1
        _write(MailKind.EVENT_CHANGED, chosen, announcement, sequence, facts, now)
        _write_copies(MailKind.EVENT_CHANGED, chosen, announcement, facts, now)
        db.session.execute(
            update(Rsvp)
            .where(chosen)
            .values(ical_sequence=Rsvp.ical_sequence + 1, told_edition=event.edition)
            .execution_options(synchronize_session=False)
        )
        mailed += number
    return mailed


def _in_group(event: Event, group: Group) -> ColumnElement[bool]:
    options = select(AttendanceOption.id).where(
        AttendanceOption.event_id == event.id, AttendanceOption.mode == group.mode
    )
    return (audience.told_edition() == group.told) & Rsvp.option_id.in_(options)


def _take_back_unsent(
    whose: ColumnElement[bool], theirs: ColumnElement[bool], now: datetime
) -> None:
    """An earlier telling that has not gone gives way; its readers know what they knew before."""
    unsent = theirs & (OutboxMail.kind == MailKind.EVENT_CHANGED) & (OutboxMail.attempts == 0)
    if db.session.scalar(select(OutboxMail.id).where(unsent).limit(1)) is None:
        return
    of_it = unsent & (OutboxMail.rsvp_id == Rsvp.id)
    knew = select(func.min(OutboxMail.facts["edition"].as_integer())).where(of_it)
    db.session.execute(
        update(Rsvp)
        .where(whose, exists().where(of_it))
        .values(told_edition=cast(knew.scalar_subquery(), Integer))
        .execution_options(synchronize_session=False)
    )
    _supersede(unsent, now)


def _supersede(mails: ColumnElement[bool], now: datetime) -> None:
    db.session.execute(
        update(OutboxMail)
        .where(mails)
        .values(state=MailState.SUPERSEDED, ended_at=now)
        .execution_options(synchronize_session=False)
    )


def _write_cancelled(
    event: Event,
    announcement: Announcement,
    whose: ColumnElement[bool],
    theirs: ColumnElement[bool],
    now: datetime,
) -> int:
    """Mail all live ones of `whose` RSVPs, with a CANCEL where there is an entry; how many."""
    _supersede(theirs, now)
    live = whose & Rsvp.status.in_(LIVE)
    with_entry = live & audience.has_entry()
    kind, facts = MailKind.EVENT_CANCELLED, {"reason": event.cancellation_reason}
    number = _write(kind, with_entry, announcement, Rsvp.ical_sequence + 1, facts, now)
    number += _write(kind, live & ~audience.has_entry(), announcement, null(), facts, now)
    _write_copies(kind, live, announcement, facts, now)
    db.session.execute(
        update(Rsvp)
        .where(with_entry)
        .values(ical_sequence=Rsvp.ical_sequence + 1)
        .execution_options(synchronize_session=False)
    )
    return number


def _write(
    kind: MailKind,
    whose: ColumnElement[bool],
    announcement: Announcement,
    sequence: Any,
    facts: dict[str, Any],
    now: datetime,
    *,
    copies: bool = False,
) -> int:
    """One outbox row for each of `whose` RSVPs, in one statement; how many."""
    recipient = Rsvp.booked_by_email if copies else Rsvp.email
    rsvp_id = cast(Rsvp.id, String)
    mark = ".c" if copies else ""
    domain = current_app.config["MAIL_DOMAIN"]
    values: dict[Any, Any] = {
        OutboxMail.key: literal(f"{kind}:") + rsvp_id + f".a{announcement.id}:" + recipient,
        OutboxMail.kind: literal(kind, OutboxMail.kind.type),
        OutboxMail.state: literal(MailState.WAITING, OutboxMail.state.type),
        OutboxMail.recipient: recipient,
        OutboxMail.recipient_name: Rsvp.booked_by_name if copies else Rsvp.name,
        OutboxMail.language: Rsvp.language,
        OutboxMail.event_id: Rsvp.event_id,
        OutboxMail.rsvp_id: Rsvp.id,
        OutboxMail.announcement_id: literal(announcement.id),
        OutboxMail.ical_sequence: cast(sequence, Integer),
        OutboxMail.facts: literal(facts, JSON_DOCUMENT),
        OutboxMail.created_at: literal(now, OutboxMail.created_at.type),
        OutboxMail.due_at: literal(now, OutboxMail.due_at.type),
        OutboxMail.attempts: literal(0),
        OutboxMail.last_error: literal(""),
        # Any text that never changes for this row will do; the token cannot be guessed.
        OutboxMail.message_id: literal(f"<{announcement.token}.")
        + rsvp_id
        + literal(f"{mark}@{domain}>"),
    }
    written = db.session.execute(
        insert(OutboxMail).from_select(
            [column.key for column in values],
            select(*values.values()).where(whose, recipient.not_like(f"%{NO_ADDRESS}")),
            include_defaults=False,
        )
    )
    return int(written.rowcount)  # type: ignore[attr-defined]


def _write_copies(
    kind: MailKind,
    whose: ColumnElement[bool],
    announcement: Announcement,
    facts: dict[str, Any],
    now: datetime,
) -> None:
    """Copies for assistants who answered for the person; the entry is not theirs."""
    booked = (
        whose
        & (Rsvp.booked_by_email != "")
        & (Rsvp.booked_by_email != Rsvp.email)
        & (Rsvp.status != RsvpStatus.UNVERIFIED)
    )
    _write(kind, booked, announcement, null(), facts | {"copy": True}, now, copies=True)
