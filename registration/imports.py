"""Lists of invitees and of RSVPs, taken in: first as a dry run, then in one go or not at all."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from registration import audit, emails, fates, listing, parties, seating
from registration.database import db, transaction
from registration.fates import Candidate, Fate, Plan
from registration.models import (
    Event,
    EventStatus,
    ImportKind,
    Invitation,
    InvitationStatus,
    PendingImport,
    Question,
    Rsvp,
    RsvpStatus,
)
from registration.seating import Seats
from registration.sheets import Sheet

#: How long a list waits for its import.
KEPT = timedelta(days=1)
_CHUNK = 1000


class ImportRefused(Exception):
    """A list that cannot be taken in; its text is fit for staff."""


def keep(
    *,
    event_id: int,
    staff_id: int,
    kind: ImportKind,
    sheet: Sheet,
    file_name: str,
    now: datetime,
) -> PendingImport:
    """Keep a list for its dry run, its columns matched by name. Older ones of the account go."""
    event = db.session.get_one(Event, event_id)
    options = listing.options_of(event)
    plan = Plan(
        columns=fates.guess(sheet, kind, questions_of(event_id)),
        option_id=options[0].id if len(options) == 1 else None,
        sends_mail=event.status is EventStatus.PUBLISHED,
    )
    with transaction():
        forget_old(now)
        db.session.execute(delete(PendingImport).where(PendingImport.staff_id == staff_id))
        pending = PendingImport(
            event_id=event_id,
            staff_id=staff_id,
            kind=kind,
            file_name=file_name[:200],
            reading=sheet.reading,
            cells=sheet.packed(),
            plan=plan.as_json(),
            created_at=now,
        )
        db.session.add(pending)
    return pending


def forget_old(now: datetime) -> None:
    """Throw lists away that nobody took in. In the caller's transaction."""
    db.session.execute(delete(PendingImport).where(PendingImport.created_at < now - KEPT))


def change_plan(*, import_id: int, plan: Plan) -> None:
    """Match the columns anew."""
    with transaction():
        db.session.get_one(PendingImport, import_id).plan = plan.as_json()


def drop(*, import_id: int) -> None:
    """Throw a list away."""
    with transaction():
        db.session.execute(delete(PendingImport).where(PendingImport.id == import_id))


def questions_of(event_id: int) -> list[Question]:
    """The questions that an import may answer."""
    return list(
        db.session.scalars(
            select(Question)
            .where(Question.event_id == event_id, Question.retired_at.is_(None))
            .order_by(Question.position)
        )
    )


def dry_run(event: Event, sheet: Sheet, kind: ImportKind, plan: Plan) -> list[Candidate]:
    """What would become of each row now. Changes nothing."""
    options = listing.options_of(event)
    rows = fates.read_rows(
        sheet, kind, plan, event=event, options=options, questions=questions_of(event.id)
    )
    fates.judge(rows, kind, plan, event_id=event.id, options=options)
    return rows


def run(
    *,
    event_id: int,
    sheet: Sheet,
    kind: ImportKind,
    plan: Plan,
    staff_id: int | None,
    file_name: str,
    now: datetime,
    import_id: int | None = None,
) -> Counter[Fate]:
    """Take a list in: all rows that can be, in one transaction; how many met which fate.

    Seats and addresses are looked at anew under the lock. Raises ImportRefused if the event takes
    nobody, or if no row can be taken in; then nothing has changed.
    """
    event = db.session.get_one(Event, event_id)
    rows = fates.read_rows(
        sheet,
        kind,
        plan,
        event=event,
        options=listing.options_of(event),
        questions=questions_of(event_id),
    )
    codes = _ticket_codes(sum(row.party_size for row in rows if row.fate is None), kind)
    with transaction():
        seats = seating.lock(event_id)
        _check(seats.event, plan, now)
        options = list(seats.options.values())
        for row in rows:
            row.option = seats.options.get(row.option.id) if row.option else None
        fates.judge(rows, kind, plan, event_id=event_id, options=options)
        taken = [row for row in rows if row.is_taken]
        if not taken:
            raise ImportRefused(_("No row of this list can be taken in."))
        if kind is ImportKind.INVITEES:
            _write_invitations(taken, seats.event, plan, now)
        else:
            _write_rsvps(taken, seats, plan, codes, staff_id, now)
        met = Counter(row.fate for row in rows if row.fate is not None)
        audit.record(
            f"import.{kind}",
            now=now,
            actor="system",
            staff_id=staff_id,
            event_id=event_id,
            file=file_name,
            mailed=plan.sends_mail,
            rows={str(fate): number for fate, number in met.items()},
        )
        if import_id is not None:
            db.session.execute(delete(PendingImport).where(PendingImport.id == import_id))
    return met


