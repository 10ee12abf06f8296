"""The lobby's life in a browser, the clock moved: it follows staff without being touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from registration import announcements, lifecycle, listing, streams
from registration.database import db
from registration.models import AgendaItem, Announcement, LobbyPhase, Rsvp, StaffRole
from tests.browser.conftest import Site, assert_accessible
from tests.factories import make_event, make_option, make_rsvp, make_speaker, make_staff, save

FIRST = "https://www.youtube-nocookie.com/embed/abcdefghijk"
BACKUP = "https://player.vimeo.com/video/123456"
MEETING = "https://example.zoom.us/j/123"
#: Longer than an open lobby waits between two looks, whatever chance adds, in milliseconds.
LONG = 60_000


@pytest.fixture
def rsvp(site: Site) -> Rsvp:
    event = make_event(title="Policing in Conflict", lobby_opens_minutes=15)
    make_option(event, capacity=1)
    make_speaker(event, name="Jaswant Lal")
    return make_rsvp(make_option(event, mode="virtual"), name="Amina Okonkwo-Bell")


@pytest.fixture
def staff(rsvp: Rsvp) -> dict:
    account = make_staff(StaffRole.ORGANISER, rsvp.event)
    return {"event_id": rsvp.event_id, "staff_id": account.id, "now": rsvp.created_at}


def play(route: Route) -> None:
    """What a player or a meeting answers; nothing leaves the machine."""
    route.fulfill(body="<!doctype html><title>there</title><p>there", content_type="text/html")


def offline_world(page: Page) -> None:
    for site in ("https://*.youtube-nocookie.com/**", "https://*.vimeo.com/**", f"{MEETING}**"):
        page.route(site, play)


def enter(page: Page) -> None:
    """Press *Enter* and wait until the next page's scripts run: only then does its clock count."""
    with page.expect_navigation():
        page.get_by_role("button", name="Enter").click()


def test_an_open_lobby_follows_the_whole_life_of_an_event(
    open_page: Callable[..., Page], site: Site, rsvp: Rsvp, staff: dict
):
    streams.add(url=FIRST, label="Main", **staff)
    backup = streams.add(url=BACKUP, label="Backup", **staff)
    starts, ends, key = rsvp.event.starts_at, rsvp.event.ends_at, rsvp.join_key
    backup_id = backup.id

    site.now = starts - timedelta(minutes=15, seconds=3)
    page = open_page("/privacy", own=True)
    offline_world(page)
    page.clock.install()  # what would be minutes of waiting passes at once
    page.goto(f"/j/{key}")
    expect(page.get_by_text("Starts in")).to_be_visible()
    expect(page.get_by_role("button", name="Enter")).to_be_hidden()
    assert_accessible(page)
    spoken = page.locator("[data-says]")
    expect(spoken).to_have_text("")
    page.get_by_role("link", name="Check again").focus()

    site.now = starts - timedelta(minutes=14)
    page.clock.fast_forward(LONG)  # the countdown reaches the door's time
    expect(page.get_by_role("button", name="Enter")).to_be_focused()
    expect(spoken).to_have_text("The door is open: press Enter.")
    assert_accessible(page)
    enter(page)
    expect(page.locator("iframe")).to_have_attribute("src", FIRST)
    assert_accessible(page)

    site.now = starts
    streams.switch(source_id=backup_id, **staff)
    streams.say(note="The sound is back in a minute.", **staff)
    page.clock.fast_forward(LONG)
    expect(page.locator("iframe")).to_have_attribute("src", BACKUP)
    expect(page.get_by_text("The sound is back in a minute.")).to_be_visible()

    streams.steer(phase=LobbyPhase.ENDED, **(staff | {"now": starts}))
    page.clock.fast_forward(LONG)
    expect(page.locator(".note").get_by_text("This event has ended.")).to_be_visible()
    expect(spoken).to_have_text("This event has ended.")
    site.now = ends
    streams.record(
        recording_url="https://youtu.be/abcdefghijk",
        minutes=88,
        transcript_url="",
        audio_url="",
        slides_url="https://files.example.org/slides.pdf",
        **staff,
    )
    page.get_by_role("link", name="See what there is to watch now").click()
    expect(page.get_by_role("link", name="Watch the recording")).to_be_visible()
    expect(page.get_by_role("link", name="Slides")).to_be_visible()
    assert_accessible(page)


