"""Pages that many open in one minute: the same for all, but for words of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask

from registration.models import QuestionKind, RegistrationKind, Visibility
from registration.web import answering
from tests.factories import make_code, make_event, make_hybrid, make_invitation, make_question
from tests.forms import form_of


@pytest.fixture
def remembering(app: Flask) -> Iterator[Flask]:
    """The application as it runs in production: forms are kept for a while."""
    app.config["PAGE_MEMORY_SECONDS"] = 60
    yield app
    app.config["PAGE_MEMORY_SECONDS"] = 0
    answering.pages._kept.clear()
    answering.recent._kept.clear()


def tokens(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(csrf_token|started)" value="([^"]+)"', page))


def test_each_visitor_gets_tokens_of_their_own_that_work(remembering: Flask) -> None:
    room, _stream = make_hybrid()
    path = f"/events/{room.event.slug}/rsvp"
    visitors = [remembering.test_client() for _ in range(3)]
    forms = [tokens(visitor.get(path).text) for visitor in visitors]
    assert len({form["csrf_token"] for form in forms}) == 3
    for number, (visitor, form) in enumerate(zip(visitors, forms, strict=True)):
        about = {"attend": str(room.id), "name": "Ada", "email": f"v{number}@example.org"}
        answer = visitor.post(path, data=form | about | {"consent": "y"})
        assert answer.status_code == 303


def test_a_form_of_one_visitor_is_refused_from_another(remembering: Flask) -> None:
    room, _stream = make_hybrid()
    path = f"/events/{room.event.slug}/rsvp"
    owner, stranger = remembering.test_client(), remembering.test_client()
    form = tokens(owner.get(path).text)
    stranger.get(path)
    assert stranger.post(path, data=form).status_code == 400


def test_what_was_typed_or_carried_by_a_link_is_in_nobody_elses_form(remembering: Flask) -> None:
    room, _stream = make_hybrid()
    path = f"/events/{room.event.slug}/rsvp"
    visitor = remembering.test_client()
    visitor.get(path)
    visitor.get(path + "?code=SECRET&source=letter")
    visitor.post(path, data=tokens(visitor.get(path).text) | {"name": "Ada Lovelace"})
    page = remembering.test_client().get(path).text
    assert "Ada Lovelace" not in page
    assert "SECRET" not in page


def test_a_form_that_is_kept_speaks_to_each_reader_in_their_own_language(
    remembering: Flask,
) -> None:
    room, _stream = make_hybrid(language="en")
    make_question(room.event, kind=QuestionKind.YES_NO, label="Badge?")
    path = f"/events/{room.event.slug}/rsvp"
    for language, yes in (("en", "Yes"), ("fr", "Oui"), ("en", "Yes")):
        reader = remembering.test_client()
        reader.set_cookie("language", language)
        page = reader.get(path).text
        wrong = reader.post(path, data=tokens(page)).text
        for shown in (page, wrong):
            assert f'<html lang="{language}"' in shown
            assert f'<span dir="auto">{yes}</span>' in shown


def test_what_is_no_form_is_not_kept(remembering: Flask) -> None:
    event = make_event()
    client = remembering.test_client()
    for _ in range(2):
        assert client.get(f"/events/{event.slug}/rsvp").status_code == 200, "nothing to attend"
        assert client.get("/events/nothing-here/rsvp").status_code == 404
    assert not answering.pages._kept


def test_the_page_after_the_form_names_ones_own_address_and_nobody_elses(
    remembering: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(remembering.config, "MAIL_SERVER", "mail.example.org")
    room, _stream = make_hybrid()
    path = f"/events/{room.event.slug}/rsvp"
    about = {"attend": str(room.id), "name": "Ada", "consent": "y"}
    shown = []
    for address in ("ada@example.net", "o'neill@example.net"):
        visitor = remembering.test_client()
        form = tokens(visitor.get(path).text) | about | {"email": address}
        answer = visitor.post(path, data=form, follow_redirects=True)
        shown.append(re.findall(r"[\w&#;']+@example\.net", answer.text))
    assert shown == [["ada@example.net"], ["o&#39;neill@example.net"]]
    assert f"{path}/sent" in {path for path, _language in answering.pages._kept}
    stranger = remembering.test_client().get(f"{path}/sent")
    assert "We have written to the address you gave" in stranger.text
    assert "example.net" not in stranger.text


def test_the_link_to_another_address_carries_what_one_came_by_and_nobody_elses(
    remembering: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(remembering.config, "MAIL_SERVER", "mail.example.org")
    room, _stream = make_hybrid(visibility=Visibility.INVITATION)
    invited, code = make_invitation(room.event), make_code(room.event)
    path = f"/events/{room.event.slug}/rsvp"
    links = [f"code={code.code}", f"invitation={invited.key}&source=a%26b", f"code={code.code}"]
    about = {"attend": str(room.id), "name": "Ada", "consent": "y"}
    shown = []
    for number, link in enumerate(links):
        visitor = remembering.test_client()
        email = invited.email if "invitation" in link else f"v{number}@example.net"
        form = form_of(visitor.get(f"{path}?{link}").text, "/rsvp").to_dict()
        sent = form | about | {"email": email}
        answer = visitor.post(path, data=sent, follow_redirects=True)
        shown += re.findall(r'href="([^"]+)">Use another address', answer.text)
    assert [unescape(link) for link in shown] == [f"{path}?{link}" for link in links]
    plain = remembering.test_client().get(f"{path}/sent").text
    assert f'href="{path}">Use another address' in plain


def test_a_form_that_was_read_a_moment_ago_decides_nothing(remembering: Flask) -> None:
    room, _stream = make_hybrid(capacity=1)
    path = f"/events/{room.event.slug}/rsvp"
    visitors = [remembering.test_client() for _ in range(3)]
    forms = [tokens(visitor.get(path).text) for visitor in visitors]
    about = {"attend": str(room.id), "name": "Ada", "consent": "y"}
    sent = [form | about | {"email": f"v{n}@example.org"} for n, form in enumerate(forms)]
    assert visitors[0].post(path, data=sent[0]).status_code == 303
    late = visitors[1].post(path, data=sent[1])
    assert late.status_code == 409
    assert "Every seat is taken." in late.text
    assert f'value="{room.id}w"' in late.text  # what there is now
    # What is wrong with a form is said over what is so now as well.
    incomplete = visitors[2].post(path, data=sent[2] | {"name": ""})
    assert incomplete.status_code == 422
    assert f'value="{room.id}w"' in incomplete.text


def test_a_form_sent_where_registration_is_elsewhere_leads_to_the_event(remembering: Flask) -> None:
    event = make_event(registration=RegistrationKind.NONE)
    client = remembering.test_client()
    page = client.get("/find").text
    for fields in ({}, {"name": "Ada"}):
        answer = client.post(f"/events/{event.slug}/rsvp", data=tokens(page) | fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/events/{event.slug}")
