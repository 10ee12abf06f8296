"""The attendee's way: list, event, form, confirmation, switch, cancel."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from registration.models import AgendaItem, QuestionKind
from tests.browser.conftest import Site, assert_accessible, in_both_looks
from tests.conftest import NOW
from tests.factories import make_event, make_option, make_question, make_rsvp, make_speaker, save
from tests.test_web_rsvps import rsvp_in


def fill_in(page: Page, email: str = "amina@example.org") -> None:
    page.get_by_label("Full name").fill("Amina Okonkwo-Bell")
    page.get_by_label("Email address", exact=True).first.fill(email)
    page.get_by_label("Organisation").fill("Example University")
    page.get_by_label("Job title").fill("Lecturer")
    page.get_by_label(re.compile("^I agree")).check()


def check(page: Page, scripts: bool) -> None:
    """Axe needs scripts; without them the same page was checked in the other run."""
    if scripts:
        assert_accessible(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_list_to_a_seat_to_the_stream_and_out_again(
    site: Site, open_page: Callable[..., Page], width: str, scripts: bool
):
    event = make_event(title="Policing in Conflict", slug="policing-in-conflict")
    make_option(event, capacity=120)
    make_option(event, mode="virtual")
    make_question(event, label="What should the panel talk about?", kind=QuestionKind.LONG_TEXT)
    make_speaker(event, name="A speaker")

    page = open_page("/", width=width, scripts=scripts)
    check(page, scripts)
    page.get_by_role("link", name="Policing in Conflict").first.click()
    expect(page.get_by_text("120 of 120 seats left").first).to_be_visible()
    check(page, scripts)
    page.locator("main").get_by_role("link", name="RSVP", exact=True).locator(
        "visible=true"
    ).last.click()

    page.get_by_label("In person").check()
    fill_in(page)
    page.get_by_label("What should the panel talk about?").fill("Training")
    check(page, scripts)
    page.get_by_role("button", name="Save my place").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Your seat is reserved, Amina")
    expect(page.locator("main")).to_contain_text(re.compile(r"[A-Z2-9]{4}-[A-Z2-9]{4}"))
    check(page, scripts)

    page.get_by_role("button", name=re.compile("online", re.I)).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your link is ready, Amina")
    expect(page.locator("main a[href*='/j/']").first).to_be_visible()
    check(page, scripts)

    page.get_by_role("link", name=re.compile("Cancel")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancel your RSVP?")
    check(page, scripts)
    page.locator("main").get_by_role("button", name=re.compile("Cancel")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your RSVP is cancelled")
    check(page, scripts)


def test_mistakes_are_summed_up_with_links_and_nothing_typed_is_lost(
    site: Site, open_page: Callable[..., Page], width: str
):
    event = make_event(slug="mistakes")
    make_option(event, capacity=5)
    make_option(event, mode="virtual")
    page = open_page("/events/mistakes/rsvp", width=width)
    page.get_by_label("Full name").fill("Amina Okonkwo-Bell")
    page.get_by_label("Email address", exact=True).first.fill("amina@")
    page.get_by_role("button", name="Save my place").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(3)
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_label("Full name")).to_have_value("Amina Okonkwo-Bell")
    assert_accessible(page)
    summary.get_by_role("link", name=re.compile("email")).click()
    expect(page.get_by_label("Email address", exact=True).first).to_be_focused()


def test_a_full_room_offers_the_waitlist_and_the_stream_meanwhile(
    site: Site, open_page: Callable[..., Page], width: str
):
    event = make_event(slug="full")
    room = make_option(event, capacity=1)
    make_option(event, mode="virtual")
    make_rsvp(room)
    page = open_page("/events/full", width=width)
    expect(page.locator("main")).to_contain_text("Full – join the waitlist")
    page.goto("/events/full/rsvp")
    assert_accessible(page)
    page.get_by_label(re.compile("waitlist", re.I)).first.check()
    fill_in(page)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("first in the queue")
    assert_accessible(page)


@in_both_looks
def test_every_public_page_is_accessible(
    site: Site, open_page: Callable[..., Page], width: str, scheme: str
):
    event = make_event(slug="policing")
    room = make_option(event, capacity=2)
    stream = make_option(event, mode="virtual")
    speaker = make_speaker(event, bio="Teaches law.")
    seated, watching = make_rsvp(room), make_rsvp(stream)
    # Four digits of days, and both ends of the time: the widest that a head holds.
    forum = make_event(
        slug="forum", starts_at=NOW + timedelta(days=20), ends_at=NOW + timedelta(days=21)
    )
    full = make_option(forum, capacity=1)
    make_rsvp(full)
    waiting = make_rsvp(full)
    page = open_page("/", width=width, scheme=scheme)
    assert_accessible(page)
    for path in (
        "/?q=policing",
        "/events/policing",
        "/events/forum",
        "/events/policing/rsvp",
        f"/rsvp/{seated.manage_key}",
        f"/rsvp/{seated.manage_key}/edit",
        f"/rsvp/{seated.manage_key}/cancel",
        f"/rsvp/{waiting.manage_key}/leave",
        f"/rsvp/{watching.manage_key}",
        f"/j/{watching.join_key}",
        f"/speaker/{speaker.key}",
        "/find",
        "/privacy",
        "/accessibility",
        "/nothing-here",
    ):
        page.goto(path)
        assert_accessible(page)


def test_who_comes_before_rsvps_open_leaves_an_address(
    site: Site, open_page: Callable[..., Page], width: str
):
    make_option(make_event(slug="later", registration_opens_at=NOW + timedelta(days=9)))
    page = open_page("/events/later", width=width)
    page.get_by_role("link", name="Remind me by email").click()
    assert_accessible(page)
    page.get_by_role("button", name="Remind me").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter an email address")
    assert_accessible(page)
    page.get_by_label("Email address").fill("ada@example.org")
    page.get_by_role("button", name="Remind me").click()
    expect(page.get_by_role("heading", name="We will write to you")).to_be_visible()
    assert_accessible(page)


def test_who_comes_first_to_an_event_without_pictures_asks_for_eight_files_at_most(
    site: Site, open_page: Callable[..., Page]
):
    make_option(make_event(slug="policing"))
    page, asked = open_page("about:blank"), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/events/policing")
    page.wait_for_load_state("networkidle")
    assert 5 < len(asked) <= 8, asked


def test_the_visitor_s_time_names_the_day_where_it_is_another_one(
    site: Site, open_page: Callable[..., Page]
):
    evening = datetime(2026, 12, 6, 23, 30, tzinfo=UTC)  # 6:30 p.m. in New York, past midnight here
    morning = datetime(2026, 12, 6, 15, tzinfo=UTC)
    for slug, starts_at in (("evening", evening), ("morning", morning)):
        event = make_event(slug=slug, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))
    night = datetime(2026, 12, 6, 22, 30, tzinfo=UTC)  # from this day to the next one here
    make_event(slug="night", starts_at=night, ends_at=night + timedelta(hours=1))
    make_event(slug="soir", starts_at=evening, ends_at=evening + timedelta(hours=1), language="fr")
    first = datetime(2027, 11, 30, 23, 30, tzinfo=UTC)
    make_event(slug="premier", starts_at=first, ends_at=first + timedelta(hours=1), language="fr")
    for slug, words in (
        ("evening", "Monday 7 December, 12:30–1:30 a.m. CET your time"),
        ("morning", "4:00–5:00 p.m. CET your time"),
        ("night", "Sunday 6 December, 11:30 p.m. – Monday 7 December, 12:30 a.m. CET your time"),
        ("soir", "lundi 7 décembre, 00:30–01:30 CET chez vous"),
        ("premier", "mercredi 1er décembre, 00:30–01:30 CET chez vous"),
    ):
        theirs = open_page(f"/events/{slug}").locator("main [data-local]").first
        expect(theirs).to_have_text(words)
        assert re.search("(\\d|1er)\u00a0d", theirs.inner_text(), re.I) or slug == "morning"
    # One moment alone is written like a span.
    watcher = make_rsvp(make_option(event, mode="virtual"))
    theirs = open_page(f"/rsvp/{watcher.manage_key}").locator("main [data-local]").first
    expect(theirs).to_have_text("3:45 p.m. CET your time")


def test_a_visitor_whose_clock_shows_the_event_s_time_is_not_told_it_twice(
    site: Site, open_page: Callable[..., Page]
):
    make_event(slug="paris", time_zone="Europe/Paris")
    make_event(slug="athens", time_zone="Europe/Athens")
    expect(open_page("/events/athens").locator("main [data-local]").first).not_to_be_empty()
    page = open_page("/events/paris")
    page.wait_for_load_state("networkidle")
    expect(page.locator("main [data-local]").first).to_be_empty()


def test_no_word_is_so_long_that_a_phone_scrolls_sideways(
    site: Site, open_page: Callable[..., Page]
):
    word = "Verwaltungsvorschriftenänderungsentwurf" * 4
    event = make_event(slug="long", title=word, venue_name=word, hashtag=word)
    room = make_option(event, capacity=5)
    speaker = make_speaker(event, name=word, bio=word)
    seated = make_rsvp(room, name=word)
    page = open_page("/", width="phone")
    assert_accessible(page)
    for path in (
        "/events/long",
        "/events/long/rsvp",
        f"/rsvp/{seated.manage_key}",
        f"/speaker/{speaker.key}",
    ):
        page.goto(path)
        assert_accessible(page)


def test_on_a_phone_the_keyboard_stops_nowhere_under_the_bar(
    site: Site, open_page: Callable[..., Page]
) -> None:
    event = make_event(slug="policing")
    make_option(event, capacity=2)
    make_option(event, mode="virtual")
    make_speaker(event, bio="Teaches law.")
    page = open_page("/events/policing", width="phone")
    at = "() => document.activeElement.getBoundingClientRect().bottom"
    bar = page.locator(".bar")
    expect(bar).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => Boolean(document.activeElement.closest('.bar'))"):
            break
        assert page.evaluate(at) <= bar.bounding_box()["y"]  # type: ignore[index]
    expect(bar.get_by_role("link")).to_be_focused()


def test_on_a_phone_nothing_scrolls_sideways_with_text_of_double_size(
    site: Site, open_page: Callable[..., Page]
):
    event = make_event(slug="large", title="Policing in Conflict")
    room, stream = make_option(event, capacity=5), make_option(event, mode="virtual")
    speaker = make_speaker(event, name="Cecilie Fjellberg-Solheim")
    save(AgendaItem(event_id=event.id, starts_at=event.starts_at, title="Welcome" * 9))
    seated, watching = make_rsvp(room), make_rsvp(stream)
    make_event(title="No registration", registration="none")
    make_event(slug="long", ends_at=NOW + timedelta(days=16))
    waiting, unsure, asked = (rsvp_in(state) for state in ("waiting", "held", "pending"))
    page = open_page("/", width="phone")
    assert_double_size_fits(page)
    for path in (
        "/?q=policing",
        "/find",
        "/nothing-here",
        f"/rsvp/{waiting.manage_key}",
        f"/rsvp/{unsure.manage_key}",
        f"/rsvp/{asked.manage_key}",
        "/events/large",
        "/events/large/rsvp",
        "/events/long",
        f"/rsvp/{seated.manage_key}",
        f"/rsvp/{watching.manage_key}",
        f"/j/{watching.join_key}",
        f"/speaker/{speaker.key}",
    ):
        page.goto(path)
        assert_double_size_fits(page)
    assert_double_size_fits(open_page("/", width="phone", locale="fr-FR"))


def test_what_one_presses_is_no_narrower_than_its_words_and_no_lower_than_a_thumb(
    site: Site, open_page: Callable[..., Page], width: str
):
    page = open_page("/", width=width)
    search = page.get_by_role("button", name="Search")
    assert search.evaluate("button => button.offsetHeight") == 48  # one line
    page.goto(f"/rsvp/{make_rsvp(make_option(make_event())).manage_key}")
    for name in ("Download what is kept about me", "Erase my data", "Cancel my RSVP"):
        link = page.get_by_role("link", name=name)
        assert link.evaluate("link => link.offsetHeight") >= 44


def test_a_long_name_of_who_holds_events_leaves_room_for_the_rest(
    site: Site, open_page: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
):
    name = "Institute for Peace, Security and Cooperation in Development at the University"
    monkeypatch.setitem(site.app.config, "ORGANISATION_NAME", name)
    page = open_page(f"/rsvp/{make_rsvp(make_option()).manage_key}", width="phone")
    way = page.locator(".ticket .way")
    assert way.evaluate("way => way.offsetHeight") < 30  # one line
    expect(page.locator(".site__name")).to_have_css("padding-top", "8px")


def test_a_page_without_a_description_does_not_begin_with_a_line(
    site: Site, open_page: Callable[..., Page]
):
    make_event(slug="bare")
    page = open_page("/events/bare")
    first, second = page.locator("article > .part").all()
    expect(first).to_have_css("border-top-width", "0px")
    expect(second).to_have_css("border-top-width", "1px")


def assert_double_size_fits(page: Page) -> None:
    """On a small phone and on a larger one: what else axe looks at does not change with size."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    for pixels in (320, 390):
        page.set_viewport_size({"width": pixels, "height": 640})
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{page.url} goes {over} pixels sideways at {pixels}"
