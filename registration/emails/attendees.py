"""To who sent an RSVP, or is invited to send one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from registration import editions
from registration.database import db
from registration.emails import corrections, rows
from registration.models import (
    AttendanceOption,
    Invitation,
    MailKind,
    OutboxMail,
    Rsvp,
    RsvpStatus,
    write_rsvp,
)


def rsvp_verify(rsvp: Rsvp, *, now: datetime) -> None:
    """Ask the address to confirm itself."""
    _to_attendee(rsvp, MailKind.VERIFY, now, calendar=False)


def rsvp_received(rsvp: Rsvp, *, now: datetime) -> None:
    """Say that staff will decide."""
    _to_attendee(rsvp, MailKind.RECEIVED, now, calendar=False)


def rsvp_confirmed(rsvp: Rsvp, *, now: datetime) -> None:
    """Confirm seats, with a REQUEST."""
    _to_attendee(rsvp, MailKind.CONFIRMED, now, calendar=True)


def rsvp_waitlisted(rsvp: Rsvp, *, now: datetime) -> None:
    """Say that the party waits, and where it stands. No calendar part.

    Whose ticket or link has not gone yet gets the mail with that, which says both.
    """
    _to_attendee(rsvp, MailKind.WAITLISTED, now, calendar=False)


def rsvp_promoted(rsvp: Rsvp, *, now: datetime, left: AttendanceOption | None) -> None:
    """Say that a seat is theirs: a first REQUEST, or the next for one who has `left` another."""
    _to_attendee(
        rsvp,
        MailKind.PROMOTED,
        now,
        calendar=True,
        had_place=left is not None,
        was_watching=left is not None and left.is_virtual,
    )


def rsvp_changed(
    rsvp: Rsvp,
    *,
    now: datetime,
    switched: bool = False,
    renamed: bool = False,
    left_queue: bool = False,
) -> None:
    """Say what the RSVP is now; with a REQUEST where the calendar's entry is another one by it."""
    how = {"switched": switched, "left_queue": left_queue}
    _to_attendee(rsvp, MailKind.CHANGED, now, calendar=switched or renamed, **how)


def rsvp_cancelled(
    rsvp: Rsvp, *, now: datetime, by: str, was_confirmed: bool, reason: str = ""
) -> None:
    """Say that the RSVP has ended; with a CANCEL if there is an entry to take away."""
    _to_attendee(rsvp, MailKind.CANCELLED, now, calendar=was_confirmed, by=by, reason=reason)


def rsvp_erased(rsvp: Rsvp, *, now: datetime, was_live: bool, was_confirmed: bool) -> None:
    """Say that the RSVP is gone with all that was kept; nothing to one who knows that it ended.

    The row keeps what the RSVP will no longer say, whose entry leaves which calendar, and forgets
    it once it has ended.
    """
    superseded = rows.supersede(OutboxMail.rsvp_id == rsvp.id, now, mailings_too=True)
    lost_entry = superseded.had_calendar_part
    if not (was_live or lost_entry):
        return
    rsvp.touch(now)
    has_entry = rsvp.ical_sequence >= 0 and (was_confirmed or lost_entry)
    if has_entry:
        rsvp.ical_sequence += 1
    _write(
        rsvp,
        MailKind.CANCELLED,
        now,
        sequence=rsvp.ical_sequence if has_entry else None,
        facts={"by": "erasure", "name": rsvp.name, "uid": rsvp.ical_uid},
        forgets=True,
    )


def rsvp_rejected(rsvp: Rsvp, *, now: datetime, had_entry: bool, reason: str = "") -> None:
    """Say that staff cannot take them; with a CANCEL if there is an entry to take away."""
    _to_attendee(rsvp, MailKind.REJECTED, now, calendar=had_entry, reason=reason)


