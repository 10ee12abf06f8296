"""Who comes: the list, one person, and what staff do with their RSVP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import (
    Blueprint,
    abort,
    flash,
    has_request_context,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from registration import (
    approvals,
    exports,
    links,
    listing,
    moves,
    programme,
    queues,
    replies,
    roster,
)
from registration.admission import Refusal, RsvpRefused
from registration.database import db
from registration.models import (
    Answer,
    AuditEntry,
    CalendarReply,
    Event,
    OutboxMail,
    ReplyState,
    Rsvp,
    RsvpStatus,
    StaffRole,
)
from registration.parties import attendees
from registration.roster import Filters
from registration.times import now
from registration.web.staff.access import event_by_slug, own_events, rsvp_of, staff_only
from registration.web.staff.field_names import VALUES

blueprint = Blueprint("staff_attendees", __name__, url_prefix="/staff/events/<slug>")

#: What an approval leads to, whoever gave it.
LET_IN = (RsvpStatus.CONFIRMED, RsvpStatus.WAITLISTED)
_MOST_OTHERS = 50
_NOT_KEPT = ("page", "part", "undo")


@blueprint.url_defaults
def keep_list(endpoint: str, values: dict[str, Any]) -> None:
    """Let each link on the pages of one person know the list from which somebody came to them."""
    kept = request.args.get("list") if has_request_context() else None
    is_theirs = values.get("rsvp_id", values.get("person")) is not None
    if kept and is_theirs and values.get("slug") == (request.view_args or {}).get("slug"):
        values.setdefault("list", kept)


def list_of(slug: str) -> str:
    """The list as somebody left it for the page of one person."""
    kept: dict[str, Any] = dict(parse_qsl(request.args.get("list", "")))
    return url_for("staff_attendees.index", **kept | {"slug": slug})


def filters_of_request() -> Filters:
    """The filters of the address; an answer is written as "question:choice", or as "news"."""
    question, _colon, answer = request.args.get("answer", "").partition(":")
    asked = int(question) if question.isdecimal() and len(question) < 10 else 0
    return Filters(
        search=request.args.get("q", "").strip()[:200],
        way=request.args.get("way", ""),
        status=request.args.get("status", ""),
        option_id=request.args.get("option", 0, type=int),
        access=request.args.get("access", ""),
        wants_news=question == "news",
        question_id=asked,
        answer=answer,
        sort=request.args.get("sort", "arrival"),
        descending=request.args.get("order", "down") == "down",
    )


@blueprint.get("/attendees")
@staff_only(StaffRole.ORGANISER)
def index(slug: str) -> ResponseReturnValue:
    """The list: searched, filtered, sorted, page by page."""
    event = event_by_slug(slug)
    filters = filters_of_request()
    counts = roster.counts_of(event)
    page = roster.page_of(event, filters, request.args.get("page", 1, type=int), counts)
    kept = {name: value for name, value in request.args.items() if name not in _NOT_KEPT and value}
    query = f"?{urlencode(kept)}" if kept else ""
    # What is done with some of them leads back to where they stood.
    there = kept | ({"page": str(page.number)} if page.number > 1 else {})
    back = f"?{urlencode(there)}" if there else ""
    # The script asks for the list alone while somebody types.
    template = "staff/_attendees.html" if "part" in request.args else "staff/attendees.html"
    return render_template(
        template,
        event=event,
        options=listing.options_of(event),
        questions=listing.questions_of(event) + programme.retired_questions(event),
        undo=_undo(),
        export_page=url_for("staff_exports.choose", slug=slug) + query,
        undo_url=url_for("staff_bulk.undo", slug=slug) + back,
        act_url=url_for("staff_bulk.act", slug=slug) + back,
        filters=filters,
        page=page,
        counts=counts.by_status,
        person_url=lambda rsvp: url_for(
            ".show", slug=slug, rsvp_id=rsvp.id, list=urlencode(there) or None
        ),
        page_url=lambda number: f"?{urlencode(kept | {'page': number})}",
        sort_url=lambda column: f"?{urlencode(kept | _next_sort(filters, column))}",
        export_url=lambda kind: url_for("staff_exports.download", slug=slug, format=kind) + query,
    )


def _undo() -> str:
    """The instants at which people were checked in together, if they may be taken back still."""
    undo = request.args.get("undo", "")
    moments, moment = instants(undo), now()
    is_recent = bool(moments) and all(moment - at < timedelta(minutes=30) for at in moments)
    return undo if is_recent else ""


def instants(text: str) -> list[datetime]:
    """The instants of a text with commas between them, in UTC; none if one of them is none."""
    try:
        moments = [datetime.fromisoformat(at) for at in text.split(",")]
        is_complete = all(at.tzinfo is not None for at in moments)
        return [at.astimezone(UTC) for at in moments] if is_complete else []
    except (ValueError, OverflowError):  # the last hours of the year 9999 may be past it in UTC
        return []


def _next_sort(filters: Filters, column: str) -> dict[str, str]:
    """What a column's heading leads to: up first, then down."""
    up_now = filters.sort == column and not filters.descending
    return {"sort": column, "order": "down" if up_now else "up"}


