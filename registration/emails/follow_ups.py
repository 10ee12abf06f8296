"""The mail with the recording: it waits while the recording's address may be a wrong one."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from registration.database import db
from registration.models import HOLD, Event, MailKind, MailState, OutboxMail

#: How long after the end of the event it is of use.
USEFUL = timedelta(days=60)


def follow_ups_held(event: Event, *, now: datetime) -> None:
    """Let what has not gone wait anew for another address; without one, until there is one."""
    due_at = now + HOLD if event.recording_url else event.ends_at + USEFUL
    db.session.execute(
        update(OutboxMail)
        .where(
            OutboxMail.event_id == event.id,
            OutboxMail.kind == MailKind.FOLLOW_UP,
            OutboxMail.state == MailState.WAITING,
        )
        .values(due_at=due_at)
        .execution_options(synchronize_session=False)
    )
