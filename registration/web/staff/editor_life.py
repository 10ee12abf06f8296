"""An event's life: preview, publish, copy, cancel, and the telling of a change."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms.validators import InputRequired

from registration import announcements, audience, cloning, lifecycle, preflight
from registration.database import db
from registration.models import (
    Announcement,
    AnnouncementKind,
    AnnouncementState,
    Event,
    MailState,
    OutboxMail,
    StaffRole,
    Visibility,
)
from registration.news import news_of
from registration.revisions import EventRefused
from registration.times import now
from registration.web import answering
from registration.web.events import page_of
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.editor_fields import lines
from registration.web.staff.editor_page import SECTIONS

blueprint = Blueprint("staff_editor_life", __name__, url_prefix="/staff/events/<slug>")


class CancelForm(FlaskForm):  # type: ignore[misc]
    """Why an event does not take place."""

    reason = lines("", 1000, 3)

    def __init__(self) -> None:
        super().__init__()
        self.reason.label.text = gettext("The reason, as everybody will read it")
        self.reason.validators = [
            InputRequired(gettext("Say why: it stands in the mail and on the page")),
            *self.reason.validators,
        ]
        self.reason.flags.required = True


def init_app(app: Flask) -> None:
    """Let every page of an event say what waits to be told."""
    app.jinja_env.globals["telling_of"] = telling_of


def telling_of(event: Event) -> tuple[Announcement, int, int] | None:
    """The telling that is held, or that went out within the hour; its mails, those that went."""
    latest = db.session.scalars(
        select(Announcement)
        .where(
            Announcement.event_id == event.id,
            Announcement.due_at > now() - timedelta(hours=1),
            Announcement.state.in_(
                (AnnouncementState.HELD, AnnouncementState.SENDING, AnnouncementState.SENT)
            ),
        )
        .order_by(Announcement.id.desc())
        .limit(1)
    ).one_or_none()
    if latest is None:
        return None
    counted = db.session.execute(
        select(OutboxMail.state, func.count())
        .where(OutboxMail.announcement_id == latest.id)
        .group_by(OutboxMail.state)
    ).all()
    by_state = {row[0]: row[1] for row in counted}
    return latest, sum(by_state.values()), by_state.get(MailState.SENT, 0)


@blueprint.get("/settings/publish")
@staff_only(StaffRole.ORGANISER)
def show(slug: str) -> ResponseReturnValue:
    """What is to be mended before an event is published, and what can be done with it."""
    return _page(event_by_slug(slug), CancelForm())


def _page(event: Event, form: CancelForm) -> str:
    moment = now()
    live, mailed = audience.live_of(event.id)
    return render_template(
        "staff/editor/life.html",
        event=event,
        section="publish",
        sections=SECTIONS,
        findings=preflight.examine(event, now=moment),
        news=news_of(event, now=moment),
        live=live,
        mailed=mailed,
        speakers=len(audience.speakers_with_entry(event.id)),
        form=form,
        is_past=event.is_past(moment),
    )


@blueprint.get("/preview")
@staff_only(StaffRole.ORGANISER)
def preview(slug: str) -> ResponseReturnValue:
    """The page as people will see it."""
    event = event_by_slug(slug)
    g.language = event.language
    return page_of(event, is_preview=True)


@blueprint.get("/preview/form")
@staff_only(StaffRole.ORGANISER)
def preview_form(slug: str) -> ResponseReturnValue:
    """The form as people will see it once it opens."""
    event = event_by_slug(slug)
    g.language = event.language
    return answering.preview_of(event)


@blueprint.post("/settings/publish")
@staff_only(StaffRole.ORGANISER)
def act(slug: str) -> ResponseReturnValue:
    """Publish, make a draft again, throw away, copy, tell, or take back."""
    event = event_by_slug(slug)
    arguments = {"event_id": event.id, "staff_id": current_user.id, "now": now()}
    do = request.form.get("do", "")
    try:
        if do == "publish":
            lifecycle.publish(**arguments)
            flash(
                gettext("Published. The page is open to everybody.")
                if event.visibility is Visibility.PUBLIC
                else gettext("Published. The page is open to everybody who has its address."),
                "ok",
            )
        elif do == "withdraw":
            lifecycle.withdraw(**arguments)
            flash(gettext("The event is a draft again."), "ok")
        elif do == "discard":
            lifecycle.discard(**arguments)
            flash(gettext("The draft is gone."), "ok")
            return redirect(url_for("staff_events.index", tab="drafts"), code=303)
        elif do == "clone":
            copy = cloning.clone(**arguments)
            flash(gettext("This is the copy, a draft. Set its time first."), "ok")
            return redirect(url_for("staff_editor.show", slug=copy.slug), code=303)
        elif do == "tell":
            told = announcements.tell(**arguments)
            flash(
                gettext("The mails wait for ten minutes; until then you can take them back.")
                if told
                else gettext("Everybody knows already."),
                "ok",
            )
        else:
            abort(400)
    except EventRefused as refusal:
        flash(str(refusal), "warn")
    return redirect(url_for(".show", slug=slug), code=303)


@blueprint.post("/settings/cancel")
@staff_only(StaffRole.ORGANISER)
def cancel(slug: str) -> ResponseReturnValue:
    """Call the event off."""
    event = event_by_slug(slug)
    form = CancelForm()
    if not form.validate():
        return _page(event, form), 422
    try:
        lifecycle.cancel(
            event_id=event.id,
            reason=form.reason.data.strip(),
            staff_id=current_user.id,
            now=now(),
        )
        flash(gettext("Cancelled. The mails wait for ten minutes; until then it can be undone."))
    except EventRefused as refusal:
        flash(str(refusal), "warn")
    return redirect(url_for(".show", slug=slug), code=303)


@blueprint.post("/settings/undo")
@staff_only(StaffRole.ORGANISER)
def undo(slug: str) -> ResponseReturnValue:
    """Take back what has not been told yet."""
    event = event_by_slug(slug)
    held = db.session.get(Announcement, request.form.get("announcement", 0, type=int))
    if held is None or held.event_id != event.id:
        abort(404)
    takes_place_again = held.kind is AnnouncementKind.CANCELLED
    if not announcements.undo(announcement_id=held.id, staff_id=current_user.id, now=now()):
        flash(gettext("It is too late: the mails are on their way."), "warn")
    elif takes_place_again:
        flash(gettext("Undone. The event takes place, and nobody was told otherwise."), "ok")
    else:
        flash(gettext("Taken back. The event stays as it is now; nobody was told."), "ok")
    return redirect(url_for(".show", slug=slug), code=303)
