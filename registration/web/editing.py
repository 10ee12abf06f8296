"""Changing what an RSVP says: particulars, guests and answers."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from registration import rewriting, rsvps
from registration.admission import Refusal, RsvpRefused
from registration.times import now
from registration.web import access
from registration.web.answering import STATUS
from registration.web.fields import once_more
from registration.web.person_form import EditForm, guests_line

blueprint = Blueprint("editing", __name__)


@blueprint.route("/rsvp/<key>/edit", methods=["GET", "POST"])
def form(key: str) -> ResponseReturnValue:
    """Change particulars, guests and answers."""
    rsvp = access.rsvp_by_manage_key(key)
    if not access.may_change(rsvp):
        return redirect(url_for("rsvps.show", key=key), code=303)
    rsvp_id, option_ids, email = rsvp.id, rsvp.option_ids, rsvp.email
    typed, status = EditForm.for_rsvp(rsvp), 200
    seen = request.form.get("seen", "")
    if typed.validate_on_submit() and typed.check_questions(*option_ids):
        try:
            rsvps.edit(
                rsvp_id=rsvp_id,
                now=now(),
                details=typed.details(email=email),
                guests=typed.guest_names,
                answers=typed.answers(*option_ids),
                seen=seen,
            )
        except RsvpRefused as refusal:
            rsvp = access.rsvp_by_manage_key(key)
            if not access.is_running(rsvp.event):
                return _too_late(key, refusal)
            if refusal.reason is Refusal.TOO_MANY_GUESTS:
                allowed = max(rsvp.event.guests_max, rsvp.party_size - 1)
                typed.refuse_guests(allowed, str(refusal))
            else:
                typed.form_errors.append(str(refusal))
            status = STATUS.get(refusal.reason, 409)
            if refusal.reason is Refusal.EDITED:
                seen = ""  # they know now: the next press counts
        else:
            flash(gettext("Your changes are saved."), "ok")
            return redirect(url_for("rsvps.show", key=key), code=303)
    elif typed.is_submitted():
        status = 422
    return _page(key, typed, status, seen)


def _too_late(key: str, refusal: RsvpRefused) -> ResponseReturnValue:
    """Nothing can be saved any more: the RSVP's page says how it stands."""
    flash(gettext("%(why)s Your changes are not saved.", why=str(refusal)), "warn")
    return redirect(url_for("rsvps.show", key=key), code=303)


def ask_again() -> ResponseReturnValue:
    """The form as it was sent, with a new token. Who sent it knows the key, so it is theirs."""
    key = (request.view_args or {})["key"]
    typed = EditForm.for_rsvp(access.rsvp_by_manage_key(key))
    typed.form_errors.append(once_more())
    return _page(key, typed, 400, request.form.get("seen", ""))


def _page(key: str, typed: EditForm, status: int, seen: str) -> ResponseReturnValue:
    rsvp = access.rsvp_by_manage_key(key)
    page = render_template(
        "rsvps/edit.html",
        rsvp=rsvp,
        event=rsvp.event,
        form=typed,
        seen=seen or rewriting.fingerprint(rsvp),
        guests_line=guests_line(rsvp.event.guests_max),
    )
    return page, status
