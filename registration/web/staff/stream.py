"""The stream on the day: what the lobby shows now, another source, a note to all."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from registration import lobby, streams, turnout
from registration.database import db
from registration.models import Event, LobbyPhase, StaffRole, StreamSource
from registration.streams import StreamRefused
from registration.times import now
from registration.web.fields import at_most, one_line
from registration.web.staff.access import event_by_slug, staff_only

blueprint = Blueprint("staff_stream", __name__, url_prefix="/staff/events/<slug>/stream")


class SourceForm(FlaskForm):  # type: ignore[misc]
    """One source of the stream."""

    url = StringField(
        _("Address"),
        description=_("As copied from YouTube, Vimeo, Zoom, Teams or any other service."),
        filters=[one_line],
        validators=[InputRequired(_("Enter the address of the stream")), *at_most(2000)],
        render_kw={"inputmode": "url", "autocomplete": "off"},
    )
    label = StringField(
        _("Name"),
        description=_("For staff only, like “Main” or “Backup”."),
        filters=[one_line],
        validators=at_most(80),
    )


@blueprint.get("")
@staff_only(StaffRole.ORGANISER)
def show(slug: str) -> ResponseReturnValue:
    """What attendees see now, and everything that changes it."""
    return _page(event_by_slug(slug), SourceForm(formdata=None))


@blueprint.post("/phase")
@staff_only(StaffRole.ORGANISER)
def steer(slug: str) -> ResponseReturnValue:
    """Open early, stay live, end, or follow the clock."""
    event = event_by_slug(slug)
    phase = request.form.get("phase", "")
    if phase not in list(LobbyPhase):
        abort(400)
    try:
        streams.steer(
            event_id=event.id, phase=LobbyPhase(phase), staff_id=current_user.id, now=now()
        )
        told = gettext("Done. Every open lobby follows within seconds.")
        if now() < event.lobby_opens_at - lobby.LONG_BEFORE:
            told = gettext("Done. Every open lobby follows within a minute or two.")
        flash(told, "ok")
    except StreamRefused as refusal:
        flash(str(refusal), "warn")
    return redirect(url_for(".show", slug=slug), code=303)


@blueprint.post("/note")
@staff_only(StaffRole.ORGANISER)
def say(slug: str) -> ResponseReturnValue:
    """Show a note in every lobby, or take it away."""
    event = event_by_slug(slug)
    note = one_line(request.form.get("note"))[:300]
    streams.say(event_id=event.id, note=note, staff_id=current_user.id, now=now())
    told = gettext("Every open lobby shows the note within seconds.")
    flash(told if note else gettext("The note is gone."), "ok")
    return redirect(url_for(".show", slug=slug), code=303)


@blueprint.post("/sources")
@staff_only(StaffRole.ORGANISER)
def add(slug: str) -> ResponseReturnValue:
    """Add a source."""
    event = event_by_slug(slug)
    form = SourceForm()
    if form.validate_on_submit():
        try:
            streams.add(
                event_id=event.id,
                url=form.url.data,
                label=form.label.data or "",
                staff_id=current_user.id,
                now=now(),
            )
        except StreamRefused as refusal:
            form.url.errors = [str(refusal)]
        else:
            flash(gettext("The stream is added."), "ok")
            return redirect(url_for(".show", slug=slug), code=303)
    return _page(event_by_slug(slug), form), 422


@blueprint.post("/sources/<int:source_id>/address")
@staff_only(StaffRole.ORGANISER)
def edit(slug: str, source_id: int) -> ResponseReturnValue:
    """Give a source another address or name."""
    event, form = event_by_slug(slug), _form_of(source_id)
    if source_id not in [one.id for one in lobby.sources_of(event)]:
        return _gone(slug, source_id)
    if form.validate():
        try:
            streams.change(
                event_id=event.id,
                source_id=source_id,
                url=form.url.data,
                label=form.label.data or "",
                staff_id=current_user.id,
                now=now(),
            )
        except StreamRefused as refusal:
            form.url.errors = [str(refusal)]
        except LookupError:
            return _gone(slug, source_id)
        else:
            flash(gettext("The address is changed; everybody who watches follows."), "ok")
            return redirect(url_for(".show", slug=slug), code=303)
    return _page(event_by_slug(slug), SourceForm(formdata=None), {source_id: form}), 422


@blueprint.post("/sources/<int:source_id>")
@staff_only(StaffRole.ORGANISER)
def change(slug: str, source_id: int) -> ResponseReturnValue:
    """Put a source on air, or take it away."""
    event_id, action = event_by_slug(slug).id, request.form.get("do", "")
    which: dict[str, Any] = {
        "event_id": event_id,
        "source_id": source_id,
        "staff_id": current_user.id,
        "now": now(),
    }
    try:
        if action == "switch":
            streams.switch(**which)
            flash(gettext("Everybody sees this stream within seconds."), "ok")
        elif action == "remove":
            streams.remove(**which)
            flash(gettext("The stream is removed."), "ok")
        else:
            abort(400)
    except StreamRefused as refusal:
        flash(str(refusal), "warn")
    except LookupError:
        return _gone(slug, source_id)
    return redirect(url_for(".show", slug=slug), code=303)


def _gone(slug: str, source_id: int) -> ResponseReturnValue:
    if db.session.get(StreamSource, source_id) is not None:
        abort(404)  # of another event
    flash(gettext("This stream has been removed meanwhile."), "warn")
    return redirect(url_for(".show", slug=slug), code=303)


def _form_of(source_id: int, **filled: Any) -> SourceForm:
    """The form that changes one source, with names of its own on the page of all."""
    return SourceForm(prefix=f"source-{source_id}-", **filled)


def _page(event: Event, form: SourceForm, changed: dict[int, SourceForm] | None = None) -> str:
    moment = now()
    sources = lobby.sources_of(event)
    forms = {one.id: _form_of(one.id, formdata=None, obj=one) for one in sources} | (changed or {})
    return render_template(
        "staff/stream.html",
        event=event,
        form=form,
        sources=sources,
        forms=forms,
        on_air=lobby.on_air(sources),
        status=lobby.status_of(event, moment),
        phase=str(lobby.phase_of(event, moment)),
        turnout=turnout.of(event),
        now=moment,
    )
