"""How far the mails of a message have got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from registration.database import db
from registration.models import Mailing, MailState, OutboxMail


@dataclass(frozen=True)
class Progress:
    """How far the delivery of a mailing has got, in mails."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    total: int = 0  # to how many it was released

    @property
    def done(self) -> int:
        """How many have come to an end by delivery."""
        return self.sent + self.failed

    @property
    def left_out(self) -> int:
        """How many never go: to no reader any more or unsubscribed, taken back, or too late."""
        return max(0, self.total - self.sent - self.failed - self.waiting)


def of(found: Sequence[Mailing]) -> dict[int, Progress]:
    """How far each of these mailings has got."""
    rows = db.session.execute(
        select(OutboxMail.mailing_id, OutboxMail.state, func.count())
        .where(OutboxMail.mailing_id.in_([mailing.id for mailing in found]))
        .group_by(OutboxMail.mailing_id, OutboxMail.state)
    )
    numbers = {(mailing_id, state): number for mailing_id, state, number in rows}
    return {
        mailing.id: Progress(
            sent=numbers.get((mailing.id, MailState.SENT), 0),
            failed=numbers.get((mailing.id, MailState.FAILED), 0),
            waiting=numbers.get((mailing.id, MailState.WAITING), 0),
            total=mailing.recipients,
        )
        for mailing in found
    }
