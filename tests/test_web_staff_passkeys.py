"""Passkeys: who gets in by one, and by what else nobody does."""

from __future__ import annotations

import hashlib
import html
import json
import re
import time
from base64 import urlsafe_b64encode

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy import select
from werkzeug.test import TestResponse

from registration.database import db
from registration.models import AuditEntry, Passkey, Staff
from tests.conftest import NOW
from tests.factories import make_staff, save
from tests.signing_in import post, send, sign_in

PASSWORD = "correct horse battery"


class Device:
    """What keeps a passkey: it signs what a site asks (WebAuthn 6.3.3), and counts no uses."""

    def __init__(self, account: Staff, *, usage: str = "first") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        at = self._key.public_key().public_numbers()
        # COSE (RFC 9053 7.1): an elliptic curve, ES256, P-256, the point.
        x, y = (number.to_bytes(32, "big") for number in (at.x, at.y))
        self.id = hashlib.sha256(x).digest()
        self.passkey = save(
            Passkey(
                user_id=account.id, name="Key", usage=usage, credential_id=self.id,
                public_key=cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y}),
                backup_state=False, device_type="single_device", lastuse_datetime=NOW,
            )
        )  # fmt: skip

    def answer(self, page: str, *, checks_owner: bool = True) -> dict[str, str]:
        """The form that a page which asks for a passkey sends, with what this one says."""
        options = json.loads(html.unescape(re.findall(r'data-options="([^"]+)"', page)[0]))
        client = json.dumps(
            {
                "type": "webauthn.get",
                "challenge": options["challenge"],
                "origin": "http://events.example.org",
            }
        ).encode()
        flags = bytes([0b101 if checks_owner else 0b001])  # 0: a touch, 2: a finger or a PIN
        data = hashlib.sha256(options["rpId"].encode()).digest() + flags + bytes(4)
        signature = self._key.sign(
            data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256())
        )
        named = [("clientDataJSON", client), ("authenticatorData", data), ("signature", signature)]
        response = {name: text(part) for name, part in named}
        key_id = text(self.id)
        credential = {"id": key_id, "rawId": key_id, "type": "public-key", "response": response}
        return {"credential": json.dumps(credential)}


def text(part: bytes) -> str:
    """Bytes in the letters of an address, as WebAuthn's JSON has them."""
    return urlsafe_b64encode(part).decode().rstrip("=")


def ask(client: FlaskClient, **fields: str) -> str:
    """The page that asks the browser for a passkey."""
    return post(client, "/staff/passkey", **fields).text


def show(
    client: FlaskClient, device: Device, page: str, *, checks_owner: bool = True
) -> TestResponse:
    """Send what a device answers to that page."""
    path = html.unescape(re.findall(r'action="([^"]*/passkey/[^"]+)"', page)[0])
    return post(client, path, **device.answer(page, checks_owner=checks_owner))


def signed_in(client: FlaskClient) -> str:
    """The address of the account that is signed in; none where nobody is."""
    found = re.search(r"<p[^>]*>([^<]+@[^<]+)</p>", client.get("/staff/account/").text)
    return found[1] if found else ""


def test_a_passkey_alone_signs_in(client: FlaskClient) -> None:
    device = Device(make_staff(email="me@example.org"))
    show(client, device, ask(client))
    assert signed_in(client) == "me@example.org"


def test_a_touch_alone_lets_nobody_in(client: FlaskClient) -> None:
    device = Device(make_staff())
    show(client, device, ask(client), checks_owner=False)
    assert not signed_in(client), "who finds a key has neither its PIN nor its owner's finger"


def test_what_a_passkey_said_is_worth_nothing_a_second_time(
    app: Flask, client: FlaskClient
) -> None:
    device = Device(make_staff())
    page = ask(client)
    show(client, device, page)
    assert signed_in(client)
    listener = app.test_client()
    show(listener, device, page)
    assert not signed_in(listener)
    show(listener, device, ask(listener))
    assert signed_in(listener), "the passkey itself goes on working"


