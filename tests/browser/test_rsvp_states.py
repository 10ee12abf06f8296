"""The manage page in each of its states, and the form's refusals, as a browser shows them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from registration import answering
from registration.models import Visibility
from tests.browser.conftest import Site, assert_accessible
from tests.browser.test_rsvp_walk import fill_in
from tests.factories import make_code, make_hybrid, make_rsvp
from tests.test_web_rsvps import rsvp_in

SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures to be looked at

STATES = {
    "room": ("Your seat is reserved, Amina", ["Watch online instead"]),
    "party": ("Your seats are reserved, Amina", ["Watch online instead"]),
    "online": ("Your link is ready, Amina", ["Come in person instead"]),
    "waiting": ("You are first in the queue, Amina", ["Get my link"]),
    "waiting by hand": ("You are first in the queue, Amina", ["Get my link"]),
    "queue closed": ("The queue has closed, Amina", ["Get my link"]),
    "meanwhile": ("Your link is ready, Amina", ["Send me the mail again"]),
    "held": ("Is this your address, Amina?", ["Confirm my address"]),
    "not held": ("Is this your address, Amina?", ["Confirm my address"]),
    "pending": ("We have your RSVP, Amina", ["Send me the mail again"]),
    "rejected": ("We could not offer you a place, Amina", []),
    "declined": ("You said no, Amina", []),
    "cancelled": ("Your RSVP is cancelled, Amina", []),
    "past": ("This event has ended", []),
    "event cancelled": ("This event has been cancelled", []),
    "draft": ("Your seat is reserved, Amina", []),
}


@pytest.mark.parametrize("state", list(STATES))
def test_every_state_of_the_manage_page(
    site: Site, open_page: Callable[..., Page], state: str, width: str
):
    heading, buttons = STATES[state]
    rsvp = rsvp_in(state)
    if state == "past":
        site.now = rsvp.event.ends_at
    if state == "queue closed":
        site.now = rsvp.event.starts_at
    schemes = ["light", "dark"] if SHOTS else ["light" if width == "phone" else "dark"]
    for scheme in schemes:
        page = open_page(f"/rsvp/{rsvp.manage_key}", width=width, scheme=scheme)
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        for button in buttons:
            expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
        if not buttons:
            expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
        if SHOTS:
            name = state.replace(" ", "-")
            page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png", full_page=True)
        assert_accessible(page)


def test_full_while_the_form_was_open(site: Site, open_page: Callable[..., Page], width: str):
    room, _ = make_hybrid(capacity=1)
    page = open_page(f"/events/{room.event.slug}/rsvp?attend=in_person", width=width)
    page.get_by_label("Full name").fill("Amina Okonkwo-Bell")
    page.get_by_label("Email address", exact=True).first.fill("amina@gmial.com")
    page.get_by_label(re.compile("^I agree")).check()
    page.get_by_role("button", name="Save my place").click()
    expect(page.get_by_role("alert")).to_contain_text("Did you mean amina@gmail.com?")
    assert_accessible(page)
    page.get_by_label("Email address", exact=True).first.fill("amina@gmail.com")
    make_rsvp(room)
    page.get_by_role("button", name="Save my place").click()
    expect(page.get_by_role("alert")).to_contain_text("Every seat is taken.")
    expect(page.get_by_label("Full name")).to_have_value("Amina Okonkwo-Bell")
    assert_accessible(page)
    page.get_by_label(re.compile("online meanwhile", re.I)).check()
    page.locator("main form").last.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your link is ready, Amina")
    expect(page.get_by_text("You are next")).to_be_visible()


def test_a_second_answer_is_sent_to_the_mail(site: Site, open_page: Callable[..., Page]):
    room, _ = make_hybrid()
    make_rsvp(room, email="amina@example.org")
    page = open_page(f"/events/{room.event.slug}/rsvp?attend=in_person")
    page.get_by_label("Full name").fill("Somebody Else")
    page.get_by_label("Email address", exact=True).first.fill("amina@example.org")
    page.get_by_label(re.compile("^I agree")).check()
    page.get_by_role("button", name="Save my place").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Check your email")
    assert_accessible(page)


def test_by_invitation_a_code_lets_in(site: Site, open_page: Callable[..., Page], width: str):
    room, _ = make_hybrid(visibility=Visibility.INVITATION)
    code = make_code(room.event)
    page = open_page(f"/events/{room.event.slug}/rsvp?attend=in_person", width=width)
    page.get_by_label("Full name").fill("Amina Okonkwo-Bell")
    page.get_by_label("Email address", exact=True).first.fill("amina@example.org")
    page.get_by_label(re.compile("^I agree")).check()
    page.get_by_role("button", name="Save my place").click()
    link = page.get_by_role("alert").get_by_role("link")
    expect(link).to_contain_text("This event is by invitation")
    assert_accessible(page)
    link.click()
    expect(page.get_by_label("Invitation code")).to_be_focused()
    page.get_by_label("Invitation code").fill(code.code)
    page.get_by_role("button", name="Save my place").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your seat is reserved, Amina")


def test_what_was_sent_while_we_were_broken_is_sent_again_by_reloading(
    site: Site, open_page: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
):
    room, _stream = make_hybrid()
    page = open_page(f"/events/{room.event.slug}/rsvp")
    page.get_by_label("In person").check()
    fill_in(page)
    with monkeypatch.context() as broken:
        broken.setattr(answering, "answer", None)
        page.get_by_role("button", name="Save my place").click()
        expect(page.get_by_text("reload this page")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your seat is reserved, Amina")
