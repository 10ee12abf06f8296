"""What strangers send beside forms: foreign hosts and ways on, and what browsers keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader
from sqlalchemy import select

from app import create_app
from registration import rendering, staff
from registration.database import db
from registration.models import (
    OutboxMail,
    RsvpStatus,
    StaffRole,
)
from registration.web import answer_form
from registration.web.limits import limiter
from tests.conftest import NOW, settings_for
from tests.factories import make_hybrid, make_rsvp, make_staff
from tests.forms import form_of
from tests.furnished import address, furnish
from tests.signing_in import post, sign_in
from tests.test_every_address import rows

#: What a client may say in a header, and what no browser says there. Those of a group are sent at
#: once: what one of them decides hides none of the others (RFC 9110, 13.2.2).
HEADERS = (
    ("Accept", "Accept-Language", "Content-Length", "Cookie", "If-Modified-Since", "If-Range",
     "If-Unmodified-Since", "Origin", "Range", "Referer", "X-Requested-With"),
    ("Accept-Encoding", "Authorization", "Content-Type", "If-Match", "If-None-Match",
     "Sec-Fetch-Site", "X-CSRFToken", "X-Forwarded-For"),
)  # fmt: skip
ODD = (
    "", "\x7f", '"', "*", "0", "-1", "a" * 5000, "x-" * 500, 'W/"', "bytes=0-", "bytes=-1",
    "bytes=99999999999999999999-", "bytes=1-0,5-9,0-", "bytes=a-b",
    "Thu, 99 Xxx 99999 99:99:99 GMT", "fr;q=nan", "fr;q=1e999,de;q=-5", "\u00fc\u00e9",
    "text/html;charset=utf-7", "multipart/form-data", "multipart/form-data; boundary=",
    "application/x-www-form-urlencoded; charset=nonsense", "session=x.y.z; remember_token=1|0",
    "session=.eJw; remember_token=\u00fc|\u00fc", 'session="', "=;=;;", "remember_token=",
)  # fmt: skip
JSON = ("{}", '{"email": 5}', '{"email": ["a@example.org"]}', "NaN", "[" * 100_000, "\0")
EMAIL, PASSWORD = "admin@example.org", "a long and good password"


class TestOnHttps:
    SITE = "https://events.example.org"

    @pytest.fixture(scope="class")
    @classmethod
    def site(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
        """A site that is on https, as in production, with an administrator."""
        folder = tmp_path_factory.mktemp("https")
        url = f"sqlite:///{folder / 'https.db'}"
        application = create_app(settings_for(url, folder, base_url=cls.SITE))
        with application.app_context():
            db.create_all()
            staff.add(email=EMAIL, role=StaffRole.ADMIN, password=PASSWORD, now=NOW)
        yield application
        with application.app_context():
            db.engine.dispose()

    @pytest.fixture
    def browser(self, site: Flask) -> Iterator[FlaskClient]:
        """A browser that has not been there."""
        with site.app_context():
            limiter.reset()
            yield site.test_client()
            db.session.remove()

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
        for path in ("/", "/find", "/nothing/here", "/static/css/base.css"):
            answer = browser.get(path, base_url=self.SITE)
            told = answer.headers["Strict-Transport-Security"]
            assert told == "max-age=31536000; includeSubDomains"
            answer.close()

    @pytest.mark.parametrize(
        "told",
        [
            {"Referer": "https://evil.example.com/"},
            {"Referer": f"{SITE}.evil.example.com/"},
            {"Origin": "https://evil.example.com"},
            {"Origin": "http://events.example.org"},
            {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
            {"Origin": "null", "Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_a_form_that_another_site_sends_is_refused_even_with_a_token(
        self, browser: FlaskClient, told: dict[str, str]
    ) -> None:
        page = browser.get("/staff/sign-in", base_url=self.SITE)
        sent = form_of(page.text, "/staff/sign-in")
        answer = browser.post("/staff/sign-in", base_url=self.SITE, headers=told, data=sent)
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "told",
        [
            {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
            {"Origin": "null"},  # a browser that does not know Sec-Fetch-Site
            {"Origin": SITE},
            {"Referer": f"{SITE}/rsvp"},
            {},
        ],
    )
    def test_pages_that_let_no_referer_go_can_send_their_forms(
        self, browser: FlaskClient, told: dict[str, str]
    ) -> None:
        """As browsers send them from a page whose Referrer-Policy is no-referrer."""
        rsvp = make_rsvp(make_hybrid()[0])
        page = f"/rsvp/{rsvp.manage_key}/cancel"
        shown = browser.get(page, base_url=self.SITE)
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        sent = form_of(shown.text, "").to_dict()  # it is sent to where it stands
        answer = browser.post(page, base_url=self.SITE, headers=told, data=sent)
        assert answer.status_code == 303
        db.session.refresh(rsvp)
        assert rsvp.status == RsvpStatus.CANCELLED


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

    def test_another_root_than_that_of_the_site_leads_nowhere(self, client: FlaskClient) -> None:
        evil = {"SCRIPT_NAME": "//evil.example.com"}
        room, _stream = make_hybrid()
        account = make_staff(StaffRole.ADMIN)
        for path in ("/", f"/events/{room.event.slug}", f"/events/{room.event.slug}/rsvp", "/find"):
            page = client.get(path, environ_overrides=evil)
            assert page.status_code == 200
            assert "evil.example.com" not in page.text
        token = form_of(client.get("/staff/reset").text, "/staff/reset")["csrf_token"]
        asked = {"csrf_token": token, "email": account.email}
        client.post("/staff/reset", data=asked, environ_overrides=evil)
        mail = db.session.scalars(select(OutboxMail)).one()
        assert b"evil.example.com" not in rendering.render(mail, now=NOW).as_bytes()

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


class TestWhatIsNoFormOfOurs:
    def test_nothing_takes_json(self, app: Flask) -> None:
        """Neither of a wrong type nor of a right one: no limit counts what it says."""
        account = make_staff(StaffRole.ADMIN)
        house, asked = furnish(account), 0
        before = rows()
        client = sign_in(app.test_client(), account)
        token = {"X-CSRFToken": token_of(client)}
        for rule in app.url_map.iter_rules():
            if "POST" in (rule.methods or ()):
                url = address(app, rule, house)
                for body in JSON:
                    answer = client.post(
                        url, data=body, content_type="application/json", headers=token
                    )
                    assert answer.status_code == 415, (url, body[:40])
                asked += 1
        assert asked > 50
        assert rows() == before
        assert client.get("/staff/").status_code == 200, "whoever sent it was signed in all along"

    @pytest.mark.parametrize("has_token", [True, False])
    def test_a_field_without_a_name_is_no_failure_of_ours(
        self, client: FlaskClient, has_token: bool
    ) -> None:
        token = token_of(client) if has_token else ""
        part = "--edge\r\nContent-Disposition: form-data{}\r\n\r\n{}\r\n"
        sent = part.format('; name="csrf_token"', token) if token else ""
        answer = client.post(
            "/find",
            data=sent + part.format("", "a@example.org") + "--edge--\r\n",
            content_type="multipart/form-data; boundary=edge",
        )
        assert answer.status_code == 400

    @pytest.mark.parametrize("host", ["a" * 5000, "x-" * 100, "a..b", ".", "a b", "[::1", "\x7f"])
    def test_a_host_that_is_none_is_no_failure_of_ours(
        self, client: FlaskClient, host: str
    ) -> None:
        for path in ("/", "/find", "/staff/", "/staff/sign-in"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code in (200, 303, 400), path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("database", ["sqlite"])  # no header is looked for in a database
    def test_headers_of_any_kind_break_no_page(self, app: Flask) -> None:
        """A page meets a third of the odd values in each header, the next page others."""
        account = make_staff(StaffRole.ADMIN)
        house = furnish(account)
        urls = [
            address(app, rule, house)
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and rule.endpoint != "security.static"
        ]
        for number, url in enumerate(urls):
            for turn in range(0, len(ODD), 3):
                # A browser that keeps cookies sends those alone, whatever the header says.
                who = app.test_client(use_cookies=bool((number + turn) % 2))
                if (number + turn) % 2:
                    sign_in(who, account)
                for names in HEADERS:
                    sent = {
                        name: ODD[(number + turn + 3 * step) % len(ODD)]
                        for step, name in enumerate(names)
                    }
                    answer = who.get(url, headers=sent, buffered=True)
                    assert answer.status_code < 500, (url, sent)

    @pytest.mark.parametrize(
        "body", [b"zz\r\nname=Eve\r\n0\r\n\r\n", b"4\r\nname=Eve\r\n0\r\n\r\n"]
    )
    def test_a_body_whose_chunks_are_none_is_no_failure_of_ours(
        self, client: FlaskClient, body: bytes
    ) -> None:
        """As the server reads it: the headers are good, and the rest is only found out here."""
        answer = client.post(
            "/find",
            content_type="application/x-www-form-urlencoded",
            environ_overrides={
                "wsgi.input": Body(ChunkedReader(None, IterUnreader([body]))),
                "wsgi.input_terminated": True,
            },
        )
        assert answer.status_code == 400
        assert "We could not read what was sent" in answer.text

    def test_a_moment_at_the_end_of_time_is_no_failure_of_ours(self, app: Flask) -> None:
        room, _stream = make_hybrid()
        desk = sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        undo = f"/staff/events/{room.event.slug}/attendees/many/undo"
        for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
            assert post(desk, undo, at=at).status_code == 400
            people = f"/staff/events/{room.event.slug}/attendees"
            assert desk.get(people, query_string={"undo": at}).status_code == 200


def token_of(client: FlaskClient) -> str:
    """A good token for a browser."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/find").text)
    assert found
    return found[1]


def as_browsers_read(location: str) -> str:
    """An address as the URL standard has it: no tabs or ends of lines, \\ is /, and any number of
    slashes leads to a host."""
    plain = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    return re.sub(r"^(https?:)?/{2,}", r"\1//", plain)
