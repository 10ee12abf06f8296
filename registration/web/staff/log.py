"""The audit log: who did what, when, from where, with the difference. Nobody edits it."""

from __future__ import annotations

import ipaddress
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import joinedload

from registration.database import db
from registration.folding import words_in
from registration.models import AuditEntry, Event, Rsvp, SearchWord, Staff
from registration.web.staff.access import staff_only
from registration.web.staff.words import ACTION_NAMES, actions_that_read

blueprint = Blueprint("staff_log", __name__, url_prefix="/staff/log")
PAGE = 100
#: How many RSVPs of one name are looked for.
_MOST_PEOPLE = 500


@blueprint.get("/")
@staff_only()
def index() -> ResponseReturnValue:
    """The latest entries that match, and a way to earlier ones."""
    before = request.args.get("before", 0, type=int)
    search = request.args.get("q", "").strip()[:200]
    slug = request.args.get("event", "")
    who = request.args.get("who", 0, type=int)
    wanted = _matching(search, slug, who)
    if before:
        wanted = wanted.where(AuditEntry.id < before)
    entries = db.session.scalars(wanted.order_by(AuditEntry.id.desc()).limit(PAGE + 1)).all()
    shown = entries[:PAGE]
    return render_template(
        "staff/log.html",
        entries=shown,
        more=shown[-1].id if len(entries) > PAGE else None,
        search=search,
        slug=slug,
        of_event=db.session.scalar(select(Event).where(Event.slug == slug)) if slug else None,
        who=who,
        staff=db.session.scalars(select(Staff).order_by(Staff.email)).all(),
        events=_by_id(Event, {entry.event_id for entry in shown}),
        rsvps=_by_id(Rsvp, {entry.rsvp_id for entry in shown}),
    )


def _by_id(model: Any, ids: set[int | None]) -> dict[int, Any]:
    return {
        row.id: row for row in db.session.scalars(select(model).where(model.id.in_(ids - {None})))
    }


def _matching(search: str, slug: str, who: int) -> Select[AuditEntry]:
    """Entries of an event, of an account, and of what the words name: an action or a person."""
    wanted = select(AuditEntry).options(joinedload(AuditEntry.staff))
    if who:
        wanted = wanted.where(AuditEntry.staff_id == who)
    if slug:
        event_id = db.session.scalar(select(Event.id).where(Event.slug == slug))
        wanted = wanted.where(AuditEntry.event_id == event_id if event_id else false())
    if search:
        # Only what names something: a condition that no index serves reads the whole log.
        named: list[ColumnElement[bool]] = []
        if actions := actions_that_read(search):
            named.append(AuditEntry.action.in_(actions))
        if people := _people(search):
            named.append(AuditEntry.rsvp_id.in_(people))
        if "@" in search:
            named.extend(_of_account(search.lower()))
        if _is_network(search):
            named.append(AuditEntry.network == search)
        wanted = wanted.where(or_(false(), *named))
    return wanted


def _of_account(email: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What the account of an address did, and what was done with it."""
    about = [action for action in ACTION_NAMES if action.startswith("staff.")]
    return (
        AuditEntry.staff_id.in_(select(Staff.id).where(Staff.email == email)),
        AuditEntry.action.in_(about) & (AuditEntry.detail["account"].as_string() == email),
    )


def _people(search: str) -> list[int]:
    """The RSVPs of an address or of an exact name: one knows whom one seeks in a log."""
    by_address = select(Rsvp.id).where(Rsvp.email == search.lower())
    by_name = (
        select(Rsvp.id)
        .join(SearchWord, SearchWord.rsvp_id == Rsvp.id)
        .where(
            # The index begins with the event: named one by one, no words but these are read.
            SearchWord.event_id.in_(select(Event.id)),
            SearchWord.word == max(words_in(search), key=len, default=""),
            SearchWord.position == 0,
            Rsvp.name == search,
        )
    )
    return [*db.session.scalars(by_address.union(by_name).limit(_MOST_PEOPLE))]


def _is_network(search: str) -> bool:
    try:
        ipaddress.ip_network(search)
    except ValueError:
        return False
    return True
