"""The door of the room, on a phone: scan or type a ticket, search a name, add a walk-in."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Optional

from registration import arrivals, checkin, lookup, turnout, walkins
from registration.admission import Refusal, RsvpRefused
from registration.arrivals import Decision, Outcome
from registration.database import db
from registration.models import Event, StaffRole
from registration.parties import Details
from registration.times import now
from registration.web.fields import at_most, is_email, one_line
from registration.web.staff.access import event_by_slug, own_events, staff_only
from registration.web.staff.attendees import instants

blueprint = Blueprint("staff_door", __name__, url_prefix="/staff/events/<slug>/door")

# Seconds: a ticket that a phone kept for longer counts as scanned now.
_KEPT_FOR = 24 * 60 * 60

_DOOR = (StaffRole.ORGANISER, StaffRole.DOOR)


class WalkInForm(FlaskForm):  # type: ignore[misc]
    """Somebody without an RSVP. At the door a name is enough."""

    name = StringField(
        _("Name"),
        filters=[one_line],
        validators=[InputRequired(_("Enter the name for the badge")), *at_most(200)],
        render_kw={"autocomplete": "off", "autocapitalize": "words"},
    )
    organisation = StringField(
        _("Organisation"),
        filters=[one_line],
        validators=at_most(200),
        render_kw={"autocomplete": "off"},
    )
    email = StringField(
        _("Email"),
        description=_("For the recording and the follow-up. Nothing is mailed now."),
        filters=[one_line],
        validators=[Optional(), *at_most(254), is_email],
        render_kw={"autocomplete": "off", "inputmode": "email", "autocapitalize": "off"},
    )

    # Pressed twice, or sent again since no answer came, a form lets in once.
    once = HiddenField(
        default=lambda: secrets.token_hex(12),
        filters=[lambda text: text if re.fullmatch(r"[0-9a-f]{24}", text or "") else ""],
    )

    def details(self, event: Event) -> Details:
        """What the verb needs."""
        return Details(
            name=self.name.data,
            email=self.email.data or "",
            organisation=self.organisation.data or "",
            language=event.language,
        )


@blueprint.get("")
@staff_only(*_DOOR)
def index(slug: str) -> ResponseReturnValue:
    """The scanner, the search and who came in last."""
    event = event_by_slug(slug)
    text = request.args.get("q", "").strip()[:200]
    found = lookup.search(event, text) if text else None
    return _page(event, text=text, found=found, is_misread=lookup.is_misread(text))


@blueprint.get("/shell")
@staff_only(*_DOOR)
def shell(slug: str) -> ResponseReturnValue:
    """The door's page for when there is no network: it names nobody, and tickets are kept."""
    event = event_by_slug(slug)
    return render_template("staff/door/show.html", event=event, is_shell=True, is_today=True)


@blueprint.post("")
@staff_only(*_DOOR)
def admit(slug: str) -> ResponseReturnValue:
    """Let in by ticket, or one of a search's result; what is no ticket is searched for."""
    event = event_by_slug(slug)
    text = request.form.get("q", "").strip()[:300]
    attendee_id = request.form.get("attendee", 0, type=int)
    code = lookup.code_in(text)
    if not attendee_id and "scan" not in request.form and (not code or _is_name(text, code)):
        return redirect(url_for(".index", slug=slug, q=text or None), code=303)
    decision = checkin.admit(
        event_id=event.id,
        staff_id=current_user.id,
        now=now() - _ago(),
        code=code,
        attendee_id=attendee_id,
        again="again" in request.form,
        kept="ago" in request.form,
    )
    return _answer(event, decision, text=text)


def _ago() -> timedelta:
    """How long ago a phone without a network took this ticket; by its clock alone, right or not."""
    seconds = request.form.get("ago", 0.0, type=float)
    return timedelta(seconds=seconds) if 0 < seconds < _KEPT_FOR else timedelta()


def _is_name(text: str, code: str) -> bool:
    """Whether a text of eight letters is no ticket's code: then it may be a name."""
    return lookup.looks_like_name(text) and lookup.person_by_code(code) is None


