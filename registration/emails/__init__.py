"""One function per mail: each writes outbox rows in its caller's transaction, and renders nothing.

A calendar part counts the SEQUENCE of its UID up (0 first, +1 for each that follows); the row
keeps the number. A later mail of the same RSVP supersedes one that has not gone yet. If that had
a calendar part, the later one has one too, whatever it tells of: no entry is lost on the way. A
CANCEL is sent even where no REQUEST has gone, since that cannot be known for certain (a worker
may hold it); a calendar ignores a CANCEL of what it does not have.
"""

from __future__ import annotations

from registration.emails.attendees import (
    calendar_answer,
    invitation,
    links,
    rsvp_again,
    rsvp_cancelled,
    rsvp_changed,
    rsvp_confirmed,
    rsvp_erased,
    rsvp_promoted,
    rsvp_readdressed,
    rsvp_received,
    rsvp_rejected,
    rsvp_verify,
    rsvp_waitlisted,
)
from registration.emails.follow_ups import follow_ups_held
from registration.emails.lists import (
    list_answered,
    list_invited,
    list_reminded,
    reminders_withdrawn,
)
from registration.emails.mailings import mailing_released, mailing_test, mailing_withdrawn
from registration.emails.rows import message_id, row, was_just_written
from registration.emails.speakers import (
    speaker_again,
    speaker_cancelled,
    speaker_confirmed,
    speaker_invited,
    speaker_moved,
    speaker_readdressed,
    speaker_reminded,
)
from registration.emails.staff import staff_digest, to_account
from registration.emails.tellings import event_cancelled, event_changed

__all__ = [
    "calendar_answer",
    "event_cancelled",
    "event_changed",
    "follow_ups_held",
    "invitation",
    "links",
    "list_answered",
    "list_invited",
    "list_reminded",
    "mailing_released",
    "mailing_test",
    "mailing_withdrawn",
    "message_id",
    "reminders_withdrawn",
    "row",
    "rsvp_again",
    "rsvp_cancelled",
    "rsvp_changed",
    "rsvp_confirmed",
    "rsvp_erased",
    "rsvp_promoted",
    "rsvp_readdressed",
    "rsvp_received",
    "rsvp_rejected",
    "rsvp_verify",
    "rsvp_waitlisted",
    "speaker_again",
    "speaker_cancelled",
    "speaker_confirmed",
    "speaker_invited",
    "speaker_moved",
    "speaker_readdressed",
    "speaker_reminded",
    "staff_digest",
    "to_account",
    "was_just_written",
]
