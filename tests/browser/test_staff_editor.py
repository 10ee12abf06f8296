"""Staff make an event from nothing, and see it through: publish, move, cancel, copy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from registration import announcements
from registration.database import db
from registration.models import AttendanceOption, Event, MailKind, OutboxMail, Question
from tests.browser.conftest import Site, assert_accessible
from tests.conftest import NOW
from tests.factories import (
    make_code,
    make_event,
    make_invitation,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
)


def mailed(kind: MailKind) -> int:
    db.session.rollback()
    return len(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == kind)).all())


@pytest.mark.parametrize("scripts", [True, False])
def test_the_life_of_an_event(
    site: Site, open_page: Callable[..., Page], width: str, scripts: bool
) -> None:
    page = open_page("/staff/events/new", account=make_staff(), width=width, scripts=scripts)
    page.get_by_label("Title", exact=True).fill("Policing in Conflict")
    page.get_by_label("Starts").fill("2026-12-06T10:00")
    page.get_by_label("Ends").fill("2026-12-06T11:30")
    page.get_by_label("Time zone").fill("America/New_York")
    page.get_by_label("In person").check()
    page.get_by_label("Seats in the room").fill("120")
    page.get_by_label("Venue").fill("The Institute")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()

    page.get_by_label("Description").fill("**Who** serves people in a war?")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    page.get_by_role("link", name="Check and publish").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("The page is open to everybody.")).to_be_visible()

    db.session.rollback()
    event = db.session.scalars(select(Event)).one()
    room = db.session.scalars(select(AttendanceOption)).one()
    make_rsvp(room)
    page.get_by_role("link", name="Change the time").click()
    page.get_by_label("Starts").fill("2026-12-07T10:00")
    page.get_by_label("Ends").fill("2026-12-07T11:30")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("1 attendee is mailed.")).to_be_visible()
    page.get_by_role("button", name="Save and tell them").click()
    expect(page.get_by_text("The change is told at")).to_be_visible()
    site.now = NOW + timedelta(minutes=11)
    announcements.spread(now=site.now)
    assert mailed(MailKind.EVENT_CHANGED) == 1

    page.get_by_role("link", name="Publish, copy, cancel").click()
    page.get_by_label("The reason, as everybody will read it").fill("The building is closed.")
    page.get_by_role("button", name="Cancel the event").click()
    expect(page.get_by_text("The cancellation is told at")).to_be_visible()
    page.goto(f"/events/{event.slug}")
    expect(page.get_by_text("The building is closed.")).to_be_visible()
    page.goto(f"/staff/events/{event.slug}/settings/publish")
    page.get_by_role("button", name="Undo the cancellation").click()
    expect(page.get_by_text("The event takes place")).to_be_visible()

    page.get_by_role("button", name="Copy the event").click()
    expect(page.get_by_text("This is the copy, a draft.")).to_be_visible()
    db.session.rollback()
    assert len(db.session.scalars(select(Event)).all()) == 2


def test_the_first_event_is_in_the_zone_of_who_makes_it(open_page: Callable[..., Page]) -> None:
    page = open_page("/staff/events/new", account=make_staff())
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    make_event(time_zone="Europe/Paris")
    page.reload()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Paris")


def test_what_says_that_it_is_a_preview_keeps_away_from_the_head(
    site: Site, open_page: Callable[..., Page]
) -> None:
    event = make_event(status="draft")
    page = open_page(f"/staff/events/{event.slug}/preview", account=make_staff())
    expect(page.locator(".note", has_text="Preview.")).to_have_css("margin-top", "24px")


def test_a_browser_that_forbids_storage_still_moves_the_end_with_the_start(
    open_page: Callable[..., Page],
) -> None:
    forbids = """Object.defineProperty(window, "localStorage", {
      get() { throw new DOMException("Forbidden", "SecurityError") }
    })"""
    event = make_event()
    page = open_page(
        f"/staff/events/{event.slug}/settings/basics", account=make_staff(), before=forbids
    )
    page.get_by_label("Title").fill("A new title")
    page.get_by_label("Starts").fill("2026-12-24T18:00")
    expect(page.get_by_label("Ends")).to_have_value(re.compile("^2026-12-24T"))


def test_rows_move_in_the_page_and_are_saved_in_their_order(
    site: Site, open_page: Callable[..., Page], width: str
) -> None:
    event = make_event()
    make_option(event)
    make_question(event, label="First?")
    make_question(event, label="Second?")
    page = open_page(
        f"/staff/events/{event.slug}/settings/questions", account=make_staff(), width=width
    )
    page.get_by_role("button", name="Up Second?").click()
    expect(page.locator("form [role=status]")).to_have_text("Second?: now 1 of 2")
    page.get_by_role("button", name="Add a question").click()
    page.get_by_label("Question").last.fill("Third?")
    page.get_by_role("button", name="Remove First?").click()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    db.session.rollback()
    order = select(Question.label).order_by(Question.position)
    assert list(db.session.scalars(order)) == ["Second?", "Third?"]


def test_text_that_was_not_saved_is_offered_again(
    site: Site, open_page: Callable[..., Page]
) -> None:
    event = make_event()
    page = open_page(f"/staff/events/{event.slug}/settings/texts", account=make_staff())
    page.get_by_label("Summary").fill("Typed and not saved")
    page.reload()
    expect(page.get_by_label("Summary")).to_have_value("")
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_label("Summary")).to_have_value("Typed and not saved")


def test_who_signs_out_leaves_no_text_for_who_comes_next(open_page: Callable[..., Page]) -> None:
    event = make_event()
    texts = f"/staff/events/{event.slug}/settings/texts"
    page = open_page(texts, account=make_staff(), own=True)
    page.get_by_label("Summary").fill("Typed and not saved")
    assert page.evaluate("Object.keys(localStorage)") == [f"unsaved:{event.slug}/texts"]
    page.locator(".menu--account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/staff/sign-in"))
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_preview_that_does_not_come_says_so(open_page: Callable[..., Page]) -> None:
    event = make_event()
    page = open_page(f"/staff/events/{event.slug}/settings/texts", account=make_staff(), own=True)
    page.route("**/markdown", lambda route: route.fulfill(status=403))
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("The preview did not come.")).to_be_visible()
    page.unroute("**/markdown")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Description").fill("It **does**")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Preview").get_by_text("does", exact=True)).to_be_visible()


def test_rows_that_were_not_saved_are_offered_again(
    site: Site, open_page: Callable[..., Page]
) -> None:
    event = make_event()
    make_option(event)
    make_question(event, label="First?")
    make_question(event, label="Second?")
    page = open_page(f"/staff/events/{event.slug}/settings/questions", account=make_staff())
    page.get_by_role("button", name="Remove First?").click()
    page.get_by_role("button", name="Add a question").click()
    page.get_by_label("Question").last.fill("Third?")
    page.get_by_label("Must be answered").last.check()
    page.get_by_role("button", name="Up Third?").click()
    page.get_by_role("link", name="Who speaks").click()
    page.get_by_role("link", name="Questions", exact=True).click()
    expect(page.locator(".row-card summary")).to_have_text(["First?", "Second?"])
    make_question(event, label="Of a colleague?")
    page.reload()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.locator(".row-card summary")).to_have_text(["Of a colleague?", "Third?", "Second?"])
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.locator(".row-card summary")).to_have_text(["Of a colleague?", "Third?", "Second?"])
    expect(page.get_by_text("This browser has kept text")).to_have_count(0)
    db.session.rollback()
    third = db.session.scalars(select(Question).where(Question.label == "Third?")).one()
    assert third.is_required


def test_text_that_was_saved_is_not_offered_again(
    site: Site, open_page: Callable[..., Page]
) -> None:
    event = make_event()
    page = open_page(f"/staff/events/{event.slug}/settings/texts", account=make_staff())
    page.get_by_label("Hashtag", exact=False).first.fill("#Peace")  # is kept without its sign
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Hashtag", exact=False).first).to_have_value("Peace")
    expect(page.get_by_text("This browser has kept text")).to_have_count(0)


def test_the_end_goes_along_when_the_start_moves(
    site: Site, open_page: Callable[..., Page]
) -> None:
    page = open_page("/staff/events/new", account=make_staff())
    starts, ends = page.get_by_label("Starts"), page.get_by_label("Ends")
    starts.fill("2026-12-06T10:00")
    expect(ends).to_have_value("2026-12-06T11:00")
    ends.fill("2026-12-06T12:30")
    starts.fill("2026-12-07T23:00")
    expect(ends).to_have_value("2026-12-08T01:30")


def test_the_tab_at_hand_is_in_view_on_a_phone(site: Site, open_page: Callable[..., Page]) -> None:
    event = make_event()
    page = open_page(
        f"/staff/events/{event.slug}/settings/publish", account=make_staff(), width="phone"
    )
    for bar in ("This event", "Parts of the event"):
        here = page.get_by_role("navigation", name=bar).locator("[aria-current]")
        expect(here).to_be_in_viewport(ratio=0.99)  # a bar scrolls by whole pixels


def test_both_versions_of_a_part_stand_in_the_page_on_a_phone(
    site: Site, open_page: Callable[..., Page], width: str
) -> None:
    event, account = make_event(summary="As it was"), make_staff()
    address = f"/staff/events/{event.slug}/settings/texts"
    mine, theirs = (open_page(address, account=account, width=width) for _ in range(2))
    for page, summary in ((theirs, "Saved meanwhile by them"), (mine, "What I have typed " * 9)):
        page.get_by_label("Summary").fill(summary)
        page.get_by_role("button", name="Save", exact=True).last.click()
    both = mine.get_by_role("table", name="Both versions")
    for said in ("Saved meanwhile by them", "What I have typed What"):
        expect(both.get_by_role("cell", name=said)).to_be_in_viewport(ratio=1)
    assert_accessible(mine)


def test_a_session_that_ends_in_mid_edit_loses_nothing(
    site: Site, open_page: Callable[..., Page]
) -> None:
    event = make_event()
    account = make_staff()
    page = open_page(f"/staff/events/{event.slug}/settings/texts", account=account)
    page.get_by_label("Summary").fill("A long thought")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    page.get_by_text("Show what you typed").click()
    expect(page.get_by_text("A long thought", exact=True)).to_be_visible()
    assert "Summary" in page.get_by_role("term").all_inner_texts()
    assert_accessible(page)


def test_the_answers_of_invited_people_are_in_sight(
    site: Site, open_page: Callable[..., Page], width: str
) -> None:
    event = make_event()
    make_invitation(event, name="Wilhelmina von Hohenzollern-Sigmaringen und zu Löwenstein")
    make_invitation(event, email=f"{'long.' * 8}address@department.ministry.example.org")
    page = open_page(
        f"/staff/events/{event.slug}/settings/invitations", account=make_staff(), width=width
    )
    table = page.get_by_role("region", name="All who are invited")
    expect(table.get_by_text("Has not answered", exact=True)).to_have_count(2)
    assert table.evaluate("it => it.scrollWidth <= it.clientWidth")


def test_the_codes_of_an_event_push_no_page_aside(
    site: Site, open_page: Callable[..., Page], width: str
) -> None:
    """What is only read aloud is within the table's own box, that scrolls, and not beside it."""
    event = make_event(visibility="invitation")
    make_code(event, label="Partner organisations and the members of their boards")
    page = open_page(
        f"/staff/events/{event.slug}/settings/invitations", account=make_staff(), width=width
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "name",
    ["", "texts", "options", "registration", "questions", "people", "agenda", "publications",
     "invitations", "publish"],
)  # fmt: skip
def test_each_part_is_accessible(
    site: Site, open_page: Callable[..., Page], width: str, name: str
) -> None:
    event = make_event()
    make_option(event)
    make_question(event)
    make_invitation(event)
    page = open_page(
        f"/staff/events/{event.slug}/settings/{name}", account=make_staff(), width=width
    )
    for summary in page.locator(".row-card summary").all():
        summary.click()
    assert_accessible(page)
