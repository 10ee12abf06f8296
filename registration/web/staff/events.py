"""The staff's list of events, and the overview of one."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from registration import growth, listing, openings, outbox, roster, turnout, wording
from registration.database import db
from registration.models import (
    LIVE,
    Event,
    EventStatus,
    Rsvp,
    RsvpStatus,
    StaffRole,
)
from registration.times import now
from registration.web.staff import chart, tasks
from registration.web.staff.access import event_by_slug, has_role, own_events, staff_only

blueprint = Blueprint("staff_events", __name__, url_prefix="/staff")
#: How many events are on a page; older ones are found by a search.
MOST = 200


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER, StaffRole.DOOR)
def index() -> ResponseReturnValue:
    """Upcoming events, drafts, past ones."""
    moment = now()
    draft = Event.status == EventStatus.DRAFT
    search = request.args.get("q", "").strip()[:100]
    tabs = {
        "upcoming": (~draft) & (Event.ends_at > moment),
        "drafts": draft,
        "past": (~draft) & (Event.ends_at <= moment),
    }
    tab = request.args.get("tab", "upcoming")
    tab = tab if tab in tabs else "upcoming"
    counts = {
        name: db.session.scalar(
            select(func.count())
            .select_from(Event)
            .where(own_events(), condition, *listing.mentioning(search))
        )
        for name, condition in tabs.items()
    }
    order = Event.starts_at.desc() if tab == "past" else Event.starts_at.asc()
    events = db.session.scalars(
        select(Event)
        .where(own_events(), tabs[tab], *listing.mentioning(search))
        .order_by(order)
        .limit(MOST)
    ).all()
    recent = dict(
        db.session.execute(
            select(Rsvp.event_id, func.count())
            .where(
                Rsvp.event_id.in_([event.id for event in events]),
                Rsvp.status.in_(LIVE),
                Rsvp.created_at > moment - timedelta(days=7),
            )
            .group_by(Rsvp.event_id)
        ).all()
    )
    return render_template(
        "staff/events.html",
        rows=[_row(item, moment) for item in listing.with_options(events)],
        recent=recent,
        tab=tab,
        counts=counts,
        search=search,
        can_create=_is_organiser(),
        now=moment,
        trouble=outbox.trouble(moment) if _is_organiser() else None,
    )


def _is_organiser() -> bool:
    return has_role(StaffRole.ADMIN, StaffRole.ORGANISER)


def _row(item: listing.Listed, moment: datetime) -> dict[str, object]:
    """An event in the list: its options by mode, who waits, and where its name leads."""
    event = item.event
    room = "staff_events.overview" if _is_organiser() else "staff_door.index"
    return {
        "event": event,
        "url": url_for(room, slug=event.slug),
        "in_person": [option for option in item.options if not option.is_virtual],
        "online": [option for option in item.options if option.is_virtual],
        "waiting": sum(option.waiting for option in item.options),
        "open": [option for option in item.options if option.is_open(event, moment)],
        "opens_at": listing.opens_next(item.options, event, moment),
    }


@blueprint.get("/events/<slug>/")
@staff_only(StaffRole.ORGANISER)
def overview(slug: str) -> ResponseReturnValue:
    """Figures, growth, capacity, what is to do, who came last."""
    event = event_by_slug(slug)
    moment = now()
    counts = roster.counts_of(event)
    latest = db.session.scalars(
        select(Rsvp)
        .where(Rsvp.event_id == event.id, Rsvp.status.in_(LIVE), Rsvp.erased_at.is_(None))
        .options(joinedload(Rsvp.option))
        .order_by(Rsvp.created_at.desc(), Rsvp.id.desc())
        .limit(5)
    ).all()
    week = db.session.scalar(
        select(func.count())
        .select_from(Rsvp)
        .where(
            Rsvp.event_id == event.id,
            Rsvp.status.in_(LIVE),
            Rsvp.created_at > moment - timedelta(days=7),
        )
    )
    options = listing.options_of(event)
    grown = growth.of(event, moment)
    rooms = [option for option in options if not option.is_virtual]
    capacities = [option.capacity for option in rooms]
    return render_template(
        "staff/event.html",
        growth=grown,
        chart=chart.of(grown, sum(filter(None, capacities)) if all(capacities) else None)
        if grown
        else None,
        sources=growth.sources_of(event),
        needs=_needs(growth.needs_of(event)),
        only_room=rooms[0].id if len(rooms) == 1 else None,
        turnouts=_turnouts(event, moment),
        event=event,
        live=counts.live,
        total=counts.total,
        cancelled=counts.by_status[RsvpStatus.CANCELLED],
        options=options,
        tasks=tasks.of(event, pending=counts.by_status[RsvpStatus.PENDING], now=moment),
        latest=latest,
        week=week,
        asked=openings.asked(event.id),
        now=moment,
        trouble=outbox.trouble(moment),
    )


def _needs(numbers: dict[str, int]) -> str:
    """What the room must offer, in words."""
    words = {
        "step_free": ngettext(
            "%(num)d needs a step-free route",
            "%(num)d need a step-free route",
            numbers["step_free"],
        ),
        "sign_language": ngettext(
            "%(num)d asked for sign language",
            "%(num)d asked for sign language",
            numbers["sign_language"],
        ),
        "captions": ngettext(
            "%(num)d asked for captions", "%(num)d asked for captions", numbers["captions"]
        ),
    }
    return wording.listed(text for name, text in words.items() if numbers[name])


def _turnouts(event: Event, moment: datetime) -> list[dict[str, object]]:
    """Who came and who watched, once it has begun; nothing before."""
    if moment < event.starts_at:
        return []
    came = turnout.of(event)
    figures = (
        (gettext("In the room"), came.room, came.room_expected),
        (gettext("Watched"), came.online, came.online_expected),
    )
    return [
        {
            "label": label,
            "number": number,
            "note": gettext(
                "%(percent)d%% of %(expected)d expected",
                percent=round(100 * number / expected),
                expected=expected,
            ),
        }
        for label, number, expected in figures
        if expected
    ]
