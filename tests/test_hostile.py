"""What strangers send beside forms: foreign hosts and ways on, and what browsers keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from registration import rendering, staff
from registration.database import db
from registration.models import (
    OutboxMail,
    StaffRole,
)
from registration.web import answer_form
from tests.conftest import NOW, settings_for
from tests.factories import make_hybrid, make_rsvp, make_staff
from tests.forms import form_of
from tests.signing_in import post, sign_in

EMAIL, PASSWORD = "admin@example.org", "a long and good password"


class TestOnHttps:
    SITE = "https://events.example.org"

    @pytest.fixture
    def browser(self, tmp_path: Path) -> Iterator[FlaskClient]:
        """A browser of a site that is on https, as in production."""
        url = f"sqlite:///{tmp_path / 'https.db'}"
        application = create_app(settings_for(url, tmp_path, base_url=self.SITE))
        with application.app_context():
            db.create_all()
            staff.add(email=EMAIL, role=StaffRole.ADMIN, password=PASSWORD, now=NOW)
            yield application.test_client()
            db.session.remove()
            db.engine.dispose()

    def test_cookies_are_for_this_site_alone_and_not_for_scripts(
        self, browser: FlaskClient
    ) -> None:
        page = browser.get("/staff/sign-in", base_url=self.SITE)
        sent = form_of(page.text, "/staff/sign-in").to_dict()
        sent |= {"email": EMAIL, "password": PASSWORD, "remember": "y"}
        origin = {"Referer": f"{self.SITE}/staff/sign-in"}
        answer = browser.post("/staff/sign-in", base_url=self.SITE, headers=origin, data=sent)
        assert answer.status_code == 302
        cookies = page.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie")
        assert {cookie.partition("=")[0] for cookie in cookies} == {"session", "remember_token"}
        for cookie in cookies:
            assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
            assert "Domain=" not in cookie

    def test_browsers_are_told_to_stay_on_https(self, browser: FlaskClient) -> None:
        for path in ("/", "/find", "/nothing/here"):
            answer = browser.get(path, base_url=self.SITE)
            told = answer.headers["Strict-Transport-Security"]
            assert told == "max-age=31536000; includeSubDomains"

    def test_a_form_that_another_site_sends_is_refused_even_with_a_token(
        self, browser: FlaskClient
    ) -> None:
        page = browser.get("/staff/sign-in", base_url=self.SITE)
        sent = form_of(page.text, "/staff/sign-in")
        foreign = {"Referer": "https://evil.example.com/"}
        answer = browser.post("/staff/sign-in", base_url=self.SITE, headers=foreign, data=sent)
        assert answer.status_code == 400


class TestForeignHosts:
    def test_a_foreign_host_stands_in_no_mail_and_leads_nowhere(self, client: FlaskClient) -> None:
        room, _stream = make_hybrid()
        account, known = make_staff(StaffRole.ADMIN), make_rsvp(room).email
        evil = "http://evil.example.com"
        about = {"attend": str(room.id), "consent": "y", "name": "Amina"}
        answering = f"/events/{room.event.slug}/rsvp"
        for email in (known, "amina@example.org"):
            about |= {"email": email, "started": answer_form.opened()}
            taken = post(client, answering, site=evil, **about)
            assert taken.location.startswith("/"), "on, and not to another host"
        post(client, "/find", site=evil, email=known)
        post(client, "/staff/reset", site=evil, email=account.email)
        colleague = {"email": "new@example.org", "name": "A colleague", "role": "door"}
        post(sign_in(client, account, site=evil), "/staff/people/invite", site=evil, **colleague)
        mails = db.session.scalars(select(OutboxMail)).all()
        assert len(mails) == 6
        for mail in mails:
            told = rendering.render(mail, now=NOW).as_bytes()
            assert b"evil.example.com" not in told
            assert b"http://events.example.org/" in told

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example.com/",
            "//evil.example.com",
            "///evil.example.com",
            "////evil.example.com",
            r"/\evil.example.com",
            r"\/evil.example.com",
            "/\t/evil.example.com",
            "https:evil.example.com",
            "http://localhost@evil.example.com/",
            "http://localhost.evil.example.com/",
            "javascript:alert(1)",
        ],
    )
    @pytest.mark.parametrize("way", ["the address", "the form"])
    def test_signing_in_leads_nowhere_else(
        self, client: FlaskClient, target: str, way: str
    ) -> None:
        staff.add(email=EMAIL, role=StaffRole.ADMIN, password=PASSWORD, now=NOW)
        about = {"email": EMAIL, "password": PASSWORD}
        if way == "the form":
            answer = post(client, "/staff/sign-in", **about, next=target)
        else:
            query = urlencode({"next": target})
            page = client.get(f"/staff/sign-in?{query}")
            carried = form_of(page.text, "/staff/sign-in").get("next", "")
            answer = post(client, f"/staff/sign-in?{query}", **about, next=carried)
        if answer.status_code == 200:  # told so, and not signed in
            assert client.get("/staff/").status_code == 303
            return
        assert answer.status_code == 302
        there = urljoin("http://localhost/staff/sign-in", as_browsers_read(answer.location))
        assert urlsplit(there).netloc == "localhost"

    def test_signing_in_goes_on_where_one_wanted_to(self, client: FlaskClient) -> None:
        staff.add(email=EMAIL, role=StaffRole.ADMIN, password=PASSWORD, now=NOW)
        about = {"email": EMAIL, "password": PASSWORD, "next": "/staff/log/?q=rsvp"}
        answer = post(client, "/staff/sign-in", **about)
        assert (answer.status_code, answer.location) == (302, "/staff/log/?q=rsvp")


def as_browsers_read(location: str) -> str:
    """An address as the URL standard has it: no tabs or ends of lines, \\ is /, and any number of
    slashes leads to a host."""
    plain = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    return re.sub(r"^(https?:)?/{2,}", r"\1//", plain)
