"""Lists as files: what is in them, and what cannot do harm."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from html import unescape

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import select

from registration import exports, formats, programme, rsvps
from registration.database import db
from registration.models import (
    FROM_LIST,
    WALK_IN,
    AttendanceOption,
    AuditEntry,
    ExportSet,
    QuestionKind,
    StaffRole,
)
from registration.roster import Filters
from tests.conftest import NOW
from tests.factories import make_hybrid, make_option, make_question, make_rsvp, make_staff
from tests.signing_in import send, sign_in


@pytest.fixture
def event(app: Flask):
    """An event with a party of two, somebody online, and questions of both kinds."""
    room, stream = make_hybrid(capacity=None, guests_max=1, slug="an-event")
    topic = make_question(room.event, label="Topic")
    diet = make_question(
        room.event, label="Diet", is_sensitive=True, kind=QuestionKind.ANY_OF, choices=["Vegan"]
    )
    make_rsvp(
        room,
        name="Amina Okonkwo",
        email="amina@example.org",
        organisation="=HYPERLINK(1)",
        access_note="A chair with arms",
        guests=["A guest"],
        answers={topic.id: {"text": "Trust"}, diet.id: {"choices": ["Vegan"]}},
    )
    make_rsvp(stream, name="Élodie Saint-Jean", email="elodie@example.org")
    return room.event


def written(event, format: str, **choices) -> bytes:
    """A list as it is handed out."""
    made = exports.Export(event, choices.pop("filters", Filters()), format=format, **choices)
    return b"".join(exports.hand_out(made, now=NOW))


def table(event, **choices) -> list[dict[str, str]]:
    """The rows of a CSV."""
    file = written(event, "csv", **choices)
    # By its byte order mark spreadsheets know that it is UTF-8.
    assert file.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))


def spreadsheet(event, **choices) -> Worksheet:
    """The sheet of an XLSX."""
    return openpyxl.load_workbook(io.BytesIO(written(event, "xlsx", **choices))).active


class OneRow:
    """A list with one heading and one cell."""

    def __init__(self, typed: str) -> None:
        self.header, self._typed = [typed], typed

    def rows(self) -> Iterator[list[str]]:
        yield [self._typed]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠"])
def test_no_heading_and_no_cell_is_a_formula(sign: str) -> None:
    """https://owasp.org/www-community/attacks/CSV_Injection names what spreadsheets run."""
    typed = f"{sign}HYPERLINK(1)"
    text = b"".join(formats.csv_lines(OneRow(typed))).decode("utf-8-sig")
    for (cell,) in csv.reader(io.StringIO(text, newline="")):
        assert cell.replace("'", "") == typed
        assert [line[0] for line in cell.splitlines()] == ["'"] * len(cell.splitlines())
    content = b"".join(formats.xlsx_pieces(OneRow(typed)))
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert [(cell.data_type, cell.hyperlink) for (cell,) in sheet.rows] == [("s", None)] * 2


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (" =1+1", "' =1+1"),
        ("\u00a0＝1+1", "'\u00a0＝1+1"),
        ("Bell;=HYPERLINK(1);x", "Bell;'=HYPERLINK(1);x"),
        ("Bell; -2+3", "Bell; '-2+3"),
        ("Bell\n=1+1", "Bell\n'=1+1"),
        ("Thanks ;-)", "Thanks ;-)"),
        ("I bring:\n- bread\n- a=b; c", "I bring:\n- bread\n- a=b; c"),
    ],
)
def test_a_formula_hides_behind_no_space_and_no_separator(typed: str, written: str) -> None:
    assert formats.harmless(typed) == written


@pytest.mark.parametrize("gap", ["\n", " \n", ";", "; "])
def test_a_cell_of_gaps_alone_is_written_in_a_moment(gap: str) -> None:
    """It would take an hour if each gap were looked at from each of its signs."""
    assert formats.harmless("a" + gap * 100_000 + "=1") == "a" + gap * 100_000 + "'=1"


def test_an_address_of_the_web_in_a_cell_is_no_link() -> None:
    content = b"".join(formats.xlsx_pieces(OneRow("https://evil.example.com/")))
    assert openpyxl.load_workbook(io.BytesIO(content)).active["A2"].hyperlink is None


