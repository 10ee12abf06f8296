"""On https, as in production: browsers send other headers there, and pages with keys no Referer."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app import create_app
from registration import speakers, staff
from registration.database import Base, db
from registration.models import StaffRole
from tests.conftest import NOW, settings_for
from tests.factories import make_event, make_option, make_rsvp, make_speaker

_CERTIFICATE = str(Path(__file__).parents[1] / "tls" / "server.pem")
_EMAIL, _PASSWORD = "desk@example.org", "a password of the tests"


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A browser at a site on https, the context of its application pushed."""
    server = make_server(
        "127.0.0.1", 0, lambda *_: [], threaded=True, ssl_context=(_CERTIFICATE, _CERTIFICATE)
    )
    site = f"https://127.0.0.1:{server.server_port}"
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'https.db'}", tmp_path, base_url=site))
    app.config["NOW"] = lambda: NOW
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    context = browser.new_context(base_url=site, ignore_https_errors=True)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        yield context.new_page()
        context.close()
        server.shutdown()
        thread.join()
        server.server_close()
        db.session.remove()
        db.engine.dispose()


def test_an_attendee_answers_and_cancels(page: Page):
    room = make_option(make_event(slug="talk"))
    page.goto("/events/talk/rsvp")
    page.get_by_label("In person").check()
    page.get_by_label("Full name").fill("Amina Okonkwo-Bell")
    page.get_by_label("Email address", exact=True).first.fill("amina@example.org")
    page.get_by_label(re.compile("^I agree")).check()
    page.get_by_role("button", name="Save my place").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your seat is reserved, Amina")

    page.goto(f"/rsvp/{make_rsvp(room, name='Bo Ek').manage_key}/cancel")
    page.get_by_role("button", name="Cancel my RSVP").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")


def test_a_speaker_says_yes(page: Page):
    speaker = make_speaker(make_event())
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    page.goto(f"/speaker/{speaker.key}")
    page.get_by_role("button", name=re.compile("^Yes")).click()
    expect(page.locator("main")).to_contain_text("Thank you")


def test_staff_sign_in(page: Page):
    staff.add(email=_EMAIL, role=StaffRole.ADMIN, password=_PASSWORD, now=NOW)
    page.goto("/staff/sign-in")
    page.get_by_label("Email").fill(_EMAIL)
    page.get_by_label("Password").fill(_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Events")


def test_who_reads_the_privacy_notice_on_the_way_leaves_no_form_behind(page: Page):
    """Some browsers forget what was typed into a page that is not to be kept."""
    make_option(make_event(slug="talk"))
    page.goto("/events/talk/rsvp")
    page.get_by_label("Full name").fill("Amina Okonkwo-Bell")
    with page.expect_popup() as notice:
        page.get_by_role("link", name="Privacy notice (opens in a new tab)").click()
    expect(notice.value.get_by_role("heading", level=1)).to_contain_text("rivacy")
    expect(page.get_by_label("Full name")).to_have_value("Amina Okonkwo-Bell")
    expect(page.get_by_label(re.compile("^I agree"))).not_to_be_checked()
