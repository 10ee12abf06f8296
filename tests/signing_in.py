"""How tests sit down at the staff's desk."""

from __future__ import annotations

import re
import time

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from registration.models import Staff

#: The host that browsers of the tests ask by default. Another one has cookies of its own.
SITE = "http://localhost"
PASSWORD = "correct horse battery"


def sign_in(client: FlaskClient, account: Staff, *, site: str = SITE) -> FlaskClient:
    """Sign an account in, without the form, as if it had shown its password just now."""
    with client.session_transaction(base_url=site) as session:
        session.clear()
        session["_user_id"] = account.fs_uniquifier
        session["_fresh"] = True
        session["fs_paa"] = time.time()
    return client


def enter(client: FlaskClient, email: str, password: str = PASSWORD) -> TestResponse:
    """Sign in by the form."""
    return send(client, "/staff/sign-in", email=email, password=password)


def signed_in(client: FlaskClient) -> bool:
    """Whether the browser is in."""
    return client.get("/staff/account/").status_code == 200


def send(client: FlaskClient, url: str, page: str = "", **fields: object) -> TestResponse:
    """Send a form with the token that `page` carries; by default the page of the same address."""
    shown = client.get(page or url)
    found = re.search(r'name="csrf_token" value="([^"]+)"', shown.get_data(as_text=True))
    assert found, f"{page or url} carries no token"
    return client.post(url, data={"csrf_token": found[1], **fields})


def post(
    client: FlaskClient,
    path: str,
    /,
    *,
    headers: dict[str, str] | None = None,
    site: str = SITE,
    **fields: object,
) -> TestResponse:
    """Send a form with a good token, without asking for its page first."""
    token = "a token of the tests"
    with client.session_transaction(base_url=site) as session:
        session["csrf_token"] = token
    signer = URLSafeTimedSerializer(client.application.config["SECRET_KEY"], salt="wtf-csrf-token")
    sent = {"csrf_token": signer.dumps(token), **fields}
    return client.post(path, base_url=site, data=sent, headers=headers)


def session_cookie(app: Flask, account: Staff) -> str:
    """The session cookie of a real browser that is signed in."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    shown_at = time.time()  # when they last showed their password
    sitting = {"_user_id": account.fs_uniquifier, "_fresh": True, "fs_paa": shown_at}
    return str(signer.dumps(sitting))