def test_who_waits_for_the_stream_gets_it_although_one_question_fails(open_page, site, rsvp, staff):
    site.now = rsvp.event.starts_at
    page = open_page("/privacy", own=True)
    offline_world(page)
    page.clock.install()
    page.goto(f"/j/{rsvp.join_key}")
    enter(page)
    expect(page.get_by_text("You are in.")).to_be_visible()
    asked = []

    def away(route: Route) -> None:
        asked.append(route)
        route.fulfill(status=503, body="") if len(asked) == 1 else route.continue_()

    page.route("**/stream.json", away)
    streams.add(url=FIRST, label="", **staff)
    with page.expect_response("**/stream.json") as failed:
        page.clock.fast_forward(LONG)
    assert failed.value.status == 503
    page.clock.fast_forward(LONG)
    expect(page.locator("iframe")).to_have_attribute("src", FIRST)


def test_the_countdown_is_right_after_a_laptop_has_slept(open_page, site, rsvp):
    site.now = rsvp.event.starts_at - timedelta(hours=10)
    page = open_page("/privacy", own=True)
    page.clock.install()
    page.goto(f"/j/{rsvp.join_key}")
    page.clock.run_for(2000)
    expect(page.locator("[data-unit=h]")).to_have_text("9")
    # The clock on the wall has gone on; what counts the time since the page was opened has not.
    page.clock.set_system_time(page.evaluate("Date.now()") / 1000 + 8 * 3600)
    page.clock.run_for(2000)
    expect(page.locator("[data-unit=h]")).to_have_text("1")


def test_the_programme_marks_what_is_on_as_the_hours_pass(open_page, site, rsvp, staff):
    starts, ends = rsvp.event.starts_at, rsvp.event.ends_at
    for title, minutes in (("Welcome", 0), ("Panel", 10)):
        item = AgendaItem(event_id=rsvp.event_id, title=title)
        item.starts_at = starts + timedelta(minutes=minutes)
        save(item)
    streams.add(url=FIRST, label="", **staff)
    site.now = starts
    page = open_page("/privacy", own=True)
    offline_world(page)
    page.clock.install()
    page.goto(f"/j/{rsvp.join_key}")
    enter(page)
    now_on = page.locator(".run .is-now")
    expect(now_on).to_contain_text("Now: Welcome")
    page.clock.fast_forward(11 * 60_000)
    expect(now_on).to_contain_text("Now: Panel")
    expect(now_on).to_have_count(1)
    page.clock.fast_forward(round((ends - starts).total_seconds() * 1000))
    expect(now_on).to_have_count(0)


def test_who_watches_when_it_is_cancelled_reads_so_and_why(open_page, site, rsvp, staff):
    streams.add(url=FIRST, label="", **staff)
    site.now = rsvp.event.lobby_opens_at
    page = open_page("/privacy", own=True)
    offline_world(page)
    page.clock.install()
    page.goto(f"/j/{rsvp.join_key}")
    enter(page)
    expect(page.locator("iframe")).to_have_attribute("src", FIRST)
    lifecycle.cancel(reason="The speaker is ill.", **(staff | {"now": site.now}))
    page.clock.fast_forward(LONG)
    expect(page.get_by_text("The speaker is ill.")).to_be_visible()
    cancelled = page.locator(".note", has_text="This event has been cancelled.")
    expect(cancelled).to_be_visible()
    expect(page.get_by_text("This event has ended.")).to_be_hidden()
    telling = db.session.scalars(select(Announcement.id)).one()
    assert announcements.undo(announcement_id=telling, staff_id=None, now=site.now)
    page.clock.fast_forward(LONG)
    expect(cancelled).to_be_hidden()
    expect(page.get_by_text("The speaker is ill.")).to_be_hidden()
    expect(page.locator("iframe")).to_have_attribute("src", FIRST)


def test_an_open_lobby_shows_that_the_event_goes_on_longer(open_page, site, rsvp, staff):
    event = rsvp.event
    site.now = event.starts_at - timedelta(minutes=10)
    page = open_page("/privacy", own=True)
    page.clock.install()
    page.goto(f"/j/{rsvp.join_key}")
    said = page.locator(".lobby__door strong")
    before = said.inner_text()
    event.ends_at += timedelta(minutes=45)
    save(event)
    page.clock.fast_forward(LONG)
    expect(said).not_to_have_text(before)


def test_a_meeting_elsewhere_opens_after_enter(open_page, site, rsvp, staff):
    streams.add(url=MEETING, label="", **staff)
    site.now = rsvp.event.starts_at
    page = open_page("/privacy", width="phone")
    offline_world(page)
    page.goto(f"/j/{rsvp.join_key}")
    enter(page)
    page.wait_for_url(f"{MEETING}**")
    expect(page).to_have_title("there")


