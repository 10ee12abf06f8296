"""What staff read for kinds of mail, for what happened, and for who did it."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from flask import Flask
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from registration import wording
from registration.models import AuditEntry, MailKind, OutboxMail, Question
from registration.models.outbox import TOO_LATE, UNFIT

MAIL_NAMES: dict[MailKind, object] = {
    MailKind.VERIFY: _("Confirm your address"),
    MailKind.RECEIVED: _("RSVP received"),
    MailKind.CONFIRMED: _("Confirmation"),
    MailKind.WAITLISTED: _("On the waitlist"),
    MailKind.PROMOTED: _("A seat is free"),
    MailKind.CHANGED: _("RSVP changed"),
    MailKind.CANCELLED: _("RSVP cancelled"),
    MailKind.REJECTED: _("RSVP not accepted"),
    MailKind.READDRESSED: _("To the address before"),
    MailKind.EVENT_CHANGED: _("Event changed"),
    MailKind.EVENT_CANCELLED: _("Event cancelled"),
    MailKind.REMINDER: _("Reminder"),
    MailKind.QUEUE_CLOSED: _("The queue has closed"),
    MailKind.FOLLOW_UP: _("Follow-up"),
    MailKind.LINKS: _("Links to RSVPs"),
    MailKind.OPENED: _("RSVPs are open"),
    MailKind.INVITATION: _("Invitation"),
    MailKind.INVITATION_REMINDER: _("Reminder of an invitation"),
    MailKind.MAILING: _("Message to attendees"),
    MailKind.SPEAKER_INVITATION: _("Speaker’s invitation"),
    MailKind.SPEAKER_CHANGED: _("Speaker’s slot changed"),
    MailKind.SPEAKER_CANCELLED: _("Speaker’s slot cancelled"),
    MailKind.SPEAKER_REMINDER: _("Speaker’s reminder"),
    MailKind.STAFF: _("To a member of staff"),
}

ACTION_NAMES: dict[str, object] = {
    "rsvp.unverified": _("Sent an RSVP; the address is to be confirmed"),
    "rsvp.pending": _("Sent an RSVP that waits for approval"),
    "rsvp.confirmed": _("RSVP confirmed"),
    "rsvp.waitlisted": _("Put on the waitlist"),
    "rsvp.promoted": _("Given a seat from the waitlist"),
    "rsvp.switched": _("Changed the way to attend"),
    "rsvp.watches_meanwhile": _("Watches online while waiting"),
    "rsvp.left_waitlist": _("Left the waitlist"),
    "rsvp.reply_applied": _("Answered in their calendar"),
    "rsvp.reply_noted": _("Answered in their calendar; it changed nothing"),
    "rsvp.reply_asked": _(
        "An answer from a calendar that may not be theirs; their link was mailed"
    ),
    "rsvp.reply_odd": _("An answer from a calendar that people must read"),
    "rsvp.reply_read": _("What their calendar said was read"),
    "rsvp.edited": _("Details changed"),
    "rsvp.address": _("Address corrected"),
    "rsvp.added": _("Added by staff"),
    "rsvp.resent": _("Mail sent again"),
    "rsvp.approved": _("Approved"),
    "rsvp.rejected": _("Rejected"),
    "rsvp.cancelled": _("RSVP cancelled"),
    "rsvp.erased": _("Data erased, as the attendee asked"),
    "rsvp.hold_ended": _("The address was not confirmed in time"),
    "mailing.written": _("Message begun"),
    "mailing.edited": _("Message changed"),
    "mailing.tested": _("Test of a message sent"),
    "mailing.released": _("Message released to attendees"),
    "mailing.scheduled": _("Message set to go at a time"),
    "mailing.moved": _("Scheduled message moved with the event"),
    "mailing.kept_back": _("Message kept back: the event does not take place as it was"),
    "mailing.undone": _("Message taken back before it went"),
    "mailing.stopped": _("Message stopped on its way"),
    "mailing.discarded": _("Draft of a message thrown away"),
    "mailing.unsubscribed": _("Wants no more messages"),
    "mailing.subscribed": _("Gets messages again"),
    "rsvp.walk_in": _("Came without an RSVP and was given a seat"),
    "rsvp.seated": _("Given a seat at the door"),
    "checkin.admitted": _("Checked in"),
    "checkin.undone": _("Check-in taken back"),
    "checkin.again": _("Ticket shown again"),
    "checkin.back": _("Came on a later day too"),
    "checkin.taken_back": _("Scanned before the check-in was taken back"),
    "checkin.readmitted": _("Let in again"),
    "checkin.waiting": _("At the door without a seat"),
    "checkin.online": _("At the door with a place online"),
    "checkin.cancelled": _("At the door with a ticket that had ended"),
    "checkin.elsewhere": _("At the door with another event’s ticket"),
    "checkin.unknown": _("At the door with an unknown ticket"),
    "lobby.scheduled": _("Lobby follows the clock"),
    "lobby.open": _("Lobby opened early"),
    "lobby.live": _("Lobby kept live"),
    "lobby.ended": _("Lobby closed"),
    "lobby.note": _("Note to all who watch"),
    "lobby.source": _("Switched to another stream"),
    "stream.added": _("Stream added"),
    "stream.changed": _("Stream changed"),
    "stream.removed": _("Stream removed"),
    "event.recorded": _("Recording changed"),
    "option.capacity": _("Capacity changed"),
    "event.created": _("Event made"),
    "event.discarded": _("Draft of an event thrown away"),
    "event.edited": _("Event edited"),
    "event.published": _("Event published"),
    "event.withdrawn": _("Event made a draft again"),
    "event.cloned": _("Made as a copy"),
    "event.cancelled": _("Event cancelled"),
    "event.sensitive_erased": _("Access needs and sensitive answers erased"),
    "event.personal_erased": _("Personal data erased"),
    "event.announced": _("Change told to everybody"),
    "event.undone": _("Telling taken back"),
    "invitation.sent": _("Invitation sent"),
    "invitation.reminded": _("Invited people reminded"),
    "invitation.taken_back": _("Reminders taken back before they went"),
    "invitation.declined": _("Said no to an invitation"),
    "code.made": _("Code made"),
    "import.invitees": _("List of invitees imported"),
    "import.rsvps": _("List of RSVPs imported"),
    "rsvp.imported": _("Imported from a list"),
    "speaker.invited": _("Speaker invited"),
    "speaker.confirmed": _("Speaker confirmed"),
    "speaker.declined": _("Speaker declined"),
    "speaker.profile": _("Speaker edited their page"),
    "speaker.edited": _("Speaker’s particulars changed"),
    "speaker.withdrawn": _("Speaker’s invitation taken back"),
    "speaker.resent": _("Speaker’s mail sent again"),
    "speaker.reminded": _("Speaker reminded"),
    "speaker.reply_noted": _("Speaker answered in their calendar; it changed nothing"),
    "speaker.reply_odd": _("An answer from a speaker’s calendar that people must read"),
    "speaker.address": _("Speaker’s address changed"),
    "export.csv": _("List exported as CSV"),
    "export.xlsx": _("List exported as a spreadsheet"),
    "export.json": _("List exported as JSON"),
    "export.list": _("List for the door printed"),
    "export.badges": _("Badges printed"),
    "export.set_saved": _("Columns of an export saved"),
    "export.set_deleted": _("Columns of an export deleted"),
    "mail.retried": _("Mail tried again"),
    "mail.withdrawn": _("Mail taken back"),
    "staff.added": _("Account made"),
    "staff.invited": _("Account invited"),
    "staff.changed": _("Account changed"),
    "staff.deactivated": _("Account closed"),
    "staff.reactivated": _("Account opened again"),
    "staff.sessions_ended": _("Sessions ended"),
    "staff.signed_in": _("Signed in"),
    "staff.sign_in_failed": _("Sign-in failed"),
    "staff.code_failed": _("Wrong code after the right password"),
    "staff.passkey_failed": _("Passkey refused"),
    "staff.password_failed": _("Wrong password, asked for once more"),
    "staff.address_asked": _("Another address asked for"),
    "staff.address": _("Address of an account changed"),
    "staff.password_changed": _("Password changed"),
    "staff.second_factor": _("Second factor changed"),
    "staff.recovery_codes": _("Recovery codes made"),
    "staff.recovery_code_used": _("Recovery code used"),
    "staff.passkey_added": _("Passkey added"),
    "staff.passkey_removed": _("Passkey removed"),
}


def init_app(app: Flask) -> None:
    """Give the staff's templates these words."""
    globals_: dict[str, object | Callable[..., object]] = {
        "action_name": action_name,
        "actor_name": actor_name,
        "mail_names": MAIL_NAMES,
        "mail_trouble": mail_trouble,
        "choice_name": choice_name,
        "source_name": wording.source_name,
        "utc": ZoneInfo("UTC"),
    }
    app.jinja_env.globals.update(globals_)


