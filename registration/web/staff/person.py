"""One RSVP in staff's hands: added, edited, its address corrected."""

from __future__ import annotations

import contextlib

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import select
from wtforms import BooleanField, RadioField, SelectChoice, StringField
from wtforms.validators import DataRequired, InputRequired

from registration import desk, erasure, listing, rewriting, wording
from registration.admission import Refusal, RsvpRefused
from registration.database import db
from registration.models import LIVE, Event, Rsvp, StaffRole
from registration.times import now
from registration.web.fields import EMAIL, at_most, one_line
from registration.web.person_form import EditForm, PersonForm
from registration.web.staff.access import event_by_slug, rsvp_of, staff_only
from registration.web.staff.attendees import keep_list, list_of

blueprint = Blueprint("staff_person", __name__, url_prefix="/staff/events/<slug>/attendees")
blueprint.url_defaults(keep_list)


class OthersName(FlaskForm):  # type: ignore[misc]
    """The name of somebody else than the one who types it."""

    name = StringField(
        _("Full name"),
        [DataRequired(_("Enter the full name")), *at_most(200)],
        [one_line],
        description=_("As it is to stand on the badge."),
        render_kw={"autocomplete": "off"},
    )


class AddForm(OthersName, PersonForm):
    """Somebody whom staff add."""

    email = StringField(_("Email address"), EMAIL, [one_line], render_kw={"autocomplete": "off"})
    attend = RadioField(_("Attends"), [InputRequired(_("Choose how they attend"))], coerce=int)
    beyond_capacity = BooleanField(_("Give a seat even if the room is full"))


class ChangeForm(OthersName, EditForm):
    """Somebody whose details staff change."""


class AddressForm(FlaskForm):  # type: ignore[misc]
    """The right address of somebody."""

    email = StringField(_("Email address"), EMAIL, [one_line], render_kw={"autocomplete": "off"})


@blueprint.route("/add", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def add(slug: str) -> ResponseReturnValue:
    """Send an RSVP for somebody who wrote or called."""
    event = event_by_slug(slug)
    options, questions = listing.options_of(event), listing.questions_of(event)
    form = type("AddForm", (AddForm,), AddForm.fields_for(event, questions))()
    form.bind(questions)
    form.attend.choices = [
        SelectChoice(option.id, wording.option_name(option)) for option in options
    ]
    if form.validate_on_submit():
        try:
            rsvp = desk.add(
                event_id=event.id,
                option_id=form.attend.data,
                details=form.details(email=form.email.data, language=event.language),
                guests=form.guest_names,
                answers=form.answers(form.attend.data),
                staff_id=current_user.id,
                beyond_capacity=form.beyond_capacity.data,
                now=now(),
            )
        except RsvpRefused as refusal:
            form.form_errors.append(_leading_to_it(event, form.email.data, str(refusal)))
        else:
            flash(gettext("%(name)s is on the list. A mail is on its way.", name=rsvp.name), "ok")
            return redirect(_page(slug, rsvp.id), code=303)
    status = 422 if form.is_submitted() else 200
    page = render_template("staff/person.html", event=event, form=form, rsvp=None)
    return page, status


@blueprint.route("/<int:rsvp_id>/edit", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def edit(slug: str, rsvp_id: int) -> ResponseReturnValue:
    """Change what a person said."""
    event = event_by_slug(slug)
    rsvp = rsvp_of(event, rsvp_id)
    form = ChangeForm.for_rsvp(rsvp)
    option_ids, email, language = rsvp.option_ids, rsvp.email, rsvp.language
    seen = request.form.get("seen", "")
    if form.validate_on_submit():
        try:
            desk.edit(
                rsvp_id=rsvp_id,
                details=form.details(email=email, language=language),
                guests=form.guest_names,
                answers=form.answers(*option_ids),
                staff_id=current_user.id,
                now=now(),
                seen=seen,
            )
        except RsvpRefused as refusal:
            form.form_errors.append(str(refusal))
            if refusal.reason is Refusal.EDITED:
                seen = ""  # they know now: the next press counts
        else:
            flash(gettext("Saved."), "ok")
            return redirect(_page(slug, rsvp_id), code=303)
    status = 422 if form.is_submitted() else 200
    page = render_template(
        "staff/person.html",
        event=event,
        form=form,
        rsvp=rsvp,
        seen=seen or rewriting.fingerprint(rsvp),
    )
    return page, status


@blueprint.route("/<int:rsvp_id>/address", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def address(slug: str, rsvp_id: int) -> ResponseReturnValue:
    """Correct the address, and send the mail there."""
    event = event_by_slug(slug)
    rsvp = rsvp_of(event, rsvp_id)
    form = AddressForm(obj=rsvp)
    if form.validate_on_submit():
        try:
            is_mailed = desk.correct_address(
                rsvp_id=rsvp_id, email=form.email.data, staff_id=current_user.id, now=now()
            )
        except RsvpRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(
                gettext("The address is corrected, and the mail is on its way there.")
                if is_mailed
                else gettext("The address is corrected."),
                "ok",
            )
            return redirect(_page(slug, rsvp_id), code=303)
    status = 422 if form.is_submitted() else 200
    return render_template("staff/address.html", event=event, form=form, rsvp=rsvp), status


@blueprint.route("/<int:rsvp_id>/erase", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def erase(slug: str, rsvp_id: int) -> ResponseReturnValue:
    """Ask once, then erase what is kept of a person, who has asked for it."""
    event = event_by_slug(slug)
    if request.method == "POST" and _is_erased(event, rsvp_id):
        return _erased(slug)
    rsvp = rsvp_of(event, rsvp_id)
    if request.method != "POST":
        live = erasure.live_of(rsvp, now=now())
        return render_template("staff/erase.html", event=event, rsvp=rsvp, live=live)
    # Else somebody was quicker: there is nothing left to be erased.
    with contextlib.suppress(LookupError):
        erasure.erase(rsvp_id=rsvp_id, staff_id=current_user.id, now=now())
    return _erased(slug)


def _is_erased(event: Event, rsvp_id: int) -> bool:
    """Whether an RSVP of this event is erased: it was pressed twice."""
    rsvp = db.session.get(Rsvp, rsvp_id)
    return rsvp is not None and rsvp.event_id == event.id and rsvp.is_erased


def _erased(slug: str) -> ResponseReturnValue:
    flash(gettext("Erased. What is counted stays."), "ok")
    return redirect(list_of(slug), code=303)


def _leading_to_it(event: Event, email: str, refusal: str) -> str:
    """A refusal; where the address has an RSVP, it leads to that one."""
    live = select(Rsvp.id).where(
        Rsvp.event_id == event.id, Rsvp.email == email, Rsvp.status.in_(LIVE)
    )
    found = db.session.scalar(live)
    if found is None:
        return refusal
    return Markup('<a href="{}">{}</a>').format(_page(event.slug, found), refusal)


def _page(slug: str, rsvp_id: int) -> str:
    return url_for("staff_attendees.show", slug=slug, rsvp_id=rsvp_id)
