"""The staff's desk in a browser: signing in, the list while one types, many at once, a passkey."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from flask_security import hash_password
from playwright.sync_api import Page, expect

from registration import replies
from registration.imip import Reply
from tests.browser.conftest import Site, assert_accessible
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_rsvp, make_staff

PASSWORD = "correct horse battery"


def enter(page: Page, email: str) -> None:
    """Sign in by the form."""
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Events", exact=True)).to_be_visible()


def test_staff_find_somebody_while_they_type_and_act_on_many(
    site: Site, open_page: Callable[..., Page], width: str
) -> None:
    room, _stream = make_hybrid(capacity=None, title="Policing in Conflict")
    for name in ("Élodie Saint-Jean", "Daniel Mbeki", "Elodie Martin"):
        make_rsvp(room, name=name)
    page = open_page(
        f"/staff/events/{room.event.slug}/attendees", width=width, account=make_staff()
    )
    page.get_by_label("Name, email or organisation").press_sequentially("elodie")
    expect(page.locator("nav").get_by_text("1–2 of 2")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("1–2 of 2")
    expect(page).to_have_url(re.compile(r"\?q=elodie$"))
    expect(page.get_by_text("Daniel Mbeki")).to_be_hidden()
    for file in ("attendees.xlsx", "attendees/export"):
        expect(page.locator(f"a[href*='{file}']")).to_have_attribute(
            "href", re.compile(r"\?q=elodie$")
        )
    assert_accessible(page)
    page.get_by_label("Select Élodie Saint-Jean").check()
    page.get_by_label("Select Elodie Martin").check()
    expect(page.get_by_text("Selected: 2", exact=True)).to_be_visible()
    page.get_by_role("button", name="Check in").click()
    sure = page.get_by_role("button", name="Check in: 2 RSVPs")
    expect(sure).to_be_visible()
    assert_accessible(page)
    sure.click()
    expect(page.get_by_text("2 people checked in.")).to_be_visible()
    page.get_by_role("button", name="Take that back").click()
    expect(page.get_by_text("2 check-ins taken back.")).to_be_visible()


def test_where_nobody_can_attend_the_list_is_without_its_script(
    site: Site, open_page: Callable[..., Page]
) -> None:
    """It found nothing to search, and broke."""
    page = open_page(f"/staff/events/{make_event().slug}/attendees", account=make_staff())
    page.wait_for_load_state()
    expect(page.get_by_role("searchbox")).to_have_count(0)


def test_a_menu_is_left_by_escape_by_moving_on_and_by_a_press_elsewhere(
    site: Site, open_page: Callable[..., Page]
) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    page = open_page(f"/staff/events/{room.event.slug}/attendees", account=make_staff())
    opener = page.locator("summary", has_text="Export")
    inside = page.get_by_role("link", name="Spreadsheet (.xlsx)")
    opener.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(inside).to_be_focused()
    page.keyboard.press("Escape")
    expect(inside).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(inside).to_be_hidden()
    opener.click()
    expect(inside).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(inside).to_be_hidden()


def test_on_a_phone_the_heads_of_the_list_are_seen_while_the_keyboard_is_at_them(
    site: Site, open_page: Callable[..., Page]
) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    path = f"/staff/events/{room.event.slug}/attendees"
    page = open_page(path, width="phone", account=make_staff())
    heads = page.locator("thead")
    assert heads.evaluate("heads => heads.clientHeight") <= 1
    page.get_by_role("link", name="Name", exact=True).focus()
    assert heads.evaluate("heads => heads.clientHeight") >= 44
    assert_accessible(page)


def test_on_a_phone_the_chip_of_a_perhaps_takes_nothing_from_the_name(
    site: Site, open_page: Callable[..., Page]
) -> None:
    room, _stream = make_hybrid(title="Policing in Conflict")
    sure, unsure = make_rsvp(room, name="Daniel Mbeki"), make_rsvp(room, name="Amina Okonkwo")
    said = Reply(
        uid=unsure.ical_uid,
        attendee=unsure.email,
        sender=unsure.email,
        partstat="TENTATIVE",
        digest="a reply",
    )
    replies.take(said, now=NOW)
    path = f"/staff/events/{room.event.slug}/attendees"
    page = open_page(path, width="phone", account=make_staff(), locale="fr-FR")
    expect(page.get_by_text("Peut-être", exact=True)).to_be_visible()
    names = [page.get_by_role("rowheader", name=rsvp.name) for rsvp in (sure, unsure)]
    of_sure, of_unsure = (name.evaluate("name => name.clientWidth") for name in names)
    assert of_unsure >= of_sure


def test_the_list_works_without_scripts(site: Site, open_page: Callable[..., Page]) -> None:
    room, _stream = make_hybrid(capacity=None)
    make_rsvp(room, name="Amina Okonkwo")
    make_rsvp(room, name="Daniel Mbeki")
    page = open_page(
        f"/staff/events/{room.event.slug}/attendees", scripts=False, account=make_staff()
    )
    page.get_by_label("Name, email or organisation").fill("amina")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    page.get_by_label("Select Amina Okonkwo").check()
    page.get_by_role("button", name="Cancel RSVP").click()
    page.get_by_role("button", name="Cancel: 1 RSVP").click()
    expect(page.get_by_text("1 RSVP cancelled.")).to_be_visible()


def test_staff_put_somebody_online_and_back_into_the_room_that_has_filled_up(
    site: Site, open_page: Callable[..., Page], width: str
) -> None:
    room, _stream = make_hybrid(capacity=1)
    rsvp = make_rsvp(room, name="Amina Okonkwo")
    make_rsvp(room, name="Daniel Mbeki")
    page = open_page(
        f"/staff/events/{room.event.slug}/attendees/{rsvp.id}", width=width, account=make_staff()
    )
    page.get_by_role("link", name="Attend another way").click()
    expect(page.get_by_text("Others wait for the place that they leave.")).to_be_visible()
    page.get_by_role("button", name="Move and send the mail").click()
    expect(page.get_by_role("link", name="Choose how they are to attend")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("radio", name="Online").check()
    page.get_by_role("button", name="Move and send the mail").click()
    expect(page.get_by_text("Moved. A mail is on its way")).to_be_visible()
    page.get_by_role("link", name="Attend another way").click()
    expect(page.get_by_text("keep their place meanwhile: Online.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("radio", name="In person, with an extra seat").check()
    page.get_by_role("button", name="Move and send the mail").click()
    expect(page.get_by_text("Moved. A mail is on its way")).to_be_visible()
    expect(page.locator(".head .way")).to_have_text("In person")


def give_device(page: Page) -> None:
    """A device that keeps passkeys and knows its owner."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )


