"""Mails that come back: what the servers of the world report, and what staff see of it."""

from __future__ import annotations

import base64

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import bounces, inbox, outbox, rsvps
from registration.bounces import Bounce
from registration.database import db
from registration.models import MailState, OutboxMail
from tests.conftest import NOW
from tests.factories import make_option, make_rsvp, make_staff
from tests.signing_in import sign_in

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: calendar@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="a"

--a
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

--a
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Sender: rfc822; calendar@example.org

Final-Recipient: rfc822; amina@example.org
Original-Recipient: rfc822;amina@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550 5.1.1 <amina@example.org>: Recipient address
    rejected: User unknown

--a
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: calendar@example.org
To: amina@example.org
Message-ID: {id}
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/calendar

BEGIN:VCALENDAR
--b--

--a--
"""
HEAD_ALONE = POSTFIX.replace("message/rfc822", "text/rfc822-headers")
GMAIL = """\
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: calendar@example.org
Subject: Delivery Status Notification (Failure)
References: {id}
In-Reply-To: {id}
X-Failed-Recipients: amina@example.org
Auto-Submitted: auto-replied
Content-Type: multipart/report; boundary="a"; report-type=delivery-status

--a
Content-Type: multipart/related; boundary="b"

--b
Content-Type: text/plain

Address not found
--b--
--a
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com

Final-Recipient: rfc822; amina@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <amina@example.org>: Recipient address rejected: User unknown

--a--
"""
EXCHANGE = """\
From: postmaster@example.org
To: calendar@example.org
Subject: Undeliverable: Your ticket
In-Reply-To: {id}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="a"

--a
Content-Type: text/html; charset="us-ascii"

<p>Your message wasn't delivered.</p>
--a
Content-Type: message/delivery-status

Reporting-MTA: dns;exchange.example.org

Final-recipient: RFC822;amina@example.org
Action: failed
Status: 5.1.1

--a--
"""
# What a gateway makes of it that adds a line to each mail which passes.
WITH_A_FOOTER = f"""\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: calendar@example.org
Content-Type: multipart/mixed; boundary="o"

--o
{POSTFIX[POSTFIX.index("Content-Type: multipart/report") :]}
--o
Content-Type: text/plain

This mail was checked for viruses.
--o--
"""
# RFC 6533: of a mail that was sent on to an address with other letters, and may be encoded.
_STATUS = POSTFIX[POSTFIX.index("Reporting-MTA") : POSTFIX.index("--a\nContent-Description: Und")]
GLOBAL = POSTFIX.replace("message/rfc822", "message/global").replace(
    f"message/delivery-status\n\n{_STATUS}",
    "message/global-delivery-status\nContent-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(_STATUS.encode()).decode(),
)
WITH_A_COMMENT = POSTFIX.replace("Action: failed", "Action: failed (expired)")
WORDS = "550 5.1.1 <amina@example.org>: Recipient address rejected: User unknown"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (POSTFIX, WORDS),
        (HEAD_ALONE, WORDS),
        (GMAIL, WORDS),
        (EXCHANGE, "5.1.1"),
        (WITH_A_FOOTER, WORDS),
        (GLOBAL, WORDS),
        (GLOBAL.replace("message/global\n", "message/global-headers\n"), WORDS),
        (WITH_A_COMMENT, WORDS),
    ],
)
def test_a_report_names_the_mail_and_why(report: str, said: str):
    expected = Bounce("<abc@example.org>", said)
    text = report.format(id="<abc@example.org>")
    assert bounces.read(text.encode()) == expected
    assert bounces.read(text.replace("\n", "\r\n").encode()) == expected


@pytest.mark.parametrize(
    "raw",
    [
        POSTFIX.replace("Action: failed", "Action: delayed"),
        WITH_A_FOOTER.replace("Action: failed", "Action: delayed"),
        POSTFIX.replace("Action: failed", "Action: delivered"),
        POSTFIX.replace("Message-ID: {id}\n", ""),
        # A receipt for a mail that was read.
        POSTFIX.replace("delivery-status", "disposition-notification"),
        POSTFIX.replace("message/delivery-status\n", "message/delivery-status; x=\xff\n")[:600],
        "Subject: Out of office\nAuto-Submitted: auto-replied\nIn-Reply-To: {id}\n\nI am away.\n",
        "Content-Type: multipart/report\n\n",
        "",
        "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(5000)),
    ],
)
def test_all_else_is_none(raw: str):
    assert bounces.read(raw.replace("{id}", "<abc@example.org>").encode()) is None


def sent() -> OutboxMail:
    make_rsvp(make_option(), email="amina@example.org")
    mail = db.session.scalars(select(OutboxMail)).one()
    mail.state, mail.ended_at = MailState.SENT, NOW
    db.session.commit()
    return mail


def come_back(message_id: str) -> None:
    raw = POSTFIX.format(id=message_id).encode()
    assert inbox.read(raw, authserv="", now=NOW) == 0
    db.session.expire_all()


def test_staff_read_why_a_mail_came_back_and_can_try_it_again(app: Flask, client: FlaskClient):
    mail = sent()
    come_back(mail.message_id)
    assert (mail.state, mail.last_error) == (MailState.FAILED, WORDS)
    page = sign_in(client, make_staff()).get(f"/staff/outbox/{mail.id}").text
    assert "Recipient address rejected: User unknown" in page
    assert "Try now" in page
    assert outbox.resend(mail_id=mail.id, staff_id=None, now=NOW)
    db.session.refresh(mail)
    assert mail.state is MailState.WAITING
    # The first report, read once more, is not about this try.
    come_back(mail.message_id)
    assert mail.state is MailState.WAITING


def test_what_nobody_sent_or_who_is_erased_changes_nothing(app: Flask):
    mail = sent()
    come_back("<other@example.org>")
    assert mail.state is MailState.SENT
    rsvps.cancel(rsvp_id=mail.rsvp_id or 0, now=NOW)
    mail.recipient = ""
    db.session.commit()
    come_back(mail.message_id)
    assert (mail.state, mail.last_error) == (MailState.SENT, "")
