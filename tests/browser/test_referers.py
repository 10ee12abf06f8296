"""What other sites learn from a browser that comes from ours: never a key, nor which page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request, Route

from registration import streams
from registration.models import Rsvp, StaffRole
from tests.browser.conftest import Site
from tests.factories import make_event, make_option, make_rsvp, make_staff

PLAYER = "https://www.youtube-nocookie.com/embed/abcdefghijk"
MEETING = "https://example.zoom.us/j/123"
MAP = "https://maps.example.org/here"
CALENDAR = "https://calendar.google.com/"


@pytest.fixture
def rsvp(site: Site) -> Rsvp:
    event = make_event(venue_map_url=MAP, lobby_opens_minutes=15)
    make_option(event)
    rsvp = make_rsvp(make_option(event, mode="virtual"))
    site.now = event.starts_at - timedelta(minutes=5)
    return rsvp


class World:
    """All other sites: they answer to this page, and keep where it said that it came from."""

    def __init__(self, page: Page, site: Site) -> None:
        self._page, self._site = page, site
        self._seen: list[Request] = []
        page.route(lambda url: not url.startswith(site.url), self._answer)
        page.on("request", lambda request: self._seen.append(request))

    def _answer(self, route: Route) -> None:
        route.fulfill(body="<!doctype html><title>there</title>", content_type="text/html")

    def heard(self, start: str) -> str | None:
        """The Referer of the request for an address that starts like this."""
        found = [one for one in self._seen if one.url.startswith(start)]
        assert found, f"{start} was not asked for: {[one.url for one in self._seen]}"
        return found[-1].all_headers().get("referer")


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page("/privacy", own=True)


def test_a_player_learns_our_site_and_not_whose_lobby_it_stands_in(
    page: Page, site: Site, rsvp: Rsvp
):
    stream(rsvp, PLAYER)
    world = World(page, site)
    page.goto(f"/j/{rsvp.join_key}")
    page.get_by_role("button", name="Enter").click()
    page.frame_locator("iframe").locator("body").wait_for(state="attached")
    assert world.heard(PLAYER) == f"{site.url}/", "some play only where they know the site"


def test_a_meeting_learns_nothing(page: Page, site: Site, rsvp: Rsvp):
    stream(rsvp, MEETING)
    world = World(page, site)
    page.goto(f"/j/{rsvp.join_key}")
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url(f"{MEETING}**")
    assert world.heard(MEETING) is None


def test_a_link_from_an_rsvps_page_or_an_events_tells_nothing(page: Page, site: Site, rsvp: Rsvp):
    world = World(page, site)
    page.goto(f"/rsvp/{rsvp.manage_key}")
    page.get_by_text("Add to calendar").click()
    page.get_by_role("link", name="Google Calendar").click()
    page.wait_for_url(f"{CALENDAR}**")
    assert world.heard(CALENDAR) is None
    page.goto(f"/events/{rsvp.event.slug}?invitation=a-key")
    page.get_by_role("link", name="Open in maps").click()
    page.wait_for_url(MAP)
    assert world.heard(MAP) is None


def stream(rsvp: Rsvp, url: str) -> None:
    """Let the event be shown there."""
    account = make_staff(StaffRole.ORGANISER, rsvp.event)
    streams.add(event_id=rsvp.event_id, staff_id=account.id, now=rsvp.created_at, url=url, label="")
