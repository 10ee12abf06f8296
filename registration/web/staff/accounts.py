"""Sign-in by Flask-Security-Too, with our accounts, our pages and our outbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, request, url_for
from flask_security import MailUtil, Security
from flask_security.datastore import SQLAlchemySessionUserDatastore

from registration import emails
from registration.database import db
from registration.models import Role, Staff
from registration.times import now

_FORGOT = "security.forgot_password"


class OutboxMailUtil(MailUtil):  # type: ignore[misc]
    """Writes Flask-Security's mails to the outbox, in the transaction of the change.

    The extension commits after some of its mails and not after others, so it is done here.
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
        db.session.commit()

    def validate(self, email: str) -> str:
        """An address of an account as it is kept. The DNS is not asked: the account exists."""
        return str(self.normalize(email))


# Trap: init_app() ignores a class that is passed to it.
security = Security(mail_util_cls=OutboxMailUtil)


def init_app(app: Flask) -> None:
    """Sign-in at /staff/sign-in: Argon2, no registration, one answer for every mistake."""
    app.config.update(
        SECURITY_URL_PREFIX="/staff",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW="/staff/",
        SECURITY_POST_LOGOUT_VIEW="/staff/sign-in",
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SALT=app.config["SECRET_KEY"],
        SECURITY_PASSWORD_LENGTH_MIN=12,
        SECURITY_RECOVERABLE=True,
        SECURITY_RESET_URL="/reset",
        SECURITY_POST_RESET_VIEW="/staff/",
        SECURITY_TRACKABLE=True,
        SECURITY_REGISTERABLE=False,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_DATETIME_FACTORY=lambda: datetime.now(UTC),
        SECURITY_LOGIN_USER_TEMPLATE="staff/sign_in.html",
        SECURITY_FORGOT_PASSWORD_TEMPLATE="staff/forgot.html",  # noqa: S106
        SECURITY_RESET_PASSWORD_TEMPLATE="staff/reset.html",  # noqa: S106
        SECURITY_EMAIL_HTML=False,
        SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=False,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=app.config["BASE_URL"].startswith("https://"),
        PERMANENT_SESSION_LIFETIME=12 * 3600,
    )
    security.init_app(
        app,
        SQLAlchemySessionUserDatastore(db.session, Staff, Role),
    )
    app.before_request(_begin_to_write)


def _begin_to_write() -> None:
    """Let Flask-Security's changes begin as writing ones: it reads first, and then writes.

    SQLite would refuse that at once if anybody else had written in between.
    """
    if request.blueprint == "security" and request.method == "POST":
        db.session.rollback()
        db.session.connection(execution_options={"writing": True})
