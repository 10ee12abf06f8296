"""The outbox as staff see it: what went, what waits, what failed, and each mail as it reads."""

from __future__ import annotations

import base64

import icalendar
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from registration import outbox, previews, rendering
from registration.database import db
from registration.mime import CalendarMessage
from registration.models import Event, MailState, OutboxMail, StaffRole
from registration.models.outbox import UNFIT
from registration.times import now
from registration.web.headers import FRAMED_MAIL
from registration.web.staff.access import has_role, own_events, staff_only

blueprint = Blueprint("staff_mails", __name__, url_prefix="/staff/outbox")
PAGE = 50


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER)
def index() -> ResponseReturnValue:
    """The latest mails, of one event or of all."""
    state = request.args.get("state", "")
    slug = request.args.get("event", "")
    before = request.args.get("before", 0, type=int)
    wanted = (
        select(OutboxMail)
        .where(_visible())
        .options(joinedload(OutboxMail.event))
        .order_by(OutboxMail.id.desc())
    )
    if state in list(MailState):
        wanted = wanted.where(OutboxMail.state == state)
    if slug:
        wanted = wanted.where(
            OutboxMail.event_id == select(Event.id).where(Event.slug == slug).scalar_subquery()
        )
    if before:
        wanted = wanted.where(OutboxMail.id < before)
    mails = db.session.scalars(wanted.limit(PAGE + 1)).all()
    return render_template(
        "staff/outbox.html",
        mails=mails[:PAGE],
        more=mails[PAGE - 1].id if len(mails) > PAGE else None,
        state=state,
        slug=slug,
        states=list(MailState),
        trouble=outbox.trouble(now()),
    )


def _visible() -> ColumnElement[bool]:
    """Mails of one's own events; those of no event are the admins'."""
    if has_role(StaffRole.ADMIN):
        return OutboxMail.id.is_not(None)
    return OutboxMail.event_id.in_(select(Event.id).where(own_events()))


def _mail(mail_id: int) -> OutboxMail:
    found = db.session.scalars(
        select(OutboxMail).where(OutboxMail.id == mail_id, _visible())
    ).one_or_none()
    # What sets a password is for its reader alone; of what is erased there is nothing to show.
    if found is None or "about" in found.facts or not found.recipient:
        abort(404)
    return found


@blueprint.get("/<int:mail_id>")
@staff_only(StaffRole.ORGANISER)
def show(mail_id: int) -> ResponseReturnValue:
    """One mail, rendered as it goes out, with its calendar part; one that cannot be, by its row."""
    mail = _mail(mail_id)
    is_unfit = mail.last_error.startswith(UNFIT)
    message = None if is_unfit else rendering.render(mail, now=mail.ended_at or now())
    calendar = message.calendar if message else None
    g.frame_sources = ["'self'"]
    return render_template(
        "staff/mail.html",
        mail=mail,
        message=message,
        calendar_text=calendar.decode() if calendar else "",
        entries=icalendar.Calendar.from_ical(calendar).walk("VEVENT") if calendar else [],
        is_still_so=outbox.is_still_so(mail, now=now()),
    )


@blueprint.get("/<int:mail_id>/html")
@staff_only(StaffRole.ORGANISER)
def html(mail_id: int) -> ResponseReturnValue:
    """The HTML part alone, for the frame on the mail's page: no scripts, nothing from outside."""
    return framed(rendering.render(_mail(mail_id), now=now()))


def framed(message: CalendarMessage) -> Response:
    """A mail's HTML part, pictures and all, for a frame that loads nothing."""
    page = message.html or ""
    for image in message.images:
        # Within: the frame is sandboxed, so a request of its own would carry no session.
        picture = base64.b64encode(image.png).decode("ascii")
        page = page.replace(f"cid:{image.cid}", f"data:image/png;base64,{picture}")
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = FRAMED_MAIL
    return answer


@blueprint.get("/kinds/")
@blueprint.get("/kinds/<name>")
@staff_only(StaffRole.ORGANISER)
def kind(name: str = "confirmed") -> ResponseReturnValue:
    """A sample of each mail, as the renderer makes it of sample people."""
    message = _sample(name)
    g.frame_sources = ["'self'"]
    return render_template(
        "staff/mail_kind.html",
        name=name,
        samples=previews.SAMPLES,
        message=message,
        calendar_text=message.calendar.decode() if message.calendar else "",
        language=_sample_language(),
        languages=current_app.config["LANGUAGES"],
    )


@blueprint.get("/kinds/<name>/html")
@staff_only(StaffRole.ORGANISER)
def kind_html(name: str) -> ResponseReturnValue:
    """The HTML part of a sample, for the frame on its page."""
    return framed(_sample(name))


def _sample(name: str) -> CalendarMessage:
    if name not in previews.SAMPLES:
        abort(404)
    return previews.render(name, language=_sample_language(), now=now())


def _sample_language() -> str:
    languages = current_app.config["LANGUAGES"]
    wanted = request.args.get("language", "")
    return wanted if wanted in languages else str(languages[0])


@blueprint.post("/<int:mail_id>")
@staff_only(StaffRole.ORGANISER)
def act(mail_id: int) -> ResponseReturnValue:
    """Try a mail again, or take it back."""
    mail = _mail(mail_id)
    about = {"mail_id": mail.id, "staff_id": current_user.id, "now": now()}
    if request.form.get("do") == "resend":
        if outbox.resend(**about):
            flash(gettext("It will be tried again at once."), "ok")
        elif outbox.is_still_so(mail, now=now()):
            flash(gettext("It goes by itself, within ten minutes at the latest."), "ok")
    elif request.form.get("do") == "withdraw":
        # Who presses twice has taken it back as well.
        taken = outbox.withdraw(**about) or _mail(mail_id).state is MailState.WITHDRAWN
        flash(gettext("Taken back.") if taken else gettext("It is too late."), "ok")
    else:
        abort(400)
    return redirect(url_for(".show", mail_id=mail_id), code=303)
