"""A reader chooses another language, whatever the browser asks for and an event is in."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration.database import db
from registration.models import Rsvp
from registration.web.front import Front
from tests.factories import make_hybrid
from tests.forms import form_of
from tests.signing_in import post


def test_choosing_leads_back_to_the_page_and_holds_for_all_that_follow(client: FlaskClient):
    make_hybrid(slug="peace", language="en")
    page = client.get("/events/peace").text
    assert '<a href="?lang=fr" lang="fr" hreflang="fr" rel="nofollow">Français</a>' in page
    answer = client.get("/events/peace?lang=fr")
    assert (answer.status_code, answer.location) == (303, "/events/peace")
    for path in ("/events/peace", "/", "/find", "/staff/sign-in"):
        assert '<html lang="fr"' in client.get(path, follow_redirects=True).text
    assert 'href="?lang=en" lang="en"' in client.get("/events/peace").text
    client.get("/events/peace?lang=en")
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "fr"}).text


def test_choosing_keeps_what_the_address_asks_for(client: FlaskClient):
    page = client.get("/?q=paix+et+eau&page=1").text
    assert 'href="?q=paix+et+eau&amp;page=1&amp;lang=fr"' in page
    assert client.get("/?q=paix+et+eau&page=1&lang=fr").location == "/?q=paix+et+eau&page=1"


def test_choosing_what_there_is_not_changes_nothing(client: FlaskClient):
    answer = client.get("/?lang=xx")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Set-Cookie" not in answer.headers
    client.set_cookie("language", "xx")
    assert '<html lang="en"' in client.get("/").text


@pytest.mark.parametrize("path", ["//example.net/", "//example.net", "/\\example.net/", "/no"])
def test_choosing_on_a_page_that_is_not_there_leads_nowhere_else(client: FlaskClient, path: str):
    answer = client.get("/?lang=fr", environ_overrides={"PATH_INFO": path})
    assert answer.status_code in (308, 404)
    assert "Set-Cookie" not in answer.headers
    assert not answer.headers.get("Location", "").startswith(("//", "/\\"))


def test_an_rsvp_is_in_the_language_that_its_form_was_read_in(client: FlaskClient):
    room, _stream = make_hybrid(slug="peace", language="en")
    path = "/events/peace/rsvp"
    client.get(f"{path}?lang=fr")
    form = form_of(client.get(path).text, "/rsvp").to_dict()
    about = {"attend": str(room.id), "name": "Ada", "email": "ada@example.org", "consent": "y"}
    assert client.post(path, data=form | about).status_code == 303
    assert db.session.scalars(select(Rsvp.language)).one() == "fr"


def test_no_other_language_is_offered_where_it_would_lose_what_was_typed(client: FlaskClient):
    make_hybrid(slug="peace")
    path = "/events/peace/rsvp"
    form = form_of(client.get(path).text, "/rsvp").to_dict()
    page = client.post(path, data=form | {"name": "Ada"})
    assert page.status_code == 422
    assert "?lang=" not in page.text


def test_where_there_is_one_language_none_is_offered(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(app.config, "LANGUAGES", ["en"])
    page = client.get("/")
    assert "?lang=" not in page.text
    assert "Cookie" not in page.headers["Vary"]


def test_the_choice_of_one_reader_is_not_shown_to_another_from_memory(
    app: Flask, monkeypatch: pytest.MonkeyPatch
):
    make_hybrid(slug="peace", language="en")
    monkeypatch.setattr(app, "wsgi_app", Front(app.wsgi_app, seconds=60))

    def page(cookies: str) -> str:
        answer = app.test_client(use_cookies=False).get(
            "/events/peace", headers={"Cookie": cookies}
        )
        assert "Cookie" in answer.headers["Vary"], "no cache on the way may mix them up either"
        return answer.text

    assert '<html lang="fr"' in page("a=b; language=fr")
    assert '<html lang="en"' in page("")
    assert '<html lang="en"' in page("language=en")
    assert '<html lang="fr"' in page("language=fr; a=b")


@pytest.mark.parametrize("cookies", ['language="fr"', "language = fr", r'a=b; language="\146r"'])
def test_a_choice_is_one_for_the_memory_however_its_cookie_is_written(
    app: Flask, monkeypatch: pytest.MonkeyPatch, cookies: str
):
    """No browser writes it so; who does would choose for everybody who comes next."""
    make_hybrid(slug="peace", language="en")
    monkeypatch.setattr(app, "wsgi_app", Front(app.wsgi_app, seconds=60))
    for said, language in ((cookies, "fr"), ("", "en")):
        page = app.test_client(use_cookies=False).get("/events/peace", headers={"Cookie": said})
        assert f'<html lang="{language}"' in page.text


def test_a_form_is_taken_whatever_its_address_says_of_the_language(client: FlaskClient) -> None:
    answer = post(client, "/find?lang=fr", email="amina@example.org")
    assert answer.status_code == 200, "to be led elsewhere would lose it"


def test_what_is_remembered_of_the_choice_is_for_this_site_alone(client: FlaskClient) -> None:
    said = client.get("/find?lang=fr").headers["Set-Cookie"]
    assert said.startswith("language=fr;")
    assert {"HttpOnly", "SameSite=Lax"} <= set(said.split("; "))
