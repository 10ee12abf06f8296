"""The editor of an event: a page to begin with, and a part of the event on each further one."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import HiddenField

from registration import capacity, events, listing, programme, revisions
from registration.audience import Reach
from registration.database import db
from registration.events import Draft, Way
from registration.letters.events import changes as told_changes
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    StaffRole,
)
from registration.revisions import EditedMeanwhile, EventRefused
from registration.times import now
from registration.web import photos
from registration.web.filters import markdown
from registration.web.photos import PhotoRefused
from registration.web.staff import editor_moves
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.editor_forms import FORMS, NewEventForm, SectionForm
from registration.web.staff.editor_moves import Move
from registration.web.staff.editor_rows import Rows

blueprint = Blueprint("staff_editor", __name__, url_prefix="/staff")

SECTIONS: list[tuple[str, Any]] = [
    ("basics", _("Basics")),
    ("texts", _("Texts")),
    ("options", _("Ways to attend")),
    ("registration", _("Registration")),
    ("questions", _("Questions")),
    ("people", _("People")),
    ("agenda", _("Programme")),
    ("publications", _("Publications")),
]
_NAMES = dict(SECTIONS)


class SeenForm(FlaskForm):  # type: ignore[misc]
    """The head of a list of rows: what the rows were when they were shown."""

    seen = HiddenField()


@blueprint.route("/events/new", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def new() -> ResponseReturnValue:
    """Begin an event on one page."""
    form = NewEventForm(time_zone=_usual_zone())
    if request.method == "POST" and form.validate_for(None):
        try:
            event = events.create(draft=_draft(form), staff_id=current_user.id, now=now())
        except EventRefused as refusal:
            form.ends_at.errors = [str(refusal)]
        else:
            flash(gettext("The draft is saved. Nobody sees it before you publish it."), "ok")
            return redirect(url_for(".section", slug=event.slug, name="texts"), code=303)
    return render_template("staff/editor/new.html", form=form, zones=_zones())


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
    """The zone of the latest event: most are in one place."""
    latest = select(Event.time_zone).order_by(Event.id.desc()).limit(1)
    return db.session.scalar(latest) or "America/New_York"


def _zones() -> list[str]:
    return sorted(zone for zone in available_timezones() if "/" in zone and "Etc" not in zone)


@blueprint.get("/events/<slug>/settings/")
@staff_only(StaffRole.ORGANISER)
def show(slug: str) -> ResponseReturnValue:
    """The first part of the editor."""
    return _render_section(event_by_slug(slug), "basics")


@blueprint.get("/events/<slug>/settings/<name>")
@staff_only(StaffRole.ORGANISER)
def section(slug: str, name: str) -> ResponseReturnValue:
    """One part of the event, to be edited."""
    return _render_section(event_by_slug(slug), _known(name))


@blueprint.post("/events/<slug>/settings/<name>")
@staff_only(StaffRole.ORGANISER)
def save(slug: str, name: str) -> ResponseReturnValue:
    """Save one part, or change its rows without saving."""
    event = event_by_slug(slug)
    if _known(name) in FORMS:
        return _save_form(event, name)
    return _save_rows(event, name)


@blueprint.post("/markdown")
@staff_only(StaffRole.ORGANISER)
def preview_text() -> ResponseReturnValue:
    """Markdown as the page shows it."""
    return jsonify(html=str(markdown(request.form.get("text", "")[:40_000])))


def _known(name: str) -> str:
    if name not in _NAMES:
        abort(404)
    return name


def _render_section(event: Event, name: str) -> str:
    if name in FORMS:
        return _page(event, name, form=FORMS[name].of(event))
    rows = _rows(event, name)
    saved = programme.rows_of(event, name)
    rows.fill(saved)
    return _page(event, name, form=SeenForm(seen=revisions.fingerprint(saved)), rows=rows)


def _page(event: Event, name: str, **about: Any) -> str:
    template = "rows" if "rows" in about else name
    return render_template(
        f"staff/editor/{template}.html",
        event=event,
        section=name,
        section_name=_NAMES[name],
        sections=SECTIONS,
        zones=_zones() if name == "basics" else [],
        retired=programme.retired_questions(event) if name == "questions" else [],
        **about,
    )


def _save_form(event: Event, name: str) -> ResponseReturnValue:
    form = FORMS[name]()
    refused = _keep_picture(form)
    if name == "basics" and event.status is not EventStatus.DRAFT:
        form.slug.process(None, event.slug)
    do = request.form.get("do", "save")
    if do in ("preview", "back"):
        form.show(event)
        return _page(event, name, form=form, previewed=do == "preview")
    is_fine = form.validate_for(event)
    if refused:
        form["image_file"].errors = [refused]
    if refused or not is_fine:
        return _page(event, name, form=form)
    changes = form.changes(event)
    moving = editor_moves.moves(event, changes)
    try:
        if do == "save":
            news = events.foresee(event_id=event.id, changes=changes, now=now())
            if news.attendees or news.speakers:
                return _ask_whether_to_tell(
                    event_by_slug(event.slug), form, name, news, changes, moving
                )
        saved = events.edit(
            event_id=event.id,
            changes=changes,
            seen=form.seen.data or "",
            staff_id=current_user.id,
            now=now(),
            tell=do == "tell",
        )
    except EditedMeanwhile as meanwhile:
        return _show_both(event_by_slug(event.slug), name, form, meanwhile.current)
    except EventRefused as refusal:
        form.form_errors.append(str(refusal))
        return _page(event_by_slug(event.slug), name, form=form)
    told = gettext("Saved. The mails wait for ten minutes; until then you can take them back.")
    flash(told if do == "tell" else gettext("Saved."), "ok")
    editor_moves.tell(moving)
    return redirect(url_for(".section", slug=saved.slug, name=name), code=303)


def _keep_picture(form: SectionForm) -> str:
    """Store an uploaded picture at once, so that no mistake elsewhere loses it; what is wrong."""
    upload = form["image_file"].data if "image_file" in form else None
    if isinstance(upload, FileStorage) and upload.filename:
        try:
            form["image"].data = photos.save(upload)
        except PhotoRefused as refusal:
            return str(refusal)
    if "image" in form and request.form.get("remove_image"):
        form["image"].data = ""
    return ""


def _ask_whether_to_tell(
    event: Event,
    form: SectionForm,
    name: str,
    news: Reach,
    changes: dict[str, Any],
    moving: list[Move],
) -> str:
    """Before a change that calendars show is saved: who would be told what."""
    return render_template(
        "staff/editor/tell.html",
        event=event,
        section=name,
        section_name=_NAMES[name],
        sections=SECTIONS,
        news=news,
        lines=told_changes(news.before, news.after, list(news.after)),
        moving=moving,
        shifted=changes.get("starts_at") != event.starts_at,
        sent=[
            (field, value)
            for field in request.form
            if field not in ("do", "csrf_token")
            for value in request.form.getlist(field)
        ]
        + ([("image", form["image"].data)] if "image" in form else []),
    )


def _show_both(event: Event, name: str, form: Any, current: dict[str, Any]) -> ResponseReturnValue:
    """Somebody else has saved meanwhile: their version beside this one, and nothing lost."""
    theirs = []
    if "rows" not in current:
        saved = FORMS[name].of(event)
        theirs = [
            (form[field].label.text, _shown(saved[field]), _shown(form[field]))
            for field in current
            if form[field].data != current[field]
        ]
        form.seen.data = revisions.fingerprint(current)
    return _both(event, name, form=form, theirs=theirs)


def _shown(field: Any) -> str:
    """A field's value as words."""
    value = field._value() if hasattr(field, "_value") else field.data
    for choice in getattr(field, "choices", None) or ():
        if choice.value == field.data:
            return str(choice.label)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return str(value or "").replace("T", " ") if field.type == "MomentField" else str(value or "")