def test_each_attendee_is_a_row_with_times_of_the_event(event) -> None:
    rows = table(event)
    assert [row["Name"] for row in rows] == ["Amina Okonkwo", "A guest", "Élodie Saint-Jean"]
    assert {row["RSVP at"] for row in rows} == {"2026-11-23 07:00:00"}
    assert rows[0]["Topic"] == "Trust"
    assert rows[0]["Organisation"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("format", formats.WRITERS)
def test_what_was_said_once_for_a_party_is_counted_once(event, format) -> None:
    known = exports.columns_of(event)
    said = ["wants_news", "access", *(column.key for column in known if column.is_question)]
    if format == "json":
        found = json.loads(written(event, "json", columns=said))
        told = [list(row.values()) for row in found]
    elif format == "csv":
        told = [list(row.values()) for row in table(event, columns=said)]
    else:
        sheet = spreadsheet(event, columns=said)
        told = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [str(cell) for cell in told[0][1:]] in (
        ["A chair with arms", "Trust", "Vegan"],
        ["A chair with arms", "Trust", "['Vegan']"],
    )
    assert not any(told[1])
    assert told[1][0] is not False


def test_what_there_is_not_is_an_empty_cell_and_not_the_word_none(event) -> None:
    rows = table(event)
    assert rows[0]["Cancelled at"] == rows[0]["Waits for"] == rows[2]["Topic"] == ""
    assert [row["Wants news"] for row in rows] == ["no", "", "no"]
    assert [row["Option"] for row in rows] == ["In person", "In person", "Online"]
    columns = ["wants_news", "cancelled_at"]
    assert [cell.value for cell in spreadsheet(event, columns=columns)[2]] == ["no", None]
    found = json.loads(written(event, "json", columns=columns))
    assert found[0] == {"Wants news": False, "Cancelled at": None}


def test_what_is_sensitive_is_there_only_when_it_is_asked_for(event) -> None:
    usual = str(table(event))
    assert "Vegan" not in usual
    assert "chair" not in usual
    everything = str(table(event, sensitive=True))
    assert "Vegan" in everything
    assert "chair" in everything
    assert table(event, columns=["access", "name"])[0] == {
        "Access": "A chair with arms",
        "Name": "Amina Okonkwo",
    }


def test_an_unknown_column_is_refused(event) -> None:
    with pytest.raises(exports.UnknownColumn, match="password"):
        exports.Export(event, Filters(), columns=["name", "password"])


def test_every_row_is_written_once_over_many_batches(event, monkeypatch) -> None:
    monkeypatch.setattr(exports, "BATCH", 2)
    room = rsvps_room(event)
    for number in range(7):
        make_rsvp(room, name=f"N{number}")
    names = [row["Name"] for row in table(event)]
    assert len(names) == len(set(names)) == 10
    found = json.loads(written(event, "json"))
    assert [row["Name"] for row in found] == names


def rsvps_room(event):
    """The room of the event."""
    return db.session.scalars(
        select(exports.AttendanceOption)
        .where(exports.AttendanceOption.event_id == event.id)
        .order_by(exports.AttendanceOption.position)
    ).first()


@pytest.mark.parametrize("format", ["csv", "xlsx", "json"])
def test_who_reads_slowly_keeps_no_transaction_open(event, monkeypatch, format: str) -> None:
    """Else SQLite's log grows for as long, and PostgreSQL has a connection less."""
    monkeypatch.setattr(exports, "BATCH", 1)
    monkeypatch.setattr(formats, "PIECE", 1)
    made = exports.Export(event, Filters(), format=format)
    for _piece in exports.hand_out(made, now=NOW):
        assert not db.session().in_transaction()


def test_where_an_rsvp_came_from_is_said_in_words_to_people_and_as_kept_to_programs(event) -> None:
    room = rsvps_room(event)
    words = {WALK_IN: "Came without an RSVP", FROM_LIST: "Imported from a list", "poster": "poster"}
    for source in words:
        rsvp = make_rsvp(room, name=source)
        rsvp.source = source
        db.session.commit()
    assert [row["Source"] for row in table(event)][-3:] == list(words)
    header, *rows = spreadsheet(event).iter_rows(values_only=True)
    assert [row[header.index("Source")] for row in rows][-3:] == list(words.values())


def test_nobody_makes_an_empty_list_in_every_format(event) -> None:
    nobody = Filters(search="nobody of that name")
    assert table(event, filters=nobody) == []
    assert json.loads(written(event, "json", filters=nobody)) == []
    assert spreadsheet(event, filters=nobody).max_row == 1


def test_a_spreadsheet_holds_text_and_times_and_no_formula(event) -> None:
    sheet = spreadsheet(event)
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    organisation = cells[0].index("Organisation")
    assert cells[1][organisation] == "=HYPERLINK(1)"
    assert sheet.cell(2, organisation + 1).data_type == "s"
    assert cells[1][cells[0].index("RSVP at")].hour == 7


def test_programs_read_english_and_people_their_own_language(event) -> None:
    columns = ["email", "organisation", "option", "status"]
    with force_locale("fr"):
        [first, _guest, watcher] = table(event, columns=columns)
        sheet = spreadsheet(event, columns=columns)
    assert list(first) == ["Email", "Organisation", "Option", "Status"]
    assert (watcher["Option"], watcher["Status"]) == ("Online", "confirmed")
    head, *_others, last = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert head[:2] == ["Courriel", "Organisation"]
    assert last[2:] == ["En ligne", "Confirmée"]


def test_several_choices_are_a_list_in_json_and_told_apart_in_a_table(app: Flask) -> None:
    option = make_option()
    choices = ["Soup, no bread", "Cake"]
    lunch = make_question(option.event, kind=QuestionKind.ANY_OF, label="Lunch", choices=choices)
    make_rsvp(option, answers={lunch.id: {"choices": choices}})
    make_rsvp(option)
    told = [row["Lunch"] for row in json.loads(written(option.event, "json"))]
    assert told == [choices, None]
    assert [row["Lunch"] for row in table(option.event)] == ["Soup, no bread; Cake", ""]


def test_yes_and_no_are_true_and_false_in_json_and_words_in_a_table(app: Flask) -> None:
    option = make_option()
    stays = make_question(option.event, kind=QuestionKind.YES_NO, label="Stays for lunch")
    make_rsvp(option, answers={stays.id: {"yes": True}})
    make_rsvp(option, answers={stays.id: {"yes": False}})
    make_rsvp(option)
    told = [row["Stays for lunch"] for row in json.loads(written(option.event, "json"))]
    assert told == [True, False, None]
    assert [row["Stays for lunch"] for row in table(option.event)] == ["yes", "no", ""]


def test_what_was_answered_in_confidence_stays_sensitive_whatever_the_question_is_now(
    event,
) -> None:
    rows = [row | {"is_sensitive": False} for row in programme.rows_of(event, "questions")]
    programme.save(event_id=event.id, name="questions", rows=rows, seen="", staff_id=None, now=NOW)
    assert "Vegan" not in str(table(event))
    assert "Vegan" in str(table(event, sensitive=True))


@pytest.mark.parametrize("narrowed", ["access", "answer"])
def test_a_list_of_those_who_said_something_sensitive_is_logged_as_sensitive(
    event, narrowed: str
) -> None:
    diet = next(column for column in exports.columns_of(event) if column.label == "Diet")
    filters = {
        "access": Filters(access="step_free"),
        "answer": Filters(question_id=int(diet.key.partition(":")[2]), answer="Vegan"),
    }
    written(event, "csv", filters=filters[narrowed], columns=["name"])
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "export.csv")).one()
    assert entry.detail["sensitive"] is True
    assert entry.detail["answer"] == ("Vegan" if narrowed == "answer" else "")


