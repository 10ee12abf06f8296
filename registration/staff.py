"""Staff accounts. Each public function is one transaction."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from flask import current_app
from flask_babel import lazy_gettext as _
from flask_security import hash_password
from flask_security.recoverable import generate_reset_password_token
from sqlalchemy import delete, func, insert, select

from registration import addresses, audit, emails
from registration.database import db, transaction
from registration.models import SECOND_PRESS, Event, Role, Staff, StaffRole, staff_events


class StaffRefused(Exception):
    """An account that cannot be made; its text says why."""


def add(
    *,
    email: str,
    role: StaffRole | None,
    password: str,
    now: datetime,
    name: str = "",
    event_slugs: Sequence[str] = (),
) -> Staff:
    """Make an account, or give an existing one this password, role and events; it is open.

    Without a role, an account keeps its own, and a new one is an organiser's. Raises StaffRefused
    for what is no address, a short password, and an event that does not exist, and if no admin
    would be left.
    """
    try:
        email = addresses.canonical(email)
    except addresses.AddressRefused as refusal:
        raise StaffRefused(str(refusal)) from refusal
    shortest = current_app.config["SECURITY_PASSWORD_LENGTH_MIN"]
    if len(password) < shortest:
        raise StaffRefused(f"a password has at least {shortest} characters")
    digest = hash_password(password)  # slow on purpose, so before the transaction
    with transaction():
        _one_at_a_time()
        found = select(Event.slug, Event.id).where(Event.slug.in_(event_slugs))
        events = {row.slug: row.id for row in db.session.execute(found)}
        if unknown := [slug for slug in event_slugs if slug not in events]:
            raise StaffRefused("there is no such event: " + ", ".join(unknown))
        account = db.session.scalars(select(Staff).where(Staff.email == email)).one_or_none()
        if account is None:
            account = Staff(email=email, created_at=now)
            db.session.add(account)
        if role is not None and role is not StaffRole.ADMIN:
            _check_not_last(account)
        account.active = True
        account.name = name or account.name or ""
        account.password = digest
        # Whoever is signed in with the old password is not any more.
        account.fs_uniquifier = secrets.token_hex(32)
        if role is not None or not account.roles:
            account.roles = [_role(role or StaffRole.ORGANISER)]
        db.session.flush()
        has = {event.id for event in events_of(account)}
        _set_events(account, has.union(events.values()))
        audit.record("staff.added", now=now, actor="system", account=email, role=_role_of(account))
    return account


def invite(
    *,
    email: str,
    name: str,
    role: StaffRole,
    event_ids: Sequence[int],
    inviter: Staff,
    path_of: Callable[[str], str],
    now: datetime,
) -> Staff:
    """Make an account without a password, and mail it a link to set one.

    `path_of` gives the path for a token. Twice is once. Raises StaffRefused for an address that
    has an account.
    """
    inviter_id, inviter_name = inviter.id, inviter.name
    with transaction():
        _one_at_a_time()
        known = db.session.scalars(select(Staff).where(Staff.email == email)).one_or_none()
        if known is not None:
            is_new = known.password is None and known.created_at > now - SECOND_PRESS
            if is_new and (known.name, _role_of(known)) == (name, role):
                return known
            raise StaffRefused(_("This address has an account already."))
        account = Staff(
            email=email,
            name=name,
            active=True,
            created_at=now,
            fs_uniquifier=secrets.token_hex(32),
            roles=[_role(role)],
        )
        db.session.add(account)
        db.session.flush()
        _set_events(account, event_ids)
        path = path_of(generate_reset_password_token(account))
        emails.to_account(account, "invited", path=path, now=now, inviter=inviter_name)
        audit.record("staff.invited", now=now, staff_id=inviter_id, account=email, role=str(role))
    return account


def invite_again(
    *, account_id: int, staff_id: int, path_of: Callable[[str], str], now: datetime
) -> None:
    """Mail an account a fresh link to set its password."""
    with transaction():
        account = db.session.get_one(Staff, account_id)
        about = "reset" if account.password else "invited"
        path = path_of(generate_reset_password_token(account))
        emails.to_account(account, about, path=path, now=now)
        audit.record("staff.invited", now=now, staff_id=staff_id, account=account.email)


def change(
    *,
    account_id: int,
    staff_id: int,
    now: datetime,
    name: str | None = None,
    role: StaffRole | None = None,
    gains: Collection[int] = (),
    loses: Collection[int] = (),
) -> None:
    """Give an account another name, another role, events and take others off it, by their ids.

    What is not named stays: somebody else may have changed it a moment ago, or the account have
    made an event of its own. What it may do changes at once. Raises StaffRefused if no admin would
    be left.
    """
    with transaction():
        _one_at_a_time()
        account = db.session.get_one(Staff, account_id)
        before = _seen(account)
        if name is not None:
            account.name = name
        if role is not None:
            if role is not StaffRole.ADMIN:
                _check_not_last(account)
            account.roles = [_role(role)]
        has = {event.id for event in events_of(account)}
        _set_events(account, has.union(gains).difference(loses))
        db.session.flush()
        after = _seen(account)
        audit.record(
            "staff.changed",
            now=now,
            staff_id=staff_id,
            account=account.email,
            changes={
                field: [before[field], after[field]]
                for field in before
                if before[field] != after[field]
            },
        )


def set_active(*, account_id: int, active: bool, staff_id: int, now: datetime) -> None:
    """Close an account, which ends its sessions, or open it again.

    Raises StaffRefused for one's own account, and if no admin would be left.
    """
    with transaction():
        _one_at_a_time()
        account = db.session.get_one(Staff, account_id)
        if not active:
            if account_id == staff_id:
                raise StaffRefused(_("You cannot close your own account."))
            _check_not_last(account)
            account.fs_uniquifier = secrets.token_hex(32)
        account.active = active
        action = "staff.reactivated" if active else "staff.deactivated"
        audit.record(action, now=now, staff_id=staff_id, account=account.email)


def end_sessions(*, account_id: int, staff_id: int, now: datetime) -> Staff:
    """Sign an account out everywhere."""
    with transaction(keep=True):
        account = db.session.get_one(Staff, account_id)
        account.fs_uniquifier = secrets.token_hex(32)
        audit.record("staff.sessions_ended", now=now, staff_id=staff_id, account=account.email)
    return account


def by_email(email: str) -> Staff:
    """The account with this address. Raises StaffRefused where there is none."""
    with contextlib.suppress(addresses.AddressRefused):
        email = addresses.canonical(email)
    account = db.session.scalars(select(Staff).where(Staff.email == email)).one_or_none()
    if account is None:
        raise StaffRefused(f"there is no account with the address {email}")
    return account


def forget_factors(
    *, account_id: int, staff_id: int | None, forgot_path: str, now: datetime
) -> None:
    """Take codes and passkeys off an account whose owner has lost them, and sign it out everywhere.

    By the terminal, without `staff_id`, that helps an only administrator as well. The owner is
    told by mail. Raises StaffRefused for one's own account: that wants a password.
    """
    with transaction():
        if account_id == staff_id:
            raise StaffRefused(
                _("How you sign in yourself is changed on the page of your account.")
            )
        account = db.session.get_one(Staff, account_id)
        account.tf_primary_method = account.tf_totp_secret = account.tf_last_counter = None
        account.mf_recovery_codes = None
        account.webauthn = []
        account.fs_uniquifier = secrets.token_hex(32)
        emails.to_account(account, "second_factor", path=forgot_path, now=now)
        audit.record(
            "staff.second_factor",
            now=now,
            actor="system",
            staff_id=staff_id,
            account=account.email,
        )


def rename(*, account_id: int, name: str, now: datetime) -> None:
    """Change the name by which an account is shown; its own."""
    with transaction():
        account = db.session.get_one(Staff, account_id)
        before, account.name = account.name, name
        audit.record(
            "staff.changed",
            now=now,
            staff_id=account_id,
            account=account.email,
            changes={"name": [before, name]},
        )


def events_of(account: Staff) -> list[Event]:
    """The events that an account works on."""
    return list(
        db.session.scalars(
            select(Event)
            .join(staff_events, staff_events.c.event_id == Event.id)
            .where(staff_events.c.staff_id == account.id)
            .order_by(Event.starts_at.desc())
        )
    )


def _one_at_a_time() -> None:
    """Let nobody else change what accounts may do: two admins could remove each other.

    The row that is locked says what an admin is; accounts go on pointing to it meanwhile.
    """
    admins = select(Role.id).where(Role.name == StaffRole.ADMIN)
    db.session.execute(admins.with_for_update(key_share=True))


def _seen(account: Staff) -> dict[str, object]:
    return {
        "name": account.name,
        "role": _role_of(account),
        "events": [event.slug for event in events_of(account)],
    }


def _role_of(account: Staff) -> str:
    return ", ".join(role.name for role in account.roles)


def _set_events(account: Staff, event_ids: Collection[int]) -> None:
    db.session.execute(delete(staff_events).where(staff_events.c.staff_id == account.id))
    known = db.session.scalars(select(Event.id).where(Event.id.in_(event_ids)))
    rows = [{"staff_id": account.id, "event_id": event_id} for event_id in known]
    if rows:
        db.session.execute(insert(staff_events), rows)


def _check_not_last(account: Staff) -> None:
    """Keep one admin who can sign in."""
    others = (
        select(func.count())
        .select_from(Staff)
        .where(Staff.roles.any(Role.name == StaffRole.ADMIN), Staff.active, Staff.id != account.id)
    )
    if account.is_admin and not db.session.scalar(others):
        raise StaffRefused(_("This is the last administrator. Make another one first."))


def _role(role: StaffRole) -> Role:
    found = db.session.scalars(select(Role).where(Role.name == role)).one_or_none()
    return found or Role(name=str(role))
