"""The set-up of codes, where Flask-Security begins anew after one wrong digit.

It would show another key, and the one that was scanned would be of no use.
"""

from __future__ import annotations

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_security import current_user
from flask_security.forms import TwoFactorSetupForm
from flask_security.utils import check_and_get_token_status

_VALIDATE = "security.two_factor_setup_validate"


def init_app(app: Flask) -> None:
    """Watch what becomes of the first code."""
    app.after_request(_show_the_key_again)


def _show_the_key_again(response: Response) -> Response:
    """After a wrong code: the page with the same key, and what was wrong on top of it."""
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
            changing=True,
            state_token=token,
            authr_qrcode=key["image"],
            authr_key=key["key"],
        )
    )
