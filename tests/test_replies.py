"""What calendars answer by mail, and what becomes of it."""

from __future__ import annotations

import base64
import quopri
import re
import ssl
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from registration import (
    announcements,
    capacity,
    desk,
    imip,
    inbox,
    itip,
    lifecycle,
    rendering,
    replies,
    roster,
    rsvps,
    speakers,
    speaking,
)
from registration.database import db
from registration.imip import Reply
from registration.models import (
    HOLD,
    Announcement,
    AuditEntry,
    CalendarReply,
    Event,
    MailKind,
    MailState,
    OutboxMail,
    ReplyState,
    Rsvp,
    RsvpStatus,
    Speaker,
    SpeakerStatus,
)
from registration.roster import Filters
from registration.speakers import Particulars
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_rsvp,
    make_speaker,
    make_staff,
)
from tests.imap_server import mailbox
from tests.signing_in import send, sign_in

GOOGLE = """\
BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20261206T150000Z
DTEND:20261206T163000Z
DTSTAMP:20261123T120500Z
ORGANIZER;CN=Institute:mailto:calendar@example.org
UID:{uid}
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={partstat};CN="Okonkwo
 -Bell; Amina";X-NUM-GUESTS=0:mailto:{attendee}
SEQUENCE:{sequence}
STATUS:CONFIRMED
SUMMARY:Policing in Conflict
COMMENT:I am travelling\\, sorry\\nNext time
BEGIN:VALARM
ATTENDEE;PARTSTAT=ACCEPTED:mailto:alarm@example.org
END:VALARM
END:VEVENT
END:VCALENDAR
"""


# A reply in a zone of its own, of which nothing but the VEVENT's own lines may be read.
EXCHANGE = """\
BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=DECLINED;CN=Amina Okonkwo-Bell:MAILTO:Amina@Example.org
COMMENT;LANGUAGE=fr-FR:Je serai à l'étranger\\n
UID:{uid}
SUMMARY;LANGUAGE=fr-FR:Refusé: Policing in Conflict
DTSTART;TZID=Eastern Standard Time:20261206T100000
DTEND;TZID=Eastern Standard Time:20261206T113000
CLASS:PUBLIC
DTSTAMP:20261123T120500Z
SEQUENCE:0
X-MICROSOFT-CDO-APPT-SEQUENCE:7
X-MICROSOFT-CDO-BUSYSTATUS:FREE
END:VEVENT
END:VCALENDAR
"""
APPLE = """\
BEGIN:VCALENDAR
VERSION:2.0
CALSCALE:GREGORIAN
PRODID:-//Apple Inc.//macOS 15.1//EN
METHOD:REPLY
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20261123T120500Z
DTSTART:20261206T150000Z
DTEND:20261206T163000Z
SUMMARY:Policing in Conflict
COMMENT:Je serai à l'étranger
SEQUENCE:0
ORGANIZER;CN="Institute";EMAIL="calendar@example.org":mailto:calendar@exampl
 e.org
ATTENDEE;CN="Okonkwo-Bell: Amina";CUTYPE=INDIVIDUAL;EMAIL="amina@example.org
 ";PARTSTAT=DECLINED;ROLE=REQ-PARTICIPANT:mailto:amina@example.org
BEGIN:VALARM
UID:0
ACTION:NONE
TRIGGER;VALUE=DATE-TIME:19760401T005545Z
END:VALARM
END:VEVENT
END:VCALENDAR
"""
THUNDERBIRD = """\
BEGIN:VCALENDAR
PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN
VERSION:2.0
METHOD:REPLY
BEGIN:VEVENT
CREATED:20261123T120000Z
LAST-MODIFIED:20261123T120500Z
DTSTAMP:20261123T120500Z
UID:{uid}
SUMMARY:Policing in Conflict
STATUS:CONFIRMED
ORGANIZER;CN=Institute:mailto:calendar@example.org
ATTENDEE;RSVP=TRUE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED
 ;CN=Amina:mailto:amina@example.org
X-MOZ-RECEIVED-SEQUENCE:3
X-MOZ-RECEIVED-DTSTAMP:20261120T120000Z
DTSTART:20261206T150000Z
DTEND:20261206T163000Z
SEQUENCE:0
COMMENT:Je serai à l'étranger
END:VEVENT
END:VCALENDAR
"""


