"""What stays of an event: the recording, its transcript, the sound alone, the slides."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms.validators import NumberRange, Optional

from registration import streams
from registration.models import StaffRole
from registration.times import now
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.editor_fields import WholeNumberField, link

blueprint = Blueprint("staff_recording", __name__, url_prefix="/staff/events/<slug>/recording")

_FIELDS = ("recording_url", "recording_minutes", "transcript_url", "audio_url", "slides_url")


class RecordingForm(FlaskForm):  # type: ignore[misc]
    """Addresses of what stays; empty ones are not shown."""

    recording_url = link(
        _("Recording"), description=_("The page on which it is watched, like a YouTube address.")
    )
    recording_minutes = WholeNumberField(
        _("Length in minutes"),
        validators=[Optional(), NumberRange(1, 10_000, _("Enter a number of minutes"))],
    )
    transcript_url = link(_("Transcript"))
    audio_url = link(_("Audio only"))
    slides_url = link(_("Slides"))


@blueprint.route("", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def show(slug: str) -> ResponseReturnValue:
    """The form; its POST publishes."""
    event = event_by_slug(slug)
    form = RecordingForm(obj=event)
    shown = _shown_before() or {name: str(getattr(event, name) or "") for name in _FIELDS}
    if not form.validate_on_submit():
        page = render_template("staff/recording.html", event=event, form=form, shown=shown)
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
        shown=shown,
    )
    flash(
        gettext("Saved. It is on the event’s page and in the lobby.")
        if event.is_past(now())
        else gettext("Saved. It is on the event’s page and in the lobby once the event is over."),
        "ok",
    )
    return redirect(url_for(".show", slug=slug), code=303)


def _shown_before() -> dict[str, str]:
    """What the page showed when it was opened, as its form sends it back."""
    sent = {name: request.form.get(f"shown_{name}") for name in _FIELDS}
    return {name: text for name, text in sent.items() if text is not None}
