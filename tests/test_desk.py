"""What staff do with one RSVP for somebody else."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import Signer
from sqlalchemy import select, update

from registration import (
    announcements,
    desk,
    keys,
    lifecycle,
    links,
    mailings,
    parties,
    rendering,
    rsvps,
    subscriptions,
)
from registration.claims import Notes
from registration.database import db
from registration.departures import rendered
from registration.models import (
    HOLD,
    Announcement,
    AttendanceMode,
    MailKind,
    MailState,
    OutboxMail,
    Rsvp,
)
from registration.parties import attendees
from registration.segments import Segment
from tests.calendar_client import CalendarClient
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


def deliver_to(*clients: CalendarClient) -> list[bytes]:
    """Render what waits, and let each reader's calendar have it; the mails."""
    found = select(OutboxMail).where(OutboxMail.state == MailState.WAITING).order_by(OutboxMail.id)
    mails = []
    for row in db.session.scalars(found):
        mails.append(rendering.render(row, now=NOW).as_bytes())
        for client in clients:
            if client.address == row.recipient:
                client.receive(mails[-1])
    deliver_all()
    return mails


def going() -> list[MailKind]:
    """The kinds of those that go now, of the mails that wait."""
    found = select(OutboxMail).where(OutboxMail.state == MailState.WAITING).order_by(OutboxMail.id)
    kinds = {mail.id: mail.kind for mail in db.session.scalars(found)}
    with Notes() as notes:
        return [kinds[mail_id] for mail_id, message in rendered(list(kinds), notes, NOW) if message]


def plain(mail: bytes) -> str:
    """All that can be read in a mail."""
    message = message_from_bytes(mail, policy=SMTP)
    parts = [
        part for part in message.walk() if part.get_content_maintype() in ("text", "application")
    ]
    return str(message.items()) + "".join(
        (part.get_payload(decode=True) or b"").decode()
        for part in parts  # type: ignore[union-attr]
    )


def deliver_all() -> None:
    db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
    db.session.commit()


