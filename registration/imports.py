"""Lists of invitees and of RSVPs, taken in: first as a dry run, then in one go or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from registration import audit, candidates, fates, intake, listing, matching, seating
from registration.database import db, transaction
from registration.fates import Candidate, Fate, Plan
from registration.models import (
    Event,
    EventStatus,
    ImportKind,
    PendingImport,
)
from registration.seating import Seats
from registration.sheets import Sheet

#: How long a list waits for its import.
KEPT = timedelta(days=1)
#: What is said of one that waits no more.
GONE = _("This list has been taken in already, or thrown away.")


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
        columns=matching.guess(sheet, kind, listing.questions_of(event)),
        option_id=options[0].id if len(options) == 1 else None,
        sends_mail=event.status is EventStatus.PUBLISHED,
    )
    with transaction():
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


def forget_old(*, now: datetime) -> None:
    """Throw lists away that nobody took in. Cheap while there are none."""
    old = PendingImport.created_at <= now - KEPT
    if db.session.scalar(select(PendingImport.id).where(old).limit(1)) is not None:
        with transaction():
            db.session.execute(delete(PendingImport).where(old))


def change_plan(*, import_id: int, plan: Plan) -> None:
    """Match the columns anew."""
    with transaction():
        db.session.get_one(PendingImport, import_id).plan = plan.as_json()


def drop(*, import_id: int) -> None:
    """Throw a list away."""
    with transaction():
        db.session.execute(delete(PendingImport).where(PendingImport.id == import_id))


def dry_run(
    event: Event, sheet: Sheet, kind: ImportKind, plan: Plan, *, now: datetime
) -> list[Candidate]:
    """What would become of each row now. Changes nothing."""
    options = listing.options_of(event)
    rows = candidates.read(
        sheet, kind, plan, event=event, options=options, questions=listing.questions_of(event)
    )
    fates.judge(rows, kind, plan, event=event, options=options, now=now)
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

    Seats and addresses are looked at anew under the lock; all else is ready before it. Raises
    ImportRefused if the event takes nobody, or if no row can be taken in; then nothing has changed.
    """
    event = db.session.get_one(Event, event_id)
    rows = candidates.read(
        sheet,
        kind,
        plan,
        event=event,
        options=listing.options_of(event),
        questions=listing.questions_of(event),
    )
    ready = intake.prepare(rows, kind)
    with transaction():
        seats = seating.lock(event_id)
        _check(seats.event, plan, now)
        if import_id is not None and db.session.get(PendingImport, import_id) is None:
            raise ImportRefused(GONE)
        taken = _judge_anew(rows, kind, plan, seats, now)
        if kind is ImportKind.INVITEES:
            intake.invite(taken, ready, seats.event, mails=plan.sends_mail, now=now)
        else:
            intake.seat(taken, ready, seats, mails=plan.sends_mail, staff_id=staff_id, now=now)
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


def why_not(event: Event, *, now: datetime) -> str:
    """Why the event takes no list any more, in words for staff; empty while it does."""
    if event.status is EventStatus.CANCELLED:
        return gettext("This event has been cancelled.")
    if event.is_past(now):
        return gettext("This event has ended.")
    return ""


def _check(event: Event, plan: Plan, now: datetime) -> None:
    if refusal := why_not(event, now=now):
        raise ImportRefused(refusal)
    if plan.sends_mail and event.status is not EventStatus.PUBLISHED:
        raise ImportRefused(_("Publish the event before you mail anybody, or import without mail."))


def _judge_anew(
    rows: Sequence[Candidate], kind: ImportKind, plan: Plan, seats: Seats, now: datetime
) -> list[Candidate]:
    """The rows that can be taken in, by what the event has under its lock."""
    for row in rows:
        row.option = seats.options.get(row.option.id) if row.option else None
    options = list(seats.options.values())
    fates.judge(rows, kind, plan, event=seats.event, options=options, now=now)
    taken = [row for row in rows if row.is_taken]
    if not taken:
        raise ImportRefused(
            _(
                "No row of this list can be taken in. Line %(number)d: %(why)s",
                number=rows[0].line,
                why=rows[0].why,
            )
        )
    return taken