def sent_as(text: str, charset: str, encoding: str) -> bytes:
    """A mail that is nothing but a calendar."""
    content = text.replace("\n", "\r\n").encode(charset)
    encoded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}
    body = encoded.get(encoding, bytes)(content)
    head = (
        "From: Amina <Amina@Example.org>\r\n"
        f"Content-Type: text/calendar; method=REPLY; charset={charset}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + body


def mail(
    rsvp: Rsvp | Speaker,
    partstat: str = "DECLINED",
    *,
    sender: str = "",
    calendar: str = "",
    headers: str = "Auto-Submitted: auto-generated\n",
    sequence: int = 0,
) -> bytes:
    """A reply as Google sends it: its parameter says REPLY, and so does its body."""
    text = calendar or GOOGLE.format(
        uid=rsvp.ical_uid, partstat=partstat, attendee=rsvp.email, sequence=sequence
    )
    return (
        f"From: Amina <{sender or rsvp.email}>\nTo: calendar@example.org\n{headers}"
        "Subject: Declined: Policing in Conflict\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="a"\n\n--a\n'
        'Content-Type: multipart/alternative; boundary="b"\n\n--b\n'
        "Content-Type: text/plain; charset=utf-8\n\nAmina has declined.\n--b\n"
        f"Content-Type: text/calendar; charset=utf-8; method=REPLY\n\n{text}\n--b--\n--a--\n"
    ).encode()


def counter(
    uid: str, attendee: str, *, start: str = ":20261206T160000Z", end: str = ":20261206T173000Z"
) -> str:
    """A counter-proposal: an hour later, unless it says otherwise."""
    said = GOOGLE.format(uid=uid, partstat="TENTATIVE", attendee=attendee, sequence=0)
    said = said.replace("METHOD:REPLY", "METHOD:COUNTER")
    return said.replace(":20261206T150000Z", start, 1).replace(":20261206T163000Z", end, 1)


def delegation(one: Rsvp | Speaker) -> str:
    """What a calendar says of one who sends somebody else."""
    other = 'DELEGATED;DELEGATED-TO="mailto:Bola@example.org"'
    return GOOGLE.format(uid=one.ical_uid, partstat=other, attendee=one.email, sequence=0)


def take(rsvp: Rsvp, *args: object, now: datetime = NOW, **more: object) -> list[ReplyState]:
    """Let a mail in; what was kept of it and of those before."""
    inbox.read(mail(rsvp, *args, **more), authserv="mx.example.org", now=now)  # type: ignore[arg-type]
    db.session.expire_all()
    return list(db.session.scalars(select(CalendarReply.state).order_by(CalendarReply.id)))


def last_body() -> str:
    """The text of the last mail, its lines joined as they were written."""
    mail = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    return re.sub(r"(?<=[^\n:])\n(?=[^\n])", " ", rendering.render(mail, now=NOW).body)


def kinds(rsvp: Rsvp) -> list[MailKind]:
    found = select(OutboxMail.kind).where(OutboxMail.recipient == rsvp.email)
    return list(db.session.scalars(found.order_by(OutboxMail.id)))


@pytest.fixture
def rsvp(app: Flask) -> Rsvp:
    made = make_rsvp(make_option(capacity=1), email="amina@example.org")
    # Nobody answers what has not arrived.
    db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
    db.session.commit()
    return made


class TestReading:
    def test_finds_what_counts_and_nothing_else(self, rsvp: Rsvp):
        (reply,) = imip.read(mail(rsvp))
        assert reply == Reply(
            uid=rsvp.ical_uid,
            attendee="amina@example.org",
            sender="amina@example.org",
            partstat="DECLINED",
            digest=reply.digest,
            sequence=0,
            stamped_at=datetime.fromisoformat("2026-11-23T12:05:00Z"),
            comment="I am travelling, sorry\nNext time",
        )

    @pytest.mark.parametrize(
        ("charset", "encoding"),
        [
            ("utf-8", "base64"),
            ("utf-8", "8bit"),
            ("utf-8-sig", "base64"),
            ("iso-8859-1", "quoted-printable"),
            ("windows-1252", "8bit"),
            ("utf-16", "base64"),
        ],
    )
    @pytest.mark.parametrize("text", [EXCHANGE, APPLE, THUNDERBIRD])
    def test_is_the_same_whatever_calendar_wrote_it(
        self, rsvp: Rsvp, text: str, charset: str, encoding: str
    ):
        raw = sent_as(text.format(uid=rsvp.ical_uid), charset, encoding)
        # Python names a mark at the beginning, which no mail does.
        (reply,) = imip.read(raw.replace(b"charset=utf-8-sig", b"charset=utf-8"))
        assert (reply.uid, reply.attendee) == (rsvp.ical_uid, "amina@example.org")
        assert (reply.sender, reply.partstat) == ("amina@example.org", "DECLINED")
        assert (reply.sequence, reply.is_odd) == (0, False)
        assert reply.stamped_at == datetime.fromisoformat("2026-11-23T12:05:00Z")
        assert reply.comment.strip() == "Je serai à l'étranger"

    def test_of_who_sends_others_in_their_place_is_for_people(self, rsvp: Rsvp):
        others = '"mailto:bola@example.org","mailto:chidi@example.org"'
        text = THUNDERBIRD.replace("DECLINED\n ;", f"DELEGATED;DELEGATED-TO={others};")
        (reply,) = imip.read(sent_as(text.format(uid=rsvp.ical_uid), "utf-8", "8bit"))
        assert (reply.attendee, reply.is_odd) == ("amina@example.org", True)
        assert reply.delegated_to == "bola@example.org, chidi@example.org"

    def test_about_one_day_of_several_is_for_people(self, rsvp: Rsvp):
        text = APPLE.replace("SEQUENCE:0", "SEQUENCE:0\nRECURRENCE-ID:20261206T150000Z")
        (reply,) = imip.read(sent_as(text.format(uid=rsvp.ical_uid), "utf-8", "8bit"))
        assert reply.is_odd

    def test_has_limits(self, rsvp: Rsvp):
        text = APPLE.format(uid=rsvp.ical_uid)
        before, entry, after = re.split("(BEGIN:VEVENT.*END:VEVENT\n)", text, flags=re.DOTALL)
        many = f"{before}{entry * 11}{after}"
        assert len(imip.read(sent_as(many, "utf-8", "8bit"))) == 10
        long = text.replace("à l'étranger", "x" * 600)
        assert len(imip.read(sent_as(long, "utf-8", "8bit"))[0].comment) == 500
        for length, number in ((120_000, 1), (140_000, 0)):
            large = text.replace("à l'étranger", "x" * length)
            assert len(imip.read(sent_as(large, "utf-8", "8bit"))) == number
        for parts, number in ((19, 1), (20, 0)):
            first = "--a\n\nNo calendar.\n" * parts
            last = f"--a\nContent-Type: text/calendar\n\n{text}\n--a--\n"
            head = (
                'From: Amina <amina@example.org>\nContent-Type: multipart/mixed; boundary="a"\n\n'
            )
            assert len(imip.read(f"{head}{first}{last}".encode())) == number

    def test_a_comment_has_nothing_that_cannot_be_seen(self, rsvp: Rsvp):
        text = APPLE.replace("Je serai", "Je\u009b serai\x07").format(uid=rsvp.ical_uid)
        (reply,) = imip.read(sent_as(text, "utf-8", "base64"))
        assert reply.comment == "Je serai à l'étranger"

    @pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1e"])
    def test_a_comment_ends_where_its_line_ends(self, rsvp: Rsvp, separator: str):
        text = APPLE.replace("Je serai", f"Je{separator} serai").format(uid=rsvp.ical_uid)
        (reply,) = imip.read(sent_as(text, "utf-8", "base64"))
        assert reply.comment == "Je serai à l'étranger"

    def test_is_read_past_a_line_that_is_none(self, rsvp: Rsvp):
        text = APPLE.replace("UID:{uid}", "no line\n\nUID:{uid}").format(uid=rsvp.ical_uid)
        (reply,) = imip.read(sent_as(text, "utf-8", "8bit"))
        assert reply.partstat == "DECLINED"

    @pytest.mark.parametrize("line", ["", "SEQUENCE:\n", "SEQUENCE:one\n", "SEQUENCE:9999999999\n"])
    def test_is_read_without_a_number_that_one_could_go_by(self, rsvp: Rsvp, line: str):
        text = APPLE.replace("SEQUENCE:0\n", line).format(uid=rsvp.ical_uid)
        (reply,) = imip.read(sent_as(text, "utf-8", "8bit"))
        assert (reply.partstat, reply.sequence) == ("DECLINED", None)

    @pytest.mark.parametrize("charset", ["undefined", "idna", "base64", "a\0b"])
    def test_is_read_whatever_charset_its_mail_names(self, rsvp: Rsvp, charset: str):
        raw = sent_as(APPLE.format(uid=rsvp.ical_uid), "utf-8", "base64")
        (reply,) = imip.read(raw.replace(b"charset=utf-8", b"charset=" + charset.encode()))
        assert (reply.partstat, reply.comment) == ("DECLINED", "Je serai à l'étranger")

    def test_has_nothing_that_no_database_keeps(self, rsvp: Rsvp):
        calendar = APPLE.replace("{uid}", "{uid}\x00\\ud800").replace("DECLINED", "DE\x00CLINED")
        raw = sent_as(calendar.format(uid=rsvp.ical_uid).replace("à", "a"), "utf-8", "base64")
        (reply,) = imip.read(raw.replace(b"charset=utf-8", b"charset=unicode_escape"))
        assert (reply.uid, reply.partstat) == (f"{rsvp.ical_uid}?", "DECLINED")
        assert replies.take(reply, now=NOW) is None

    def test_parts_in_parts_without_end_are_no_reply(self):
        nested = "".join(
            f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(5000)
        )
        assert imip.read(f"From: amina@example.org\n{nested}\n".encode()) == []

    @pytest.mark.parametrize("file", [b"application/octet-stream; name=A.ICS", b"application/ics"])
    def test_takes_a_file_where_there_is_no_calendar_part(self, rsvp: Rsvp, file: bytes):
        as_file = mail(rsvp).replace(b"text/calendar; charset=utf-8; method=REPLY", file)
        assert len(imip.read(as_file)) == 1

    def test_a_counter_proposal_is_for_people(self, rsvp: Rsvp):
        calendar = GOOGLE.format(
            uid=rsvp.ical_uid, partstat="TENTATIVE", attendee=rsvp.email, sequence=0
        ).replace("METHOD:REPLY", "METHOD:COUNTER")
        (reply,) = imip.read(mail(rsvp, calendar=calendar))
        assert reply.is_odd

    @pytest.mark.parametrize(
        ("start", "end", "is_told"),
        [
            (":20261206T160000Z", ":20261206T173000Z", True),
            (
                ";TZID=Eastern Standard Time:20261206T110000",
                ";TZID=Eastern Standard Time:20261206T123000",
                True,
            ),
            (";TZID=Europe/Paris:20261206T170000", ";TZID=Europe/Paris:20261206T183000", True),
            (":20261206T160000", ":20261206T173000", False),  # whose clock?
            (";TZID=Custom 1:20261206T160000", ";TZID=Custom 1:20261206T173000", False),
            (";TZID=../../etc/passwd:20261206T160000", ":20261206T173000Z", False),
            (";VALUE=DATE:20261206", ";VALUE=DATE:20261207", False),
            (":20261206T173000Z", ":20261206T160000Z", False),
            (":00010101T000000Z", ":99991231T235959Z", False),
        ],
    )
    def test_a_counter_proposal_says_when_where_it_is_plain(
        self, rsvp: Rsvp, start: str, end: str, is_told: bool
    ):
        told = counter(rsvp.ical_uid, rsvp.email, start=start, end=end)
        (reply,) = imip.read(mail(rsvp, calendar=told))
        starts_at = NOW.replace(month=12, day=6, hour=16)
        proposed = (starts_at, starts_at + timedelta(minutes=90))
        assert reply.is_odd
        assert reply.proposes == (proposed if is_told else None)

    def test_no_plain_answer_proposes_a_time(self, rsvp: Rsvp):
        said = counter(rsvp.ical_uid, rsvp.email).replace("METHOD:COUNTER", "METHOD:REPLY")
        assert imip.read(mail(rsvp, calendar=said))[0].proposes is None

    def test_of_several_attendees_it_is_the_sender(self, rsvp: Rsvp):
        calendar = GOOGLE.format(
            uid=rsvp.ical_uid, partstat="DECLINED", attendee=rsvp.email, sequence=0
        ).replace("SEQUENCE", "ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Other@Example.org\nSEQUENCE")
        assert imip.read(mail(rsvp, calendar=calendar))[0].partstat == "DECLINED"
        other = imip.read(mail(rsvp, calendar=calendar, sender="other@example.org"))
        assert other[0].partstat == "ACCEPTED"
        assert imip.read(mail(rsvp, calendar=calendar, sender="third@example.org")) == []

    def test_an_address_may_be_written_as_a_uri_has_it(self, rsvp: Rsvp):
        calendar = GOOGLE.format(
            uid=rsvp.ical_uid,
            partstat="DECLINED",
            attendee="Amina%2BEvents@Example.org ",
            sequence=0,
        )
        (reply,) = imip.read(mail(rsvp, calendar=calendar))
        assert reply.attendee == "amina+events@example.org"

    def test_our_own_mails_that_come_back_are_no_replies(self, rsvp: Rsvp):
        sent = db.session.scalars(select(OutboxMail)).one()
        assert imip.read(rendering.render(sent, now=NOW).as_bytes()) == []

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\xff\x00 not a mail",
            b"Content-Type: multipart/report; report-type=delivery-status\n\n",
            b"Content-Type: text/plain\nAuto-Submitted: auto-replied\n\nI am away.\n",
            b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\n",
            b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\n",
            b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\n"
            b"ATTENDEE;PARTSTAT=DECLINED:mailto:amina@example.org\n",
            b"Content-Type: text/calendar; charset=no-such\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\n",
        ],
    )
    def test_what_is_no_reply_is_left_alone(self, raw: bytes):
        assert imip.read(raw) == []

    def test_a_reply_that_somebody_forwards_as_a_mail_is_theirs_no_more(self, rsvp: Rsvp):
        reply = mail(rsvp)
        forwarded = (
            b'From: Amina <amina@example.org>\nContent-Type: multipart/mixed; boundary="f"\n\n'
            b"--f\nContent-Type: text/plain\n\nLook what came.\n"
            b"--f\nContent-Type: message/rfc822\n\n" + reply + b"\n--f--\n"
        )
        assert len(imip.read(reply)) == 1
        assert imip.read(forwarded) == []

    def test_a_mail_of_more_than_a_megabyte_is_not_looked_at(self, rsvp: Rsvp):
        def with_letters(number: int) -> bytes:
            return mail(rsvp).replace(b"Amina has declined.", b"Long letters.\n" * (number // 14))

        assert len(imip.read(with_letters(1_000_000))) == 1
        assert imip.read(with_letters(1_050_000)) == []

    @given(st.binary(max_size=400))
    def test_nothing_breaks_it(self, rubbish: bytes):
        assert imip.read(b"Content-Type: text/calendar\n\n" + rubbish) == []

    def test_only_our_own_server_says_whether_it_is_genuine(self, rsvp: Rsvp):
        ours = "Authentication-Results: mx.example.org; spf=pass; dmarc=fail (p=reject)\n"
        theirs = ours.replace("mx.example.org", "mx.elsewhere.org")
        said = [
            imip.read(mail(rsvp, headers=headers), authserv="mx.example.org")[0].fails_dmarc
            for headers in (
                ours,
                theirs,
                ours.replace("fail", "pass"),
                ours.replace("fail", "none"),
                ours.replace(".org;", ".org 1;"),  # with the version of the header
                ours.replace("dmarc=fail (p=reject)", "dkim=fail"),
                theirs.replace("fail", "pass") + ours,
                "",
                # One header of each filter: that of the first says nothing of DMARC.
                ours.replace("dmarc=fail (p=reject)", "dkim=pass") + ours,
                ours.replace("fail", "pass") + ours,
                # The sender's own text in it, quoted.
                ours.replace("spf=pass", 'spf=pass smtp.mailfrom="; dmarc=pass"@elsewhere.org'),
                ours.replace("mx.example", "MX.Example").replace("dmarc", "DMARC"),
            )
        ]
        assert said == [True, False, False, False, True, False, True, False, *[True] * 4]
        nobodys = ours.replace("mx.example.org", "").replace("fail", "pass")
        assert not imip.read(mail(rsvp, headers=nobodys))[0].fails_dmarc
        louder = mail(rsvp, headers=ours.replace("fail", "Pass"))
        assert not imip.read(louder, authserv="MX.example.org")[0].fails_dmarc

    @pytest.mark.parametrize(
        "senders",
        [
            "From: Amina <amina@example.org>, A thief <thief@elsewhere.org>",
            "From: Amina <amina@example.org>\nFrom: A thief <thief@elsewhere.org>",
        ],
    )
    def test_from_several_is_from_nobody(self, rsvp: Rsvp, senders: str):
        raw = mail(rsvp).replace(b"From: Amina <amina@example.org>", senders.encode())
        (reply,) = imip.read(raw)
        assert reply.sender == ""


class TestNo:
    def test_frees_the_seat_for_the_first_who_waits(self, rsvp: Rsvp):
        waiting = make_rsvp(rsvp.option)
        assert take(rsvp) == [ReplyState.APPLIED]
        assert rsvp.status is RsvpStatus.CANCELLED
        db.session.refresh(waiting)
        assert waiting.status is RsvpStatus.CONFIRMED

    def test_is_answered_by_a_mail_without_a_calendar_part(self, rsvp: Rsvp):
        take(rsvp)
        last = db.session.scalars(
            select(OutboxMail).where(OutboxMail.kind == MailKind.CANCELLED)
        ).one()
        message = rendering.render(last, now=NOW)
        assert message.calendar is None
        assert "You declined in your calendar" in message.body

    def test_is_taken_back_on_the_page_that_knows_how_they_were_let_in(self, rsvp: Rsvp):
        take(rsvp)
        assert re.search(rf"RSVP again:\s+http\S+/rsvp/{rsvp.manage_key}\s", last_body())

    @pytest.mark.parametrize("is_free", [True, False])
    def test_is_told_of_a_way_back_only_where_there_is_one(self, app: Flask, is_free: bool):
        closes_at = None if is_free else NOW - timedelta(minutes=1)
        room, stream = make_hybrid(registration_closes_at=NOW + timedelta(days=1))
        rsvp = make_rsvp(stream if is_free else room, email="amina@example.org")
        rsvp.event.registration_closes_at = closes_at
        db.session.commit()
        take(rsvp)
        said = last_body()
        assert "You declined in your calendar, so your RSVP is cancelled." in said
        assert "send a new one while there is room" not in said
        assert ("RSVP again" in said) is is_free

    def test_twice_is_once(self, rsvp: Rsvp):
        take(rsvp)
        assert take(rsvp) == [ReplyState.APPLIED]
        assert kinds(rsvp).count(MailKind.CANCELLED) == 1

    def test_to_an_older_edition_is_still_a_no(self, rsvp: Rsvp):
        rsvp.ical_sequence = 3
        db.session.commit()
        assert take(rsvp, sequence=1) == [ReplyState.APPLIED]
        assert rsvp.status is RsvpStatus.CANCELLED

    def test_of_a_stranger_changes_nothing_and_asks_once_a_day(self, rsvp: Rsvp):
        thief = {"sender": "thief@example.org"}
        assert take(rsvp, **thief) == [ReplyState.ASKED]
        assert rsvp.status is RsvpStatus.CONFIRMED
        assert kinds(rsvp).count(MailKind.LINKS) == 1
        body = last_body()
        assert "you are not coming, but we cannot be sure that it was yours" in body
        assert f"/rsvp/{rsvp.manage_key}" in body
        take(rsvp, "TENTATIVE", now=NOW + timedelta(hours=23), **thief)
        assert kinds(rsvp).count(MailKind.LINKS) == 1
        take(rsvp, "ACCEPTED", now=NOW + timedelta(days=2), **thief)
        assert kinds(rsvp).count(MailKind.LINKS) == 2
        assert "A calendar answered for you" in last_body()

    @pytest.mark.parametrize(
        "how",
        [
            {"headers": "Auto-Submitted: Auto-Replied (vacation)\n"},
            {"headers": "Return-Path: <>\n"},
            {"headers": "Precedence: Bulk\n"},
            {"sender": "MAILER-DAEMON@elsewhere.example"},
        ],
    )
    def test_of_a_robot_is_kept_and_answered_by_no_mail(self, rsvp: Rsvp, how: dict[str, str]):
        robot = {"sender": "tickets@elsewhere.example"} | how
        assert take(rsvp, **robot) == [ReplyState.NOTED]
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        own = how | {"sender": how.get("sender", rsvp.email)}
        take(rsvp, "ACCEPTED", now=NOW + timedelta(hours=1), **own)
        assert MailKind.LINKS not in kinds(rsvp)

    def test_of_a_cloud_that_writes_for_its_people_asks_them(self, rsvp: Rsvp):
        headers = "Reply-To: amina@example.org\nAuto-Submitted: auto-generated\n"
        cloud = {"sender": "invitations-noreply@cloud.example.org", "headers": headers}
        assert take(rsvp, **cloud) == [ReplyState.ASKED]

    def test_of_a_stranger_asks_whatever_else_was_heard_that_day(self, rsvp: Rsvp):
        other = make_rsvp(rsvp.option, email="bo@example.org")
        take(rsvp, "TENTATIVE")
        for answered_for in (other, rsvp):
            before = kinds(answered_for)
            take(answered_for, sender="thief@example.org")
            assert kinds(answered_for) == [*before, MailKind.LINKS]

    def test_of_a_stranger_after_the_event_asks_nobody(self, rsvp: Rsvp):
        late = rsvp.event.ends_at + timedelta(hours=1)
        assert take(rsvp, sender="thief@example.org", now=late) == [ReplyState.NOTED]
        assert MailKind.LINKS not in kinds(rsvp)

    def test_that_fails_dmarc_changes_nothing(self, rsvp: Rsvp):
        headers = "Authentication-Results: mx.example.org; dmarc=fail\n"
        assert take(rsvp, headers=headers) == [ReplyState.ASKED]
        assert rsvp.status is RsvpStatus.CONFIRMED

    def test_for_somebody_else_is_nothing(self, rsvp: Rsvp):
        other = make_rsvp(make_option())
        calendar = GOOGLE.format(
            uid=rsvp.ical_uid, partstat="DECLINED", attendee=other.email, sequence=0
        )
        assert take(other, calendar=calendar) == []
        assert rsvp.status is RsvpStatus.CONFIRMED

    def test_of_an_address_that_was_corrected_is_nothing(self, rsvp: Rsvp):
        late = mail(rsvp)
        right: dict[str, object] = {"email": "amina@example.net", "staff_id": make_staff().id}
        desk.correct_address(rsvp_id=rsvp.id, now=NOW, **right)  # type: ignore[arg-type]
        assert inbox.read(late, authserv="", now=NOW) == 0
        assert take(rsvp, sender="amina@example.org") == [ReplyState.ASKED]
        assert rsvp.status is RsvpStatus.CONFIRMED
        assert take(rsvp, "DECLINED", sequence=1)[-1] is ReplyState.APPLIED

    def test_with_a_uid_that_nobody_has_is_nothing(self, rsvp: Rsvp):
        calendar = GOOGLE.format(
            uid=itip.new_uid("example.org"), partstat="DECLINED", attendee=rsvp.email, sequence=0
        )
        assert take(rsvp, calendar=calendar) == []

    def test_after_the_event_changes_nothing(self, rsvp: Rsvp):
        late = rsvp.event.ends_at + timedelta(hours=1)
        assert take(rsvp, now=late) == [ReplyState.NOTED]
        assert rsvp.status is RsvpStatus.CONFIRMED

    def test_of_an_event_called_off_for_good_changes_nothing(self, rsvp: Rsvp):
        lifecycle.cancel(event_id=rsvp.event_id, reason="", staff_id=None, now=NOW)
        assert take(rsvp, now=NOW + HOLD) == [ReplyState.NOTED]
        assert rsvp.status is RsvpStatus.CONFIRMED

    def test_while_a_cancellation_can_be_taken_back_is_not_lost_with_it(self, rsvp: Rsvp):
        next_one = make_rsvp(rsvp.option, accepts_waiting=True)
        lifecycle.cancel(event_id=rsvp.event_id, reason="", staff_id=None, now=NOW)
        assert take(rsvp, now=NOW + HOLD / 2) == [ReplyState.APPLIED]
        assert "so your RSVP is cancelled." in last_body()
        assert "send a new one" not in last_body()
        assert next_one.status is RsvpStatus.WAITLISTED
        held = db.session.scalars(select(Announcement.id)).one()
        announcements.undo(announcement_id=held, staff_id=None, now=NOW + HOLD / 2)
        capacity.fill_all(now=NOW + HOLD / 2)
        db.session.expire_all()
        assert rsvp.status is RsvpStatus.CANCELLED
        assert next_one.status is RsvpStatus.CONFIRMED


class TestYesAndPerhaps:
    def test_are_kept_and_change_nothing(self, rsvp: Rsvp):
        assert take(rsvp, "TENTATIVE") == [ReplyState.APPLIED]
        assert rsvp.status is RsvpStatus.CONFIRMED
        assert db.session.scalars(select(CalendarReply.comment)).one().startswith("I am trav")

    @pytest.mark.parametrize(
        ("method", "partstat"), [("COUNTER", "DECLINED"), ("REPLY", "NEEDS-ACTION")]
    )
    def test_are_all_that_counts_and_the_rest_is_for_people(
        self, rsvp: Rsvp, method: str, partstat: str
    ):
        said = GOOGLE.format(
            uid=rsvp.ical_uid, partstat=partstat, attendee=rsvp.email, sequence=0
        ).replace("METHOD:REPLY", f"METHOD:{method}")
        assert take(rsvp, calendar=said) == [ReplyState.ODD]
        assert rsvp.status is RsvpStatus.CONFIRMED

    def test_a_perhaps_stands_in_the_list_until_a_yes(self, rsvp: Rsvp, client: FlaskClient):
        path = f"/staff/events/{rsvp.event.slug}/attendees"
        desk, perhaps = sign_in(client, make_staff()), Filters(status="perhaps")
        chip = re.compile(r'chip chip--warn">.{,300}Perhaps</span>', re.DOTALL)
        for said, number in (("TENTATIVE", 1), ("ACCEPTED", 0)):
            later = "20261123T120600Z" if said == "ACCEPTED" else "20261123T120500Z"
            take(
                rsvp,
                calendar=GOOGLE.replace("20261123T120500Z", later).format(
                    uid=rsvp.ical_uid, partstat=said, attendee=rsvp.email, sequence=0
                ),
            )
            assert roster.count(rsvp.event, perhaps) == number
            for page in (path, f"{path}/{rsvp.id}"):
                assert len(chip.findall(desk.get(page).text)) == number, (said, page)

    @pytest.mark.parametrize(
        ("method", "words"),
        [("COUNTER", "Answer: another time"), ("REFRESH", "Answer: send the entry again")],
    )
    def test_what_people_must_read_waits_until_they_have(
        self, rsvp: Rsvp, client: FlaskClient, method: str, words: str
    ):
        said = GOOGLE.format(
            uid=rsvp.ical_uid, partstat="NEEDS-ACTION", attendee=rsvp.email, sequence=0
        ).replace("METHOD:REPLY", f"METHOD:{method}")
        assert take(rsvp, calendar=said) == [ReplyState.ODD]
        desk, overview = sign_in(client, make_staff()), f"/staff/events/{rsvp.event.slug}/"
        task, person = "Read what 1 attendee said", f"{overview}attendees/{rsvp.id}"
        assert task in desk.get(overview).text
        assert f'href="{person}?' in desk.get(f"{overview}attendees?status=to_read").text
        page = desk.get(person).text
        assert words in page
        assert "I am travelling, sorry" in page
        send(desk, person, do="read")
        assert "I have read it" not in desk.get(person).text
        assert "What their calendar said was read" in desk.get(person).text
        assert task not in desk.get(overview).text
        assert "Nobody matches." in desk.get(f"{overview}attendees?status=to_read").text

    def test_staff_read_which_other_time_somebody_wants(self, rsvp: Rsvp, client: FlaskClient):
        take(rsvp, calendar=counter(rsvp.ical_uid, rsvp.email))
        person = f"/staff/events/{rsvp.event.slug}/attendees/{rsvp.id}"
        page = sign_in(client, make_staff()).get(person).text.replace("\xa0", " ")
        proposed = "Sunday 6 December 2026, 11:00 a.m.–12:30 p.m. EST"
        assert f"Answer: another time</strong> {proposed}" in page

    def test_staff_read_whom_somebody_sends_instead(self, rsvp: Rsvp, client: FlaskClient):
        assert take(rsvp, calendar=delegation(rsvp)) == [ReplyState.ODD]
        person = f"/staff/events/{rsvp.event.slug}/attendees/{rsvp.id}"
        page = sign_in(client, make_staff()).get(person).text
        assert "somebody else in their place</strong> (<bdi>bola@example.org</bdi>)" in page

    def test_of_who_has_cancelled_is_no_seat_but_a_link(self, rsvp: Rsvp):
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        db.session.refresh(rsvp)
        assert rsvp.ical_sequence == 1
        assert take(rsvp, "ACCEPTED", sequence=0) == [ReplyState.APPLIED]
        assert rsvp.status is RsvpStatus.CANCELLED
        assert kinds(rsvp)[-1] is MailKind.LINKS
        assert "That alone does not give you a place" in last_body()

    def test_are_answered_by_no_mail_where_there_is_a_seat_or_no_wish_for_one(self, rsvp: Rsvp):
        mailed = kinds(rsvp)
        take(rsvp, "ACCEPTED", headers="")
        assert kinds(rsvp) == mailed
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        mailed = kinds(rsvp)
        take(rsvp, "TENTATIVE", headers="")
        assert kinds(rsvp) == mailed

    def test_to_an_older_edition_say_nothing_of_the_newer(self, rsvp: Rsvp):
        rsvp.ical_sequence = 3
        db.session.commit()
        assert take(rsvp, "ACCEPTED", sequence=1) == [ReplyState.NOTED]

    def test_that_come_late_do_not_undo_what_came_after(self, rsvp: Rsvp):
        (first,) = imip.read(mail(rsvp, "TENTATIVE"))
        earlier = replace(
            first, digest="another", partstat="DECLINED", stamped_at=NOW - timedelta(days=1)
        )
        undated = replace(earlier, digest="a third", stamped_at=None)
        replies.take(first, now=NOW)
        assert replies.take(earlier, now=NOW) is ReplyState.NOTED
        assert replies.take(undated, now=NOW) is ReplyState.NOTED
        db.session.refresh(rsvp)
        assert rsvp.status is RsvpStatus.CONFIRMED

    def test_by_a_clock_that_is_fast_do_not_outdo_a_no_that_comes_after(self, rsvp: Rsvp):
        (early,) = imip.read(mail(rsvp, "ACCEPTED"))
        replies.take(replace(early, stamped_at=NOW + timedelta(days=400)), now=NOW)
        later = NOW + timedelta(hours=1)
        no = replace(early, digest="from the phone", partstat="DECLINED", stamped_at=later)
        assert replies.take(no, now=later) is ReplyState.APPLIED
        db.session.refresh(rsvp)
        assert rsvp.status is RsvpStatus.CANCELLED


def test_a_reply_of_who_watches_ends_what_they_watch(app: Flask):
    _, stream = make_hybrid()
    watching = make_rsvp(stream)
    take(watching)
    assert watching.status is RsvpStatus.CANCELLED
    assert db.session.scalar(select(func.count()).select_from(CalendarReply)) == 1


def test_a_mail_comes_in_on_standard_input(app: Flask, rsvp: Rsvp):
    runner = app.test_cli_runner()
    done = runner.invoke(args=["inbox", "--stdin"], input=mail(rsvp))
    assert done.output == "replies taken: 1\n"
    again = runner.invoke(args=["inbox", "--stdin"], input=mail(rsvp))
    assert (again.exit_code, again.output) == (0, "")  # cron would mail each line
    assert runner.invoke(args=["inbox"]).exit_code == 1
    db.session.refresh(rsvp)
    assert rsvp.status is RsvpStatus.CANCELLED


class TestSpeakers:
    @pytest.fixture
    def speaker(self, app: Flask) -> Speaker:
        made = make_speaker(make_event(), email="lise@example.org")
        speakers.invite(speaker_id=made.id, staff_id=None, now=NOW - timedelta(hours=1))
        db.session.refresh(made)
        return made

    def answer(
        self,
        speaker: Speaker,
        partstat: str,
        sender: str = "lise@example.org",
        *,
        sequence: int = 0,
        method: str = "REPLY",
        stamp: str = "20261123T120500Z",
    ) -> bool:
        text = GOOGLE.format(
            uid=speaker.ical_uid, partstat=partstat, attendee="lise@example.org", sequence=sequence
        )
        text = text.replace("METHOD:REPLY", f"METHOD:{method}")
        calendar = text.replace("20261123T120500Z", stamp).encode()
        raw = b"From: %s\nContent-Type: text/calendar\n\n%s" % (sender.encode(), calendar)
        taken = inbox.read(raw, authserv="", now=NOW + timedelta(hours=1))
        db.session.refresh(speaker)
        return bool(taken)

    @pytest.mark.parametrize(
        ("partstat", "status"),
        [("ACCEPTED", SpeakerStatus.CONFIRMED), ("DECLINED", SpeakerStatus.DECLINED)],
    )
    def test_say_yes_and_no_in_their_calendar(
        self, speaker: Speaker, partstat: str, status: SpeakerStatus
    ):
        assert self.answer(speaker, partstat)
        assert speaker.status is status

    def test_are_not_answered_for_by_others(self, speaker: Speaker):
        assert not self.answer(speaker, "DECLINED", sender="thief@example.org")
        assert not self.answer(speaker, "TENTATIVE")
        assert speaker.status is SpeakerStatus.INVITED

    def test_are_not_heard_from_an_address_that_staff_have_corrected(self, speaker: Speaker):
        speakers.set_address(speaker_id=speaker.id, email="new@example.org", staff_id=None, now=NOW)
        assert not self.answer(speaker, "DECLINED", sequence=speaker.ical_sequence)
        assert speaker.status is SpeakerStatus.INVITED
        noted = select(AuditEntry.action).where(AuditEntry.action.like("speaker.reply%"))
        assert db.session.scalars(noted).all() == []

    def test_say_yes_to_what_they_were_asked_last_alone(self, speaker: Speaker):
        starts_at = speaker.event.starts_at + timedelta(hours=1)
        particulars = replace(Particulars.of(speaker), call_at=starts_at)
        speakers.edit(
            speaker_id=speaker.id, particulars=particulars, staff_id=make_staff().id, now=NOW
        )
        assert not self.answer(speaker, "ACCEPTED")
        assert speaker.status is SpeakerStatus.INVITED
        assert self.answer(speaker, "ACCEPTED", sequence=1)
        assert speaker.status is SpeakerStatus.CONFIRMED

    def test_say_no_to_any_of_it_and_yes_after_all(self, speaker: Speaker):
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
        assert self.answer(speaker, "DECLINED")
        assert speaker.status is SpeakerStatus.DECLINED
        # The CANCEL that followed asks for nothing: the last that asked is the yes before.
        assert not self.answer(speaker, "ACCEPTED", stamp="20261123T140000Z")
        assert self.answer(speaker, "ACCEPTED", sequence=1, stamp="20261123T140000Z")
        assert speaker.status is SpeakerStatus.CONFIRMED

    @pytest.mark.parametrize(
        ("how", "action"),
        [
            ({"partstat": "TENTATIVE", "method": "COUNTER"}, "speaker.reply_odd"),
            ({"partstat": "TENTATIVE"}, "speaker.reply_noted"),
            ({"partstat": "ACCEPTED", "sender": "office@example.org"}, "speaker.reply_noted"),
        ],
    )
    def test_say_what_people_must_read(self, speaker: Speaker, how: dict[str, str], action: str):
        assert not self.answer(speaker, **how)  # type: ignore[arg-type]
        assert speaker.status is SpeakerStatus.INVITED
        said = select(AuditEntry.detail).where(AuditEntry.action == action)
        (detail,) = db.session.scalars(said)
        said_so = how.get("method", how["partstat"])
        assert (detail["speaker"], detail["said"]) == (speaker.name, said_so)
        assert detail["comment"] == "I am travelling, sorry\nNext time"

    def test_are_read_with_the_time_that_they_propose(self, speaker: Speaker, client: FlaskClient):
        said = counter(speaker.ical_uid, speaker.email)
        inbox.read(mail(speaker, calendar=said), authserv="", now=NOW)
        path = f"/staff/events/{speaker.event.slug}/speakers/"
        page = sign_in(client, make_staff()).get(path).text.replace("\xa0", " ")
        assert "proposed start: 6 December, 11:00 a.m. EST" in page
        assert "proposed end: 6 December, 12:30 p.m. EST" in page

    def test_are_read_with_whom_they_send_instead(self, speaker: Speaker, client: FlaskClient):
        inbox.read(mail(speaker, calendar=delegation(speaker)), authserv="", now=NOW)
        path = f"/staff/events/{speaker.event.slug}/speakers/"
        page = sign_in(client, make_staff()).get(path).text
        assert "in their place: bola@example.org" in page

    def test_are_read_by_staff_beside_their_name(self, speaker: Speaker, client: FlaskClient):
        path = f"/staff/events/{speaker.event.slug}/speakers/"
        assert not self.answer(speaker, "TENTATIVE")
        page = sign_in(client, make_staff()).get(path).text
        assert "I am travelling, sorry" in page
        assert "it changed nothing" in page
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW + timedelta(hours=2))
        assert "I am travelling, sorry" not in client.get(path).text
        assert self.answer(speaker, "DECLINED", stamp="20991123T140000Z")
        page = client.get(path).text
        assert "I am travelling, sorry" in page
        assert "it changed nothing" not in page

    def test_are_heard_once_if_their_mail_comes_twice(self, speaker: Speaker):
        assert self.answer(speaker, "DECLINED")
        assert not self.answer(speaker, "DECLINED")
        noted = select(AuditEntry.action).where(AuditEntry.action.like("speaker.reply%"))
        assert db.session.scalars(noted).all() == []

    def test_say_no_also_while_a_cancellation_can_be_taken_back(self, speaker: Speaker):
        cancelled_at = NOW + timedelta(hours=1) - HOLD
        lifecycle.cancel(event_id=speaker.event_id, reason="", staff_id=None, now=cancelled_at)
        assert not self.answer(speaker, "DECLINED")
        db.session.execute(update(Event).values(cancelled_at=cancelled_at + timedelta(minutes=1)))
        db.session.commit()
        assert not self.answer(speaker, "ACCEPTED")
        assert self.answer(speaker, "DECLINED")
        assert speaker.status is SpeakerStatus.DECLINED

    def test_said_later_on_their_page_counts(self, speaker: Speaker):
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW + timedelta(hours=1))
        assert not self.answer(speaker, "DECLINED")
        assert speaker.status is SpeakerStatus.CONFIRMED


