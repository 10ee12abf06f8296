"""Outbox rows as messages: what each kind says, and what stands in its calendar part."""

from __future__ import annotations

import html
import io
import re
from datetime import datetime, timedelta

import icalendar
import pytest
import vobject
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update

from registration import (
    announcements,
    answering,
    approvals,
    editions,
    emails,
    entries,
    letters,
    lifecycle,
    links,
    rendering,
    rsvps,
    speakers,
    walkins,
)
from registration.database import db
from registration.letters.events import changes
from registration.mime import CalendarMessage
from registration.models import (
    HOLD,
    AttendanceMode,
    AttendanceOption,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
)
from tests.conftest import NOW
from tests.factories import (
    details,
    make_event,
    make_hybrid,
    make_option,
    make_rsvp,
    make_speaker,
    make_staff,
)
from tests.test_mime import check_wire, parsed, tree


def last_mail(rsvp: Rsvp, to: str = "") -> CalendarMessage:
    """The latest mail about an RSVP, as it goes out."""
    db.session.rollback()
    mails = db.session.scalars(
        select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id).order_by(OutboxMail.id.desc())
    )
    mail = next(mail for mail in mails if not to or mail.recipient == to)
    message = rendering.render(mail, now=NOW + timedelta(minutes=1))
    check_wire(message.as_bytes())
    return message


def test_a_mail_says_each_day_of_an_event_over_days_once(app: Flask) -> None:
    event = make_event()
    event.ends_at = event.starts_at + timedelta(days=2)
    said = last_mail(make_rsvp(make_option(event))).body.replace("\xa0", " ")
    assert "Sunday 6 December 2026\n  10:00 a.m. – 8 December, 10:00 a.m. EST (" in said


def entry_of(message: CalendarMessage):
    assert message.calendar is not None
    calendar = vobject.readOne(message.calendar.decode())
    assert calendar.method.value == message.method
    (vevent,) = calendar.vevent_list
    assert len(vevent.attendee_list) == 1
    return vevent


class TestInTheRoom:
    def test_the_confirmation_has_ticket_place_and_entry(self, app: Flask):
        room, _ = make_hybrid(venue_access="The entrance is step-free.", host="The Hosts")
        rsvp = make_rsvp(room, email="amina@example.org", name="Amina Okonkwo-Bell")
        message = last_mail(rsvp)
        entry = entry_of(message)
        assert message.method == "REQUEST"
        assert entry.sequence.value == "0"
        assert entry.uid.value == rsvp.ical_uid
        assert entry.location.value == "The Institute, 1 Example Street, Washington, DC"
        page = entries.event_url(rsvp.event)
        assert entry.description.value.endswith(f"The entrance is step-free.\nEvent page: {page}")
        assert entry.url.value == page
        assert not hasattr(entry, "conference")
        assert entry.attendee.params["PARTSTAT"] == ["ACCEPTED"]
        assert entry.attendee.params["CN"] == ["Amina Okonkwo-Bell"]
        assert entry.organizer.params["CN"] == ["The Hosts"]
        assert entry.organizer.value == "mailto:calendar@example.org"
        (image,) = message.images
        assert f'src="cid:{image.cid}"' in message.html
        assert tree(parsed(message))[0] == "multipart/mixed"

    def test_the_way_to_the_room_is_told_to_who_has_a_seat_and_to_nobody_who_watches(
        self, app: Flask
    ):
        way = "Bring **photo identification**.\n\n- Metro: Example Place\n- Bus: 1"
        room, stream = make_hybrid(venue_directions=way, venue_access="The entrance is step-free.")
        seated, watching = make_rsvp(room), make_rsvp(stream)
        told = "Bring photo identification.\n\n- Metro: Example Place\n\n- Bus: 1\n\nThe entrance"
        message = last_mail(seated)
        assert told in message.body
        assert ">Bring photo identification.</p>" in message.html
        assert "photo identification" not in last_mail(watching).body

    def test_the_entry_is_shared_so_it_never_has_the_manage_link(self, app: Flask):
        for option in make_hybrid():
            rsvp = make_rsvp(option)
            message = last_mail(rsvp)
            assert message.calendar is not None
            content = message.calendar.decode().replace("\r\n ", "")
            assert rsvp.manage_key not in content
            assert rsvp.manage_key in message.body
            assert (rsvp.join_key in content) == option.is_virtual

    def test_the_code_is_the_tickets_address(self, app: Flask):
        rsvp = make_rsvp(make_option())
        (image,) = last_mail(rsvp).images
        code = image.cid.removeprefix("ticket-")
        with Image.open(io.BytesIO(image.png)) as picture:
            (read,) = zxingcpp.read_barcodes(picture.convert("L"))
            assert read.text == entries.ticket_url(code)
            # A scanner finds it by the white around it.
            assert picture.convert("L").crop((0, 0, picture.width, 20)).getextrema() == (255, 255)
            assert picture.convert("L").crop((0, 0, 20, picture.height)).getextrema() == (255, 255)


