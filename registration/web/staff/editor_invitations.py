"""Who is let in to an event by invitation: people, and codes for groups."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import StringField
from wtforms.validators import InputRequired, Regexp

from registration import finding, invitations, invitees
from registration.database import db
from registration.invitations import InvitationRefused
from registration.models import Event, Invitation, InvitationCode, StaffRole
from registration.times import now
from registration.web.fields import at_most, is_email, one_line
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.editor_fields import number, text
from registration.web.staff.editor_page import SECTIONS

blueprint = Blueprint(
    "staff_editor_invitations", __name__, url_prefix="/staff/events/<slug>/settings/invitations"
)
PAGE = 100


class InviteForm(FlaskForm):  # type: ignore[misc]
    """One person to be invited."""

    email = StringField(
        _("Email address"), [InputRequired(_("Enter an email address")), is_email], [one_line]
    )
    name = text(_("Name"))


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code for a group."""

    code = StringField(
        _("Code"),
        [
            InputRequired(_("Enter a code")),
            *at_most(40),
            Regexp(r"^[A-Za-z0-9-]+$", message=_("Use letters, digits and hyphens")),
        ],
        [lambda value: one_line(value).upper()],
    )
    label = text(_("For whom"), description=_("Staff see it."))
    uses_max = number(
        _("How many RSVPs it lets in"), 1, 1_000_000, InputRequired(_("Enter a number"))
    )


@blueprint.get("")
@staff_only(StaffRole.ORGANISER)
def index(slug: str) -> ResponseReturnValue:
    """Codes with their uses, and invitations with their answers."""
    return _page(event_by_slug(slug), InviteForm(formdata=None), CodeForm(formdata=None))


@blueprint.post("")
@staff_only(StaffRole.ORGANISER)
def invite(slug: str) -> ResponseReturnValue:
    """Invite one person by mail."""
    event = event_by_slug(slug)
    form = InviteForm()
    if form.validate():
        try:
            invitations.invite(
                event_id=event.id,
                email=form.email.data,
                name=form.name.data,
                staff_id=current_user.id,
                now=now(),
            )
        except InvitationRefused as refusal:
            form.email.errors = [str(refusal)]
        else:
            flash(gettext("The invitation is on its way."), "ok")
            return redirect(url_for(".index", slug=slug), code=303)
    return _page(event_by_slug(slug), form, CodeForm(formdata=None)), 422


@blueprint.post("/codes")
@staff_only(StaffRole.ORGANISER)
def make_code(slug: str) -> ResponseReturnValue:
    """Make a code."""
    event = event_by_slug(slug)
    form = CodeForm()
    if form.validate():
        try:
            invitations.make_code(
                event_id=event.id,
                code=form.code.data,
                label=form.label.data,
                uses_max=form.uses_max.data,
                staff_id=current_user.id,
                now=now(),
            )
        except InvitationRefused as refusal:
            form.code.errors = [str(refusal)]
        else:
            flash(gettext("The code works from now on."), "ok")
            return redirect(url_for(".index", slug=slug), code=303)
    return _page(event_by_slug(slug), InviteForm(formdata=None), form), 422


@blueprint.post("/reminders")
@staff_only(StaffRole.ORGANISER)
def remind(slug: str) -> ResponseReturnValue:
    """Remind those who have not answered: all of them, or those ticked."""
    event = event_by_slug(slug)
    chosen = request.form.getlist("id", type=int)[:PAGE] if "ticked" in request.form else None
    if chosen == []:
        flash(gettext("First tick the people you want to remind."), "warn")
        return redirect(_back(slug), code=303)
    try:
        number = invitations.remind(
            event_id=event.id, chosen=chosen, staff_id=current_user.id, now=now()
        )
    except InvitationRefused as refusal:
        flash(str(refusal), "warn")
    else:
        left_out = len(set(chosen)) - number if chosen else 0
        told = ngettext("%(num)d person is reminded.", "%(num)d people are reminded.", number)
        if left_out:
            told += " " + gettext("Left out as answered or mailed lately: %(num)d.", num=left_out)
        flash(told, "ok")
    return redirect(_back(slug), code=303)


@blueprint.post("/reminders/undo")
@staff_only(StaffRole.ORGANISER)
def take_back(slug: str) -> ResponseReturnValue:
    """Take back the reminders that have not gone."""
    event = event_by_slug(slug)
    about = {"event_id": event.id, "staff_id": current_user.id, "now": now()}
    if invitations.take_back(**about) or invitees.were_taken_back(about["event_id"]):
        flash(gettext("Taken back: nobody is reminded."), "ok")
    else:
        flash(gettext("It is too late: the mails are on their way."), "warn")
    return redirect(_back(slug), code=303)


def _back(slug: str) -> str:
    """The page, searched as it was."""
    return url_for(".index", slug=slug, q=request.args.get("q") or None)


def _page(event: Event, invite_form: InviteForm, code_form: CodeForm) -> str:
    search = request.args.get("q", "").strip()[:100]
    wanted = select(Invitation).where(
        Invitation.event_id == event.id, *finding.anywhere(Invitation.search_text, search)
    )
    counted = db.session.execute(
        select(Invitation.status, func.count())
        .where(Invitation.event_id == event.id)
        .group_by(Invitation.status)
    ).all()
    moment = now()
    invited = db.session.scalars(wanted.order_by(Invitation.id.desc()).limit(PAGE)).all()
    shown = Invitation.id.in_([person.id for person in invited])
    is_answerable = invitees.answerable_until(event, moment) is not None
    to_remind = invitees.to_remind(event.id, moment)
    return render_template(
        "staff/editor/invitations.html",
        event=event,
        section="invitations",
        sections=SECTIONS,
        codes=db.session.scalars(
            select(InvitationCode)
            .where(InvitationCode.event_id == event.id)
            .order_by(InvitationCode.code)
        ).all(),
        invited=invited,
        matching=db.session.scalar(select(func.count()).select_from(wanted.subquery())),
        remindable=set(db.session.scalars(select(Invitation.id).where(shown, to_remind)))
        if is_answerable
        else set(),
        to_remind=invitees.count(event.id, moment) if is_answerable else 0,
        held=invitees.held(event.id),
        counts={str(row[0]): row[1] for row in counted},
        search=search,
        invite_form=invite_form,
        code_form=code_form,
    )
