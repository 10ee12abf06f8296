"""Passkeys: of any device, and of this site whatever host a request names."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from flask import Flask, current_app, request
from flask_security.webauthn_util import WebauthnUtil
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from registration.models import Staff

_PASSKEY_PAGES = ("security.wan_",)


class PasskeyUtil(WebauthnUtil):  # type: ignore[misc]
    """Passkeys of any device: the extension itself asks for a separate key to sign in alone."""

    def origin(self) -> str:
        """Where a browser that is answered must have been: at the site's own address."""
        site = _site()
        return f"{site.scheme}://{site.netloc}"

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


def init_app(app: Flask) -> None:
    """Let passkeys belong to the host of BASE_URL (the relying party's id, WebAuthn 5.1.2).

    The extension reads it off the request, whose Host anybody writes, and which a proxy may not
    pass on.
    """
    app.before_request(_name_the_site)


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
