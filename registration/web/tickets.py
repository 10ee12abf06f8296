"""Tickets: those of a party on paper, and what a phone shows of one that it scans."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from registration.database import db
from registration.models import Attendee, EventStatus
from registration.parties import attendees
from registration.times import now
from registration.web import access, tries
from registration.web.files import file
from registration.web.staff.access import works_on

blueprint = Blueprint("tickets", __name__)


@blueprint.get("/rsvp/<key>/tickets.pdf")
def print_all(key: str) -> ResponseReturnValue:
    """The tickets of the party on paper."""
    rsvp = access.rsvp_by_manage_key(key)
    is_off = rsvp.event.status is EventStatus.CANCELLED
    if is_off or not rsvp.is_confirmed or rsvp.option.is_virtual:
        return redirect(url_for("rsvps.show", key=key), code=303)
    from registration import papers  # it loads fonts and a PDF library: only where one prints

    body = papers.tickets(rsvp, attendees(rsvp))
    return file(body, f"{rsvp.event.slug}-tickets.pdf", "application/pdf", inline=True)


@blueprint.get("/t/<code>")
@tries.counted(
    lambda: [tries.of_guesses("ticket")], counts=lambda answer: answer.status_code == 404
)
def show(code: str) -> ResponseReturnValue:
    """What a stranger's phone shows of a ticket: the event, and nothing of its holder."""
    plain = code.replace("-", "").upper()
    person = db.session.scalars(select(Attendee).where(Attendee.ticket_code == plain)).one_or_none()
    if person is None:
        abort(404)
    rsvp = person.rsvp
    return render_template(
        "rsvps/ticket.html",
        event=rsvp.event,
        code=person.spoken_code,
        is_valid=rsvp.is_confirmed and not rsvp.option.is_virtual,
        is_past=rsvp.event.is_past(now()),
        is_at_door=works_on(rsvp.event),
    )
