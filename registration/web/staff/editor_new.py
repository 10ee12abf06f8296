"""A new event begins on one page, and goes on in the editor."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from sqlalchemy import select
from wtforms import BooleanField, Field, ValidationError
from wtforms.validators import InputRequired

from registration import events
from registration.database import db
from registration.events import Draft, Way
from registration.models import AttendanceMode, Event, StaffRole
from registration.times import now
from registration.web.staff.access import staff_only
from registration.web.staff.editor_fields import lines, number, text, zone, zones
from registration.web.staff.wallclock import MomentField, MomentsForm

blueprint = Blueprint("staff_editor_new", __name__, url_prefix="/staff/events")


class NewEventForm(MomentsForm):
    """What an event begins with."""

    title = text(_("Title"), 300, InputRequired(_("Enter a title")))
    starts_at = MomentField(_("Starts"), [InputRequired(_("Enter when it starts"))])
    ends_at = MomentField(_("Ends"), [InputRequired(_("Enter when it ends"))])
    time_zone = zone(
        _("Time zone"), description=_("The zone of the place, by its city: America/New_York.")
    )
    in_person = BooleanField(_("In person"))
    room_capacity = number(_("Seats in the room"), 0, 1_000_000, description=_("Empty: no limit."))
    online = BooleanField(_("Online"))
    stream_capacity = number(_("Places online"), 0, 1_000_000, description=_("Empty: no limit."))
    venue_name = text(_("Venue"), description=_("Needed where people come in person."))
    venue_address = lines(_("Address"), 1000, 3)

    def validate_venue_name(self, field: Field) -> None:
        """Who comes in person must know where."""
        if self.in_person.data and not field.data:
            raise ValidationError(gettext("Enter where people come in person"))

    def validate_online(self, field: Field) -> None:
        """An event has a way to attend."""
        if not (field.data or self.in_person.data):
            raise ValidationError(gettext("Choose at least one way to attend"))


@blueprint.route("/new", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def new() -> ResponseReturnValue:
    """Begin an event on one page."""
    form = NewEventForm(time_zone=_usual_zone())
    if request.method == "POST" and form.validate_for(None):
        event = events.create(draft=_draft(form), staff_id=current_user.id, now=now())
        flash(gettext("The draft is saved. Nobody sees it before you publish it."), "ok")
        return redirect(url_for("staff_editor.section", slug=event.slug, name="texts"), code=303)
    page = render_template("staff/editor/new.html", form=form, zones=zones())
    return page, 422 if form.errors else 200


def _draft(form: NewEventForm) -> Draft:
    ways = []
    if form.in_person.data:
        ways.append(Way(AttendanceMode.IN_PERSON, form.room_capacity.data))
    if form.online.data:
        ways.append(Way(AttendanceMode.VIRTUAL, form.stream_capacity.data))
    assert form.starts_at.data is not None
    assert form.ends_at.data is not None
    return Draft(
        title=form.title.data,
        starts_at=form.starts_at.data,
        ends_at=form.ends_at.data,
        time_zone=form.time_zone.data,
        venue_name=form.venue_name.data,
        venue_address=form.venue_address.data,
        ways=ways,
    )


def _usual_zone() -> str:
    """The zone of the latest event: most are in one place. None is guessed for the first one."""
    latest = select(Event.time_zone).order_by(Event.id.desc()).limit(1)
    return db.session.scalar(latest) or ""
