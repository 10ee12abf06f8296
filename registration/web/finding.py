"""Finding an RSVP again: its link is mailed to who asks for it."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField

from registration import links
from registration.times import now
from registration.web import tries
from registration.web.fields import EMAIL, EMAIL_KEYBOARD, once_more, one_line

blueprint = Blueprint("finding", __name__)


class AddressForm(FlaskForm):  # type: ignore[misc]
    """An address that is to be written to, and nothing else."""

    email = StringField(
        _("Email address"),
        EMAIL,
        [one_line],
        render_kw=EMAIL_KEYBOARD,
    )


@blueprint.route("/find", methods=["GET", "POST"])
@tries.per_network("LIMIT_FIND_PER_NETWORK")
def find() -> ResponseReturnValue:
    """Mail an address its links; the page says the same for every address."""
    form = AddressForm()
    if form.validate_on_submit():
        links.send(email=form.email.data, now=now())
        return render_template("rsvps/found.html", email=form.email.data)
    return render_template("rsvps/find.html", form=form), 422 if form.is_submitted() else 200


def ask_again() -> ResponseReturnValue:
    """The form as it was sent, with a new token."""
    form = AddressForm()
    form.form_errors.append(once_more())
    return render_template("rsvps/find.html", form=form), 400
