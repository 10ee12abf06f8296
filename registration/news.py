"""What of an event is news, to how many, and the word to tell them."""

from __future__ import annotations

from datetime import datetime

from registration import audience, audit, editions, emails
from registration.audience import Reach
from registration.models import Event


def news_of(event: Event, *, now: datetime) -> Reach:
    """Who was told something else than the event is by now; nobody once it is off or over."""
    if not event.takes_place(now):
        return Reach()
    reach = audience.reach(event)
    if not reach.before:
        reach.before = editions.facts_of_edition(event.id, event.edition) or reach.after
    reach.speakers = len(audience.speakers_to_tell(event.id))
    return reach


def announce(event: Event, reach: Reach, *, staff_id: int | None, now: datetime) -> None:
    """Tell those whom `reach` counts when the hold ends, in the caller's transaction.

    A telling that is held already gives way, also where nobody is left to be told.
    """
    announcement = emails.event_changed(event, staff_id=staff_id, now=now)
    announcement.attendees, announcement.speakers = reach.mailed, reach.speakers
    audit.record(
        "event.announced",
        now=now,
        staff_id=staff_id,
        event_id=event.id,
        attendees=reach.mailed,
        speakers=reach.speakers,
    )
