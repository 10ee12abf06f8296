"""The hostile world: what strangers send, and what they must not get."""

from __future__ import annotations

import io
import json
import logging
import re
import struct
import zlib
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import icalendar
import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, text
from werkzeug.datastructures import FileStorage
from werkzeug.routing import Rule

from app import create_app
from registration import exports, formats, logs, rendering, speakers, staff
from registration.database import Base, db
from registration.models import (
    Attendee,
    Event,
    MailKind,
    OutboxMail,
    Rsvp,
    StaffRole,
)
from registration.roster import Filters
from registration.web import photos, rsvp_forms, rsvps
from registration.web.limits import limiter
from registration.web.photos import PhotoRefused
from tests.conftest import NOW, settings_for
from tests.factories import make_event, make_hybrid, make_rsvp, make_speaker, make_staff
from tests.signing_in import post, sign_in

NAUGHTY: list[str] = json.loads((Path(__file__).parent / "naughty" / "blns.json").read_text())
MARKUP = [one for one in NAUGHTY if re.search(r"<\w", one)]
#: Forms without a token, and why: the key in the address is what a stranger cannot know, and
#: mail programs (RFC 8058) and players that are embedded elsewhere send no cookie.
WITHOUT_TOKEN = {"unsubscribe.act", "lobby.enter"}
#: Reading these is an act that staff answer for: it stands in the audit log.
WRITES_DOWN_THAT_IT_WAS_READ = {"staff_exports.download"}