def rsvp_again(rsvp: Rsvp, *, now: datetime, until: datetime | None = None) -> None:
    """Send the mail that fits the RSVP's state once more, with the same SEQUENCE.

    Of one that has ended it is the mail that said so: who ended it and why, with a CANCEL or none.
    With `until` it goes only while the event takes place, and before that.
    """
    kind = {
        RsvpStatus.UNVERIFIED: MailKind.VERIFY,
        RsvpStatus.PENDING: MailKind.RECEIVED,
        RsvpStatus.WAITLISTED: MailKind.WAITLISTED,
        RsvpStatus.CONFIRMED: MailKind.CONFIRMED,
        RsvpStatus.REJECTED: MailKind.REJECTED,
    }.get(rsvp.status, MailKind.CANCELLED)
    is_news = (rsvp.told_edition or 0) != rsvp.event.edition
    if rsvp.is_confirmed and (is_news or rsvp.ical_sequence < 0):
        # The entry would say something else than the last one with this number, or is the first.
        rsvp.ical_sequence += 1
    told = rsvp.told_edition or 0
    if rsvp.is_live:
        rsvp.told_edition = rsvp.event.edition
    sequence = rsvp.ical_sequence if rsvp.is_confirmed else None
    facts: dict[str, Any] = {"again": True} | ({"until": until.isoformat()} if until else {})
    if not rsvp.is_live and (end := _end_of(rsvp)) is not None:
        facts = end.facts | facts
        # Not that of an entry at an address before.
        sequence = end.ical_sequence if rsvp.ical_sequence >= 0 else None
    rsvp.touch(now)
    superseded = rows.supersede(OutboxMail.rsvp_id == rsvp.id, now)
    if rsvp.is_live:
        facts |= _news(rsvp, told, superseded)
    _write(rsvp, kind, now, sequence=sequence, facts=facts)


def _end_of(rsvp: Rsvp) -> OutboxMail | None:
    """The mail that told an attendee last that their RSVP has ended."""
    ends = select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id, OutboxMail.kind.in_(rows.ENDS))
    latest = db.session.scalars(ends.order_by(OutboxMail.id.desc()))
    return next((mail for mail in latest if not mail.facts.get("copy")), None)


def rsvp_readdressed(rsvp: Rsvp, *, before: str, now: datetime) -> bool:
    """Let an attendee's mail and entry be at the right address alone; whether they are told there.

    The mail that fits goes there, and of a past event their link alone. Of one that is cancelled
    nothing goes; while that can be taken back, a mail waits for it.
    """
    # First, since an assistant may have given their own address: the copy is written to that.
    corrections.readdress(rsvp, before, is_asked=rsvp.is_confirmed, now=now)
    event = rsvp.event
    if event.takes_place(now):
        rsvp_again(rsvp, now=now)
    elif event.may_come_back(now) and rsvp.is_confirmed:
        rsvp_again(rsvp, now=now, until=event.ends_at)
    elif event.is_published:
        _write_link(rsvp, now=now, is_corrected=True)
    return event.is_published and rsvp.has_address


def links(email: str, rsvps: Sequence[Rsvp], *, now: datetime) -> None:
    """Mail an address the links of these RSVPs."""
    rows.write(
        MailKind.LINKS,
        secrets.token_hex(8),  # each that is asked for is another one
        recipient=email,
        recipient_name=rsvps[0].name,
        now=now,
        language=rsvps[0].language,
        facts={"rsvps": [rsvp.id for rsvp in rsvps]},
    )


def calendar_answer(rsvp: Rsvp, *, now: datetime, said: str, is_sure: bool) -> None:
    """Say that an answer from a calendar has changed nothing, and where it can be given.

    Not `is_sure`: it may be of somebody else.
    """
    _write_link(rsvp, now=now, said=said, is_sure=is_sure)


def _write_link(rsvp: Rsvp, *, now: datetime, **facts: Any) -> None:
    rows.write(
        MailKind.LINKS,
        secrets.token_hex(8),
        recipient=rsvp.email,
        recipient_name=rsvp.name,
        now=now,
        event=rsvp.event,
        language=rsvp.language,
        facts={"rsvps": [rsvp.id]} | facts,
    )


