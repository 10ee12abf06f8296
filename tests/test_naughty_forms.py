"""Every form of the house, filled with what breaks things: staff's and speakers' forms too."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from werkzeug.test import TestResponse

from registration.models import Staff, StaffRole
from registration.web.limits import limiter
from tests.factories import make_hybrid, make_staff
from tests.forms import Form, answer_with, forms_of
from tests.furnished import address, furnish
from tests.signing_in import sign_in

NAUGHTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE rsvps; --",
    "{{ 7 * 7 }}${7*7}%(name)s{0.__class__}",
    "a null \0 byte",
    "one\r\nBcc: eve@example.org\r\n\r\ntwo",
    "=HYPERLINK(1)",
    "javascript:alert(1)",
    "\u202egnihtyreve\u0000 \ud7ff\ufffe \U0001f468\u200d\U0001f469",
    "9" * 400,
    "x" * 70_000,
    "../../../etc/passwd",
    "-1",
    "99999-99-99T99:99",
    " ",
]
MARKUP = [one for one in NAUGHTY if "<" in one]


@pytest.fixture
def account(app: Flask) -> Staff:
    """An administrator."""
    return make_staff(StaffRole.ADMIN, password=hash_password("a long and good password"))


def test_in_every_form_they_break_nothing_and_come_out_as_text(app: Flask, account: Staff) -> None:
    house = furnish(account)
    pages = {
        address(app, rule, house): rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
    }
    filled: set[tuple[str, str]] = set()
    for url, endpoint in pages.items():
        browser = app.test_client()
        if endpoint.startswith("staff_"):
            sign_in(browser, account)
        for form in forms_on(browser, url):
            action = urljoin(f"http://localhost{url}", form.action)
            path = urlsplit(action).path
            if not form.typed or (path, endpoint) in filled:
                continue
            filled.add((path, endpoint))
            for shift in range(0, len(NAUGHTY), 3):
                limiter.reset()
                answer = fill(browser, url, form, action, shift)
                assert answer.status_code < 500, (url, form.action, NAUGHTY[shift])
                assert unescaped(answer) == [], (url, form.action)
    assert len(filled) > 30
    # What was taken is shown to whoever reads it next.
    browser = sign_in(app.test_client(), account)
    for url in pages:
        answer = browser.get(url, buffered=True)
        assert answer.status_code < 500, url
        assert unescaped(answer) == [], url


@pytest.mark.parametrize("number", ["9" * 9, "9" * 19, "9" * 30, "9" * 400, "-1", "1e3", "٣"])
def test_no_number_breaks_anything(client: FlaskClient, number: str) -> None:
    room, _stream = make_hybrid()
    for url in (f"/?page={number}", f"/?page={number}&q=a", f"/brand-{number}.css"):
        assert client.get(url).status_code in (200, 400, 404), url
    for attend in (number, f"{room.id}w{number}"):
        status = answer_with(
            client, room.id, room.event.slug, attend=attend, name="A B", email="a@example.org"
        )
        assert status < 500, attend


def forms_on(browser: FlaskClient, url: str) -> list[Form]:
    answer = browser.get(url, buffered=True)
    return forms_of(answer.text) if answer.mimetype == "text/html" else []


def fill(browser: FlaskClient, url: str, form: Form, action: str, shift: int) -> TestResponse:
    """Send the form as its page gives it now, with something else in each field."""
    same = [one for one in forms_on(browser, url) if one.action == form.action and one.typed]
    fresh = same[0] if same else form
    sent = fresh.sent.copy()
    for number, name in enumerate(sorted(fresh.typed)):
        sent[name] = NAUGHTY[(shift + number) % len(NAUGHTY)]
    if fresh.buttons and fresh.buttons[0][0]:
        sent[fresh.buttons[0][0]] = fresh.buttons[0][1]
    parts = urlsplit(action)
    where = parts.path + (f"?{parts.query}" if parts.query else "")
    if form.method == "get":
        return browser.get(parts.path, query_string=sent, follow_redirects=True, buffered=True)
    return browser.post(where, data=sent, follow_redirects=True, buffered=True)


def unescaped(answer: TestResponse) -> list[str]:
    """What stands in a page as markup though somebody typed it."""
    page = answer.text if answer.mimetype == "text/html" else ""
    return [one for one in MARKUP if one in page]
