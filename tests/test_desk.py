"""What staff do with one RSVP for somebody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from registration import announcements, desk, lifecycle, mailings
from registration.database import db
from registration.emails import HOLD
from registration.models import MailKind, MailState, OutboxMail, Rsvp
from registration.segments import Segment
from tests.conftest import NOW
from tests.factories import details, make_option, make_rsvp, make_staff


@pytest.fixture
def rsvp(app: Flask) -> Rsvp:
    return make_rsvp(make_option(), email="amnia@example.org", name="Amina")


def correct(rsvp: Rsvp, now: object = NOW) -> bool:
    is_mailed = desk.correct_address(
        rsvp_id=rsvp.id,
        email="amina@example.org",
        staff_id=make_staff().id,
        now=now,  # type: ignore[arg-type]
    )
    db.session.expire_all()
    return is_mailed


def waiting() -> list[tuple[MailKind, str, int | None]]:
    found = select(OutboxMail).where(OutboxMail.state == MailState.WAITING).order_by(OutboxMail.id)
    return [(mail.kind, mail.recipient, mail.ical_sequence) for mail in db.session.scalars(found)]


def deliver_all() -> None:
    db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
    db.session.commit()


class TestCorrectedAddress:
    def test_is_sent_the_mail_that_fits(self, rsvp: Rsvp):
        deliver_all()
        assert correct(rsvp)
        assert waiting() == [(MailKind.CONFIRMED, "amina@example.org", 0)]

    def test_leaves_nothing_waiting_at_the_old_one(self, rsvp: Rsvp):
        staff_id = make_staff().id
        mailing = mailings.write(
            event_id=rsvp.event_id,
            staff_id=staff_id,
            segment=Segment(),
            subject="See you soon",
            body="Bring a coat.",
            now=NOW,
        )
        mailings.release(mailing_id=mailing.id, staff_id=staff_id, now=NOW)
        assert {recipient for _kind, recipient, _number in waiting()} == {"amnia@example.org"}
        correct(rsvp)
        assert sorted(waiting()) == [
            (MailKind.CONFIRMED, "amina@example.org", 0),
            (MailKind.MAILING, "amina@example.org", None),
        ]

    def test_of_a_cancelled_event_is_told_so_and_is_not_confirmed(self, rsvp: Rsvp):
        deliver_all()
        lifecycle.cancel(event_id=rsvp.event_id, reason="Snow", staff_id=None, now=NOW)
        announcements.spread(now=NOW + HOLD)
        assert not correct(rsvp, NOW + HOLD)
        assert waiting() == [(MailKind.EVENT_CANCELLED, "amina@example.org", 1)]

    def test_after_the_event_is_kept_and_mailed_nothing(self, rsvp: Rsvp):
        deliver_all()
        assert not correct(rsvp, rsvp.event.ends_at + timedelta(days=1))
        assert rsvp.email == "amina@example.org"
        assert waiting() == []


class TestEditing:
    def test_of_a_cancelled_event_takes_no_cancellation_back(self, rsvp: Rsvp):
        deliver_all()
        lifecycle.cancel(event_id=rsvp.event_id, reason="Snow", staff_id=None, now=NOW)
        announcements.spread(now=NOW + HOLD)
        desk.edit(
            rsvp_id=rsvp.id,
            details=details(name="Amina Bell"),
            guests=[],
            staff_id=make_staff().id,
            now=NOW + HOLD,
        )
        assert waiting() == [(MailKind.EVENT_CANCELLED, "amnia@example.org", 1)]
