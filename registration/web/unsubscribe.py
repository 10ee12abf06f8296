"""The way out of mailings: one click from a mail program (RFC 8058), or a page for people."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from registration import subscriptions
from registration.database import db
from registration.keys import read_unsubscribe_key
from registration.models import Rsvp
from registration.times import now

blueprint = Blueprint("unsubscribe", __name__)


def _rsvp(key: str) -> Rsvp | None:
    """The RSVP that a key was made for, as long as it is kept."""
    rsvp = db.session.scalars(
        select(Rsvp)
        .where(Rsvp.id == read_unsubscribe_key(key), Rsvp.erased_at.is_(None))
        .options(joinedload(Rsvp.event))
    ).one_or_none()
    if rsvp is not None:
        g.language = rsvp.language
    return rsvp


@blueprint.get("/unsubscribe/<key>")
def show(key: str) -> ResponseReturnValue:
    """What this address gets, and buttons that change it. Opening the page changes nothing."""
    rsvp = _rsvp(key)
    if rsvp is None:
        return render_template("unsubscribe/unknown.html"), 404
    state = subscriptions.state_of(rsvp.email, rsvp.event_id)
    return render_template(
        "unsubscribe/show.html", key=key, rsvp=rsvp, event=rsvp.event, state=state
    )


@blueprint.post("/unsubscribe/<key>")
def act(key: str) -> ResponseReturnValue:
    """End mailings, or take them up again. The key says who: a mail program has no token."""
    rsvp = _rsvp(key)
    if rsvp is None:
        return render_template("unsubscribe/unknown.html"), 404
    email, event_id, choice = rsvp.email, rsvp.event_id, request.form.get("do", "event")
    if choice == "again":
        subscriptions.subscribe_again(email=email, event_id=event_id, now=now())
        flash(gettext("You get messages about this event again."), "ok")
    else:
        subscriptions.unsubscribe(
            email=email, event_id=event_id, everything=choice == "everything", now=now()
        )
    if request.form.get("List-Unsubscribe"):
        # A redirect would not be followed (RFC 8058, 3.1).
        return "", 200, {"Content-Type": "text/plain"}
    return redirect(url_for(".show", key=key), code=303)
