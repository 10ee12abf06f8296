"""Email addresses as they are kept: checked, in lower case, the domain in ASCII."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext

_LONGEST = 254


class AddressRefused(Exception):
    """What cannot be an address; its text says how to put it right."""


def canonical(text: str) -> str:
    """An address as it is kept. Raises AddressRefused.

    The domain becomes A-labels (RFC 5891); letters outside ASCII before the @ are refused, since
    few mail servers take them.
    """
    if len(text) > _LONGEST:  # in ASCII it has no fewer signs
        raise AddressRefused(gettext("Enter a shorter email address"))
    local, _at, _domain = text.rpartition("@")
    if local and not local.isascii():
        raise AddressRefused(
            gettext("Use an address with plain letters before the @; few mail servers take others")
        )
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as problem:
        raise AddressRefused(
            gettext("Enter an email address in the right format, like name@example.org")
        ) from problem
    if len(found.ascii_email or "") > _LONGEST:
        raise AddressRefused(gettext("Enter a shorter email address"))
    return (found.ascii_email or text).lower()
