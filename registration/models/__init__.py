"""Tables, the constraints that must never be broken, and what a row knows about itself.

One module for each aggregate; import from here.
"""

from registration.models.announcements import (
    Announcement,
    AnnouncementKind,
    AnnouncementState,
    EventEdition,
)
from registration.models.doors import Door
from registration.models.erasures import Erasure, ErasureKind
from registration.models.events import (
    HOLD,
    SECOND_PRESS,
    AgendaItem,
    Event,
    EventStatus,
    LobbyPhase,
    Publication,
    RegistrationKind,
    Visibility,
)
from registration.models.imports import ImportKind, PendingImport
from registration.models.invitations import Invitation, InvitationCode, InvitationStatus
from registration.models.mailings import Mailing, MailingState, Unsubscribe
from registration.models.options import AttendanceMode, AttendanceOption
from registration.models.outbox import MailKind, MailState, OutboxMail, WorkerHeartbeat
from registration.models.questions import Question, QuestionKind
from registration.models.reminders import OpeningReminder, ReminderRound, RoundKind
from registration.models.replies import CalendarReply, ReplyState
from registration.models.rsvps import (
    ANSWERED,
    BY_STAFF,
    FROM_LIST,
    LIVE,
    NO_ADDRESS,
    NO_KEY,
    SEAT_HOLD,
    WALK_IN,
    Answer,
    Attendee,
    Rsvp,
    RsvpStatus,
)
from registration.models.speakers import Speaker, SpeakerRole, SpeakerStatus
from registration.models.staff import (
    AuditEntry,
    ExportSet,
    Passkey,
    Role,
    Staff,
    StaffRole,
    staff_events,
)
from registration.models.streams import StreamKind, StreamSource
from registration.models.words import (
    SearchWord,
    forget_words,
    write_guest_words,
    write_rsvp,
    write_words,
)

__all__ = [
    "ANSWERED",
    "BY_STAFF",
    "FROM_LIST",
    "HOLD",
    "LIVE",
    "NO_ADDRESS",
    "NO_KEY",
    "SEAT_HOLD",
    "SECOND_PRESS",
    "WALK_IN",
    "AgendaItem",
    "Announcement",
    "AnnouncementKind",
    "AnnouncementState",
    "Answer",
    "AttendanceMode",
    "AttendanceOption",
    "Attendee",
    "AuditEntry",
    "CalendarReply",
    "Door",
    "Erasure",
    "ErasureKind",
    "Event",
    "EventEdition",
    "EventStatus",
    "ExportSet",
    "ImportKind",
    "Invitation",
    "InvitationCode",
    "InvitationStatus",
    "LobbyPhase",
    "MailKind",
    "MailState",
    "Mailing",
    "MailingState",
    "OpeningReminder",
    "OutboxMail",
    "Passkey",
    "PendingImport",
    "Publication",
    "Question",
    "QuestionKind",
    "RegistrationKind",
    "ReminderRound",
    "ReplyState",
    "Role",
    "RoundKind",
    "Rsvp",
    "RsvpStatus",
    "SearchWord",
    "Speaker",
    "SpeakerRole",
    "SpeakerStatus",
    "Staff",
    "StaffRole",
    "StreamKind",
    "StreamSource",
    "Unsubscribe",
    "Visibility",
    "WorkerHeartbeat",
    "forget_words",
    "staff_events",
    "write_guest_words",
    "write_rsvp",
    "write_words",
]
