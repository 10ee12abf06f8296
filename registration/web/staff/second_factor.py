"""Codes as a second factor: from an app, and those for the day it is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import anonymous_user_required, current_user
from flask_security.forms import TwoFactorSetupForm
from flask_security.recovery_codes import MfRecoveryCodesUtil
from flask_security.totp import Totp
from flask_security.utils import check_and_get_token_status

from registration import audit, emails
from registration.database import db
from registration.models import Staff
from registration.times import now

_ENTER = "security.two_factor_token_validation"
_CODES = "security.mf_recovery_codes"
_VALIDATE = "security.two_factor_setup_validate"


class OnceTotp(Totp):  # type: ignore[misc]
    """Codes of which none works twice."""

    def get_last_counter(self, user: Staff) -> int | None:
        """The counter of the code that was used last; nobody else enters one meanwhile."""
        db.session.refresh(user, ["tf_last_counter"], with_for_update=True)
        return user.tf_last_counter

    def set_last_counter(self, user: Staff, tmatch: Any) -> None:
        """Keep the counter of a code that was right; committed with the sign-in."""
        user.tf_last_counter = tmatch.counter
        db.session.add(user)


class RecoveryCodes(MfRecoveryCodesUtil):  # type: ignore[misc]
    """Codes that are taken off paper, and of which none works twice."""

    def create_recovery_codes(self, user: Staff) -> list[str]:
        """Make new ones, which is noted and mailed; the view commits."""
        codes: list[str] = super().create_recovery_codes(user)
        audit.record("staff.recovery_codes", now=now(), staff_id=user.id)
        path = url_for("security.forgot_password")
        emails.to_account(user, "recovery_codes", path=path, now=now())
        return codes

    def check_recovery_code(self, user: Staff, code: str) -> bool:
        """Whether it is one of theirs, however it is written; nobody else enters one meanwhile."""
        db.session.refresh(user, ["mf_recovery_codes"], with_for_update=True)
        return bool(super().check_recovery_code(user, _as_it_was_made(code)))

    def delete_recovery_code(self, user: Staff, code: str) -> bool:
        """Put a code out of use, which is noted."""
        audit.record("staff.recovery_code_used", now=now(), staff_id=user.id)
        return bool(super().delete_recovery_code(user, _as_it_was_made(code)))


def _as_it_was_made(code: str) -> str:
    """A recovery code in lower case, in groups of four, whatever stands between them."""
    return "-".join(re.findall(r"\w{1,4}", re.sub(r"[\W_]", "", code.lower())))


def init_app(app: Flask) -> None:
    """Ask nobody who is in for a code, and watch what becomes of the first code."""
    # The extension would sign out whoever comes back to that page.
    app.view_functions[_ENTER] = anonymous_user_required(app.view_functions[_ENTER])
    app.view_functions[_CODES] = _made_once(app.view_functions[_CODES])
    app.after_request(_show_the_key_again)


def _made_once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Lead from making recovery codes to the page that shows them.

    The extension would show them in its answer: loaded again, it puts those just printed out of
    use.
    """

    @wraps(view)
    def made() -> ResponseReturnValue:
        answer = view()
        if request.method == "POST" and isinstance(answer, str):
            return redirect(url_for(_CODES, show_codes="y"), code=303)
        return answer

    return made


def _show_the_key_again(response: Response) -> Response:
    """After a wrong code: the page with the same key, and what was wrong on top of it.

    The extension would show another key, and the one that was scanned would be of no use.
    """
    wrong = request.endpoint == _VALIDATE and response.location is not None
    if not wrong or "second-factor" not in (response.location or ""):
        return response
    token = (request.view_args or {}).get("token", "")
    within = current_app.config["SECURITY_TWO_FACTOR_SETUP_WITHIN"]
    expired, invalid, state = check_and_get_token_status(token, "tf_setup", within)
    if expired or invalid or not current_user.is_authenticated:
        return response
    totp = current_app.extensions["security"].totp_factory
    key = totp.fetch_setup_values(state["totp_secret"], current_user)
    return make_response(
        render_template(
            "staff/second_factor.html",
            two_factor_setup_form=TwoFactorSetupForm(formdata=None),
            chosen_method="authenticator",
            state_token=token,
            authr_qrcode=key["image"],
            authr_key=key["key"],
        )
    )
