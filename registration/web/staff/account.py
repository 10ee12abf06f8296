"""My account: what one keeps of oneself."""

from __future__ import annotations

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import COOKIE_NAME, login_user
from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms import StringField

from registration import staff, staff_addresses
from registration.models import Staff, StaffRole
from registration.staff_addresses import StaffAddressRefused
from registration.times import now
from registration.web import tries
from registration.web.fields import EMAIL, EMAIL_KEYBOARD, one_line
from registration.web.staff.access import staff_only, still_you

blueprint = Blueprint("staff_account", __name__, url_prefix="/staff/account")


class AddressForm(FlaskForm):  # type: ignore[misc]
    """The address that an account is to have."""

    email = StringField(_("New email address"), EMAIL, [one_line], render_kw=EMAIL_KEYBOARD)


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def show() -> ResponseReturnValue:
    """Name, password, second factor, passkeys, sessions."""
    return render_template("staff/account.html", events=staff.events_of(current_user))


@blueprint.post("/")
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def act() -> ResponseReturnValue:
    """Keep the name, or sign out everywhere else."""
    account_id = current_user.id
    if request.form.get("do") == "end_sessions":
        _stay_in(staff.end_sessions(account_id=account_id, staff_id=account_id, now=now()))
        flash(gettext("Everywhere else you are signed out."), "ok")
        return redirect(url_for(".show"), code=303)
    name = one_line(request.form.get("name"))[:200]
    if name:
        staff.rename(account_id=account_id, name=name, now=now())
        flash(gettext("Saved."), "ok")
    else:
        flash(gettext("Enter a name."), "warn")
    return redirect(url_for(".show"), code=303)


@blueprint.route("/address", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
@still_you()
def address() -> ResponseReturnValue:
    """Ask for another address, to which a link is mailed."""
    form = AddressForm()
    if form.validate_on_submit():
        _count_a_link()
        try:
            staff_addresses.ask(
                account_id=current_user.id,
                email=form.email.data,
                path_of=lambda token: url_for(".confirm_address", token=token),
                forgot_path=url_for("security.forgot_password"),
                now=now(),
            )
        except StaffAddressRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(
                gettext(
                    "A mail with a link is on its way to %(address)s. Your account has its old "
                    "address until you have opened it.",
                    address=form.email.data,
                ),
                "ok",
            )
            return redirect(url_for(".show"), code=303)
    status = 422 if form.is_submitted() else 200
    return render_template("staff/own_address.html", form=form), status


@blueprint.route("/address/<token>", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def confirm_address(token: str) -> ResponseReturnValue:
    """Confirm the new address, for who has opened its mail and is signed in."""
    try:
        if request.method == "GET":
            email = staff_addresses.asked_for(current_user, token)
            return render_template("staff/confirm_address.html", email=email)
        account = staff_addresses.confirm(account_id=current_user.id, token=token, now=now())
    except StaffAddressRefused as refusal:
        flash(str(refusal), "warn")
    else:
        _stay_in(account)
        flash(
            gettext("Your address is changed. Everywhere else you are signed out."),
            "ok",
        )
    return redirect(url_for(".show"), code=303)


def _stay_in(account: Staff) -> None:
    """Keep this browser in, where all others are signed out; for as long as it was to be."""
    remembers = current_app.config.get("REMEMBER_COOKIE_NAME", COOKIE_NAME)
    login_user(account, remember=remembers in request.cookies)


def _count_a_link() -> None:
    """Let nobody have mails written to all the world."""
    allowance = ("LIMIT_LINKS_PER_ADDRESS", f"staff_account.address:{current_user.id}")
    tries.count([allowance], counts=lambda response: response.status_code < 400)
