"""Those who try: nobody learns who is known, and no secret can be tried at leisure."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import WebAuthnSigninResponseForm, hash_password
from limits import parse
from passlib.hash import argon2, sha256_crypt
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from registration import answering
from registration.database import db
from registration.models import (
    InvitationCode,
    OutboxMail,
    Passkey,
    Rsvp,
    Staff,
    StaffRole,
)
from registration.parties import attendees
from registration.web import answer_form, limits, tries
from registration.web.limits import SharedMemory, limiter
from registration.web.staff import sign_in_forms, signing_in
from registration.web.staff.sign_in_forms import begin_to_write
from registration.web.staff.signing_in import security
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, make_staff, save
from tests.forms import answer_with
from tests.signing_in import post, sign_in
from tests.test_web_staff_passkeys import Device, ask

PASSWORD = "a long and good password"


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements that are executed, as they come."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)


def without_tokens(page: str, *addresses: str) -> str:
    """A page without what differs from visit to visit."""
    page = re.sub(r'(name="(csrf_token|started)"[^>]*value=")[^"]*', r"\1", page)
    for one in addresses:
        page = page.replace(one, "ADDRESS")
    return page


def what_is_told(answer: TestResponse, email: str) -> tuple[int, list[tuple[str, str]], str]:
    """Status, headers and page: the cookie without the value that is sealed anew each time."""
    headers = [
        (name, re.sub(r"(?<==)[^;]+", "", value, count=1) if name == "Set-Cookie" else value)
        for name, value in answer.headers
    ]
    return answer.status_code, headers, without_tokens(answer.text, email)


class TestNobodyLearnsWhoIsKnown:
    def test_by_asking_for_links(self, client: FlaskClient, statements: list[str]) -> None:
        room, _stream = make_hybrid()
        known, unknown = make_rsvp(room).email, "nobody@example.org"
        answers, costs = [], []
        for email in (known, unknown):
            statements.clear()
            answer = post(client, "/find", email=email)
            answers.append((answer.status_code, without_tokens(answer.text, email)))
            costs.append(len(statements))
        assert answers[0] == answers[1]
        assert abs(costs[0] - costs[1]) <= 8, "one takes visibly longer than the other"

    def test_by_signing_in_or_asking_for_a_new_password(self, client: FlaskClient) -> None:
        known, unknown = make_staff(StaffRole.ADMIN).email, "nobody@example.org"
        for path in ("/staff/sign-in", "/staff/reset"):
            answers = []
            for email in (known, unknown):
                answer = post(client, path, email=email, password="a wrong password")
                answers.append(
                    (
                        answer.status_code,
                        answer.headers.get("Location"),
                        without_tokens(answer.text, email),
                    )
                )
            assert answers[0] == answers[1], path

    def test_by_asking_to_sign_in_with_a_passkey(self, client: FlaskClient) -> None:
        account = make_staff()
        save(
            Passkey(
                user_id=account.id,
                name="My laptop",
                usage="first",
                credential_id=b"an id that would tell",
                public_key=b"a key",
                backup_state=False,
                device_type="single_device",
                lastuse_datetime=NOW,
            )
        )
        asked = []
        for email in (account.email, "nobody@example.org"):
            page = without_tokens(post(client, "/staff/passkey", identity=email).text, email)
            # Challenges and what is sealed differ each time; they are long.
            asked.append(re.sub(r"[\w.-]{40,}", "…", page))
        assert 'data-passkey="get"' in asked[0]
        assert asked[0] == asked[1]

    @pytest.mark.parametrize("path", ["/staff/sign-in", "/staff/reset"])
    def test_by_how_long_an_answer_takes(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        """Hashing takes longer than all the rest of it: each address costs it once."""
        accounts = make_staff(password=hash_password(PASSWORD)), make_staff()
        addresses = [account.email for account in accounts] + ["nobody@example.org"]
        hashed: list[str] = []
        for slow in (argon2, sha256_crypt):
            for name in ("hash", "verify"):
                real = getattr(slow, name)

                def counted(*about: object, real: Any = real, **more: object) -> object:
                    hashed.append("once")
                    return real(*about, **more)

                monkeypatch.setattr(slow, name, counted)
        costs = []
        for email in addresses:
            hashed.clear()
            assert post(client, path, email=email, password="a wrong password").status_code == 200
            costs.append(len(hashed))
        assert costs == [1, 1, 1]

    @pytest.mark.parametrize(
        ("event", "option", "typed", "status"),
        [
            ({}, {}, {}, 303),
            ({"confirms_addresses": True}, {}, {}, 303),
            ({}, {"needs_approval": True}, {}, 303),
            ({}, {"capacity": 1}, {"attend": "{}w"}, 303),
            ({}, {"capacity": 1}, {}, 409),
            ({}, {}, {"name": ""}, 422),
        ],
    )
    def test_by_what_an_answer_is_answered(
        self,
        app: Flask,
        monkeypatch: pytest.MonkeyPatch,
        statements: list[str],
        event: dict[str, Any],
        option: dict[str, Any],
        typed: dict[str, str],
        status: int,
    ) -> None:
        """Not one bit differs: status, headers, the cookie and what is in it, the page after it."""
        monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
        room = make_option(make_event(**event), **option)
        known, unknown = "someone@example.org", "nobody1@example.org"
        make_rsvp(room, email=known)
        sent = {"attend": "{}", "consent": "y", "started": answer_form.opened(), "name": "Eve"}
        sent |= typed
        sent["attend"] = sent["attend"].format(room.id)
        seen: list[list[object]] = []
        costs = []
        for email in (known, unknown):
            browser = app.test_client()
            statements.clear()
            answer = post(browser, f"/events/{room.event.slug}/rsvp", **sent, email=email)
            costs.append(len(statements))
            assert answer.status_code == status
            with browser.session_transaction() as session:
                kept = {name: value for name, value in session.items() if name != "csrf_token"}
            told = [what_is_told(answer, email), str(kept).replace(email, "ADDRESS")]
            if answer.location:
                told.append(what_is_told(browser.get(answer.location), email))
            seen.append(told)
        assert seen[0] == seen[1]
        assert abs(costs[0] - costs[1]) <= 8, "one takes visibly longer than the other"

    def test_by_an_answer_in_somebody_elses_name(self, client: FlaskClient) -> None:
        room, _stream = make_hybrid()
        email = make_rsvp(room, name="Amina Example").email
        sent = {
            "attend": str(room.id),
            "consent": "y",
            "started": answer_form.opened(),
            "name": "Eve",
        }
        answer = post(client, f"/events/{room.event.slug}/rsvp", **sent, email=email)
        page = client.get(answer.headers["Location"]).text
        key = db.session.scalars(select(Rsvp.manage_key)).one()
        assert key not in answer.headers["Location"] + page
        assert "Amina" not in page


class TestGuessing:
    @pytest.fixture(autouse=True)
    def _forget(self, app: Flask) -> Iterator[None]:
        limiter.reset()
        yield
        limiter.reset()

    def test_passwords_of_one_account_can_be_tried_ten_times(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A network's tries are not used up by those that are refused already.
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_NETWORK", "11 per hour")
        account = make_staff(StaffRole.ADMIN)
        tried = [
            post(client, "/staff/sign-in", email=account.email, password="wrong").status_code
            for _ in range(12)
        ]
        assert tried == [200] * 10 + [429] * 2
        other = make_staff(StaffRole.DOOR)
        answer = post(client, "/staff/sign-in", email=other.email, password="wrong")
        assert answer.status_code == 200, "another account can still sign in"

    def test_signs_that_nobody_sees_make_no_other_address(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_ADDRESS", "2 per hour")
        tried = []
        for email in ("eve@example.org", "e\u200bve@example.org", "\u202aeve@example\u2060.org"):
            option = make_option()
            about = {"name": "Eve", "email": email}
            tried.append(answer_with(client, option.id, option.event.slug, **about))
        assert tried == [303, 303, 429]

    @pytest.mark.parametrize("room", ["sign-in", "rsvp"])
    def test_a_domain_that_is_spelt_otherwise_is_no_other_address(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, room: str
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_ADDRESS", "2 per hour")
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_ADDRESS", "2 per hour")
        spelt = ["eve@example.org", "eve@ｅxample.org", "eve@exampｌe.org", "eve@ExamplE.org"]
        tried = []
        for email in spelt:
            if room == "sign-in":
                answer = post(client, "/staff/sign-in", email=email, password="wrong")
            else:
                option = make_option()
                sent = {"attend": option.id, "consent": "y", "started": answer_form.opened()}
                path = f"/events/{option.event.slug}/rsvp"
                answer = post(client, path, name="Eve", email=email, **sent)
            tried.append(answer.status_code)
        assert tried[2:] == [429, 429]
        assert 429 not in tried[:2]

    def test_a_mailbox_cannot_be_filled_with_resets(self, app: Flask, client: FlaskClient) -> None:
        account = make_staff(StaffRole.ADMIN)
        ticks = iter(range(1000))
        app.config["NOW"] = lambda: NOW + timedelta(seconds=next(ticks))
        for _ in range(12):
            post(client, "/staff/reset", email=account.email)
        assert db.session.query(OutboxMail).filter_by(recipient=account.email).count() <= 4

    def test_empty_forms_of_some_do_not_keep_others_out(self, client: FlaskClient) -> None:
        for address in ("/staff/reset", "/staff/sign-in"):
            for _ in range(12):
                said = post(client, address, email="", password="")
                assert said.status_code == 200, address

    def test_many_accounts_cannot_be_tried_from_one_network(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_NETWORK", "5 per hour")
        tried = [
            post(client, "/staff/sign-in", email=f"{number}@example.org", password="wrong")
            for number in range(7)
        ]
        assert [answer.status_code for answer in tried] == [200] * 5 + [429] * 2

    def test_nor_from_all_the_addresses_that_one_network_gives_a_host(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_NETWORK", "5 per hour")
        tried = []
        for number in range(1, 8):
            client.environ_base["REMOTE_ADDR"] = f"2001:db8::{number}"
            email = f"{number}@example.org"
            tried.append(post(client, "/staff/sign-in", email=email, password="wrong"))
        assert [answer.status_code for answer in tried] == [200] * 5 + [429] * 2

    def test_hosts_that_a_socket_for_both_kinds_names_do_not_share_their_tries(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_NETWORK", "2 per hour")
        tried = []
        for number in (1, 2, 3, 1, 1):
            client.environ_base["REMOTE_ADDR"] = host = f"::ffff:192.0.2.{number}"
            tried.append(post(client, "/staff/sign-in", email=f"{host}@x.org", password="wrong"))
        assert [answer.status_code for answer in tried] == [200, 200, 200, 200, 429]

    def test_a_guess_counts_whatever_answer_it_asks_for(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_ADDRESS", "5 per hour")
        account = make_staff(password=hash_password(PASSWORD))
        as_json = {"Accept": "application/json"}
        tried = [
            post(client, "/staff/sign-in", email=account.email, password="wrong", headers=as_json)
            for _ in range(7)
        ]
        assert [answer.status_code for answer in tried] == [200] * 5 + [429] * 2

    @pytest.mark.parametrize("password", ["wrong", PASSWORD])
    def test_a_guess_that_is_no_form_is_not_read(self, client: FlaskClient, password: str) -> None:
        account = make_staff(password=hash_password(PASSWORD))
        page = client.get("/staff/sign-in").text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None
        answer = client.post(
            "/staff/sign-in",
            json={"email": account.email, "password": password},
            headers={"X-CSRFToken": token[1]},
        )
        assert answer.status_code == 415

    @pytest.mark.parametrize("path", ["/staff/second-factor/code", "/staff/recovery"])
    def test_who_knows_the_password_cannot_try_codes_without_end(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_ADDRESS", "5 per hour")
        secret = security._totp_factory.generate_totp_secret()
        account = make_staff(
            password=hash_password(PASSWORD),
            tf_primary_method="authenticator",
            tf_totp_secret=secret,
            mf_recovery_codes=["one-code"],
        )
        entered = post(client, "/staff/sign-in", email=account.email, password=PASSWORD)
        assert entered.status_code == 302
        tried = [post(client, path, code=f"{number:06}") for number in range(7)]
        assert [answer.status_code for answer in tried] == [200] * 5 + [429] * 2

    @pytest.mark.parametrize("path", ["/staff/verify", "/staff/password"])
    def test_who_finds_a_desk_left_open_cannot_try_its_password_without_end(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_SIGN_IN_PER_ADDRESS", "5 per hour")
        sign_in(client, make_staff(password=hash_password(PASSWORD)))
        sent = {"password": "wrong", "new_password": "a new one!!!"}
        sent["new_password_confirm"] = sent["new_password"]
        tried = [post(client, path, **sent) for _ in range(7)]
        assert [answer.status_code for answer in tried] == [200] * 5 + [429] * 2

    def test_codes_of_an_event_cannot_be_tried_without_end(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room, _stream = make_hybrid(visibility="invitation")
        about = {"name": "Eve", "email": "eve@example.org"}
        monkeypatch.setitem(app.config, "LIMIT_GUESSES_PER_NETWORK", "5 per hour")
        tried = [
            answer_with(client, room.id, room.event.slug, code=f"GUESS{number}", **about)
            for number in range(7)
        ]
        assert tried == [403] * 5 + [429] * 2

    def test_a_good_code_and_a_mistake_elsewhere_are_no_guesses(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_GUESSES_PER_NETWORK", "1 per hour")
        room, _stream = make_hybrid(visibility="invitation")
        save(InvitationCode(event_id=room.event_id, code="SPRING", uses_max=9))
        typed = {"name": "Eve", "code": "SPRING"}
        come = [
            answer_with(client, room.id, room.event.slug, email=f"{number}@example.org", **typed)
            for number in range(3)
        ]
        blank = answer_with(client, room.id, room.event.slug, email="", **typed)
        wrong = [
            answer_with(client, room.id, room.event.slug, email=email, name="Eve", code="WINTER")
            for email in ("a@example.org", "b@example.org")
        ]
        assert (come, blank, wrong) == ([303] * 3, 422, [403, 429])

    def test_codes_of_tickets_cannot_be_tried_without_end(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A good one lets in at the door. Who scans their own, or a friend's, guesses nothing."""
        monkeypatch.setitem(app.config, "LIMIT_GUESSES_PER_NETWORK", "5 per hour")
        room, _stream = make_hybrid()
        mine = attendees(make_rsvp(room))[0].spoken_code
        assert {client.get(f"/t/{mine}").status_code for _ in range(9)} == {200}
        tried = [client.get(f"/t/AAAA-AAA{sign}").status_code for sign in "ABCDEFG"]
        assert tried == [404] * 5 + [429] * 2
        assert client.get(f"/t/{mine}").status_code == 429
        client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
        assert client.get(f"/t/{mine}").status_code == 200

    def test_one_network_asks_for_links_only_so_often(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_FIND_PER_NETWORK", "5 per hour")
        tried = [post(client, "/find", email=f"{number}@example.org") for number in range(7)]
        assert [answer.status_code for answer in tried] == [200] * 5 + [429] * 2

    def test_one_network_asks_to_be_reminded_as_often_beside_it(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_FIND_PER_NETWORK", "1 per hour")
        room, _stream = make_hybrid(registration_opens_at=NOW + timedelta(days=3))
        assert post(client, "/find", email="a@example.org").status_code == 200
        path = f"/events/{room.event.slug}/remind"
        tried = [post(client, path, email=f"{name}@example.org").status_code for name in "abc"]
        assert tried == [200, 429, 429]

    def test_nobody_says_by_a_header_that_they_come_from_elsewhere(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "LIMIT_FIND_PER_NETWORK", "5 per hour")
        tried = [
            post(
                client,
                "/find",
                email="eve@example.org",
                headers={
                    "X-Forwarded-For": f"192.0.2.{number}",
                    "Forwarded": f"for=192.0.2.{number}",
                },
            ).status_code
            for number in range(7)
        ]
        assert tried == [200] * 5 + [429] * 2


class Meeting:
    """Where requests wait until each of them has come so far, or has been answered."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._come: set[int] = set()
        self._changed = threading.Condition()

    def come(self) -> None:
        """Say that this thread's request is here, or over."""
        with self._changed:
            self._come.add(threading.get_ident())
            self._changed.notify_all()

    def wait(self) -> None:
        """Come, and wait for the others."""
        self.come()
        with self._changed:
            self._changed.wait_for(lambda: len(self._come) == self._number)

    def after(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """A function after which all meet."""

        def met(*about: Any, **more: Any) -> Any:
            made = real(*about, **more)
            self.wait()
            return made

        return met

    def before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """A function before which all meet."""

        def met(*about: Any, **more: Any) -> Any:
            self.wait()
            return real(*about, **more)

        return met

    def send(self, app: Flask, request: Callable[[FlaskClient, int], TestResponse]) -> list[int]:
        """All requests at once, each by a browser of its own; their statuses, sorted."""
        all_have_a_thread = threading.Barrier(self._number)
        db.session.remove()  # what the test itself has begun would keep all waiting

        def one(number: int) -> int:
            with app.app_context():
                all_have_a_thread.wait()
                try:
                    return request(app.test_client(), number).status_code
                finally:
                    self.come()

        with ThreadPoolExecutor(self._number) as pool:
            return sorted(pool.map(one, range(self._number)))


class TestCounters:
    """Counts in a process's own memory, as time goes by."""

    @pytest.fixture
    def later(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """Let so many seconds go by for all counters."""
        moment = [time.time()]
        monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: moment[0]))

        def go_by(seconds: float) -> None:
            moment[0] += seconds

        return go_by

    def test_who_has_tried_too_often_may_try_again_when_the_time_is_over(
        self, app: Flask, client: FlaskClient, later: Callable[[float], None]
    ) -> None:
        limiter.reset()
        account = make_staff(StaffRole.ADMIN)

        def tried() -> int:
            return post(client, "/staff/sign-in", email=account.email, password="no").status_code

        assert [tried() for _ in range(11)] == [200] * 10 + [429]
        later(15 * 60 - 1)
        assert tried() == 429
        later(1)
        assert [tried() for _ in range(11)] == [200] * 10 + [429]
        limiter.reset()

    def test_a_count_ends_with_its_time_and_is_swept_away(
        self, later: Callable[[float], None]
    ) -> None:
        memory = limits.ProcessMemory()
        assert [memory.incr("one", 30), memory.incr("one", 30), memory.incr("two", 300)] == [
            1,
            2,
            1,
        ]
        later(29)
        assert memory.get("one") == 2
        later(1)
        assert (memory.get("one"), memory.get("two")) == (0, 1)
        later(60)
        memory.incr("three", 30)
        assert memory.reset() == 2, "the first is gone, the others are there"

    def test_they_are_redis_own_where_that_is_set(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(app.config, "REDIS_URL", "redis://127.0.0.1:1/0")
        counting = limits.Limiter()
        counting.init_app(app)
        assert counting.hit(parse("1 per hour"), "one")
        assert "since Redis is away" in caplog.text, "it was asked"
        assert not counting.hit(parse("1 per hour"), "one")


class TestGuessingAtOnce:
    """Of a burst no more tries pass than of a queue: none is answered before all have come."""

    @pytest.fixture(autouse=True)
    def _three_each(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("SIGN_IN_PER_ADDRESS", "RSVP_PER_ADDRESS", "LINKS_PER_ADDRESS"):
            monkeypatch.setitem(app.config, f"LIMIT_{name}", "3 per hour")
        monkeypatch.setitem(app.config, "LIMIT_GUESSES_PER_NETWORK", "3 per hour")

    @pytest.mark.parametrize("about", ["sign-in", "reset"])
    def test_passwords(self, app: Flask, monkeypatch: pytest.MonkeyPatch, about: str) -> None:
        email = make_staff(password=hash_password(PASSWORD)).email
        ticks = iter(range(1000))
        app.config["NOW"] = lambda: NOW + timedelta(seconds=next(ticks))
        meeting = Meeting(7)
        monkeypatch.setattr(tries, "count", meeting.after(tries.count))
        seen = meeting.send(
            app,
            lambda browser, _number: post(
                browser, f"/staff/{about}", email=email, password="a wrong password"
            ),
        )
        assert seen == [200] * 3 + [429] * 4

    def test_second_factors(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        account = make_staff(
            password=hash_password(PASSWORD),
            tf_primary_method="authenticator",
            tf_totp_secret=security._totp_factory.generate_totp_secret(),
        )
        browser = app.test_client()
        post(browser, "/staff/sign-in", email=account.email, password=PASSWORD)
        with browser.session_transaction() as entered:
            kept = dict(entered)
        meeting = Meeting(7)
        monkeypatch.setattr(tries, "count", meeting.after(tries.count))

        def try_code(browser: FlaskClient, number: int) -> TestResponse:
            with browser.session_transaction() as session:
                session.update(kept)
            return post(browser, "/staff/second-factor/code", code=f"{number:06}")

        assert meeting.send(app, try_code) == [200] * 3 + [429] * 4

    @pytest.mark.parametrize("about", ["app", "paper"])
    def test_a_right_code_of_which_only_one_gets_in(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, about: str
    ) -> None:
        key = security._totp_factory.generate_totp_secret()
        on_paper = ["06c8-e360-48a0"]
        account = make_staff(
            password=hash_password(PASSWORD),
            tf_primary_method="authenticator",
            tf_totp_secret=key,
            mf_recovery_codes=security._mf_recovery_codes_util._encrypt_codes(on_paper),
        )
        browser = app.test_client()
        post(browser, "/staff/sign-in", email=account.email, password=PASSWORD)
        with browser.session_transaction() as entered:
            kept = dict(entered)
        code = security._totp_factory.generate_totp_password(key)
        path = "/staff/second-factor/code" if about == "app" else "/staff/recovery"
        meeting = Meeting(3)
        monkeypatch.setattr(signing_in, "begin_to_write", meeting.before(begin_to_write))

        def enter(browser: FlaskClient, _number: int) -> TestResponse:
            with browser.session_transaction() as session:
                session.update(kept)
            return post(browser, path, code=code if about == "app" else on_paper[0])

        assert meeting.send(app, enter) == [200, 200, 302]

    def test_what_a_passkey_said_of_which_only_one_gets_in(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, database: str
    ) -> None:
        device = Device(make_staff())
        browser = app.test_client()
        page = ask(browser)
        with browser.session_transaction() as entered:
            kept = dict(entered)
        said = device.answer(page)
        path = html.unescape(re.findall(r'action="([^"]*/passkey/[^"]+)"', page)[0])
        meeting = Meeting(3)
        if database == "sqlite":  # it lets one write at a time
            monkeypatch.setattr(signing_in, "begin_to_write", meeting.before(begin_to_write))
        else:
            checked = WebAuthnSigninResponseForm.validate
            monkeypatch.setattr(WebAuthnSigninResponseForm, "validate", meeting.after(checked))

        def enter(browser: FlaskClient, _number: int) -> TestResponse:
            with browser.session_transaction() as session:
                session.update(kept)
            post(browser, path, **said)
            return browser.get("/staff/account/")

        assert meeting.send(app, enter) == [200, 303, 303]

    @pytest.mark.parametrize("path", ["/staff/sign-in", "/staff/verify", "/staff/password"])
    def test_a_password_that_is_another_one_by_its_turn_to_write(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        """Who knows the old one neither gets in by it any more nor puts it back."""
        account = make_staff(password=hash_password(PASSWORD))
        account_id, email = account.id, account.email
        browser = (
            sign_in(app.test_client(), account) if path != "/staff/sign-in" else app.test_client()
        )
        new = hash_password("the owner's own new password")

        def wait_for_the_owner() -> None:
            db.session.rollback()
            with db.engine.begin() as elsewhere:
                of_it = update(Staff).where(Staff.id == account_id)
                elsewhere.execute(of_it.values(password=new, fs_uniquifier="another"))
            begin_to_write()

        monkeypatch.setattr(sign_in_forms, "begin_to_write", wait_for_the_owner)
        sent: dict[str, Any] = {"email": email, "password": PASSWORD}
        sent["new_password"] = "a stranger's password"
        sent["new_password_confirm"] = sent["new_password"]
        answer = post(browser, path, **sent)
        db.session.rollback()
        assert answer.status_code == 200, "the form again"
        assert db.session.get_one(Staff, account_id).password == new

    @pytest.mark.parametrize("about", ["codes", "addresses"])
    def test_answers(self, app: Flask, monkeypatch: pytest.MonkeyPatch, about: str) -> None:
        guesses = about == "codes"
        room, _stream = make_hybrid(visibility="invitation" if guesses else "public")
        slug, wanted = room.event.slug, str(room.id)
        meeting = Meeting(7)
        monkeypatch.setattr(answering, "answer", meeting.before(answering.answer))

        def send(browser: FlaskClient, number: int) -> TestResponse:
            sent = {"attend": wanted, "consent": "y", "started": answer_form.opened()}
            sent |= {"code": f"GUESS{number}"} if guesses else {}
            email = f"{number}@example.org" if guesses else "eve@example.org"
            return post(browser, f"/events/{slug}/rsvp", name="Eve", email=email, **sent)

        assert meeting.send(app, send) == [403 if guesses else 303] * 3 + [429] * 4


def test_without_its_redis_each_process_counts_by_itself() -> None:
    counters = SharedMemory("shared+redis://127.0.0.1:1/0")
    assert [counters.incr("a try", 60), counters.incr("a try", 60)] == [1, 2]
    assert counters.incr("a try", 60, -1) == counters.get("a try") == 1
    assert counters.get_expiry("a try") > time.time() + 50
