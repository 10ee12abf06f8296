"""Passwords, codes and passkeys cannot be guessed: failed tries are noted, counted, and stopped."""

from __future__ import annotations

from flask import Flask, Response, g, request, session
from flask_security import current_user
from sqlalchemy import select

from registration import audit
from registration.database import db, transaction
from registration.models import Staff
from registration.times import now
from registration.web import tries
from registration.web.limits import address_sent, network

_FORGOT = "security.forgot_password"
_PASSKEYS = ("security.wan_signin_response", "security.wan_verify_response")
#: What the log calls a try that failed, by where it was made.
_NOTED = {
    "security.login": "staff.sign_in_failed",
    "security.two_factor_token_validation": "staff.code_failed",
    "security.mf_recovery": "staff.code_failed",
    "security.verify": "staff.password_failed",
} | dict.fromkeys(_PASSKEYS, "staff.passkey_failed")
#: Where somebody may try what they do not know.
_GUESSED = (*_NOTED, _FORGOT, "security.change_password")


def init_app(app: Flask) -> None:
    """Let nobody try passwords, codes or passkeys at leisure. What succeeds is not counted."""
    app.before_request(_limit)
    app.after_request(_note)


def passkey_failed(owner: Staff | None) -> None:
    """Say of this request that a passkey was refused, and whose it is, if that is known."""
    g.passkey_failed_of = owner.email if owner else ""


def _limit() -> None:
    if request.method == "POST" and request.endpoint in _GUESSED:
        tries.count(_allowances(request.endpoint), counts=_has_failed)


def _has_failed(response: Response) -> bool:
    if request.endpoint in _PASSKEYS:  # their answer leads to another page in any case
        return "passkey_failed_of" in g
    # A page again says what was wrong. A link to a new password is mailed by whatever answer.
    if request.endpoint == _FORGOT:
        return response.status_code < 400
    return response.status_code == 200


def _allowances(endpoint: str) -> list[tries.Allowance]:
    """The limits under which this request falls, and under which name each counts it."""
    if endpoint in ("security.login", _FORGOT):
        who = address_sent()
    else:
        who = str(session.get("tf_user_id") or session.get("_user_id") or "")
    allowances = [("LIMIT_SIGN_IN_PER_NETWORK", f"{endpoint}:from:{network()}")]
    if who:  # what many leave empty by mistake is not one address of theirs
        of_one = "LIMIT_LINKS_PER_ADDRESS" if endpoint == _FORGOT else "LIMIT_SIGN_IN_PER_ADDRESS"
        allowances.append((of_one, f"{endpoint}:{who}"))
    return allowances


def _note(response: Response) -> Response:
    """Note a try that failed: from where, and of which account, if it is one's."""
    action = _NOTED.get(request.endpoint or "")
    if action is None or request.method != "POST" or not _has_failed(response):
        return response
    if request.endpoint == "security.login" and not address_sent():
        return response
    # Who is in already is no stranger, whoever it is that sits there.
    staff_id = current_user.id if current_user.is_authenticated else None
    with transaction():
        audit.record(
            action,
            now=now(),
            actor="stranger",
            staff_id=staff_id,
            network=request.remote_addr or "",
            account=_tried(),
        )
    return response


def _tried() -> str:
    """The address of the account that was tried; nothing where it is none's.

    What else stood in the field may be a slip of the pen, or a password in the wrong place.
    """
    if request.endpoint in _PASSKEYS:
        return str(g.passkey_failed_of)
    if request.endpoint == "security.login":
        of_whom = Staff.email == address_sent()
    else:
        known = session.get("tf_user_id") or session.get("_user_id")
        of_whom = Staff.fs_uniquifier == str(known)
    return db.session.scalar(select(Staff.email).where(of_whom)) or ""
