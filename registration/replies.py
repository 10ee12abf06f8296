"""What becomes of an RSVP when its attendee answers in their own calendar."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, func, select, update

from registration import admission, audit, emails, seating
from registration.database import count_changed, db, transaction
from registration.imip import Reply
from registration.models import CalendarReply, ReplyState, Rsvp, RsvpStatus
from registration.seating import Seats

#: How often an address is asked whether a reply was its own.
_PAUSE = timedelta(days=1)


def take(reply: Reply, *, now: datetime) -> ReplyState | None:
    """Let a reply count for the RSVP that it names; what became of it, None if it names none.

    DECLINED ends the RSVP and frees its seats. TENTATIVE and ACCEPTED are kept as they are said:
    whoever has no seat gets their link, never a seat. Who the reply comes from must be who was
    invited; a stranger is never added.
    """
    with transaction():
        rsvp_id = _named(reply.uid)
        if rsvp_id is None:
            return None
        seats, rsvp = seating.lock_for(rsvp_id)
        if reply.attendee != rsvp.email or _is_known(rsvp, reply):
            return None
        state = _judge(rsvp, reply, now)
        if state is ReplyState.ASKED and not _asked_lately(rsvp, now):
            emails.calendar_answer(rsvp, now=now, said=reply.partstat, is_sure=False)
        _keep(rsvp, reply, state, now)
        if state is ReplyState.APPLIED:
            _apply(rsvp, seats, reply, now)
        audit.record(
            f"rsvp.reply_{state}",
            now=now,
            actor="calendar",
            rsvp=rsvp,
            said=reply.partstat,
            comment=reply.comment,
        )
    return state


def settle(*, rsvp_id: int, staff_id: int | None, now: datetime) -> None:
    """Take what an attendee's calendar said as read by staff, who have done what it needed."""
    with transaction():
        waiting = update(CalendarReply).where(
            CalendarReply.rsvp_id == rsvp_id, CalendarReply.state == ReplyState.ODD
        )
        if count_changed(waiting.values(state=ReplyState.NOTED)):
            rsvp = db.session.get_one(Rsvp, rsvp_id)
            audit.record("rsvp.reply_read", now=now, staff_id=staff_id, rsvp=rsvp)


def _named(uid: str) -> int | None:
    """The RSVP with that UID; calendars have been seen to change its case, and ours is lower."""
    for text in (uid, uid.lower()):
        found = db.session.scalar(select(Rsvp.id).where(Rsvp.ical_uid == text))
        if found is not None:
            return found
    return None


def _is_known(rsvp: Rsvp, reply: Reply) -> bool:
    same = exists().where(CalendarReply.rsvp_id == rsvp.id, CalendarReply.digest == reply.digest)
    return bool(db.session.scalar(select(same)))


def _judge(rsvp: Rsvp, reply: Reply, now: datetime) -> ReplyState:
    """What is to become of a reply, by what is so now."""
    event = rsvp.event
    # While a cancellation can be taken back, a no counts: nobody says it to their calendar twice.
    takes_place = event.is_published or event.may_come_back(now)
    is_over = not takes_place or event.is_past(now)
    if not reply.is_from(rsvp.email):
        return ReplyState.NOTED if is_over or reply.is_automatic else ReplyState.ASKED
    if reply.is_odd or reply.partstat not in ("ACCEPTED", "DECLINED", "TENTATIVE"):
        return ReplyState.ODD
    if is_over:
        return ReplyState.NOTED
    last = db.session.scalar(
        select(func.max(CalendarReply.stamped_at)).where(
            CalendarReply.rsvp_id == rsvp.id, CalendarReply.state == ReplyState.APPLIED
        )
    )
    if not reply.is_after(last):
        return ReplyState.NOTED
    # Who has no seat any more can answer an older edition only: the newest took the entry away.
    if rsvp.is_confirmed and not reply.answers(rsvp.ical_sequence):
        return ReplyState.NOTED
    return ReplyState.APPLIED


def _asked_lately(rsvp: Rsvp, now: datetime) -> bool:
    asked = exists().where(
        CalendarReply.rsvp_id == rsvp.id,
        CalendarReply.state == ReplyState.ASKED,
        CalendarReply.created_at > now - _PAUSE,
    )
    return bool(db.session.scalar(select(asked)))


def _keep(rsvp: Rsvp, reply: Reply, state: ReplyState, now: datetime) -> None:
    starts_at, ends_at = reply.proposes or (None, None)
    db.session.add(
        CalendarReply(
            rsvp_id=rsvp.id,
            digest=reply.digest,
            state=state,
            partstat=reply.partstat[:40],
            sequence=reply.sequence,
            # A clock that is fast must not outdo whatever is said until its time has come.
            stamped_at=min(reply.stamped_at, now) if reply.stamped_at else None,
            comment=reply.comment,
            proposed_starts_at=starts_at,
            proposed_ends_at=ends_at,
            delegated_to=reply.delegated_to,
            created_at=now,
        )
    )


def _apply(rsvp: Rsvp, seats: Seats, reply: Reply, now: datetime) -> None:
    if reply.partstat == "DECLINED":
        if rsvp.is_live:
            admission.end(rsvp, seats, RsvpStatus.CANCELLED, now=now)
            # Their calendar knows it already: the mail has no CANCEL.
            emails.rsvp_cancelled(rsvp, now=now, by="calendar", was_confirmed=False)
            # Beside the reply: who reads of the day's cancellations reads of this one.
            audit.record("rsvp.cancelled", now=now, actor="calendar", rsvp=rsvp)
            seating.promote(seats, now=now)
    elif reply.partstat == "ACCEPTED" and not (rsvp.is_confirmed or reply.is_automatic):
        emails.calendar_answer(rsvp, now=now, said=reply.partstat, is_sure=True)
