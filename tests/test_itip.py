"""Calendar parts: their properties one by one, read by parsers that are not ours."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import icalendar
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from registration import itip
from registration.itip import Entry

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
JOIN = "https://events.example.org/j/abcdefghijklmnopqrstuvwxyz012345"
ROOM = Entry(
    uid="0123456789abcdef0123456789abcdef@example.org",
    sequence=0,
    starts_at=datetime(2026, 12, 6, 15, 0, tzinfo=UTC),
    ends_at=datetime(2026, 12, 6, 16, 30, tzinfo=UTC),
    summary="Policing in Conflict",
    description="The Institute\nDoors open at 9:30 a.m. EST.",
    location="The Institute, 1 Example Street, Washington, DC",
    url="https://events.example.org/events/policing",
    organizer_name="The Institute",
    organizer_address="calendar@example.org",
    attendee_name="Amina Okonkwo-Bell",
    attendee_address="amina@example.org",
    created_at=NOW,
    modified_at=NOW,
)
STREAM = replace(ROOM, location=JOIN, conference_url=JOIN, conference_label="Live stream")


def lines(content: bytes) -> list[str]:
    """The content lines, unfolded, after a look at how they are folded."""
    assert content.endswith(b"\r\n")
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", content) is None
    for line in content.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is broken
    return content.decode().replace("\r\n ", "").rstrip().split("\r\n")


class TestRequest:
    def test_is_exactly_this_for_a_seat_in_the_room(self):
        assert lines(itip.request(ROOM, now=NOW)) == [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            f"PRODID:{itip.PRODID}",
            "CALSCALE:GREGORIAN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            f"UID:{ROOM.uid}",
            "SEQUENCE:0",
            "DTSTAMP:20261123T120000Z",
            "DTSTART:20261206T150000Z",
            "DTEND:20261206T163000Z",
            "CREATED:20261123T120000Z",
            "LAST-MODIFIED:20261123T120000Z",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "SUMMARY:Policing in Conflict",
            "DESCRIPTION:The Institute\\nDoors open at 9:30 a.m. EST.",
            "LOCATION:The Institute\\, 1 Example Street\\, Washington\\, DC",
            "URL:https://events.example.org/events/policing",
            "ORGANIZER;CN=The Institute:mailto:calendar@example.org",
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;"
            "CN=Amina Okonkwo-Bell:mailto:amina@example.org",
            "END:VEVENT",
            "END:VCALENDAR",
        ]

    def test_online_adds_a_conference_and_the_link_as_place(self):
        added = set(lines(itip.request(STREAM, now=NOW))) - set(lines(itip.request(ROOM, now=NOW)))
        assert added == {
            f"LOCATION:{JOIN}",
            f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Live stream:{JOIN}",
        }

    def test_times_of_any_zone_are_written_in_utc(self):
        zone = datetime.fromisoformat("2026-12-06T10:00:00-05:00").tzinfo
        entry = replace(ROOM, starts_at=ROOM.starts_at.astimezone(zone))
        assert itip.request(entry, now=NOW) == itip.request(ROOM, now=NOW)

    @pytest.mark.parametrize("sign", ["x", "é", "水", "😀"])
    def test_a_line_of_any_length_is_folded_between_its_signs(self, sign: str):
        for length in range(1, 160):
            entry = replace(ROOM, description=sign * length)
            assert f"DESCRIPTION:{sign * length}" in lines(itip.request(entry, now=NOW))

    def test_has_no_alarm_and_nothing_of_the_senders_own(self):
        text = itip.request(STREAM, now=NOW).decode()
        for word in ("VALARM", "X-", "VTIMEZONE", "SENT-BY"):
            assert word not in text
        assert text.count("UID:") == 1


class TestCancel:
    def test_takes_the_entry_out_and_asks_for_nothing(self):
        entry = replace(ROOM, sequence=3)
        wanted = lines(itip.request(entry, now=NOW))
        gone = lines(itip.cancel(entry, now=NOW, comment="The speaker is ill;\nwe are sorry"))
        assert set(gone) - set(wanted) == {
            "METHOD:CANCEL",
            "STATUS:CANCELLED",
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;"
            "CN=Amina Okonkwo-Bell:mailto:amina@example.org",
            "COMMENT:The speaker is ill\\;\\nwe are sorry",
        }
        assert "SEQUENCE:3" in gone

    def test_without_a_reason_has_no_comment(self):
        assert b"COMMENT" not in itip.cancel(ROOM, now=NOW)


class TestPublish:
    def test_a_file_names_nobody_even_if_it_is_somebodys_own(self):
        found = lines(itip.publish([ROOM], now=NOW))
        assert "METHOD:PUBLISH" in found
        assert not any(line.startswith(("ATTENDEE", "NAME", "REFRESH", "X-")) for line in found)

    def test_a_feed_says_how_often_to_come_back_and_keeps_what_is_cancelled(self):
        other = replace(ROOM, uid="other@example.org", is_cancelled=True)
        found = lines(itip.publish([ROOM, other], now=NOW, name="Events, all"))
        assert found[5:9] == [
            "NAME:Events\\, all",
            "X-WR-CALNAME:Events\\, all",
            "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
            "X-PUBLISHED-TTL:PT6H",
        ]
        assert [line for line in found if line.startswith("STATUS")] == [
            "STATUS:CONFIRMED",
            "STATUS:CANCELLED",
        ]


class TestAddressesAndNames:
    def test_domains_are_written_in_ascii(self):
        entry = replace(ROOM, attendee_address="amina@bücher.example")
        assert "mailto:amina@xn--bcher-kva.example" in itip.request(entry, now=NOW).decode()

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Okonkwo, Amina", "Okonkwo, Amina"),
            ('Amina "A" Bell', "Amina  A  Bell"),
            ("A;CN=B:mailto:evil@example.com", "A CN=B:mailto:evil@example.com"),
            ("A\r\nATTENDEE:mailto:evil@example.com", "A ATTENDEE:mailto:evil@example.com"),
            ("a^nb", "a nb"),
        ],
    )
    def test_a_name_stays_a_name(self, name: str, shown: str):
        content = itip.request(replace(ROOM, attendee_name=name), now=NOW)
        (vevent,) = vobject.readOne(content.decode()).vevent_list
        (attendee,) = vevent.attendee_list
        assert attendee.value == "mailto:amina@example.org"
        assert attendee.params["CN"] == [shown]

    @pytest.mark.parametrize("name", ["", ' "', "\u2028"])
    def test_one_without_a_name_has_none(self, name: str):
        assert ";CN=" not in lines(itip.request(replace(ROOM, attendee_name=name), now=NOW))[-3]

    def test_an_address_cannot_end_the_line(self):
        with pytest.raises(ValueError, match="not an email address"):
            itip.request(replace(ROOM, attendee_address="a@b.c\r\nX:1"), now=NOW)
        evil = replace(STREAM, conference_url="https://a.example\r\nATTENDEE:mailto:b@c.d")
        assert itip.request(evil, now=NOW).count(b"\r\nATTENDEE") == 1

    def test_a_uid_cannot_be_guessed(self):
        uids = {itip.new_uid("example.org") for _ in range(100)}
        assert len(uids) == 100
        assert all(re.fullmatch(r"[0-9a-f]{32}@example\.org", uid) for uid in uids)


anything = st.text(max_size=600)


@given(
    summary=anything, description=anything, location=anything, name=anything, host=anything,
    comment=anything, sequence=st.integers(0, 2**31 - 1),
)  # fmt: skip
def test_any_text_comes_back_and_one_attendee_stands(
    summary: str, description: str, location: str, name: str, host: str, comment: str, sequence: int
):
    entry = replace(
        STREAM, summary=summary, description=description, location=location, attendee_name=name,
        organizer_name=host, conference_label=name, sequence=sequence,
    )  # fmt: skip
    for content in (
        itip.request(entry, now=NOW),
        itip.cancel(entry, now=NOW, comment=comment),
    ):
        lines(content)
        calendar = icalendar.Calendar.from_ical(content)
        assert isinstance(calendar, icalendar.Calendar)
        (vevent,) = calendar.walk("VEVENT")
        assert vevent.errors == []
        wanted: dict[str, Any] = {
            "SUMMARY": itip.clean(summary).replace("\n", " "),
            "DESCRIPTION": itip.clean(description),
            "LOCATION": itip.clean(location).replace("\n", ", "),
        }
        for property_name, text in wanted.items():
            assert str(vevent.get(property_name, "")) == text
        assert not isinstance(vevent["ATTENDEE"], list)
        assert vevent["ATTENDEE"] == "mailto:amina@example.org"
        assert vevent["ATTENDEE"].params.get("CN", "") == itip.clean_parameter(name)
        assert vevent["ORGANIZER"].params.get("CN", "") == itip.clean_parameter(host)
        assert int(vevent["SEQUENCE"]) == sequence

        (other,) = vobject.readOne(content.decode()).vevent_list
        assert len(other.attendee_list) == 1
        assert other.summary.value == wanted["SUMMARY"]
        assert other.sequence.value == str(sequence)


def test_every_two_signs_in_a_name_are_read_as_they_were_written():
    for signs in product(f"{string.punctuation} x", repeat=2):
        name = f"Ada {''.join(signs)}"
        content = itip.request(replace(STREAM, attendee_name=name, organizer_name=name), now=NOW)
        (vevent,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
        for who in (vevent["ATTENDEE"], vevent["ORGANIZER"]):
            assert who.startswith("mailto:")
            assert who.params["CN"] == itip.clean_parameter(name)


def test_links_to_web_calendars_hold_the_whole_entry():
    google, outlook = itip.google_link(STREAM), itip.outlook_link(STREAM)
    assert google.startswith("https://calendar.google.com/calendar/render?action=TEMPLATE&")
    assert "dates=20261206T150000Z%2F20261206T163000Z" in google
    assert outlook.startswith("https://outlook.live.com/calendar/0/action/compose?rru=addevent&")
    assert "startdt=2026-12-06T15%3A00%3A00Z" in outlook
    assert timedelta(0) < STREAM.ends_at - STREAM.starts_at
