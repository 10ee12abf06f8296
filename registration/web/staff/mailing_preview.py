"""A message as one of its readers gets it, before anybody does."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask_security import current_user
from sqlalchemy import select

from registration import finding, rendering, segments
from registration.database import db
from registration.emails import message_id
from registration.mime import CalendarMessage
from registration.models import Event, Mailing, MailKind, OutboxMail, Rsvp
from registration.segments import Segment
from registration.times import now

#: How many readers are offered at once.
READERS = 50


def preview_of(event: Event, mailing: Mailing) -> dict[str, Any]:
    """The message as one of its readers gets it, and the readers to choose from."""
    g.frame_sources = ["'self'"]
    wanted = request.values.get("find", "").strip()[:200]
    readers = _readers(event, mailing, wanted)
    chosen = request.values.get("as", 0, type=int)
    reader = next((reader for reader in readers if reader.id == chosen), None)
    if reader is None and chosen and not (wanted and readers):
        reader = db.session.scalars(
            select(Rsvp).where(Rsvp.id == chosen, Rsvp.event_id == event.id)
        ).one_or_none()
    found = readers or _readers(event, mailing, "")
    reader = reader or (found[0] if found else None)
    return {
        "message": _message(event, mailing, reader),
        "reader": reader,
        "readers": readers,
        "find": wanted,
    }


def _readers(event: Event, mailing: Mailing, wanted: str) -> list[Rsvp]:
    segment = Segment.from_json(mailing.segment)
    query = select(Rsvp).where(Rsvp.id.in_(segments.rsvps_of(event.id, segment)))
    query = query.where(*finding.anywhere(Rsvp.search_text, wanted))
    return list(db.session.scalars(query.order_by(Rsvp.id).limit(READERS)))


def _message(event: Event, mailing: Mailing, reader: Rsvp | None) -> CalendarMessage:
    """What the renderer makes of a row that is never written."""
    mail = OutboxMail(
        kind=MailKind.MAILING,
        event=event,
        mailing=mailing,
        rsvp=reader,
        recipient=reader.email if reader else current_user.email,
        recipient_name=reader.name if reader else current_user.name,
        language=reader.language if reader else event.language,
        facts={"preview": True, "name": current_user.name or current_user.email},
        message_id=message_id(f"preview.{mailing.id}"),
    )
    return rendering.render(mail, now=now())
