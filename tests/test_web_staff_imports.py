"""The pages of imports, as staff use them; and the same from the command line."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from registration import imports
from registration.database import db
from registration.models import (
    AttendanceOption,
    Event,
    EventStatus,
    Invitation,
    OutboxMail,
    PendingImport,
    Rsvp,
    StaffRole,
)
from registration.times import now
from tests.factories import make_event, make_hybrid, make_rsvp, make_staff, save
from tests.forms import forms_of
from tests.signing_in import post, send, sign_in

LIST = (
    "Nom;Courriel;Participation\nAndré;andre@example.org;en ligne\nZoë;not an address;en ligne\n"
    "Bram;bram@example.org;\n=1+1;formula@example.org;balloon\n"
)


@pytest.fixture
def options(app: Flask) -> tuple[AttendanceOption, ...]:
    return make_hybrid(capacity=1)


@pytest.fixture
def event(options: tuple[AttendanceOption, ...]) -> Event:
    return db.session.get_one(Event, options[0].event_id)


@pytest.fixture
def desk(app: Flask, client: FlaskClient, event: Event) -> FlaskClient:
    """A browser of an organiser of the event."""
    return sign_in(client, make_staff(StaffRole.ORGANISER, event))


def upload(
    client: FlaskClient, event: Event, content: bytes = LIST.encode("cp1252"), kind: str = "rsvps"
) -> TestResponse:
    return post(
        client,
        f"/staff/events/{event.slug}/import/",
        **{"as": kind, "list": (io.BytesIO(content), "liste.csv")},
    )


def pending() -> PendingImport:
    return db.session.scalars(select(PendingImport)).one()


def number_of(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_second_click_at_the_same_moment_leads_to_the_attendees_too(
    desk: FlaskClient, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(desk, event).location
    run = imports.run

    def run_twice(**about: Any) -> object:
        run(**about)
        return run(**about)

    monkeypatch.setattr(imports, "run", run_twice)
    done = post(desk, page, do="go")
    assert done.location == f"/staff/events/{event.slug}/attendees"
    assert "This list has been taken in already" in desk.get(done.location).text
    assert number_of(Rsvp) == 1


def test_a_guest_on_a_row_of_their_own_counts_as_coming(desk: FlaskClient, event: Event) -> None:
    event.guests_max = 1
    save(event)
    party = b"Name,Email,Option,RSVP by\nA,a@example.org,online,A\nB,a@example.org,online,A\n"
    sent = upload(desk, event, party)
    page = desk.get(sent.location).text
    assert "2 of 2 rows can be imported" in page
    assert "Import 1 RSVP<" in page
    assert "Guest of somebody in the list" in page
    assert "Comes with line 2" in page
    assert "B</bdi>" not in desk.get(f"{sent.location}?fate=left_out").text
    done = post(desk, sent.location, do="go")
    assert "Imported: 1 RSVP confirmed and 1 guest." in desk.get(done.location).text


def test_a_list_of_one_row_is_spoken_of_as_one(desk: FlaskClient, event: Event) -> None:
    sent = upload(desk, event, b"Name,Email,Option\nA,a@example.org,online\n")
    assert "The one row of this list can be imported" in desk.get(sent.location).text


def test_a_list_goes_from_the_file_to_the_attendees(
    desk: FlaskClient, event: Event, options: tuple[AttendanceOption, ...]
) -> None:
    assert (
        f"/staff/events/{event.slug}/import/"
        in desk.get(f"/staff/events/{event.slug}/attendees").text
    )
    sent = upload(desk, event)
    assert sent.status_code == 303
    page = desk.get(sent.location).text
    assert "Windows-1252, separated by semicolons" in page
    assert "1 of 4 rows can be imported" in page
    assert "Left out: not an address" in page
    assert "It says no way to attend" in page
    assert '<a href="#option">Choose one for them</a>' in page
    assert "“balloon” is no way to attend this event" in page
    assert number_of(Rsvp) == 0

    matched = post(
        desk,
        sent.location,
        **{
            "do": "match",
            "column.name": 0,
            "column.email": 1,
            "column.option": 2,
            "option": options[1].id,
            "mail": "no",
            "full": "wait",
        },
    )
    page = desk.get(matched.location).text
    assert "2 of 4 rows can be imported" in page
    assert "Choose one for them" not in page
    assert "Nobody is mailed." in page

    done = post(desk, sent.location, do="go")
    assert done.status_code == 303
    page = desk.get(done.location).text
    assert "Imported: 2 RSVPs confirmed and 2 rows left out." in page
    assert "andre@example.org" in page
    assert number_of(OutboxMail) == 0
    assert number_of(PendingImport) == 0
    assert desk.get(sent.location).status_code == 404


def test_what_was_chosen_and_not_tried_is_shown_before_anybody_is_mailed(
    desk: FlaskClient, event: Event
) -> None:
    """Who chose to mail nobody and pressed the other button had mailed everybody."""
    shown = upload(desk, event, b"Name,Email,Option\nA,a@example.org,online\n").location
    page = desk.get(shown).text
    reading = re.search(r'<form method="post" class="card" id="(\w+)">', page)
    assert reading
    assert f'value="go" form="{reading[1]}"' in page, "it is sent with what was chosen"
    chosen = {"column.name": 0, "column.email": 1, "column.option": 2, "full": "wait"}
    again = post(desk, shown, **chosen, do="go", mail="no")
    assert again.location == shown
    page = desk.get(shown).text
    assert "nothing is imported yet" in page
    assert "Nobody is mailed." in page
    assert number_of(Rsvp) == 0
    done = post(desk, shown, **chosen, do="go", mail="no")
    assert "Imported: 1 RSVP confirmed." in desk.get(done.location).text
    assert number_of(OutboxMail) == 0


@pytest.mark.parametrize("kind", ["rsvps", "invitees"])
def test_a_list_that_is_read_as_it_was_shown_is_taken_in_at_once(
    desk: FlaskClient, event: Event, options: tuple[AttendanceOption, ...], kind: str
) -> None:
    shown = upload(desk, event, b"Name,Email,Option\nA,a@example.org,online\n", kind).location
    page = desk.get(shown).text
    form = next(form for form in forms_of(page) if "column.email" in form.sent)
    done = post(desk, shown, **form.sent, do="go")
    assert "Imported: 1 " in desk.get(done.location).text


def test_invitees_are_invited_by_mail(desk: FlaskClient, event: Event) -> None:
    sent = upload(desk, event, b"a@example.org\nb@example.org\n", kind="invitees")
    assert "Invite 2 people" in desk.get(sent.location).text
    post(desk, sent.location, do="go")
    assert number_of(Invitation) == 2
    assert number_of(OutboxMail) == 2


def test_rows_can_be_looked_at_by_their_fate(desk: FlaskClient, event: Event) -> None:
    sent = upload(desk, event)
    left_out = desk.get(sent.location + "?fate=left_out").text.partition("<tbody")[2]
    assert "not an address" in left_out
    assert "andre@example.org" not in left_out
    taken = desk.get(sent.location + "?fate=seated").text.partition("<tbody")[2]
    assert "andre@example.org" in taken
    assert "bram@example.org" not in taken


def test_the_rows_with_their_reasons_are_a_file_without_formulas(
    desk: FlaskClient, event: Event
) -> None:
    sent = upload(desk, event)
    file = desk.get(sent.location + "/rows.csv")
    text = file.data.decode("utf-8-sig")
    assert "Left out: unknown way to attend" in text
    assert "'=1+1" in text
    assert ",=1+1" not in text


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"", "rsvps", "The file is empty"),
        (b"%PDF-1.7 x", "rsvps", "This is no list"),
        (b"PK\x03\x04 broken", "invitees", "This Excel file is damaged"),
        (LIST.encode(), "balloons", "Choose what the rows of the list are"),
    ],
)
def test_a_bad_file_is_refused_in_words(
    desk: FlaskClient, event: Event, content: bytes, kind: str, said: str
) -> None:
    answer = upload(desk, event, content, kind)
    assert answer.status_code == 422
    assert said in answer.text
    assert number_of(PendingImport) == 0


def test_no_file_is_said(desk: FlaskClient, event: Event) -> None:
    answer = post(desk, f"/staff/events/{event.slug}/import/", **{"as": "rsvps"})
    assert answer.status_code == 422
    assert "Choose a file" in answer.text


def test_a_list_can_be_thrown_away(desk: FlaskClient, event: Event) -> None:
    sent = upload(desk, event)
    post(desk, sent.location, do="drop")
    assert number_of(PendingImport) == 0
    assert number_of(Rsvp) == 0


def test_an_import_that_takes_nobody_says_so(desk: FlaskClient, event: Event) -> None:
    sent = upload(desk, event, b"Name,Email\nA,nothing\n")
    assert "No row of this list can be imported" in desk.get(sent.location).text
    refused = post(desk, sent.location, do="go")
    assert "No row of this list can be taken in." in desk.get(refused.location).text


def test_a_list_for_an_event_that_is_over_or_cancelled_is_not_promised_to_be_taken(
    desk: FlaskClient, event: Event
) -> None:
    shown = upload(desk, event).location
    assert "can be imported</h2>" in desk.get(shown).text
    event.starts_at, event.ends_at = now() - timedelta(hours=2), now() - timedelta(hours=1)
    db.session.commit()
    for page in (shown, f"/staff/events/{event.slug}/import/"):
        assert "This event has ended." in desk.get(page).text
    assert "No row of this list can be imported" in desk.get(shown).text
    assert 'value="go"' not in desk.get(shown).text
    event.status = EventStatus.CANCELLED
    db.session.commit()
    assert "This event has been cancelled." in desk.get(shown).text


def test_where_there_is_no_way_to_attend_none_is_said_to_be_chosen(client: FlaskClient) -> None:
    browser = sign_in(client, make_staff())
    page = browser.get(upload(browser, make_event()).location).text
    assert "There is no way to attend yet." in page
    assert "Choose one for them" not in page


@pytest.mark.parametrize("who", ["door", "other organiser", "colleague", "nobody"])
def test_strangers_neither_see_nor_import_a_list(
    app: Flask, client: FlaskClient, desk: FlaskClient, event: Event, who: str
) -> None:
    path = upload(desk, event).location
    browser = app.test_client()
    accounts = {
        "door": lambda: make_staff(StaffRole.DOOR, event),
        "other organiser": lambda: make_staff(StaffRole.ORGANISER, make_event()),
        "colleague": lambda: make_staff(StaffRole.ORGANISER, event),
    }
    if who in accounts:
        sign_in(browser, accounts[who]())
    refused = {"door": 403, "nobody": 303}.get(who, 404)
    assert browser.get(path).status_code == refused
    assert browser.get(path + "/rows.csv").status_code == refused
    assert post(browser, path, do="go").status_code == refused
    assert post(browser, path, do="drop").status_code == refused
    if who != "colleague":
        assert upload(browser, event).status_code == refused
    assert number_of(Rsvp) == 0
    assert pending()


def test_a_list_is_not_taken_into_another_event_of_the_same_hands(
    app: Flask, client: FlaskClient, event: Event
) -> None:
    other = make_event()
    sign_in(client, make_staff(StaffRole.ORGANISER, event, other))
    elsewhere = upload(client, event).location.replace(event.slug, other.slug)
    assert client.get(elsewhere).status_code == 404
    assert post(client, elsewhere, do="go").status_code == 404
    assert number_of(Rsvp) == 0


def test_the_command_line_tries_and_imports(app: Flask, event: Event, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST, encoding="utf-16")
    run = app.test_cli_runner().invoke
    arguments = ["import", event.slug, str(file), "--as", "rsvps", "--option", "Online"]
    tried = run(args=[*arguments, "--dry-run"])
    assert tried.exit_code == 0, tried.output
    assert "line 3: bad_address, not an address" in tried.output
    assert "2 seated" in tried.output
    assert number_of(Rsvp) == 0
    done = run(args=[*arguments, "--no-mail"])
    assert "2 seated" in done.output
    assert "line 3: bad_address, not an address" in done.output, "a dry run is too late to say it"
    assert number_of(Rsvp) == 2
    again = run(args=arguments)
    assert again.exit_code == 1
    assert "No row of this list can be taken in. Line 2: " in again.output
    assert not again.output.strip().endswith(":"), "it says why"
    assert run(args=[*arguments[:-1], "Balloon"]).exit_code == 1


def test_the_command_line_names_the_setting_that_is_missing(
    app: Flask, event: Event, tmp_path: Path
) -> None:
    silent, mixed = tmp_path / "silent.csv", tmp_path / "mixed.csv"
    silent.write_text("Name,Email\nBram,bram@example.org\n", encoding="utf-8")
    mixed.write_bytes(LIST.encode("cp1252"))

    def refusal(*args: str) -> str:
        return app.test_cli_runner().invoke(args=["import", event.slug, *args]).output

    assert "give --option, one of: In person, Online" in refusal(str(silent), "--as", "rsvps")
    unknown = refusal(str(silent), "--as", "rsvps", "--option", "Balloon")
    assert "--option: there is no 'Balloon', but: In person, Online" in unknown
    tried = refusal(str(mixed), "--as", "rsvps", "--dry-run")
    assert "Rows that name no way to attend take --option: In person, Online" in tried
    event.status = EventStatus.DRAFT
    save(event)
    silenced = refusal(str(silent), "--as", "invitees")
    assert "is not published: publish it first, or give --no-mail" in silenced
    assert "invited" in refusal(str(silent), "--as", "invitees", "--no-mail")


def test_columns_of_one_name_are_told_apart(desk: FlaskClient, event: Event) -> None:
    rows = b"Name,Email,Phone,EMAIL\nBram,bram@example.org,1,bram@example.com\n"
    page = desk.get(upload(desk, event, rows).location).text
    assert '<option value="1" selected>Email (column 2)</option>' in page
    assert '<option value="3">EMAIL (column 4)</option>' in page
    assert '<option value="2">Phone</option>' in page
    assert "Not read: Phone and EMAIL (column 4)." in page


def test_a_row_whose_address_has_an_rsvp_leads_to_it(client: FlaskClient) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room, email="amina@example.org")
    sign_in(client, make_staff())
    page = f"/staff/events/{room.event.slug}/import/"
    text = io.BytesIO(b"Name,Email,Attends\nAmina,amina@example.org,online\n")
    sent = send(client, page, **{"as": "rsvps", "list": (text, "list.csv")})
    person = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}"
    shown = client.get(sent.location).text
    assert f'<a href="{person}">This address has an RSVP already</a>' in shown