def _check(event: Event, plan: Plan, now: datetime) -> None:
    if event.status is EventStatus.CANCELLED:
        raise ImportRefused(_("This event has been cancelled."))
    if event.is_past(now):
        raise ImportRefused(_("This event has ended."))
    if plan.sends_mail and event.status is not EventStatus.PUBLISHED:
        raise ImportRefused(_("Publish the event before you mail anybody, or import without mail."))


def _ticket_codes(number: int, kind: ImportKind) -> list[str]:
    """Ticket codes for so many people, asked for before the lock."""
    if kind is ImportKind.INVITEES:
        return []
    codes: dict[str, None] = {}
    while len(codes) < number:
        codes.update(dict.fromkeys(parties.new_ticket_codes(min(_CHUNK, number - len(codes)))))
    return list(codes)


def _write_invitations(rows: Sequence[Candidate], event: Event, plan: Plan, now: datetime) -> None:
    invitations = [
        Invitation(
            event_id=event.id,
            event=event,
            email=row.email,
            name=row.name,
            organisation=row.organisation,
            language=row.language,
            key=secrets.token_urlsafe(24),
            created_at=now,
        )
        for row in rows
    ]
    db.session.add_all(invitations)
    db.session.flush()
    if plan.sends_mail:
        for invited in invitations:
            emails.invitation(invited, now=now)


def _write_rsvps(
    rows: Sequence[Candidate],
    seats: Seats,
    plan: Plan,
    codes: list[str],
    staff_id: int | None,
    now: datetime,
) -> None:
    invited = {
        invitation.email: invitation
        for invitation in db.session.scalars(
            select(Invitation).where(Invitation.event_id == seats.event.id)
        )
    }
    written = []
    with db.session.no_autoflush:
        for row in rows:
            rsvp = _new_rsvp(row, seats, now)
            if invitation := invited.get(row.email):
                rsvp.invitation_id = invitation.id
                invitation.status, invitation.answered_at = InvitationStatus.ACCEPTED, now
            db.session.add(rsvp)
            written.append(rsvp)
    db.session.flush()
    with db.session.no_autoflush:
        for row, rsvp in zip(rows, written, strict=True):
            own = [codes.pop() for _person in range(row.party_size)]
            parties.write_party(rsvp, [row.name, *row.guests], own)
            if row.answers:
                parties.write_answers(rsvp, row.answers)
            if plan.sends_mail and rsvp.is_confirmed:
                emails.rsvp_confirmed(rsvp, now=now)
            elif plan.sends_mail:
                emails.rsvp_waitlisted(rsvp, now=now)
            audit.record(
                "rsvp.imported",
                now=now,
                actor="system",
                staff_id=staff_id,
                rsvp=rsvp,
                option=rsvp.option_id,
            )


def _new_rsvp(row: Candidate, seats: Seats, now: datetime) -> Rsvp:
    """The RSVP of a row, with its seats or its place in the queue."""
    assert row.option is not None
    details = parties.Details(
        name=row.name,
        email=row.email,
        organisation=row.organisation,
        job_title=row.job_title,
        language=row.language,
    )
    rsvp = parties.new_rsvp(seats.event, row.option, details, now, party_size=row.party_size)
    # Nobody has agreed to anything by standing on a list.
    rsvp.consent_version, rsvp.consented_at, rsvp.source = "", None, "import"
    if row.fate is Fate.SEATED:
        seating.take(rsvp, row.option, now=now)
    else:
        seating.wait(rsvp, row.option)
        rsvp.status = RsvpStatus.WAITLISTED
    return rsvp
