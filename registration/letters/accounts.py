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


def _address_confirm(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("Confirm your new address for the events desk"),
        heading=gettext("Confirm your new address"),
        paragraphs=[
            gettext(
                "Your account at the events desk is to have this address. It counts once you have "
                "opened the link and signed in with the address that you had."
            ),
            gettext("If you have no account there, do nothing: the link is of no use to others."),
        ],
        button=Link(gettext("Confirm the address"), _address(mail)),
        button_note=gettext("The link works for two days, once."),
        why=gettext("You get this message because somebody gave this address as theirs."),
    )


def _address_asked(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("Another address for your account at the events desk"),
        heading=gettext("Another address was asked for"),
        paragraphs=[
            gettext(
                "Your account is to have the address %(address)s. It counts once it is confirmed "
                "from there; until then nothing changes.",
                address=mail.facts["address"],
            ),
            gettext("If it was not you, set a new password now and tell an administrator."),
        ],
        button=Link(gettext("Set a new password"), _address(mail)),
        why=_why(),
    )


def _address_changed(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("The address of your account at the events desk was changed"),
        heading=gettext("Your account has another address"),
        paragraphs=[
            gettext(
                "You sign in with %(address)s from now on. Nothing about your account comes to "
                "this address any more.",
                address=mail.facts["address"],
            ),
            gettext(
                "If it was not you, tell an administrator now, or write to %(contact)s.",
                contact=current_app.config["CONTACT_EMAIL"],
            ),
        ],
        why=gettext("You get this message because you had an account with this address."),
    )


def _address_corrected(mail: OutboxMail) -> Letter:
    return Letter(
        subject=gettext("The address of your account at the events desk was corrected"),
        heading=gettext("Your account has this address now"),
        paragraphs=[
            gettext(
                "An administrator corrected it. Sign in with this address, and with the password "
                "or passkey that you have."
            )
        ],
        button=Link(gettext("Sign in"), _address(mail)),
        why=_why(),
    )


_COMPOSERS: dict[str, Callable[[OutboxMail], Letter]] = {
    "invited": _invited,
    "reset": _reset,
    "password_changed": _password_changed,
    "second_factor": _second_factor,
    "recovery_codes": _second_factor,
    "address_confirm": _address_confirm,
    "address_asked": _address_asked,
    "address_changed": _address_changed,
    "address_corrected": _address_corrected,
}


def _address(mail: OutboxMail) -> str:
    # Never from the request: whoever asks may name any host.
    return f"{current_app.config['BASE_URL']}{mail.facts['path']}"


def _why() -> str:
    return gettext("You get this message because you have an account at the events desk.")
