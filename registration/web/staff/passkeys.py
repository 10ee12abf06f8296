"""Passkeys: of any device, and of this site whatever host a request names."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Flask, current_app, request, session
from flask_security import current_user
from flask_security.tf_plugin import tf_clean_session
from flask_security.utils import get_message
from flask_security.webauthn import WebAuthnSigninResponseForm
from flask_security.webauthn_util import WebauthnUtil
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from registration.database import db
from registration.models import Staff
from registration.web.fields import one_line
from registration.web.staff import guessing

_PASSKEY_PAGES = ("security.wan_",)
#: How much of a passkey's name is kept; its field takes no more.
_LONGEST_NAME = 64


class PasskeyUtil(WebauthnUtil):  # type: ignore[misc]
    """Passkeys of any device: the extension itself asks for a separate key to sign in alone."""

    def origin(self) -> str:
        """Where a browser that is answered must have been: at the site's own address."""
        site = _site()
        return f"{site.scheme}://{site.netloc}"

    def generate_challenge(self, nbytes: int | None = None) -> str:
        """One that tells when it was made: a passkey's next use puts it out of use (see below)."""
        return f"{time.time_ns()}.{super().generate_challenge(nbytes)}"

    def user_verification(
        self, user: Staff | None, usage: list[str]
    ) -> UserVerificationRequirement:
        """Alone, a passkey is shown with finger or PIN; a touch is for who has a password too."""
        if usage == ["first"]:
            return UserVerificationRequirement.REQUIRED
        return UserVerificationRequirement.PREFERRED

    def name_svn(self, value: str) -> tuple[str | None, str | None]:
        """What is wrong with a name, and the name: any text, as pages show it as text.

        The extension refuses the apostrophe of "Olga's phone".
        """
        if name := one_line(value)[:_LONGEST_NAME]:
            return None, name
        return get_message("WEBAUTHN_NAME_REQUIRED")[0], None

    def authenticator_selection(self, user: Staff, usage: str) -> AuthenticatorSelectionCriteria:
        """One that signs in alone is found without an address, and asks for finger or PIN."""
        alone = usage == "first"
        return AuthenticatorSelectionCriteria(
            resident_key=(
                ResidentKeyRequirement.REQUIRED if alone else ResidentKeyRequirement.PREFERRED
            ),
            user_verification=(
                UserVerificationRequirement.REQUIRED
                if alone
                else UserVerificationRequirement.PREFERRED
            ),
        )


class ShownPasskeyForm(WebAuthnSigninResponseForm):  # type: ignore[misc]
    """Flask-Security's form; it looks as well at whose passkey it is, and when it was asked for."""

    def validate(self, **kwargs: Any) -> bool:
        """Check what the device signed, then who may come in by it, and that it comes once."""
        is_fine = self._lets_in(**kwargs)
        if not is_fine:
            guessing.passkey_failed(self.user)
        return is_fine

    def _lets_in(self, **kwargs: Any) -> bool:
        if not super().validate(**kwargs):
            return False
        # Two that come at once are looked at one after the other.
        db.session.refresh(self.cred, with_for_update=True)
        owner = self.user.fs_uniquifier
        # After somebody else's password, or at somebody else's desk, it would be enough alone.
        if (self.is_secondary and owner != session["tf_user_id"]) or (
            self.is_verify and owner != current_user.fs_uniquifier
        ):
            self.credential.errors.append(get_message("WEBAUTHN_MISMATCH_USER_HANDLE")[0])
        elif _made_at(self.challenge) <= self.cred.lastuse_datetime:
            # A passkey that is kept in several devices does not count its uses (WebAuthn 6.1.1).
            self.credential.errors.append(get_message("WEBAUTHN_NO_VERIFY")[0])
        # Of a closed account the extension has noted an error, and gone on all the same.
        return not self.credential.errors


def _made_at(challenge: str) -> datetime:
    return datetime.fromtimestamp(int(challenge.partition(".")[0]) / 1e9, UTC)


def init_app(app: Flask) -> None:
    """Let passkeys belong to the host of BASE_URL (the relying party's id, WebAuthn 5.1.2).

    The extension reads it off the request, whose Host anybody writes, and which a proxy may not
    pass on.
    """
    app.before_request(_name_the_site)
    app.before_request(_begin_anew)


def _begin_anew() -> None:
    """Forget a password that was right, where a passkey is to sign in without one.

    Else it would be asked for as a second factor, which it may not be.
    """
    if request.endpoint == "security.wan_signin" and request.form.get("alone"):
        tf_clean_session()


def _name_the_site() -> None:
    if (request.endpoint or "").startswith(_PASSKEY_PAGES):
        request.host = _site().netloc  # type: ignore[misc]


def _site() -> SplitResult:
    """The site's address, of which an address of numbers becomes localhost on the same port.

    Passkeys belong to names alone, and browsers take localhost for one without https: who tries
    the product out has passkeys there.
    """
    site = urlsplit(current_app.config["BASE_URL"])
    try:
        ip_address(site.hostname or "")
    except ValueError:
        return site
    return site._replace(netloc="localhost" + (f":{site.port}" if site.port else ""))
