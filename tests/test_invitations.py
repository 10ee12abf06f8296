"""Invitations to people: what their mails say."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from registration import invitations, rendering
from registration.database import db
from registration.mime import CalendarMessage
from registration.models import AttendanceMode, Event, Invitation, OutboxMail
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option
from tests.test_mime import check_wire

VENUE = "The Institute\n  1 Example Street\n  Washington, DC\n"


def invite(event: Event, email: str = "amina@example.org") -> Invitation:
    return invitations.invite(
        event_id=event.id, email=email, name="Amina Bell", staff_id=None, now=NOW
    )


def last_mail(invited: Invitation) -> CalendarMessage:
    """The latest mail to who is invited, as it goes out."""
    db.session.rollback()
    mail = db.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.invitation_id == invited.id)
        .order_by(OutboxMail.id.desc())
    ).first()
    assert mail is not None
    message = rendering.render(mail, now=NOW)
    check_wire(message.as_bytes())
    return message


class TestTheInvitationSaysWhere:
    def test_in_the_room_it_names_the_venue_alone(self, app: Flask):
        message = last_mail(invite(make_option().event))
        assert VENUE in message.body
        assert "online" not in message.body.lower()

    @pytest.mark.parametrize(
        ("language", "online", "note"),
        [
            ("en", "Online", "Live stream"),
            ("fr", "En ligne", "Diffusion en direct"),
        ],
    )
    def test_of_an_event_that_is_online_it_says_so(
        self, app: Flask, language: str, online: str, note: str
    ):
        event = make_event(language=language, venue_name="", venue_address="")
        make_option(event, mode=AttendanceMode.VIRTUAL)
        message = last_mail(invite(event))
        assert f"  {online}\n  {note}\n" in message.body
        assert f"<strong>{online}</strong><br>{note}" in message.html

    def test_a_venue_without_a_seat_is_nowhere_to_go(self, app: Flask):
        stream = make_option(mode=AttendanceMode.VIRTUAL)
        message = last_mail(invite(stream.event))
        assert stream.event.venue_name not in message.body
        assert "Online" in message.body

    @pytest.mark.parametrize(
        ("language", "choice"),
        [
            ("en", "Come in person or watch online: you choose when you answer."),
            (
                "fr",
                "Venez sur place ou suivez en ligne\u00a0: vous choisissez en répondant.",
            ),
        ],
    )
    def test_of_a_hybrid_it_says_both_ways(self, app: Flask, language: str, choice: str):
        room, _ = make_hybrid(language=language, stream_note="English, with captions")
        message = last_mail(invite(room.event))
        assert choice in message.body
        assert VENUE in message.body
        assert "  English, with captions\n" in message.body