@pytest.fixture
def everything(app: Flask) -> dict[str, dict[str, object]]:
    """Values for each address: by the first part of the endpoint, and for all."""
    room, stream = make_hybrid()
    event = room.event
    rsvp, watcher = make_rsvp(room), make_rsvp(stream)
    speaker = make_speaker(event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    mail = db.session.query(OutboxMail).filter_by(kind=MailKind.CONFIRMED).first()
    ticket = db.session.query(Attendee).first()
    assert mail is not None
    assert ticket is not None
    return {
        "": {
            "slug": event.slug,
            "rsvp_id": rsvp.id,
            "speaker_id": speaker.id,
            "mail_id": mail.id,
            "account_id": make_staff(StaffRole.ORGANISER).id,
            "format": "csv",
            "hue": 10,
            "code": ticket.ticket_code,
        },
        "rsvps": {"key": rsvp.manage_key},
        "lobby": {"key": watcher.join_key},
        "speakers": {"key": speaker.key},
        "unsubscribe": {"key": rsvp.manage_key},
    }


def address(app: Flask, rule: Rule, everything: dict[str, dict[str, object]]) -> str:
    values = everything[""] | everything.get(rule.endpoint.partition(".")[0], {})
    arguments = {name: values.get(name, "1") for name in rule.arguments}
    adapter = app.url_map.bind("events.example.org")
    try:
        return adapter.build(rule.endpoint, arguments)
    except ValueError:
        return adapter.build(rule.endpoint, {name: values.get(name, 1) for name in rule.arguments})


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


class TestEveryAddress:
    def test_reading_changes_no_row_and_every_answer_is_guarded(
        self, app: Flask, everything: dict[str, dict[str, object]]
    ) -> None:
        admin = sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        admin.get("/staff/")
        stranger = app.test_client()
        before, opened = rows(), 0
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in WRITES_DOWN_THAT_IT_WAS_READ:
                continue
            url = address(app, rule, everything)
            for client in (stranger, admin):
                answer = client.get(url)
                assert answer.status_code < 500, f"{url} answered {answer.status_code}"
                opened += answer.status_code == 200
                self.check_headers(url, answer.headers)
                answer.close()
            assert rows() == before, f"reading {url} ({rule.endpoint}) changed a row"
        assert opened > 40

    @staticmethod
    def check_headers(url: str, headers: object) -> None:
        get = headers.get  # type: ignore[attr-defined]
        assert get("X-Content-Type-Options") == "nosniff", url
        if url.startswith(("/static/", "/staff/fs-static/")):
            return
        policy = policy_of(get("Content-Security-Policy", ""))
        assert policy.get("default-src") in (["'self'"], ["'none'"]), f"{url}: {policy}"
        for name in ("script-src", "connect-src", "style-src"):
            # The frame in which staff see a mail shows the mail's own styles, and nothing else.
            if name == "style-src" and policy["default-src"] == ["'none'"]:
                continue
            assert policy.get(name, ["'self'"]) == ["'self'"], f"{url}: {policy}"
        assert "'unsafe-eval'" not in get("Content-Security-Policy"), url
        assert policy.get("object-src", policy["default-src"]) == ["'none'"], url
        assert policy["base-uri"] == ["'none'"], url
        assert policy["form-action"] in (["'self'"], ["'none'"]), url
        is_mail = policy["default-src"] == ["'none'"]
        assert policy["frame-ancestors"] == (["'self'"] if is_mail else ["'none'"]), url
        assert get("Referrer-Policy") in ("no-referrer", "same-origin")
        allowed = dict(part.split("=") for part in get("Permissions-Policy", "").split(", "))
        nothing = ("geolocation", "microphone", "payment", "usb")
        assert allowed == dict.fromkeys(nothing, "()") | {"camera": "(self)"}, url
        assert "Strict-Transport-Security" not in headers, "the site is on http"  # type: ignore[operator]
        if re.match("/(rsvp|j|t|speaker|unsubscribe)/", url):
            assert get("Referrer-Policy") == "no-referrer", url
            assert "public" not in get("Cache-Control", ""), url

    def test_nothing_is_changed_without_a_token(
        self, app: Flask, everything: dict[str, dict[str, object]]
    ) -> None:
        admin = sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        before, refused = rows(), 0
        for rule in app.url_map.iter_rules():
            for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
                if rule.endpoint in WITHOUT_TOKEN:
                    continue
                url = address(app, rule, everything)
                answer = admin.open(url, method=method)
                assert answer.status_code == 400, f"{method} {url}: {answer.status_code}"
                refused += 1
        assert refused > 20
        assert rows() == before


def test_a_file_is_taken_for_what_it_says_it_is(client: FlaskClient) -> None:
    answer = client.get("/static/css/base.css")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


class TestCookies:
    def test_they_are_for_this_site_alone_and_not_for_scripts(self, tmp_path: Path) -> None:
        application = create_app(
            settings_for(
                f"sqlite:///{tmp_path / 'cookies.db'}",
                tmp_path,
                base_url="https://events.example.org",
            )
        )
        with application.app_context():
            db.create_all()
            answer = application.test_client().get("/find", base_url="https://events.example.org")
            cookie = answer.headers["Set-Cookie"]
            assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
            assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
            db.session.remove()
            db.engine.dispose()


def answer_with(client: FlaskClient, option_id: int, slug: str, **typed: str) -> int:
    """Send the form with a good token; the status."""
    sent = {"attend": str(option_id), "consent": "y", "started": rsvp_forms.opened(), **typed}
    return post(client, f"/events/{slug}/rsvp", **sent).status_code


class TestNaughtyStrings:
    @pytest.fixture
    def database(self) -> str:
        return "sqlite"

    def test_in_every_field_they_break_nothing_and_come_out_as_text(
        self, app: Flask, client: FlaskClient, tmp_path: Path
    ) -> None:
        room, _stream = make_hybrid(capacity=None, guests_max=1)
        slug, admin = room.event.slug, sign_in(app.test_client(), make_staff(StaffRole.ADMIN))
        room_id = room.id
        for number, string in list(enumerate(NAUGHTY))[::3]:
            shifted = [NAUGHTY[(number + step) % len(NAUGHTY)] for step in (1, 2, 3, 4)]
            status = answer_with(
                client,
                room_id,
                slug,
                name=string,
                email=f"n{number}@example.org",
                organisation=shifted[0],
                job_title=shifted[1],
                access_note=shifted[2],
                guest_1=shifted[3],
            )
            assert status in (303, 422), f"{string!r}: {status}"
        taken = list(db.session.scalars(select(Rsvp)))
        assert len(taken) > 100

        self.check_pages(client, admin, taken, slug)
        self.check_mails()
        self.check_files(slug, tmp_path)

    @staticmethod
    def check_pages(client: FlaskClient, admin: FlaskClient, taken: list[Rsvp], slug: str) -> None:
        for rsvp in taken[::3]:
            page = client.get(f"/rsvp/{rsvp.manage_key}")
            assert page.status_code == 200
            assert unescaped(page.text) == []
        for number in range(1, 4):
            page = admin.get(f"/staff/events/{slug}/attendees?page={number}")
            assert page.status_code == 200
            assert unescaped(page.text) == []

    @staticmethod
    def check_mails() -> None:
        for row in db.session.scalars(select(OutboxMail)):
            content = rendering.render(row, now=NOW).as_bytes()
            message = message_from_bytes(content, policy=SMTP)
            assert not message.defects
            assert len(message.get_all("To")) == len(message.get_all("Subject")) == 1
            assert message.get_all("Bcc") is None
            assert [address.addr_spec for address in message["To"].addresses] == [row.recipient]
            for part in message.walk():
                if part.get_content_type() == "text/calendar":
                    calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
                    (entry,) = calendar.walk("VEVENT")
                    attendees = entry.get("attendee")
                    assert str(attendees).lower().removeprefix("mailto:") == row.recipient

    @staticmethod
    def check_files(slug: str, tmp_path: Path) -> None:
        event = db.session.scalars(select(Event).where(Event.slug == slug)).one()
        made = exports.Export(event, Filters(), sensitive=True)
        lines = b"".join(formats.csv_lines(made)).decode("utf-8-sig")
        assert not re.search(r'(^|,)"?[=+@\t-]', lines.partition("\n")[2], flags=re.MULTILINE)
        sheet = tmp_path / "attendees.xlsx"
        sheet.write_bytes(b"".join(formats.xlsx_pieces(made)))
        book = openpyxl.load_workbook(sheet, read_only=True)
        cells = [cell for row in book.active.iter_rows() for cell in row]
        assert len(cells) > 500
        assert not [cell for cell in cells if cell.data_type == "f"]
        book.close()

    @pytest.mark.parametrize("path", ["/find", "/staff/sign-in", "/staff/reset"])
    def test_nor_in_the_forms_that_take_an_address(
        self, app: Flask, client: FlaskClient, path: str
    ) -> None:
        for string in NAUGHTY[:: 4 if path == "/find" else 30]:
            limiter.reset()
            answer = post(client, path, email=string, password=string)
            assert answer.status_code < 500, string
            assert unescaped(answer.text) == []

    def test_nor_in_addresses_and_searches(self, app: Flask, client: FlaskClient) -> None:
        for string in NAUGHTY[::5]:
            for path in ("/", "/events/x/rsvp"):
                answer = client.get(
                    path, query_string={"q": string, "source": string, "way": string}
                )
                assert answer.status_code < 500
                assert unescaped(answer.text) == []
            for start in ("/events/", "/rsvp/", "/j/", "/t/", "/media/", "/speaker/"):
                from urllib.parse import quote

                answer = client.get(start + quote(string.encode("utf-8", "replace"), safe=""))
                assert answer.status_code in (200, 301, 308, 400, 404), (start, string)
                assert unescaped(answer.text) == []


def unescaped(page: str) -> list[str]:
    """The naughty strings with markup in them that stand in a page as markup."""
    return [string for string in MARKUP if string in page]


class TestAnyText:
    @pytest.fixture
    def database(self) -> str:
        return "sqlite"

    def test_any_name_and_note_is_taken_or_told_what_is_wrong(
        self, app: Flask, client: FlaskClient
    ) -> None:
        room, _stream = make_hybrid(capacity=None)
        room_id, slug, numbers = room.id, room.event.slug, iter(range(10_000))

        @settings(
            max_examples=150,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            name=st.text(max_size=250),
            note=st.text(st.characters(codec=None), max_size=600),
            attend=st.one_of(st.just(str(room_id)), st.text(max_size=30)),
            email=st.one_of(st.emails(), st.text(max_size=80), st.none()),
        )
        def send(name: str, note: str, attend: str, email: str | None) -> None:
            status = answer_with(
                client,
                room_id,
                slug,
                name=name,
                access_note=note.encode("utf-8", "replace").decode(),
                attend=attend,
                email=email if email is not None else f"h{next(numbers)}@example.org",
            )
            assert status in (303, 404, 409, 422)

        send()


class TestUploads:
    @staticmethod
    def upload(content: bytes, name: str = "photo.jpg") -> FileStorage:
        return FileStorage(io.BytesIO(content), filename=name, content_type="image/jpeg")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<html><script>alert(1)</script>",
            b"GIF89a" + b"\0" * 100,
            b"%PDF-1.7",
            b"PK\x03\x04" + b"\0" * 60,
            b"\xff\xd8\xff\xe0" + b"\0" * 200,
        ],
    )
    def test_what_is_no_picture_is_refused(self, app: Flask, content: bytes) -> None:
        with pytest.raises(PhotoRefused):
            photos.save(self.upload(content))

    def test_a_picture_that_unpacks_to_gigabytes_is_refused(self, app: Flask) -> None:
        def chunk(kind: bytes, body: bytes) -> bytes:
            return (
                struct.pack(">I", len(body))
                + kind
                + body
                + struct.pack(">I", zlib.crc32(kind + body))
            )

        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        bomb += chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b"")
        with pytest.raises(PhotoRefused):
            photos.save(self.upload(bomb))

    def test_the_name_of_the_file_is_not_used(self, app: Flask, tmp_path: Path) -> None:
        from PIL import Image

        content = io.BytesIO()
        Image.new("RGB", (4, 4)).save(content, "PNG")
        name = photos.save(self.upload(content.getvalue(), "../../../app.py"))
        assert re.fullmatch(r"[0-9a-f]{32}\.webp", name)

    @pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd"])
    def test_no_other_file_is_given_out(self, client: FlaskClient, path: str) -> None:
        for start in ("/media/", "/static/"):
            answer = client.get(start + path)
            assert answer.status_code in (301, 308, 404)
            assert b"create_app" not in answer.data


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements that are executed, as they come."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)


