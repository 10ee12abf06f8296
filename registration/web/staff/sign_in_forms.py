"""Flask-Security's forms, where they would wait for a guess or say what is not so."""

from __future__ import annotations

from typing import Any

from flask_security import ForgotPasswordForm, LoginForm

from registration.addresses import AddressRefused, canonical
from registration.database import db


class SignInForm(LoginForm):  # type: ignore[misc]
    """Flask-Security's form; it takes the lock for writing only once the password is right.

    Hashing is slow on purpose, and SQLite has one writer: nobody's RSVP waits for a guess.
    """

    def validate(self, **kwargs: Any) -> bool:
        """Check the password, then begin the transaction in which the sign-in is noted."""
        if not super().validate(**kwargs):
            return False
        password = self.user.password  # hashed anew, where the scheme has changed
        begin_to_write()
        self.user.password = password
        return True


class ForgotForm(ForgotPasswordForm):  # type: ignore[misc]
    """Flask-Security's form; what cannot be an address of anybody is said.

    The extension answers that too as if a mail were on its way, and one would wait for it.
    """

    def validate(self, **kwargs: Any) -> bool:
        """Check the shape, which says nothing of who has an account, and then the account."""
        try:
            canonical((self.email.data or "").strip())
        except AddressRefused as refusal:
            # Not at its field: the extension clears what stands there.
            self.form_errors.append(str(refusal))
            return False
        return bool(super().validate(**kwargs))


def begin_to_write() -> None:
    """Let Flask-Security's changes begin as writing ones: it reads first, and then writes.

    SQLite would refuse that at once if anybody else had written in between.
    """
    db.session.rollback()
    db.session.connection(execution_options={"writing": True})
