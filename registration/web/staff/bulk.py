"""What staff do with many RSVPs at once: those that are ticked, or all that match the filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select

from registration import approvals, desk, roster, rsvps
from registration.admission import RsvpRefused
from registration.database import db
from registration.models import LIVE, Event, Rsvp, StaffRole
from registration.times import now
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.attendees import filters_of_request, instants, keep_list
from registration.web.staff.editor_fields import lines

blueprint = Blueprint("staff_bulk", __name__, url_prefix="/staff/events/<slug>/attendees/many")
blueprint.url_defaults(keep_list)

#: How many RSVPs one request works on; it goes on with the next until all are done.
STEP = 300
_CHUNK = 100


@dataclass(frozen=True)
class Action:
    """One thing to do with many: what it is called, and what it means for those it is done to."""

    label: object
    explained: object
    run: Callable[[Sequence[int], int, datetime, str], int]
    is_grave: bool = False  # it ends RSVPs; staff may say why


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """What staff say to those whose RSVPs they end."""

    reason = lines(_("A word to them"), 500, 3, description=_("It stands in the mail."))


def _approve(ids: Sequence[int], staff_id: int, moment: datetime, _reason: str) -> int:
    return approvals.approve(rsvp_ids=ids, staff_id=staff_id, now=moment)


def _reject(ids: Sequence[int], staff_id: int, moment: datetime, reason: str) -> int:
    return approvals.reject(rsvp_ids=ids, staff_id=staff_id, now=moment, reason=reason)


def _promote(ids: Sequence[int], staff_id: int, moment: datetime, _reason: str) -> int:
    done = 0
    for rsvp_id in ids:
        try:
            approvals.promote(rsvp_id=rsvp_id, staff_id=staff_id, now=moment)
        except RsvpRefused:
            continue
        done += 1
    return done


def _cancel(ids: Sequence[int], staff_id: int, moment: datetime, reason: str) -> int:
    live = set(db.session.scalars(select(Rsvp.id).where(Rsvp.id.in_(ids), Rsvp.status.in_(LIVE))))
    for rsvp_id in ids:
        if rsvp_id in live:
            rsvps.cancel(rsvp_id=rsvp_id, now=moment, by="staff", staff_id=staff_id, reason=reason)
    return len(live)


def _check_in(ids: Sequence[int], staff_id: int, moment: datetime, _reason: str) -> int:
    return desk.check_in(rsvp_ids=ids, staff_id=staff_id, now=moment)


ACTIONS = {
    "approve": Action(
        _("Approve"),
        _("Those who wait for approval get their seats, or a position in the queue, and a mail."),
        _approve,
    ),
    "reject": Action(
        _("Reject"),
        _(
            "They lose their seats or their position in the queue, and get a mail. "
            "Freed seats go to those who wait."
        ),
        _reject,
        is_grave=True,
    ),
    "promote": Action(
        _("Give a seat"),
        _("Those who wait move up in order of arrival, as far as seats are free, and get a mail."),
        _promote,
    ),
    "check_in": Action(
        _("Check in"),
        _("Those who have seats in the room are noted as there. This can be undone."),
        _check_in,
    ),
    "cancel": Action(
        _("Cancel"),
        _(
            "Their RSVPs end, and each gets a mail. Freed seats go to those who wait. "
            "This cannot be undone."
        ),
        _cancel,
        is_grave=True,
    ),
}  # fmt: skip


@blueprint.post("/")
@staff_only(StaffRole.ORGANISER)
def act(slug: str) -> ResponseReturnValue:
    """Say what would be done with whom; done it is when that page is sent."""
    event = event_by_slug(slug)
    name = request.form.get("do", "")
    action = ACTIONS.get(name) or abort(400)
    after = request.form.get("after", 0, type=int)
    ids, total = _chosen(event, after)
    back = _where_from(slug)
    if not ids and not after:
        flash(gettext("Tick somebody first."), "warn")
        return redirect(back, code=303)
    form = ReasonForm()
    if "sure" not in request.form or not form.validate():
        page = render_template(
            "staff/bulk.html",
            event=event,
            name=name,
            action=action,
            form=form,
            count=total or request.form.get("total", len(ids), type=int),
            ids=ids if "all" not in request.form else [],
            names=_names(ids[:5]),
            back=back,
            here=request.full_path,
        )
        return page, 422 if form.errors else 200
    try:
        so_far = _work(action, ids, form.reason.data.strip())
    except RsvpRefused as refusal:
        flash(str(refusal), "warn")
        return redirect(back, code=303)
    if "all" in request.form and len(ids) == STEP:
        return render_template(
            "staff/bulk_on.html",
            event=event,
            name=name,
            action=action,
            after=ids[-1],
            so_far=so_far,
            reason=form.reason.data,
            back=back,
            here=request.full_path,
        )
    _say(name, so_far.done, so_far.seen)
    if name == "check_in" and so_far.done:
        back += ("&" if "?" in back else "?") + urlencode({"undo": ",".join(so_far.moments)})
    return redirect(back, code=303)


@dataclass(frozen=True)
class SoFar:
    """How far an action on all that match has got, over all its steps."""

    total: int  # that matched when it began
    seen: int
    done: int
    moments: list[str]  # one for each step, for an undo


def _work(action: Action, ids: Sequence[int], reason: str) -> SoFar:
    """Do it to these; what was done, with the steps before."""
    moment, done = now(), 0
    for first in range(0, len(ids), _CHUNK):
        done += action.run(ids[first : first + _CHUNK], current_user.id, moment, reason)
    before = {name: request.form.get(name, 0, type=int) for name in ("total", "seen", "done")}
    return SoFar(
        total=before["total"],
        seen=before["seen"] + len(ids),
        done=before["done"] + done,
        moments=[*request.form.getlist("at"), *([moment.isoformat()] if done else [])],
    )


@blueprint.post("/undo")
@staff_only(StaffRole.ORGANISER)
def undo(slug: str) -> ResponseReturnValue:
    """Take back who was checked in together a moment ago, in as many steps as it took."""
    event = event_by_slug(slug)
    moments = instants(request.form.get("at", ""))
    if not moments:
        abort(400)
    about = {"event_id": event.id, "staff_id": current_user.id, "now": now()}
    done = sum(desk.take_back_check_in(at=at, **about) for at in moments)
    text = ngettext("%(num)d check-in taken back.", "%(num)d check-ins taken back.", done)
    flash(text, "ok")
    return redirect(url_for("staff_attendees.index", slug=slug) + _kept(), code=303)


def _chosen(event: Event, after: int) -> tuple[list[int], int]:
    """The RSVPs to work on now, and how many are meant; never those of another event."""
    if "all" in request.form:
        filters = filters_of_request()
        total = 0 if "sure" in request.form else roster.count(event, filters)
        return roster.ids_of(event, filters, STEP, after=after), total
    wanted = request.form.getlist("id", type=int)[:STEP]
    found = db.session.scalars(
        select(Rsvp.id)
        .where(Rsvp.event_id == event.id, Rsvp.id.in_(wanted), Rsvp.erased_at.is_(None))
        .order_by(Rsvp.created_at, Rsvp.id)
    ).all()
    return list(found), len(found)


def _names(ids: Sequence[int]) -> list[str]:
    return list(db.session.scalars(select(Rsvp.name).where(Rsvp.id.in_(ids)).order_by(Rsvp.id)))


def _where_from(slug: str) -> str:
    """The list with its filters, or the page of the one person whom it is about."""
    if person := request.args.get("person", type=int):
        return url_for("staff_attendees.show", slug=slug, rsvp_id=person)
    return url_for("staff_attendees.index", slug=slug) + _kept()


def _kept() -> str:
    kept = {name: value for name, value in request.args.items() if value and name != "undo"}
    return f"?{urlencode(kept)}" if kept else ""


def _say(name: str, done: int, meant: int) -> None:
    texts = {
        "approve": ngettext("%(num)d RSVP approved.", "%(num)d RSVPs approved.", done),
        "reject": ngettext("%(num)d RSVP rejected.", "%(num)d RSVPs rejected.", done),
        "promote": ngettext("%(num)d party has a seat.", "%(num)d parties have seats.", done),
        "check_in": ngettext("%(num)d person checked in.", "%(num)d people checked in.", done),
        "cancel": ngettext("%(num)d RSVP cancelled.", "%(num)d RSVPs cancelled.", done),
    }  # fmt: skip
    flash(texts[name], "ok" if done else "warn")
    if done < meant and name != "check_in":
        left = meant - done
        flash(
            ngettext(
                "%(num)d stayed as it was: it is done already, there was no seat, or its state "
                "does not allow it.",
                "%(num)d stayed as they were: it is done already, there was no seat, or their "
                "state does not allow it.",
                left,
            ),
            "warn",
        )
