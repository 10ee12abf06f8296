"""Sign-in by Flask-Security-Too, with our accounts, our pages and our outbox."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, request, session, url_for
from flask_login import COOKIE_NAME
from flask_security import (
    EmailValidateException,
    MailUtil,
    PasswordUtil,
    Security,
    current_user,
    logout_user,
    password_changed,
    password_reset,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
    wan_deleted,
    wan_registered,
)
from flask_security.datastore import SQLAlchemySessionUserDatastore

from registration import addresses, audit, emails
from registration.composing import with_few_marks
from registration.database import db
from registration.models import Passkey, Role, Staff
from registration.times import now
from registration.web.staff import access, guessing, passkeys, second_factor, sign_in_words
from registration.web.staff.sign_in_forms import (
    ForgotForm,
    NewPasswordForm,
    OtherPasswordForm,
    SignInForm,
    StillYouForm,
    begin_to_write,
)

_FORGOT = "security.forgot_password"
_ADD_PASSKEY = "security.wan_register"
#: What begins to write once a password is hashed, which is slow; and what writes nothing.
_BEGIN_LATER = (
    "security.login",
    "security.verify",
    "security.change_password",
    _FORGOT,
    "security.wan_signin",
)


class OutboxMailUtil(MailUtil):  # type: ignore[misc]
    """Reads addresses as ours are kept; writes Flask-Security's mails to the outbox.

    They are written in the transaction of the change.
    """

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str,
        sender: Any,
        body: str,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        """Queue the letter that stands for this template; its own text is not used."""
        account: Staff = kwargs["user"]
        name = template.rpartition("/")[2]
        about = {"reset_instructions": "reset"}.get(name, "password_changed")
        token = kwargs.get("reset_token")
        path = url_for("security.reset_password", token=token) if token else url_for(_FORGOT)
        emails.to_account(account, about, path=path, now=now())
        if about == "reset":
            # The one change after which the extension does not commit by itself. After the others
            # there is more to write, which must not be a second transaction: the first one wakes
            # the worker, and SQLite refuses to write where another did since one has read.
            db.session.commit()

    def normalize(self, email: str) -> str:
        """An address as it is kept. The extension would write its domain in letters of its own.

        Raises EmailValidateException.
        """
        try:
            return addresses.canonical(email)
        except addresses.AddressRefused as refusal:
            raise EmailValidateException(str(refusal)) from refusal

    def validate(self, email: str) -> str:
        """An address of an account as it is kept. The DNS is not asked: the account exists."""
        return self.normalize(email)


class BoundedPasswordUtil(PasswordUtil):  # type: ignore[misc]
    """Reads passwords as Flask-Security does, in a time that grows as they do."""

    def normalize(self, password: str) -> str:
        """A password in the one spelling that is hashed."""
        return str(super().normalize(with_few_marks(password)))


# Trap: init_app() ignores classes that are passed to it.
security = Security(
    mail_util_cls=OutboxMailUtil,
    password_util_cls=BoundedPasswordUtil,
    totp_cls=second_factor.OnceTotp,
    mf_recovery_codes_util_cls=second_factor.RecoveryCodes,
    webauthn_util_cls=passkeys.PasskeyUtil,
)
# Pages alone: a wrong guess that is answered otherwise would not be counted (guessing.py).
security.want_json(lambda _request: False)


def init_app(app: Flask) -> None:
    """Sign-in at /staff/sign-in: Argon2, no registration, one answer for every mistake."""
    app.config.update(_settings(app) | _second_factors(app) | sign_in_words.SETTINGS)
    app.before_request(_forget_a_cookie_that_is_none)  # before the extension asks who it is
    security.init_app(
        app,
        SQLAlchemySessionUserDatastore(db.session, Staff, Role, Passkey),
        login_form=SignInForm,
        forgot_password_form=ForgotForm,
        reset_password_form=NewPasswordForm,
        change_password_form=OtherPasswordForm,
        verify_form=StillYouForm,
        wan_signin_response_form=passkeys.ShownPasskeyForm,
    )
    security.reauthn_handler(access.ask_again)
    # A session says who somebody is; no token in an address or a header does.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    guessing.init_app(app)
    passkeys.init_app(app)
    # After the limits: what they stop takes no lock.
    app.before_request(_begin_most)
    app.after_request(_back_to_the_account)
    _log_signals(app)
    password_reset.connect(_leave_to_its_owner, app)
    second_factor.init_app(app)


def _settings(app: Flask) -> dict[str, Any]:
    """Where its pages are, and what a password and a session are worth."""
    return {
        "SECURITY_URL_PREFIX": "/staff",
        # `flask users` and `flask roles` know neither our roles nor the log.
        "SECURITY_CLI_USERS_NAME": None,
        "SECURITY_CLI_ROLES_NAME": None,
        "SECURITY_LOGIN_URL": "/sign-in",
        "SECURITY_LOGOUT_URL": "/sign-out",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_POST_LOGIN_VIEW": "/staff/",
        "SECURITY_POST_LOGOUT_VIEW": "/staff/sign-in",
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SALT": app.config["SECRET_KEY"],
        # Links to a new password hold a hash of the old one's, which is slow enough by itself.
        "SECURITY_HASHING_SCHEMES": ["hex_sha256"],
        "SECURITY_PASSWORD_LENGTH_MIN": 12,
        "SECURITY_RECOVERABLE": True,
        "SECURITY_RESET_URL": "/reset",
        "SECURITY_POST_RESET_VIEW": "/staff/",
        "SECURITY_TRACKABLE": True,
        "SECURITY_REGISTERABLE": False,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_DATETIME_FACTORY": lambda: datetime.now(UTC),
        "SECURITY_LOGIN_USER_TEMPLATE": "staff/sign_in.html",
        "SECURITY_FORGOT_PASSWORD_TEMPLATE": "staff/forgot.html",
        "SECURITY_RESET_PASSWORD_TEMPLATE": "staff/reset.html",
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_RESET_PASSWORD_WITHIN": timedelta(days=2),
        "SECURITY_CHANGEABLE": True,
        "SECURITY_CHANGE_URL": "/password",
        "SECURITY_CHANGE_PASSWORD_TEMPLATE": "staff/password.html",
        "SECURITY_POST_CHANGE_VIEW": "/staff/account/",
        "SECURITY_FRESHNESS": timedelta(minutes=30),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
        "SECURITY_VERIFY_URL": "/verify",
        "SECURITY_VERIFY_TEMPLATE": "staff/verify.html",
        "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": False,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": app.config["BASE_URL"].startswith("https://"),
        "PERMANENT_SESSION_LIFETIME": 12 * 3600,
    }


def _second_factors(app: Flask) -> dict[str, Any]:
    """A code from an app, codes for the day the phone is lost, and passkeys."""
    key = app.config["SECRET_KEY"].encode()
    return {
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": False,
        "SECURITY_TWO_FACTOR_SETUP_URL": "/second-factor",
        "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL": "/second-factor/code",
        "SECURITY_TWO_FACTOR_SETUP_TEMPLATE": "staff/second_factor.html",
        "SECURITY_TWO_FACTOR_VERIFY_CODE_TEMPLATE": "staff/code.html",
        "SECURITY_TWO_FACTOR_SELECT_TEMPLATE": "staff/select_factor.html",
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "/staff/account/",
        "SECURITY_TOTP_SECRETS": {"1": hashlib.sha256(b"totp" + key).hexdigest()},
        # An authenticator's address ends the issuer at a colon.
        "SECURITY_TOTP_ISSUER": app.config["ORGANISATION_NAME"].replace(":", " "),
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 8,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [
            base64.urlsafe_b64encode(hashlib.sha256(b"recovery" + key).digest())
        ],
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL": "/recovery-codes",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_TEMPLATE": "staff/recovery_codes.html",
        "SECURITY_MULTI_FACTOR_RECOVERY_URL": "/recovery",
        "SECURITY_MULTI_FACTOR_RECOVERY_TEMPLATE": "staff/recovery.html",
        "SECURITY_WEBAUTHN": True,
        "SECURITY_WAN_RP_NAME": app.config["ORGANISATION_NAME"],
        "SECURITY_WAN_REGISTER_URL": "/passkeys",
        "SECURITY_WAN_REGISTER_TEMPLATE": "staff/passkeys.html",
        "SECURITY_WAN_POST_REGISTER_VIEW": "/staff/account/",
        "SECURITY_WAN_DELETE_URL": "/passkeys/delete",
        "SECURITY_WAN_SIGNIN_URL": "/passkey",
        "SECURITY_WAN_SIGNIN_TEMPLATE": "staff/passkey.html",
        "SECURITY_WAN_SIGNIN_WITHIN": timedelta(minutes=5),
        "SECURITY_WAN_VERIFY_URL": "/verify/passkey",
        "SECURITY_WAN_VERIFY_TEMPLATE": "staff/verify_passkey.html",
        # Who knows an address must not learn from it whether there is an account.
        "SECURITY_WAN_ALLOW_USER_HINTS": False,
    }


def _forget_a_cookie_that_is_none() -> None:
    """Let a cookie that is to remember somebody, and was not written here, be thrown away.

    Flask-Login signs with plain letters, and fails at a signature of others.
    """
    if not request.cookies.get(COOKIE_NAME, "").isascii():
        session["_remember"] = "clear"


def _back_to_the_account(response: Response) -> Response:
    """Lead who has removed a passkey to those that are left, not to the page for adding one."""
    if request.endpoint == "security.wan_delete" and response.location == url_for(_ADD_PASSKEY):
        response.location = url_for("staff_account.show")
    return response


def _leave_to_its_owner(_app: Flask, user: Staff, **_more: Any) -> None:
    """Sign out whoever else is in, where somebody has opened the link that was mailed to them.

    Else they would go on as the other one, who may be allowed more.
    """
    if current_user.is_authenticated and current_user.id != user.id:
        logout_user()


def _log_signals(app: Flask) -> None:
    """Note in the audit log what Flask-Security did, in its own transaction."""
    logged = {
        user_authenticated: "staff.signed_in",
        password_changed: "staff.password_changed",
        password_reset: "staff.password_changed",
        tf_profile_changed: "staff.second_factor",
        tf_disabled: "staff.second_factor",
        wan_registered: "staff.passkey_added",
        wan_deleted: "staff.passkey_removed",
    }

    def logger(action: str) -> Callable[..., None]:
        def log(_app: Flask, user: Staff, **_more: Any) -> None:
            audit.record(action, now=now(), staff_id=user.id)
            if action in ("staff.second_factor", "staff.passkey_added", "staff.passkey_removed"):
                emails.to_account(user, "second_factor", path=url_for(_FORGOT), now=now())

        return log

    for signal, action in logged.items():
        signal.connect(logger(action), app, weak=False)


def _begin_most() -> None:
    """Begin to write before Flask-Security's forms are read, but for those that do it later."""
    is_change = request.blueprint == "security" and request.method == "POST"
    if is_change and request.endpoint not in _BEGIN_LATER:
        begin_to_write()