def without_tokens(page: str, *addresses: str) -> str:
    """A page without what differs from visit to visit."""
    page = re.sub(r'(name="(csrf_token|started)"[^>]*value=")[^"]*', r"\1", page)
    for one in addresses:
        page = page.replace(one, "ADDRESS")
    return page


class TestNobodyLearnsWhoIsKnown:
    def test_by_asking_for_links(self, client: FlaskClient, statements: list[str]) -> None:
        room, _stream = make_hybrid()
        known, unknown = make_rsvp(room).email, "nobody@example.org"
        answers, costs = [], []
        for email in (known, unknown):
            statements.clear()
            answer = post(client, "/find", email=email)
            answers.append((answer.status_code, without_tokens(answer.text, email)))
            costs.append(len(statements))
        assert answers[0] == answers[1]
        assert abs(costs[0] - costs[1]) <= 8, "one takes visibly longer than the other"

    def test_by_signing_in_or_asking_for_a_new_password(self, client: FlaskClient) -> None:
        known, unknown = make_staff(StaffRole.ADMIN).email, "nobody@example.org"
        for path in ("/staff/sign-in", "/staff/reset"):
            answers = []
            for email in (known, unknown):
                answer = post(client, path, email=email, password="a wrong password")
                answers.append(
                    (
                        answer.status_code,
                        answer.headers.get("Location"),
                        without_tokens(answer.text, email),
                    )
                )
            assert answers[0] == answers[1], path

    def test_by_an_answer_in_somebody_elses_name(self, client: FlaskClient) -> None:
        room, _stream = make_hybrid()
        email = make_rsvp(room, name="Amina Example").email
        sent = {
            "attend": str(room.id),
            "consent": "y",
            "started": rsvp_forms.opened(),
            "name": "Eve",
        }
        answer = post(client, f"/events/{room.event.slug}/rsvp", **sent, email=email)
        page = client.get(answer.headers["Location"]).text
        key = db.session.scalars(select(Rsvp.manage_key)).one()
        assert key not in answer.headers["Location"] + page
        assert "Amina" not in page


