"""The manage page of an RSVP and its buttons."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup

from registration import (
    answering,
    audit,
    entries,
    invitations,
    itip,
    links,
    listing,
    lobby,
    qr,
    queues,
    records,
    rsvps,
)
from registration.admission import RsvpRefused
from registration.models import AttendanceOption, EventStatus, Rsvp
from registration.parties import attendees, unanswered
from registration.times import now
from registration.web import access, tries
from registration.web.files import file, own_entry

blueprint = Blueprint("rsvps", __name__)


@blueprint.get("/rsvp/<key>")
def show(key: str) -> ResponseReturnValue:
    """The manage page: what the RSVP is now, and what can be done."""
    rsvp = access.rsvp_by_manage_key(key)
    event, moment = rsvp.event, now()
    options = listing.options_of(event)
    ahead, behind = queues.position_of(rsvp) if rsvp.waits_for_option_id else (0, 0)
    is_running = access.is_running(event)
    ended_by, reason = ("", "") if rsvp.is_live else audit.ending_of(rsvp)
    return render_template(
        "rsvps/show.html",
        rsvp=rsvp,
        event=event,
        party=attendees(rsvp),
        unanswered=unanswered(rsvp) if is_running and rsvp.is_live else [],
        options=options,
        others=_others(rsvp, options, moment) if is_running else [],
        gives_up=rsvps.gives_up,
        streams=rsvps.streams(rsvp, options, moment),
        queue_is_open=moment < event.promotes_until,
        room=lobby.state_of(event, moment),
        is_elsewhere=rsvp.option.is_virtual and lobby.is_elsewhere(event),
        ahead=ahead,
        behind=behind,
        is_running=is_running,
        is_past=event.is_past(moment),
        calendar=_calendar_links(rsvp),
        now=moment,
        is_ended_by_staff=ended_by == "staff",
        may_answer_again=access.may_answer_again(rsvp, ended_by),
        reason=reason,
        qr=_qr,
        carried=invitations.link_of(rsvp) if not rsvp.is_live else {},
    )


def _others(
    rsvp: Rsvp, options: Sequence[AttendanceOption], moment: datetime
) -> list[AttendanceOption]:
    """The other ways that this RSVP may attend."""
    if not rsvps.is_movable(rsvp):
        return []
    return [
        option
        for option in options
        if option.id not in (rsvp.option_id, rsvp.waits_for_option_id)
        and option.could_seat(rsvp.party_size)
        and rsvps.may_move(rsvp.event, option, moment)
    ]


def _qr(ticket_code: str) -> Markup:
    """The QR code of a ticket as SVG."""
    return Markup(qr.svg(entries.ticket_url(ticket_code)))  # noqa: S704 - made of our own address


def _calendar_links(rsvp: Rsvp) -> dict[str, str]:
    entry = entries.of_rsvp(rsvp, max(rsvp.ical_sequence, 0))
    return {
        "ics": url_for("rsvps.ics", key=rsvp.manage_key),
        "google": itip.google_link(entry),
        "outlook": itip.outlook_link(entry),
    }


@blueprint.get("/rsvp/<key>/calendar.ics")
def ics(key: str) -> ResponseReturnValue:
    """The attendee's own entry, for any calendar; mails lead here, also once it has ended."""
    rsvp = access.rsvp_by_manage_key(key)
    if not rsvp.is_confirmed or rsvp.event.status is EventStatus.CANCELLED:
        return redirect(url_for("rsvps.show", key=key), code=303)
    return own_entry(rsvp)


@blueprint.get("/rsvp/<key>/data.json")
def own_data(key: str) -> ResponseReturnValue:
    """All that is kept of this RSVP, for whom it is about."""
    rsvp = access.rsvp_by_manage_key(key)
    told = json.dumps(records.of(rsvp), ensure_ascii=False, indent=2)
    return file(told, f"{rsvp.event.slug}.json", "application/json")


@blueprint.post("/rsvp/<key>/verify")
def verify(key: str) -> ResponseReturnValue:
    """The address is confirmed."""
    rsvp = access.rsvp_by_manage_key(key)
    return _do(key, lambda: answering.verify(rsvp_id=rsvp.id, now=now()), gettext("Thank you."))


@blueprint.route("/rsvp/<key>/switch", methods=["GET", "POST"])
def switch(key: str) -> ResponseReturnValue:
    """Attend another way; with `wait` also where that way is full. Asks once what is given up."""
    rsvp = access.rsvp_by_manage_key(key)
    if request.method != "POST":
        return _ask_to_switch(rsvp)
    option_id = request.form.get("option", 0, type=int)
    accepts_waiting = "wait" in request.form
    rsvp_id = rsvp.id
    return _do(
        key,
        lambda: rsvps.switch(
            rsvp_id=rsvp_id, option_id=option_id, now=now(), accepts_waiting=accepts_waiting
        ),
        lambda: _switched(key, option_id),
    )