class TestOnline:
    def test_the_confirmation_has_the_personal_link_as_place_and_conference(self, app: Flask):
        _, stream = make_hybrid()
        rsvp = make_rsvp(stream)
        message = last_mail(rsvp)
        entry = entry_of(message)
        assert entry.location.value == entries.join_url(rsvp) == entry.conference.value
        assert entry.conference.params["LABEL"] == ["Live stream"]
        assert entries.join_url(rsvp) in entry.description.value
        assert message.images == []

    def test_a_switch_swaps_place_and_conference_in_the_same_entry(self, app: Flask):
        room, stream = make_hybrid()
        rsvp = make_rsvp(stream)
        rsvps.switch(rsvp_id=rsvp.id, option_id=room.id, now=NOW)
        entry = entry_of(last_mail(rsvp))
        assert (entry.uid.value, entry.sequence.value) == (rsvp.ical_uid, "1")
        assert entry.location.value.startswith("The Institute")
        assert not hasattr(entry, "conference")


@pytest.mark.parametrize("kind", ["seated", "watching", "waiting", "cancelled", "switched"])
def test_the_text_says_all_that_the_html_says(app: Flask, monkeypatch, kind):
    monkeypatch.setitem(app.config, "ORGANISATION_ADDRESS", "2301 Somewhere Avenue, Springfield")
    room, stream = make_hybrid(capacity=1, venue_access="The entrance is step-free.")
    rsvp = make_rsvp(room if kind != "watching" else stream, name="Amina Okonkwo-Bell")
    if kind == "waiting":
        rsvp = make_rsvp(room, name="Amina Okonkwo-Bell")
    elif kind == "cancelled":
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    elif kind == "switched":
        rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=NOW)
    message = last_mail(rsvp)
    shown = html.unescape(re.sub(r"<(style|title).*?</\1>|<[^>]+>", " ", message.html, flags=re.S))
    assert "Somewhere" in shown
    said = message.body + message.subject
    missing = {word for word in re.findall(r"\w{3,}", shown) if word not in said}
    assert missing == set()
    addresses = set(re.findall(r'href="(https?:[^"]+)"', message.html))
    assert {address for address in addresses if html.unescape(address) not in said} == set()


