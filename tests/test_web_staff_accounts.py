"""Accounts: invited, changed, closed; passwords, codes, passkeys; and who tries too often."""

from __future__ import annotations

import html
import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from flask_security.core import _default_messages
from flask_security.recoverable import generate_reset_password_token
from passlib.totp import TOTP
from sqlalchemy import select
from webauthn.helpers.exceptions import InvalidRegistrationResponse

from registration import audit, mailings, rendering, staff, wording
from registration.database import db
from registration.models import AuditEntry, OutboxMail, Passkey, Staff, StaffRole
from registration.segments import Segment
from registration.web.staff import accounts, sign_in_words
from tests.conftest import NOW
from tests.factories import make_event, make_staff, save
from tests.forms import forms_of
from tests.signing_in import PASSWORD, enter, post, send, sign_in, signed_in


def actions() -> list[str]:
    """What the log holds."""
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_an_account_keeps_its_old_events_where_only_the_latest_are_offered(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(accounts, "OFFERED", 1)
    old = make_event(title="Long ago", starts_at=NOW - timedelta(days=900))
    make_event(title="Next week")
    url = f"/staff/people/{make_staff(StaffRole.ORGANISER, old).id}"
    sign_in(client, make_staff())
    assert "Long ago" in client.get(url).text
    assert send(client, url, name="Renamed", role="organiser", events=old.id).status_code == 303
    assert "Long ago" in client.get(url).text


def test_events_of_one_title_are_told_apart_by_their_days(client: FlaskClient) -> None:
    before, after = NOW - timedelta(days=365), NOW + timedelta(days=7)
    last_year, this_year = (make_event(title="Open House", starts_at=at) for at in (before, after))
    day, other_day = (
        wording.plain_day(event.starts_at, event.zone) for event in (last_year, this_year)
    )
    organiser = make_staff(StaffRole.ORGANISER, last_year)
    sign_in(client, make_staff())
    page = client.get(f"/staff/people/{organiser.id}").text
    assert f"checked><span><bdi>Open House · {day}<" in page
    assert f"><span><bdi>Open House · {other_day}<" in page
    sign_in(client, organiser)
    page = client.get("/staff/account/").text
    assert day in page
    assert other_day not in page


def test_what_an_account_got_or_lost_meanwhile_stays_so(client: FlaskClient) -> None:
    kept, taken, given = (make_event(title=title) for title in ("Kept", "Taken", "Given"))
    other = make_staff(StaffRole.ADMIN, kept, taken, name="Other")
    admin = make_staff()
    sign_in(client, admin)
    url = f"/staff/people/{other.id}"
    opened = next(form.sent for form in forms_of(client.get(url).text) if "role" in form.sent)
    staff.change(
        account_id=other.id,
        role=StaffRole.ORGANISER,
        gains={given.id},
        loses={taken.id},
        staff_id=admin.id,
        now=NOW,
    )
    opened["name"] = "Renamed"
    assert client.post(url, data=opened).status_code == 303
    assert other.name == "Renamed"
    assert [role.name for role in other.roles] == ["organiser"], "not an admin once more"
    assert {event.title for event in staff.events_of(other)} == {"Kept", "Given"}


def test_an_invited_colleague_sets_a_password_and_is_in(app: Flask, client: FlaskClient) -> None:
    event = make_event(title="Policing in Conflict")
    sign_in(client, make_staff())
    done = send(
        client,
        "/staff/people/invite",
        email="New@Example.org",
        name="A colleague",
        role="organiser",
        events=[event.id],
    )
    assert done.status_code == 303
    assert "A colleague" in client.get("/staff/people/").text
    mail = db.session.scalars(select(OutboxMail)).one()
    assert mail.recipient == "new@example.org"
    assert "Miriam Castellanos made an account for you" in rendering.render(mail, now=NOW).body
    theirs = app.test_client()
    path = mail.facts["path"]
    send(theirs, path, password=PASSWORD, password_confirm=PASSWORD)
    enter(theirs, "new@example.org")
    assert "Policing in Conflict" in theirs.get("/staff/").text
    assert theirs.get("/staff/people/").status_code == 403
    again = theirs.get(path)
    assert again.status_code == 302, "the link works once"


def test_an_address_with_an_account_is_not_invited_again(client: FlaskClient) -> None:
    sign_in(client, make_staff(email="admin@example.org"))
    answer = send(client, "/staff/people/invite", email="admin@example.org", name="X", role="door")
    assert answer.status_code == 422
    assert "This address has an account already." in answer.text


def test_a_changed_role_counts_at_once_and_is_in_the_log(app: Flask, client: FlaskClient) -> None:
    event = make_event()
    other = make_staff(StaffRole.ORGANISER, event)
    other_id = other.id
    theirs = sign_in(app.test_client(), other)
    assert theirs.get("/staff/outbox/").status_code == 200
    sign_in(client, make_staff())
    url = f"/staff/people/{other_id}"
    assert send(client, url, name="Other", role="door", events=[event.id]).status_code == 303
    assert theirs.get("/staff/outbox/").status_code == 403
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.changed")).one()
    assert entry.detail["changes"]["role"] == ["organiser", "door"]


def test_a_closed_account_is_out_at_once_and_may_come_back(app: Flask, client: FlaskClient) -> None:
    other = make_staff(email="other@example.org", password=hash_password(PASSWORD))
    other_id = other.id
    theirs = app.test_client()
    enter(theirs, "other@example.org")
    assert signed_in(theirs)
    sign_in(client, make_staff())
    send(client, f"/staff/people/{other_id}/act", page="/staff/people/", do="close")
    assert not signed_in(theirs)
    enter(theirs, "other@example.org")
    assert not signed_in(theirs)
    send(client, f"/staff/people/{other_id}/act", page="/staff/people/", do="open")
    enter(theirs, "other@example.org")
    assert signed_in(theirs)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("close", "The account is closed"),
        ("open", "The account is open again"),
        ("end_sessions", "signed out everywhere"),
        ("forget_factors", "Codes and passkeys are off"),
        ("link", "A mail with a new link is on its way"),
    ],
)
def test_it_is_said_what_was_done_with_an_account(
    client: FlaskClient, action: str, told: str
) -> None:
    other_id = make_staff(email="other@example.org", password=hash_password(PASSWORD)).id
    sign_in(client, make_staff())
    send(client, f"/staff/people/{other_id}/act", page="/staff/people/", do=action)
    assert told in client.get("/staff/people/").text


