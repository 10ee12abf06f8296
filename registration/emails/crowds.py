"""One mail to each of a crowd, written by the database itself: a statement, not a row at a time.

A crowd is a span of an event's RSVPs. The caller holds the lock of the event's seats, so that
nobody of them cancels, comes or moves meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)

from registration import audience
from registration.audience import Group
from registration.database import JSON_DOCUMENT, count_changed, db
from registration.emails import rows
from registration.models import (
    LIVE,
    NO_ADDRESS,
    Announcement,
    AttendanceOption,
    Event,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
    RsvpStatus,
)


@dataclass(frozen=True)
class Crowd:
    """The RSVPs of an event whose ids are from `first` to `last`, and what they are told."""

    event: Event
    options: Iterable[AttendanceOption]
    announcement: Announcement
    first: int
    last: int

    def rsvps(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """The condition on Rsvp that it is one of them, and that `condition` is so."""
        return Rsvp.id.between(self.first, self.last) & _row_by_row(
            (Rsvp.event_id == self.event.id) & condition
        )

    @property
    def waiting_mails(self) -> ColumnElement[bool]:
        """The condition on OutboxMail that it is to one of them and has not gone."""
        return OutboxMail.rsvp_id.between(self.first, self.last) & _row_by_row(
            (OutboxMail.event_id == self.event.id) & (OutboxMail.state == MailState.WAITING)
        )


def crowd_changed(crowd: Crowd, *, now: datetime) -> int:
    """Mail those to whom it is news, with what it was for each; how many they are.

    With a REQUEST where there is an entry in a calendar, which then says something else.
    """
    _take_back_unsent(crowd, now)
    news = list(audience.news(crowd.event))
    if not news:
        return 0
    of_group = [(_is_in(crowd, group), group) for group in news]
    chosen = crowd.rsvps(audience.is_told() & or_(*(is_in for is_in, _ in of_group)))
    number = _next_number()

    def facts(**more: Any) -> ColumnElement[Any]:
        return case(*((is_in, _json(_told(group) | more)) for is_in, group in of_group))

    kind = MailKind.EVENT_CHANGED
    _write(kind, chosen, crowd, now, facts=facts(), sequence=number)
    _write_copies(kind, chosen, crowd, now, facts=facts(copy=True))
    told = {"told_edition": crowd.event.edition}
    return _set(chosen, ical_sequence=func.coalesce(number, Rsvp.ical_sequence), **told)


def crowd_cancelled(crowd: Crowd, *, now: datetime) -> int:
    """Mail those who are live, with a CANCEL where there is an entry; how many mails these are.

    Whatever else still waits to go to any of them gives way, but for what tells one whose RSVP has
    ended so, and an address before: that mail has the CANCEL of an entry, and this one is not for
    them. What staff have released since they cancelled was written for it.
    """
    kept = (*rows.ENDS, MailKind.READDRESSED)
    cancelled_at = crowd.event.cancelled_at or now
    of_staff = OutboxMail.mailing_id.is_not(None) & (OutboxMail.created_at >= cancelled_at)
    _supersede(crowd.waiting_mails & OutboxMail.kind.not_in(kept) & ~of_staff, now)
    live = crowd.rsvps(Rsvp.status.in_(LIVE))
    kind, told = MailKind.EVENT_CANCELLED, {"reason": crowd.event.cancellation_reason}
    number = _write(kind, live, crowd, now, facts=_json(told), sequence=_next_number())
    _write_copies(kind, live, crowd, now, facts=_json(told | {"copy": True}))
    _set(crowd.rsvps(audience.has_entry()), ical_sequence=Rsvp.ical_sequence + 1)
    return number


def _row_by_row(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """`condition` as one that no index serves.

    A span of ids is few rows, and of an event or a status there may be millions: but a database
    that has no statistics yet of a crowd that came at once takes the index of those.
    """
    return case((condition, literal_column("1")), else_=literal_column("0")) == literal_column("1")


def _is_in(crowd: Crowd, group: Group) -> ColumnElement[bool]:
    options = [option.id for option in crowd.options if option.mode is group.mode]
    entry = audience.has_entry() if group.has_entry else ~audience.has_entry()
    return (audience.told_edition() == group.told) & Rsvp.option_id.in_(options) & entry


def _told(group: Group) -> dict[str, Any]:
    return {"edition": group.told, "before": group.before, "changed": group.changed}


def _json(facts: dict[str, Any]) -> ColumnElement[Any]:
    return literal(facts, JSON_DOCUMENT)


def _take_back_unsent(crowd: Crowd, now: datetime) -> None:
    """An earlier telling that has not gone gives way; its readers know what they knew before."""
    earlier = select(Announcement.id).where(
        Announcement.event_id == crowd.event.id, Announcement.id != crowd.announcement.id
    )
    waits = select(OutboxMail.id).where(
        OutboxMail.announcement_id.in_(earlier), OutboxMail.state == MailState.WAITING
    )
    if db.session.scalar(waits.limit(1)) is None:
        return
    unsent = (
        crowd.waiting_mails
        & (OutboxMail.kind == MailKind.EVENT_CHANGED)
        & (OutboxMail.attempts == 0)
    )
    of_it = unsent & (OutboxMail.rsvp_id == Rsvp.id)
    knew = select(func.min(OutboxMail.facts["edition"].as_integer())).where(of_it)
    db.session.execute(
        update(Rsvp)
        .where(crowd.rsvps(exists().where(of_it)))
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


def _next_number() -> ColumnElement[Any]:
    """The next SEQUENCE of an RSVP's entry; none where there is no entry."""
    return case((audience.has_entry(), Rsvp.ical_sequence + 1), else_=null())