class TestTheEnd:
    def test_a_cancellation_is_a_cancel_of_the_same_entry(self, app: Flask):
        rsvp = make_rsvp(make_option())
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        message = last_mail(rsvp)
        entry = entry_of(message)
        assert (message.method, entry.status.value) == ("CANCEL", "CANCELLED")
        assert (entry.uid.value, entry.sequence.value) == (rsvp.ical_uid, "1")
        assert "RSVP" not in entry.attendee.params
        assert entry.dtstart.value == rsvp.event.starts_at

    def test_a_reason_of_several_lines_keeps_them(self, app: Flask, client: FlaskClient):
        reason = "The hall is flooded.\n\n1. Tickets are paid back.\n2. We try again in May."
        lines = ["The hall is flooded.", "1. Tickets are paid back.", "2. We try again in May."]
        rejected = make_rsvp(make_option())
        approvals.reject(rsvp_ids=[rejected.id], reason=reason, staff_id=None, now=NOW)
        rsvp = make_rsvp(make_option())
        speaker = make_speaker(rsvp.event)
        speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
        lifecycle.cancel(event_id=rsvp.event_id, reason=reason, staff_id=None, now=NOW)
        announcements.spread(now=NOW + HOLD)
        to_speaker = select(OutboxMail).where(OutboxMail.kind == MailKind.SPEAKER_CANCELLED)
        for mail in (
            last_mail(rejected),
            last_mail(rsvp),
            rendering.render(db.session.scalars(to_speaker).one(), now=NOW),
        ):
            assert "\n\n".join(lines) in mail.body
            assert all(f">{line}</p>" in mail.html for line in lines)
        page = client.get(f"/events/{rsvp.event.slug}").text
        assert all(f"<p>{line}</p>" in page for line in lines)

    def test_the_waitlist_has_no_calendar_part(self, app: Flask):
        room, _ = make_hybrid(capacity=0)
        message = last_mail(make_rsvp(room))
        assert message.calendar is None
        assert tree(parsed(message)) == ("multipart/alternative", ["text/plain", "text/html"])

    def test_no_seat_is_promised_to_who_comes_to_a_queue_that_has_closed(self, app: Flask):
        room, _ = make_hybrid(capacity=0, confirms_addresses=True)
        rsvp = make_rsvp(room)
        rsvp.event.promotion_closes_at = NOW
        db.session.commit()
        answering.verify(rsvp_id=rsvp.id, now=NOW)
        body = " ".join(last_mail(rsvp).body.split())
        assert "The queue closed on" in body
        assert "When a seat becomes free" not in body

    def test_no_seat_is_promised_by_a_mail_that_has_waited_until_the_queue_closed(self, app: Flask):
        room, _ = make_hybrid(capacity=0)
        rsvp = make_rsvp(room)
        assert "When a seat becomes free" in " ".join(last_mail(rsvp).body.split())
        app.config["NOW"] = lambda: rsvp.event.starts_at
        body = " ".join(last_mail(rsvp).body.split())
        assert "The queue closed on" in body
        assert "When a seat becomes free" not in body

    def test_who_waits_for_a_stream_is_promised_a_link_and_no_ticket(self, app: Flask):
        stream = make_option(mode="virtual", capacity=1)
        first, second = make_rsvp(stream), make_rsvp(stream)
        waits = last_mail(second)
        assert "we mail you your link." in " ".join(waits.body.split())
        assert "ticket" not in waits.body
        rsvps.cancel(rsvp_id=first.id, now=NOW)
        assert last_mail(second).subject.startswith("A place is yours: ")

    def test_who_cancels_when_rsvps_are_closed_is_not_led_back(self, app: Flask):
        room, _ = make_hybrid(registration_closes_at=NOW + timedelta(days=1))
        for at, is_led in ((NOW, True), (NOW + timedelta(days=2), False)):
            rsvp = make_rsvp(room)
            rsvps.cancel(rsvp_id=rsvp.id, now=at)
            assert ("RSVP again" in last_mail(rsvp).body) is is_led

    def test_a_moved_event_does_not_say_that_its_doors_open_when_they_did(self, app: Flask):
        event = make_event(lobby_opens_minutes=0)
        event.doors_at = event.starts_at - timedelta(minutes=30)
        before = editions.facts_of(event)
        for name in ("starts_at", "ends_at", "doors_at"):
            setattr(event, name, getattr(event, name) + timedelta(days=1))
        told = changes(before, editions.facts_of(event), ["starts_at", "doors_at"])
        assert len(told) == 1
        assert told[0].startswith("When: ")
        event.doors_at -= timedelta(hours=25)
        event.lobby_opens_minutes = 1440
        told = changes(before, editions.facts_of(event), ["doors_at", "lobby_opens_minutes"])
        assert [line.replace("\xa0", " ") for line in told] == [
            "Doors open: 9:30 a.m. EST → 8:30 a.m. EST on 6 December",
            "Your room opens at 10:00 a.m. EST on 6 December.",
        ]

    def test_the_waitlist_says_once_where_one_stands(self, app: Flask):
        room, _ = make_hybrid(capacity=0)
        first, second = make_rsvp(room), make_rsvp(room)
        assert "You are first in the queue" in last_mail(first).body
        assert "You are next" not in last_mail(first).body
        assert "You are second in the queue" in last_mail(second).body
        assert "ahead of you" not in last_mail(second).body


