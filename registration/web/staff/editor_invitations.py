"""Who is let in to an event by invitation: people, and codes for groups."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import StringField
from wtforms.validators import InputRequired, Regexp

from registration import invitations
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
    return _page(event_by_slug(slug), form, CodeForm(formdata=None))


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
    return _page(event_by_slug(slug), InviteForm(formdata=None), form)


def _page(event: Event, invite_form: InviteForm, code_form: CodeForm) -> str:
    wanted = select(Invitation).where(Invitation.event_id == event.id)
    search = request.args.get("q", "").strip()[:100]
    if search:
        pattern = f"%{search.replace('%', '').replace('_', '')}%"
        wanted = wanted.where(Invitation.email.ilike(pattern) | Invitation.name.ilike(pattern))
    counted = db.session.execute(
        select(Invitation.status, func.count())
        .where(Invitation.event_id == event.id)
        .group_by(Invitation.status)
    ).all()
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
        invited=db.session.scalars(wanted.order_by(Invitation.id.desc()).limit(PAGE)).all(),
        counts={str(row[0]): row[1] for row in counted},
        search=search,
        invite_form=invite_form,
        code_form=code_form,
    )