def test_who_agreed_to_hear_of_future_events_is_a_list_of_its_own(
    client: FlaskClient, event
) -> None:
    room = db.session.scalars(select(AttendanceOption)).first()
    make_rsvp(room, name="Hana Kelmendi", wants_news=True)
    sign_in(client, make_staff())
    page = client.get("/staff/events/an-event/attendees?answer=news").text
    assert "Hana Kelmendi" in page
    assert "Amina Okonkwo" not in page
    assert '<option value="news" selected>' in page
    [path] = re.findall(r'href="(/[^"]*attendees\.csv[^"]*)"', page)
    listed = client.get(unescape(path)).get_data().decode("utf-8-sig")
    assert [row["Name"] for row in csv.DictReader(io.StringIO(listed))] == ["Hana Kelmendi"]


def test_the_log_says_of_an_export_whether_what_is_sensitive_was_in_it(
    client: FlaskClient, event
) -> None:
    sign_in(client, make_staff())
    said = "with what is sensitive: yes"
    client.get("/staff/events/an-event/attendees.csv").close()
    assert said not in client.get("/staff/log/").text
    client.get("/staff/events/an-event/attendees.csv?sensitive=1").close()
    assert said in client.get("/staff/log/").text


def test_the_filters_stay_whatever_is_done_with_saved_columns(client: FlaskClient, event) -> None:
    sign_in(client, make_staff())
    page = "/staff/events/an-event/attendees/export?q=amina"
    saved = send(client, page, do="save", column=["name"], name="Badges").location
    shown = client.get(saved).text
    assert "Export 1 RSVP" in shown
    [chosen] = re.findall(r'href="(/[^"]*set=[^"]*)"', shown)
    assert "Export 1 RSVP" in client.get(unescape(chosen)).text
    kept = db.session.scalars(select(ExportSet)).one()
    thrown_away = send(client, saved, do="delete", set=kept.id).location
    assert "Export 1 RSVP" in client.get(thrown_away).text