def test_ones_own_password_does_not_make_anothers_second_factor_enough(
    client: FlaskClient,
) -> None:
    mine = make_staff(email="me@example.org", password=hash_password(PASSWORD))
    my_device = Device(mine, usage="secondary")
    found = Device(make_staff(email="you@example.org"), usage="secondary")
    send(client, "/staff/sign-in", email="me@example.org", password=PASSWORD)
    page = ask(client)
    show(client, found, page)
    assert not signed_in(client)
    show(client, my_device, page)
    assert signed_in(client) == "me@example.org"


def test_a_passkey_that_is_refused_is_noted_and_stopped(client: FlaskClient) -> None:
    device = Device(make_staff(email="me@example.org"))
    for _attempt in range(100):
        answer = show(client, device, ask(client), checks_owner=False)
        assert answer.status_code == 302
    assert show(client, device, ask(client)).status_code == 429
    entries = db.session.scalars(select(AuditEntry)).all()
    assert {(entry.action, entry.actor, entry.network) for entry in entries} == {
        ("staff.passkey_failed", "stranger", "127.0.0.1")
    }
    assert len(entries) == 100
    assert entries[0].detail == {"account": "me@example.org"}


def test_the_passkey_of_no_account_is_noted_as_such(client: FlaskClient) -> None:
    device = Device(make_staff())
    page = ask(client)
    db.session.delete(device.passkey)
    db.session.commit()
    show(client, device, page)
    assert db.session.scalars(select(AuditEntry)).one().detail == {"account": ""}


def test_anothers_passkey_does_not_answer_for_who_is_in(client: FlaskClient) -> None:
    mine = make_staff(email="me@example.org")
    Device(mine)
    found = Device(make_staff(email="you@example.org"))
    sign_in(client, mine)
    answer = show(client, found, post(client, "/staff/verify/passkey").text)
    assert "This passkey belongs to another account." in client.get(answer.location).text
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.staff_id) == ("staff.passkey_failed", mine.id)
    assert entry.detail == {"account": "you@example.org"}


def test_the_passkey_of_a_closed_account_is_told_so_and_no_sign_in_is_noted(
    client: FlaskClient,
) -> None:
    device = Device(make_staff(active=False))
    answer = show(client, device, ask(client))
    assert "This account is closed." in client.get(answer.location).text
    assert not db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "staff.signed_in")
    ).all()


def test_who_is_asked_for_a_code_may_use_a_passkey_instead(client: FlaskClient) -> None:
    account = make_staff(
        email="me@example.org", password=hash_password(PASSWORD),
        tf_primary_method="authenticator", tf_totp_secret="a secret",
    )  # fmt: skip
    device = Device(account)
    send(client, "/staff/sign-in", email="me@example.org", password=PASSWORD)
    page = client.get("/staff/sign-in").text
    button = re.search(r'<button[^>]* name="(\w+)" value="(\w+)">Sign in with a passkey', page)
    assert button
    show(client, device, ask(client, **{button[1]: button[2]}))
    assert signed_in(client) == "me@example.org"


@pytest.mark.parametrize(("usage", "wanted"), [("first", "required"), ("secondary", "preferred")])
def test_a_passkey_that_signs_in_alone_must_be_found_and_must_check_its_owner(
    client: FlaskClient, usage: str, wanted: str
) -> None:
    sign_in(client, make_staff())
    with client.session_transaction() as session:
        session["fs_paa"] = time.time()  # the password was entered just now
    page = post(client, "/staff/passkeys", name="Key", usage=usage).text
    options = json.loads(html.unescape(re.findall(r'data-options="([^"]+)"', page)[0]))
    asked = options["authenticatorSelection"]
    assert (asked["residentKey"], asked["userVerification"]) == (wanted, wanted)


@pytest.mark.parametrize("name", ["Olga's phone", "R&D (3rd floor)", "Téléphone d’Olga 📱"])
def test_a_passkey_is_called_what_one_likes(client: FlaskClient, name: str) -> None:
    sign_in(client, make_staff())
    with client.session_transaction() as session:
        session["fs_paa"] = time.time()  # the password was entered just now
    page = post(client, "/staff/passkeys", name=name, usage="first")
    assert 'data-passkey="create"' in page.text
    blank = post(client, "/staff/passkeys", name="\u200b", usage="first")
    assert "Give the passkey a name" in blank.text
