"""The list as a file: its columns chosen, and saved under a name."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import (
    Blueprint,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user

from registration import export_sets, exports, roster
from registration.models import Event, StaffRole
from registration.times import now
from registration.web.fields import one_line
from registration.web.files import file
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.attendees import filters_of_request

blueprint = Blueprint("staff_exports", __name__, url_prefix="/staff/events/<slug>")

_KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


@blueprint.get("/attendees.<format>")
@staff_only(StaffRole.ORGANISER)
def download(slug: str, format: str) -> ResponseReturnValue:
    """The list at once, with the filters of the page and the usual columns."""
    if format not in _KINDS:
        abort(404)
    return _file(event_by_slug(slug), format, [], sensitive="sensitive" in request.args)


@blueprint.get("/attendees/export")
@staff_only(StaffRole.ORGANISER)
def choose(slug: str) -> ResponseReturnValue:
    """The columns to choose from; those of a saved set are ticked."""
    return _columns_page(event_by_slug(slug))


def _columns_page(event: Event) -> str:
    sets = export_sets.of(event, current_user.id)
    chosen = next((one for one in sets if one.id == request.args.get("set", 0, type=int)), None)
    columns = exports.columns_of(event)
    if request.method == "POST":  # it lacks something, and comes back as it was ticked
        ticked = request.form.getlist("column")
    else:
        ticked = chosen.columns if chosen else [one.key for one in columns if not one.is_sensitive]
    filters = filters_of_request()
    return render_template(
        "staff/export.html",
        event=event,
        columns=columns,
        ticked=set(ticked),
        sets=sets,
        chosen=chosen,
        count=roster.count(event, filters),
        filters=filters,
        here=request.full_path,
        list_url=url_for("staff_attendees.index", slug=event.slug) + _kept(),
        page_of_set=lambda number: _page(event.slug, number),
    )


@blueprint.post("/attendees/export")
@staff_only(StaffRole.ORGANISER)
def act(slug: str) -> ResponseReturnValue:
    """Hand out the file, save the columns, or throw a set away."""
    event = event_by_slug(slug)
    action, columns = request.form.get("do", ""), request.form.getlist("column")
    known = {column.key for column in exports.columns_of(event)}
    if not set(columns) <= known:
        abort(400)
    if action == "delete":
        chosen = request.form.get("set", 0, type=int)
        export_sets.delete(set_id=chosen, staff_id=current_user.id, now=now())
        flash(gettext("Thrown away."), "ok")
        return redirect(_page(slug), code=303)
    if not columns:
        flash(gettext("Tick at least one column."), "warn")
        return _columns_page(event), 422
    if action == "save":
        return _saved(event, columns)
    if action not in _KINDS:
        abort(400)
    return _file(event, action, columns)


def _saved(event: Event, columns: list[str]) -> ResponseReturnValue:
    name = one_line(request.form.get("name"))[:80]
    if not name:
        flash(gettext("Give the set a name."), "warn")
        return _columns_page(event), 422
    # What asks no question fits every event.
    of_all = not any(key.startswith("question:") for key in columns)
    kept = export_sets.save(
        staff_id=current_user.id,
        event_id=None if of_all else event.id,
        name=name,
        columns=columns,
        now=now(),
    )
    flash(gettext("Saved as %(name)s.", name=name), "ok")
    return redirect(_page(event.slug, kept.id), code=303)


def _page(slug: str, set_id: int | None = None) -> str:
    """The page with the columns of a set, for whom the filters at hand leave."""
    return url_for(".choose", slug=slug) + (_kept(set=str(set_id)) if set_id else _kept())


def _kept(**more: str) -> str:
    """The filters at hand, as they stand in an address."""
    kept = {name: value for name, value in request.args.items() if value and name != "set"}
    return f"?{urlencode(kept | more)}" if kept or more else ""


def _file(
    event: Event, format: str, columns: list[str], *, sensitive: bool = False
) -> ResponseReturnValue:
    made = exports.Export(
        event, filters_of_request(), format=format, sensitive=sensitive, columns=columns
    )
    pieces = exports.hand_out(made, now=now(), staff_id=current_user.id)
    return file(stream_with_context(pieces), f"{event.slug}.{format}", _KINDS[format])