class TestGuessing:
    @pytest.fixture(autouse=True)
    def _forget(self, app: Flask) -> Iterator[None]:
        limiter.reset()
        yield
        limiter.reset()

    def test_passwords_of_one_account_can_be_tried_ten_times(self, client: FlaskClient) -> None:
        account = make_staff(StaffRole.ADMIN)
        tried = [
            post(client, "/staff/sign-in", email=account.email, password="wrong").status_code
            for _ in range(12)
        ]
        # With two applications in one process, as in tests, each try counts for both.
        assert tried[:4] == [200] * 4
        assert tried[10:] == [429] * 2
        other = make_staff(StaffRole.DOOR)
        answer = post(client, "/staff/sign-in", email=other.email, password="wrong")
        assert answer.status_code == 200, "another account can still sign in"

    def test_a_mailbox_cannot_be_filled_with_resets(self, app: Flask, client: FlaskClient) -> None:
        account = make_staff(StaffRole.ADMIN)
        ticks = iter(range(1000))
        app.config["NOW"] = lambda: NOW + timedelta(seconds=next(ticks))
        for _ in range(12):
            post(client, "/staff/reset", email=account.email)
        assert db.session.query(OutboxMail).filter_by(recipient=account.email).count() <= 10

    def test_codes_of_an_event_cannot_be_tried_without_end(
        self, app: Flask, client: FlaskClient
    ) -> None:
        room, _stream = make_hybrid(visibility="invitation")
        about = {"name": "Eve", "email": "eve@example.org"}
        before = app.config["LIMIT_RSVP_PER_NETWORK"]
        app.config["LIMIT_RSVP_PER_NETWORK"] = "5 per hour"
        try:
            tried = [
                answer_with(client, room.id, room.event.slug, code=f"GUESS{number}", **about)
                for number in range(7)
            ]
        finally:
            app.config["LIMIT_RSVP_PER_NETWORK"] = before
        assert tried == [403] * 5 + [429] * 2


