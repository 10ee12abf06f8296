"""Mails as bytes: the tree, the encodings and the lines that iMIP and old servers want."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.mailboxes import ascii_address
from registration.mime import CalendarMessage, Image

CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
RTL = "\u05d0\u05d9\u05e8\u05d5\u05e2 \u05d1\u05d9\u05e8\u05d5\u05e9\u05dc\u05d9\u05dd"


def make_message(**changes: Any) -> CalendarMessage:
    plain: dict[str, Any] = {
        "recipient": "amina@example.org",
        "recipient_name": "Amina Okonkwo-Bell",
        "sender_address": "calendar@example.org",
        "sender_name": "U.S. Institute of Peace",
        "subject": "Your ticket",
        "text": "Dear Amina,\n\nyour seat is reserved.\n",
        "html": "<p>Your seat is reserved.</p>",
        "message_id": "<0123456789abcdef@example.org>",
        "date": datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        "reply_to": "events@example.org",
        "calendar": CALENDAR,
    }
    return CalendarMessage(**(plain | changes))


def parsed(message: CalendarMessage) -> EmailMessage:
    found = message_from_bytes(message.as_bytes(), policy=SMTP)
    assert isinstance(found, EmailMessage)
    for part in found.walk():
        assert part.defects == []
    return found


def tree(part: Any) -> Any:
    """The content types of a mail, nested as its parts are."""
    if part.is_multipart():
        return (part.get_content_type(), [tree(child) for child in part.iter_parts()])
    return part.get_content_type()


def check_wire(content: bytes) -> None:
    """7-bit, CRLF and nothing else that ends a line, no line over 78 characters."""
    assert content.isascii()
    assert b"\0" not in content
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", content) is None
    assert max(len(line) for line in content.split(b"\r\n")) <= 78


class TestTree:
    def test_with_a_calendar_it_is_what_imip_wants(self):
        assert tree(parsed(make_message())) == (
            "multipart/mixed",
            [
                ("multipart/alternative", ["text/plain", "text/html", "text/calendar"]),
                "application/ics",
            ],
        )

    def test_with_a_picture_html_and_picture_stand_together(self):
        message = parsed(make_message(images=[Image("ticket-1", PNG)]))
        assert tree(message) == (
            "multipart/mixed",
            [
                (
                    "multipart/alternative",
                    [
                        "text/plain",
                        ("multipart/related", ["text/html", "image/png"]),
                        "text/calendar",
                    ],
                ),
                "application/ics",
            ],
        )
        (picture,) = (part for part in message.walk() if part.get_content_type() == "image/png")
        assert picture["Content-ID"] == "<ticket-1>"
        assert picture.get_content() == PNG

    def test_without_a_calendar_it_is_the_alternative_alone(self):
        assert tree(parsed(make_message(calendar=None))) == (
            "multipart/alternative",
            ["text/plain", "text/html"],
        )

    @pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
    def test_the_calendar_stands_twice_with_the_same_bytes(self, method: str):
        message = parsed(make_message(method=method))
        inline, attached = list(message.walk())[-2:]
        assert inline.get_content_type() == "text/calendar"
        assert dict(inline["Content-Type"].params) == {"charset": "utf-8", "method": method}
        assert inline["Content-Transfer-Encoding"] == "base64"
        assert inline["Content-Disposition"] is None
        assert dict(attached["Content-Type"].params) == {"name": "invite.ics"}
        assert attached.get_filename() == "invite.ics"
        assert attached.get_content_disposition() == "attachment"
        # CRLF is kept inside base64.
        assert inline.get_payload(decode=True) == attached.get_payload(decode=True) == CALENDAR

    def test_text_and_html_are_quoted_printable_utf_8(self):
        message = parsed(make_message(text="Grüße – 7 €\n", html="<p>Grüße</p>"))
        text, html = (part for part in message.walk() if part.get_content_maintype() == "text"
                      and part.get_content_subtype() != "calendar")  # fmt: skip
        assert text["Content-Transfer-Encoding"] == html["Content-Transfer-Encoding"]
        assert text["Content-Transfer-Encoding"] == "quoted-printable"
        assert text.get_content() == "Grüße – 7 €\r\n"
        assert html.get_content() == "<p>Grüße</p>\r\n"


class TestHeaders:
    def test_are_those_that_keep_robots_quiet(self):
        message = parsed(make_message())
        assert {name: str(message[name]) for name in message} == {
            "From": '"U.S. Institute of Peace" <calendar@example.org>',
            "To": "Amina Okonkwo-Bell <amina@example.org>",
            "Reply-To": "events@example.org",
            "Subject": "Your ticket",
            "Date": "Mon, 23 Nov 2026 12:00:00 +0000",
            "Message-ID": "<0123456789abcdef@example.org>",
            "MIME-Version": "1.0",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Content-Language": "en",
            "Content-Type": str(message["Content-Type"]),
        }

    def test_only_a_mailing_can_be_unsubscribed_in_one_click(self):
        url = "https://events.example.org/unsubscribe/" + "k" * 120
        message = message_from_bytes(make_message(unsubscribe_url=url).as_bytes(), policy=SMTP)
        assert message["List-Unsubscribe"].strip() == f"<{url}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "List-Unsubscribe" not in parsed(make_message())

    @pytest.mark.parametrize(
        "name",
        ["Okonkwo-Bell, Amina", 'Amina "the" Bell', "Amina <a@example.com>", "Zoë Ångström", RTL,
         "A" * 300, "long " * 80, "\u540d" * 200],
    )  # fmt: skip
    def test_any_name_leaves_the_address_alone(self, name: str):
        message = make_message(recipient_name=name, sender_name=name)
        check_wire(message.as_bytes())
        for header in ("From", "To"):
            (address,) = parsed(message)[header].addresses
            assert address.addr_spec in ("amina@example.org", "calendar@example.org")
            assert "".join(address.display_name.split()) == "".join(name.split())

    def test_no_text_begins_another_header(self):
        evil = "Hello\r\nBcc: all@example.org\r\n\r\nbody\n\0\u2028"
        message = parsed(make_message(subject=evil, recipient_name=evil, sender_name=evil))
        assert "Bcc" not in message
        assert message["Subject"] == "Hello Bcc: all@example.org body"

    @pytest.mark.parametrize("title", ["x" * 500, "Très long " * 50, RTL * 20, "🎟" * 200])
    def test_a_title_of_500_characters_keeps_the_line_limit(self, title: str):
        message = make_message(subject=title, text=title, html=f"<p>{title}</p>")
        check_wire(message.as_bytes())
        subject = str(parsed(message)["Subject"])
        assert "".join(subject.split()) == "".join(title.split())

    def test_no_name_server_is_asked_to_make_it(self, monkeypatch: pytest.MonkeyPatch):
        def is_far_away(*_names: str) -> str:
            raise AssertionError("a name server was asked")

        monkeypatch.setattr("socket.getfqdn", is_far_away)
        assert parsed(make_message())["Message-ID"] == "<0123456789abcdef@example.org>"

    def test_the_same_message_is_the_same_bytes(self):
        assert make_message().as_bytes() == make_message().as_bytes()


class TestAddresses:
    def test_a_domain_in_any_script_is_written_in_ascii(self):
        message = parsed(make_message(recipient="amina@bücher.example"))
        assert message["To"].addresses[0].addr_spec == "amina@xn--bcher-kva.example"

    @pytest.mark.parametrize(
        "address",
        ["", "amina", "@example.org", "äpfel@example.org", "a@example.org\r\nBcc: b@example.org",
         "a b@example.org", "a@example.org> <b@example.org", "a\0@example.org"],
    )  # fmt: skip
    def test_what_is_no_address_is_refused(self, address: str):
        with pytest.raises(ValueError, match=r"address|ASCII"):
            ascii_address(address)


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400),
    subject=st.text(max_size=300),
    name=st.text(max_size=100),
)
def test_any_text_goes_over_the_wire_and_comes_back(text: str, subject: str, name: str):
    message = make_message(text=text, html=text, subject=subject, recipient_name=name)
    check_wire(message.as_bytes())
    found = message_from_bytes(message.as_bytes(), policy=SMTP)
    assert len(found["To"].addresses) == 1
    assert [part.get_content_type() for part in found.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
        "application/ics",
    ]  # fmt: skip
    plain = list(found.walk())[2].get_payload(decode=True)
    newline = re.compile("\r\n?|\n")
    wanted = newline.sub("\n", text).rstrip("\n")
    assert plain.decode().replace("\r\n", "\n").rstrip("\n") == wanted
