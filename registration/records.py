"""All that is kept of a person for one event, for them to read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from registration import entries, wording
from registration.database import db
from registration.models import (
    Answer,
    Attendee,
    CalendarReply,
    Invitation,
    OutboxMail,
    Rsvp,
    Unsubscribe,
)
from registration.models.outbox import IS_LINKS

#: Columns that are told as they are.
_PLAIN = (
    "name",
    "email",
    "organisation",
    "job_title",
    "booked_by_name",
    "booked_by_email",
    "needs_step_free",
    "needs_sign_language",
    "needs_captions",
    "access_note",
    "wants_news",
    "language",
    "source",
    "consent_version",
    "consented_at",
    "created_at",
    "updated_at",
    "confirmed_at",
    "cancelled_at",
)


def of(rsvp: Rsvp) -> dict[str, Any]:
    """What an attendee said, what became of it, and what was written to them; no keys.

    With other RSVPs of their address to this event, which an erasure takes along.
    """
    event = rsvp.event
    others = db.session.scalars(
        select(Rsvp)
        .where(Rsvp.event_id == event.id, Rsvp.email == rsvp.email, Rsvp.id != rsvp.id)
        .order_by(Rsvp.id)
    )
    return {
        "event": {
            "title": event.title,
            "address": entries.event_url(event),
            "starts_at": _told(event.starts_at),
            "ends_at": _told(event.ends_at),
        },
        **_of_one(rsvp),
        "invitations": _invitations(rsvp),
        # Of no RSVP alone: the links of other events go with them.
        "mails_with_links": _mails(and_(IS_LINKS, OutboxMail.recipient == rsvp.email)),
        "wants_no_messages": bool(
            db.session.scalar(select(Unsubscribe.silences(rsvp.email, event.id)))
        ),
        "other_rsvps": [_of_one(other) for other in others],
    }


def _of_one(rsvp: Rsvp) -> dict[str, Any]:
    return {
        "rsvp": {"status": str(rsvp.status), "attends": wording.option_name(rsvp.option)}
        | {name: _told(getattr(rsvp, name)) for name in _PLAIN},
        "people": _people(rsvp),
        "answers": _answers(rsvp),
        "mails": _mails(OutboxMail.rsvp_id == rsvp.id),
        "calendar_replies": _calendar_replies(rsvp),
    }


def _people(rsvp: Rsvp) -> list[dict[str, Any]]:
    found = select(Attendee).where(Attendee.rsvp_id == rsvp.id).order_by(Attendee.position)
    return [
        {
            "name": person.name,
            "ticket": person.spoken_code,
            "checked_in_at": _told(person.checked_in_at),
            "joined_at": _told(person.joined_at),
        }
        for person in db.session.scalars(found)
    ]


def _answers(rsvp: Rsvp) -> list[dict[str, Any]]:
    found = select(Answer).where(Answer.rsvp_id == rsvp.id).order_by(Answer.id)
    return [
        {"question": answer.label, "answer": next(iter(answer.value.values()), None)}
        for answer in db.session.scalars(found)
    ]


def _invitations(rsvp: Rsvp) -> list[dict[str, Any]]:
    """What let them in, and what was sent to their address whether they used it or not."""
    to_them = and_(Invitation.event_id == rsvp.event_id, Invitation.email == rsvp.email)
    found = (
        select(Invitation)
        .where(or_(to_them, Invitation.id == rsvp.invitation_id))
        .order_by(Invitation.id)
    )
    return [
        {
            "name": invitation.name,
            "email": invitation.email,
            "organisation": invitation.organisation,
            "language": invitation.language,
            "status": str(invitation.status),
            "invited_at": _told(invitation.created_at),
            "answered_at": _told(invitation.answered_at),
            "reminded_at": _told(invitation.reminded_at),
            "mails": _mails(OutboxMail.invitation_id == invitation.id),
        }
        for invitation in db.session.scalars(found)
    ]


def _mails(about: ColumnElement[bool]) -> list[dict[str, Any]]:
    found = select(OutboxMail).where(about).order_by(OutboxMail.id)
    return [
        {
            "kind": str(mail.kind),
            "to": mail.recipient,
            "state": str(mail.state),
            "written_at": _told(mail.created_at),
            "ended_at": _told(mail.ended_at),
        }
        for mail in db.session.scalars(found)
    ]


def _calendar_replies(rsvp: Rsvp) -> list[dict[str, Any]]:
    found = select(CalendarReply).where(CalendarReply.rsvp_id == rsvp.id).order_by(CalendarReply.id)
    return [
        {
            "said": reply.partstat,
            "comment": reply.comment,
            "proposed_start": _told(reply.proposed_starts_at),
            "proposed_end": _told(reply.proposed_ends_at),
            "delegated_to": reply.delegated_to,
            "at": _told(reply.created_at),
        }
        for reply in db.session.scalars(found)
    ]


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
