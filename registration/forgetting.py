"""What is personal in our rows, and how it goes: of one RSVP or of many at once.

Everything here is set by set, in the caller's transaction, under the lock of the event's seats; but
mails alone are forgotten in a transaction of their own, without it. The rows stay, with what is
counted: event, option, state, size of the party, times. Seats, queues and doors are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from registration import growth, pictures
from registration.database import db, transaction
from registration.models import (
    NO_ADDRESS,
    NO_KEY,
    Answer,
    Attendee,
    AuditEntry,
    CalendarReply,
    Event,
    Invitation,
    MailState,
    OpeningReminder,
    OutboxMail,
    Question,
    Rsvp,
    Speaker,
    SpeakerStatus,
    Unsubscribe,
    forget_words,
)
from registration.models.outbox import IS_LINKS

#: How long the last mail to a person may keep their address while it cannot go.
LAST_MAIL = timedelta(days=3)
_MAILS_AT_ONCE = 200
#: Entries of the log that name a person or an address and belong to no RSVP.
_NAMING = (
    "invitation.declined",
    "invitation.sent",
    "mail.retried",
    "mail.withdrawn",
    "mailing.subscribed",
    "mailing.unsubscribed",
    "speaker.address",
    "speaker.confirmed",
    "speaker.declined",
    "speaker.edited",
    "speaker.invited",
    "speaker.profile",
    "speaker.reminded",
    "speaker.reply_noted",
    "speaker.reply_odd",
    "speaker.resent",
    "speaker.withdrawn",
)
#: The people whom the page of an event does not show.
_NOT_SHOWN = (SpeakerStatus.DECLINED, SpeakerStatus.CANCELLED)
_NO_NEEDS: dict[str, Any] = {
    "needs_step_free": False,
    "needs_sign_language": False,
    "needs_captions": False,
    "access_note": "",
    "has_needs": False,
}
# An index of some rows alone is taken only where its condition stands in so many words.
_FORGETS = text("outbox.forgets")


def forget_sensitive(event: Event, rsvp_ids: Sequence[int]) -> tuple[int, dict[str, int]]:
    """Take access needs and sensitive answers off RSVPs.

    Returns of how many RSVPs, and how many of those who come to the room had each need: their
    numbers are still of use.
    """
    ours = Rsvp.id.in_(rsvp_ids)
    counted = growth.count_needs(event, ours)
    sensitive = select(Question.id).where(Question.event_id == event.id, Question.is_sensitive)
    answered = db.session.scalars(
        delete(Answer)
        .where(
            Answer.rsvp_id.in_(rsvp_ids),
            or_(Answer.is_sensitive, Answer.question_id.in_(sensitive)),
        )
        .returning(Answer.rsvp_id)
    )
    told = set(answered)
    told |= set(
        _run(
            update(Rsvp).where(ours, Rsvp.has_needs).values(_NO_NEEDS).returning(Rsvp.id)
        ).scalars()
    )
    return len(told), counted


def forget(event_id: int, rsvp_ids: Sequence[int], *, now: datetime) -> int:
    """Take all that is personal off RSVPs of an event; of how many that had not gone already.

    Nothing that waits to be mailed to them goes any more but what `forgets`.
    """
    people = db.session.execute(
        select(Rsvp.id, Rsvp.email, Rsvp.booked_by_email, Rsvp.search_text).where(
            Rsvp.id.in_(rsvp_ids), Rsvp.erased_at.is_(None)
        )
    ).all()
    if not people:
        return 0
    ids = [person.id for person in people]
    addresses = {person.email for person in people} | {person.booked_by_email for person in people}
    _forget_words(event_id, {person.id: person.search_text for person in people})
    for model in (Answer, CalendarReply):
        _run(delete(model).where(model.rsvp_id.in_(ids)))
    _run(
        update(Attendee)
        .where(Attendee.rsvp_id.in_(ids))
        .values(name="", ticket_code=_dead(Attendee.id))
    )
    _forget_mails(OutboxMail.rsvp_id.in_(ids) & ~OutboxMail.forgets, now)
    forget_links(addresses - {""}, now=now)
    _run(update(AuditEntry).where(AuditEntry.rsvp_id.in_(ids)).values(detail={}))
    _run(
        update(Rsvp)
        .where(Rsvp.id.in_(ids))
        .values(
            name="",
            email=literal("erased-") + cast(Rsvp.id, String) + literal(NO_ADDRESS),
            organisation="",
            job_title="",
            booked_by_name="",
            booked_by_email="",
            **_NO_NEEDS,
            search_text="",
            wants_news=False,
            manage_key=_dead(Rsvp.id),
            join_key=_dead(Rsvp.id),
            ical_uid=_dead(Rsvp.id),
            erased_at=now,
        )
    )
    return len(ids)


def forget_invitations(event_id: int, *, now: datetime, limit: int, email: str = "") -> int:
    """Take name and address off invitations, to one address or to any; how many, `limit` at most.

    Nobody can answer them any more.
    """
    wanted = select(Invitation.id).where(
        Invitation.event_id == event_id, Invitation.key.not_like(f"{NO_KEY}%")
    )
    if email:
        wanted = wanted.where(Invitation.email == email)
    ids = list(db.session.scalars(wanted.order_by(Invitation.id).limit(limit)))
    if ids:
        _forget_mails(OutboxMail.invitation_id.in_(ids), now)
        _run(
            update(Invitation)
            .where(Invitation.id.in_(ids))
            .values(
                email=literal("erased-") + cast(Invitation.id, String) + literal(NO_ADDRESS),
                name="",
                organisation="",
                search_text="",
                key=_dead(Invitation.id),
            )
        )
    return len(ids)


def forget_needs_of_speakers(event_id: int) -> None:
    """Take off the people on the programme what they asked for."""
    _run(update(Speaker).where(Speaker.event_id == event_id).values(needs=""))


def forget_speakers(event_id: int, *, now: datetime) -> None:
    """Take off the people on the programme what the event's page does not show of them.

    Name, words, picture and leave to publish the recording stay: the page is the event's record.
    Of one who is not on it nothing stays but what they answered. The link to their own page does
    too: it shows no more than that.
    """
    of_event = Speaker.event_id == event_id
    _forget_mails(OutboxMail.speaker_id.in_(select(Speaker.id).where(of_event)), now)
    _run(
        update(Speaker)
        .where(of_event)
        .values(email="", needs="", pronunciation="", room="", green_room_url="", told={})
    )
    not_shown = of_event & Speaker.status.in_(_NOT_SHOWN)
    photos = db.session.scalars(select(Speaker.photo).where(not_shown, Speaker.photo != "")).all()
    said = ("name", "title", "affiliation", "bio", "photo", "search_text")
    _run(update(Speaker).where(not_shown).values(dict.fromkeys(said, "")))
    # Before the commit: an erasure that fails between the two is done again, file and all.
    pictures.discard(*photos)
    _run(
        update(AuditEntry)
        .where(
            AuditEntry.event_id + 0 == event_id,
            AuditEntry.action == "event.edited",
            AuditEntry.detail["part"].as_string() == "people",
        )
        .values(detail={"part": "people"})
    )


def forget_address(event_id: int, email: str | None = None) -> None:
    """Take an address, or every address, out of what else is kept of an event.

    Who wants no message of any event stays known as such: else they would be written to again.
    """
    for model in (Unsubscribe, OpeningReminder):
        theirs = delete(model).where(model.event_id == event_id)
        _run(theirs if email is None else theirs.where(model.email == email))
    named = update(AuditEntry).where(
        # The sum leaves the index of the event, which is long, for that of the actions.
        AuditEntry.event_id + 0 == event_id,
        AuditEntry.action.in_(_NAMING),
    )
    if email is not None:
        named = named.where(
            or_(
                AuditEntry.detail["address"].as_string() == email,
                AuditEntry.detail["recipient"].as_string() == email,
            )
        )
    _run(named.values(detail={}))


def forget_mails(mail_ids: Sequence[int], *, now: datetime) -> None:
    """Take all that is personal off these mails. One transaction."""
    with transaction():
        _forget_mails(OutboxMail.id.in_(mail_ids), now)


def forget_last_mails(*, now: datetime) -> int:
    """Take all that is personal off the last mails to people who are erased already; how many.

    Of those that have ended, and of those that could not go for days. Cheap while there are none.
    """
    ended = or_(OutboxMail.state != MailState.WAITING, OutboxMail.created_at <= now - LAST_MAIL)
    last = select(OutboxMail.id).where(_FORGETS, ended).order_by(OutboxMail.id)
    ids = db.session.scalars(last.limit(_MAILS_AT_ONCE)).all()
    if ids:
        forget_mails(ids, now=now)
    return len(ids)


def _forget_words(event_id: int, texts: Mapping[int, str]) -> None:
    """Take RSVPs out of the search, with their guests."""
    said = {rsvp_id: [text] for rsvp_id, text in texts.items()}
    guests = select(Attendee.rsvp_id, Attendee.name).where(
        Attendee.rsvp_id.in_(said), Attendee.position > 0
    )
    for rsvp_id, name in db.session.execute(guests):
        said[rsvp_id].append(name)
    forget_words(db.session.connection(), event_id, said)


def forget_links(addresses: set[str], *, now: datetime) -> None:
    """Forget mails with the links of these; one that waits may have those of other events too.

    In the caller's transaction.
    """
    to_them = and_(IS_LINKS, OutboxMail.recipient.in_(addresses))
    waits = OutboxMail.state == MailState.WAITING
    _run(update(OutboxMail).where(to_them, waits).values(forgets=True))
    _forget_mails(to_them & ~waits, now)


def _forget_mails(which: ColumnElement[bool], now: datetime) -> None:
    waits = OutboxMail.state == MailState.WAITING
    _run(
        update(OutboxMail)
        .where(which)
        .values(
            state=case(
                (waits, literal(MailState.WITHDRAWN, OutboxMail.state.type)), else_=OutboxMail.state
            ),
            ended_at=func.coalesce(OutboxMail.ended_at, literal(now, OutboxMail.ended_at.type)),
            key=_dead(OutboxMail.id),
            recipient="",
            recipient_name="",
            facts={},
            last_error="",
            forgets=False,
        )
    )


def _dead(number: Any) -> ColumnElement[str]:
    """A key that leads nowhere, different for each row."""
    return literal(NO_KEY) + cast(number, String)


def _run(statement: Any) -> Any:
    return db.session.execute(statement.execution_options(synchronize_session=False))
