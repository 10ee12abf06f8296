"""What came of a verb: rows as they are now, mails, the refusal."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from registration.admission import Refusal, RsvpRefused
from registration.database import db
from registration.models import MailKind, OutboxMail, Rsvp


def fresh(row):
    """The row as the database has it now."""
    db.session.rollback()
    db.session.refresh(row)
    return row


def kinds_mailed(rsvp: Rsvp) -> list[MailKind]:
    """What an RSVP was mailed, in order."""
    return list(
        db.session.scalars(
            select(OutboxMail.kind).where(OutboxMail.rsvp_id == rsvp.id).order_by(OutboxMail.id)
        )
    )


def recipients() -> list[str]:
    """Whom mails are for, in order."""
    return list(db.session.scalars(select(OutboxMail.recipient).order_by(OutboxMail.id)))


def refusal_of(call) -> Refusal:
    """Why a call is refused; it says so in words."""
    with pytest.raises(RsvpRefused) as caught:
        call()
    assert str(caught.value)
    return caught.value.reason