def test_json_has_instants_with_their_offset(event) -> None:
    columns = ["name", "rsvp_at", "wants_news", "joined_at"]
    first = json.loads(written(event, "json", columns=columns))[0]
    assert first == {
        "Name": "Amina Okonkwo",
        "RSVP at": "2026-11-23T07:00:00-05:00",
        "Wants news": False,
        "Joined at": None,
    }


def test_staff_choose_columns_save_them_and_the_log_says_so(client: FlaskClient, event) -> None:
    account = make_staff(StaffRole.ORGANISER, event)
    sign_in(client, account)
    page = "/staff/events/an-event/attendees/export?q=amina"
    assert "Export 1 RSVP" in client.get(page).text
    answer = send(client, page, do="csv", column=["name", "access"])
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows == [
        {"Name": "Amina Okonkwo", "Access": "A chair with arms"},
        {"Name": "A guest", "Access": ""},
    ]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "export.csv")).one()
    assert entry.staff_id == account.id
    assert entry.network == "127.0.0.1"
    assert entry.detail["sensitive"] is True
    assert entry.detail["columns"] == ["name", "access"]
    assert entry.detail["search"] == "amina"
    saved = send(client, page, do="save", column=["name"], name="Badges")
    assert "Saved as Badges." in client.get(saved.location).text
    assert send(client, page, do="csv", column=["name", "password"]).status_code == 400
    assert "Tick at least one column." in send(client, page, do="csv").text
    kept = db.session.scalars(select(ExportSet)).one()
    sign_in(client, make_staff())
    send(client, page, do="delete", set=kept.id)
    assert db.session.scalars(select(ExportSet)).all()
    sign_in(client, account)
    send(client, page, do="delete", set=kept.id)
    assert not db.session.scalars(select(ExportSet)).all()


def test_columns_that_were_ticked_stay_so_where_the_set_has_no_name(
    client: FlaskClient, event
) -> None:
    sign_in(client, make_staff(StaffRole.ORGANISER, event))
    page = "/staff/events/an-event/attendees/export?q=amina"
    answer = send(client, page, do="save", column=["access"], name=" ")
    assert answer.status_code == 422
    assert "Give the set a name." in answer.text
    assert 'value="access" checked' in answer.text
    assert 'value="name" checked' not in answer.text


def test_the_command_line_writes_chosen_columns(app: Flask, event, tmp_path) -> None:
    target = tmp_path / "list.json"
    runner = app.test_cli_runner()
    done = runner.invoke(
        args=["export", "an-event", "--format", "json", "--columns", "name,email", "--search",
              "elodie", "--output", str(target)]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(target.read_text("utf-8")) == [
        {"Name": "Élodie Saint-Jean", "Email": "elodie@example.org"}
    ]
    assert target.stat().st_mode & 0o077 == 0, "readable by others"
    refused = runner.invoke(args=["export", "an-event", "--columns", "nonsense"])
    assert refused.exit_code == 1
    assert "there is no column nonsense" in refused.output
    listed = runner.invoke(args=["export", "an-event", "--columns", "list"])
    assert "checked_in_at" in listed.output


def test_a_cancelled_rsvp_says_when(event) -> None:
    room = rsvps_room(event)
    gone = make_rsvp(room, name="Gone")
    rsvps.cancel(rsvp_id=gone.id, now=NOW)
    [row] = table(event, filters=Filters(status="cancelled"))
    assert row["Cancelled at"] == "2026-11-23 07:00:00"
