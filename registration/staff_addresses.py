"""The addresses of staff accounts, and how they change. Each public function is one transaction.

Who has an address can have a new password mailed there. So an owner's new address counts only
once they have opened a mail there; whoever changes it, sessions and links of before end.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import lazy_gettext as _
from flask_security.recoverable import generate_reset_password_token
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from sqlalchemy.exc import IntegrityError

from registration import audit, emails
from registration.database import db, transaction
from registration.models import Staff

#: How long the link to a new address works.
_WITHIN = timedelta(days=2)


class StaffAddressRefused(Exception):
    """An address that cannot become that of an account; its text says why."""


def ask(
    *,
    account_id: int,
    email: str,
    path_of: Callable[[str], str],
    forgot_path: str,
    now: datetime,
) -> None:
    """Mail a link to the new address of an account, and tell the old one. Nothing changes yet.

    `path_of` gives the path for a token. It is said of no address that another account has it:
    that is for who can open its mail. Raises StaffAddressRefused for the account's own address.
    """
    with transaction():
        account = db.session.get_one(Staff, account_id)
        if account.email == email:
            raise StaffAddressRefused(_("This is the address of your account already."))
        path = path_of(_signer().dumps([account.fs_uniquifier, email]))
        emails.to_account(account, "address_confirm", to=email, path=path, now=now)
        emails.to_account(account, "address_asked", path=forgot_path, now=now, address=email)
        audit.record(
            "staff.address_asked",
            now=now,
            staff_id=account_id,
            account=account.email,
            address=email,
        )


def asked_for(account: Staff, token: str) -> str:
    """The new address for which a token was mailed.

    Raises StaffAddressRefused if it is too old, or not this account's as it is now: with a new
    password, or signed out everywhere, an account has taken back what it asked for.
    """
    try:
        uniquifier, email = _signer().loads(token, max_age=int(_WITHIN.total_seconds()))
    except SignatureExpired as expired:
        raise StaffAddressRefused(
            _("This link worked for two days and is too old. Ask for a new one.")
        ) from expired
    except BadSignature as unknown:
        raise StaffAddressRefused(_("This link is not complete. Open it from the mail.")) from (
            unknown
        )
    if uniquifier != account.fs_uniquifier:
        raise StaffAddressRefused(
            _("This link was used before, or belongs to another account. Ask for a new one.")
        )
    return str(email)


def confirm(*, account_id: int, token: str, now: datetime) -> Staff:
    """Give an account the address that its owner has confirmed, and tell the old one.

    It is signed out everywhere, and links mailed before lead nowhere. Raises StaffAddressRefused
    as `asked_for`, and for the address of another account.
    """
    with transaction(keep=True):
        account = db.session.get_one(Staff, account_id)
        _move(account, asked_for(account, token), staff_id=account_id, now=now)
    return account


def correct(
    *,
    account_id: int,
    email: str,
    staff_id: int,
    path_of: Callable[[str], str],
    sign_in_path: str,
    now: datetime,
) -> None:
    """Give an account the right address at once, as an admin does for its owner; both are told.

    Raises StaffAddressRefused for one's own account: its owner confirms a new address; and for
    the address of another account.
    """
    with transaction():
        if account_id == staff_id:
            raise StaffAddressRefused(_("Your own address is changed on the page of your account."))
        account = db.session.get_one(Staff, account_id)
        if account.email == email:
            raise StaffAddressRefused(_("This is the address of the account already."))
        _move(account, email, staff_id=staff_id, now=now)
        if account.password or account.webauthn:
            emails.to_account(account, "address_corrected", path=sign_in_path, now=now)
        else:
            path = path_of(generate_reset_password_token(account))
            emails.to_account(account, "invited", path=path, now=now)


def _move(account: Staff, email: str, *, staff_id: int, now: datetime) -> None:
    before, account.email = account.email, email
    account.fs_uniquifier = secrets.token_hex(32)
    try:
        db.session.flush()
    except IntegrityError as taken:
        raise StaffAddressRefused(_("Another account has this address.")) from taken
    if account.password or account.webauthn:
        # Of an invitation that went astray its reader learns no more.
        emails.to_account(account, "address_changed", to=before, path="", now=now, address=email)
    audit.record(
        "staff.address",
        now=now,
        staff_id=staff_id,
        account=email,
        changes={"email": [before, email]},
    )


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt="staff-address")
