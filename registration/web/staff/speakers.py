"""The speakers of an event: who was asked, who said yes, and the invitation."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import StringField

from registration import speakers
from registration.database import db
from registration.models import Speaker, StaffRole
from registration.speakers import SpeakerRefused
from registration.times import now
from registration.web.rsvp_forms import is_email, no_controls, one_line
from registration.web.staff.access import event_by_slug, speaker_of, staff_only

blueprint = Blueprint("staff_speakers", __name__, url_prefix="/staff/events/<slug>/speakers")


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Where a speaker is written to."""

    email = StringField(validators=[no_controls, is_email], filters=[one_line])


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER)
def index(slug: str) -> ResponseReturnValue:
    """All people of the event, also those who declined."""
    event = event_by_slug(slug)
    people = db.session.scalars(
        select(Speaker).where(Speaker.event_id == event.id).order_by(Speaker.position)
    ).all()
    return render_template("staff/speakers.html", event=event, people=people)


@blueprint.post("/<int:speaker_id>")
@staff_only(StaffRole.ORGANISER)
def act(slug: str, speaker_id: int) -> ResponseReturnValue:
    """Keep the address, invite, or remind."""
    event = event_by_slug(slug)
    speaker = speaker_of(event, speaker_id)
    speaker_id, staff_id, action = speaker.id, current_user.id, request.form.get("do", "")
    try:
        if "email" in request.form:
            form = AddressForm()
            if not form.validate():
                raise SpeakerRefused(form.errors.get("email", [gettext("Try again")])[0])
            speakers.set_address(
                speaker_id=speaker_id, email=form.email.data, staff_id=staff_id, now=now()
            )
        if action == "invite":
            speakers.invite(speaker_id=speaker_id, staff_id=staff_id, now=now())
            flash(gettext("The invitation is on its way."), "ok")
        elif action == "remind":
            speakers.remind(speaker_id=speaker_id, staff_id=staff_id, now=now())
            flash(gettext("The reminder is on its way."), "ok")
        elif action != "save":
            abort(400)
    except SpeakerRefused as refusal:
        flash(str(refusal), "warn")
    return redirect(url_for(".index", slug=slug), code=303)


@blueprint.post("/")
@staff_only(StaffRole.ORGANISER)
def invite_all(slug: str) -> ResponseReturnValue:
    """Invite everybody who has an address and was not asked yet."""
    event = event_by_slug(slug)
    waiting = speakers.to_invite(event.id)
    for speaker_id in waiting:
        speakers.invite(speaker_id=speaker_id, staff_id=current_user.id, now=now())
    if waiting:
        flash(gettext("%(number)d invitations are on their way.", number=len(waiting)), "ok")
    else:
        flash(gettext("Nobody is left to invite: enter addresses first."), "warn")
    return redirect(url_for(".index", slug=slug), code=303)
