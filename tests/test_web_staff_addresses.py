"""The address of an account: asked for, confirmed from its mail, corrected by an administrator."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import add

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from itsdangerous import TimestampSigner
from sqlalchemy import select

from registration import digests, rendering, rsvps, staff, staff_addresses
from registration.database import db
from registration.models import AuditEntry, OutboxMail, Staff, StaffRole
from tests.conftest import NOW
from tests.factories import make_event, make_option, make_rsvp, make_staff
from tests.signing_in import PASSWORD, enter, post, send, sign_in, signed_in

OWN = "/staff/account/address"


@pytest.fixture
def owner(app: Flask, client: FlaskClient) -> Staff:
    """An account in whose browser we sit, signed in a moment ago."""
    account = make_staff(
        StaffRole.ORGANISER, email="before@example.org", password=hash_password(PASSWORD)
    )
    enter(client, "before@example.org")
    return account


def mails(about: str) -> list[OutboxMail]:
    """The mails about this, the latest last."""
    found = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id))
    return [mail for mail in found if mail.facts.get("about") == about]


def ask(client: FlaskClient, email: str) -> str:
    """Ask for another address; the path of the link that is mailed there."""
    done = send(client, OWN, email=email)
    assert done.status_code == 303, done.text
    return str(mails("address_confirm")[-1].facts["path"])


def entry_of(action: str) -> AuditEntry:
    """The one line of the log that says so."""
    return db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)).one()


def test_a_new_address_counts_once_its_mail_was_opened(
    app: Flask, client: FlaskClient, owner: Staff
) -> None:
    owner_id, there = owner.id, app.test_client()
    enter(there, "before@example.org")
    send(there, "/staff/reset", email="before@example.org")
    link_of_before = mails("reset")[0].facts["path"]
    path = ask(client, "After@Example.org")
    asked = mails("address_confirm")[0]
    assert asked.recipient == "after@example.org"
    assert "Confirm your new address" in rendering.render(asked, now=NOW).body
    told = mails("address_asked")[0]
    assert told.recipient == "before@example.org"
    assert "after@example.org" in rendering.render(told, now=NOW).body
    assert db.session.get_one(Staff, owner_id).email == "before@example.org", "nothing is changed"

    assert "You sign in with after@example.org from then on" in client.get(path).text
    assert db.session.get_one(Staff, owner_id).email == "before@example.org", "nor by reading"
    assert send(client, path).status_code == 303
    assert "Your address is changed" in client.get("/staff/account/").text, "and still in"
    assert db.session.get_one(Staff, owner_id).email == "after@example.org"
    assert not signed_in(there), "signed out everywhere else"
    assert client.application.test_client().get(link_of_before).status_code == 302, "it is dead"
    last = mails("address_changed")[0]
    assert last.recipient == "before@example.org"
    assert "You sign in with after@example.org" in rendering.render(last, now=NOW).body
    assert entry_of("staff.address_asked").detail["address"] == "after@example.org"
    entry = entry_of("staff.address")
    assert entry.staff_id == owner_id
    assert entry.detail["changes"] == {"email": ["before@example.org", "after@example.org"]}
    fresh = app.test_client()
    enter(fresh, "before@example.org")
    assert not signed_in(fresh)
    enter(fresh, "after@example.org")
    assert signed_in(fresh)


def test_the_link_to_a_new_address_works_once_and_for_its_own_account_alone(
    app: Flask, client: FlaskClient, owner: Staff
) -> None:
    owner_id, path = owner.id, ask(client, "after@example.org")
    stranger = app.test_client()
    assert "/staff/sign-in" in stranger.get(path).location
    assert "/staff/sign-in" in post(stranger, path).location
    other = sign_in(app.test_client(), make_staff(email="other@example.org"))
    assert post(other, path).status_code == 303
    assert "belongs to another account" in other.get("/staff/account/").text
    assert db.session.get_one(Staff, owner_id).email == "before@example.org"
    assert send(client, path).status_code == 303
    assert client.get(path).location == "/staff/account/"
    assert "This link was used before" in client.get("/staff/account/").text


def test_who_signs_in_on_the_way_comes_to_the_link(
    app: Flask, client: FlaskClient, owner: Staff
) -> None:
    path = ask(client, "after@example.org")
    phone = app.test_client()
    to_sign_in = phone.get(path).location
    page = phone.get(to_sign_in).text
    onward = re.search(r'name="next" value="([^"]*)"', page)[1]
    done = send(phone, to_sign_in, email="before@example.org", password=PASSWORD, next=onward)
    assert done.location == path


@pytest.mark.parametrize("how", ["signed out everywhere", "a new password"])
def test_who_did_not_ask_for_an_address_ends_its_link(
    app: Flask, client: FlaskClient, owner: Staff, how: str
) -> None:
    path = ask(client, "thief@example.org")
    if how == "a new password":
        reset = app.test_client()
        send(reset, "/staff/reset", email="before@example.org")
        link = mails("reset")[0].facts["path"]
        send(reset, link, password=PASSWORD + "!", password_confirm=PASSWORD + "!")
    else:
        send(client, "/staff/account/", do="end_sessions")
    there = sign_in(app.test_client(), db.session.scalars(select(Staff)).one())
    assert post(there, path).status_code == 303
    assert db.session.scalars(select(Staff.email)).one() == "before@example.org"


def test_a_link_that_is_too_old_or_cut_off_says_so(
    app: Flask, client: FlaskClient, owner: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ask(client, "after@example.org")
    client.get(path[:-3])
    assert "This link is not complete." in client.get("/staff/account/").text
    before = time.time() - timedelta(days=2, minutes=1).total_seconds()
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _signer: int(before))
        staff_addresses.ask(
            account_id=owner.id,
            email="later@example.org",
            path_of=lambda token: f"{OWN}/{token}",
            forgot_path="/staff/reset",
            now=NOW + timedelta(hours=1),
        )
    client.get(mails("address_confirm")[-1].facts["path"])
    assert "This link worked for two days and is too old." in client.get("/staff/account/").text


def test_an_address_of_another_account_is_refused_to_who_opens_its_mail_alone(
    client: FlaskClient, owner: Staff
) -> None:
    make_staff(email="taken@example.org")
    path = ask(client, "taken@example.org")
    assert "taken" not in client.get("/staff/account/").text.replace("taken@example.org", "")
    send(client, path)
    assert "Another account has this address." in client.get("/staff/account/").text
    assert sorted(db.session.scalars(select(Staff.email))) == [
        "before@example.org",
        "taken@example.org",
    ]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter an email address in the right format"),
        ("me@", "Enter an email address in the right format"),
        ("Before@Example.org", "This is the address of your account already."),
    ],
)
def test_what_cannot_be_a_new_address_is_said(
    client: FlaskClient, owner: Staff, typed: str, said: str
) -> None:
    answer = send(client, OWN, email=typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert mails("address_confirm") == []


def test_a_desk_left_alone_asks_for_the_password_before_another_address(
    client: FlaskClient, owner: Staff
) -> None:
    with client.session_transaction() as session:
        session["fs_paa"] = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    assert "/staff/verify" in client.get(OWN).location
    assert "/staff/verify" in post(client, OWN, email="after@example.org").location
    assert mails("address_confirm") == []


def test_a_desk_left_alone_asks_for_the_password_before_anothers_address(
    client: FlaskClient, owner: Staff
) -> None:
    owner_id, before = owner.id, owner.email
    sign_in(client, make_staff(password=hash_password(PASSWORD)))
    with client.session_transaction() as session:
        session["fs_paa"] = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    url = f"/staff/people/{owner_id}/address"
    assert "/staff/verify" in client.get(url).location
    assert "/staff/verify" in post(client, url, email="after@example.org").location
    db.session.expire_all()
    assert db.session.get_one(Staff, owner_id).email == before


def test_nobody_has_mails_written_to_all_the_world(
    app: Flask, client: FlaskClient, owner: Staff
) -> None:
    for number in range(4):
        app.config["NOW"] = partial(add, NOW, timedelta(minutes=number))
        ask(client, f"after-{number}@example.org")
    assert send(client, OWN, email="after-5@example.org").status_code == 429
    assert len(mails("address_confirm")) == 4


def test_an_administrator_corrects_an_address_at_once(app: Flask, client: FlaskClient) -> None:
    account = make_staff(
        StaffRole.ORGANISER, email="before@example.org", password=hash_password(PASSWORD)
    )
    account_id, there = account.id, sign_in(app.test_client(), account)
    admin = make_staff(email="admin@example.org", password=hash_password(PASSWORD))
    admin_id = admin.id
    enter(client, "admin@example.org")
    url = f"/staff/people/{account_id}/address"
    assert url in client.get(f"/staff/people/{account_id}").text
    assert "Another account has this address." in send(client, url, email="admin@example.org").text
    assert "already" in send(client, url, email="before@example.org").text
    assert send(client, url, email="after@example.org").status_code == 303
    assert "after@example.org" in client.get("/staff/people/").text
    assert not signed_in(there)
    assert mails("address_changed")[0].recipient == "before@example.org"
    corrected = mails("address_corrected")[0]
    assert corrected.recipient == "after@example.org"
    assert "An administrator corrected it." in rendering.render(corrected, now=NOW).body
    entry = entry_of("staff.address")
    assert entry.staff_id == admin_id
    assert entry.detail["changes"] == {"email": ["before@example.org", "after@example.org"]}
    assert "email address: before@example.org → after@example.org" in client.get("/staff/log/").text


def test_an_invitation_that_went_astray_goes_to_the_right_address(
    app: Flask, client: FlaskClient
) -> None:
    make_staff(email="admin@example.org", password=hash_password(PASSWORD))
    enter(client, "admin@example.org")
    send(client, "/staff/people/invite", email="astray@example.org", name="New", role="door")
    astray = mails("invited")[0].facts["path"]
    account_id = staff.by_email("astray@example.org").id
    send(client, f"/staff/people/{account_id}/address", email="right@example.org")
    assert [mail.recipient for mail in mails("invited")] == [
        "astray@example.org",
        "right@example.org",
    ]
    assert mails("address_changed") == [], "its reader learns no more"
    theirs = app.test_client()
    assert theirs.get(astray).status_code == 302, "the link that went astray is dead"
    path = mails("invited")[1].facts["path"]
    send(theirs, path, password=PASSWORD, password_confirm=PASSWORD)
    enter(theirs, "right@example.org")
    assert signed_in(theirs)


def test_administrators_confirm_their_own_address_like_everybody(client: FlaskClient) -> None:
    admin = make_staff(email="admin@example.org", password=hash_password(PASSWORD))
    url = f"/staff/people/{admin.id}/address"
    enter(client, "admin@example.org")
    assert client.get(url).location == OWN
    assert post(client, url, email="other@example.org").location == OWN
    assert db.session.scalars(select(Staff.email)).one() == "admin@example.org"


def test_nobody_but_an_administrator_corrects_an_address(client: FlaskClient, owner: Staff) -> None:
    other = make_staff(email="other@example.org")
    assert (
        post(client, f"/staff/people/{other.id}/address", email="x@example.org").status_code == 403
    )


def test_a_changed_address_brings_no_second_digest_of_a_day(
    client: FlaskClient, owner: Staff
) -> None:
    owner.roles = make_staff(StaffRole.ADMIN, active=False).roles
    db.session.commit()
    rsvps.cancel(rsvp_id=make_rsvp(make_option(make_event())).id, now=NOW)
    tomorrow = NOW + timedelta(days=1)
    assert digests.send("2026-11-24", now=tomorrow) == 1
    send(client, ask(client, "after@example.org"))
    assert owner.email == "after@example.org"
    assert digests.send("2026-11-24", now=tomorrow) == 0
