"""Every page of the staff's rooms, looked at by axe: on a desk by day, on a phone by night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import islice, pairwise

import pytest
from flask import Flask, url_for
from playwright.sync_api import Page, ViewportSize
from sqlalchemy import select

from registration import checkin, speakers, staff_addresses, streams
from registration.database import db
from registration.models import Attendee, OutboxMail, Staff
from tests.browser.conftest import Site, assert_accessible
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_option,
    make_question,
    make_rsvp,
    make_speaker,
    make_staff,
)

#: Pages that are files, frames or answers to a script, and pages of a sign-in that is under way.
NO_PAGES = (
    "security.",
    "staff_printing.badges",
    "staff_door.live",
    "staff_printing.door_list",
    "staff_exports.download",
    "staff_imports.rows",
    "staff_imports.show",
    "staff_mailings.html",
    "staff_mailings.review",
    "staff_mailings.show",
    "staff_mails.html",
    "staff_mails.kind_html",
)
ALSO = ("security.login", "security.forgot_password", "security.change_password")

#: A screen of 1280 × 1024 at four times its size: the smallest that WCAG 1.4.10 asks for.
SMALL: ViewportSize = {"width": 320, "height": 256}
#: How far a page goes sideways once what it folds is open (but for menus within tables, which then
#: no longer scroll in a box of their own) and its text of double size.
_OVER = """() => {
  for (const folded of document.querySelectorAll("details:not(td *)")) folded.open = true;
  document.documentElement.style.fontSize = "200%";
  return document.documentElement.scrollWidth - innerWidth;
}"""


def pages(app: Flask, values: dict[str, object]) -> list[tuple[str, bool]]:
    """Address of each page, and whether an account is needed."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            wanted = rule.endpoint in ALSO or not rule.endpoint.startswith(NO_PAGES)
            if str(rule).startswith("/staff") and "GET" in (rule.methods or ()) and wanted:
                filled = {name: values[name] for name in rule.arguments}
                address = url_for(rule.endpoint, **filled)  # type: ignore[arg-type]
                signed_in = rule.endpoint not in ("security.login", "security.forgot_password")
                found.append((address, signed_in))
    return sorted(found)


def token_of_a_new_address(account: Staff) -> str:
    """What a mail brings that asks for a new address to be confirmed."""
    mailed: list[str] = []
    staff_addresses.ask(
        account_id=account.id,
        email="after@example.org",
        path_of=lambda token: mailed.append(token) or token,
        forgot_path="",
        now=NOW,
    )
    return mailed[0]


def desk(app: Flask, language: str) -> tuple[Staff, list[tuple[str, bool]]]:
    """An administrator and every page there is for them, of an event of many kinds of people."""
    # Its preview is in its own language.
    event = make_event(title="Policing in Conflict", language=language)
    room = make_option(event, capacity=2)
    make_rsvp(make_option(event, mode="virtual"))
    rsvp = make_rsvp(
        room, organisation="Example University", needs_step_free=True, source="newsletter"
    )
    make_rsvp(room, now=NOW - timedelta(days=60))
    make_rsvp(room)
    admin, speaker = make_staff(), make_speaker(event)
    by = {"event_id": event.id, "staff_id": admin.id, "now": NOW}
    inside = db.session.scalars(select(Attendee.id).where(Attendee.rsvp_id == rsvp.id)).one()
    checkin.admit(attendee_id=inside, **by)
    streams.add(url="https://stream.example.org/embed/policing-in-conflict", label="Main", **by)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    values = {
        "slug": event.slug,
        "rsvp_id": rsvp.id,
        "speaker_id": speaker.id,
        "account_id": make_staff(password="a hash").id,
        "token": token_of_a_new_address(admin),
        "mail_id": db.session.scalar(select(OutboxMail.id).limit(1)),
        "name": "registration",
    }
    kind = ("/outbox/kinds/registration", "/outbox/kinds/confirmed")
    every = [(address.replace(*kind), signed_in) for address, signed_in in pages(app, values)]
    assert len(every) > 25
    return admin, every


