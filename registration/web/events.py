"""The public house: the list of events, the page of one, calendars and feeds.

These pages set no cookie and hold nothing of the visitor, so that any cache can keep them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from registration import cards, entries, itip, listing, wording
from registration.listing import Listed
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    EventStatus,
    RegistrationKind,
    Visibility,
)
from registration.times import now
from registration.web import access, schema_org
from registration.web.files import calendar_file
from registration.web.headers import cacheable

blueprint = Blueprint("events", __name__)

#: For how many seconds caches may keep a page that tells of seats (see PAGE_MEMORY_SECONDS).
FRESH = 1
#: What a link to the form carries, and the event's page hands on.
CARRIED = ("invitation", "code", "source")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Upcoming events by month, and past ones; a search looks in both."""
    moment = now()
    shown = {"in-person": AttendanceMode.IN_PERSON, "online": AttendanceMode.VIRTUAL}
    way = request.args.get("way", "")
    search = request.args.get("q", "").strip()[:200]
    page = max(1, request.args.get("page", 1, type=int))
    upcoming = listing.upcoming(moment, shown.get(way), search=search)
    events = [item.event for item in upcoming]
    past, has_more = listing.past(moment, search=search, page=page)
    answer = make_response(
        render_template(
            "events/index.html",
            upcoming=_by_month(upcoming),
            past=_by_month(past),
            has_more=has_more,
            next_event=next(
                (event for event in events if event.status is not EventStatus.CANCELLED), None
            ),
            way=way if way in shown else "",
            search=search,
            page=page,
            now=moment,
            subscribe=_subscribe_links(),
        )
    )
    return cacheable(answer, seconds=FRESH)


def _by_month(listed: list[Listed]) -> list[tuple[datetime, list[Listed]]]:
    """Events in their own time zones, in groups of one month."""

    def month(item: Listed) -> tuple[int, int]:
        local = item.event.starts_at.astimezone(item.event.zone)
        return local.year, local.month

    groups = [list(items) for _month, items in groupby(listed, key=month)]
    return [(items[0].event.starts_at.astimezone(items[0].event.zone), items) for items in groups]


