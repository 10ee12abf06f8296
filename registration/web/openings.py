"""Being told by mail when an event's RSVPs open."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from registration import openings
from registration.times import now
from registration.web import access, tries
from registration.web.fields import once_more
from registration.web.finding import AddressForm

blueprint = Blueprint("openings", __name__)


@blueprint.route("/events/<slug>/remind", methods=["GET", "POST"])
@tries.per_network("LIMIT_FIND_PER_NETWORK")
def remind(slug: str) -> ResponseReturnValue:
    """Keep an address until RSVPs open; the page says the same for every address."""
    event = access.published_event(slug)
    opens_at = openings.opens_at(event, now())
    if opens_at is None:
        return _to_the_form(slug)
    form = AddressForm()
    about = {"event": event, "opens_at": opens_at, "form": form}
    if form.validate_on_submit():
        language = str(get_locale() or event.language)
        openings.ask(event_id=event.id, email=form.email.data, language=language, now=now())
        return render_template("rsvps/reminded.html", **about)
    return render_template("rsvps/remind.html", **about), 422 if form.is_submitted() else 200


def ask_again() -> ResponseReturnValue:
    """The form as it was sent, with a new token."""
    slug = (request.view_args or {})["slug"]
    event = access.published_event(slug)
    opens_at = openings.opens_at(event, now())
    if opens_at is None:
        return _to_the_form(slug)
    form = AddressForm()
    form.form_errors.append(once_more())
    return render_template("rsvps/remind.html", event=event, opens_at=opens_at, form=form), 400


def _to_the_form(slug: str) -> ResponseReturnValue:
    """Open by now, or never: the form says which."""
    return redirect(url_for("answering.form", slug=slug), code=303)