@blueprint.post("/seat")
@staff_only(*_DOOR)
def seat(slug: str) -> ResponseReturnValue:
    """Give a seat to one at the door who waits for one, or has a place online."""
    event = event_by_slug(slug)
    attendee_id = request.form.get("attendee", 0, type=int)
    try:
        decision = walkins.seat(
            event_id=event.id,
            attendee_id=attendee_id,
            staff_id=current_user.id,
            now=now(),
            beyond_capacity="beyond" in request.form,
        )
    except LookupError:
        abort(404)
    except RsvpRefused as refusal:
        unseated = lookup.person_by_id(attendee_id)
        return _answer(
            event,
            Decision(arrivals.standing(unseated, event.id), unseated),
            refusal=str(refusal),
            is_full=refusal.reason is Refusal.FULL,
        )
    return _answer(event, decision)


@blueprint.post("/undo")
@staff_only(*_DOOR)
def undo(slug: str) -> ResponseReturnValue:
    """Take a check-in back."""
    event = event_by_slug(slug)
    seen = instants(request.form.get("seen", ""))
    try:
        person = checkin.undo(
            event_id=event.id,
            attendee_id=request.form.get("attendee", 0, type=int),
            staff_id=current_user.id,
            now=now(),
            seen=seen[0] if seen else None,
        )
    except LookupError:
        abort(404)
    if person.checked_in_at is None:
        flash(gettext("%(name)s is not in any more.", name=person.name), "ok")
    else:
        text = gettext("%(name)s was let in again since. Nothing was undone.", name=person.name)
        flash(text, "warn")
    return redirect(url_for(".index", slug=slug), code=303)


@blueprint.route("/walk-in", methods=["GET", "POST"])
@staff_only(*_DOOR)
def walk_in(slug: str) -> ResponseReturnValue:
    """Let somebody in who has no RSVP; beyond the capacity only with a press of its own."""
    event = event_by_slug(slug)
    form = WalkInForm()
    refused: Refusal | None = None
    status = 200
    if request.method != "POST":
        form.name.data = request.args.get("name", "")[:200]
    elif form.validate_on_submit():
        try:
            person = walkins.walk_in(
                event_id=event.id,
                details=form.details(event),
                staff_id=current_user.id,
                now=now(),
                beyond_capacity="beyond" in request.form,
                once=form.once.data,
            )
        except RsvpRefused as refusal:
            event = event_by_slug(slug)
            refused, status = refusal.reason, 409
            form.form_errors.append(str(refusal))
        else:
            flash(gettext("%(name)s is in.", name=person.name), "ok")
            return redirect(url_for(".index", slug=slug), code=303)
    else:
        status = 422
    page = render_template(
        "staff/door/walk_in.html",
        event=event,
        form=form,
        is_full=refused is Refusal.FULL,
        has_rsvp=refused is Refusal.HAS_RSVP,
        counts=turnout.counts_of(event),
    )
    return page, status


@blueprint.get("/now")
@staff_only(*_DOOR)
def live(slug: str) -> ResponseReturnValue:
    """The counts and who came in last, as a piece of the page: each phone asks now and then."""
    event = event_by_slug(slug)
    return render_template("staff/door/_now.html", event=event, **_now(event))


def _answer(
    event: Event,
    decision: Decision,
    *,
    text: str = "",
    refusal: str = "",
    is_full: bool = False,
) -> ResponseReturnValue:
    """What the door says: pieces of the page for the script, the page for who has none."""
    found = {
        "decision": decision,
        "outcome": str(decision.outcome),
        "person": decision.person,
        "elsewhere": _event_elsewhere(decision),
        "refusal": refusal,
        "is_full": is_full,
        "typed": text,
    }
    if request.headers.get("X-Requested-With") == "fetch":
        return render_template("staff/door/_answer.html", event=event, **_now(event), **found)
    return _page(event, **found)


def _event_elsewhere(decision: Decision) -> Event | None:
    """The event that a ticket is for, if who is signed in works on it too."""
    if decision.outcome is not Outcome.ELSEWHERE or decision.person is None:
        return None
    return db.session.scalars(
        select(Event).where(Event.id == decision.person.rsvp.event_id, own_events())
    ).one_or_none()


def _page(event: Event, **found: object) -> ResponseReturnValue:
    return render_template(
        "staff/door/show.html",
        event=event,
        is_today=event.is_on_day_of(now()),
        **_now(event),
        **found,
    )


def _now(event: Event) -> dict[str, object]:
    """What each page and answer of the door carries: the counts, who came in last, the time.

    And why nobody else is given a seat, where that is so.
    """
    counts = turnout.counts_of(event)
    return {
        "counts": counts,
        "recent": turnout.last_in(event, counts=counts),
        "now": now(),
        "no_seats": walkins.why_no_seats(event, has_room=counts.has_room, now=now()),
    }
