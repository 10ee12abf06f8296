"""The texts in other languages: complete where it counts, and fit for what is put into them."""

from __future__ import annotations

import html
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_babel import gettext, ngettext

from registration import events, lifecycle, rendering, rsvps, speakers
from registration.database import db
from registration.events import Draft
from registration.models import Event, OutboxMail, Rsvp
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_rsvp,
    make_speaker,
    make_staff,
)
from tests.forms import form_of
from tests.signing_in import post, sign_in

FOLDER = Path(__file__).parents[1] / "registration" / "translations"
CATALOGUES = sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2)}
PLACES = re.compile(r"%\((\w+)\)[sd]")


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def texts_of(told: Catalog) -> list[tuple[str, str]]:
    """What is said and how it is translated, the forms of a plural on lines of their own."""
    return [(lines(message.id), lines(message.string)) for message in told if message.id]


def first(text: str | list[str] | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


def lines(text: str | list[str] | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else "\n".join(text)


def texts_said() -> set[str]:
    """All texts of pages and mails as they stand in the code; of a plural its first form."""
    found: set[str] = set()
    for pattern, kind in (("registration/**/*.py", "python"), ("templates/**/*.*", "jinja2")):
        for file in FOLDER.parents[1].glob(pattern):
            with file.open("rb") as opened:
                told = extract(kind, opened, KEYWORDS, options={"trimmed": "true"})
                found.update(first(text) for _line, text, *_ in told)
    return found


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
class TestCatalogue:
    def test_is_compiled_as_it_is_written(self, path: Path):
        compiled = io.BytesIO()
        write_mo(compiled, catalogue(path))
        compiled.seek(0)
        with path.with_suffix(".mo").open("rb") as file:
            assert texts_of(read_mo(file)) == texts_of(read_mo(compiled))

    def test_says_all_that_is_said_and_nothing_else(self, path: Path):
        told = catalogue(path)
        # What is marked as fuzzy is not compiled: it would be read in English.
        written = [message for message in told if message.id and not message.fuzzy]
        translated = {first(message.id) for message in written if message.string}
        assert translated == texts_said()

    def test_leaves_nothing_out_that_a_text_is_given(self, path: Path):
        for said, translated in texts_of(catalogue(path)):
            if translated:
                assert set(PLACES.findall(translated)) == set(PLACES.findall(said)), said


class TestFrench:
    def test_parts_no_sign_from_its_word(self):
        """No line may begin with a colon, or with what else stands apart in French.

        The no-break space is the same one everywhere; so is the apostrophe.
        """
        french = next(path for path in CATALOGUES if path.parts[-3] == "fr")
        apart = re.compile(r"\S [:;?!»](?![-()])|« |\u202f|\w'\w")
        assert not [text for _said, text in texts_of(catalogue(french)) if apart.search(text)]

    def test_an_event_is_in_its_own_language_whatever_the_browser_wants(self, client: FlaskClient):
        make_hybrid(slug="paix", language="fr")
        make_hybrid(slug="peace", language="en")
        french = client.get("/events/paix", headers={"Accept-Language": "en"})
        assert '<html lang="fr"' in french.text
        assert "Sur place" in french.text
        assert "Accept-Language" not in french.headers["Vary"]
        english = client.get("/events/peace", headers={"Accept-Language": "fr"})
        assert "In person" in english.text
        event_id = db.session.query(Event.id).filter_by(slug="paix").scalar()
        lifecycle.withdraw(event_id=event_id, staff_id=None, now=NOW)
        assert '<html lang="fr"' in client.get("/events/paix").text, "gone for a while"

    def test_a_description_keeps_its_marks_on_the_line_of_their_word(self, client: FlaskClient):
        asked = "Quelle *paix* pour demain ? [Une](https://example.org/?a=b) page : la voici"
        make_hybrid(slug="paix", language="fr", description=asked)
        make_hybrid(slug="peace", language="en", description=asked)
        french = html.unescape(client.get("/events/paix").text)
        assert "<em>paix</em> pour demain\u00a0? " in french
        assert "page\u00a0: la voici" in french
        assert 'href="https://example.org/?a=b"' in french
        assert "pour demain ? " in client.get("/events/peace").text

    def test_no_text_takes_its_reader_for_a_man(self):
        """A participle after “vous êtes” would agree with a gender that nobody has told."""
        french = next(path for path in CATALOGUES if path.parts[-3] == "fr")
        guessed = re.compile(r"[Vv]ous êtes (sorti|passé|inscrit|invité|attendu|placé)\b")
        assert [text for _said, text in texts_of(catalogue(french)) if guessed.search(text)] == []

    def test_a_question_to_a_speaker_does_not_break_at_its_hyphen(self, client: FlaskClient):
        speaker = make_speaker(make_event(), name="A <b> Exemple", language="fr")
        speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
        page = client.get(f"/speaker/{speaker.key}").text
        assert '<h1>A &lt;b&gt; Exemple, <span class="whole">serez-vous</span> des ' in page

    def test_the_list_is_in_the_reader_s_language(self, client: FlaskClient):
        page = client.get("/", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
        assert "Événements" in page.text
        assert "Accept-Language" in page.headers["Vary"]
        assert "Events" in client.get("/", headers={"Accept-Language": "de"}).text

    @pytest.mark.parametrize("path", ["/calendar.ics", "/feed.atom", "/sitemap.xml", "/robots.txt"])
    def test_what_is_not_translated_is_kept_once_for_readers_of_all_languages(
        self, client: FlaskClient, path: str
    ):
        make_hybrid(slug="paix", language="fr", venue_name="")
        kept = [client.get(path, headers={"Accept-Language": code}) for code in ("en", "fr")]
        assert kept[0].data == kept[1].data
        assert all("Accept-Language" not in one.headers.get("Vary", "") for one in kept)

    def test_a_form_that_is_wrong_says_so_in_french(self, client: FlaskClient):
        make_hybrid(slug="paix", language="fr")
        page = client.post("/events/paix/rsvp", data={"csrf_token": "x"})
        assert page.status_code == 400
        assert client.get("/events/paix/rsvp").text.count("Réservez votre place") == 1

    def test_who_is_invited_in_french_answers_in_french(
        self, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
    ):
        room, _ = make_hybrid()
        invited, no = (make_invitation(room.event, language="fr") for _time in range(2))
        path = f"/events/{room.event.slug}/rsvp"
        page = client.get(f"{path}?invitation={invited.key}").text
        form = form_of(page, "/rsvp")
        assert "Indiquez votre nom complet" in client.post(path, data=form).text
        monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
        form["attend"], form["name"], form["consent"] = str(room.id), "Amina Diallo", "y"
        sent = client.post(path, data=form, follow_redirects=True)
        assert sent.request.path.endswith("/sent")
        assert '<html lang="fr"' in sent.text
        assert db.session.query(Rsvp).one().language == "fr"
        declined = post(client, f"{path}/decline", invitation=no.key)
        assert '<html lang="fr"' in declined.text
        monkeypatch.setitem(app.config, "LIMIT_RSVP_PER_NETWORK", "1 per hour")
        tried = [post(client, path, invitation=invited.key) for _time in range(2)]
        assert tried[1].status_code == 429
        assert '<html lang="fr"' in tried[1].text
        assert "Much was sent" not in tried[1].text
        assert '<html lang="en"' in client.get(path).text

    def test_a_mail_is_in_the_language_of_the_rsvp(self, app: Flask):
        room, _ = make_hybrid(language="fr")
        make_rsvp(room, name="Amina Okonkwo-Bell", language="fr")
        message = rendering.render(db.session.query(OutboxMail).one(), now=room.event.created_at)
        assert message.subject.startswith("Votre billet pour ")
        assert "Votre place est réservée, Amina" in message.body
        assert '<html lang="fr"' in message.html

    @pytest.mark.parametrize(
        ("wanted", "given"), [("fr-CH,fr;q=0.9,en;q=0.5", "fr"), ("en", "en"), ("de", "en")]
    )
    def test_the_staff_s_rooms_are_in_the_reader_s_language(
        self, client: FlaskClient, wanted: str, given: str
    ):
        make_event(language="fr")
        page = client.get(
            "/staff/sign-in", headers={"Accept-Language": wanted}, follow_redirects=True
        )
        assert f'<html lang="{given}"' in page.text
        # Nothing between here and the reader may give it to another one.
        assert page.headers["Cache-Control"] == "private, no-store"

    def test_a_mail_that_was_taken_back_is_no_arrival(self, client: FlaskClient):
        sign_in(client, make_staff())
        page = client.get("/staff/outbox/", headers={"Accept-Language": "fr"}).text
        assert "Envoi annulé" in page
        assert "Arrivée annulée" not in page

    def test_what_is_cancelled_is_named_where_its_name_agrees_with_it(self, client: FlaskClient):
        """An event is “annulé”, an RSVP “annulée”, and a figure counts “annulations”."""
        room, _ = make_hybrid(slug="paix")
        rsvps.cancel(rsvp_id=make_rsvp(room).id, now=NOW)
        sign_in(client, make_staff())
        asking = {"Accept-Language": "fr"}
        listed = client.get("/staff/events/paix/attendees?status=cancelled", headers=asking).text
        assert "</svg>Inscription annulée</span>" in listed
        overview = client.get("/staff/events/paix/", headers=asking).text
        assert "<dt>Annulations</dt>" in overview
        lifecycle.cancel(event_id=room.event_id, reason="Grève", staff_id=None, now=NOW)
        every = client.get("/staff/?tab=upcoming", headers=asking).text
        assert "</svg>Annulé</span>" in every


class TestTheHouse:
    @pytest.fixture(autouse=True)
    def _is_french(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "LANGUAGES", ["fr", "en"])

    def test_writes_to_its_staff_in_its_language_whoever_asks_in_another(self, client: FlaskClient):
        account = make_staff()
        asking = {"Accept-Language": "en"}
        post(client, "/staff/reset", headers=asking, email=account.email)
        mail = db.session.query(OutboxMail).one()
        assert (mail.recipient, mail.language) == (account.email, "fr")

    def test_holds_a_new_event_in_its_language(self, client: FlaskClient):
        start = NOW + timedelta(days=9)
        end = start + timedelta(hours=1)
        draft = Draft(title="Paix", starts_at=start, ends_at=end, time_zone="UTC")
        assert events.create(draft=draft, staff_id=None, now=NOW).language == "fr"


class TestNumbers:
    @pytest.mark.parametrize(("language", "said"), [("en", "93,205"), ("fr", "93\u202f205")])
    def test_the_digits_of_large_ones_are_grouped_as_the_language_does(
        self, app: Flask, language: str, said: str
    ):
        with app.test_request_context(headers={"Accept-Language": language}):
            counted = ngettext("%(num)d & more", "%(num)d & more", 93_205)
            told = gettext("%(num)d of %(all)d <br>", num=12, all=93_205)
            page = render_template_string(
                "{{ ngettext('%(num)d <br>', '%(num)d <br>', 93205) }}"
                "{{ _('%(num)d of %(all)s <br>', num=93205, all='<i>') }}"
            )
        assert counted == f"{said} & more"
        assert told == f"12 of {said} <br>"
        assert page == f"{said} <br>{said} of &lt;i&gt; <br>"
