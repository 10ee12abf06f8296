"""The texts in other languages: complete where it counts, and fit for what is put into them."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from registration import rendering
from registration.database import db
from registration.models import OutboxMail
from tests.factories import make_event, make_hybrid, make_rsvp

FOLDER = Path(__file__).parents[1] / "registration" / "translations"
CATALOGUES = sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))
PLACES = re.compile(r"%\((\w+)\)[sd]")


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def texts_of(told: Catalog) -> list[tuple[str, str]]:
    """What is said and how it is translated, the forms of a plural on lines of their own."""
    return [(lines(message.id), lines(message.string)) for message in told if message.id]


def lines(text: str | list[str] | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else "\n".join(text)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
class TestCatalogue:
    def test_is_compiled_as_it_is_written(self, path: Path):
        compiled = io.BytesIO()
        write_mo(compiled, catalogue(path))
        compiled.seek(0)
        with path.with_suffix(".mo").open("rb") as file:
            assert texts_of(read_mo(file)) == texts_of(read_mo(compiled))

    def test_leaves_nothing_out_that_a_text_is_given(self, path: Path):
        for said, translated in texts_of(catalogue(path)):
            if translated:
                assert set(PLACES.findall(translated)) == set(PLACES.findall(said)), said


class TestFrench:
    def test_an_event_is_in_its_own_language_whatever_the_browser_wants(self, client: FlaskClient):
        make_hybrid(slug="paix", language="fr")
        make_hybrid(slug="peace", language="en")
        french = client.get("/events/paix", headers={"Accept-Language": "en"})
        assert '<html lang="fr"' in french.text
        assert "Sur place" in french.text
        assert "Accept-Language" not in french.headers["Vary"]
        english = client.get("/events/peace", headers={"Accept-Language": "fr"})
        assert "In person" in english.text

    def test_the_list_is_in_the_reader_s_language(self, client: FlaskClient):
        page = client.get("/", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
        assert "Événements" in page.text
        assert "Accept-Language" in page.headers["Vary"]
        assert "Events" in client.get("/", headers={"Accept-Language": "de"}).text

    def test_a_form_that_is_wrong_says_so_in_french(self, client: FlaskClient):
        make_hybrid(slug="paix", language="fr")
        page = client.post("/events/paix/rsvp", data={"csrf_token": "x"})
        assert page.status_code == 400
        assert client.get("/events/paix/rsvp").text.count("Réservez votre place") == 1

    def test_a_mail_is_in_the_language_of_the_rsvp(self, app: Flask):
        room, _ = make_hybrid(language="fr")
        make_rsvp(room, name="Amina Okonkwo-Bell", language="fr")
        message = rendering.render(db.session.query(OutboxMail).one(), now=room.event.created_at)
        assert message.subject.startswith("Votre billet pour ")
        assert "Votre place est réservée, Amina" in message.body
        assert '<html lang="fr"' in message.html

    def test_the_staff_s_rooms_are_in_the_language_of_the_house(self, client: FlaskClient):
        make_event(language="fr")
        page = client.get(
            "/staff/sign-in", headers={"Accept-Language": "fr"}, follow_redirects=True
        )
        assert '<html lang="en"' in page.text
