"""Staff move somebody to another way to attend: what is possible, what it means, and done."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from registration import listing, moves, queues, wording
from registration.admission import RsvpRefused
from registration.models import Rsvp, RsvpStatus, StaffRole
from registration.moves import How, Move
from registration.times import now
from registration.web.staff.access import event_by_slug, rsvp_of, staff_only
from registration.web.staff.attendees import keep_list

blueprint = Blueprint("staff_moving", __name__, url_prefix="/staff/events/<slug>/attendees")
blueprint.url_defaults(keep_list)

DONE = {
    How.AT_ONCE: _("Moved. A mail is on its way, and their calendar follows."),
    How.BEYOND: _("Moved. A mail is on its way, and their calendar follows."),
    How.WAIT: _("They are in the queue. A mail is on its way."),
    How.MEANWHILE: _("They watch while they wait. A mail with their link is on its way."),
    How.UNDECIDED: _("Changed. They go on waiting for approval, and a mail is on its way."),
    How.STAY: _("They have left the queue. A mail is on its way."),
}


class MoveForm(FlaskForm):  # type: ignore[misc]
    """One of the moves; what is possible is the verb's business, which looks under the lock."""

    move = RadioField(
        _("How they are to attend"),
        [InputRequired(_("Choose how they are to attend"))],
        validate_choice=False,
    )


@blueprint.route("/<int:rsvp_id>/move", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def move(slug: str, rsvp_id: int) -> ResponseReturnValue:
    """Choose among the ways that there are now, each with its room and with what it means."""
    event = event_by_slug(slug)
    rsvp = rsvp_of(event, rsvp_id)
    form = MoveForm()
    if form.validate_on_submit():
        option_id, how = _chosen(form.move.data)
        try:
            how = moves.move(
                rsvp_id=rsvp_id, option_id=option_id, how=how, staff_id=current_user.id, now=now()
            )
        except LookupError:
            abort(404)
        except RsvpRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(str(DONE[how]), "ok")
            return redirect(url_for("staff_attendees.show", slug=slug, rsvp_id=rsvp_id), code=303)
    possible = moves.of(rsvp, listing.options_of(event), now())
    form.move.choices = [(one.value, one.value) for one in possible]
    page = render_template(
        "staff/move.html",
        event=event,
        rsvp=rsvp,
        form=form,
        moves=[(one, _title(one), _meaning(one, rsvp)) for one in possible],
    )
    return page, 422 if form.is_submitted() else 200


def _chosen(value: str) -> tuple[int, How]:
    option_id, _colon, how = value.partition(":")
    if not (option_id.isdecimal() and len(option_id) < 10 and how in list(How)):
        abort(400)
    return int(option_id), How(how)


def _title(one: Move) -> str:
    way = wording.option_name(one.option)
    if one.how is How.BEYOND:
        return gettext("%(way)s, with an extra seat", way=way)
    if one.how is How.MEANWHILE:
        return gettext("%(way)s, while waiting", way=way)
    return gettext("Stay: %(way)s", way=way) if one.how is How.STAY else way


def _meaning(one: Move, rsvp: Rsvp) -> str:
    """What comes of it, in full sentences."""
    if one.how is How.UNDECIDED:
        return gettext("They go on waiting for approval.")
    if one.how is How.MEANWHILE:
        return gettext("They get their link now.") + " " + _keeps_queue(rsvp)
    said = []
    if one.how is How.STAY:
        said.append(gettext("They keep this place."))
    elif one.how is How.WAIT:
        said += _waiting(one, rsvp)
    else:
        said.append(_at_once(one, rsvp))
        if rsvp.is_confirmed and rsvp.option.waiting:
            said.append(gettext("Others wait for the place that they leave."))
    if rsvp.waits_for_option_id is not None:
        sits_down = one.how in (How.AT_ONCE, How.BEYOND)
        goes_on = sits_down and one.option.is_virtual and rsvp.watches_meanwhile
        said.append(_keeps_queue(rsvp) if goes_on else _leaves_queue(rsvp))
    return " ".join(said)


def _at_once(one: Move, rsvp: Rsvp) -> str:
    if one.how is How.BEYOND:
        return (
            gettext("At once, before those who wait.")
            if one.option.fits(rsvp.party_size)
            else gettext("At once, beyond the capacity.")
        )
    if rsvp.status is RsvpStatus.PENDING:
        return gettext("At once: this way needs no approval.")
    return gettext("At once.")


def _waiting(one: Move, rsvp: Rsvp) -> list[str]:
    here = wording.option_name(rsvp.option)
    said = [
        gettext("They wait for a seat, and keep their place meanwhile: %(way)s.", way=here)
        if rsvp.is_confirmed
        else gettext("They wait for a seat.")
    ]
    if not rsvp.event.promotes_automatically:
        said.append(gettext("You choose who moves up."))
    return said


def _keeps_queue(rsvp: Rsvp) -> str:
    return gettext("They keep their position in the queue: %(way)s, %(place)s.", **_queue_of(rsvp))


def _leaves_queue(rsvp: Rsvp) -> str:
    return gettext("They leave the queue: %(way)s, %(place)s.", **_queue_of(rsvp))


def _queue_of(rsvp: Rsvp) -> dict[str, str]:
    """What somebody waits for, and as which."""
    assert rsvp.waits_for is not None
    ahead, _behind = queues.position_of(rsvp)
    return {
        "way": wording.option_name(rsvp.waits_for),
        "place": wording.ordinal_place(ahead + 1),
    }
