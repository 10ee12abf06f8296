"""What a corrected address leaves at the one before, which may be a stranger's: nothing."""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from sqlalchemy import ColumnElement, or_, select, update

from registration import itip
from registration.database import db
from registration.emails import rows
from registration.models import MailKind, MailState, OutboxMail, Rsvp, Speaker


def readdress(one: Rsvp | Speaker, before: str, *, is_asked: bool, now: datetime) -> None:
    """Let what waits go to the right address, and take the entry out of the calendar of the other.

    Where there is no right one, what waits is given up. `is_asked` says whether the event is to
    stand in a calendar of theirs; where it is not any more, the entry is there as long as its
    CANCEL waits. Their next entry has a UID of its own: whoever reads both calendars keeps it.
    Once the event is over its entries stay where they are.
    """
    whose = (OutboxMail.speaker_id if isinstance(one, Speaker) else OutboxMail.rsvp_id) == one.id
    waits = whose & rows.to_its_reader() & (OutboxMail.recipient == before)
    if one.event.is_past(now):
        _redirect(waits, one.email, now)
        return
    has_calendar_part = OutboxMail.ical_sequence.is_not(None)
    has_entry = is_asked or _is_any(waits & has_calendar_part)
    # It was sent and did not come back, or a worker has had it in hand.
    gone = or_(
        OutboxMail.state == MailState.SENT,
        (OutboxMail.attempts > 0) & (OutboxMail.state != MailState.FAILED),
    )
    went_there = whose & has_calendar_part & (OutboxMail.recipient == before) & gone
    loses_entry = has_entry and one.ical_sequence >= 0 and _is_any(went_there)
    one.touch(now)
    if loses_entry:
        _write_to_before(one, before, now)
    one.ical_uid, one.ical_sequence = itip.new_uid(current_app.config["MAIL_DOMAIN"]), -1
    _redirect(waits, one.email, now, ical_sequence=None)  # it was that of the entry before


def _write_to_before(one: Rsvp | Speaker, before: str, now: datetime) -> None:
    """Write the last mail to an address before, with a CANCEL; it names nobody."""
    rows.write(
        MailKind.READDRESSED,
        one.ical_uid,
        recipient=before,
        now=now,
        event=one.event,
        rsvp=one if isinstance(one, Rsvp) else None,
        speaker=one if isinstance(one, Speaker) else None,
        language=one.language,
        ical_sequence=one.ical_sequence + 1,
        facts={"uid": one.ical_uid},
    )


def _redirect(waits: ColumnElement[bool], recipient: str, now: datetime, **values: None) -> None:
    if not recipient:
        rows.withdraw(waits, now=now)
        return
    db.session.execute(
        update(OutboxMail)
        .where(waits)
        .values(recipient=recipient, **values)
        .execution_options(synchronize_session=False)
    )


def _is_any(mails: ColumnElement[bool]) -> bool:
    return db.session.scalar(select(OutboxMail.id).where(mails).limit(1)) is not None
