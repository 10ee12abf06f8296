"""Delivery of the outbox to real SMTP servers, the good and the bad ones."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError

from registration import (
    announcements,
    answering,
    clock,
    desk,
    doctor,
    emails,
    lifecycle,
    outbox,
    rsvps,
    speakers,
)
from registration.claims import CLAIM, PAUSES, claim, pause_before, put_off
from registration.database import db, transaction
from registration.delivery import RESTS, Postman
from registration.models import (
    HOLD,
    Announcement,
    AnnouncementKind,
    MailKind,
    MailState,
    OutboxMail,
    WorkerHeartbeat,
)
from tests.conftest import NOW
from tests.factories import make_hybrid, make_option, make_rsvp, make_speaker, reschedule, save
from tests.smtp_servers import Mailbox, serving

CERTIFICATE = Path(__file__).parent / "tls" / "server.pem"
THREE_DAYS = timedelta(days=3)
Post = Callable[..., int]
_END_ALL_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def post_to(app: Flask) -> Iterator[Callable[..., Post]]:
    """Aim the application at a port; gives what claims and delivers once, over one postman."""
    before = {name: app.config[name] for name in app.config if name.startswith("MAIL_")}
    postmen: list[Postman] = []

    def aim(port: int, **settings: object) -> Post:
        app.config.update(
            {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": port, "MAIL_TIMEOUT": 10.0} | settings
        )
        postman = Postman()
        postmen.append(postman)

        def post(now: datetime = NOW, limit: int = 50) -> int:
            return postman.deliver(claim(now=now, limit=limit), now=now)

        return post

    yield aim
    for postman in postmen:
        postman.close()
    app.config.update(before)


def write_mails(*addresses: str) -> list[int]:
    """Confirmations to these addresses, waiting in the outbox; their ids."""
    option = make_option()
    for address in addresses:
        make_rsvp(option, email=address)
    return list(db.session.scalars(select(OutboxMail.id).order_by(OutboxMail.id)))


def row_of(address: str) -> OutboxMail:
    db.session.rollback()
    return db.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.recipient == address)
        .execution_options(populate_existing=True)
    ).one()


def states() -> dict[str, MailState]:
    db.session.rollback()
    return {
        row.recipient: row.state
        for row in db.session.scalars(select(OutboxMail).execution_options(populate_existing=True))
    }


def test_who_read_of_a_move_that_is_taken_back_before_its_telling_is_told_so(
    mailbox: Mailbox, post_to: Callable[..., Post]
) -> None:
    option = make_option()
    event, starts_at, ends_at = option.event, option.event.starts_at, option.event.ends_at
    by, day = {"staff_id": None, "now": NOW}, timedelta(days=1)

    def come() -> set[str]:
        rsvp, speaker = make_rsvp(option), make_speaker(event)
        speakers.invite(speaker_id=speaker.id, **by)
        return {rsvp.email, speaker.email}

    def move(by_days: int) -> None:
        new = {"starts_at": starts_at + by_days * day, "ends_at": ends_at + by_days * day}
        reschedule(event_id=event.id, **new, **by)

    with serving(mailbox) as port:
        post = post_to(port)
        come()  # who reads nothing of the move
        assert post() == 2
        readers = come()
        move(1)
        assert post() == 2
    move(0)
    announcements.tell(event_id=event.id, **by)
    announcements.spread(now=NOW + HOLD)
    waiting = select(OutboxMail).where(OutboxMail.state == MailState.WAITING)
    told = {
        mail.recipient: mail.facts["before"]["starts_at"] for mail in db.session.scalars(waiting)
    }
    assert told == dict.fromkeys(readers, (starts_at + day).isoformat())


def test_nothing_says_how_to_come_to_an_event_that_is_over(
    mailbox: Mailbox, post_to: Callable[..., Post]
) -> None:
    room, _ = make_hybrid(capacity=1)
    event = room.event
    for _number in range(2):  # the second one waits
        make_rsvp(room)
    speakers.invite(speaker_id=make_speaker(event).id, staff_id=None, now=NOW)
    event.confirms_addresses = True
    db.session.commit()
    make_rsvp(room)
    kinds = set(db.session.scalars(select(OutboxMail.kind)))
    assert kinds == {
        MailKind.CONFIRMED,
        MailKind.WAITLISTED,
        MailKind.SPEAKER_INVITATION,
        MailKind.VERIFY,
    }
    with serving(mailbox) as port:
        assert post_to(port)(now=event.ends_at) == 0
    assert set(states().values()) == {MailState.SUPERSEDED}


def test_who_gave_a_place_back_is_told_so_after_the_event_too(
    mailbox: Mailbox, post_to: Callable[..., Post]
) -> None:
    rsvp = make_rsvp(make_option())
    rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    with serving(mailbox) as port:
        assert post_to(port)(now=rsvp.event.ends_at) == 1


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


class TestAGoodServer:
    def test_all_mails_go_over_one_connection(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        write_mails(*(f"a{number}@example.org" for number in range(25)))
        with serving(mailbox) as port:
            post = post_to(port)
            assert post(limit=15) == 15
            assert post(limit=15) == 10
            assert post() == 0
        assert mailbox.connections == 1
        assert mailbox.recipients == [f"a{number}@example.org" for number in range(25)]
        assert set(states().values()) == {MailState.SENT}

    def test_what_arrives_is_what_was_rendered(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org")
        gone = []
        with (
            serving(mailbox) as port,
            email_dispatched.connected_to(lambda _app, message: gone.append(message)),
        ):
            post_to(port)()
        assert mailbox.taken == [gone[0].as_bytes()]
        (message,) = mailbox.messages()
        assert message["Message-ID"] == row_of("a@example.org").message_id

    def test_a_database_that_starts_anew_between_two_mails_makes_nobody_get_one_twice(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org", "c@example.org")

        def end_all_connections(_app: Flask, message: object) -> None:
            if db.engine.dialect.name == "postgresql" and len(mailbox.taken) == 1:
                with db.engine.connect() as connection:
                    connection.execute(_END_ALL_OTHERS)

        with serving(mailbox) as port, email_dispatched.connected_to(end_all_connections):
            assert post_to(port)() == 3
        assert set(states().values()) == {MailState.SENT}
        assert len(mailbox.taken) == 3

    def test_connections_are_given_back_as_they_were(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org")
        with serving(mailbox) as port:
            post_to(port)()
        with transaction() as session:
            session.add(WorkerHeartbeat(name="a worker", at=NOW))
            session.flush()
            session.rollback()
        assert db.session.scalar(select(WorkerHeartbeat.name)) is None

    def test_without_a_server_nothing_is_claimed(self, app: Flask):
        write_mails("a@example.org")
        assert claim(now=NOW) == []
        assert row_of("a@example.org").attempts == 0

    def test_what_breaks_in_the_rest_of_a_turn_stops_no_mail(
        self, mailbox: Mailbox, post_to: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
    ):
        write_mails("a@example.org")

        def broken(**_arguments: object) -> int:
            raise RuntimeError("a row that nobody has foreseen")

        monkeypatch.setattr(answering, "end_holds", broken)
        with serving(mailbox) as port:
            post_to(port)
            postman = Postman()
            with pytest.raises(ExceptionGroup, match="not all that was due"):
                clock.turn(postman, threading.Event())
            postman.close()
        assert mailbox.recipients == ["a@example.org"]

    def test_a_mail_that_is_not_due_stays(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        write_mails("a@example.org")
        with transaction():
            db.session.get_one(OutboxMail, 1).due_at = NOW + timedelta(minutes=10)
        with serving(mailbox) as port:
            post = post_to(port)
            assert post() == 0
            assert post(NOW + timedelta(minutes=10)) == 1

    def test_a_kept_connection_that_died_is_replaced_unseen(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org")
        with serving(mailbox) as port:
            post = post_to(port)
            post(limit=1)
            mailbox.hang_up()
            assert post(limit=1) == 1
        assert mailbox.recipients == ["a@example.org", "b@example.org"]
        assert row_of("b@example.org").attempts == 1

    def test_a_superseded_mail_is_not_sent(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        room, stream = make_hybrid()
        rsvp = make_rsvp(room, email="a@example.org")
        claimed = None
        with serving(mailbox) as port:
            post = post_to(port)
            claimed = claim(now=NOW)
            # The change comes after the claim and before the delivery.
            rsvps.switch(rsvp_id=rsvp.id, option_id=stream.id, now=NOW)
            assert Postman().deliver(claimed, now=NOW) == 0
            assert post() == 1
        (message,) = mailbox.messages()
        assert message["Subject"].startswith("Changed: ")

    def test_a_mail_that_cannot_be_rendered_stops_no_other(
        self, mailbox: Mailbox, post_to: Callable[..., Post], caplog: pytest.LogCaptureFixture
    ):
        write_mails("a@example.org", "b@example.org")
        with transaction():
            db.session.get_one(OutboxMail, 1).recipient = "ä@example.org"
        with serving(mailbox) as port:
            assert post_to(port)() == 1
        assert states() == {"ä@example.org": MailState.FAILED, "b@example.org": MailState.SENT}
        assert "cannot be rendered" in row_of("ä@example.org").last_error
        assert "cannot be rendered" in caplog.text

    def test_an_international_domain_is_asked_for_in_ascii(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@bücher.example")
        with serving(mailbox) as port:
            post_to(port)()
        assert mailbox.asked == ["a@xn--bcher-kva.example"]


class TestSecurity:
    def test_starttls_and_sign_in(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        write_mails("a@example.org")
        with serving(
            mailbox,
            tls_context=server_context(),
            require_starttls=True,
            authenticator=mailbox.sign_in,
            auth_required=True,
        ) as port:
            post = post_to(
                port,
                MAIL_USE_TLS=True,
                MAIL_CA_FILE=str(CERTIFICATE),
                MAIL_USERNAME="robot",
                MAIL_PASSWORD="right",
            )
            assert post() == 1
        assert mailbox.secured == [True]
        assert mailbox.signed_in == ["robot"]

    def test_tls_from_the_first_byte(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        write_mails("a@example.org")
        with serving(mailbox, tls=server_context()) as port:
            assert post_to(port, MAIL_USE_SSL=True, MAIL_CA_FILE=str(CERTIFICATE))() == 1
        assert mailbox.secured == [True]

    @pytest.mark.parametrize("kind", ["MAIL_USE_TLS", "MAIL_USE_SSL"])
    def test_a_certificate_that_nobody_vouches_for_is_refused(
        self, mailbox: Mailbox, post_to: Callable[..., Post], kind: str
    ):
        write_mails("a@example.org")
        tls = {"tls" if kind == "MAIL_USE_SSL" else "tls_context": server_context()}
        with serving(mailbox, **tls) as port:
            assert post_to(port, **{kind: True})() == 0
        assert not mailbox.asked
        assert "CERTIFICATE_VERIFY_FAILED" in row_of("a@example.org").last_error
        assert states() == {"a@example.org": MailState.WAITING}

    @pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
    @pytest.mark.parametrize(("password", "sent"), [("pässe", 1), ("passé", 0)])
    def test_a_password_may_have_any_letters(
        self, mailbox: Mailbox, post_to: Callable[..., Post], password: str, sent: int
    ):
        mailbox.password = "pässe"
        write_mails("a@example.org")
        with serving(
            mailbox, authenticator=mailbox.sign_in, auth_required=True, auth_require_tls=False
        ) as port:
            assert post_to(port, MAIL_USERNAME="robot", MAIL_PASSWORD=password)() == sent
        row = row_of("a@example.org")
        assert row.state is (MailState.SENT if sent else MailState.WAITING)
        assert row.last_error[:4] == ("" if sent else "535 ")

    @pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
    def test_a_wrong_password_loses_no_mail(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        write_mails("a@example.org")
        with serving(
            mailbox, authenticator=mailbox.sign_in, auth_required=True, auth_require_tls=False
        ) as port:
            assert post_to(port, MAIL_USERNAME="robot", MAIL_PASSWORD="wrong")() == 0
        row = row_of("a@example.org")
        assert (row.state, row.attempts, row.last_error[:4]) == (MailState.WAITING, 0, "535 ")


class TestABadServer:
    def test_one_refused_address_stops_no_other(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "gone@example.org", "b@example.org")
        mailbox.refuses["gone@example.org"] = "550 5.1.1 No such user"
        with serving(mailbox) as port:
            assert post_to(port)() == 2
        assert mailbox.recipients == ["a@example.org", "b@example.org"]
        refused = row_of("gone@example.org")
        assert (refused.state, refused.attempts) == (MailState.FAILED, 1)
        assert refused.last_error == "550 5.1.1 No such user"

    @pytest.mark.parametrize(("goes_on", "connections"), [(False, 1), (True, 2)])
    def test_an_address_refused_in_one_go_with_the_rest_gets_no_mail_and_stops_no_other(
        self, mailbox: Mailbox, post_to: Callable[..., Post], goes_on: bool, connections: int
    ):
        write_mails("a@example.org", "b@example.org", "c@example.org")
        mailbox.pipelines, mailbox.goes_on = True, goes_on
        mailbox.refuses = {"b@example.org": "550 nobody of that name"}
        with serving(mailbox) as port:
            assert post_to(port)() == 2
        assert mailbox.recipients == ["a@example.org", "c@example.org"]
        assert mailbox.connections == connections
        refused = row_of("b@example.org")
        assert (refused.state, refused.last_error) == (MailState.FAILED, "550 nobody of that name")

    def test_a_deferred_address_is_tried_again_with_growing_pauses(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("later@example.org", "a@example.org")
        mailbox.refuses["later@example.org"] = "451 4.7.1 Greylisted"
        pauses = []
        with serving(mailbox) as port:
            post = post_to(port)
            moment = NOW
            for _ in range(6):
                post(moment)
                due_at = row_of("later@example.org").due_at
                pauses.append(due_at - moment)
                moment = due_at
            assert row_of("a@example.org").state is MailState.SENT
            del mailbox.refuses["later@example.org"]
            assert post(moment) == 1
        assert pauses == sorted(pauses)
        expected = [*PAUSES, PAUSES[-1]]
        assert all(pause >= least for pause, least in zip(pauses, expected, strict=True))
        assert mailbox.recipients == ["a@example.org", "later@example.org"]

    def test_a_mail_that_was_put_off_for_three_days_is_given_up(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("later@example.org")
        mailbox.refuses["later@example.org"] = "450 Busy"
        first = NOW + timedelta(days=5)  # for so long no worker ran
        with serving(mailbox) as port:
            post = post_to(port)
            for tried_at in (first, first + THREE_DAYS - timedelta(seconds=1)):
                post(tried_at)
                assert states() == {"later@example.org": MailState.WAITING}
            given_up_at = first + THREE_DAYS + timedelta(minutes=6)
            post(given_up_at)
            assert states() == {"later@example.org": MailState.FAILED}
            [mail] = db.session.scalars(select(OutboxMail))
            assert outbox.resend(mail_id=mail.id, staff_id=None, now=given_up_at)
            post(given_up_at)
        assert states() == {"later@example.org": MailState.WAITING}, "it has its days once more"

    @pytest.mark.parametrize(
        ("answer", "state"), [("554 Spam", MailState.FAILED), ("452 Full", MailState.WAITING)]
    )
    def test_what_a_server_says_after_the_content_counts(
        self, mailbox: Mailbox, post_to: Callable[..., Post], answer: str, state: MailState
    ):
        write_mails("a@example.org", "b@example.org")
        mailbox.answers["a@example.org"] = [answer]
        with serving(mailbox) as port:
            assert post_to(port)() == 1
        assert states() == {"a@example.org": state, "b@example.org": MailState.SENT}

    def test_a_connection_that_breaks_in_data_costs_only_that_mail_a_pause(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "breaks@example.org", "b@example.org")
        mailbox.breaks["breaks@example.org"] = 2
        with serving(mailbox) as port:
            post = post_to(port)
            assert post() == 2
            assert post(NOW + timedelta(minutes=2)) == 0
            assert post(NOW + timedelta(minutes=12)) == 1
        assert sorted(mailbox.recipients) == sorted(
            ["a@example.org", "b@example.org", "breaks@example.org"]
        )

    def test_a_server_that_breaks_again_and_again_is_left_alone_for_a_while(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        addresses = [f"a{number}@example.org" for number in range(8)]
        write_mails(*addresses)
        mailbox.breaks.update(dict.fromkeys(addresses, 1))
        with serving(mailbox) as port:
            assert post_to(port)() == 0
        rows = [row_of(address) for address in addresses]
        assert [row.attempts for row in rows] == [1, 1, 1, 0, 0, 0, 0, 0]
        assert {row.due_at for row in rows[3:]} == {NOW}

    def test_a_server_that_hangs_is_not_waited_for_long(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org")
        mailbox.hangs = True
        with serving(mailbox) as port:
            assert post_to(port, MAIL_TIMEOUT=0.1)() == 0
        row = row_of("a@example.org")
        assert (row.state, row.attempts) == (MailState.WAITING, 1)
        assert "timed out" in row.last_error

    @pytest.mark.parametrize("answer", ["421 Closing", "450 Too much", "553 Not from here"])
    def test_a_sender_who_is_refused_loses_no_mail(
        self, mailbox: Mailbox, post_to: Callable[..., Post], answer: str
    ):
        write_mails("a@example.org", "b@example.org")
        mailbox.sender_answer = answer
        with serving(mailbox) as port:
            assert post_to(port)() == 0
        assert set(states().values()) == {MailState.WAITING}
        assert row_of("a@example.org").attempts == 0

    def test_a_mail_that_is_too_large_is_no_trouble_of_the_server(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org")
        mailbox.sender_answer = "552 5.3.4 Too large"
        with serving(mailbox) as port:
            assert post_to(port)() == 0
        assert set(states().values()) == {MailState.FAILED}

    def test_a_421_to_one_recipient_holds_up_no_other(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org")
        mailbox.refuses["a@example.org"] = "421 Closing"
        with serving(mailbox) as port:
            assert post_to(port)() == 1
        assert mailbox.connections == 2
        row = row_of("a@example.org")
        assert (row.state, row.attempts, row.last_error) == (MailState.WAITING, 1, "421 Closing")
        assert row.due_at > NOW

    def test_a_server_that_is_not_there_is_asked_with_growing_pauses(
        self, app: Flask, mailbox: Mailbox
    ):
        write_mails("a@example.org")
        with serving(mailbox) as port:
            pass
        app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port)
        try:
            postman, moment, rests = Postman(), NOW, []
            for _ in range(6):
                assert postman.deliver(claim(now=moment), now=moment) == 0
                rest = timedelta(0)
                while postman.rests(moment + rest):
                    rest += timedelta(seconds=1)
                rests.append(rest)
                moment += rest
            assert rests == [*RESTS, RESTS[-1], RESTS[-1]]
            assert postman.deliver(claim(now=moment), now=moment) == 0
            assert postman.rests(moment)
            a_day_back = moment - timedelta(days=1)
            assert not postman.rests(a_day_back), "a clock that is set back lets nobody rest a day"
            assert row_of("a@example.org").attempts == 0
            with serving(mailbox, port=port):
                assert postman.deliver(claim(now=moment), now=moment) == 1
                assert not postman.rests(moment)
                postman.close()
        finally:
            app.config.update(MAIL_SERVER="", MAIL_PORT=25)

    def test_what_a_server_that_is_away_was_owed_for_three_days_is_given_up(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("old@example.org", "sent@example.org")
        with serving(mailbox) as port:
            pass
        first = NOW + timedelta(days=5)  # for so long no worker ran
        sent = row_of("sent@example.org")
        sent.state, sent.failing_since, sent.ended_at = MailState.SENT, first, first
        db.session.commit()
        assert post_to(port)(first) == 0
        assert states()["old@example.org"] is MailState.WAITING
        make_rsvp(make_option(), email="new@example.org", now=NOW)
        assert post_to(port)(first + THREE_DAYS) == 0
        assert states() == {
            "old@example.org": MailState.FAILED,
            "new@example.org": MailState.WAITING,
            "sent@example.org": MailState.SENT,
        }
        given_up = row_of("old@example.org")
        assert given_up.last_error
        assert given_up.ended_at == first + THREE_DAYS

    def test_what_gave_way_while_the_server_refused_it_has_not_failed(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        rsvp = make_rsvp(make_option(), email="a@example.org")
        mailbox.refuses["a@example.org"] = "550 No"

        def cancels() -> bool:
            rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
            return False

        with serving(mailbox) as port:
            post_to(port)
            postman = Postman()
            postman.deliver(claim(now=NOW), now=NOW, stopping=cancels)
            postman.close()
        mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id))
        assert [(mail.kind, mail.state) for mail in mails] == [
            (MailKind.CONFIRMED, MailState.SUPERSEDED),
            (MailKind.CANCELLED, MailState.WAITING),
        ]

    def test_everybody_who_can_be_reached_gets_each_mail_once(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        addresses = [f"a{number}@example.org" for number in range(30)]
        write_mails(*addresses)
        mailbox.refuses = {addresses[3]: "550 No", addresses[17]: "553 No"}
        mailbox.answers = {addresses[5]: ["451 Later", "451 Later"], addresses[6]: ["421 Bye"]}
        mailbox.breaks = {addresses[8]: 1, addresses[9]: 2}
        moment = NOW
        with serving(mailbox) as port:
            post = post_to(port)
            for _ in range(12):
                post(moment, limit=7)
                moment += timedelta(minutes=20)
        reachable = [a for a in addresses if a not in mailbox.refuses]
        assert sorted(mailbox.recipients) == sorted(reachable)
        assert states() == {
            a: MailState.FAILED if a in mailbox.refuses else MailState.SENT for a in addresses
        }


class TestClaims:
    def test_what_one_worker_claims_no_other_does(self, app: Flask, post_to: Callable[..., Post]):
        ids = write_mails("a@example.org", "b@example.org", "c@example.org")
        post_to(1)
        assert claim(now=NOW, limit=2) == ids[:2]
        assert claim(now=NOW) == ids[2:]
        assert claim(now=NOW) == []

    def test_what_a_dead_worker_claimed_is_taken_over(
        self, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org")
        with serving(mailbox) as port:
            post = post_to(port)
            assert claim(now=NOW)  # and never delivered
            assert post(NOW + CLAIM - timedelta(seconds=1)) == 0
            assert post(NOW + CLAIM) == 1
        assert row_of("a@example.org").attempts == 2

    def test_a_worker_that_is_to_stop_gives_back_what_it_has_not_begun(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org", "c@example.org")
        with serving(mailbox) as port:
            post = post_to(port)
            postman = Postman()
            assert (
                postman.deliver(claim(now=NOW), now=NOW, stopping=lambda: len(mailbox.taken) == 1)
                == 1
            )
            postman.close()
            assert {row_of(a).attempts for a in ("b@example.org", "c@example.org")} == {0}
            assert post() == 2

    def test_a_slow_worker_gives_back_what_its_claim_may_not_cover(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org", "c@example.org")
        with serving(mailbox) as port:
            post = post_to(port)
            postman = Postman(ticks=lambda: 301.0 if len(mailbox.taken) >= 2 else 0.0)
            assert postman.deliver(claim(now=NOW), now=NOW) == 2
            postman.close()
            assert post() == 1

    def test_the_rate_is_kept_without_waiting_for_the_first(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("a@example.org", "b@example.org", "c@example.org")
        clock, waits = [100.0], []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            clock[0] += seconds

        with serving(mailbox) as port:
            post_to(port, MAIL_PER_MINUTE=30)
            postman = Postman(sleep=sleep, ticks=lambda: clock[0])
            assert postman.deliver(claim(now=NOW), now=NOW) == 3
            postman.close()
        assert waits == [2.0, 2.0]

    def test_what_has_waited_longest_goes_first(self, app: Flask, post_to: Callable[..., Post]):
        ids = write_mails("a@example.org", "b@example.org", "c@example.org")
        db.session.get_one(OutboxMail, ids[2]).due_at = NOW - timedelta(minutes=1)
        db.session.commit()
        post_to(1)
        assert claim(now=NOW, limit=1) == ids[2:]
        assert claim(now=NOW, limit=1) == ids[:1]

    def test_a_mail_that_is_put_off_puts_off_no_other(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        first, second = write_mails("a@example.org", "b@example.org")
        post_to(1)
        put_off(first, NOW + timedelta(minutes=1))
        assert claim(now=NOW) == [second]
        assert claim(now=NOW + timedelta(minutes=1)) == [first]

    def test_what_is_due_is_found_by_its_index_however_much_waits(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        asked: list[tuple[str, object]] = []

        def note(_connection: object, _cursor: object, statement: str, bound: object, *_: object):
            asked.append((statement, bound))

        post_to(1)
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert claim(now=NOW) == []
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        explain = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
        with db.engine.connect() as connection:
            if db.engine.dialect.name == "postgresql":  # of a table without rows it asks no index
                connection.execute(text("SET LOCAL enable_seqscan = off"))
            plans = [
                str(connection.exec_driver_sql(explain + statement, bound).all())
                for statement, bound in asked
                if statement.startswith("SELECT outbox.id")
            ]
        for plan, index in zip(plans, ("ix_outbox_due ", "ix_outbox_due_many "), strict=True):
            assert index in plan

    def test_what_was_tried_before_goes_behind_what_was_not(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        ids = write_mails(*(f"attendee-{number}@example.org" for number in range(13)))
        tried, new = ids[:8], ids[8:]
        for mail_id in tried:
            db.session.get_one(OutboxMail, mail_id).attempts = 1
        db.session.commit()
        post_to(1)
        assert claim(now=NOW, limit=5) == [*new[:4], tried[0]]
        assert claim(now=NOW, limit=10) == [new[4], *tried[1:3]]

    def test_what_everybody_is_told_waits_for_everything_else(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        *told, alone = write_mails("a@example.org", "b@example.org", "c@example.org")
        row, other = (db.session.get_one(OutboxMail, mail_id) for mail_id in told)
        announcement = save(
            Announcement(
                event_id=row.event_id,
                kind=AnnouncementKind.CHANGED,
                edition=1,
                token="a",
                created_at=NOW,
                due_at=NOW,
            )
        )
        row.announcement_id = other.announcement_id = announcement.id
        db.session.commit()
        post_to(1)
        assert claim(now=NOW, limit=2) == [alone, told[0]]
        assert claim(now=NOW, limit=2) == [told[1]]

    def test_pauses_grow_and_are_spread(self):
        for attempt, pause in enumerate([*PAUSES, PAUSES[-1]], start=2):
            spread = {pause_before(attempt, mail_id) for mail_id in range(100)}
            assert min(spread) == pause
            assert max(spread) < pause * 1.2
            assert len(spread) > 50


class TestOutbox:
    def test_a_failed_mail_can_be_tried_again(self, mailbox: Mailbox, post_to: Callable[..., Post]):
        mail_id, _other = write_mails("a@example.org", "other@example.org")
        mailbox.refuses = {"a@example.org": "550 No", "other@example.org": "550 No"}
        with serving(mailbox) as port:
            post = post_to(port)
            post()
            mailbox.refuses.clear()
            assert outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)
            again = row_of("a@example.org")
            assert (again.attempts, again.ended_at, again.failing_since) == (0, None, None)
            assert row_of("other@example.org").state is MailState.FAILED
            assert post() == 1
            assert not outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)
            assert post() == 0  # it went

    def test_a_failed_word_to_the_address_before_can_be_tried_again(self, app: Flask):
        write_mails("a@example.org")
        arrived = row_of("a@example.org")
        arrived.state, arrived.ended_at = MailState.SENT, NOW
        db.session.commit()
        right = {"email": "b@example.org", "staff_id": None, "now": NOW}
        desk.correct_address(rsvp_id=arrived.rsvp_id, **right)
        word = db.session.scalars(select(OutboxMail).filter_by(kind=MailKind.READDRESSED)).one()
        word.state, word.ended_at = MailState.FAILED, NOW
        db.session.commit()
        assert word.recipient == "a@example.org"
        assert outbox.resend(mail_id=word.id, staff_id=None, now=NOW)

    def test_a_failed_ticket_is_not_tried_again_once_the_event_is_over(self, app: Flask):
        (mail_id,) = write_mails("a@example.org")
        with transaction():
            row = db.session.get_one(OutboxMail, mail_id)
            row.state, row.ended_at = MailState.FAILED, NOW
            ends_at = row.event.ends_at
        assert not outbox.resend(mail_id=mail_id, staff_id=None, now=ends_at)
        just_before = ends_at - timedelta(seconds=1)
        assert outbox.resend(mail_id=mail_id, staff_id=None, now=just_before)

    @pytest.mark.parametrize("happens", ["cancels", "the event is off", "another address"])
    def test_a_failed_mail_that_is_no_longer_so_is_not_tried_again(self, app: Flask, happens: str):
        (mail_id,) = write_mails("a@example.org")
        with transaction():
            row = db.session.get_one(OutboxMail, mail_id)
            row.state, row.ended_at = MailState.FAILED, NOW
            rsvp_id, event_id = row.rsvp_id, row.event_id
        assert outbox.is_still_so(db.session.get_one(OutboxMail, mail_id), now=NOW)
        if happens == "cancels":
            rsvps.cancel(rsvp_id=rsvp_id, now=NOW)
        elif happens == "the event is off":
            lifecycle.cancel(event_id=event_id, reason="", staff_id=None, now=NOW)
        else:
            right = {"email": "b@example.org", "staff_id": None, "now": NOW}
            desk.correct_address(rsvp_id=rsvp_id, **right)
        assert not outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)
        assert db.session.get_one(OutboxMail, mail_id).state is MailState.FAILED

    def test_a_failed_place_in_the_queue_is_told_no_more_to_who_has_a_seat(self, app: Flask):
        room, _ = make_hybrid(capacity=1)
        seated, waits = make_rsvp(room), make_rsvp(room)
        about = select(OutboxMail).filter_by(rsvp_id=waits.id, kind=MailKind.WAITLISTED)
        with transaction():
            db.session.scalars(about).one().state = MailState.FAILED
        assert outbox.is_still_so(db.session.scalars(about).one(), now=NOW)
        rsvps.cancel(rsvp_id=seated.id, now=NOW)
        assert not outbox.is_still_so(db.session.scalars(about).one(), now=NOW)

    def test_a_failed_mail_whose_address_was_erased_is_not_tried_again(self, app: Flask):
        (mail_id,) = write_mails("a@example.org")
        with transaction():
            row = db.session.get_one(OutboxMail, mail_id)
            row.state, row.ended_at, row.recipient = MailState.FAILED, NOW, ""
        assert not outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)

    def test_a_mail_that_a_worker_holds_is_given_to_no_other(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        (mail_id,) = write_mails("a@example.org")
        post_to(1)
        assert claim(now=NOW) == [mail_id]
        assert not outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)
        assert claim(now=NOW + CLAIM / 2) == []
        assert not outbox.withdraw(mail_id=mail_id, staff_id=None, now=NOW + CLAIM / 2)

    def test_a_mail_that_is_put_off_for_hours_can_be_tried_at_once(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        (mail_id,) = write_mails("a@example.org")
        post_to(1)
        with transaction():
            row = db.session.get_one(OutboxMail, mail_id)
            row.attempts, row.due_at = 4, NOW + timedelta(hours=1)
        assert outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)
        assert claim(now=NOW) == [mail_id]

    def test_a_mail_that_can_still_be_undone_is_not_sent_before_its_time(self, app: Flask):
        (mail_id,) = write_mails("a@example.org")
        with transaction():
            db.session.get_one(OutboxMail, mail_id).due_at = NOW + timedelta(minutes=9)
        assert not outbox.resend(mail_id=mail_id, staff_id=None, now=NOW)

    def test_a_waiting_mail_can_be_taken_back_until_a_worker_holds_it(
        self, app: Flask, post_to: Callable[..., Post]
    ):
        first, second = write_mails("a@example.org", "b@example.org")
        post_to(1)
        assert claim(now=NOW, limit=1) == [first]
        assert not outbox.withdraw(mail_id=first, staff_id=None, now=NOW)
        assert outbox.withdraw(mail_id=second, staff_id=None, now=NOW)
        assert not outbox.withdraw(mail_id=second, staff_id=None, now=NOW)
        assert claim(now=NOW + CLAIM) == [first]

    def test_a_mail_that_is_held_can_be_taken_back(self, app: Flask):
        (mail_id,) = write_mails("a@example.org")
        with transaction():
            db.session.get_one(OutboxMail, mail_id).due_at = NOW + timedelta(minutes=9)
        assert outbox.withdraw(mail_id=mail_id, staff_id=None, now=NOW)

    def test_staff_are_told_what_is_wrong(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        assert outbox.trouble(NOW) == "no_server"
        write_mails("later@example.org")
        mailbox.refuses["later@example.org"] = "450 Busy"
        with serving(mailbox) as port:
            post = post_to(port)
            assert outbox.trouble(NOW) == "stale"
            outbox.beat(now=NOW)
            assert outbox.trouble(NOW) is None
            # A clock that has been set back: what it had said is no sign of life.
            assert outbox.trouble(NOW - timedelta(hours=10)) == "stale"
            post()
            assert outbox.trouble(NOW) is None
            later = NOW + outbox.FAILING + timedelta(seconds=1)
            outbox.beat(now=later)
            assert outbox.trouble(later) == "failing"
            assert outbox.trouble(later + outbox.STALE + timedelta(seconds=1)) == "stale"
            mailbox.refuses.clear()
            post(later)
            assert outbox.trouble(later) is None
            write_mails("held@example.org", "never@example.org")
            mailbox.refuses["never@example.org"] = "550 No"
            row_of("held@example.org").due_at = later + HOLD
            db.session.commit()
            post(later)
            assert outbox.trouble(later) is None, "one has its time yet, and one was given up"

    def test_one_address_that_is_put_off_while_others_go_is_no_trouble(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails("later@example.org", "goes@example.org")
        mailbox.refuses["later@example.org"] = "450 Busy"
        with serving(mailbox) as port:
            post = post_to(port)
            post()
            later = NOW + outbox.FAILING + timedelta(seconds=1)
            outbox.beat(now=later)
            assert outbox.trouble(later) is None
            write_mails("another@example.org")
            mailbox.refuses["another@example.org"] = "450 Busy"
            post(later)
            last = later + outbox.FAILING + timedelta(seconds=1)
            outbox.beat(now=last)
            assert outbox.trouble(last) == "failing", "nothing has gone since"

    def test_staff_are_told_that_the_server_refuses_all_for_good(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        """As one does that takes no mail from us for other hosts: no mail waits then."""

        def trouble_after(now: datetime, **refused: str) -> str | None:
            write_mails(*(f"{name}@example.org" for name in refused))
            mailbox.refuses = {
                f"{name}@example.org": said for name, said in refused.items() if said
            }
            post(now)
            outbox.beat(now=now)
            return outbox.trouble(now)

        no, minute = "554 Relay access denied", timedelta(minutes=1)
        with serving(mailbox) as port:
            post = post_to(port)
            assert trouble_after(NOW, goes="") is None
            assert trouble_after(NOW + minute, a=no, b=no) is None, "wrong addresses, it may be"
            assert trouble_after(NOW + 2 * minute, c=no) == "refused"
            said = [finding.text for finding in doctor.examine(now=NOW + 2 * minute)]
            assert "the mail server has refused the last mails for good" in "".join(said)
            # One of the first, tried again: it goes, so that the server takes them again.
            again = row_of("a@example.org").id
            assert outbox.resend(mail_id=again, staff_id=None, now=NOW + 3 * minute)
            assert trouble_after(NOW + 3 * minute) is None

    def test_mails_that_came_back_are_no_word_of_the_server(
        self, app: Flask, mailbox: Mailbox, post_to: Callable[..., Post]
    ):
        write_mails(*(f"{number}@example.org" for number in range(4)))
        with serving(mailbox) as port:
            post_to(port)()
            outbox.beat(now=NOW)
            for mail in db.session.scalars(select(OutboxMail)).all():
                outbox.came_back(message_id=mail.message_id, said="550 Unknown", now=NOW)
            assert outbox.trouble(NOW) is None

    def test_heartbeats_of_machines_that_are_gone_are_forgotten(self, app: Flask):
        save(WorkerHeartbeat(name="gone", at=NOW - timedelta(days=8)))
        outbox.beat(now=NOW)
        outbox.beat(now=NOW + timedelta(seconds=30))
        names = db.session.execute(select(WorkerHeartbeat.name, WorkerHeartbeat.at)).all()
        assert [at for _, at in names] == [NOW + timedelta(seconds=30)]

    def test_the_same_change_cannot_be_mailed_twice(self, app: Flask):
        rsvp = make_rsvp(make_option())
        with pytest.raises(IntegrityError), transaction():
            emails.rsvp_confirmed(rsvp, now=NOW)

    def test_a_message_id_is_the_same_for_every_try_and_tells_nothing(self, app: Flask):
        key = "confirmed:1.1:a@example.org"
        assert emails.message_id(key) == emails.message_id(key)
        assert "example.org:" not in emails.message_id(key)
        assert emails.message_id(key) != emails.message_id(key + "x")
        assert timedelta(minutes=1) < CLAIM
