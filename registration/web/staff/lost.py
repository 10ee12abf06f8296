"""A form sent by who must first show who they are: what was typed is kept until it can be saved."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from registration.web.staff.field_names import FIELDS

#: Rooms in which people type for long.
_ROOMS = (
    "staff_editor",
    "staff_mailings",
    "staff_speakers",
    "staff_person",
    "staff_recording",
    "staff_account",
)
#: What their forms send that nobody has typed.
_UNTYPED = ("csrf_token", "do", "seen", "seen_at", "row", "as", "kept", "role", "events")


def is_from_our_own_page() -> bool:
    """Whether a form came from here.

    Another site must not be able to fill a form that only waits for a click.
    """
    origin = urlsplit(request.headers.get("Origin", ""))
    return request.method == "POST" and bool(origin.netloc) and origin.netloc == request.host


def keeps_what_was_sent() -> bool:
    """Whether this request is a form in which something was typed, and came from our own page."""
    has_typed = any(value and _is_typed(name) for name, value in request.form.items(multi=True))
    return has_typed and (request.blueprint or "").startswith(_ROOMS) and is_from_our_own_page()


def keep(*, is_in: bool = False) -> ResponseReturnValue:
    """A page that holds what was sent, and sends it again once somebody has signed in.

    Who `is_in` shows there that it is still them.
    """
    sent = [
        (name, value)
        for name in request.form
        if name != "csrf_token"
        for value in request.form.getlist(name)
    ]
    page = render_template(
        "staff/lost.html",
        sent=sent,
        typed=[(_label(name), value) for name, value in sent if value and _is_typed(name)],
        has_files=any(upload.filename for upload in request.files.values()),
        is_in=is_in,
        door=url_for(
            "security.verify" if is_in else "security.login", next=url_for("staff_events.index")
        ),
    )
    return page, 401


def _is_typed(name: str) -> bool:
    return name not in _UNTYPED and not name.startswith("shown_")


def _label(name: str) -> str:
    """A field as the log calls it; one of a row without the row's own key."""
    own = name.rpartition("-")[2].strip("_")
    return str(FIELDS.get(own) or own.replace("_", " "))