def add_passkey(page: Page, site_url: str, name: str, *, as_second_factor: bool = False) -> None:
    """Sign in with the password, give the account a passkey, and forget who signed in."""
    give_device(page)
    enter(page, "me@example.org")
    page.goto(f"{site_url}/staff/passkeys")
    page.get_by_label("Name, so that you know it again").fill(name)
    if as_second_factor:
        page.get_by_label("After the password").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
    page.context.clear_cookies()


def test_a_passkey_signs_in_without_the_password(
    site: Site, open_page: Callable[..., Page]
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    # A passkey belongs to a name; an address of numbers is none.
    site_url = site.url.replace("127.0.0.1", "localhost")
    page = open_page(f"{site_url}/staff/sign-in", own=True)
    add_passkey(page, site_url, "My laptop")
    page.goto(f"{site_url}/staff/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Events", exact=True)).to_be_visible()
    page.goto(f"{site_url}/staff/account/")
    site.now += timedelta(minutes=1)
    page.get_by_role("button", name="Remove My laptop").press("Enter")
    expect(page.get_by_role("heading", name="My account")).to_be_visible()
    expect(page.get_by_text("The passkey “My laptop” is removed.")).to_be_visible()


def test_a_passkey_after_the_password_says_why_and_leads_on(
    site: Site, open_page: Callable[..., Page]
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    site_url = site.url.replace("127.0.0.1", "localhost")
    page = open_page(f"{site_url}/staff/sign-in", own=True)
    add_passkey(page, site_url, "My key", as_second_factor=True)
    page.goto(f"{site_url}/staff/log/")
    page.get_by_label("Email address").fill("me@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Your account asks for a passkey after it.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(f"{site_url}/staff/log/")


def test_where_no_passkey_can_be_made_the_page_says_so(
    site: Site, open_page: Callable[..., Page]
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    page = open_page("/staff/sign-in")  # at 127.0.0.1, which is no name
    enter(page, "me@example.org")
    page.goto("/staff/passkeys")
    page.get_by_label("Name, so that you know it again").fill("My laptop")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Open the site by its name, on https.")).to_be_visible()


def test_where_the_browser_knows_no_passkeys_without_https_the_page_says_so(
    site: Site, open_page: Callable[..., Page]
) -> None:
    gone = "Object.defineProperty(navigator, 'credentials', { value: undefined })"
    page = open_page("/staff/sign-in", before=gone)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Open the site by its name, on https.")).to_be_visible()


def test_the_menu_of_the_last_account_is_seen_to_its_end(
    site: Site, open_page: Callable[..., Page]
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    make_staff(email="last@example.org", name="Zoë Last")
    page = open_page(f"{site.url}/staff/sign-in")
    enter(page, "me@example.org")
    page.goto(f"{site.url}/staff/people/")
    page.locator("tbody summary").last.click()
    expect(page.get_by_role("button", name="Close the account")).to_be_in_viewport(ratio=1)
