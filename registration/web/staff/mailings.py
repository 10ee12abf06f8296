"""Messages to the attendees of an event: written, looked at, released, followed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_security import current_user
from sqlalchemy import select

from registration import listing, mailings, outbox, progress, segments, shifting
from registration.database import db
from registration.letters.mailings import FIELDS, used_fields
from registration.mailings import MailingRefused
from registration.models import (
    Event,
    Mailing,
    MailState,
    OutboxMail,
    Question,
    StaffRole,
)
from registration.segments import Segment
from registration.times import now
from registration.web.staff.access import event_by_slug, staff_only
from registration.web.staff.mailing_forms import MailingForm, ScheduleForm
from registration.web.staff.mailing_preview import preview_of
from registration.web.staff.mails import framed

blueprint = Blueprint("staff_mailings", __name__, url_prefix="/staff/events/<slug>/messages")


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER)
def index(slug: str) -> ResponseReturnValue:
    """All messages of the event, the latest first."""
    event = event_by_slug(slug)
    found = db.session.scalars(
        select(Mailing).where(Mailing.event_id == event.id).order_by(Mailing.id.desc()).limit(200)
    ).all()
    return render_template(
        "staff/mailings/index.html",
        event=event,
        mailings=found,
        progress=progress.of(found),
        form=_form(event),
        segment_of=Segment.from_json,
        kept_back=shifting.kept_back(event.id),
        now=now(),
        trouble=outbox.trouble(now()),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def new(slug: str) -> ResponseReturnValue:
    """An empty message."""
    event = event_by_slug(slug)
    form = _form(event)
    if form.validate_on_submit():
        mailing = mailings.write(
            event_id=event.id,
            staff_id=current_user.id,
            subject=form.subject.data,
            body=form.body.data,
            segment=form.segment(),
            now=now(),
        )
        return _go_on(slug, mailing.id)
    if not form.is_submitted():
        form.to.data = form.to.choices[0].value
    return _compose(event, form), 422 if form.errors else 200


@blueprint.route("/<int:mailing_id>", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def show(slug: str, mailing_id: int) -> ResponseReturnValue:
    """A draft to write on, beside its preview; one that was released, with how far it has got."""
    event = event_by_slug(slug)
    mailing = _mailing(event, mailing_id)
    form = _form(event, Segment.from_json(mailing.segment))
    if not mailing.is_draft:
        return _report(event, mailing, form)
    if form.validate_on_submit():
        try:
            mailings.rewrite(
                mailing_id=mailing_id,
                staff_id=current_user.id,
                subject=form.subject.data,
                body=form.body.data,
                segment=form.segment(),
                seen_at=form.seen_at.data or "",
                now=now(),
            )
        except MailingRefused as refusal:
            form.form_errors.append(str(refusal))
            event, mailing = event_by_slug(slug), _mailing(event, mailing_id)
        else:
            return _go_on(slug, mailing_id)
    elif not form.is_submitted():
        form.show(mailing)
    return _compose(event, form, mailing), 422 if form.errors else 200


def _go_on(slug: str, mailing_id: int) -> ResponseReturnValue:
    """Where the button that saved a draft leads."""
    action = request.form.get("do", "save")
    if action == "review":
        return redirect(url_for(".review", slug=slug, mailing_id=mailing_id), code=303)
    if action == "test":
        address = mailings.test(mailing_id=mailing_id, staff_id=current_user.id, now=now())
        flash(gettext("Saved. A test is on its way to %(address)s.", address=address), "ok")
    else:
        flash(gettext("Saved."), "ok")
    kept: dict[str, Any] = {name: request.form.get(name) or None for name in ("as", "find")}
    return redirect(url_for(".show", slug=slug, mailing_id=mailing_id, **kept), code=303)


@blueprint.route("/<int:mailing_id>/review", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def review(slug: str, mailing_id: int) -> ResponseReturnValue:
    """The last look: to how many, and what they read. Its POST sets the time at which it goes."""
    event = event_by_slug(slug)
    mailing, form = _mailing(event, mailing_id), ScheduleForm()
    if not mailing.is_draft:
        return redirect(url_for(".show", slug=slug, mailing_id=mailing_id), code=303)
    at = form.moment_in(event.zone) if form.is_submitted() else None
    if at is None:
        return _review(event, mailing, form), 422 if form.is_submitted() else 200
    try:
        mailings.schedule(
            mailing_id=mailing_id,
            staff_id=current_user.id,
            at=at,
            seen_at=form.seen_at.data or "",
            now=now(),
        )
    except MailingRefused as refusal:
        form.at.errors = [str(refusal)]
        event = event_by_slug(slug)
        return _review(event, _mailing(event, mailing_id), form), 422
    return redirect(url_for(".show", slug=slug, mailing_id=mailing_id), code=303)


def _review(event: Event, mailing: Mailing, form: ScheduleForm) -> str:
    form.at.description = gettext("In %(zone)s.", zone=event.time_zone)
    segment = Segment.from_json(mailing.segment)
    return render_template(
        "staff/mailings/review.html",
        event=event,
        mailing=mailing,
        count=segments.count(event.id, segment),
        left_out=segments.unsubscribed(event.id, segment),
        words=_form(event).words_of(segment),
        warnings=_warnings(event, mailing),
        form=form,
        **preview_of(event, mailing),
    )


@blueprint.post("/<int:mailing_id>/<action>")
@staff_only(StaffRole.ORGANISER)
def act(slug: str, mailing_id: int, action: str) -> ResponseReturnValue:
    """Release a message, undo or stop it, throw a draft away, or write a copy."""
    event = event_by_slug(slug)
    if action == "discard" and db.session.get(Mailing, mailing_id) is None:
        return _discarded(slug)
    mailing_id = _mailing(event, mailing_id).id
    who = {"mailing_id": mailing_id, "staff_id": current_user.id, "now": now()}
    try:
        if action == "release":
            mailings.release(**who, seen_at=request.form.get("seen_at", ""))
        elif action == "undo":
            mailings.undo(**who)
            flash(gettext("Taken back: nothing has gone. This is a draft again."), "ok")
        elif action == "stop":
            number = mailings.stop(**who)
            told = ngettext(
                "Stopped: %(num)d mail was taken back.",
                "Stopped: %(num)d mails were taken back.",
                number,
            )
            flash(told, "ok")
        elif action == "discard":
            mailings.discard(**who)
            return _discarded(slug)
        elif action == "copy":
            mailing_id = mailings.copy(**who).id
        else:
            abort(404)
    except MailingRefused as refusal:
        flash(str(refusal), "warn")
        if action == "release":
            return redirect(url_for(".review", slug=slug, mailing_id=mailing_id), code=303)
    return redirect(url_for(".show", slug=slug, mailing_id=mailing_id), code=303)


def _discarded(slug: str) -> ResponseReturnValue:
    flash(gettext("The draft is gone."), "ok")
    return redirect(url_for(".index", slug=slug), code=303)


@blueprint.get("/<int:mailing_id>/html")
@staff_only(StaffRole.ORGANISER)
def html(slug: str, mailing_id: int) -> ResponseReturnValue:
    """The HTML part alone, for the frame of the preview: no scripts, nothing from outside."""
    event = event_by_slug(slug)
    return framed(preview_of(event, _mailing(event, mailing_id))["message"])


def _form(event: Event, kept: Segment | None = None) -> MailingForm:
    form = MailingForm()
    questions = db.session.scalars(
        select(Question).where(Question.event_id == event.id).order_by(Question.position)
    ).all()
    form.fill_choices(listing.options_of(event), questions, segments.counts(event.id), kept)
    return form


def _compose(event: Event, form: MailingForm, mailing: Mailing | None = None) -> str:
    saved = Segment.from_json(mailing.segment) if mailing and not form.errors else None
    g.frame_sources = ["'self'"]
    return render_template(
        "staff/mailings/compose.html",
        event=event,
        form=form,
        mailing=mailing,
        fields=FIELDS,
        count=segments.count(event.id, saved) if saved and saved == form.segment() else None,
        warnings=_warnings(event, mailing) if mailing else [],
        trouble=outbox.trouble(now()),
        **(preview_of(event, mailing) if mailing else {}),
    )


def _report(event: Event, mailing: Mailing, form: MailingForm) -> str:
    failed = db.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.mailing_id == mailing.id, OutboxMail.state == MailState.FAILED)
        .order_by(OutboxMail.id)
        .limit(50)
    ).all()
    segment = Segment.from_json(mailing.segment)
    return render_template(
        "staff/mailings/show.html",
        event=event,
        mailing=mailing,
        count=segments.count(event.id, segment) if mailing.is_scheduled else None,
        progress=progress.of([mailing])[mailing.id],
        words=form.words_of(segment),
        failed=failed,
        now=now(),
        trouble=outbox.trouble(now()),
        **preview_of(event, mailing),
    )


def _warnings(event: Event, mailing: Mailing) -> list[str]:
    """What may be wrong with a draft, and is the writer's to decide."""
    found = []
    if mailing.id in shifting.kept_back(event.id):
        found.append(
            gettext(
                "This message did not go at its time: by then the event was moved, cancelled or "
                "over."
            )
        )
    used = used_fields(mailing.subject, mailing.body)
    if "doors_time" in used and event.doors_at is None:
        found.append(gettext("No time for the doors is set: {doors_time} is the start."))
    has_room = any(not option.is_virtual for option in listing.options_of(event))
    if "place" in used and has_room and not event.venue_name and not event.venue_address:
        found.append(gettext("No venue is set: {place} is empty for people in the room."))
    if event.is_past(now()):
        found.append(gettext("The event is over."))
    return found


def _mailing(event: Event, mailing_id: int) -> Mailing:
    mailing = db.session.get(Mailing, mailing_id, populate_existing=True)
    if mailing is None or mailing.event_id != event.id:
        abort(404)
    return mailing
