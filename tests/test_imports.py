"""Lists: read as spreadsheets write them, shown row by row, taken in at once or not at all."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

import openpyxl
import pytest
import sqlalchemy
from flask import Flask
from flask_babel import force_locale
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from sqlalchemy import func, select

from registration import (
    audit,
    candidates,
    exports,
    fates,
    formats,
    imports,
    listing,
    matching,
    parties,
    rsvps,
    sheets,
    subscriptions,
)
from registration.database import db
from registration.fates import Fate, Plan
from registration.imports import ImportRefused
from registration.models import (
    Answer,
    AttendanceMode,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    ImportKind,
    Invitation,
    InvitationStatus,
    MailKind,
    OutboxMail,
    PendingImport,
    QuestionKind,
    Rsvp,
    RsvpStatus,
)
from registration.roster import Filters
from registration.sheets import Sheet, SheetRefused
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
)

ACCENTS = "Name,Email\nAndré Çelik,andre@example.org\nZoë Muñoz,zoe@example.org\n"


def sheet(text: str) -> Sheet:
    return sheets.read(text.encode(), "list.csv")


def workbook(rows: Iterable[Iterable[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def workbook_with(old: bytes, new: bytes) -> bytes:
    """A workbook of three rows, with a piece of its first sheet as no program would write it."""
    content = workbook([["Name", "Email"], ["Amina", "a@example.org"], ["x", "x@example.org"]])
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as sent, zipfile.ZipFile(written, "w") as changed:
        for part in sent.infolist():
            text = sent.read(part)
            if part.filename.endswith("sheet1.xml"):
                assert old in text
                text = text.replace(old, new)
            changed.writestr(part, text)
    return written.getvalue()


def plan_for(event: Event, read: Sheet, kind: ImportKind, **changes: object) -> Plan:
    columns = matching.guess(read, kind, listing.questions_of(event))
    return Plan(columns=columns, **changes)  # type: ignore[arg-type]


def dry(event: Event, text: str, kind: ImportKind, **changes: object) -> list[fates.Candidate]:
    read = sheet(text)
    return imports.dry_run(event, read, kind, plan_for(event, read, kind, **changes), now=NOW)


def run(
    event: Event, text: str, kind: ImportKind, *, now: datetime = NOW, **changes: object
) -> dict[Fate, int]:
    read = sheet(text)
    return imports.run(
        event_id=event.id,
        sheet=read,
        kind=kind,
        plan=plan_for(event, read, kind, **changes),
        staff_id=None,
        file_name="list.csv",
        now=now,
    )


class TestReading:
    @pytest.mark.parametrize(
        ("encoding", "name"),
        [
            ("utf-8", "UTF-8"),
            ("utf-8-sig", "UTF-8"),
            ("utf-16", "UTF-16"),
            ("utf-16-le", "UTF-16"),
            ("utf-16-be", "UTF-16"),
            ("cp1252", "Windows-1252"),
            ("mac_roman", "Mac Roman"),
        ],
    )
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_encodings_and_separators_of_spreadsheets(
        self, app: Flask, encoding: str, name: str, separator: str
    ) -> None:
        read = sheets.read(ACCENTS.replace(",", separator).encode(encoding), "list.csv")
        assert read.header == ["Name", "Email"]
        assert [cells for _line, cells in read.rows] == [
            ["André Çelik", "andre@example.org"],
            ["Zoë Muñoz", "zoe@example.org"],
        ]
        assert read.reading.startswith(name)

    def test_windows_quotation_marks_are_no_mac_letters(self, app: Flask) -> None:
        text = "Name;Email\nL’Hôtel – “Café”;a@example.org\n"
        read = sheets.read(text.encode("cp1252"), "list.csv")
        assert read.rows[0][1][0] == "L’Hôtel – “Café”"

    def test_quoted_newlines_and_separators_stay_in_their_cell(self, app: Flask) -> None:
        read = sheet(
            'Name,Email,Note\r\n"Bell, Amina",a@example.org,"two\r\nlines"\r\n\r\nB,b@c.org\r\n'
        )
        assert [cells for _line, cells in read.rows] == [
            ["Bell, Amina", "a@example.org", "two\nlines"],
            ["B", "b@c.org", ""],
        ]

    def test_a_line_that_names_the_separator_is_no_row(self, app: Flask) -> None:
        assert sheet("sep=;\nName;Email\nA;a@example.org\n").header == ["Name", "Email"]

    def test_a_bare_list_of_addresses_needs_no_names_of_columns(self, app: Flask) -> None:
        read = sheet("a@example.org\nb@example.org\n")
        assert len(read.rows) == 2
        assert matching.guess(read, ImportKind.INVITEES, []) == {"email": 0}

    def test_the_first_of_a_bare_list_with_names_is_no_name_of_a_column(self, app: Flask) -> None:
        read = sheet("Amina Bell <a@example.org>\nBram <b@example.org>\n")
        assert [cells for _line, cells in read.rows] == [
            ["Amina Bell <a@example.org>"],
            ["Bram <b@example.org>"],
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "Amina Bell <a@example.org>; Bo Li <b@example.org>; c@example.org;\n",
            "Email\nAmina Bell <a@example.org>; Bo Li <b@example.org>\nc@example.org\n",
            "Email\nAmina Bell <a@example.org>;Bo Li <b@example.org>;c@example.org\n",
            "Amina Bell <a@example.org>, Bo Li <b@example.org>, c@example.org\n",
        ],
    )
    def test_recipients_as_a_mail_program_lists_them_are_a_row_each(
        self, app: Flask, text: str
    ) -> None:
        assert [cells for _line, cells in sheet(text).rows] == [
            ["Amina Bell <a@example.org>"],
            ["Bo Li <b@example.org>"],
            ["c@example.org"],
        ]

    def test_two_named_columns_of_addresses_stay_two_columns(self, app: Flask) -> None:
        read = sheet("Email,Assistant\na@example.org,b@example.org\n")
        assert read.rows == [(2, ["a@example.org", "b@example.org"])]

    def test_more_recipients_than_rows_may_be_are_refused(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sheets, "MOST_ROWS", 3)
        with pytest.raises(SheetRefused, match="50,000 rows"):
            sheet("a@example.org;b@example.org;c@example.org;d@example.org\n")

    def test_names_of_groups_over_the_names_of_the_columns_are_left_out(self, app: Flask) -> None:
        read = sheet(
            "Person,,Contact,\nFirst name,Last name,Email,Phone\nAna,Bell,a@example.org,1\n"
        )
        assert read.header == ["First name", "Last name", "Email", "Phone"]
        assert [line for line, _cells in read.rows] == [3]

    @pytest.mark.parametrize("separator", [",", ";"])
    def test_a_title_over_the_names_of_the_columns_is_left_out(
        self, app: Flask, separator: str
    ) -> None:
        text = f"Guests of the Ministry\nMay 2026\n\n{ACCENTS.replace(',', separator)}"
        read = sheet(text)
        assert read.header == ["Name", "Email"]
        assert [line for line, _cells in read.rows] == [5, 6]

    def test_a_single_name_of_a_column_over_rows_of_two_is_no_title(self, app: Flask) -> None:
        read = sheet("Email,\na@example.org,Amina\nb@example.org,Bram\n")
        assert read.header == ["Email", "Column 2"]

    def test_a_sheet_that_is_hidden_is_not_the_list(self, app: Flask) -> None:
        book = openpyxl.Workbook()
        book.active.append(["Lookup"])
        book.active.sheet_state = "hidden"
        people = book.create_sheet("People")
        people.append(["Email"])
        people.append(["a@example.org"])
        book.active = people
        file = io.BytesIO()
        book.save(file)
        assert sheets.read(file.getvalue(), "list.xlsx").header == ["Email"]

    def test_a_quotation_mark_that_is_missing_is_told_so(self, app: Flask) -> None:
        text = 'Name,Email\n"Amina,a@example.org\n' + "Bram,b@example.org\n" * 10_000
        with pytest.raises(SheetRefused, match="Is a quotation mark missing"):
            sheet(text)

    def test_a_workbook_with_formulas_dates_and_empty_rows(self, app: Flask) -> None:
        content = workbook(
            [
                [],
                ["Name", "Email", "Joined", "Number", "Yes", "Sum"],
                [
                    "Amina",
                    "a@example.org",
                    NOW.replace(2026, 5, 1, 0, tzinfo=None),
                    3.0,
                    True,
                    "=1+1",
                ],
                [],
                ["Bram", "b@example.org", date(2026, 5, 2), 2.5, False, None],
            ]
        )
        read = sheets.read(content, "list.xlsx")
        assert read.header == ["Name", "Email", "Joined", "Number", "Yes", "Sum"]
        # openpyxl keeps no result of a formula that no spreadsheet has computed.
        assert read.rows == [
            (3, ["Amina", "a@example.org", "2026-05-01", "3", "yes", ""]),
            (5, ["Bram", "b@example.org", "2026-05-02", "2.5", "no", ""]),
        ]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"  \n ",
            b"Name,Email\n",
            b"%PDF-1.7",
            b"\xd0\xcf\x11\xe0 old excel",
            b"PK\x03\x04 broken",
            b"x" * (sheets.MOST_BYTES + 1),
            ("a," * 200 + "\n").encode() * 2,
        ],
    )
    def test_what_is_no_list_is_refused_in_words(self, app: Flask, content: bytes) -> None:
        with pytest.raises(SheetRefused) as refusal:
            sheets.read(content, "list")
        assert len(str(refusal.value)) > 10

    @pytest.mark.parametrize("piece", [bytes(1_000_000), os.urandom(30_000) + bytes(970_000)])
    def test_a_zip_bomb_is_refused_before_it_unpacks(self, app: Flask, piece: bytes) -> None:
        """One that says how dense it is, and one that says how much there is."""
        is_dense = not any(piece)
        file = io.BytesIO()
        with (
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package,
            package.open("xl/worksheets/sheet1.xml", "w") as part,
        ):
            for _piece in range(3 if is_dense else sheets.MOST_UNPACKED // 1_000_000 + 2):
                part.write(piece)
        assert len(file.getvalue()) < sheets.MOST_BYTES
        with pytest.raises(SheetRefused, match="unpacks to too much"):
            sheets.read(file.getvalue(), "bomb.xlsx")

    def test_more_text_than_a_list_without_packing_could_hold_is_too_much(self, app: Flask) -> None:
        rows = [
            [os.urandom(sheets.MOST_CELL // 2).hex()] * 50
            for _row in range(sheets.MOST_BYTES // sheets.MOST_CELL // 50 + 1)
        ]
        content = workbook([["Name", "Email"], *rows])
        assert len(content) < sheets.MOST_BYTES // 20
        with pytest.raises(SheetRefused, match="unpacks to too much"):
            sheets.read(content, "list.xlsx")
        assert (
            len(sheets.read(workbook([["Name", "Email"], *rows[1:]]), "list.xlsx").rows)
            == len(rows) - 1
        )

    @pytest.mark.parametrize("last", [10**7, 10**12])
    def test_a_row_beyond_the_last_that_excel_knows_is_not_waited_for(
        self, app: Flask, last: int
    ) -> None:
        read = sheets.read(workbook_with(b'r="3"', b'r="%d"' % last), "list.xlsx")
        assert read.rows == [(2, ["Amina", "a@example.org"])]

    def test_the_rows_up_to_a_far_one_cost_next_to_nothing(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_at: list[object] = []
        cell = sheets._cell
        monkeypatch.setattr(sheets, "_cell", lambda one: looked_at.append(one) or cell(one))
        read = sheets.read(workbook_with(b'r="3"', b'r="1048576"'), "list.xlsx")
        assert [number for number, _cells in read.rows] == [2, 1_048_576]
        assert len(looked_at) <= 3 * (sheets.MOST_COLUMNS + 1)

    @pytest.mark.parametrize("blank", [",,,,\n" * 20_000, "," * 100_000 + "\n", " , , \n" * 20_000])
    def test_blank_cells_of_a_text_cost_next_to_nothing(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, blank: str
    ) -> None:
        cleaned: list[str] = []
        clean = sheets._clean
        monkeypatch.setattr(sheets, "_clean", lambda one: cleaned.append(one) or clean(one))
        text = f"Name,Email{blank}Amina,a@example.org{blank}"
        read = sheets.read(text.encode(), "list.csv")
        assert (read.header, read.rows[0][1]) == (["Name", "Email"], ["Amina", "a@example.org"])
        assert len(cleaned) <= 2 * sheets.MOST_COLUMNS

    def test_a_line_of_very_many_cells_is_refused_before_they_are_looked_at(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sheets, "_clean", lambda _one: pytest.fail("looked at"))
        for end in ("Email", "," * sheets.MOST_COLUMNS + "Email"):
            with pytest.raises(SheetRefused, match="more than 100 columns"):
                sheets.read(("Name," * sheets.MOST_COLUMNS + end).encode(), "list.csv")

    def test_what_is_nearly_an_address_is_looked_at_once(self, app: Flask) -> None:
        nearly = "a@" + "." * (sheets.MOST_CELL - 3) + "@"
        row = [nearly] * sheets.MOST_COLUMNS
        read = sheets.read((",".join(row) + "\n").encode() * 12, "list.csv")
        assert read.header == row

    def test_a_cell_at_the_far_right_makes_no_row_of_thousands(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        widths: list[int] = []
        iter_rows = ReadOnlyWorksheet.iter_rows

        def watched(*about: object, **more: object) -> Iterator[tuple[object, ...]]:
            for row in iter_rows(*about, **more):
                widths.append(len(row))
                yield row

        monkeypatch.setattr(ReadOnlyWorksheet, "iter_rows", watched)
        far = b'<row r="4"><c r="XFD4"><v>1</v></c></row></sheetData>'
        read = sheets.read(workbook_with(b"</sheetData>", far), "list.xlsx")
        assert len(read.rows) == 2
        assert max(widths) <= sheets.MOST_COLUMNS + 1

    def test_a_workbook_that_multiplies_its_own_text_is_refused(self, app: Flask) -> None:
        """A billion laughs: entities of entities, of which each stands ten times in the next."""
        content = workbook([["Name", "Email"], ["Amina", "a@example.org"]])
        entities = b'<!ENTITY e0 "ha">' + b"".join(
            b'<!ENTITY e%d "%s">' % (number, b"&e%d;" % (number - 1) * 10)
            for number in range(1, 10)
        )
        laughing = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(content)) as sent,
            zipfile.ZipFile(laughing, "w") as changed,
        ):
            for part in sent.infolist():
                text = sent.read(part)
                if part.filename.endswith("sheet1.xml"):
                    assert b"Amina" in text
                    text = text.replace(b"Amina", b"&e9;")
                    begin = b"<!DOCTYPE worksheet [" + entities + b"]><worksheet"
                    text = text.replace(b"<worksheet", begin, 1)
                changed.writestr(part, text)
        with pytest.raises(SheetRefused, match="cannot be read"):
            sheets.read(laughing.getvalue(), "list.xlsx")

    def test_a_list_survives_being_kept(self, app: Flask) -> None:
        read = sheet(ACCENTS)
        again = Sheet.unpacked(read.packed(), read.reading)
        assert again == read


class TestMatching:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("Email address,Full name", {"email": 0, "name": 1}),
            ("Prénom;Nom;Courriel;Société",
             {"first_name": 0, "last_name": 1, "email": 2, "organisation": 3}),
            ("Nom;E-mail", {"name": 0, "email": 1}),
            ("NAME,Who to write to", {"name": 0, "email": 1}),
            ("Vorname Nachname;E-Mail", {"name": 0, "email": 1}),
            ("Vor- und Nachname;E-Mail;Firma", {"name": 0, "email": 1, "organisation": 2}),
            ("Courriel;Nom et prénom", {"email": 0, "name": 1}),
        ],
    )  # fmt: skip
    def test_columns_are_matched_by_name_and_content(
        self, app: Flask, header: str, expected: dict[str, int]
    ) -> None:
        names = header.replace(";", ",").split(",")
        cells = ["x"] * len(names)
        cells[expected["email"]] = "a@example.org"
        read = Sheet(names, [(2, cells)], "")
        assert matching.guess(read, ImportKind.INVITEES, []) == expected

    def test_questions_are_matched_by_their_words(self, app: Flask) -> None:
        question = make_question(make_event(), label="Lunch?")
        read = sheet("Email,lunch\na@example.org,Soup\n")
        found = matching.guess(read, ImportKind.RSVPS, [question])
        assert found == {"email": 0, f"question.{question.id}": 1}


class TestInvitees:
    def test_each_row_has_its_fate_and_the_reason(self, app: Flask) -> None:
        option = make_option()
        event = db.session.get_one(Event, option.event_id)
        make_invitation(event, email="old@example.org")
        make_rsvp(option, email="comes@example.org")
        rows = dry(
            event,
            "Name,Email\nNew,New@Example.org\nOld,old@example.org\nComes,comes@example.org\n"
            "Bad,not an address\nNone,\nTwice,new@example.org\nNo name,x@example.org\n",
            ImportKind.INVITEES,
        )
        assert [row.fate for row in rows] == [
            Fate.INVITED,
            Fate.EXISTS,
            Fate.EXISTS,
            Fate.BAD_ADDRESS,
            Fate.NO_ADDRESS,
            Fate.DUPLICATE,
            Fate.INVITED,
        ]
        assert "line 2" in rows[5].why
        assert all(row.why for row in rows if not row.is_taken)
        assert db.session.scalar(select(func.count()).select_from(Invitation)) == 1

    @pytest.mark.parametrize("mails", [True, False])
    def test_invitees_are_invited_and_mailed_if_wished(self, app: Flask, mails: bool) -> None:
        event = make_event()
        met = run(event, ACCENTS, ImportKind.INVITEES, sends_mail=mails)
        assert met == {Fate.INVITED: 2}
        invited = db.session.scalars(select(Invitation).order_by(Invitation.id)).all()
        assert [one.search_text.split("\n")[0] for one in invited] == ["andre celik", "zoe munoz"]
        assert [(one.name, one.email) for one in invited] == [
            ("André Çelik", "andre@example.org"),
            ("Zoë Muñoz", "zoe@example.org"),
        ]
        sent = db.session.scalars(select(OutboxMail.invitation_id)).all()
        assert sorted(sent) == ([one.id for one in invited] if mails else [])

    @pytest.mark.parametrize("mails", [True, False])
    def test_who_wants_no_mail_is_left_out_where_it_would_be_sent(
        self, app: Flask, mails: bool
    ) -> None:
        event, other = make_event(), make_event()
        for email, of_event, everything in (
            ("this@example.org", event, False),
            ("none@example.org", other, True),
            ("other@example.org", other, False),
        ):
            subscriptions.unsubscribe(
                email=email, event_id=of_event.id, everything=everything, now=NOW
            )
        rows = dry(
            event,
            "Email\nthis@example.org\nnone@example.org\nother@example.org\n",
            ImportKind.INVITEES,
            sends_mail=mails,
        )
        left_out = Fate.WANTS_NO_MAIL if mails else Fate.INVITED
        assert [row.fate for row in rows] == [left_out, left_out, Fate.INVITED]

    def test_an_address_with_its_name_around_it_is_read(self, app: Flask) -> None:
        event = make_event()
        run(event, "E-mail\nAmina Bell <amina@example.org>\n", ImportKind.INVITEES)
        invited = db.session.scalars(select(Invitation)).one()
        assert (invited.name, invited.email) == ("Amina Bell", "amina@example.org")

    @pytest.mark.parametrize(
        "cell", ["a@example.org; b@example.org", "A <a@example.org>, B <b@example.org>"]
    )
    def test_several_addresses_in_a_cell_beside_names_are_left_out_and_told(
        self, app: Flask, cell: str
    ) -> None:
        text = f'Name,Email\nAmina and Bo,"{cell}"\nCleo,c@example.org\nDi,d@@example.org\n'
        rows = dry(make_event(), text, ImportKind.INVITEES)
        assert [row.fate for row in rows] == [Fate.BAD_ADDRESS, Fate.INVITED, Fate.BAD_ADDRESS]
        assert "Several addresses" in rows[0].why
        assert "Several addresses" not in rows[2].why


class TestRsvps:
    def test_seats_are_filled_and_the_rest_waits(self, app: Flask) -> None:
        room, stream = make_hybrid(capacity=2)
        event = db.session.get_one(Event, room.event_id)
        make_rsvp(room)
        met = run(
            event,
            "Name,Email,Attendance\nA,a@example.org,in person\nB,b@example.org,Room\n"
            "C,c@example.org,online\nD,d@example.org,balloon\n",
            ImportKind.RSVPS,
        )
        assert met == {Fate.SEATED: 2, Fate.WAITS: 1, Fate.UNKNOWN_OPTION: 1}
        found = {
            rsvp.email[0]: (rsvp.status, rsvp.option_id)
            for rsvp in db.session.scalars(select(Rsvp).where(Rsvp.source == "import"))
        }
        assert found == {
            "a": (RsvpStatus.CONFIRMED, room.id),
            "b": (RsvpStatus.WAITLISTED, room.id),
            "c": (RsvpStatus.CONFIRMED, stream.id),
        }
        db.session.refresh(room)
        assert (room.seats_taken, room.waiting, room.seats_left) == (2, 1, 0)
        kinds = db.session.scalars(
            select(OutboxMail.kind).join(OutboxMail.rsvp).where(Rsvp.source == "import")
        ).all()
        assert sorted(kinds) == [MailKind.CONFIRMED, MailKind.CONFIRMED, MailKind.WAITLISTED]
        assert all(len(parties.attendees(rsvp)) == 1 for rsvp in db.session.scalars(select(Rsvp)))

    def test_overflow_is_left_out_if_wished(self, app: Flask) -> None:
        option = make_option(capacity=1)
        event = db.session.get_one(Event, option.event_id)
        rows = dry(event, ACCENTS, ImportKind.RSVPS, option_id=option.id, waits=False)
        assert [row.fate for row in rows] == [Fate.SEATED, Fate.FULL]

    def test_nobody_joins_a_waitlist_that_has_closed(self, app: Flask) -> None:
        option = make_option(capacity=1)
        event = db.session.get_one(Event, option.event_id)
        event.promotion_closes_at = NOW
        db.session.commit()
        rows = dry(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        assert [(row.fate, row.why) for row in rows] == [
            (Fate.SEATED, ""),
            (Fate.FULL, "No seat is free, and the waitlist has closed"),
        ]
        met = run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        assert met == {Fate.SEATED: 1, Fate.FULL: 1}

    def test_rows_wait_for_a_room_that_has_no_seats_yet(self, app: Flask) -> None:
        option = make_option(capacity=0)
        event = db.session.get_one(Event, option.event_id)
        rows = dry(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        assert [row.fate for row in rows] == [Fate.WAITS, Fate.WAITS]

    def test_nobody_overtakes_who_waits_already(self, app: Flask) -> None:
        option = make_option(capacity=3)
        event = db.session.get_one(Event, option.event_id)
        event.guests_max = 3
        db.session.commit()
        make_rsvp(option)
        make_rsvp(option, guests=["One", "Two"])  # does not fit, and holds the queue
        rows = dry(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        assert {row.fate for row in rows} == {Fate.WAITS}
        larger = "Name,Email,Guests\nA,a@example.org,One; Two; Three\n"
        (row,) = dry(event, larger, ImportKind.RSVPS, option_id=option.id)
        assert row.fate is Fate.FULL

    def test_who_answers_after_a_list_was_taken_in_waits_behind_all_of_it(self, app: Flask) -> None:
        room, _stream = make_hybrid(capacity=0)
        event = db.session.get_one(Event, room.event_id)
        first = make_rsvp(room)
        assert run(event, ACCENTS, ImportKind.RSVPS, option_id=room.id) == {Fate.WAITS: 2}
        last = make_rsvp(room)
        queue = select(Rsvp.id, Rsvp.waiting_number).order_by(Rsvp.waiting_number, Rsvp.id)
        ids, numbers = zip(*db.session.execute(queue).all(), strict=True)
        assert (ids[0], ids[-1], numbers) == (first.id, last.id, (1, 2, 3, 4))

    def test_guests_and_answers_come_along(self, app: Flask) -> None:
        option = make_option()
        event = db.session.get_one(Event, option.event_id)
        event.guests_max = 1
        db.session.commit()
        lunch = make_question(
            event, kind=QuestionKind.ONE_OF, label="Lunch", choices=["Soup", "Salad"]
        )
        text = (
            "Name,Email,Guests,Lunch\nA,a@example.org,Guest One,soup\n"
            "B,b@example.org,One; Two,soup\nC,c@example.org,,Pizza\n,d@example.org,,\n"
            "E,e@example.org,,\n"
        )
        met = run(event, text, ImportKind.RSVPS, option_id=option.id)
        assert met == {
            Fate.SEATED: 2,
            Fate.TOO_MANY_GUESTS: 1,
            Fate.BAD_ANSWER: 1,
            Fate.NO_NAME: 1,
        }
        rsvp = db.session.scalars(select(Rsvp).where(Rsvp.email == "a@example.org")).one()
        assert [person.name for person in parties.attendees(rsvp)] == ["A", "Guest One"]
        assert (rsvp.party_size, rsvp.seats_held, rsvp.consented_at) == (2, 2, None)
        answer = db.session.scalars(select(Answer)).one()
        assert (answer.rsvp_id, answer.question_id) == (rsvp.id, lunch.id)
        assert answer.value == {"choices": ["Soup"]}

    def test_what_is_too_long_is_said_and_nothing_of_it_is_cut(self, app: Flask) -> None:
        option = make_option()
        event = option.event
        event.guests_max = 2
        db.session.commit()
        make_question(event, kind=QuestionKind.SHORT_TEXT, label="Short")
        make_question(event, kind=QuestionKind.LONG_TEXT, label="Long")
        fits = ["N" * 200, "O" * 200, "J" * 200, "G" * 200, "S" * 500, "L" * 5000]
        text = (
            f"Name,Organisation,Job title,Guests,Short,Long,Email\n{','.join(fits)},a@example.org\n"
        )
        for number, cell in enumerate(fits):
            cells = [*fits[:number], f"{cell}.", *fits[number + 1 :]]
            text += f"{','.join(cells)},{number}@example.org\n"
        taken, *rest = dry(event, text, ImportKind.RSVPS, option_id=option.id)
        assert taken.fate is Fate.SEATED
        assert [row.fate for row in rest] == [Fate.TOO_LONG] * 6
        assert rest[0].why == f"“{'N' * 40}…” is too long: there is room for 200 letters"
        assert "5,000 letters" in rest[5].why
        assert run(event, text, ImportKind.RSVPS, option_id=option.id)[Fate.SEATED] == 1
        assert db.session.scalars(select(Rsvp.name)).all() == ["N" * 200]
        assert {"text": "L" * 5000} in db.session.scalars(select(Answer.value)).all()

    def test_several_choices_are_told_apart_though_there_are_commas_in_them(
        self, app: Flask
    ) -> None:
        option = make_option()
        choices = ["Soup, no bread", "Salad", "Cake"]
        make_question(option.event, kind=QuestionKind.ANY_OF, label="Lunch", choices=choices)
        text = (
            'Name,Email,Lunch\nA,a@example.org,"Soup, no bread; Cake"\n'
            'B,b@example.org,"Salad, Cake"\nC,c@example.org,"Soup, no bread"\n'
        )
        run(option.event, text, ImportKind.RSVPS, option_id=option.id)
        said = [answer.value["choices"] for answer in db.session.scalars(select(Answer))]
        assert said == [["Soup, no bread", "Cake"], ["Salad", "Cake"], ["Soup, no bread"]]

    @pytest.mark.parametrize(
        "chosen",
        [["Soup, no bread", "Cake"], ["Salad; a large one", "Cake"], ["Salad; a large one"]],
    )
    def test_several_choices_are_read_back_as_an_export_wrote_them(
        self, app: Flask, chosen: list[str]
    ) -> None:
        choices = ["Soup, no bread", "Salad; a large one", "Cake"]
        options = [make_option(), make_option()]
        first, second = (
            make_question(option.event, kind=QuestionKind.ANY_OF, label="Lunch", choices=choices)
            for option in options
        )
        make_rsvp(options[0], answers={first.id: {"choices": chosen}})
        columns = ["name", "email", f"question:{first.id}"]
        export = exports.Export(options[0].event, Filters(), columns=columns)
        text = b"".join(formats.csv_lines(export)).decode("utf-8-sig")
        run(options[1].event, text, ImportKind.RSVPS, option_id=options[1].id)
        read = db.session.scalars(select(Answer).where(Answer.question_id == second.id)).one()
        assert read.value == {"choices": chosen}

    @pytest.mark.parametrize("format", ["csv", "xlsx"])
    @pytest.mark.parametrize("language", ["en", "fr"])
    def test_an_export_read_back_brings_nobody_who_has_cancelled(
        self, app: Flask, format: str, language: str
    ) -> None:
        here, there = make_option(), make_option()
        make_rsvp(here, email="comes@example.org", organisation="+Acme")
        back = make_rsvp(here, email="back@example.org")
        rsvps.cancel(rsvp_id=back.id, now=NOW)
        make_rsvp(here, email="back@example.org")
        gone = make_rsvp(here, email="gone@example.org")
        rsvps.cancel(rsvp_id=gone.id, now=NOW)
        with force_locale(language):
            export = exports.Export(here.event, Filters(), format=format)
            written = b"".join(formats.WRITERS[format](export))
            read = sheets.read(written, f"list.{format}")
        plan = plan_for(there.event, read, ImportKind.RSVPS, option_id=there.id)
        rows = imports.dry_run(there.event, read, ImportKind.RSVPS, plan, now=NOW)
        assert [row.email for row in rows if row.is_taken] == [
            "comes@example.org",
            "back@example.org",
        ]
        assert {row.fate for row in rows if not row.is_taken} == {Fate.NOT_COMING}
        assert rows[0].organisation == "+Acme"

    @pytest.mark.parametrize("language", ["en", "fr"])
    def test_an_export_read_back_brings_each_party_together(
        self, app: Flask, language: str
    ) -> None:
        here, there = (make_option(make_event(guests_max=2), capacity=seats) for seats in (9, 4))
        for name, guests in (("Amina Bell", ["Zoë", "Noor"]), ("Lena Ito", []), ("Sol Paz", ["X"])):
            make_rsvp(here, name=name, guests=guests)
        with force_locale(language):
            export = exports.Export(here.event, Filters(), format="xlsx")
            read = sheets.read(b"".join(formats.WRITERS["xlsx"](export)), "list.xlsx")
        plan = plan_for(there.event, read, ImportKind.RSVPS, option_id=there.id, waits=False)
        rows = imports.dry_run(there.event, read, ImportKind.RSVPS, plan, now=NOW)
        assert [(row.name, row.fate) for row in rows] == [
            ("Amina Bell", Fate.SEATED),
            ("Zoë", Fate.GUEST),
            ("Noor", Fate.GUEST),
            ("Lena Ito", Fate.SEATED),
            ("Sol Paz", Fate.FULL),
            ("X", Fate.FULL),
        ]
        imports.run(
            event_id=there.event_id,
            sheet=read,
            kind=ImportKind.RSVPS,
            plan=plan,
            staff_id=None,
            file_name="list.xlsx",
            now=NOW,
        )
        written = select(Rsvp).where(Rsvp.event_id == there.event_id).order_by(Rsvp.id)
        came = db.session.scalars(written).all()
        assert [[one.name for one in parties.attendees(rsvp)] for rsvp in came] == [
            ["Amina Bell", "Zoë", "Noor"],
            ["Lena Ito"],
        ]

    @pytest.mark.parametrize(
        ("allowed", "why"),
        [(1, "The event allows 1 guest"), (0, "The event takes no guests")],
    )
    def test_a_party_on_rows_of_its_own_is_no_larger_than_any(
        self, app: Flask, allowed: int, why: str
    ) -> None:
        option = make_option(make_event(guests_max=allowed))
        party = "Name,Email,RSVP by\nA,a@example.org,A\nB,a@example.org,A\nC,a@example.org,A\n"
        rows = dry(option.event, party, ImportKind.RSVPS, option_id=option.id)
        assert {row.fate for row in rows} == {Fate.TOO_MANY_GUESTS}
        assert rows[0].why == why

    def test_an_invited_person_on_the_list_has_accepted(self, app: Flask) -> None:
        option = make_option()
        event = db.session.get_one(Event, option.event_id)
        invitation = make_invitation(event, email="zoe@example.org")
        elsewhere = make_invitation(make_event(), email="zoe@example.org")
        run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        db.session.expire_all()
        assert (invitation.status, invitation.answered_at) == (InvitationStatus.ACCEPTED, NOW)
        assert elsewhere.status is InvitationStatus.OPEN

    def test_an_invitation_that_is_open_again_stays_open_when_others_come_by_a_list(
        self, app: Flask
    ) -> None:
        room, _stream = make_hybrid()
        event = db.session.get_one(Event, room.event_id)
        andre = make_invitation(event, email="andre@example.org")
        zoe = make_invitation(event, email="zoe@example.org")
        head, first, second = ACCENTS.splitlines(keepends=True)
        run(event, head + first, ImportKind.RSVPS, option_id=room.id)
        rsvp_id = db.session.scalars(select(Rsvp.id)).one()
        rsvps.cancel(rsvp_id=rsvp_id, now=NOW)
        later = NOW + timedelta(minutes=1)
        run(event, head + second, ImportKind.RSVPS, option_id=room.id, now=later)
        db.session.expire_all()
        assert (andre.status, zoe.status) == (InvitationStatus.OPEN, InvitationStatus.ACCEPTED)

    def test_the_same_list_twice_changes_nothing_the_second_time(self, app: Flask) -> None:
        option = make_option()
        event = db.session.get_one(Event, option.event_id)
        run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        with pytest.raises(ImportRefused):
            run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        db.session.refresh(option)
        assert option.seats_taken == 2

    def test_all_or_nothing(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        option = make_option()
        event = db.session.get_one(Event, option.event_id)

        def breaks(*_arguments: object, **_named: object) -> None:
            raise RuntimeError("the lights went out")

        monkeypatch.setattr(audit, "record_many", breaks)
        with pytest.raises(RuntimeError):
            run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        assert db.session.scalar(select(func.count()).select_from(Rsvp)) == 0
        assert db.session.get_one(AttendanceOption, option.id).seats_taken == 0

    def test_a_row_is_what_an_answer_to_the_form_is(self, app: Flask) -> None:
        option = make_option(capacity=2)
        event = db.session.get_one(Event, option.event_id)
        answered = make_rsvp(option, name="Amina", email="amina@example.org")
        text = "Name,Email\nBo,bo@example.org\nCy,cy@example.org\n"
        run(event, text, ImportKind.RSVPS, option_id=option.id)
        taken, waits = db.session.scalars(select(Rsvp).order_by(Rsvp.id).offset(1)).all()
        own = {
            "id", "name", "email", "search_text", "manage_key", "join_key", "ical_uid", "source",
            "consent_version", "consented_at",
        }  # fmt: skip
        same = [column.key for column in Rsvp.__table__.columns if column.key not in own]
        assert {name: getattr(taken, name) for name in same} == {
            name: getattr(answered, name) for name in same
        }
        assert taken.search_text == "bo\nbo@example.org\n"
        assert (waits.status, waits.waits_for_option_id) == (RsvpStatus.WAITLISTED, option.id)
        assert (waits.waiting_number, waits.ical_sequence, waits.confirmed_at) == (1, -1, None)
        mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.rsvp_id)).all()
        assert [(mail.kind, mail.ical_sequence, mail.facts) for mail in mails] == [
            (MailKind.CONFIRMED, 0, {}),
            (MailKind.CONFIRMED, 0, {}),
            (MailKind.WAITLISTED, None, {}),
        ]
        entries = db.session.scalars(
            select(AuditEntry.rsvp_id).where(AuditEntry.action == "rsvp.imported")
        )
        assert sorted(filter(None, entries)) == [taken.id, waits.id]

    def test_a_longer_list_needs_no_more_statements(self, app: Flask) -> None:
        option = make_option()
        event = db.session.get_one(Event, option.event_id)
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            asked.append(statement)

        def statements(first: int, last: int) -> int:
            rows = "".join(f"P{n},p{n}@example.org\n" for n in range(first, last))
            asked.clear()
            run(event, f"Name,Email\n{rows}", ImportKind.RSVPS, option_id=option.id)
            return len(asked)

        sqlalchemy.event.listen(db.engine, "before_cursor_execute", note)
        try:
            statements(0, 1)
            assert statements(1, 3) == statements(3, 150)
        finally:
            sqlalchemy.event.remove(db.engine, "before_cursor_execute", note)

    @pytest.mark.parametrize("state", ["cancelled", "past", "draft"])
    def test_an_event_that_takes_nobody_takes_no_list(self, app: Flask, state: str) -> None:
        values = {
            "cancelled": {"status": EventStatus.CANCELLED},
            "draft": {"status": EventStatus.DRAFT},
            "past": {"starts_at": NOW - timedelta(days=2)},
        }[state]
        option = make_option(make_event(**values), mode=AttendanceMode.VIRTUAL)
        event = db.session.get_one(Event, option.event_id)
        with pytest.raises(ImportRefused):
            run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id)
        if state == "draft":  # without mail, a draft can be filled
            run(event, ACCENTS, ImportKind.RSVPS, option_id=option.id, sends_mail=False)
            assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 0


def test_a_kept_list_goes_when_it_is_taken_in_or_old(app: Flask) -> None:
    event, staff, other = make_event(), make_staff(), make_staff()
    number, staff_id = event.id, staff.id

    def keep(staff_id: int, at: datetime) -> PendingImport:
        return imports.keep(
            event_id=number,
            staff_id=staff_id,
            kind=ImportKind.INVITEES,
            sheet=sheet(ACCENTS),
            file_name="list.csv",
            now=at,
        )

    keep(other.id, NOW - timedelta(days=2))
    keep(staff_id, NOW)
    pending = keep(staff_id, NOW)
    imports.forget_old(now=NOW)
    assert db.session.scalars(select(PendingImport.id)).all() == [pending.id]
    imports.run(
        event_id=number,
        sheet=Sheet.unpacked(pending.cells),
        kind=pending.kind,
        plan=Plan.from_json(pending.plan),
        staff_id=staff_id,
        file_name=pending.file_name,
        now=NOW,
        import_id=pending.id,
    )
    assert db.session.scalars(select(PendingImport)).all() == []
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "import.invitees")
    ).one()
    assert entry.detail["rows"] == {"invited": 2}


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("fr-CA", "fr"),
        ("Français", "fr"),
        ("FRE", "fr"),
        ("English (UK)", "en"),
        ("anglais", "en"),
        ("Spanish", "fr"),
        ("", "fr"),
    ],
)
def test_a_language_is_known_by_code_and_name_and_else_is_the_events(app, said, understood):
    assert candidates._language(said, make_event(language="fr")) == understood


def test_a_language_that_pages_are_not_in_is_nobodys(app, monkeypatch):
    monkeypatch.setitem(app.config, "LANGUAGES", ["en"])
    assert candidates._language("French", make_event(language="en")) == "en"