# Of the languages French is the longer one: what fits a phone in it fits in English.
@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [("desktop", "light", "en-US"), ("phone", "dark", "fr-FR")]
)
@pytest.mark.parametrize("part", range(4))
def test_every_staff_page_is_accessible_and_holds_text_of_double_size(
    site: Site, open_page: Callable[..., Page], width: str, scheme: str, locale: str, part: int
):
    admin, every = desk(site.app, locale[:2])
    stranger, theirs = (
        open_page("/staff/sign-in", width=width, scheme=scheme, locale=locale, account=account)
        for account in (None, admin)
    )
    if width == "phone":
        for page in (stranger, theirs):
            page.set_viewport_size(SMALL)
    for address, signed_in in islice(every, part, None, 4):
        page = theirs if signed_in else stranger
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == locale[:2]
        assert page.locator("h1").count() >= 1, address
        assert_accessible(page)
        over = page.evaluate(_OVER)
        assert over <= 0, f"{address} goes {over} pixels sideways"


def test_no_page_of_an_event_is_pushed_aside_by_one_long_word(
    site: Site, open_page: Callable[..., Page], width: str
):
    word = "Wasserrahmenrichtlinienumsetzungs" * 4
    event = make_event(title=word, slug="long", venue_name=word)
    room = make_option(event, capacity=2)
    make_question(event, label=word)
    make_question(event, label="Which?", kind="any_of", choices=[word, "None"])
    rsvp = make_rsvp(room, name=word, organisation=word)
    values = {"slug": "long", "rsvp_id": rsvp.id, "speaker_id": make_speaker(event, name=word).id}
    with site.app.test_request_context():
        rules = [rule for rule in site.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
        found = [
            url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})
            for rule in rules
            if rule.arguments <= values.keys()
            and str(rule).startswith("/staff/events/<slug>")
            and not rule.endpoint.startswith(NO_PAGES)
        ]
        parts = ("basics", "questions", "people", "publish")
        found += [url_for("staff_editor.section", slug="long", name=part) for part in parts]
        found += ["/", "/events/long", "/events/long/rsvp", "/staff/", f"/rsvp/{rsvp.manage_key}"]
    page = open_page("/staff/", width=width, account=make_staff())
    wide = []
    for address in found:
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)
    assert wide == []


def test_the_tabs_of_an_event_stand_beside_one_another_on_a_phone(
    site: Site, open_page: Callable[..., Page]
):
    make_option(make_event(slug="peace"))
    page = open_page("/staff/events/peace/", width="phone", account=make_staff())
    words = page.locator(".where .tabs a").evaluate_all(
        """tabs => tabs.map(tab => {
          const words = document.createRange();
          words.selectNodeContents(tab);
          const { left, right } = words.getBoundingClientRect();
          return [left, right];
        })"""
    )
    assert len(words) > 5
    assert all(right < left for (_, right), (left, _) in pairwise(words)), words


def test_the_figures_of_an_event_fit_a_phone_as_a_table(site: Site, open_page: Callable[..., Page]):
    event = make_event(slug="peace")
    room = make_option(event, capacity=2)
    make_rsvp(room, now=NOW - timedelta(days=3))
    make_rsvp(room)
    account = make_staff()
    page = open_page("/staff/events/peace/", width="phone", account=account, locale="fr-FR")
    page.get_by_text("Afficher en tableau").click()
    assert page.get_by_role("columnheader", name="Sur place").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_list_of_attendees_prints(site: Site, open_page: Callable[..., Page]):
    company = "Centre for Ceasefires, Monitoring Missions and Local Mediation " * 3
    rsvp = make_rsvp(make_option(make_event()), name="Amina Okonkwo-Bell", organisation=company)
    page = open_page(f"/staff/events/{rsvp.event.slug}/attendees", account=make_staff())
    assert page.locator(".org").evaluate("org => org.scrollHeight > org.clientHeight"), "cut"
    page.emulate_media(media="print")
    assert page.locator(".org").evaluate("org => org.scrollHeight <= org.clientHeight"), "whole"
    assert page.get_by_role("link", name="Amina Okonkwo-Bell").is_visible()
    assert not page.get_by_role("button", name="Check in").is_visible()
    assert not page.get_by_role("checkbox").first.is_visible()


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
def test_the_head_of_the_desk_fits_at_four_times_its_size(
    site: Site, open_page: Callable[..., Page], locale: str
):
    page = open_page("/staff/log/", account=make_staff(), locale=locale)
    page.set_viewport_size(SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.get_by_role("navigation").locator("[aria-current]").is_visible()
