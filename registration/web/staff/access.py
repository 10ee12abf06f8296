"""Who of the staff may: everything (admin), their events (organiser), the door of them (door)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlsplit, urlunsplit

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import auth_required, current_user
from sqlalchemy import ColumnElement, select, true

from registration import audit
from registration.database import db
from registration.models import Event, Rsvp, Speaker, StaffRole, staff_events
from registration.web.staff import lost

P = ParamSpec("P")


def note_network() -> None:
    """Let the audit log know from where a member of staff acts, and of nobody else."""
    is_staff = (request.blueprint or "").startswith(("staff_", "security"))
    audit.came_from.set((request.remote_addr or "") if is_staff else "")


def staff_only(*roles: StaffRole) -> Callable[..., Any]:
    """Let in accounts with one of these roles (admins always); others sign in, or get a 403."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                if lost.keeps_what_was_sent():
                    return lost.keep()
                had_ended = gettext(
                    "Your session had ended, so this was not done. Sign in and do it once more."
                )
                return redirect(url_for("security.login", next=_back(had_ended)), code=303)
            if not has_role(StaffRole.ADMIN, *roles):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


def _back(not_done: str) -> str:
    """Where to go on after signing in: what was asked for, or the page whose button was pressed.

    Most addresses that take a form show nothing by themselves, and the form is not sent again:
    `not_done` says so. What a script sends, like the scans that a phone has kept, it sends again
    by itself.
    """
    if request.method != "POST":
        return request.full_path.rstrip("?")
    if request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate":
        flash(not_done, "warn")
    page = urlsplit(request.referrer or "")
    if page.netloc != request.host:
        return url_for("staff_events.index")
    return urlunsplit(page._replace(scheme="", netloc=""))


def still_you() -> Callable[..., Any]:
    """Let in who has shown password or passkey of late; others show it once more.

    For what decides who signs in, and what they may do: a desk that is left alone for a while must
    not do.
    """
    return auth_required(  # type: ignore[no-any-return]
        "session", within=lambda: current_app.config["SECURITY_FRESHNESS"]
    )


def ask_again(_within: timedelta, _grace: timedelta) -> ResponseReturnValue:
    """Ask who has signed in a while ago to show once more that it is them; keep what they typed."""
    if lost.keeps_what_was_sent():
        return lost.keep(is_in=True)
    not_done = gettext("This is not done yet. Show that it is you, then do it once more.")
    return redirect(url_for("security.verify", next=_back(not_done)), code=303)


def has_role(*roles: StaffRole) -> bool:
    """Whether who is signed in has one of these roles."""
    return bool({str(role) for role in roles} & {role.name for role in current_user.roles})


def own_events() -> ColumnElement[bool]:
    """The condition on Event that it is one of who is signed in."""
    if has_role(StaffRole.ADMIN):
        return true()
    return Event.id.in_(
        select(staff_events.c.event_id).where(staff_events.c.staff_id == current_user.id)
    )


def works_on(event: Event) -> bool:
    """Whether who is signed in works on this event; nobody signed in does not."""
    if not current_user.is_authenticated:
        return False
    return db.session.scalar(select(Event.id).where(Event.id == event.id, own_events())) is not None


def event_by_slug(slug: str) -> Event:
    """An event of who is signed in; somebody else's is a 404."""
    event = db.session.scalars(select(Event).where(Event.slug == slug, own_events())).one_or_none()
    if event is None:
        abort(404)
    return event


def rsvp_of(event: Event, rsvp_id: int) -> Rsvp:
    """An RSVP of this event; another event's is a 404, and so is one that is erased."""
    rsvp = db.session.get(Rsvp, rsvp_id)
    if rsvp is None or rsvp.event_id != event.id or rsvp.is_erased:
        abort(404)
    return rsvp


def speaker_of(event: Event, speaker_id: int) -> Speaker:
    """A speaker of this event; another event's is a 404."""
    speaker = db.session.get(Speaker, speaker_id)
    if speaker is None or speaker.event_id != event.id:
        abort(404)
    return speaker