def test_one_administrator_stays(client: FlaskClient) -> None:
    admin = make_staff()
    admin_id = admin.id
    sign_in(client, admin)
    post(client, f"/staff/people/{admin_id}/act", do="close")
    assert "You cannot close your own account." in client.get("/staff/people/").text
    answer = send(client, f"/staff/people/{admin_id}", name="X", role="door")
    assert "This is the last administrator." in answer.text
    assert db.session.get_one(Staff, admin_id).is_admin


def test_who_takes_their_own_role_away_comes_to_a_page_that_is_still_theirs(
    client: FlaskClient,
) -> None:
    make_staff(email="second@example.org")
    me = make_staff()
    sign_in(client, me)
    done = send(client, f"/staff/people/{me.id}", name="Me", role="organiser")
    shown = client.get(done.location)
    assert shown.status_code == 200
    assert "Saved." in shown.text


def test_sessions_are_ended_everywhere_else(app: Flask, client: FlaskClient) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    there = app.test_client()
    enter(client, "me@example.org")
    enter(there, "me@example.org")
    answer = send(client, "/staff/account/", do="end_sessions")
    assert "Everywhere else you are signed out." in client.get(answer.location).text
    assert signed_in(client)
    assert not signed_in(there)


def test_who_stays_in_stays_for_as_long_as_they_chose(app: Flask, client: FlaskClient) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    send(client, "/staff/sign-in", email="me@example.org", password=PASSWORD, remember="y")
    send(client, "/staff/account/", do="end_sessions")
    client.delete_cookie(app.config["SESSION_COOKIE_NAME"])  # as a browser does when it is closed
    assert signed_in(client)