class TestForeignHosts:
    def test_a_foreign_host_stands_in_no_page_and_no_mail(self, client: FlaskClient) -> None:
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room)
        account = make_staff(StaffRole.ADMIN)
        evil = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
        for path in ("/", f"/events/{room.event.slug}", f"/rsvp/{rsvp.manage_key}", "/feed.atom",
                     "/calendar.ics", f"/rsvp/{rsvp.manage_key}/calendar.ics"):  # fmt: skip
            answer = client.get(path, headers=evil)
            assert "evil.example.com" not in answer.text + str(answer.headers)
        post(client, "/staff/reset", email=account.email, headers=evil)
        for row in db.session.scalars(select(OutboxMail)):
            assert b"evil.example.com" not in rendering.render(row, now=NOW).as_bytes()

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example.com/", "//evil.example.com", r"/\evil.example.com", "javascript:1"],
    )
    def test_signing_in_leads_nowhere_else(self, client: FlaskClient, target: str) -> None:
        email, password = "admin@example.org", "a long and good password"
        staff.add(email=email, role=StaffRole.ADMIN, password=password, now=NOW)
        answer = post(client, "/staff/sign-in", email=email, password=password, next=target)
        assert answer.status_code in (200, 302, 303)
        location = answer.headers.get("Location", "/staff/")
        assert re.match(r"(http://events\.example\.org|http://localhost)?/(?![/\\])", location)


class TestLogs:
    def test_they_hold_no_key_and_no_address(
        self,
        app: Flask,
        client: FlaskClient,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        room, _stream = make_hybrid()
        rsvp = make_rsvp(room, email="amina@example.org")

        def fail(*_args: object, **_more: object) -> None:
            db.session.execute(
                text("INSERT INTO rsvps (email, manage_key) VALUES (:email, :key)"),
                {"email": rsvp.email, "key": rsvp.manage_key},
            )

        monkeypatch.setattr(rsvps, "attendees", fail)
        app.testing = False
        try:
            answer = client.get(f"/rsvp/{rsvp.manage_key}")
        finally:
            app.testing = True
        assert answer.status_code == 500
        written = "\n".join(logs.Lines().format(record) for record in caplog.records)
        assert "unexpected failure" in written
        assert "test_hostile.py" in written, "where it broke"
        assert rsvp.manage_key not in written
        assert "amina@example.org" not in written

    def test_what_the_web_server_says_of_an_address_is_cleaned(self) -> None:
        record = logging.LogRecord(
            "gunicorn.error",
            logging.ERROR,
            "",
            0,
            "Error handling request %s %s of %s",
            ("GET", "/rsvp/SECRET-key_1?source=x", "amina@example.org"),
            None,
        )
        line = json.loads(logs.Lines().format(record))
        assert line["message"] == "Error handling request GET /rsvp/…?… of …@…"
        assert line["level"] == "error"


def test_a_draft_is_seen_by_no_stranger(client: FlaskClient) -> None:
    event = make_event(status="draft")
    for path in ("", "/rsvp", ".ics"):
        assert client.get(f"/events/{event.slug}{path}").status_code == 404