def test_who_has_opened_a_meeting_is_told_when_it_moves(open_page, site, rsvp, staff):
    source_id = streams.add(url=MEETING, label="", **staff).id
    site.now = rsvp.event.starts_at
    page = open_page("/privacy", own=True)
    offline_world(page)
    page.clock.install()
    page.goto(f"/j/{rsvp.join_key}")
    enter(page)
    page.wait_for_url(f"{MEETING}**")
    page.goto(f"/j/{rsvp.join_key}")
    way, moved = page.get_by_role("link", name="Open the stream"), page.locator("[data-moved]")
    expect(way).to_be_visible()
    expect(moved).to_be_hidden()
    elsewhere = f"{MEETING}456"
    streams.change(source_id=source_id, url=elsewhere, label="", **staff)
    with page.expect_response("**/lobby.json"):
        page.clock.fast_forward(LONG)
    page.clock.fast_forward(LONG)  # each lobby asks for the new address at a moment of its own
    expect(moved).to_be_visible()
    expect(way).to_have_attribute("href", elsewhere)
    assert_accessible(page)


def test_without_script_the_lobby_works_by_hand(open_page, site, rsvp, staff, width):
    streams.add(url=FIRST, label="", **staff)
    site.now = rsvp.event.starts_at - timedelta(hours=1)
    page = open_page("/privacy", width=width, scripts=False)
    offline_world(page)
    page.goto(f"/j/{rsvp.join_key}")
    site.now = rsvp.event.starts_at
    page.get_by_role("link", name="Check again").click()
    enter(page)
    expect(page.locator("iframe")).to_have_attribute("src", FIRST)


def test_without_script_who_is_in_before_the_stream_can_look_again(open_page, site, rsvp, staff):
    site.now = rsvp.event.starts_at
    page = open_page("/privacy", scripts=False)
    offline_world(page)
    page.goto(f"/j/{rsvp.join_key}")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("The stream appears here when it is ready.")).to_be_visible()
    streams.add(url=FIRST, label="", **staff)
    page.get_by_role("link", name="Check again").click()
    expect(page.locator("iframe")).to_have_attribute("src", FIRST)


def test_who_watches_instead_of_coming_frees_the_seat_on_the_morning(open_page, site, rsvp):
    event = rsvp.event
    room = listing.options_of(event)[0]
    seated = make_rsvp(room, name="Gérard")
    room_id = room.id
    site.now = event.starts_at - timedelta(minutes=5)
    page = open_page(f"/rsvp/{seated.manage_key}", width="phone")
    page.get_by_role("link", name="Watch online instead").click()
    expect(page.locator("main")).to_contain_text("you may not get another")
    page.get_by_role("button", name="Watch online instead").click()
    page.get_by_role("link", name="Go to my room").click()
    enter(page)
    expect(page.get_by_text("You are in.")).to_be_visible()
    db.session.rollback()
    assert make_rsvp(db.session.get_one(type(room), room_id), now=site.now).is_confirmed


def test_staff_steer_from_a_phone_and_from_a_desk(open_page, site, rsvp, staff, width):
    streams.add(url=FIRST, label="Main", **staff)
    streams.add(url=BACKUP, label="Backup", **staff)
    account = make_staff(StaffRole.ORGANISER, rsvp.event)
    site.now = rsvp.event.starts_at - timedelta(hours=1)
    page = open_page(f"/staff/events/{rsvp.event.slug}/stream", width=width, account=account)
    assert_accessible(page)
    page.get_by_role("button", name="Open the door now").click()
    expect(page.get_by_text("Every open lobby follows within seconds.")).to_be_visible()
    page.get_by_role("button", name="Switch to this Backup").click()
    expect(page.get_by_role("button", name="Switch to this Main")).to_be_visible()
    page.get_by_role("button", name="Go live now").click()
    expect(page.get_by_text("Live, from the backup")).to_be_visible()
    assert_accessible(page)


def test_the_recording_form_is_accessible(open_page, site, rsvp, width):
    account = make_staff(StaffRole.ORGANISER, rsvp.event)
    page = open_page(f"/staff/events/{rsvp.event.slug}/recording", width=width, account=account)
    assert_accessible(page)
    page.get_by_label("Recording").fill("nonsense")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("https://")
    assert_accessible(page)
