"""The editor's page: the parts of an event, and one of them as it is or as two have saved it."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import select

from registration import lifecycle, programme
from registration.database import db
from registration.models import AuditEntry, Event
from registration.web.staff.editor_fields import zones

SECTIONS: list[tuple[str, Any]] = [
    ("basics", _("Basics")),
    ("texts", _("Texts")),
    ("options", _("Ways to attend")),
    ("registration", _("Registration")),
    ("questions", _("Questions")),
    ("people", _("Who speaks")),
    ("agenda", _("Programme")),
    ("publications", _("Publications")),
]
#: What each part is called.
NAMES = dict(SECTIONS)


def page(event: Event, name: str, **about: Any) -> str:
    """A part of the event: `form`, and `rows` where it is a list of them."""
    template = "rows" if "rows" in about else name
    return render_template(
        f"staff/editor/{template}.html",
        event=event,
        section=name,
        section_name=NAMES[name],
        sections=SECTIONS,
        zones=zones() if name == "basics" else [],
        keeps_slug=name == "basics" and lifecycle.has_been_public(event),
        retired=programme.retired_questions(event) if name == "questions" else [],
        **about,
    )


def both(event: Event, name: str, **about: Any) -> tuple[str, int]:
    """The page with both versions, and who saved the other one."""
    entry = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.event_id == event.id, AuditEntry.action == "event.edited")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).one_or_none()
    return page(event, name, entry=entry, **about), 409


def shown(field: Any) -> str:
    """A field's value as words; a picture as itself."""
    if field.data and field.short_name in ("image", "photo"):
        url = url_for("pages.media", name=field.data)
        return Markup('<img class="thumb" src="{}" alt="{}">').format(url, gettext("Picture"))
    value = field._value() if hasattr(field, "_value") else field.data
    for choice in getattr(field, "choices", None) or ():
        if choice.value == field.data:
            return str(choice.label)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return str(value or "").replace("T", " ") if field.type == "MomentField" else str(value or "")