def test_the_account_says_when_and_from_where_it_was_entered(
    app: Flask, client: FlaskClient
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    page = sign_in(client, db.session.scalars(select(Staff)).one()).get("/staff/account/").text
    assert "from 127.0.0.1" not in page
    enter(app.test_client(), "me@example.org")
    assert "<dt>Before</dt>" not in client.get("/staff/account/").text, "it was the first time"
    enter(app.test_client(), "me@example.org")
    page = client.get("/staff/account/").text
    assert "<dt>Before</dt>" in page
    assert page.count("from 127.0.0.1") == 2


def test_the_list_of_people_offers_what_can_be_done(client: FlaskClient) -> None:
    sign_in(client, make_staff())
    assert 'name="do"' not in client.get("/staff/people/").text, "not with one's own account"
    make_staff(email="closed@example.org", active=False)
    offered = re.findall(r'name="do" value="(\w+)"', client.get("/staff/people/").text)
    assert offered == ["open"]


def test_a_changed_password_ends_the_other_sessions_and_is_mailed(
    app: Flask, client: FlaskClient
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    there = app.test_client()
    enter(client, "me@example.org")
    enter(there, "me@example.org")
    send(
        client,
        "/staff/password",
        password=PASSWORD,
        new_password="staple paper hill",
        new_password_confirm="staple paper hill",
    )
    assert signed_in(client)
    assert not signed_in(there)
    mail = db.session.scalars(select(OutboxMail)).one()
    assert "Your password was changed" in rendering.render(mail, now=NOW).body
    assert "staff.password_changed" in actions()
    short = send(
        client,
        "/staff/password",
        password="staple paper hill",
        new_password="eleven sign",
        new_password_confirm="eleven sign",
    )
    assert "There is a problem" in short.text


def test_a_new_password_its_mail_and_its_line_in_the_log_are_one_change(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the worker, woken by the mail, may write before the rest is: SQLite refuses that."""
    make_staff(email="staff@example.org", password=hash_password(PASSWORD))
    send(client, "/staff/reset", email="staff@example.org")
    path = db.session.scalars(select(OutboxMail)).one().facts["path"]
    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", lambda *_, **__: 1 / 0)
        fields = {"password": "staple paper hill", "password_confirm": "staple paper hill"}
        assert send(client, path, **fields).status_code == 500
    assert len(db.session.scalars(select(OutboxMail)).all()) == 1, "no other mail was written"
    assert client.get(path).status_code == 200, "the link still works"
    assert enter(client, "staff@example.org").location == "/staff/"


@pytest.mark.parametrize("typed", ["", "  ", "staff", "staff@", "staff@example", "a b@example.org"])
def test_what_is_no_address_is_told_so_where_a_password_is_forgotten(
    client: FlaskClient, typed: str
) -> None:
    page = send(client, "/staff/reset", email=typed).text
    assert "Enter an email address in the right format" in page
    assert "is on its way" not in page


def test_a_code_is_asked_for_after_the_password_and_works_once(
    app: Flask, client: FlaskClient
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    page = send(client, "/staff/second-factor", setup="authenticator")
    assert page.status_code == 200
    key = re.search(r'login__key">([^<]+)<', page.text)[1]
    action = re.search(r'action="([^"]*second-factor[^"]*)"', page.text)[1]
    codes = TOTP(key=key)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    wrong = client.post(action, data={"csrf_token": token, "code": "000000"})
    assert "This code is wrong" in wrong.text
    assert key in wrong.text, "the key that was scanned is still good"
    action = re.search(r'action="([^"]*second-factor[^"]*)"', wrong.text)[1]
    code = codes.generate().token  # the next one begins within half a minute
    done = client.post(action, data={"csrf_token": token, "code": code})
    assert done.status_code == 302, done.text
    assert db.session.scalars(select(Staff)).one().tf_primary_method == "authenticator"
    assert "staff.second_factor" in actions()

    made = send(client, "/staff/recovery-codes", generate_new_codes="y")
    assert made.status_code == 303, "a page loaded again makes no new codes"
    recovery = re.findall(r"<li><code>([^<]+)</code>", client.get(made.location).text)
    assert len(recovery) == 8
    assert recovery == re.findall(r"<li><code>([^<]+)</code>", client.get(made.location).text)
    assert actions()[-1] == "staff.recovery_codes"
    told = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert "the recovery codes of your account were changed" in rendering.render(told, now=NOW).body

    other = app.test_client()
    enter(other, "me@example.org")
    assert not signed_in(other), "the password alone is not enough"
    wrong = send(other, "/staff/second-factor/code", code="000000")
    assert wrong.status_code == 200
    assert not signed_in(other)
    used = send(other, "/staff/second-factor/code", code=code)
    assert not signed_in(other), f"a code works once ({used.status_code})"
    asked = other.get("/staff/second-factor/code?next=/staff/log/").text
    lost = re.search(r'href="(/staff/recovery[^"]*)"', asked)[1]
    let_in = send(other, lost, code=recovery[0])
    assert let_in.location == "/staff/log/", "on to where one wanted to"
    assert "staff.recovery_code_used" in actions()
    assert signed_in(other)

    back = other.get("/staff/second-factor/code?next=/staff/log/")
    assert back.location == "/staff/", "who goes back to the code's page is in"
    assert signed_in(other)

    third = app.test_client()
    enter(third, "me@example.org")
    send(third, "/staff/recovery", code=recovery[0])
    assert not signed_in(third), "a recovery code works once"
    as_typed = f" {recovery[1].upper().replace('-', ' ')} "
    send(third, "/staff/recovery", code=as_typed)
    assert signed_in(third), "off paper, it is typed in one way or another"
    fourth = app.test_client()
    enter(fourth, "me@example.org")
    send(fourth, "/staff/recovery", code=recovery[1])
    assert not signed_in(fourth)


@pytest.mark.parametrize("page", ["/staff/second-factor/code", "/staff/recovery"])
def test_wrong_codes_are_stopped_and_noted_without_the_code(
    app: Flask, client: FlaskClient, page: str
) -> None:
    factory = app.extensions["security"].totp_factory
    make_staff(
        email="me@example.org",
        password=hash_password(PASSWORD),
        tf_primary_method="authenticator",
        tf_totp_secret=factory.generate_totp_secret(),
        mf_recovery_codes=["a code"],
    )
    enter(client, "me@example.org")
    for _attempt in range(10):
        assert send(client, page, code="000000").status_code == 200
    assert post(client, page, code="000000").status_code == 429
    entries = db.session.scalars(select(AuditEntry)).all()
    assert [(entry.action, entry.actor, entry.network) for entry in entries] == [
        ("staff.code_failed", "stranger", "127.0.0.1")
    ] * 10
    assert entries[0].detail == {"account": "me@example.org"}


def test_a_password_that_is_asked_for_once_more_and_wrong_is_noted(client: FlaskClient) -> None:
    account = make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    assert send(client, "/staff/verify", password="a wrong guess").status_code == 200
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.staff_id) == ("staff.password_failed", account.id)
    assert entry.detail == {"account": "me@example.org"}


def test_who_has_lost_phone_and_codes_is_helped_by_another_admin(
    app: Flask, client: FlaskClient
) -> None:
    lost = make_staff(
        StaffRole.ORGANISER,
        email="me@example.org",
        password=hash_password(PASSWORD),
        tf_primary_method="authenticator",
        tf_totp_secret="a secret",
        mf_recovery_codes=["a code"],
    )
    save(
        Passkey(
            user_id=lost.id, name="Phone", usage="secondary", credential_id=b"1", public_key=b"1",
            backup_state=False, device_type="single_device", lastuse_datetime=NOW,
        )
    )  # fmt: skip
    lost_id, there = lost.id, sign_in(app.test_client(), lost)
    sign_in(client, admin := make_staff())
    admin_id = admin.id
    assert "Phone lost" in client.get("/staff/people/").text
    send(client, f"/staff/people/{lost_id}/act", page="/staff/people/", do="forget_factors")
    assert "Phone lost" not in client.get("/staff/people/").text
    assert not signed_in(there)
    enter(there, "me@example.org")
    assert signed_in(there), "the password alone is enough"
    mail = db.session.scalars(select(OutboxMail)).one()
    assert mail.recipient == "me@example.org"
    assert "Your second factor was changed" in rendering.render(mail, now=NOW).body
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "staff.second_factor")
    ).one()
    assert (entry.staff_id, entry.detail) == (admin_id, {"account": "me@example.org"})
    send(client, f"/staff/people/{admin_id}/act", page="/staff/people/", do="forget_factors")
    assert "is changed on the page of your account" in client.get("/staff/people/").text


def test_a_password_set_by_the_mailed_link_ends_all_sessions(
    app: Flask, client: FlaskClient
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    there = app.test_client()
    send(there, "/staff/reset", email="me@example.org")
    path = db.session.scalars(select(OutboxMail)).one().facts["path"]
    send(there, path, password="staple paper hill", password_confirm="staple paper hill")
    assert not signed_in(client)


def test_who_sets_a_password_in_a_browser_of_somebody_else_does_not_go_on_as_them(
    app: Flask, client: FlaskClient
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    make_staff(email="admin@example.org", password=hash_password(PASSWORD))
    send(app.test_client(), "/staff/reset", email="me@example.org")
    path = db.session.scalars(select(OutboxMail)).one().facts["path"]
    send(client, "/staff/sign-in", email="admin@example.org", password=PASSWORD, remember="y")
    send(client, path, password="staple paper hill", password_confirm="staple paper hill")
    assert not signed_in(client)
    assert "Sign in with it" in client.get("/staff/sign-in").text
    assert enter(client, "me@example.org", "staple paper hill").location == "/staff/"


@pytest.mark.parametrize(
    ("base_url", "host", "origin"),
    [
        ("https://events.example.org", "events.example.org", "https://events.example.org"),
        ("https://example.org:8443", "example.org", "https://example.org:8443"),
        # Browsers take no address of numbers for a passkey; localhost they do, for trying.
        ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
        ("http://[::1]:8000", "localhost", "http://localhost:8000"),
    ],
)
def test_a_passkey_belongs_to_the_sites_own_host_whatever_the_request_says(
    app: Flask, monkeypatch: pytest.MonkeyPatch, base_url: str, host: str, origin: str
) -> None:
    monkeypatch.setitem(app.config, "BASE_URL", base_url)
    expected: list[dict[str, Any]] = []

    def verified(**what: Any) -> None:
        expected.append(what)
        raise InvalidRegistrationResponse

    monkeypatch.setattr("webauthn.verify_registration_response", verified)
    evil = "http://evil.example.com"
    client = sign_in(app.test_client(), make_staff(), site=evil)
    with client.session_transaction(base_url=evil) as session:
        session["fs_paa"] = time.time()  # the password was entered just now
    made = post(client, "/staff/passkeys", site=evil, name="My laptop", usage="first").text
    asked = post(app.test_client(), "/staff/passkey", site=evil).text
    for page in (made, asked):
        options = json.loads(html.unescape(re.findall(r'data-options="([^"]+)"', page)[0]))
        assert (options["rp"]["id"] if "rp" in options else options["rpId"]) == host
        assert "evil" not in page
    path = form_path(made)
    parts = {"clientDataJSON": "e30", "attestationObject": "e30"}
    credential = {"id": "YQ", "rawId": "YQ", "type": "public-key", "response": parts}
    post(client, path, site=evil, credential=json.dumps(credential))
    assert [(what["expected_rp_id"], what["expected_origin"]) for what in expected] == [
        (host, origin)
    ]


def form_path(page: str) -> str:
    """Where the form with the passkey goes."""
    found = re.search(r'action="([^"]*/passkeys/[^"]+)"', page)
    assert found
    return html.unescape(found[1])


def test_a_passkey_is_offered_options_of_this_site(client: FlaskClient) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    page = send(client, "/staff/passkeys", name="My laptop", usage="first")
    assert page.status_code == 200
    assert 'data-passkey="create"' in page.text
    assert "challenge" in page.text
    asked = send(client.application.test_client(), "/staff/passkey")
    assert 'data-passkey="get"' in asked.text


def test_changing_how_one_signs_in_wants_a_fresh_password(client: FlaskClient) -> None:
    account = make_staff(email="me@example.org", password=hash_password(PASSWORD))
    sign_in(client, account)
    with client.session_transaction() as session:
        session["fs_paa"] = (NOW - timedelta(days=1)).timestamp()
    for url in ("/staff/passkeys", "/staff/second-factor"):
        answer = client.get(url)
        assert answer.status_code == 303, url
        assert "/staff/verify" in answer.location
    assert "Is it still you?" in client.get("/staff/verify").text


def leave_alone(client: FlaskClient) -> None:
    """Let a day go by since the password was entered at this desk."""
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - 24 * 3600
        session.pop("fs_gexp", None)


def test_a_desk_left_alone_asks_for_the_password_before_it_makes_or_changes_an_account(
    client: FlaskClient,
) -> None:
    colleague = make_staff(StaffRole.DOOR, email="door@example.org")
    colleague_id, known_as = colleague.id, colleague.fs_uniquifier
    sign_in(client, make_staff(email="me@example.org", password=hash_password(PASSWORD)))
    leave_alone(client)
    accounts_before = db.session.query(Staff).count()
    person = f"/staff/people/{colleague_id}"
    for url in ("/staff/people/invite", person):
        assert "/staff/verify" in client.get(url).location
    about = {"name": "A colleague", "role": "admin"}
    post(client, "/staff/people/invite", email="new@example.org", **about)
    post(client, person, **about, shown_name="", shown_role="door")
    for action in ("close", "end_sessions", "forget_factors", "link"):
        post(client, f"{person}/act", do=action)
    db.session.expire_all()
    assert db.session.query(Staff).count() == accounts_before
    kept = db.session.get_one(Staff, colleague_id)
    assert [role.name for role in kept.roles] == ["door"]
    assert kept.active
    assert kept.fs_uniquifier == known_as
    assert actions() == []


def test_what_was_typed_of_an_account_waits_while_the_password_is_asked_for(
    client: FlaskClient,
) -> None:
    event, other = make_event(), make_event(starts_at=NOW - timedelta(days=9))
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    opened = forms_of(client.get("/staff/people/invite").text)[-1].sent
    typed = {"email": "new@example.org", "name": "Amina Bello", "role": "door"}
    leave_alone(client)
    kept = client.post(
        "/staff/people/invite",
        data=opened.to_dict() | typed | {"events": [event.id, other.id]},
        headers={"Origin": "http://localhost"},
    )
    assert kept.status_code == 401
    assert "Is it still you?" in kept.text
    assert "Amina Bello" in kept.text
    door = html.unescape(re.findall(r'href="(/staff/verify[^"]*)"', kept.text)[0])
    assert send(client, door, password=PASSWORD).status_code == 302
    waiting = next(form for form in forms_of(kept.text) if "email" in form.sent)
    assert client.post("/staff/people/invite", data=waiting.sent).status_code == 303
    invited = db.session.scalars(select(Staff).where(Staff.email == "new@example.org")).one()
    assert (invited.name, invited.roles[0].name) == ("Amina Bello", "door")
    assert staff.events_of(invited) == [event, other]


def test_a_button_that_asks_for_the_password_leads_back_to_its_page_and_says_so(
    client: FlaskClient,
) -> None:
    colleague_id = make_staff(StaffRole.DOOR, email="door@example.org").id
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    leave_alone(client)
    page = {"Origin": "http://localhost", "Referer": "http://localhost/staff/people/"}
    asked = post(client, f"/staff/people/{colleague_id}/act", headers=page, do="close").location
    assert "This is not done yet." in client.get(asked).text
    assert send(client, asked, password=PASSWORD).location == "/staff/people/"
    send(client, f"/staff/people/{colleague_id}/act", page="/staff/people/", do="close")
    assert not db.session.get_one(Staff, colleague_id, populate_existing=True).active


def test_a_passkey_that_is_removed_late_leads_back_to_the_account(client: FlaskClient) -> None:
    sign_in(client, make_staff(email="me@example.org", password=hash_password(PASSWORD)))
    leave_alone(client)
    # Passkeys know the site's own address alone.
    page = {"Referer": "http://events.example.org/staff/account/"}
    asked = post(client, "/staff/passkeys/delete", headers=page, name="Phone").location
    assert send(client, asked, password=PASSWORD).location == "/staff/account/"


@pytest.mark.parametrize(
    "taken", ["the account is closed", "another role", "the event", "nothing", "another event"]
)
def test_who_takes_an_account_off_reads_which_of_its_messages_still_go(
    client: FlaskClient, taken: str
) -> None:
    event, other = make_event(title="Open House"), make_event(title="Something else")
    writer = make_staff(StaffRole.ORGANISER, event, other, name="Amina")
    draft = mailings.write(
        event_id=event.id, staff_id=writer.id, subject="S", body="B", segment=Segment(), now=NOW
    )
    at = NOW + timedelta(days=1)
    mailings.schedule(mailing_id=draft.id, staff_id=writer.id, at=at, now=NOW)
    sign_in(client, make_staff())
    person = f"/staff/people/{writer.id}"
    about = {"name": "Amina", "shown_name": "Amina", "shown_role": "organiser", "role": "organiser"}
    shown = {"shown_event": [event.id, other.id]}
    if taken == "the account is closed":
        post(client, f"{person}/act", do="close")
    elif taken == "another role":
        post(client, person, **about | shown | {"role": "door", "events": [event.id, other.id]})
    else:
        left = {"the event": [other.id], "another event": [event.id]}.get(
            taken, [event.id, other.id]
        )
        post(client, person, **about | shown | {"events": left})
    page = client.get("/staff/people/").text
    is_told = "1 message that they wrote is scheduled and still goes" in page
    assert is_told == (taken in ("the account is closed", "another role", "the event"))
    assert ("It is at Open House." in page) == is_told


def test_an_account_without_a_password_is_told_how_it_goes_on(client: FlaskClient) -> None:
    sign_in(client, make_staff(email="me@example.org"))
    with client.session_transaction() as session:
        del session["fs_paa"]
    page = client.get("/staff/verify").text
    assert "Your account has no password yet. Sign out, and choose “I forgot" in page
    assert 'name="password"' not in page
    guess = send(client, "/staff/verify", password="x")
    assert guess.status_code == 200
    assert "Your account has no password yet." in guess.text
    with client.session_transaction() as session:
        assert "fs_paa" not in session


def test_whose_password_it_is_stands_on_its_page_and_is_told_to_what_keeps_passwords(
    app: Flask, client: FlaskClient
) -> None:
    account = make_staff(email="me@example.org", password=hash_password(PASSWORD))
    with app.test_request_context():
        link = f"/staff/reset/{generate_reset_password_token(account)}"
    mailed = client.get(link).text
    assert "For the account me@example.org." in mailed
    enter(client, "me@example.org")
    for page in (mailed, client.get("/staff/password").text):
        assert 'autocomplete="username" value="me@example.org" hidden' in page


@pytest.mark.parametrize(
    ("language", "asked", "again"),
    [
        ("en", "Enter a new password", "Enter the new password once more"),
        (
            "fr",
            "Indiquez un nouveau mot de passe",
            "Répétez le nouveau mot de passe",
        ),
    ],
)
def test_a_new_password_that_is_missing_is_asked_for_as_a_new_one(
    app: Flask, client: FlaskClient, language: str, asked: str, again: str
) -> None:
    account = make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, "me@example.org")
    with app.test_request_context():
        link = f"/staff/reset/{generate_reset_password_token(account)}"
    browsers = (
        (client, "/staff/password", {"password": PASSWORD}, "new_password"),
        (app.test_client(), link, {}, "password"),
    )
    for browser, url, typed, name in browsers:
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        nothing = send(browser, url, **typed).text
        assert nothing.count(asked) == 2, "at its field and above"
        assert again not in nothing
        assert again in send(browser, url, **typed, **{name: "staple paper hill"}).text


def test_no_lock_is_held_while_a_password_is_hashed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    writing = []
    verify = Staff.verify_and_update_password

    def watched(account: Staff, password: str) -> bool:
        options = db.session.connection().get_execution_options()
        writing.append(options.get("writing", False))
        return bool(verify(account, password))

    monkeypatch.setattr(Staff, "verify_and_update_password", watched)
    assert enter(client, "me@example.org", "a wrong guess").status_code == 200
    assert enter(client, "me@example.org").status_code in (302, 303)
    assert writing == [False, False]


def test_guessing_is_stopped_and_noted(client: FlaskClient) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    for _attempt in range(10):
        assert enter(client, "me@example.org", "a wrong guess").status_code == 200
    stopped = enter(client, "me@example.org")
    assert stopped.status_code == 429
    assert "That was more than we take at once" in stopped.text
    failures = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "staff.sign_in_failed")
    ).all()
    assert {entry.detail["account"] for entry in failures} == {"me@example.org"}
    assert {entry.network for entry in failures} == {"127.0.0.1"}


@pytest.mark.parametrize("typed", ["me@exmaple.org", PASSWORD, f"me@example.org {PASSWORD}"])
def test_what_is_no_accounts_address_is_not_kept_when_a_sign_in_fails(
    client: FlaskClient, typed: str
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    assert enter(client, typed, "a wrong guess").status_code == 200
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.network, entry.detail) == (
        "staff.sign_in_failed",
        "127.0.0.1",
        {"account": ""},
    )


def test_a_sign_in_form_that_is_sent_empty_is_no_guess_and_not_noted(client: FlaskClient) -> None:
    assert enter(client, "", "a guess").status_code == 200
    assert actions() == []


def test_the_account_whose_sign_in_fails_is_noted_however_its_address_is_written(
    client: FlaskClient,
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    enter(client, " Me@Example.org ", "a wrong guess")
    assert db.session.scalars(select(AuditEntry)).one().detail == {"account": "me@example.org"}


@pytest.mark.parametrize(
    "typed",
    ["anna@bücher.example", "anna@xn--bcher-kva.example", "Anna@BÜCHER.example", "anna@desk.test"],
)
def test_every_address_that_an_account_can_have_signs_in_and_gets_a_new_password(
    client: FlaskClient, typed: str
) -> None:
    kept = staff.add(email=typed, role=StaffRole.ADMIN, password=PASSWORD, now=NOW).email
    send(client, "/staff/reset", email=typed)
    assert db.session.scalars(select(OutboxMail.recipient)).all() == [kept]
    assert enter(client, typed).status_code in (302, 303)


@pytest.mark.parametrize("onward", ["//evil.example.com", "https://evil.example.com/", "evil:x"])
def test_who_comes_with_a_page_of_another_site_signs_in_and_stays(
    client: FlaskClient, onward: str
) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD))
    page = f"/staff/sign-in?next={onward}"
    answer = send(client, page, email="me@example.org", password=PASSWORD, next=onward)
    assert answer.location == "/staff/"
    assert signed_in(client)


def test_a_name_is_changed_by_its_owner(client: FlaskClient) -> None:
    sign_in(client, make_staff())
    send(client, "/staff/account/", name="M. Castellanos")
    assert "M. Castellanos" in client.get("/staff/account/").text


def test_every_message_of_the_sign_in_is_one_of_the_extensions() -> None:
    known = {f"SECURITY_MSG_{name}" for name in _default_messages}
    assert sign_in_words.SETTINGS.keys() <= known
    for name, (text, _kind) in sign_in_words.SETTINGS.items():
        theirs = _default_messages[name.removeprefix("SECURITY_MSG_")][0]
        filled = re.findall(r"%\(\w+\)s", str(text))
        assert set(filled) <= set(re.findall(r"%\(\w+\)s", str(theirs))), name


def test_what_is_missing_or_closed_is_said_at_the_sign_in(client: FlaskClient) -> None:
    make_staff(email="me@example.org", password=hash_password(PASSWORD), active=False)
    nothing = enter(client, "", "").text
    assert "Enter your email address" in nothing
    assert "Enter your password" in nothing
    for email in ("me@example.org", "nobody@example.org"):
        page = enter(client, email, "").text
        assert "Enter your password" in page
        assert "do not match" not in page
    assert "do not match" in enter(client, "me@example.org", "a wrong password").text
    assert "This account is closed." in enter(client, "me@example.org").text
    assert not signed_in(client)


def test_the_account_says_how_many_recovery_codes_are_left(client: FlaskClient) -> None:
    account = make_staff(tf_primary_method="authenticator", tf_totp_secret="a secret")
    sign_in(client, account)
    assert "You have no recovery codes." in client.get("/staff/account/").text
    account.mf_recovery_codes = ["one", "two"]
    db.session.commit()
    assert "2 recovery codes are left." in client.get("/staff/account/").text
