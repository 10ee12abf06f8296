"""Erasing what is kept of a person, by who it is about; and when it goes by itself."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from registration import erasure, retention, subscriptions
from registration.models import Event
from registration.times import now
from registration.web import access

blueprint = Blueprint("erasing", __name__)


@blueprint.get("/rsvp/<key>/erase")
def ask(key: str) -> ResponseReturnValue:
    """Say what goes and what stays, and ask once."""
    rsvp = access.rsvp_by_manage_key(key)
    return render_template(
        "rsvps/erase.html",
        rsvp=rsvp,
        event=rsvp.event,
        live=erasure.live_of(rsvp, now=now()),
        wants_no_mail=subscriptions.state_of(rsvp.email, rsvp.event_id) == "none",
    )


@blueprint.post("/rsvp/<key>/erase")
def erase(key: str) -> ResponseReturnValue:
    """Erase it. Who presses twice is told the same again: there is nothing left to be found."""
    language = ""
    try:
        rsvp = access.rsvp_by_manage_key(key)
        language = rsvp.language
        erasure.erase(rsvp_id=rsvp.id, now=now())
    except (NotFound, LookupError):
        pass
    return redirect(url_for(".done", language=language or None), code=303)


@blueprint.get("/erased")
def done() -> ResponseReturnValue:
    """What there is to say afterwards, to anybody."""
    g.language = request.args.get("language", "")
    return render_template("rsvps/erased.html")


@blueprint.app_template_global()
def sensitive_goes_at(event: Event) -> datetime:
    """When access needs and sensitive answers to an event go."""
    return retention.sensitive_due_at(event)


@blueprint.app_template_global()
def now_is_before(at: datetime) -> bool:
    """Whether this is still to come."""
    return now() < at


@blueprint.app_template_global()
def personal_went_at(event: Event) -> datetime | None:
    """When the personal data of an event went; None while it is there."""
    return retention.personal_erased_at(event)
