"""Passwords and codes cannot be guessed at leisure: failed tries are counted, and stopped."""

from __future__ import annotations

from flask import Flask, Response, request, session

from registration.web import tries
from registration.web.limits import address_sent, network

#: Where somebody may try what they do not know.
_GUESSED = (
    "security.login",
    "security.two_factor_token_validation",
    "security.mf_recovery",
    "security.forgot_password",
    "security.verify",
    "security.change_password",
)


def init_app(app: Flask) -> None:
    """Let nobody try passwords or codes at leisure. What succeeds is not counted."""
    app.before_request(_limit)


def _limit() -> None:
    if request.method == "POST" and request.endpoint in _GUESSED:
        tries.count(_allowances(request.endpoint), counts=_has_failed)


def _has_failed(response: Response) -> bool:
    # A page again says what was wrong. A link to a new password is mailed by whatever answer.
    if request.endpoint == "security.forgot_password":
        return response.status_code < 400
    return response.status_code == 200


def _allowances(endpoint: str) -> list[tries.Allowance]:
    """The limits under which this request falls, and under which name each counts it."""
    if endpoint in ("security.login", "security.forgot_password"):
        who = address_sent()
    else:
        who = str(session.get("tf_user_id") or session.get("_user_id") or network())
    allowances = [("LIMIT_SIGN_IN_PER_NETWORK", f"{endpoint}:from:{network()}")]
    if who:  # what many leave empty by mistake is not one address of theirs
        is_mailed = endpoint == "security.forgot_password"
        of_one = "LIMIT_LINKS_PER_ADDRESS" if is_mailed else "LIMIT_SIGN_IN_PER_ADDRESS"
        allowances.append((of_one, f"{endpoint}:{who}"))
    return allowances
