"""The editor of an event: one part of it on each page, saved by itself.

The parts that are one form are saved here; those that are lists of rows in editor_lists.py.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from werkzeug.datastructures import FileStorage

from registration import announcements, events, lifecycle, listing, pictures, preflight, revisions
from registration.audience import Reach
from registration.letters.events import changes as told_changes
from registration.models import Event, StaffRole
from registration.revisions import EditedMeanwhile, EventRefused
from registration.times import now
from registration.web import photos
from registration.web.filters import markdown
from registration.web.photos import PhotoRefused
from registration.web.staff import editor_lists, editor_moves
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.editor_forms import FORMS, SectionForm
from registration.web.staff.editor_moves import Shift
from registration.web.staff.editor_page import NAMES, SECTIONS, both, page, shown

blueprint = Blueprint("staff_editor", __name__, url_prefix="/staff")


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
    return editor_lists.save(event, name)


@blueprint.post("/markdown")
@staff_only(StaffRole.ORGANISER)
def preview_text() -> ResponseReturnValue:
    """Markdown as the page shows it."""
    return jsonify(html=str(markdown(request.form.get("text", "")[:40_000])))


def _known(name: str) -> str:
    if name not in NAMES:
        abort(404)
    return name


def _render_section(event: Event, name: str) -> str:
    if name in FORMS:
        return page(event, name, form=FORMS[name].of(event))
    return editor_lists.show(event, name)


def _save_form(event: Event, name: str) -> ResponseReturnValue:
    form = FORMS[name]()
    refused = _keep_picture(form, event.image)
    if name == "basics" and lifecycle.has_been_public(event):
        form.slug.process(None, event.slug)
    do = request.form.get("do", "save")
    if do in ("preview", "back"):
        form.show(event)
        return page(event, name, form=form, previewed=do == "preview")
    is_fine = form.validate_for(event)
    if refused:
        form["image_file"].errors = [refused]
    if refused or not is_fine:
        return page(event, name, form=form), 422
    changes = form.changes(event)
    moving = editor_moves.moves(event, changes)
    try:
        if do == "save":
            news = events.foresee(event_id=event.id, changes=changes, now=now())
            if not news.is_empty:
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
        return page(event_by_slug(event.slug), name, form=form), 422
    is_told = do == "tell" and not saved.is_past(now())
    told = gettext("Saved. The mails wait for ten minutes; until then you can take them back.")
    flash(told if is_told else gettext("Saved."), "ok")
    if do == "tell" and not is_told:
        flash(str(announcements.TOLD_TOO_LATE), "warn")
    editor_moves.tell(moving)
    for finding in preflight.shut_ways(saved, listing.options_of(saved), now=now()):
        flash(str(finding.text), "warn")
    return redirect(url_for(".section", slug=saved.slug, name=name), code=303)


def _keep_picture(form: SectionForm, saved: str) -> str:
    """Store an uploaded picture at once, so that no mistake elsewhere loses it; what is wrong."""
    if "image" in form and form["image"].data and not pictures.is_upload(form["image"].data):
        form["image"].data = saved
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
    moving: list[Shift],
) -> str:
    """Before a change that calendars show is saved: who would be told what."""
    return render_template(
        "staff/editor/tell.html",
        event=event,
        section=name,
        section_name=NAMES[name],
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
    saved = FORMS[name].of(event)
    if "image" in current and form.image.data and not pictures.is_upload(form.image.data):
        form.image.data = current["image"]
    theirs = [
        (form[field].label.text, shown(saved[field]), shown(form[field]))
        for field in current
        if form[field].data != current[field]
    ]
    form.seen.data = revisions.fingerprint(current)
    return both(event, name, form=form, theirs=theirs)