class TestAnyText:
    @pytest.mark.parametrize(
        "title",
        [
            "x" * 500,
            "Long " * 100,
            "\u05d0\u05d9\u05e8\u05d5\u05e2 " * 20,
            "A\r\nBcc: x@example.org",
            "<script>alert(1)</script>",
            "Tom & 'Jerry' {{ 7 * 7 }}",
            "nul\0 bell\a",
        ],
    )
    def test_of_a_title_breaks_nothing(self, app: Flask, database: str, title: str):
        if database == "postgresql":
            title = title.replace("\0", "")  # it keeps none
        message = last_mail(make_rsvp(make_option(make_event(title=title)), name=title))
        found = parsed(message)
        assert "Bcc" not in found
        assert len(found["To"].addresses) == 1
        assert "<script>" not in message.html
        assert "49" not in entry_of(message).summary.value

    def test_of_the_reply_address_is_the_events_contact(self, app: Flask):
        event = make_event(contact_email="desk@example.org")
        found = parsed(last_mail(make_rsvp(make_option(event))))
        assert found["Reply-To"] == "desk@example.org"
        assert found["From"].addresses[0].addr_spec == "calendar@example.org"


def test_words_from_the_right_turn_no_sentence_of_ours(app: Flask, now: datetime):
    before, after = "دار الأوبرا", "قصر المؤتمرات"
    [told] = letters.events.changes({"venue": before}, {"venue": after}, ["venue"])
    assert told == f"Where: \u2068{before}\u2069 → \u2068{after}\u2069"
    [plain] = letters.events.changes({"venue": "The hall"}, {"venue": "The house"}, ["venue"])
    assert plain == "Where: The hall → The house"
    emails.staff_digest(
        make_staff(),
        "2026-11-23",
        events=[
            {"title": title, "slug": "x", "cancelled": 3, "failed": 0} for title in (before, "B")
        ],
        since=None,
        until=now,
        now=now,
    )
    message = rendering.render(db.session.scalars(select(OutboxMail)).one(), now=now)
    sentence = f"\u2068{before}\u2069: 3 cancellations."
    assert sentence in message.body
    assert re.search(rf'<p class="m" style="[^"]*">{sentence}</p>', message.html)
    assert re.search(r'<p class="m" dir="auto"[^>]*>B: 3 cancellations.</p>', message.html)


def test_the_links_of_an_address_say_what_has_been_cancelled(app: Flask):
    off, on = make_hybrid()[0], make_hybrid(venue_name="The annex")[0]
    for room in (off, on):
        make_rsvp(room, email="amina@example.org")
    lifecycle.cancel(event_id=off.event_id, reason="", staff_id=None, now=NOW)
    links.send(email="amina@example.org", now=NOW)
    mail = db.session.scalars(select(OutboxMail).filter_by(kind=MailKind.LINKS)).one()
    told = rendering.render(mail, now=NOW).body
    assert told.count("This event has been cancelled.") == 1
    assert "The Institute\n" not in told, "nobody is sent to where nothing takes place"
    assert "The annex" in told
    assert told.count("Open my RSVP") == 2


def test_the_links_of_an_address_send_nobody_who_waits_to_the_door(app: Flask):
    room = make_option(capacity=1)
    make_rsvp(room)
    make_rsvp(room, email="amina@example.org")
    links.send(email="amina@example.org", now=NOW)
    mail = db.session.scalars(select(OutboxMail).filter_by(kind=MailKind.LINKS)).one()
    told = rendering.render(mail, now=NOW).body
    assert "You are on the waitlist." in told
    assert "The Institute\n" not in told


def test_a_new_name_is_told_as_no_new_way_to_attend(app: Flask):
    room, stream = make_hybrid()
    rsvp = make_rsvp(room, name="Amina")
    renamed = details(name="Amina Bell", email=rsvp.email)
    rsvps.edit(rsvp_id=rsvp.id, details=renamed, now=NOW)
    told = last_mail(rsvp)
    assert "You now attend this way" not in told.body
    assert vobject.readOne(told.calendar.decode()).vevent.attendee.params["CN"] == ["Amina Bell"]
    rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=NOW)
    assert "You now attend this way: Online." in last_mail(rsvp).body


def all_have_gone() -> None:
    db.session.execute(update(OutboxMail).values(state=MailState.SENT))
    db.session.commit()


def said_to(rsvp: Rsvp) -> str:
    """What the latest mail about an RSVP says, on one line."""
    return " ".join(last_mail(rsvp).body.split())


