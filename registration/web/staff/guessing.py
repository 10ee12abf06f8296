"""Passwords and codes cannot be guessed at leisure: failed tries are counted, and stopped."""

from __future__ import annotations

from flask import Flask, Response, abort, current_app, request, session
from limits import RateLimitItem, parse

from registration.web.limits import address_sent, limiter, network

_OF_ONE = "LIMIT_SIGN_IN_PER_ADDRESS"
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
    app.before_request(_stop)
    app.after_request(_count)


def _stop() -> None:
    for limit, key in _keys():
        if not limiter.limiter.test(limit, key):
            abort(429)


def _count(response: Response) -> Response:
    failed = response.status_code == 200 or request.endpoint == "security.forgot_password"
    if failed and response.status_code < 400:
        for limit, key in _keys():
            limiter.limiter.hit(limit, key)
    return response


def _keys() -> list[tuple[RateLimitItem, str]]:
    """The limits under which this request falls, and under which name each counts it."""
    endpoint = request.endpoint or ""
    if request.method != "POST" or endpoint not in _GUESSED:
        return []
    if endpoint in ("security.login", "security.forgot_password"):
        who = address_sent()
    else:
        who = str(session.get("tf_user_id") or session.get("_user_id") or network())
    config = current_app.config
    keys = [(parse(config["LIMIT_SIGN_IN_PER_NETWORK"]), f"{endpoint}:from:{network()}")]
    if who:  # what many leave empty by mistake is not one address of theirs
        of_one = "LIMIT_LINKS_PER_ADDRESS" if endpoint.endswith("forgot_password") else _OF_ONE
        keys.append((parse(config[of_one]), f"{endpoint}:{who}"))
    return keys
