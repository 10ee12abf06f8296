"""Flask-Security's forms, where they would wait for a guess or say what is not so."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_security import (
    ChangePasswordForm,
    ForgotPasswordForm,
    LoginForm,
    ResetPasswordForm,
    VerifyForm,
    current_user,
)
from flask_security.utils import get_message, hash_password, validate_redirect_url
from wtforms import Field

from registration.addresses import AddressRefused, canonical
from registration.database import db
from registration.models import Staff


class SignInForm(LoginForm):  # type: ignore[misc]
    """Flask-Security's form; it takes the lock for writing only once the password is right.

    Hashing is slow on purpose, and SQLite has one writer: nobody's RSVP waits for a guess.
    """

    def validate_next(self, field: Field) -> None:
        """Forget a page of another site: who signs in goes on within this one.

        The extension refuses the right password with it.
        """
        if field.data and not validate_redirect_url(field.data):
            field.data = ""

    def validate(self, **kwargs: Any) -> bool:
        """Check the password, then begin the transaction in which the sign-in is noted.

        What is wrong is said of the form: at a field, the extension makes it the one answer that
        tells nothing, also where a field is empty, or the account of who knows its password closed.
        """
        for field, asked in (
            (self.email, gettext("Enter your email address")),
            (self.password, gettext("Enter your password")),
        ):
            if not field.data:
                self.form_errors.append(asked)
        if self.form_errors:
            return False
        if not super().validate(**kwargs):
            if self.user_authenticated:
                self.form_errors.extend(self.ifield.errors)
                self.ifield.errors = []
            return False
        return _begin_as_checked(self.user, self.password)


class ForgotForm(ForgotPasswordForm):  # type: ignore[misc]
    """Flask-Security's form; what cannot be an address of anybody is said.

    The extension answers that too as if a mail were on its way, and one would wait for it. As at
    the sign-in, nobody waits for what hashing takes.
    """

    def validate(self, **kwargs: Any) -> bool:
        """Check the shape, which says nothing of who has an account, and then the account."""
        try:
            canonical((self.email.data or "").strip())
        except AddressRefused as refusal:
            # Not at its field: the extension clears what stands there.
            self.form_errors.append(str(refusal))
            return False
        if not super().validate(**kwargs):
            return False
        # The extension does so where there is no account: the time it takes tells nobody apart.
        hash_password("none that is asked for")
        begin_to_write()
        return True


class StillYouForm(VerifyForm):  # type: ignore[misc]
    """Flask-Security's form, also for an account that has no password: no guess is one.

    As at the sign-in, nobody waits for a guess.
    """

    def validate(self, **kwargs: Any) -> bool:
        """Check the password. The extension fails where there is none to check it against."""
        if self.user.password:
            is_fine = bool(super().validate(**kwargs))
            return is_fine and _begin_as_checked(self.user, self.password)
        self.form_errors.append(gettext("Your account has no password yet."))
        return False


class NewPasswordForm(ResetPasswordForm):  # type: ignore[misc]
    """Flask-Security's form; it asks for a new password, where that is what is missing."""

    def validate(self, **kwargs: Any) -> bool:
        """Check the two, and say which password is meant."""
        is_fine = bool(super().validate(**kwargs))
        _ask_for_a_new_one(self.password, self.password_confirm)
        return is_fine


class OtherPasswordForm(ChangePasswordForm):  # type: ignore[misc]
    """Flask-Security's form; it tells the new password that is missing from the present one.

    As at the sign-in, nobody waits for a guess at the present one.
    """

    def validate(self, **kwargs: Any) -> bool:
        """Check all three, and say which password is meant."""
        is_fine = bool(super().validate(**kwargs))
        _ask_for_a_new_one(self.new_password, self.new_password_confirm)
        return is_fine and _begin_as_checked(current_user, self.password)


def _ask_for_a_new_one(first: Field, again: Field) -> None:
    if not first.data:
        first.errors, again.errors = [gettext("Enter a new password")], []
    elif not again.data:
        again.errors = [gettext("Enter the new password once more")]


def _begin_as_checked(account: Staff, password: Field) -> bool:
    """Begin to write, if the account is still the one whose password was checked.

    Meanwhile its owner may have set another, or signed out everywhere: then it is a wrong one.
    """
    known_as, hashed = account.fs_uniquifier, account.password
    begin_to_write()
    if account.fs_uniquifier != known_as:
        db.session.rollback()
        password.errors = [*password.errors, get_message("INVALID_PASSWORD")[0]]
        return False
    account.password = hashed  # anew, where the scheme has changed
    return True


def begin_to_write() -> None:
    """Let Flask-Security's changes begin as writing ones: it reads first, and then writes.

    SQLite would refuse that at once if anybody else had written in between.
    """
    db.session.rollback()
    db.session.connection(execution_options={"writing": True})
