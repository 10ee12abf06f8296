"""What stays of an event: the recording, its transcript, the sound alone, the slides."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms import Field, Form, IntegerField, StringField, ValidationError
from wtforms.validators import NumberRange, Optional

from registration import streams
from registration.models import StaffRole
from registration.times import now
from registration.web.fields import at_most, one_line
from registration.web.staff.access import event_by_slug, staff_only

blueprint = Blueprint("staff_recording", __name__, url_prefix="/staff/events/<slug>/recording")


def _is_web_address(_form: Form, field: Field) -> None:
    parts = urlsplit(field.data or "")
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in field.data:
        raise ValidationError(gettext("Enter an address that starts with https://"))


def _address(label: object, description: object = "") -> StringField:
    return StringField(
        label,
        description=description,
        filters=[one_line],
        validators=[Optional(), *at_most(2000), _is_web_address],
        render_kw={"inputmode": "url", "autocomplete": "off"},
    )


class RecordingForm(FlaskForm):  # type: ignore[misc]
    """Addresses of what stays; empty ones are not shown."""

    recording_url = _address(
        _("Recording"), _("The page on which it is watched, like a YouTube address.")
    )
    recording_minutes = IntegerField(
        _("Length in minutes"),
        validators=[Optional(), NumberRange(1, 10_000, _("Enter a number of minutes"))],
    )
    transcript_url = _address(_("Transcript"))
    audio_url = _address(_("Audio only"))
    slides_url = _address(_("Slides"))


@blueprint.route("", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def show(slug: str) -> ResponseReturnValue:
    """The form; its POST publishes."""
    event = event_by_slug(slug)
    form = RecordingForm(obj=event)
    if not form.validate_on_submit():
        page = render_template("staff/recording.html", event=event, form=form, now=now())
        return page, 422 if form.is_submitted() else 200
    streams.record(
        event_id=event.id,
        recording_url=form.recording_url.data or "",
        minutes=form.recording_minutes.data,
        transcript_url=form.transcript_url.data or "",
        audio_url=form.audio_url.data or "",
        slides_url=form.slides_url.data or "",
        staff_id=current_user.id,
        now=now(),
    )
    flash(
        gettext("Saved. It is on the event’s page and in the lobby once the event is over."), "ok"
    )
    return redirect(url_for(".show", slug=slug), code=303)
