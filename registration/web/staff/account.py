"""My account: what one keeps of oneself."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user, logout_user

from registration import staff
from registration.models import StaffRole
from registration.times import now
from registration.web.fields import one_line
from registration.web.staff.access import staff_only

blueprint = Blueprint("staff_account", __name__, url_prefix="/staff/account")


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def show() -> ResponseReturnValue:
    """Name, password, second factor, passkeys, sessions."""
    return render_template("staff/account.html", events=staff.events_of(current_user))


@blueprint.post("/")
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def act() -> ResponseReturnValue:
    """Keep the name, or sign out everywhere."""
    account_id = current_user.id
    if request.form.get("do") == "end_sessions":
        staff.end_sessions(account_id=account_id, staff_id=account_id, now=now())
        logout_user()
        flash(gettext("You are signed out everywhere."), "ok")
        return redirect(url_for("security.login"), code=303)
    name = one_line(request.form.get("name"))[:200]
    if name:
        staff.rename(account_id=account_id, name=name, now=now())
        flash(gettext("Saved."), "ok")
    else:
        flash(gettext("Enter a name."), "warn")
    return redirect(url_for(".show"), code=303)