def invitation(invited: Invitation, *, now: datetime) -> None:
    """Invite a person to an event, with yes and no. No calendar part: they have not said yes."""
    rows.write(
        MailKind.INVITATION,
        f"{invited.id}.{now.timestamp()}",
        recipient=invited.email,
        recipient_name=invited.name,
        now=now,
        event=invited.event,
        invitation=invited,
        language=invited.language or invited.event.language,
    )


def _to_attendee(
    rsvp: Rsvp, kind: MailKind, now: datetime, *, calendar: bool, **facts: Any
) -> None:
    """Write the mail of one change, and a copy for an assistant who answered for the person."""
    ends = kind in rows.ENDS
    superseded = None
    if rsvp.revision:
        superseded = rows.supersede(OutboxMail.rsvp_id == rsvp.id, now, mailings_too=ends)
        lost_entry = superseded.had_calendar_part
        calendar = calendar or (lost_entry and (ends or rsvp.is_confirmed))
        if kind is MailKind.WAITLISTED and calendar:
            kind = MailKind.CONFIRMED
    # Who came by a list that was taken in without mails has no entry that could be taken away.
    calendar = calendar and not (ends and rsvp.ical_sequence < 0)
    if calendar:
        rsvp.ical_sequence += 1
    if calendar or not rsvp.is_confirmed:
        if superseded and not ends:
            facts |= _news(rsvp, rsvp.told_edition or 0, superseded)
        rsvp.told_edition = rsvp.event.edition
    if rsvp.id is None:
        write_rsvp(rsvp)  # it has its number then
    _write(rsvp, kind, now, sequence=rsvp.ical_sequence if calendar else None, facts=facts)


def _news(rsvp: Rsvp, told: int, superseded: rows.Superseded) -> dict[str, Any]:
    """What its attendee does not know yet of an event that has changed: before, and what differs.

    `told` is the edition of the event that they know, unless the mail that told them has not gone.
    Nobody gets a seat for another day without being told that it is another one.
    """
    event = rsvp.event
    knew = min([told, *(facts["edition"] for facts in superseded.facts if "edition" in facts)])
    before = editions.facts_of_edition(event.id, knew) if knew != event.edition else None
    if before is None:
        return {}
    differ = editions.differences(before, editions.facts_of(event), rsvp.option.mode)
    changed = [name for name in differ if name in editions.ANNOUNCED]
    return {"edition": knew, "before": before, "changed": changed} if changed else {}


def _write(
    rsvp: Rsvp,
    kind: MailKind,
    now: datetime,
    *,
    sequence: int | None,
    facts: dict[str, Any],
    **more: Any,
) -> None:
    """One row for each who is written to; the entry belongs into the calendar of who attends."""
    for recipient, name, is_copy in _recipients(rsvp):
        rows.write(
            kind,
            f"{rsvp.id}.{rsvp.revision}",
            recipient=recipient,
            recipient_name=name,
            now=now,
            event=rsvp.event,
            rsvp=rsvp,
            language=rsvp.language,
            ical_sequence=None if is_copy else sequence,
            facts=facts | ({"copy": True} if is_copy else {}),
            **more,
        )


def _recipients(rsvp: Rsvp) -> list[tuple[str, str, bool]]:
    """Whom an RSVP's mail goes to: address, name, whether it is the assistant's copy.

    While an address is to be confirmed, only its owner is written to: each mail has the key.
    """
    recipients = [(rsvp.email, rsvp.name, False)]
    verified = rsvp.status is not RsvpStatus.UNVERIFIED
    if verified and rsvp.booked_by_email and rsvp.booked_by_email != rsvp.email:
        recipients.append((rsvp.booked_by_email, rsvp.booked_by_name, True))
    return recipients