@blueprint.get("/events/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """The page of one event: announcement, way in, and afterwards its record.

    Who reads it on the way to the form keeps what they came by.
    """
    carried = {name: request.args[name][:100] for name in CARRIED if request.args.get(name)}
    page = make_response(page_of(access.published_event(slug), carried=carried))
    return cacheable(page, seconds=FRESH)


def page_of(
    event: Event, *, is_preview: bool = False, carried: Mapping[str, str] | None = None
) -> str:
    """The page as everybody sees it; as a preview, what staff see of it before."""
    programme = listing.programme_of(event)
    moment = now()
    card = _card_url(event, programme.options)
    return render_template(
        "events/show.html",
        is_preview=is_preview,
        carried=carried or {},
        event=event,
        programme=programme,
        now=moment,
        is_past=event.is_past(moment),
        is_cancelled=event.status is EventStatus.CANCELLED,
        is_unlisted=event.visibility is not Visibility.PUBLIC,
        is_by_invitation=event.visibility is Visibility.INVITATION,
        takes_rsvps=event.registration is RegistrationKind.BUILT_IN,
        is_external=event.registration is RegistrationKind.EXTERNAL,
        open_options=[option for option in programme.options if option.is_offered(event, moment)],
        opens_at=listing.opens_next(programme.options, event, moment),
        closed_at=listing.closed_at(programme.options, event, moment),
        calendar=_calendar_links(event, programme.options),
        shares=_share_links(event),
        card_url=card,
        structured=schema_org.describe(event, programme, card, moment),
    )


@blueprint.get("/events/<slug>.ics")
def ics(slug: str) -> ResponseReturnValue:
    """The event as a file for any calendar."""
    event = access.published_event(slug)
    return _calendar([event], name="")


@blueprint.get("/events/<slug>/card.png")
def card(slug: str) -> ResponseReturnValue:
    """The picture that stands beside the event's address in messages and posts."""
    event = access.published_event(slug)
    picture = cards.png(_card_of(event, listing.options_of(event)))
    return cacheable(Response(picture, mimetype="image/png"), seconds=3600)


def _card_of(event: Event, options: Sequence[AttendanceOption]) -> cards.Card:
    zone, starts_at, last_at = event.zone, event.starts_at, event.last_day_at
    day, weekday = wording.day_of_month(starts_at, zone), wording.weekday(starts_at, zone)
    if event.lasts_days:
        day = f"{day}–{wording.day_of_month(last_at, zone)}"
        weekday = f"{weekday}–{wording.weekday(last_at, zone)}"
    names = {option.mode: wording.option_name(option) for option in reversed(options)}
    cancelled = event.status is EventStatus.CANCELLED
    return cards.Card(
        host=entries.host_name(event),
        day=day,
        weekday=weekday,
        month=wording.month_and_year(starts_at, last_at, zone),
        title=event.title,
        when=gettext("Cancelled") if cancelled else wording.hours(starts_at, event.ends_at, zone),
        in_person="" if cancelled else names.get(AttendanceMode.IN_PERSON, ""),
        online="" if cancelled else names.get(AttendanceMode.VIRTUAL, ""),
        hue=current_app.config["HUE"],
    )


def _card_url(event: Event, options: Sequence[AttendanceOption]) -> str:
    """The picture's address: another one for another picture, since networks keep them long."""
    said = hashlib.blake2b(repr(_card_of(event, options)).encode(), digest_size=6).hexdigest()
    return current_app.config["BASE_URL"] + url_for("events.card", slug=event.slug, v=said)


@blueprint.get("/calendar.ics")
def calendar() -> ResponseReturnValue:
    """All public events as a calendar to subscribe to; cancelled ones stay in it as cancelled."""
    return _calendar(listing.for_calendar(now()), name=current_app.config["ORGANISATION_NAME"])


def _calendar(events: list[Event], *, name: str) -> Response:
    # DTSTAMP is when the newest of them changed: an unchanged calendar keeps its ETag.
    stamp = max((event.updated_at for event in events), default=now())
    told = [entries.of_event(item.event, item.options) for item in listing.with_options(events)]
    body = itip.publish(told, now=stamp, name=name)
    answer = calendar_file(body, events[0].slug if not name else "events")
    return cacheable(answer, seconds=300, translated=False)


@blueprint.get("/feed.atom")
def feed() -> ResponseReturnValue:
    """Public events as an Atom feed (RFC 4287)."""
    news = listing.news()
    updated = max((event.updated_at for event, _announced_at in news), default=now())
    page = render_template(
        "events/feed.atom", news=news, updated=updated, title=_news_title, when=_when
    )
    answer = Response(page, content_type="application/atom+xml; charset=utf-8")
    return cacheable(answer, seconds=300, translated=False)


def _news_title(event: Event) -> str:
    if event.status is not EventStatus.CANCELLED:
        return event.title
    with force_locale(event.language):
        return gettext("Cancelled: %(title)s, %(when)s", title=event.title, when=_when(event))


def _when(event: Event) -> str:
    """Day and hours of an event in its own language, as its entry says that it is."""
    with force_locale(event.language):
        return wording.span(event.starts_at, event.ends_at, event.zone)


@blueprint.get("/sitemap.xml")
def sitemap() -> ResponseReturnValue:
    """The addresses of public events, for search engines (sitemaps.org)."""
    page = render_template("events/sitemap.xml", addresses=listing.addresses())
    answer = Response(page, content_type="application/xml; charset=utf-8")
    return cacheable(answer, seconds=300, translated=False)


def _subscribe_links() -> dict[str, str]:
    """Addresses at which a calendar keeps following the feed, instead of taking it in once."""
    feed = current_app.config["BASE_URL"].partition("://")[2] + url_for("events.calendar")
    return {
        "webcal": f"webcal://{feed}",
        "google": "https://calendar.google.com/calendar/r?"
        + urlencode({"cid": f"webcal://{feed}"}),
    }


def _calendar_links(event: Event, options: Sequence[AttendanceOption]) -> dict[str, str]:
    entry = entries.of_event(event, options)
    return {
        "ics": url_for("events.ics", slug=event.slug),
        "google": itip.google_link(entry),
        "outlook": itip.outlook_link(entry),
    }


def _share_links(event: Event) -> dict[str, str]:
    url = entries.event_url(event)
    post = {"text": event.title, "url": url}
    if event.hashtag:
        post["hashtags"] = event.hashtag
    return {
        "twitter": "https://twitter.com/intent/tweet?" + urlencode(post),
        "linkedin": "https://www.linkedin.com/sharing/share-offsite/?" + urlencode({"url": url}),
        "mail": f"mailto:?subject={quote(event.title)}&body={quote(url)}",
    }