def action_name(entry: AuditEntry) -> object:
    """What happened, in words; an action without any is shown as it is kept."""
    return ACTION_NAMES.get(entry.action, entry.action)


def actions_that_read(words: str) -> list[str]:
    """The actions in whose words, or in whose own name, these stand."""
    return [
        action
        for action, name in ACTION_NAMES.items()
        if words.lower() in str(name).lower() or action.startswith(words.lower())
    ]


def mail_trouble(mail: OutboxMail) -> str:
    """Why a mail has not gone, in words; what a mail server said is shown as it said it."""
    said = mail.last_error
    if said == TOO_LATE:
        return gettext("No longer needed")
    if said.startswith(UNFIT):
        return gettext("It could not be written: %(text)s", text=said.removeprefix(UNFIT))
    return said


def actor_name(entry: AuditEntry) -> str:
    """Who did it."""
    if entry.staff is not None:
        return str(entry.staff.name or entry.staff.email)
    names = {
        "attendee": gettext("the attendee"),
        "calendar": gettext("the attendee, in their calendar"),
        "speaker": gettext("the speaker"),
        "staff": gettext("an account that is gone"),
        "stranger": gettext("somebody not signed in"),
        "system": gettext("the system"),
    }
    return names.get(entry.actor, entry.actor)


def choice_name(question: Question, choice: str) -> str:
    """A choice of a question, and that it is offered no more where that is so."""
    if choice in question.choices:
        return choice
    return gettext("%(choice)s (offered no more)", choice=choice)
