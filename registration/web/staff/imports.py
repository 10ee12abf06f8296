"""Lists of invitees and RSVPs: sent, matched, tried, and taken in."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_security import current_user

from registration import imports, listing, matching, sheets, wording
from registration.database import db
from registration.fates import COMING, TAKEN, Candidate, Fate, Plan
from registration.formats import harmless
from registration.imports import ImportRefused
from registration.models import Event, EventStatus, ImportKind, PendingImport, Question, StaffRole
from registration.sheets import Sheet, SheetRefused
from registration.times import now
from registration.web.files import file
from registration.web.staff.access import event_by_slug, staff_only

blueprint = Blueprint("staff_imports", __name__, url_prefix="/staff/events/<slug>/import")
#: Rows of a dry run on one page.
PAGE = 100

FIELD_NAMES = {
    "email": _("Email address"),
    "name": _("Name"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "organisation": _("Organisation"),
    "job_title": _("Job title"),
    "language": _("Language of the mails"),
    "option": _("Way to attend"),
    "guests": _("Guests, by name"),
    "rsvp_by": _("RSVP by, on rows of guests"),
    "status": _("Status"),
}
FATE_NAMES = {
    Fate.INVITED: _("Will be invited"),
    Fate.SEATED: _("With a seat or a link"),
    Fate.WAITS: _("On the waitlist"),
    Fate.FULL: _("Left out: full"),
    Fate.EXISTS: _("Left out: is there already"),
    Fate.GUEST: _("Guest of somebody in the list"),
    Fate.DUPLICATE: _("Left out: twice in the list"),
    Fate.NOT_COMING: _("Left out: has cancelled or was refused"),
    Fate.WANTS_NO_MAIL: _("Left out: wants no mail"),
    Fate.NO_ADDRESS: _("Left out: no address"),
    Fate.BAD_ADDRESS: _("Left out: not an address"),
    Fate.NO_NAME: _("Left out: no name"),
    Fate.TOO_LONG: _("Left out: too long"),
    Fate.UNKNOWN_OPTION: _("Left out: unknown way to attend"),
    Fate.TOO_MANY_GUESTS: _("Left out: too many guests"),
    Fate.BAD_ANSWER: _("Left out: not an answer"),
}


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER)
def index(slug: str) -> ResponseReturnValue:
    """Choose what the rows are, and the file."""
    return _start(event_by_slug(slug))


def _start(event: Event, problem: str = "") -> str:
    chosen = request.values.get("as", "invitees" if event.visibility == "invitation" else "rsvps")
    return render_template(
        "staff/imports/start.html",
        event=event,
        chosen=chosen,
        problem=problem,
        why_not=imports.why_not(event, now=now()),
    )


@blueprint.post("/")
@staff_only(StaffRole.ORGANISER)
def send(slug: str) -> ResponseReturnValue:
    """Read the file and keep the list for its dry run."""
    event = event_by_slug(slug)
    upload = request.files.get("list")
    if request.form.get("as") not in list(ImportKind):
        return _start(event, gettext("Choose what the rows of the list are")), 422
    if upload is None or not upload.filename:
        return _start(event, gettext("Choose a file")), 422
    try:
        sheet = sheets.read(upload.read(sheets.MOST_BYTES + 1), upload.filename)
    except SheetRefused as refusal:
        return _start(event, str(refusal)), 422
    pending = imports.keep(
        event_id=event.id,
        staff_id=current_user.id,
        kind=ImportKind(request.form["as"]),
        sheet=sheet,
        file_name=upload.filename,
        now=now(),
    )
    return redirect(url_for(".show", slug=slug, import_id=pending.id), code=303)


@blueprint.get("/<int:import_id>")
@staff_only(StaffRole.ORGANISER)
def show(slug: str, import_id: int) -> ResponseReturnValue:
    """How the columns are matched, and what would become of each row."""
    event = event_by_slug(slug)
    pending = _pending(event, import_id)
    return _page(event, pending)


@blueprint.post("/<int:import_id>")
@staff_only(StaffRole.ORGANISER)
def act(slug: str, import_id: int) -> ResponseReturnValue:
    """Match anew, take the list in, or throw it away."""
    event = event_by_slug(slug)
    action = request.form.get("do", "")
    if db.session.get(PendingImport, import_id) is None:
        # Who presses twice, or comes from another tab.
        flash(str(imports.GONE), "ok")
        return redirect(url_for("staff_attendees.index", slug=slug), code=303)
    pending = _pending(event, import_id)
    if action == "drop":
        imports.drop(import_id=import_id)
        flash(gettext("The list is gone, nothing was imported."), "ok")
        return redirect(url_for(".index", slug=slug), code=303)
    if action == "match":
        plan = _plan_from_form(pending, listing.questions_of(event), event)
        imports.change_plan(import_id=import_id, plan=plan)
        return redirect(url_for(".show", slug=slug, import_id=import_id) + "#rows", code=303)
    if action != "go":
        abort(400)
    if "mail" in request.form:
        # What was chosen on the page and not tried yet is tried first: it may mail thousands.
        plan = _plan_from_form(pending, listing.questions_of(event), event)
        if plan != Plan.from_json(pending.plan):
            imports.change_plan(import_id=import_id, plan=plan)
            flash(
                gettext(
                    "You have changed how the list is read, so nothing is imported yet. "
                    "This is what would become of it now."
                ),
                "warn",
            )
            return redirect(url_for(".show", slug=slug, import_id=import_id), code=303)
    return _take_in(event, pending)


def _take_in(event: Event, pending: PendingImport) -> ResponseReturnValue:
    """Take the list in as it was tried, and say what became of its rows."""
    slug, import_id = event.slug, pending.id
    try:
        met = imports.run(
            event_id=event.id,
            sheet=Sheet.unpacked(pending.cells),
            kind=pending.kind,
            plan=Plan.from_json(pending.plan),
            staff_id=current_user.id,
            file_name=pending.file_name,
            now=now(),
            import_id=import_id,
        )
    except ImportRefused as refusal:
        flash(str(refusal), "warn")
        if db.session.get(PendingImport, import_id) is not None:
            return redirect(url_for(".show", slug=slug, import_id=import_id), code=303)
    else:
        flash(_summary(met), "ok")
    return redirect(url_for("staff_attendees.index", slug=slug), code=303)


@blueprint.get("/<int:import_id>/rows.csv")
@staff_only(StaffRole.ORGANISER)
def rows(slug: str, import_id: int) -> ResponseReturnValue:
    """The dry run as a file: each row with its fate, to be put right in the spreadsheet."""
    event = event_by_slug(slug)
    pending = _pending(event, import_id)
    sheet = Sheet.unpacked(pending.cells)
    found = imports.dry_run(event, sheet, pending.kind, Plan.from_json(pending.plan), now=now())
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text)
    header = [gettext("Line"), gettext("What becomes of it"), gettext("Why"), *sheet.header]
    writer.writerow(harmless(cell) for cell in header)
    for row, (line, cells) in zip(found, sheet.rows, strict=True):
        assert row.fate is not None
        said = [str(line), str(FATE_NAMES[row.fate]), row.why, *cells]
        writer.writerow(harmless(cell) for cell in said)
    return file(text.getvalue().encode(), "rows.csv", "text/csv; charset=utf-8")


def _page(event: Event, pending: PendingImport) -> str:
    sheet = Sheet.unpacked(pending.cells)
    plan = Plan.from_json(pending.plan)
    questions = listing.questions_of(event)
    found = imports.dry_run(event, sheet, pending.kind, plan, now=now())
    counts = Counter(row.fate for row in found)
    wanted = request.args.get("fate", "")
    shown = _wanted(found, wanted)
    number = min(max(1, request.args.get("page", 1, type=int)), max(1, -(-len(shown) // PAGE)))
    return render_template(
        "staff/imports/show.html",
        event=event,
        pending=pending,
        sheet=sheet,
        plan=plan,
        fields=_fields(pending.kind, questions),
        unread=[
            name
            for column, name in enumerate(sheet.titles)
            if name and column not in plan.columns.values()
        ],
        options=listing.options_of(event),
        may_mail=event.status is EventStatus.PUBLISHED,
        why_not=imports.why_not(event, now=now()),
        rows=shown[(number - 1) * PAGE : number * PAGE],
        shown=len(shown),
        number=number,
        pages=max(1, -(-len(shown) // PAGE)),
        counts=[(fate, counts[fate]) for fate in Fate if counts[fate]],
        taken=sum(counts[fate] for fate in TAKEN),
        coming=sum(not row.is_left_out for row in found),
        wanted=wanted,
        fate_names=FATE_NAMES,
    )


def _wanted(found: Sequence[Candidate], wanted: str) -> Sequence[Candidate]:
    if wanted == "left_out":
        return [row for row in found if row.is_left_out]
    if wanted in list(Fate):
        return [row for row in found if row.fate == wanted]
    return found


def _fields(kind: ImportKind, questions: Sequence[Question]) -> list[tuple[str, Any]]:
    labels = {f"question.{question.id}": question.label for question in questions}
    return [
        (name, labels.get(name) or FIELD_NAMES[name])
        for name in matching.fields_of(kind, questions)
    ]


def _plan_from_form(pending: PendingImport, questions: Sequence[Question], event: Event) -> Plan:
    width = len(Sheet.unpacked(pending.cells).header)
    columns = {}
    for name in matching.fields_of(pending.kind, questions):
        column = request.form.get(f"column.{name}", -1, type=int)
        if 0 <= column < width:
            columns[name] = column
    option_id = request.form.get("option", type=int)
    known = {option.id for option in listing.options_of(event)}
    if pending.kind is ImportKind.INVITEES:  # it does not ask how they attend
        option_id = Plan.from_json(pending.plan).option_id
    return Plan(
        columns=columns,
        option_id=option_id if option_id in known else None,
        sends_mail=request.form.get("mail") == "yes",
        waits=request.form.get("full", "wait") == "wait",
    )


def _summary(met: Counter[Fate]) -> str:
    """What an import has done, in one line."""
    parts = []
    if number := met[Fate.INVITED]:
        parts.append(ngettext("%(num)d person invited", "%(num)d people invited", number))
    if number := met[Fate.SEATED]:
        parts.append(ngettext("%(num)d RSVP confirmed", "%(num)d RSVPs confirmed", number))
    if number := met[Fate.WAITS]:
        parts.append(ngettext("%(num)d on the waitlist", "%(num)d on the waitlist", number))
    if number := met[Fate.GUEST]:
        parts.append(ngettext("%(num)d guest", "%(num)d guests", number))
    if number := sum(number for fate, number in met.items() if fate not in COMING):
        parts.append(ngettext("%(num)d row left out", "%(num)d rows left out", number))
    return gettext("Imported: %(what)s.", what=wording.listed(parts))


def _pending(event: Event, import_id: int) -> PendingImport:
    """A list that this account has sent for this event; anybody else's is a 404."""
    pending = db.session.get(PendingImport, import_id)
    if pending is None or pending.event_id != event.id or pending.staff_id != current_user.id:
        abort(404)
    return pending
