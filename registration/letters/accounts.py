"""What is written to a member of staff about their account."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app
from flask_babel import gettext

from registration.letters.letter import Letter, Link
from registration.models import OutboxMail


def compose(mail: OutboxMail) -> Letter:
    """The letter about an account; `facts` say what about, and the path it leads to."""
    return _COMPOSERS[mail.facts["about"]](mail)


def _invited(mail: OutboxMail) -> Letter:
    organisation = current_app.config["ORGANISATION_NAME"]
    return Letter(
        subject=gettext("Your account at the events desk of %(name)s", name=organisation),
        heading=gettext("You can sign in to the events desk"),
        paragraphs=[
            gettext(
                "%(inviter)s made an account for you, with this address. Choose a password, and "
                "sign in with it.",
                inviter=mail.facts.get("inviter") or organisation,
            )
        ],
        button=Link(gettext("Choose a password"), _address(mail)),
        button_note=gettext("The link works for two days, once."),
        why=_why(),
    )


def _reset(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("Set a new password for the events desk"),
        heading=gettext("Set a new password"),
        paragraphs=[
            gettext("Somebody, probably you, asked for a new password for this account."),
            gettext("If it was not you, do nothing: the old password stays."),
        ],
        button=Link(gettext("Choose a password"), _address(mail)),
        button_note=gettext("The link works for two days, once."),
        why=_why(),
    )


def _password_changed(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("Your password for the events desk was changed"),
        heading=gettext("Your password was changed"),
        paragraphs=[
            gettext("Whoever was signed in with the old password is not any more."),
            gettext("If it was not you, set a new one now and tell an administrator."),
        ],
        button=Link(gettext("Set a new password"), _address(mail)),
        why=_why(),
    )


def _second_factor(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("The way you sign in to the events desk was changed"),
        heading=gettext("Your second factor was changed"),
        paragraphs=[
            gettext("A code, a passkey or the recovery codes of your account were changed."),
            gettext("If it was not you, set a new password now and tell an administrator."),
        ],
        button=Link(gettext("Set a new password"), _address(mail)),
        why=_why(),
    )


_COMPOSERS: dict[str, Callable[[OutboxMail], Letter]] = {
    "invited": _invited,
    "reset": _reset,
    "password_changed": _password_changed,
    "second_factor": _second_factor,
}


def _address(mail: OutboxMail) -> str:
    # Never from the request: whoever asks may name any host.
    return f"{current_app.config['BASE_URL']}{mail.facts['path']}"


def _why() -> str:
    return gettext("You get this message because you have an account at the events desk.")