class TestMailbox:
    def test_is_read_and_emptied(self, app: Flask, rsvp: Rsvp):
        junk = b"From: a@example.org\nSubject: hello\n\nNo calendar here.\n"
        with mailbox(junk, mail(rsvp)) as (server, url):
            app.config["INBOX_URL"] = url
            done = app.test_cli_runner().invoke(args=["inbox"])
            app.config["INBOX_URL"] = ""
            assert done.output == "replies taken: 1\n"
            assert server.processed == [1, 2]
            assert server.mails == {}
        db.session.refresh(rsvp)
        assert rsvp.status is RsvpStatus.CANCELLED

    def test_gives_its_password_to_nobody_else(self, rsvp: Rsvp):
        certificate = Path(__file__).parent / "tls" / "server.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with mailbox(mail(rsvp), tls=context) as (server, url):
            with pytest.raises(inbox.MailboxClosed, match="certificate verify failed"):
                inbox.fetch(url, authserv="", now=NOW)
            assert server.processed == []
            assert inbox.fetch(url, authserv="", now=NOW, ca_file=str(certificate)) == 1

    def test_is_opened_by_a_password_of_any_letters(self, rsvp: Rsvp):
        with mailbox(mail(rsvp)) as (server, url):
            assert inbox.fetch(url.replace("secret", "p%C3%A4sse"), authserv="", now=NOW) == 1
            assert server.signed_in == ["\0calendar\0pässe"]

    def test_keeps_a_mail_that_breaks_us_and_reads_the_others(
        self, rsvp: Rsvp, monkeypatch: pytest.MonkeyPatch
    ):
        take_one = replies.take

        def take_or_break(reply: Reply, *, now: datetime) -> ReplyState | None:
            if reply.partstat == "TENTATIVE":
                raise RuntimeError("broken")
            return take_one(reply, now=now)

        monkeypatch.setattr(replies, "take", take_or_break)
        with mailbox(mail(rsvp, "TENTATIVE"), mail(rsvp)) as (server, url):
            assert inbox.fetch(url, authserv="", now=NOW) == 1
            assert list(server.mails) == [1]
            assert server.flags[1] == {"FLAGGED"}

    def test_reads_what_is_new_before_what_broke_us(
        self, rsvp: Rsvp, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(inbox, "_MOST", 2)
        # A visit reads two mails, and two cannot be read.
        with mailbox(mail(rsvp), mail(rsvp), mail(rsvp)) as (server, url):
            server.unreadable = {1, 2}
            assert inbox.fetch(url, authserv="", now=NOW) == 0
            assert inbox.fetch(url, authserv="", now=NOW) == 1
            assert list(server.mails) == [1, 2]
            server.unreadable = set()
            assert inbox.fetch(url, authserv="", now=NOW) == 0
            assert server.mails == {}

    def test_is_emptied_where_all_mailboxes_lie_below_the_inbox(self, rsvp: Rsvp):
        with mailbox(mail(rsvp)) as (server, url):
            server.prefix = "INBOX."
            assert inbox.fetch(url, authserv="", now=NOW) == 1
            assert (server.processed, server.mails) == ([1], {})

    def test_that_is_full_is_read_once_and_emptied_later(self, rsvp: Rsvp):
        with mailbox(mail(rsvp)) as (server, url):
            server.is_full = True
            assert inbox.fetch(url, authserv="", now=NOW) == 1
            assert (list(server.mails), server.flags[1]) == ([1], {"FLAGGED"})
            server.is_full = False
            assert inbox.fetch(url, authserv="", now=NOW) == 0
            assert (server.processed, server.mails) == ([1], {})

    @pytest.mark.parametrize("command", ["SEARCH", "FETCH", "COPY", "STORE", "EXPUNGE"])
    def test_that_breaks_off_loses_nothing_and_takes_nothing_twice(self, rsvp: Rsvp, command: str):
        other = make_rsvp(make_option())
        with mailbox(mail(rsvp), mail(other)) as (server, url):
            server.breaks = {command: 1}
            with pytest.raises(inbox.MailboxClosed, match="broke off"):
                inbox.fetch(url, authserv="", now=NOW)
            inbox.fetch(url, authserv="", now=NOW)
            assert server.mails == {}
        for answered in (rsvp, other):
            db.session.refresh(answered)
            assert answered.status is RsvpStatus.CANCELLED
            assert kinds(answered).count(MailKind.CANCELLED) == 1