def test_who_has_a_seat_and_waits_for_another_room_reads_of_rooms(app: Flask):
    hall = make_option(label="Hall A", capacity=1)
    annex = make_option(hall.event, label="Annex")
    first, rsvp = make_rsvp(hall), make_rsvp(annex)
    all_have_gone()
    rsvps.switch(rsvp_id=rsvp.id, option_id=hall.id, accepts_waiting=True, now=NOW)
    assert "Waiting for: Hall A." in said_to(rsvp)
    assert "What you have stays as it is: Annex." in said_to(rsvp)
    assert "online" not in said_to(rsvp)
    links.resend(rsvp_id=rsvp.id, now=NOW)
    assert "Your seat is reserved" in said_to(rsvp)
    assert "You are on the waitlist for another place as well: Hall A." in said_to(rsvp)
    assert "You are next." in said_to(rsvp)
    rsvps.cancel(rsvp_id=first.id, now=NOW)
    assert "A seat is yours" in said_to(rsvp)
    assert "You now attend this way: Hall A. Your calendar follows by itself." in said_to(rsvp)
    assert "the stream" not in said_to(rsvp)


def test_who_watches_and_waits_for_another_stream_reads_of_no_room(app: Flask):
    english = make_option(mode=AttendanceMode.VIRTUAL, label="In English", capacity=1)
    french = make_option(english.event, mode=AttendanceMode.VIRTUAL, label="In French")
    first, rsvp = make_rsvp(english), make_rsvp(french)
    all_have_gone()
    rsvps.switch(rsvp_id=rsvp.id, option_id=english.id, accepts_waiting=True, now=NOW)
    assert "What you have stays as it is: In French." in said_to(rsvp)
    links.resend(rsvp_id=rsvp.id, now=NOW)
    assert "You are on the waitlist for another place as well: In English." in said_to(rsvp)
    rsvps.cancel(rsvp_id=first.id, now=NOW)
    assert "A place is yours" in said_to(rsvp)
    assert "You now attend this way: In English. Your calendar follows by itself." in said_to(rsvp)
    assert "the room" not in said_to(rsvp)


def test_who_leaves_the_queue_and_goes_on_watching_reads_that_they_have_left_it(app: Flask):
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room)
    rsvp = make_rsvp(room, meanwhile_option_id=stream.id)
    rsvps.leave_waitlist(rsvp_id=rsvp.id, now=NOW)
    assert "You are not on the waitlist any more. What you have stays as it is: Online." in said_to(
        rsvp
    )
    rsvps.switch(rsvp_id=rsvp.id, option_id=room.id, accepts_waiting=True, now=NOW)
    assert "any more" not in said_to(rsvp)


@pytest.mark.parametrize("mode", AttendanceMode)
def test_who_waits_is_first_in_no_queue_that_has_closed(app: Flask, mode: AttendanceMode):
    option = make_option(mode=mode, capacity=1)
    make_rsvp(option)
    rsvp = make_rsvp(option)
    app.config["NOW"] = lambda: option.event.starts_at
    links.resend(rsvp_id=rsvp.id, now=NOW)
    told = last_mail(rsvp)
    assert told.subject.startswith("The queue has closed: Event")
    assert "first in the queue" not in told.body
    assert "The queue has closed, " in told.body
    of_what = "places" if option.is_virtual else "seats"
    assert f"No more {of_what} are given to it." in said_to(rsvp)


def test_who_watches_is_promised_no_seat_once_the_queue_has_closed(app: Flask):
    room, stream = make_hybrid(capacity=1, promotion_closes_at=NOW + timedelta(seconds=30))
    make_rsvp(room)
    rsvp = make_rsvp(room, meanwhile_option_id=stream.id)
    assert "You are on the waitlist for the room as well" in said_to(rsvp)
    app.config["NOW"] = lambda: NOW + timedelta(minutes=1)
    assert "You are watching" in said_to(rsvp)
    assert "waitlist" not in said_to(rsvp)


def test_an_assistants_copy_has_no_calendar_part(app: Flask):
    rsvp = make_rsvp(make_option(), email="amina@example.org", booked_by_email="office@example.org")
    copy = last_mail(rsvp, to="office@example.org")
    assert copy.calendar is None
    assert "What it brings for the calendar is in theirs alone." in " ".join(copy.body.split())
    assert "because you answered for" in copy.body
    assert "also attached" not in copy.body
    theirs = last_mail(rsvp, to="amina@example.org")
    assert theirs.calendar is not None
    assert "also attached" in theirs.body


