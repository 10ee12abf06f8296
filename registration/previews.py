"""A sample of each mail, from the real renderer, for staff to read before anybody gets one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import current_app

from registration import emails, itip, rendering
from registration.database import db
from registration.editions import facts_of
from registration.mime import CalendarMessage
from registration.models import (
    SEAT_HOLD,
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Event,
    EventStatus,
    Invitation,
    MailKind,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    Speaker,
    SpeakerStatus,
)

Row = TypeVar("Row")


@dataclass(frozen=True)
class Sample:
    """One mail to one sample person, who watches or sits in the room."""

    kind: MailKind
    online: bool = False
    calendar: bool = False
    status: RsvpStatus = RsvpStatus.CONFIRMED
    facts: dict[str, Any] = field(default_factory=dict)


_UID = "0123456789abcdef0123456789abcdef@example.org"
#: Those with the first edition of an entry; the others change it, or take it away.
_FIRST = (MailKind.CONFIRMED, MailKind.PROMOTED, MailKind.SPEAKER_INVITATION)
_ENDED, _WAITS = RsvpStatus.CANCELLED, RsvpStatus.WAITLISTED
SAMPLES: dict[str, Sample] = {
    "verify": Sample(MailKind.VERIFY, status=RsvpStatus.UNVERIFIED),
    "received": Sample(MailKind.RECEIVED, status=RsvpStatus.PENDING),
    "confirmed": Sample(MailKind.CONFIRMED, calendar=True),
    "confirmed-online": Sample(MailKind.CONFIRMED, online=True, calendar=True),
    "waitlisted": Sample(MailKind.WAITLISTED, status=_WAITS),
    "promoted": Sample(MailKind.PROMOTED, calendar=True),
    "changed": Sample(MailKind.CHANGED, online=True, calendar=True, facts={"switched": True}),
    "cancelled": Sample(MailKind.CANCELLED, calendar=True, status=_ENDED),
    "readdressed": Sample(MailKind.READDRESSED, calendar=True, facts={"uid": _UID}),
    "rejected": Sample(MailKind.REJECTED, status=RsvpStatus.REJECTED),
    "event-changed": Sample(MailKind.EVENT_CHANGED, calendar=True),
    "event-cancelled": Sample(MailKind.EVENT_CANCELLED, calendar=True),
    "reminder": Sample(MailKind.REMINDER),
    "reminder-online": Sample(MailKind.REMINDER, online=True),
    "queue-closed": Sample(MailKind.QUEUE_CLOSED, status=_WAITS),
    "follow-up": Sample(MailKind.FOLLOW_UP, online=True),
    "links": Sample(MailKind.LINKS),
    "opened": Sample(MailKind.OPENED),
    "invitation": Sample(MailKind.INVITATION),
    "invitation-reminder": Sample(MailKind.INVITATION_REMINDER),
    "mailing": Sample(MailKind.MAILING),
    "speaker-invitation": Sample(MailKind.SPEAKER_INVITATION, calendar=True),
    "speaker-changed": Sample(MailKind.SPEAKER_CHANGED, calendar=True),
    "speaker-cancelled": Sample(MailKind.SPEAKER_CANCELLED, calendar=True),
    "speaker-reminder": Sample(MailKind.SPEAKER_REMINDER),
    "digest": Sample(MailKind.STAFF),
}


def render(name: str, *, language: str, now: datetime) -> CalendarMessage:
    """The sample of this name as a message. Raises KeyError.

    Its rows are written, read by the renderer, and rolled back: nothing of them stays.
    """
    sample = SAMPLES[name]
    db.session.rollback()
    db.session.connection(execution_options={"writing": True})
    try:
        mail = _mail(sample, language, now)
        message = rendering.render(mail, now=now)
        message.as_bytes()
        return message
    finally:
        db.session.rollback()


def _mail(sample: Sample, language: str, now: datetime) -> OutboxMail:
    event = _save(_event(language, now))
    event.recording_url = "https://video.example.org/sample"
    rsvp = _rsvp(sample, event, language, now)
    row = emails.row(
        sample.kind,
        secrets.token_hex(8),
        recipient=rsvp.email,
        recipient_name=rsvp.name,
        language=language,
        ical_sequence=int(sample.kind not in _FIRST) if sample.calendar else None,
        facts=sample.facts,
        now=now,
        event_id=event.id,
    )
    about_rsvp = True
    if sample.kind is MailKind.LINKS:
        row["facts"] = {"rsvps": [rsvp.id]}
    elif sample.kind is MailKind.EVENT_CHANGED:
        before = facts_of(event) | {
            "starts_at": (event.starts_at - timedelta(days=1)).isoformat(),
            "ends_at": (event.ends_at - timedelta(days=1)).isoformat(),
        }
        row["facts"] = {"before": before, "changed": ["starts_at", "ends_at"]}
    elif sample.kind is MailKind.EVENT_CANCELLED:
        event.status, event.cancelled_at = EventStatus.CANCELLED, now
        event.cancellation_reason = "The hall cannot be used that day."
    elif sample.kind is MailKind.MAILING:
        body = "Dear {first_name},\n\nthe **entrance** has moved. See {ticket_link}."
        row["facts"] = {"subject": "A word about {event}", "body": body}
    elif sample.kind is MailKind.STAFF:
        news = {"title": event.title, "slug": event.slug, "cancelled": 3, "failed": 1}
        row["facts"] = {"about": "digest", "events": [news]}
        about_rsvp = False
    elif sample.kind is MailKind.OPENED:
        about_rsvp = False
    elif sample.kind in (MailKind.INVITATION, MailKind.INVITATION_REMINDER):
        row["facts"] = {"until": (event.starts_at - timedelta(days=1)).isoformat()}
        row["invitation_id"] = _save(_invitation(event, now)).id
        about_rsvp = False
    elif sample.kind.startswith("speaker"):
        row["speaker_id"] = _save(_speaker(event, language, now)).id
        about_rsvp = False
    if about_rsvp:
        row["rsvp_id"] = rsvp.id
    return _save(OutboxMail(**row))


def _new_uid() -> str:
    return itip.new_uid(current_app.config["MAIL_DOMAIN"])


def _save(row: Row) -> Row:
    db.session.add(row)
    db.session.flush()
    return row


def _event(language: str, now: datetime) -> Event:
    starts_at = now.replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=14)
    return Event(
        slug=f"sample-{secrets.token_hex(8)}",
        title="Policing in Conflict",
        summary="A conversation about police reform where there is no peace.",
        status=EventStatus.PUBLISHED,
        language=language,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=90),
        doors_at=starts_at - timedelta(minutes=30),
        time_zone="America/New_York",
        venue_name="The Institute",
        venue_address="1 Example Street\nWashington, DC",
        venue_access="The entrance is step-free.",
        stream_note="English, with live captions",
        ical_uid=_new_uid(),
        created_at=now,
        updated_at=now,
    )


def _rsvp(sample: Sample, event: Event, language: str, now: datetime) -> Rsvp:
    mode = AttendanceMode.VIRTUAL if sample.online else AttendanceMode.IN_PERSON
    option = _save(AttendanceOption(event_id=event.id, position=0, mode=mode, capacity=120))
    waits = sample.status is _WAITS
    rsvp = _save(
        Rsvp(
            event_id=event.id,
            option_id=option.id,
            status=sample.status,
            party_size=1,
            seats_held=1 if sample.status is RsvpStatus.CONFIRMED else 0,
            waits_for_option_id=option.id if waits else None,
            waiting_number=1 if waits else None,
            hold_ends_at=now + SEAT_HOLD if sample.status is RsvpStatus.UNVERIFIED else None,
            email="amina@example.org",
            name="Amina Okonkwo-Bell",
            needs_step_free=True,
            language=language,
            consent_version=event.consent_version,
            consented_at=now,
            manage_key=secrets.token_urlsafe(24),
            join_key=secrets.token_urlsafe(24),
            ical_uid=_new_uid(),
            ical_sequence=0,
            created_at=now,
            updated_at=now,
        )
    )
    _save(
        Attendee(
            rsvp_id=rsvp.id,
            position=0,
            name=rsvp.name,
            ticket_code=secrets.token_hex(4).upper(),
        )
    )
    return rsvp


def _invitation(event: Event, now: datetime) -> Invitation:
    return Invitation(
        event_id=event.id,
        email="amina@example.org",
        name="Amina Okonkwo-Bell",
        key=secrets.token_urlsafe(24),
        created_at=now,
    )


def _speaker(event: Event, language: str, now: datetime) -> Speaker:
    return Speaker(
        event_id=event.id,
        position=0,
        name="Amina Okonkwo-Bell",
        email="amina@example.org",
        language=language,
        status=SpeakerStatus.INVITED,
        invited_at=now,
        room="The green room",
        call_at=event.starts_at - timedelta(minutes=45),
        key=secrets.token_urlsafe(24),
        ical_uid=_new_uid(),
        ical_sequence=0,
    )
