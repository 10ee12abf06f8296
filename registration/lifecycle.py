"""An event's life: published, made a draft again, thrown away, cancelled.

Each public function is one transaction.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from registration import audience, audit, emails, preflight, revisions, seating
from registration.database import db, transaction
from registration.models import AuditEntry, Event, EventStatus, Rsvp
from registration.revisions import EventRefused


def publish(*, event_id: int, staff_id: int | None, now: datetime) -> None:
    """Show a draft to the public. Raises EventRefused where something must be mended first."""
    with transaction():
        event = seating.lock(event_id).event
        if event.status is EventStatus.CANCELLED:
            raise EventRefused(_("This event is cancelled. Make a copy of it instead."))
        blocking = [found for found in preflight.examine(event, now=now) if found.is_blocking]
        if blocking:
            raise EventRefused(blocking[0].text)
        event.status = EventStatus.PUBLISHED
        revisions.count(event, now)
        audit.record("event.published", now=now, staff_id=staff_id, event_id=event_id)


def withdraw(*, event_id: int, staff_id: int | None, now: datetime) -> None:
    """Make a published event a draft again. Raises EventRefused once somebody has answered."""
    with transaction():
        event = seating.lock(event_id).event
        if _is_answered(event_id):
            raise EventRefused(_("People have sent RSVPs already. Cancel the event instead."))
        if event.status is EventStatus.PUBLISHED:
            event.status = EventStatus.DRAFT
            revisions.count(event, now)
            audit.record("event.withdrawn", now=now, staff_id=staff_id, event_id=event_id)


def discard(*, event_id: int, staff_id: int | None, now: datetime) -> None:
    """Throw a draft away, with all that was written for it.

    Raises EventRefused for one that is no draft, that somebody answered, or that stands in the
    calendar of a speaker.
    """
    with transaction():
        event = seating.lock(event_id).event
        if event.status is not EventStatus.DRAFT:
            raise EventRefused(_("Only a draft can be thrown away. Cancel the event instead."))
        if _is_answered(event_id):
            raise EventRefused(_("There are RSVPs for this draft: it cannot be thrown away."))
        if audience.speakers_with_entry(event_id):
            raise EventRefused(_("Speakers have been invited. Take their invitations back first."))
        # Of no event: what is kept of the event itself goes with it.
        audit.record("event.discarded", now=now, staff_id=staff_id, title=event.title)
        db.session.execute(delete(Event).where(Event.id == event_id))


def cancel(*, event_id: int, reason: str, staff_id: int | None, now: datetime) -> None:
    """Call an event off: the page says so at once, mails go when the hold ends. Twice is once.

    Raises EventRefused for a draft and for an event that is over.
    """
    with transaction():
        seats = seating.lock(event_id)
        event = seats.event
        if event.status is EventStatus.CANCELLED:
            return
        if event.status is EventStatus.DRAFT:
            raise EventRefused(_("A draft has not been announced: there is nothing to cancel."))
        if event.is_past(now):
            raise EventRefused(_("This event is over."))
        event.status = EventStatus.CANCELLED
        event.cancelled_at, event.cancellation_reason = now, reason
        event.ical_sequence += 1
        revisions.count(event, now)
        db.session.flush()
        announcement = emails.event_cancelled(event, staff_id=staff_id, now=now)
        _live, announcement.attendees = audience.live_of(event.id)
        announcement.speakers = len(audience.speakers_with_entry(event.id))
        audit.record(
            "event.cancelled", now=now, staff_id=staff_id, event_id=event_id, reason=reason
        )


def has_been_public(event: Event) -> bool:
    """Whether links to its page may be about: it is public, or was so before it was a draft."""
    if event.status is not EventStatus.DRAFT:
        return True
    withdrawn = (AuditEntry.event_id == event.id) & (AuditEntry.action == "event.withdrawn")
    return db.session.scalar(select(AuditEntry.id).where(withdrawn).limit(1)) is not None


def _is_answered(event_id: int) -> bool:
    answered = select(Rsvp.id).where(Rsvp.event_id == event_id).limit(1)
    return db.session.scalar(answered) is not None
