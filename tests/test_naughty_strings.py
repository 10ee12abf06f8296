"""What people type, whatever it is, comes out as text: in pages, mails, calendars and files."""

from __future__ import annotations

import json
import re
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
from sqlalchemy import select

from registration import exports, formats, rendering
from registration.database import db
from registration.models import (
    Event,
    OutboxMail,
    Rsvp,
    StaffRole,
)
from registration.roster import Filters
from registration.web.limits import limiter
from tests.conftest import NOW
from tests.factories import make_hybrid, make_staff
from tests.forms import answer_with
from tests.signing_in import post, sign_in

NAUGHTY: list[str] = json.loads((Path(__file__).parent / "naughty" / "blns.json").read_text())


MARKUP = [one for one in NAUGHTY if re.search(r"<\w", one)]


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