def test_who_sent_no_rsvp_of_their_own_is_not_told_that_they_did(app: Flask):
    room, staff_id = make_option(), make_staff().id
    person = walkins.walk_in(
        event_id=room.event_id,
        details=details(email="walk@example.org"),
        staff_id=staff_id,
        now=NOW,
    )
    links.resend(rsvp_id=person.rsvp_id, staff_id=staff_id, now=NOW)
    assert "because you sent an RSVP" in last_mail(make_rsvp(room)).body
    why = "You get this message because the organisers entered your RSVP with this address."
    assert why in " ".join(last_mail(person.rsvp).body.split())


def test_the_same_row_is_the_same_message(app: Flask):
    rsvp = make_rsvp(make_option())
    assert last_mail(rsvp).as_bytes() == last_mail(rsvp).as_bytes()


def test_of_two_rooms_the_mails_say_which(app: Flask):
    event = make_event()
    hall = make_option(event, label="Main hall", capacity=1)
    make_option(event, label="Annex")
    seated, waiting = make_rsvp(hall), make_rsvp(hall)
    told = last_mail(seated)
    assert re.search(r"The Institute\s+Main hall\s", told.body)
    assert told.calendar is not None
    entry = icalendar.Calendar.from_ical(told.calendar).walk("VEVENT")[0]
    assert entry["DESCRIPTION"].startswith("Main hall\nThe Institute, ")
    assert entry["LOCATION"].startswith("The Institute, ")
    assert "Waiting for: Main hall." in last_mail(waiting).body
    assert "Waiting for" not in last_mail(_second(make_option(capacity=1))).body


def _second(option: AttendanceOption) -> Rsvp:
    """Who waits for an option of one seat."""
    make_rsvp(option)
    return make_rsvp(option)


def test_who_had_a_seat_and_is_rejected_reads_that_the_entry_goes(app: Flask):
    event = make_event()
    seated = make_rsvp(make_option(event))
    undecided = make_rsvp(make_option(event, needs_approval=True))
    approvals.reject(rsvp_ids=[seated.id, undecided.id], staff_id=make_staff().id, now=NOW)
    said = [last_mail(rsvp) for rsvp in (seated, undecided)]
    assert [message.method for message in said] == ["CANCEL", ""]
    leaves = "The entry leaves your calendar by itself."
    assert [leaves in message.body for message in said] == [True, False]


def test_only_who_gives_back_one_of_so_many_seats_reads_that_others_can_have_it(app: Flask):
    room, stream = make_hybrid(1)
    seated, waiting, watching = make_rsvp(room), make_rsvp(room), make_rsvp(stream)
    rsvps.leave_waitlist(rsvp_id=waiting.id, now=NOW)
    for rsvp in (watching, seated):
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    said = [
        "somebody else can have" in last_mail(rsvp).body for rsvp in (waiting, watching, seated)
    ]
    assert said == [False, False, True]


def test_who_brings_guests_to_a_stream_reads_who_watches(app: Flask):
    stream = make_option(make_event(guests_max=2), mode=AttendanceMode.VIRTUAL)
    alone = make_rsvp(stream, name="Ana Ruiz", email="ana@example.net")
    assert "Ana Ruiz" not in last_mail(alone).body
    rsvps.edit(
        rsvp_id=alone.id,
        now=NOW,
        details=details(name="Ana Ruiz", email="ana@example.net"),
        guests=["Bo Lindt", "Cy Moss"],
    )
    said = last_mail(alone)
    assert said.subject.startswith("Changed: ")
    assert "  Ana Ruiz\n  Bo Lindt\n  Cy Moss\n" in said.body


def test_nobody_is_said_to_wait_for_a_seat_where_all_get_in(app: Flask):
    free = last_mail(make_rsvp(make_option(capacity=None))).body
    assert "If you cannot come, cancel your RSVP." in free
    assert "waiting" not in free
    room = make_option(make_event(guests_max=1), capacity=3)
    party = last_mail(make_rsvp(room, guests=["Bo"])).body
    assert "give your seats back" in party


def test_who_is_to_watch_is_held_a_place_and_no_seat(app: Flask):
    event = make_event(confirms_addresses=True)
    room, stream = make_option(event), make_option(event, mode=AttendanceMode.VIRTUAL)
    assert "We hold your place until" in last_mail(make_rsvp(stream)).body
    assert "We hold your seat until" in last_mail(make_rsvp(room)).body


def test_a_name_or_title_without_a_space_breaks_at_the_edge_of_a_mail(app: Flask):
    assert "overflow-wrap:anywhere" in last_mail(make_rsvp(make_option())).html
