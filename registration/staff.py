"""Staff accounts. Each public function is one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from flask_security import hash_password
from sqlalchemy import insert, select

from registration import audit
from registration.database import db, transaction
from registration.models import Event, Role, Staff, StaffRole, staff_events


class StaffRefused(Exception):
    """An account that cannot be made; its text says why."""


def add(
    *,
    email: str,
    role: StaffRole,
    password: str,
    now: datetime,
    name: str = "",
    event_slugs: Sequence[str] = (),
) -> Staff:
    """Make an account, or give an existing one this password, role and events.

    Raises StaffRefused for an event that does not exist.
    """
    digest = hash_password(password)  # slow on purpose, so before the transaction
    with transaction():
        events = list(db.session.scalars(select(Event.id).where(Event.slug.in_(event_slugs))))
        if len(events) != len(set(event_slugs)):
            raise StaffRefused("there is no such event: " + ", ".join(event_slugs))
        account = db.session.scalars(
            select(Staff).where(Staff.email == email.lower())
        ).one_or_none()
        if account is None:
            account = Staff(email=email.lower(), created_at=now, active=True, name=name)
            db.session.add(account)
        account.name = name or account.name
        account.password = digest
        # Whoever is signed in with the old password is not any more.
        account.fs_uniquifier = secrets.token_hex(32)
        account.roles = [_role(role)]
        db.session.flush()
        for event_id in events:
            known = select(staff_events.c.event_id).where(
                staff_events.c.staff_id == account.id, staff_events.c.event_id == event_id
            )
            if db.session.scalar(known) is None:
                db.session.execute(
                    insert(staff_events).values(staff_id=account.id, event_id=event_id)
                )
        audit.record("staff.added", now=now, actor="system", account=email, role=str(role))
    return account


def _role(role: StaffRole) -> Role:
    found = db.session.scalars(select(Role).where(Role.name == role)).one_or_none()
    return found or Role(name=str(role))
