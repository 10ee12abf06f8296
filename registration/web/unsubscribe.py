"""The way out of mailings and invitations: one click in a mail program (RFC 8058), or a page."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from registration import audit, subscriptions
from registration.database import db
from registration.keys import (
    is_unsubscribe_key_of,
    is_unsubscribe_key_of_before,
    read_unsubscribe_key,
)
from registration.models import Invitation, InvitationStatus, Rsvp
from registration.times import now

blueprint = Blueprint("unsubscribe", __name__)


def _reader(key: str) -> Rsvp | Invitation | None:
    """Whom a key was made for, as long as we know them."""
    said = read_unsubscribe_key(key)
    reader: Rsvp | Invitation | None = db.session.get(*said) if said else None
    if reader is None or reader.is_erased or not _is_theirs(key, reader):
        return None
    g.language = reader.language or reader.event.language
    return reader


def _is_theirs(key: str, reader: Rsvp | Invitation) -> bool:
    if is_unsubscribe_key_of(reader, key):
        return True
    # In mails of before keys did not say for which address they are: good while it is the same.
    is_corrected = isinstance(reader, Rsvp) and audit.is_address_corrected(reader)
    return is_unsubscribe_key_of_before(key) and not is_corrected


def _is_ahead(reader: Rsvp | Invitation) -> bool:
    """Whether what they have from us is still good: an open invitation, or a live RSVP."""
    if not reader.event.takes_place(now()):
        return False
    if isinstance(reader, Rsvp):
        return reader.is_live
    return reader.status is InvitationStatus.OPEN


@blueprint.get("/unsubscribe/<key>")
def show(key: str) -> ResponseReturnValue:
    """What this address gets, and buttons that change it. Opening the page changes nothing."""
    reader = _reader(key)
    if reader is None:
        return render_template("unsubscribe/unknown.html"), 404
    return render_template(
        "unsubscribe/show.html",
        reader=reader,
        is_invited=isinstance(reader, Invitation),
        event=reader.event,
        is_ahead=_is_ahead(reader),
        state=subscriptions.state_of(reader.email, reader.event_id),
    )


@blueprint.post("/unsubscribe/<key>")
def act(key: str) -> ResponseReturnValue:
    """End them, or take them up again. The key says who: a mail program has no token."""
    reader = _reader(key)
    if reader is None:
        return render_template("unsubscribe/unknown.html"), 404
    email, event_id, choice = reader.email, reader.event_id, request.form.get("do", "event")
    if choice == "again":
        was = subscriptions.state_of(email, event_id)
        subscriptions.subscribe_again(email=email, event_id=event_id, now=now())
        flash(
            gettext("You get messages about all our events again.")
            if was == "none"
            else gettext("You get messages about this event again."),
            "ok",
        )
    else:
        subscriptions.unsubscribe(
            email=email, event_id=event_id, everything=choice == "everything", now=now()
        )
    if request.form.get("List-Unsubscribe"):
        # A redirect would not be followed (RFC 8058, 3.1).
        return "", 200, {"Content-Type": "text/plain"}
    return redirect(url_for(".show", key=key), code=303)
