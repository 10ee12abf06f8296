"""Staff write to the attendees and import a list, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from registration.database import db
from registration.models import Event, Staff, StaffRole
from tests.browser.conftest import Site, assert_accessible
from tests.factories import make_hybrid, make_rsvp, make_staff


@pytest.fixture
def event(site: Site) -> Event:
    room, stream = make_hybrid(capacity=2, title="Policing in Conflict")
    make_rsvp(room, name="Amina Okonkwo-Bell")
    make_rsvp(stream, name="Bram Smeets")
    return db.session.get_one(Event, room.event_id)


@pytest.fixture
def organiser(event: Event) -> Staff:
    return make_staff(StaffRole.ORGANISER, event, name="Robin Clerk")


def test_a_message_is_written_looked_at_sent_and_taken_back(
    open_page: Callable[..., Page], event: Event, organiser: Staff, width: str
) -> None:
    page = open_page(f"/staff/events/{event.slug}/messages/", width=width, account=organiser)
    page.get_by_role("link", name="New message").click()
    page.get_by_label("Online, confirmed").check()
    page.get_by_label("Subject").fill("Tomorrow, {first_name}")
    page.get_by_label("Message", exact=True).fill("Dear {first_name},\n\n{join_link}")
    assert_accessible(page)
    page.get_by_role("button", name="Save and preview").click()
    preview = page.frame_locator("iframe")
    expect(preview.get_by_text("Dear Bram,", exact=True)).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Review and send to 1").click()
    page.get_by_role("button", name="Send to 1 person").click()
    expect(page.get_by_role("heading", name="Goes to 1 person at")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Undo: take it back").click()
    expect(page.get_by_text("This is a draft again.")).to_be_visible()


def test_a_message_promises_no_number_of_readers_once_others_are_chosen(
    open_page: Callable[..., Page], event: Event, organiser: Staff
) -> None:
    page = open_page(f"/staff/events/{event.slug}/messages/new", account=organiser)
    page.get_by_label("Everyone confirmed").check()
    page.get_by_label("Subject").fill("Tomorrow")
    page.get_by_label("Message", exact=True).fill("Dear {first_name}")
    page.get_by_role("button", name="Save and preview").click()
    counted = page.get_by_role("button", name="Review and send to 2", exact=True)
    uncounted = page.get_by_role("button", name="Review and send", exact=True)
    expect(counted).to_be_visible()
    page.get_by_label("Online, confirmed").check()
    expect(uncounted).to_be_visible()
    page.get_by_label("Everyone confirmed").check()
    expect(counted).to_be_visible()
    page.get_by_text("Only some of them").click()
    page.get_by_label("Whether they came").select_option(index=1)
    expect(uncounted).to_be_visible()
    assert_accessible(page)


def test_looking_at_another_reader_loses_nothing_that_was_typed(
    open_page: Callable[..., Page], event: Event, organiser: Staff
) -> None:
    page = open_page(f"/staff/events/{event.slug}/messages/new", account=organiser)
    page.get_by_label("Everyone confirmed").check()
    page.get_by_label("Subject").fill("Tomorrow")
    text = page.get_by_label("Message", exact=True)
    text.fill("Dear {first_name}")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_role("heading", name="as Amina Okonkwo-Bell receives it")).to_be_visible()
    text.fill("Good evening {first_name}")
    page.get_by_label("Show as").select_option("Bram Smeets")
    page.get_by_role("button", name="Show", exact=True).click()
    preview = page.frame_locator("iframe")
    expect(preview.locator("p", has_text="Good evening Bram")).to_be_visible()
    expect(text).to_have_value("Good evening {first_name}")
    text.fill("Good night {first_name}")
    page.get_by_label("Find a reader").fill("amina")
    page.keyboard.press("Enter")
    expect(preview.locator("p", has_text="Good night Amina")).to_be_visible()
    expect(text).to_have_value("Good night {first_name}")


def test_who_does_not_see_it_hears_that_a_message_has_set_out(
    site: Site, open_page: Callable[..., Page], event: Event, organiser: Staff
) -> None:
    page = open_page(f"/staff/events/{event.slug}/messages/new", account=organiser)
    page.get_by_label("Online, confirmed").check()
    page.get_by_label("Subject").fill("Tomorrow")
    page.get_by_label("Message", exact=True).fill("Dear {first_name}")
    page.get_by_role("button", name="Review and send").click()
    page.get_by_role("button", name="Send to 1 person").click()
    expect(page.get_by_role("heading", name="Goes to 1 person at")).to_be_visible()
    page.locator("h1").click()  # whoever stands on the button keeps it
    site.now += timedelta(minutes=11)
    expect(page.locator("[data-follow-says]")).to_have_text("On its way")


def test_a_bad_list_is_explained_and_a_good_one_taken_in(
    open_page: Callable[..., Page], event: Event, organiser: Staff, width: str
) -> None:
    page = open_page(f"/staff/events/{event.slug}/attendees", width=width, account=organiser)
    page.get_by_role("link", name="Import").click()

    def send(content: bytes) -> None:
        page.get_by_label("File").set_input_files(
            {"name": "list.csv", "mimeType": "text/csv", "buffer": content}
        )
        page.get_by_role("button", name="Look at the list").click()

    send(b"%PDF-1.7 no list")
    expect(page.get_by_role("alert")).to_contain_text("This is no list")
    assert_accessible(page)
    send("Nom;Courriel;Participation\nZoë;zoe@example.org;en ligne\nX;bad;en ligne\n".encode())
    expect(page.get_by_role("heading", name="1 of 2 rows can be imported")).to_be_visible()
    expect(page.get_by_text("Left out: not an address").first).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Import 1 RSVP").click()
    expect(page.get_by_text("Imported: 1 RSVP confirmed and 1 row left out.")).to_be_visible()
