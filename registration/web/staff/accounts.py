"""People: the accounts of the staff, as admins keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from wtforms import RadioField, SelectChoice, SelectMultipleField, StringField
from wtforms.validators import InputRequired

from registration import mailings, staff, staff_addresses, wording
from registration.database import db
from registration.models import Event, Staff, StaffRole
from registration.staff import StaffRefused
from registration.staff_addresses import StaffAddressRefused
from registration.times import now
from registration.web.fields import EMAIL, at_most, one_line
from registration.web.staff.access import has_role, staff_only, still_you

blueprint = Blueprint("staff_accounts", __name__, url_prefix="/staff/people")

#: How many events can be ticked for an account, besides its own.
OFFERED = 500

ROLE_NAMES = {
    StaffRole.ADMIN: _("Administrator: everything"),
    StaffRole.ORGANISER: _("Organiser: the events that are ticked"),
    StaffRole.DOOR: _("Door: check-in at the events that are ticked"),
}

#: What is said once something was done with an account.
TOLD = {
    "close": _(
        "The account is closed, and signed out everywhere. Its name and address stay: the log says"
        " who did what."
    ),
    "open": _("The account is open again."),
    "end_sessions": _("The account is signed out everywhere."),
    "forget_factors": _("Codes and passkeys are off; a mail tells the owner."),
    "link": _("A mail with a new link is on its way."),
}


@dataclass(frozen=True)
class Shown:
    """What a form showed of an account when it was opened."""

    name: str
    role: str
    event_ids: frozenset[int]

    @classmethod
    def of_request(cls) -> Self | None:
        """As the form sends it back; None where it is opened."""
        sent = request.form
        if "shown_role" not in sent:
            return None
        events = frozenset(sent.getlist("shown_event", type=int))
        return cls(sent.get("shown_name", ""), sent["shown_role"], events)


class ChangeForm(FlaskForm):  # type: ignore[misc]
    """What an account is called and may do."""

    name = StringField(_("Name"), [InputRequired(_("Enter a name")), *at_most(200)], [one_line])
    role = RadioField(
        _("May do"),
        [InputRequired(_("Choose what they may do"))],
        choices=[SelectChoice(role.value, name) for role, name in ROLE_NAMES.items()],
    )
    events = SelectMultipleField(_("Events"), coerce=int)

    def offer_events(self, own: Sequence[Event] = ()) -> None:
        """Offer the latest events, and those that the account works on already."""
        latest = db.session.scalars(select(Event).order_by(Event.starts_at.desc()).limit(OFFERED))
        offered = {event.id: event for event in (*latest, *own)}
        # With their days: what is held each year, or was copied, has the same title.
        self.events.choices = [
            SelectChoice(
                event.id, f"{event.title} · {wording.plain_day(event.starts_at, event.zone)}"
            )
            for event in offered.values()
        ]

    def changes(self, shown: Shown) -> dict[str, Any]:
        """What differs from what it showed, for the verb; what others change meanwhile stays."""
        ticked = frozenset(self.events.data)
        return {
            "name": self.name.data if self.name.data != shown.name else None,
            "role": StaffRole(self.role.data) if self.role.data != shown.role else None,
            "gains": ticked - shown.event_ids,
            "loses": shown.event_ids - ticked,
        }


class AddressForm(FlaskForm):  # type: ignore[misc]
    """The right address of an account."""

    email = StringField(
        _("Email address"),
        EMAIL,
        [one_line],
        render_kw={"autocomplete": "off"},
    )


class InviteForm(AddressForm, ChangeForm):
    """A new account."""


def _account(account_id: int) -> Staff:
    return db.session.get(Staff, account_id) or abort(404)


def _after_a_change() -> str:
    """Where to go on; who took their own role away does not see the people any more."""
    return url_for(".index" if has_role(StaffRole.ADMIN) else "staff_events.index")


def _tell_what_goes_on(account: Staff) -> None:
    """Say that what an account has scheduled still goes where it works no more."""
    left = mailings.left_behind(account)
    if left:
        flash(
            ngettext(
                "%(num)d message that they wrote is scheduled and still goes: the organisers can "
                "take it back. It is at %(events)s.",
                "%(num)d messages that they wrote are scheduled and still go: the organisers can "
                "take them back. They are at %(events)s.",
                len(left),
                events=", ".join(dict.fromkeys(mailing.event.title for mailing in left)),
            ),
            "warn",
        )


def _path_of(token: str) -> str:
    return url_for("security.reset_password", token=token)


@blueprint.get("/")
@staff_only()
def index() -> ResponseReturnValue:
    """Everybody who has an account."""
    accounts = db.session.scalars(
        select(Staff)
        .options(selectinload(Staff.roles), selectinload(Staff.webauthn))
        .order_by(Staff.active.desc(), Staff.name, Staff.email)
    ).all()
    return render_template("staff/people.html", accounts=accounts)


@blueprint.route("/invite", methods=["GET", "POST"])
@staff_only()
@still_you()
def invite() -> ResponseReturnValue:
    """Make an account; its owner sets the password."""
    form = InviteForm(role=StaffRole.ORGANISER)
    form.offer_events()
    if form.validate_on_submit():
        try:
            staff.invite(
                email=form.email.data,
                name=form.name.data,
                role=StaffRole(form.role.data),
                event_ids=form.events.data,
                inviter=current_user,
                path_of=_path_of,
                now=now(),
            )
        except StaffRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(gettext("The invitation is on its way."), "ok")
            return redirect(url_for(".index"), code=303)
    status = 422 if form.is_submitted() else 200
    return render_template("staff/account_form.html", form=form, account=None), status


@blueprint.route("/<int:account_id>", methods=["GET", "POST"])
@staff_only()
@still_you()
def edit(account_id: int) -> ResponseReturnValue:
    """Change what an account may do."""
    account = _account(account_id)
    own = staff.events_of(account)
    role = StaffRole(account.roles[0].name) if account.roles else StaffRole.DOOR
    shown = Shown.of_request() or Shown(
        account.name, str(role), frozenset(event.id for event in own)
    )
    form = ChangeForm(name=shown.name, role=shown.role, events=list(shown.event_ids))
    form.offer_events(own)
    if form.validate_on_submit():
        try:
            staff.change(
                account_id=account_id,
                staff_id=current_user.id,
                now=now(),
                **form.changes(shown),
            )
        except StaffRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(gettext("Saved."), "ok")
            _tell_what_goes_on(_account(account_id))
            return redirect(_after_a_change(), code=303)
    status = 422 if form.is_submitted() else 200
    page = render_template("staff/account_form.html", form=form, account=account, shown=shown)
    return page, status


@blueprint.route("/<int:account_id>/address", methods=["GET", "POST"])
@staff_only()
@still_you()
def address(account_id: int) -> ResponseReturnValue:
    """Correct the address of an account."""
    account = _account(account_id)
    if account_id == current_user.id:
        return redirect(url_for("staff_account.address"), code=303)
    form = AddressForm(email=account.email)
    if form.validate_on_submit():
        try:
            staff_addresses.correct(
                account_id=account_id,
                email=form.email.data,
                staff_id=current_user.id,
                path_of=_path_of,
                sign_in_path=url_for("security.login"),
                now=now(),
            )
        except StaffAddressRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(gettext("The address is corrected. A mail to it says so."), "ok")
            return redirect(url_for(".index"), code=303)
    status = 422 if form.is_submitted() else 200
    return render_template("staff/account_address.html", form=form, account=account), status


@blueprint.post("/<int:account_id>/act")
@staff_only()
@still_you()
def act(account_id: int) -> ResponseReturnValue:
    """Close or open an account, sign it out, take its codes off, or mail it a link."""
    _account(account_id)
    action, moment, staff_id = request.form.get("do", ""), now(), current_user.id
    try:
        if action in ("close", "open"):
            staff.set_active(
                account_id=account_id, active=action == "open", staff_id=staff_id, now=moment
            )
        elif action == "end_sessions":
            staff.end_sessions(account_id=account_id, staff_id=staff_id, now=moment)
        elif action == "forget_factors":
            staff.forget_factors(
                account_id=account_id,
                staff_id=staff_id,
                forgot_path=url_for("security.forgot_password"),
                now=moment,
            )
        elif action == "link":
            staff.invite_again(
                account_id=account_id, staff_id=staff_id, path_of=_path_of, now=moment
            )
        else:
            abort(400)
    except StaffRefused as refusal:
        flash(str(refusal), "warn")
    else:
        flash(str(TOLD[action]), "ok")
        _tell_what_goes_on(_account(account_id))
    return redirect(url_for(".index"), code=303)
