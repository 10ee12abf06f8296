"""What Flask-Security says, in the words of this house."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

#: By the extension's own names for its messages; the kind is that of a flash.
_WORDS: dict[str, tuple[Any, str]] = {
    "ANONYMOUS_USER_REQUIRED": (_("You are signed in already."), "warn"),
    "DISABLED_ACCOUNT": (_("This account is closed. Write to an administrator."), "warn"),
    "EMAIL_NOT_PROVIDED": (_("Enter your email address"), "warn"),
    "GENERIC_AUTHN_FAILED": (
        _("The address and the password do not match. Check both, or set a new password."),
        "warn",
    ),
    "GENERIC_RECOVERY": (
        _("If there is an account with this address, a mail with a link is on its way."),
        "ok",
    ),
    "INVALID_CODE": (
        _("This code is wrong, too old or used before. Enter the next one that is shown."),
        "warn",
    ),
    "INVALID_EMAIL_ADDRESS": (
        _("Enter an email address in the right format, like name@example.org"),
        "warn",
    ),
    "INVALID_PASSWORD": (_("This is not your password"), "warn"),
    "INVALID_PASSWORD_CODE": (_("This is not right. Enter it again."), "warn"),
    "INVALID_RECOVERY_CODE": (
        _("This code is not one of yours, or was used before."),
        "warn",
    ),
    "INVALID_RESET_PASSWORD_TOKEN": (
        _("This link is not complete, or was used before. Ask for a new one."),
        "warn",
    ),
    "LOGIN": (_("Sign in to see this page."), "ok"),
    "NO_RECOVERY_CODES_SETUP": (_("There are no recovery codes yet."), "ok"),
    "PASSWORD_CHANGE": (_("Your password is changed."), "ok"),
    "PASSWORD_INVALID_LENGTH": (
        _("Choose a password of %(length)s characters or more"),
        "warn",
    ),
    "PASSWORD_IS_THE_SAME": (_("Choose another password than the one you had"), "warn"),
    "PASSWORD_NOT_PROVIDED": (_("Enter your password"), "warn"),
    "PASSWORD_RESET": (_("Your password is set, and you are signed in."), "ok"),
    "PASSWORD_RESET_EXPIRED": (
        _("This link worked for %(within)s and is too old. Ask for a new one."),
        "warn",
    ),
    # The same for every address: it says nothing of who has an account.
    "PASSWORD_RESET_REQUEST": (
        _("If there is an account with this address, a mail with a link is on its way."),
        "ok",
    ),
    "PASSWORD_RESET_NO_LOGIN": (_("Your password is set. Sign in with it."), "ok"),
    "PASSWORD_TOO_SIMPLE": (_("Choose a password that is harder to guess"), "warn"),
    "REAUTHENTICATION_REQUIRED": (_("Enter your password once more to go on."), "warn"),
    "REAUTHENTICATION_SUCCESSFUL": (_("Thank you. Go on."), "ok"),
    "REFRESH": (_("Enter your password once more to go on."), "ok"),
    "RETYPE_PASSWORD_MISMATCH": (_("The two passwords differ. Enter the same twice."), "warn"),
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
        _("From now on you are asked for a code from your app."),
        "ok",
    ),
    "TWO_FACTOR_DISABLED": (_("You are no longer asked for a code."), "ok"),
    "TWO_FACTOR_INVALID_TOKEN": (
        _("This code is wrong, too old or used before. Enter the next one that is shown."),
        "warn",
    ),
    "TWO_FACTOR_LOGIN_SUCCESSFUL": (_("You are signed in."), "ok"),
    "TWO_FACTOR_PERMISSION_DENIED": (_("Sign in with your password first."), "warn"),
    "TWO_FACTOR_SETUP_EXPIRED": (_("That took longer than %(within)s. Begin again."), "warn"),
    "UNAUTHENTICATED": (_("Sign in to see this page."), "warn"),
    "UNAUTHORIZED": (_("Your account may not see this page."), "warn"),
    "USER_DOES_NOT_EXIST": (_("There is no account with this address"), "warn"),
    "WEBAUTHN_CREDENTIAL_DELETED": (_("The passkey “%(name)s” is removed."), "ok"),
    "WEBAUTHN_CREDENTIAL_ID_INUSE": (_("This passkey is there already."), "warn"),
    "WEBAUTHN_CREDENTIAL_WRONG_USAGE": (_("This passkey was not made for that."), "warn"),
    "WEBAUTHN_EXPIRED": (_("That took longer than %(within)s. Begin again."), "warn"),
    "WEBAUTHN_MISMATCH_USER_HANDLE": (_("This passkey belongs to another account."), "warn"),
    "WEBAUTHN_NAME_INUSE": (_("You have a passkey called “%(name)s” already"), "warn"),
    "WEBAUTHN_NAME_NOT_FOUND": (_("You have no passkey called “%(name)s”"), "warn"),
    "WEBAUTHN_NAME_REQUIRED": (_("Give the passkey a name"), "warn"),
    "WEBAUTHN_NO_VERIFY": (_("The passkey could not be checked. Begin again."), "warn"),
    "WEBAUTHN_ORPHAN_CREDENTIAL_ID": (_("This passkey belongs to no account."), "warn"),
    "WEBAUTHN_REGISTER_SUCCESSFUL": (_("The passkey “%(name)s” is added."), "ok"),
    "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": (_("No account has this passkey."), "warn"),
}

#: As the extension wants them in its configuration.
SETTINGS: dict[str, Any] = {f"SECURITY_MSG_{name}": said for name, said in _WORDS.items()}
