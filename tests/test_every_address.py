"""Every address of the house, opened and knocked at: what each answer must have and must not do."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from registration.admission import RsvpRefused
from registration.database import Base, db
from registration.models import (
    EventStatus,
    Rsvp,
    Staff,
    StaffRole,
)
from tests.factories import make_hybrid, make_invitation, make_rsvp, make_speaker, make_staff
from tests.forms import answer_with
from tests.furnished import Values, address, furnish
from tests.signing_in import post, sign_in

#: Forms without a token, and why: the key in the address is what a stranger cannot know, and
#: mail programs (RFC 8058) and players that are embedded elsewhere send no cookie.
WITHOUT_TOKEN = {"unsubscribe.act", "lobby.enter"}
#: Reading these is an act that staff answer for: it stands in the audit log.
WRITES_DOWN_THAT_IT_WAS_READ = {
    "staff_exports.download",
    "staff_printing.door_list",
    "staff_printing.badges",
}
#: Pages that an administrator who is signed in is led away from: Flask-Security's, which want no
#: or a fresh sign-in, the way out to a stream that is not on air, out of a queue without them,
#: another way to attend that costs nothing, and an opening that is past.
LEADS_AWAY = (
    "security.", "lobby.leave", "openings.", "rsvps.leave", "rsvps.switch", "staff_account.address",
    "staff_account.confirm_address", "staff_accounts.address",
)  # fmt: skip

#: What a stranger's browser cannot be made to say, but who asks by hand can: another site.
EVIL = "http://evil.example.com"


@pytest.fixture
def account(app: Flask) -> Staff:
    """An administrator."""
    return make_staff(StaffRole.ADMIN)


@pytest.fixture
def everything(app: Flask, account: Staff) -> Values:
    """Values for each address: of a house in which everything is there once."""
    return furnish(account)


def rows() -> dict[str, list[str]]:
    """Everything that is in the database."""
    db.session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        everything_of = db.session.execute(text(f'SELECT * FROM "{table.name}"'))  # noqa: S608
        found[table.name] = sorted(map(repr, everything_of))
    db.session.rollback()
    return found


def policy_of(header: str) -> dict[str, list[str]]:
    parts = [part.split() for part in header.split(";") if part.strip()]
    return {name: sources for name, *sources in parts}


OF_A_PAGE = policy_of(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
OF_A_FRAMED_MAIL = policy_of(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


OF_A_PERSON = r"/(rsvp|j|t|speaker|unsubscribe|find|erased)\b|/events/[^/]+/rsvp"


class TestEveryAddress:
    def test_reading_changes_no_row_and_every_answer_is_guarded(
        self, app: Flask, account: Staff, everything: Values
    ) -> None:
        before = rows()
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in WRITES_DOWN_THAT_IT_WAS_READ:
                continue
            url = address(app, rule, everything)
            # A browser for each: some of Flask-Security's pages end the session that they find.
            admin, stranger = sign_in(app.test_client(), account), app.test_client()
            for client in (stranger, admin):
                answer = client.get(url)
                assert answer.status_code < 500, f"{url} answered {answer.status_code}"
                self.check_headers(url, answer)
                answer.close()
            if not rule.endpoint.startswith(LEADS_AWAY):
                assert answer.status_code == 200, f"an administrator did not see {url}"
            for method in ("HEAD", "OPTIONS"):
                client.open(url, method=method).close()
            assert rows() == before, f"reading {url} ({rule.endpoint}) changed a row"

    @staticmethod
    def check_headers(url: str, answer: TestResponse) -> None:
        get = answer.headers.get
        assert get("X-Content-Type-Options") == "nosniff", url
        if url.startswith(("/static/", "/staff/fs-static/")):
            return
        policy = policy_of(get("Content-Security-Policy", ""))
        frames = policy.pop("frame-src", ["'self'"])
        assert frames == ["'self'"], url
        is_mail = url.endswith("/html") and answer.status_code == 200
        assert policy == (OF_A_FRAMED_MAIL if is_mail else OF_A_PAGE), url
        assert get("Referrer-Policy") in ("no-referrer", "same-origin")
        allowed = dict(part.split("=") for part in get("Permissions-Policy", "").split(", "))
        nothing = ("geolocation", "microphone", "payment", "usb")
        assert allowed == dict.fromkeys(nothing, "()") | {"camera": "(self)"}, url
        assert "Strict-Transport-Security" not in answer.headers, "the site is on http"
        if re.match("/(rsvp|j|t|speaker|unsubscribe)/", url):
            assert get("Referrer-Policy") == "no-referrer", url
        if re.match("/(rsvp|j|t|speaker|unsubscribe|staff|find)/", url):
            assert get("Cache-Control") == "private, no-store", url
        if re.match(OF_A_PERSON, url):
            assert get("X-Robots-Tag") == "noindex", url
        elif url == "/" or re.fullmatch("/events/[^/]+", url):
            assert "X-Robots-Tag" not in answer.headers, url

    def test_nothing_is_changed_without_a_token(
        self, app: Flask, account: Staff, everything: Values
    ) -> None:
        before, refused = rows(), 0
        for rule in app.url_map.iter_rules():
            for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
                if rule.endpoint in WITHOUT_TOKEN:
                    continue
                url = address(app, rule, everything)
                answer = sign_in(app.test_client(), account).open(url, method=method)
                assert answer.status_code == 400, f"{method} {url}: {answer.status_code}"
                refused += 1
        assert refused > 20
        assert rows() == before

    @pytest.mark.parametrize("database", ["sqlite"])  # which host is named is no database's matter
    def test_a_foreign_host_stands_in_no_answer(
        self, app: Flask, account: Staff, everything: Values
    ) -> None:
        """Neither where a page is read nor where something is sent; what is read comes first."""
        host = urlsplit(EVIL).netloc
        asked = [
            (method, address(app, rule, everything))
            for method in ("GET", "POST")
            for rule in app.url_map.iter_rules()
            if method in (rule.methods or ())
        ]
        for method, url in asked:
            for who in (app.test_client(), sign_in(app.test_client(), account, site=EVIL)):
                send = partial(post, who, site=EVIL) if method == "POST" else who.get
                answer = send(url, headers={"Host": host, "X-Forwarded-Host": host})
                told = answer.get_data() + str(answer.headers).encode()
                assert host.encode() not in told, f"{method} {url}"
                answer.close()


def test_a_file_is_taken_for_what_it_says_it_is(client: FlaskClient) -> None:
    answer = client.get("/static/css/base.css")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_every_kind_of_refusal_is_guarded_too(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, _stream = make_hybrid()
    form = f"/events/{room.event.slug}/rsvp"
    door = sign_in(app.test_client(), make_staff(StaffRole.DOOR))
    monkeypatch.setitem(app.config, "LIMIT_FIND_PER_NETWORK", "1 per hour")
    app.testing = False
    try:
        refused = [
            (client.post(form), 400),
            (door.get("/staff/log/"), 403),
            (client.get("/nothing/here"), 404),
            (client.put(form), 405),
            (post(client, form, name="x" * 3_000_000), 413),
            (client.post(form, json={}), 415),
            (post(client, form), 422),
            (post(client, "/find", email="a@example.org"), 200),
            (post(client, "/find", email="a@example.org"), 429),
        ]
        monkeypatch.setattr(db.session, "scalars", None)
        refused.append((client.get(f"/events/{room.event.slug}"), 500))
    finally:
        app.testing = True
    for answer, status in refused:
        assert answer.status_code == status
        TestEveryAddress.check_headers(f"the page of {status}", answer)


def test_a_draft_is_seen_by_no_stranger(client: FlaskClient, app: Flask) -> None:
    room, _stream = make_hybrid(title="Not for everybody yet")
    event = room.event
    make_speaker(event, name="Nobody Knows")
    invitation, rsvp = make_invitation(event), make_rsvp(room)
    event.status = EventStatus.DRAFT
    db.session.commit()
    slug, asked = event.slug, 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff") or rule.arguments != {"slug"}:
            continue
        url = address(app, rule, {"": {"slug": slug}})
        for method in (rule.methods or set()) & {"GET", "POST"}:
            about = {"invitation": invitation.key} if method == "POST" else {}
            answer = (
                post(client, url, **about)
                if method == "POST"
                else client.get(url, query_string={"invitation": invitation.key})
            )
            assert answer.status_code == 404, f"{method} {url}: {answer.status_code}"
            # Speakers are invited before the event is announced, and follow the link to its page.
            assert "not announced yet opens later" in answer.text
            asked += 1
    assert asked >= 7
    for url in ("/", "/?q=everybody", f"/?q={slug}", "/calendar.ics", "/feed.atom"):
        told = client.get(url).text
        assert "Not for everybody yet" not in told, url
        assert "Nobody Knows" not in told, url
    # Who had answered before it was taken back still has a page of their own.
    assert client.get(f"/rsvp/{rsvp.manage_key}").status_code == 200


def test_a_draft_cannot_be_answered_by_who_saw_its_form(client: FlaskClient) -> None:
    room, _stream = make_hybrid()
    slug, option_id, event = room.event.slug, room.id, room.event
    event.status = EventStatus.DRAFT
    db.session.commit()
    about = {"name": "Eve Example", "email": "eve@example.org"}
    assert answer_with(client, option_id, slug, **about) == 404
    with pytest.raises(RsvpRefused):
        make_rsvp(room)
    assert db.session.query(Rsvp).count() == 0


def test_every_endpoint_that_a_template_names_exists(app: Flask) -> None:
    """Also in a branch of a page that no other test draws."""
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    for template in Path(app.root_path, "templates").rglob("*.html"):
        named = re.findall(r"url_for\(['\"](\w+\.\w+)['\"]", template.read_text(encoding="utf-8"))
        assert set(named) <= known, template.name