class TestCorrectedAddress:
    def test_is_sent_the_mail_that_fits(self, rsvp: Rsvp):
        deliver_all()
        assert correct(rsvp)
        assert waiting() == [
            (MailKind.READDRESSED, "amnia@example.org", 1),
            (MailKind.CONFIRMED, "amina@example.org", 0),
        ]

    def test_takes_the_entry_out_of_the_calendar_of_the_old_one(self, rsvp: Rsvp):
        old, right = CalendarClient("amnia@example.org"), CalendarClient("amina@example.org")
        deliver_to(old)
        correct(rsvp)
        # What is told next does not overtake the mail to an address before.
        desk.edit(
            rsvp_id=rsvp.id, details=details(name="Amina Ade"), staff_id=make_staff().id, now=NOW
        )
        mails = deliver_to(old, right)
        assert (old.entries, len(right.entries)) == ([], 1)
        (told,) = [mail for mail in mails if b"To: amnia@example.org" in mail]
        for personal in ("Amina", "amina@example.org", rsvp.join_key, rsvp.manage_key):
            assert personal not in plain(told)
        assert set(old.known).isdisjoint(right.known), "one calendar may show both"

    def test_says_nothing_to_one_that_no_mail_has_reached(self, rsvp: Rsvp):
        db.session.execute(update(OutboxMail).values(state=MailState.FAILED, attempts=1))
        db.session.commit()
        correct(rsvp)
        assert waiting() == [(MailKind.CONFIRMED, "amina@example.org", 0)]

    def test_ends_the_links_of_the_old_one_and_keeps_the_tickets(self, rsvp: Rsvp):
        keys = {rsvp.manage_key, rsvp.join_key}
        codes = [person.ticket_code for person in attendees(rsvp)]
        correct(rsvp)
        assert keys.isdisjoint({rsvp.manage_key, rsvp.join_key})
        assert [person.ticket_code for person in attendees(rsvp)] == codes

    def test_is_told_at_the_old_one_although_the_event_is_cancelled_next(self, rsvp: Rsvp):
        deliver_all()
        correct(rsvp)
        lifecycle.cancel(event_id=rsvp.event_id, reason="Snow", staff_id=None, now=NOW)
        announcements.spread(now=NOW + HOLD)
        assert sorted(waiting()) == [
            (MailKind.EVENT_CANCELLED, "amina@example.org", 1),
            (MailKind.READDRESSED, "amnia@example.org", 1),
        ]

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

    def test_has_its_links_mailed_to_nobody_who_asked_for_them_at_the_old_one(self, rsvp: Rsvp):
        deliver_all()
        links.send(email=rsvp.email, now=NOW)
        assert going() == [MailKind.LINKS]
        correct(rsvp)
        assert MailKind.LINKS not in going()

    def test_of_a_cancelled_event_is_told_so_and_is_not_confirmed(self, rsvp: Rsvp):
        old, right = CalendarClient("amnia@example.org"), CalendarClient("amina@example.org")
        deliver_to(old)
        lifecycle.cancel(event_id=rsvp.event_id, reason="Snow", staff_id=None, now=NOW)
        announcements.spread(now=NOW + HOLD)
        assert not correct(rsvp, NOW + HOLD)
        assert sorted(waiting()) == [
            (MailKind.EVENT_CANCELLED, "amina@example.org", None),
            (MailKind.READDRESSED, "amnia@example.org", 2),
        ]
        deliver_to(old, right)
        assert (old.entries, right.known) == ([], {}), "the entry was in the old calendar alone"

    def test_while_a_cancellation_is_held_leaves_no_entry_at_the_old_one(self, rsvp: Rsvp):
        old = CalendarClient("amnia@example.org")
        deliver_to(old)
        lifecycle.cancel(event_id=rsvp.event_id, reason="Snow", staff_id=None, now=NOW)
        assert not correct(rsvp)
        assert going() == [MailKind.READDRESSED], "nothing says that it takes place"
        announcements.spread(now=NOW + HOLD)
        deliver_to(old)
        assert old.entries == []
        told = db.session.scalars(select(OutboxMail).filter_by(kind=MailKind.EVENT_CANCELLED)).one()
        assert told.recipient == "amina@example.org"

    def test_while_a_cancellation_is_held_is_confirmed_if_that_is_taken_back(self, rsvp: Rsvp):
        deliver_all()
        lifecycle.cancel(event_id=rsvp.event_id, reason="Snow", staff_id=None, now=NOW)
        correct(rsvp)
        held = db.session.scalars(select(Announcement)).one()
        assert announcements.undo(announcement_id=held.id, staff_id=None, now=NOW)
        assert going() == [MailKind.READDRESSED, MailKind.CONFIRMED]
        assert (MailKind.CONFIRMED, "amina@example.org", 0) in waiting()

    def test_of_who_has_cancelled_takes_the_entry_out_of_the_old_calendar(self, rsvp: Rsvp):
        old, right = CalendarClient("amnia@example.org"), CalendarClient("amina@example.org")
        deliver_to(old)
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        assert correct(rsvp)
        deliver_to(old, right)
        assert (old.entries, right.known) == ([], {})

    @pytest.mark.parametrize("mode", AttendanceMode)
    def test_is_told_no_link_and_no_place_of_who_has_it_now(self, app: Flask, mode: AttendanceMode):
        rsvp = make_rsvp(make_option(mode=mode), email="amnia@example.org", name="Amina")
        deliver_all()
        correct(rsvp)
        to_the_old_one, to_the_right_one = (
            plain(mail).replace("\r\n ", "") for mail in deliver_to()
        )
        for secret in (rsvp.join_key, rsvp.manage_key, rsvp.email):
            assert secret not in to_the_old_one
        assert "METHOD:CANCEL" in to_the_old_one
        assert "\r\nLOCATION" not in to_the_old_one
        assert "\r\nLOCATION" in to_the_right_one

    def test_of_who_has_cancelled_says_nothing_to_one_who_knows(self, rsvp: Rsvp):
        deliver_all()
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
        deliver_all()
        correct(rsvp)
        assert waiting() == [(MailKind.CANCELLED, "amina@example.org", None)]

    def test_after_the_event_is_mailed_the_link_to_what_is_kept(self, rsvp: Rsvp):
        deliver_all()
        keys = {rsvp.manage_key, rsvp.join_key}
        assert correct(rsvp, rsvp.event.ends_at + timedelta(days=1))
        assert rsvp.email == "amina@example.org"
        assert waiting() == [(MailKind.LINKS, "amina@example.org", None)]
        (mail,) = deliver_to()
        assert rsvp.manage_key in plain(mail)
        assert "organisers have corrected your address" in " ".join(plain(mail).split())
        assert keys.isdisjoint({rsvp.manage_key, rsvp.join_key}), "the old one reads no more"

    def test_leaves_the_copy_with_an_assistant_who_had_given_their_own(self, app: Flask):
        assistant = {"booked_by_name": "Ade", "booked_by_email": "ade@example.org"}
        rsvp = make_rsvp(make_option(), email="ade@example.org", name="Amina", **assistant)
        correct(rsvp)
        assert waiting() == [
            (MailKind.CONFIRMED, "amina@example.org", 0),
            (MailKind.CONFIRMED, "ade@example.org", None),
        ]

    def test_ends_the_way_out_of_messages_that_the_old_one_has(
        self, app: Flask, rsvp: Rsvp, client: FlaskClient
    ):
        # As it stands in a mail of this release, and of those that did not say for which address.
        mailed = [
            keys.unsubscribe_key(rsvp),
            Signer(app.config["SECRET_KEY"], salt="unsubscribe").sign(str(rsvp.id)).decode(),
        ]
        assert [client.get(f"/unsubscribe/{key}").status_code for key in mailed] == [200, 200]
        correct(rsvp)
        for key in mailed:
            answer = client.get(f"/unsubscribe/{key}")
            assert answer.status_code == 404
            assert "use the links in the newest mail" in answer.text
            assert rsvp.email not in answer.text
            assert client.post(f"/unsubscribe/{key}").status_code == 404
        assert subscriptions.state_of(rsvp.email, rsvp.event_id) == "all"
        assert client.get(f"/unsubscribe/{keys.unsubscribe_key(rsvp)}").status_code == 200


def test_a_ticket_that_somebody_has_is_given_to_nobody_whom_staff_add(
    rsvp: Rsvp, monkeypatch: pytest.MonkeyPatch
):
    taken = attendees(rsvp)[0].ticket_code
    codes = iter([[taken], ["22223333"]])
    monkeypatch.setattr(parties, "random_codes", lambda _number: next(codes))
    added = desk.add(
        event_id=rsvp.event_id,
        option_id=rsvp.option_id,
        details=details(email="bell@example.org"),
        staff_id=make_staff().id,
        now=NOW,
    )
    assert [person.ticket_code for person in attendees(added)] == ["22223333"]


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