def _switched(key: str, option_id: int) -> str:
    """What came of it: who wanted to wait has a seat at once where one became free meanwhile."""
    rsvp = access.rsvp_by_manage_key(key)
    if rsvp.is_confirmed and rsvp.waits_for_option_id == option_id:
        return gettext("You are on the waitlist and keep your place meanwhile.")
    if current_app.config["MAIL_SERVER"]:
        return gettext("Done. A mail with what has changed is on its way.")
    return gettext("Done.")


def _ask_to_switch(rsvp: Rsvp) -> ResponseReturnValue:
    moment, options = now(), listing.options_of(rsvp.event)
    wanted = request.args.get("option", 0, type=int)
    option = next(
        (option for option in _others(rsvp, options, moment) if option.id == wanted), None
    )
    if option is None or not rsvps.gives_up(rsvp, option, moment):
        return redirect(url_for("rsvps.show", key=rsvp.manage_key), code=303)
    ahead, _behind = queues.position_of(rsvp) if rsvp.waits_for_option_id else (0, 0)
    return render_template(
        "rsvps/switch.html",
        rsvp=rsvp,
        event=rsvp.event,
        option=option,
        options=options,
        ahead=ahead,
        leaves_queue=rsvps.leaves_queue(rsvp, option, moment),
    )


@blueprint.post("/rsvp/<key>/watch")
def watch(key: str) -> ResponseReturnValue:
    """Watch online while waiting for the room."""
    rsvp_id = access.rsvp_by_manage_key(key).id
    option_id = request.form.get("option", 0, type=int)
    return _do(
        key,
        lambda: rsvps.watch_meanwhile(rsvp_id=rsvp_id, option_id=option_id, now=now()),
        gettext("Your link is ready. You keep your position in the queue."),
    )


@blueprint.route("/rsvp/<key>/leave", methods=["GET", "POST"])
def leave(key: str) -> ResponseReturnValue:
    """Ask once, then leave the waitlist."""
    rsvp = access.rsvp_by_manage_key(key)
    if request.method != "POST":
        return _ask_to_leave(rsvp)
    rsvp_id = rsvp.id
    return _do(
        key,
        lambda: rsvps.leave_waitlist(rsvp_id=rsvp_id, now=now()),
        gettext("You have left the waitlist."),
    )


def _ask_to_leave(rsvp: Rsvp) -> ResponseReturnValue:
    if rsvp.waits_for_option_id is None or not access.may_change(rsvp):
        return redirect(url_for("rsvps.show", key=rsvp.manage_key), code=303)
    ahead, _behind = queues.position_of(rsvp)
    return render_template(
        "rsvps/leave.html",
        rsvp=rsvp,
        event=rsvp.event,
        ahead=ahead,
        queue_is_open=now() < rsvp.event.promotes_until,
    )


@blueprint.post("/rsvp/<key>/resend")
@tries.per_network("LIMIT_RSVP_PER_NETWORK")
def resend(key: str) -> ResponseReturnValue:
    """Send the mail once more."""
    rsvp = access.rsvp_by_manage_key(key)
    try:
        sent = links.resend(rsvp_id=rsvp.id, now=now())
    except RsvpRefused as refusal:
        flash(str(refusal), "warn")
        return redirect(url_for("rsvps.show", key=key), code=303)
    if sent and not current_app.config["MAIL_SERVER"]:
        flash(gettext("The mail waits: this site cannot send any yet."), "warn")
    elif sent:
        flash(gettext("The mail is on its way. Look in the spam folder too."), "ok")
    else:
        flash(gettext("We have sent it several times today. Look in the spam folder."), "warn")
    return redirect(url_for("rsvps.show", key=key), code=303)


@blueprint.route("/rsvp/<key>/cancel", methods=["GET", "POST"])
def cancel(key: str) -> ResponseReturnValue:
    """Ask once, then cancel."""
    rsvp = access.rsvp_by_manage_key(key)
    if not access.may_change(rsvp):
        return redirect(url_for("rsvps.show", key=key), code=303)
    if request.method != "POST":
        return render_template("rsvps/cancel.html", rsvp=rsvp, event=rsvp.event, now=now())
    rsvp_id = rsvp.id
    return _do(key, lambda: rsvps.cancel(rsvp_id=rsvp_id, now=now()), "")


def _do(key: str, verb: Callable[[], None], done: str | Callable[[], str]) -> ResponseReturnValue:
    """Call a verb and go back to the manage page, which says how it went."""
    try:
        verb()
    except LookupError:
        flash(gettext("This way to attend is not offered any more."), "warn")
    except RsvpRefused as refusal:
        flash(str(refusal), "warn")
    else:
        if said := done if isinstance(done, str) else done():
            flash(said, "ok")
    return redirect(url_for("rsvps.show", key=key), code=303)
