"""The parts of an event that are lists of rows, saved as a whole: people, programme, questions …"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_security import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import HiddenField

from registration import capacity, listing, programme, revisions
from registration.database import db
from registration.models import AttendanceOption, Event
from registration.revisions import EditedMeanwhile, EventRefused
from registration.times import now
from registration.web import photos
from registration.web.photos import PhotoRefused
from registration.web.staff.access import event_by_slug
from registration.web.staff.editor_page import both, page, shown
from registration.web.staff.editor_rows import Rows


class SeenForm(FlaskForm):  # type: ignore[misc]
    """The head of a list of rows: what the rows were when they were shown."""

    seen = HiddenField()


def show(event: Event, name: str) -> str:
    """The rows as they are saved."""
    rows = _rows(event, name)
    saved = programme.rows_of(event, name)
    rows.fill(saved)
    return page(event, name, form=SeenForm(seen=revisions.fingerprint(saved)), rows=rows)


def _rows(event: Event, name: str) -> Rows:
    saved = listing.programme_of(event)
    return Rows(name, event, saved.options, saved.publications)


def save(event: Event, name: str) -> ResponseReturnValue:
    """Save the rows as they were sent, or change them without saving."""
    form, rows = SeenForm(), _rows(event, name)
    rows.read(request.form, request.files, programme.rows_of(event, name))
    _keep_photos(rows)
    do = request.form.get("do", "save")
    if do != "save":
        rows.act(do)
        return page(event, name, form=form, rows=rows, unsaved=True)
    if not form.validate() or not rows.validate() or rows.problems:
        return page(event, name, form=form, rows=rows), 422
    event_id, values = event.id, rows.values()
    try:
        mailed = programme.save(
            event_id=event_id,
            name=name,
            rows=values,
            seen=form.seen.data or "",
            staff_id=current_user.id,
            now=now(),
        )
    except EditedMeanwhile as meanwhile:
        return _show_both_rows(event_by_slug(event.slug), name, form, rows, meanwhile.current)
    except EventRefused as refusal:
        rows.problems.append(str(refusal))
        return page(event_by_slug(event.slug), name, form=form, rows=rows), 422
    if name == "options":
        _save_capacities(event_id, values)
    said = gettext("Saved.")
    if mailed:
        said += " " + ngettext("%(num)d speaker is mailed.", "%(num)d speakers are mailed.", mailed)
    flash(said, "ok")
    return redirect(
        url_for("staff_editor.section", slug=event_by_slug(event.slug).slug, name=name), code=303
    )


def _save_capacities(event_id: int, values: list[dict[str, Any]]) -> None:
    """Capacities change under the lock of the seats, and fill from the waitlist."""
    known = {
        option.id: option.capacity
        for option in db.session.scalars(
            select(AttendanceOption).where(AttendanceOption.event_id == event_id)
        )
    }
    for row in values:
        if row["id"] in known and known[row["id"]] != row["capacity"]:
            capacity.set_capacity(
                option_id=row["id"],
                capacity=row["capacity"],
                staff_id=current_user.id,
                now=now(),
            )


def _keep_photos(rows: Rows) -> None:
    """Store uploaded photographs at once, so that no mistake elsewhere loses them."""
    for key, form in rows.forms:
        if "photo" in form and request.form.get(f"{key}-remove_photo"):
            form["photo"].data = ""
        upload = form["photo_file"].data if "photo_file" in form else None
        if isinstance(upload, FileStorage) and upload.filename:
            try:
                form["photo"].data = photos.save(upload)
            except PhotoRefused as refusal:
                rows.problems.append(
                    gettext("%(title)s: %(problem)s", title=form.title, problem=str(refusal))
                )


def _show_both_rows(
    event: Event, name: str, form: SeenForm, rows: Rows, current: dict[str, Any]
) -> ResponseReturnValue:
    """Their rows to read, these rows to go on with."""
    saved = _rows(event, name)
    saved.fill(current["rows"])
    rows.keep_photos(current["rows"])
    form.seen.data = revisions.fingerprint(current["rows"])
    theirs = [
        (
            row.title,
            Markup("; ").join(filter(None, (shown(row[field]) for field in row.names))),
            "",
        )
        for _key, row in saved.forms
    ]
    return both(event, name, form=form, rows=rows, theirs=theirs)