def _rows(event: Event, name: str) -> Rows:
    shown = listing.programme_of(event)
    return Rows(name, event, shown.options, shown.publications)


def _save_rows(event: Event, name: str) -> ResponseReturnValue:
    form, rows = SeenForm(), _rows(event, name)
    rows.read(request.form, request.files)
    _keep_photos(rows)
    do = request.form.get("do", "save")
    if do != "save":
        rows.act(do)
        return _page(event, name, form=form, rows=rows, unsaved=True)
    if not form.validate() or not rows.validate() or rows.problems:
        return _page(event, name, form=form, rows=rows)
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
        return _page(event_by_slug(event.slug), name, form=form, rows=rows)
    if name == "options":
        _save_capacities(event_id, values)
    said = gettext("Saved.")
    if mailed:
        said += " " + ngettext("%(num)d speaker is mailed.", "%(num)d speakers are mailed.", mailed)
    flash(said, "ok")
    return redirect(url_for(".section", slug=event_by_slug(event.slug).slug, name=name), code=303)


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
    for _key, form in rows.forms:
        upload = form["photo_file"].data if "photo_file" in form else None
        if isinstance(upload, FileStorage) and upload.filename:
            try:
                form["photo"].data = photos.save(upload)
            except PhotoRefused as refusal:
                rows.problems.append(f"{form.title}: {refusal}")


def _show_both_rows(
    event: Event, name: str, form: SeenForm, rows: Rows, current: dict[str, Any]
) -> ResponseReturnValue:
    """Their rows to read, these rows to go on with."""
    saved = _rows(event, name)
    saved.fill(current["rows"])
    form.seen.data = revisions.fingerprint(current["rows"])
    theirs = [
        (row.title, "; ".join(filter(None, (_shown(row[field]) for field in row.names))), "")
        for _key, row in saved.forms
    ]
    return _both(event, name, form=form, rows=rows, theirs=theirs)


def _both(event: Event, name: str, **about: Any) -> tuple[str, int]:
    """The page with both versions, and who saved the other one."""
    entry = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.event_id == event.id, AuditEntry.action == "event.edited")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).one_or_none()
    return _page(event, name, entry=entry, **about), 409