@blueprint.get("/attendees/<int:rsvp_id>")
@staff_only(StaffRole.ORGANISER)
def show(slug: str, rsvp_id: int) -> ResponseReturnValue:
    """One person: what they said, what happened, what they were mailed."""
    event = event_by_slug(slug)
    rsvp = rsvp_of(event, rsvp_id)
    history = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.rsvp_id == rsvp.id)
        .options(joinedload(AuditEntry.staff))
        .order_by(AuditEntry.id.desc())
        .limit(200)
    ).all()
    mails = db.session.scalars(
        select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id).order_by(OutboxMail.id.desc())
    ).all()
    answers = db.session.scalars(select(Answer).where(Answer.rsvp_id == rsvp.id)).all()
    to_read = db.session.scalars(
        select(CalendarReply)
        .where(CalendarReply.rsvp_id == rsvp.id, CalendarReply.state == ReplyState.ODD)
        .order_by(CalendarReply.id)
    ).all()
    others = _others_of(rsvp)
    return render_template(
        "staff/attendee.html",
        list_url=list_of(slug),
        others=others,
        came=roster.checked_in([other.id for other in others]),
        event=event,
        rsvp=rsvp,
        party=attendees(rsvp),
        answers=answers,
        spoken=partial(exports.spoken, yes_no={True: gettext("Yes"), False: gettext("No")}),
        history=history,
        mails=mails,
        to_read=to_read,
        said=VALUES["said"],
        says_perhaps=bool(roster.saying_perhaps([rsvp.id])),
        position=queues.position_of(rsvp) if rsvp.waits_for_option_id else None,
        is_past=event.is_past(now()),
        may_move=bool(moves.of(rsvp, listing.options_of(event), now())),
    )


def _others_of(rsvp: Rsvp) -> Sequence[Rsvp]:
    """What the address has answered else, to events of who is signed in: the latest first."""
    if not rsvp.has_address:
        return []
    return db.session.scalars(
        select(Rsvp)
        .join(Rsvp.event)
        .where(Rsvp.email == rsvp.email, Rsvp.id != rsvp.id, own_events())
        .options(contains_eager(Rsvp.event), joinedload(Rsvp.option))
        .order_by(Event.starts_at.desc(), Rsvp.id.desc())
        .limit(_MOST_OTHERS)
    ).all()


@blueprint.post("/attendees/<int:rsvp_id>")
@staff_only(StaffRole.ORGANISER)
def act_on_one(slug: str, rsvp_id: int) -> ResponseReturnValue:
    """Do one thing with one person; what ends their RSVP is done in bulk.py, which asks first."""
    event = event_by_slug(slug)
    rsvp = rsvp_of(event, rsvp_id)
    staff_id, action = current_user.id, request.form.get("do", "")
    try:
        done = _do(action, rsvp.id, staff_id)
    except RsvpRefused as refusal:
        flash(str(refusal), "warn")
    else:
        flash(done, "ok")
    return redirect(url_for(".show", slug=slug, rsvp_id=rsvp_id), code=303)


def _do(action: str, rsvp_id: int, staff_id: int) -> str:
    moment = now()
    if action == "resend":
        links.resend(rsvp_id=rsvp_id, now=moment, staff_id=staff_id)
        return gettext("The mail is on its way once more.")
    if action == "read":
        replies.settle(rsvp_id=rsvp_id, staff_id=staff_id, now=moment)
        return gettext("It is not on the list of what is to be read any more.")
    if action == "approve":
        approved = approvals.approve(rsvp_ids=[rsvp_id], staff_id=staff_id, now=moment)
        if not approved and db.session.get_one(Rsvp, rsvp_id).status not in LET_IN:
            raise RsvpRefused(
                Refusal.NOT_POSSIBLE, gettext("This RSVP does not wait for approval any more.")
            )
        return gettext("Approved. A mail is on its way.")
    if action in ("promote", "promote_beyond"):
        approvals.promote(
            rsvp_id=rsvp_id,
            staff_id=staff_id,
            now=moment,
            beyond_capacity=action == "promote_beyond",
        )
        return gettext("Moved up. A mail is on its way.")
    abort(400)