def _set(whose: ColumnElement[bool], **values: Any) -> int:
    """Note what these RSVPs are told; how many they are."""
    return count_changed(update(Rsvp).where(whose).values(values))


def _write(
    kind: MailKind,
    whose: ColumnElement[bool],
    crowd: Crowd,
    now: datetime,
    *,
    facts: ColumnElement[Any],
    sequence: Any,
    copies: bool = False,
) -> int:
    """One outbox row for each of `whose` RSVPs, in one statement; how many."""
    recipient = Rsvp.booked_by_email if copies else Rsvp.email
    rsvp_id = cast(Rsvp.id, String)
    announcement, mark = crowd.announcement, ".c" if copies else ""
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
        OutboxMail.facts: facts,
        OutboxMail.created_at: literal(now, OutboxMail.created_at.type),
        OutboxMail.due_at: literal(now, OutboxMail.due_at.type),
        OutboxMail.attempts: literal(0),
        OutboxMail.last_error: literal(""),
        # Any text that never changes for this row will do; the token cannot be guessed.
        OutboxMail.message_id: literal(f"<{announcement.token}.")
        + rsvp_id
        + literal(f"{mark}@{domain}>"),
    }
    return count_changed(
        insert(OutboxMail).from_select(
            [column.key for column in values],
            select(*values.values()).where(whose, recipient.not_like(f"%{NO_ADDRESS}")),
            include_defaults=False,
        )
    )


def _write_copies(
    kind: MailKind,
    whose: ColumnElement[bool],
    crowd: Crowd,
    now: datetime,
    *,
    facts: ColumnElement[Any],
) -> None:
    """Copies for assistants who answered for the person; the entry is not theirs."""
    booked = crowd.rsvps(
        (Rsvp.booked_by_email != "")
        & (Rsvp.booked_by_email != Rsvp.email)
        & (Rsvp.status != RsvpStatus.UNVERIFIED)
    )
    # Most crowds have none, and to look costs less than to write nothing.
    if db.session.scalar(select(Rsvp.id).where(booked).limit(1)) is not None:
        _write(kind, whose & booked, crowd, now, facts=facts, sequence=null(), copies=True)
