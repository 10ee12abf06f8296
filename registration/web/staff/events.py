"""The staff's list of events, and the overview of one."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from registration import listing, outbox, roster
from registration.database import db
from registration.models import (
    LIVE,
    Event,
    EventStatus,
    Rsvp,
    RsvpStatus,
    SpeakerStatus,
    StaffRole,
    StreamSource,
)
from registration.times import now
from registration.web.staff.access import event_by_slug, own_events, staff_only

blueprint = Blueprint("staff_events", __name__, url_prefix="/staff")


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def index() -> ResponseReturnValue:
    """Upcoming events, drafts, past ones."""
    moment = now()
    draft = Event.status == EventStatus.DRAFT
    tabs = {
        "upcoming": (~draft) & (Event.ends_at > moment),
        "drafts": draft,
        "past": (~draft) & (Event.ends_at <= moment),
    }
    tab = request.args.get("tab", "upcoming")
    tab = tab if tab in tabs else "upcoming"
    counts = {
        name: db.session.scalar(
            select(func.count()).select_from(Event).where(own_events(), condition)
        )
        for name, condition in tabs.items()
    }
    order = Event.starts_at.desc() if tab == "past" else Event.starts_at.asc()
    events = db.session.scalars(
        select(Event).where(own_events(), tabs[tab]).order_by(order).limit(200)
    ).all()
    recent = dict(
        db.session.execute(
            select(Rsvp.event_id, func.count())
            .where(
                Rsvp.event_id.in_([event.id for event in events]),
                Rsvp.created_at > moment - timedelta(days=7),
            )
            .group_by(Rsvp.event_id)
        ).all()
    )
    return render_template(
        "staff/events.html",
        rows=[(event, listing.options_of(event)) for event in events],
        recent=recent,
        tab=tab,
        counts=counts,
        now=moment,
        trouble=outbox.trouble(moment),
    )


@blueprint.get("/events/<slug>/")
@staff_only(StaffRole.ORGANISER)
def overview(slug: str) -> ResponseReturnValue:
    """Figures, capacity, what is to do, who came last."""
    event = event_by_slug(slug)
    moment = now()
    counts = roster.counts_of(event)
    speakers = listing.speakers_of(event)
    latest = db.session.scalars(
        select(Rsvp)
        .where(Rsvp.event_id == event.id, Rsvp.status.in_(LIVE))
        .order_by(Rsvp.created_at.desc(), Rsvp.id.desc())
        .limit(5)
    ).all()
    week = db.session.scalar(
        select(func.count())
        .select_from(Rsvp)
        .where(Rsvp.event_id == event.id, Rsvp.created_at > moment - timedelta(days=7))
    )
    has_stream = select(StreamSource.id).where(StreamSource.event_id == event.id).limit(1)
    return render_template(
        "staff/event.html",
        event=event,
        counts=counts,
        live=sum(counts[status] for status in LIVE),
        cancelled=counts[RsvpStatus.CANCELLED],
        options=listing.options_of(event),
        silent=[speaker for speaker in speakers if speaker.status is SpeakerStatus.INVITED],
        not_invited=[
            speaker for speaker in speakers if speaker.status is SpeakerStatus.NOT_INVITED
        ],
        has_stream=db.session.scalar(has_stream) is not None,
        pending=counts[RsvpStatus.PENDING],
        latest=latest,
        week=week,
        now=moment,
        trouble=outbox.trouble(moment),
    )
