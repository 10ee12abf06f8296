"""What fields of all forms share: how typed text is read, and what is refused in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import current_app, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Field, Form, ValidationError
from wtforms.validators import InputRequired, Length, StopValidation

from registration import addresses
from registration.composing import composed

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufffe\uffff\ud800-\udfff]")
# Spaces without width and marks of direction. Joiners stay: names are written with them.
_COPIED_ALONG = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
#: A phone shows @ on its keyboard, and writes no capital letter by itself.
EMAIL_KEYBOARD = {
    "autocomplete": "email",
    "autocapitalize": "none",
    "spellcheck": "false",
    "inputmode": "email",
}
_TYPOS = {
    "gmial.com": "gmail.com",
    "gmai.com": "gmail.com",
    "gmail.co": "gmail.com",
    "gmail.con": "gmail.com",
    "gamil.com": "gmail.com",
    "gnail.com": "gmail.com",
    "hotmial.com": "hotmail.com",
    "hotmail.con": "hotmail.com",
    "hotmai.com": "hotmail.com",
    "outlok.com": "outlook.com",
    "outlook.con": "outlook.com",
    "yaho.com": "yahoo.com",
    "yahoo.con": "yahoo.com",
    "yahooo.com": "yahoo.com",
    "icloud.con": "icloud.com",
}


def one_line(text: str | None) -> str:
    """Text of a single-line field: composed letters, and no runs of white space.

    Nor what nobody sees that comes along when text is copied from elsewhere.
    """
    seen = _COPIED_ALONG.sub("", composed(text or ""))
    return re.sub(r"\s+", " ", seen).strip()


def many_lines(text: str | None) -> str:
    """Text of a larger field, with plain line ends."""
    return composed((text or "").replace("\r\n", "\n").replace("\r", "\n"))


def no_controls(_form: Form, field: Field) -> None:
    """Refuse characters that cannot be seen; they break mails, calendars and feeds."""
    if _CONTROLS.search(field.data or ""):
        raise StopValidation(gettext("Type this again: it holds characters that cannot be seen"))


def once_more() -> str:
    """What a form says that comes back as it was sent, since the token of its page is gone.

    It comes back for ever to a browser that keeps no cookies.
    """
    said = gettext("The page was open for a long time. Nothing is lost: send it once more.")
    if current_app.config["SESSION_COOKIE_NAME"] in request.cookies:
        return said
    return said + " " + gettext("If you read this again, allow the cookies of this site.")


def at_most(number: int) -> list[Any]:
    """Validators of a text of up to so many characters."""
    too_long = _("Use %(max)d characters or fewer")
    return [no_controls, Length(max=number, message=too_long)]


def is_email(form: Form, field: Field) -> None:
    """Refuse what cannot be an address; the domain is kept in ASCII, all in lower case."""
    text = field.data or ""
    local, _at, domain = text.rpartition("@")
    try:
        kept = addresses.canonical(text)
    except addresses.AddressRefused as refusal:
        raise ValidationError(str(refusal)) from refusal
    checked = getattr(form, "email_checked", None)
    seen = (checked.data or "").split() if checked is not None else []
    if checked is not None and domain.lower() in _TYPOS and text not in seen:
        checked.data = " ".join([*seen[-3:], text])
        raise ValidationError(
            gettext(
                "Did you mean %(suggestion)s? If %(typed)s is right, send the form once more",
                suggestion=f"{local}@{_TYPOS[domain.lower()]}",
                typed=text,
            )
        )
    field.data = kept


#: Validators of an email address that must be there.
EMAIL = [
    InputRequired(_("Enter an email address in the right format, like name@example.org")),
    no_controls,
    is_email,
]


def one_of_these(text: Any) -> Callable[[Form, Field], None]:
    """Refuse, in words of ours, what the field does not offer, or does not any more."""

    def check(_form: Form, field: Field) -> None:
        chosen = field.data if isinstance(field.data, list) else [field.data] if field.data else []
        if not {value for value, *_rest in field.iter_choices()}.issuperset(chosen):
            raise ValidationError(text)

    return check
