"""A person's data erased in the browser: by themselves, and seen by staff."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, assert_accessible, in_both_looks
from tests.factories import make_hybrid, make_rsvp, make_staff


@in_both_looks
def test_from_the_manage_page_to_nothing_kept(
    site: Site, open_page: Callable[..., Page], width: str, scheme: str
):
    room, _stream = make_hybrid(retention_days=90)
    rsvp = make_rsvp(room, name="Amina Okonkwo-Bell")
    make_rsvp(room, name="Zelda Quartermain")
    address, slug, account = f"/rsvp/{rsvp.manage_key}", room.event.slug, make_staff()

    page = open_page(address, width=width, scheme=scheme)
    expect(page.locator("main")).to_contain_text("erased by itself on 6 March 2027")
    page.get_by_role("link", name="Erase my data").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Erase your data?")
    expect(page.locator("main")).to_contain_text("This cancels your RSVP.")
    assert_accessible(page)
    page.get_by_role("button", name="Erase my data").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your data is erased")
    assert_accessible(page)
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    assert_accessible(page)

    staff = open_page(
        f"/staff/events/{slug}/attendees", width=width, scheme=scheme, account=account
    )
    expect(staff.get_by_role("row").filter(has_text="Erased")).to_have_count(1)
    assert_accessible(staff)
    staff.get_by_role("link", name="Zelda Quartermain").click()
    staff.get_by_role("link", name="Erase their data").click()
    expect(staff.get_by_role("heading", level=2)).to_contain_text("Zelda Quartermain")
    assert_accessible(staff)
    staff.get_by_role("button", name="Erase their data").click()
    expect(staff.get_by_role("row").filter(has_text="Erased")).to_have_count(2)
    assert_accessible(staff)


def test_the_day_is_set_where_people_agree(site: Site, open_page: Callable[..., Page], width: str):
    room, _stream = make_hybrid()
    page = open_page(
        f"/staff/events/{room.event.slug}/settings/registration",
        width=width,
        account=make_staff(),
    )
    expect(page.locator("main")).to_contain_text("No day is set")
    page.get_by_label("Personal data is erased").fill("30")
    page.get_by_role("button", name="Save").locator("visible=true").last.click()
    expect(page.locator("main")).to_contain_text("Personal data is erased on 5 January 2027.")
    assert_accessible(page)
