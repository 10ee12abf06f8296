"""Public answers from memory: what is kept, for whom, and for how long."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client
from werkzeug.wrappers import Response

from registration.settings import Settings
from registration.web import front
from registration.web.front import Front
from tests.factories import make_event, make_hybrid, make_rsvp


class Pages:
    """An application that counts how often it is asked."""

    def __init__(self, **headers: str) -> None:
        self.asked = 0
        self.headers = {"Cache-Control": "public, max-age=1", "Content-Type": "text/html"} | headers

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.asked += 1
        answer = Response(f"page {self.asked}", headers=self.headers)
        return answer(environ, start)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the front, to be turned."""
    turned = [1000.0]
    monkeypatch.setattr(front.time, "monotonic", lambda: turned[0])
    return turned


def test_a_public_page_is_made_once_within_its_second(moment: list[float]) -> None:
    pages = Pages()
    client = Client(Front(pages, seconds=1))
    assert client.get("/").text == client.get("/").text == "page 1"
    moment[0] += 1.01
    assert client.get("/").text == "page 2"


def test_one_visitor_renews_the_page_before_it_ends_and_the_others_do_not_wait(
    moment: list[float],
) -> None:
    pages = Pages()
    client = Client(Front(pages, seconds=1))
    client.get("/")
    moment[0] += 0.8
    assert client.get("/").text == "page 2"
    assert client.get("/").text == "page 2"


def test_an_unchanged_page_is_a_304_from_memory(moment: list[float]) -> None:
    pages = Pages()
    client = Client(Front(pages, seconds=1))
    etag = client.get("/").headers["ETag"]
    answer = client.get("/", headers={"If-None-Match": f"W/{etag}"})
    assert (answer.status_code, answer.text) == (304, "")
    assert pages.asked == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "private, no-store"},
        {"Set-Cookie": "session=1"},
        {"Content-Type": "image/png"},
    ],
)
def test_what_is_personal_is_never_kept_nor_compressed(headers: dict[str, str]) -> None:
    pages = Pages(**headers)
    client = Client(Front(pages, seconds=1))
    client.get("/")
    answer = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.text == "page 2"
    assert "Content-Encoding" not in answer.headers


def test_posts_and_searches_always_reach_the_application() -> None:
    pages = Pages()
    client = Client(Front(pages, seconds=1))
    client.post("/")
    client.post("/")
    client.get("/?q=a")
    client.get("/?q=a")
    assert pages.asked == 4


def test_each_language_and_encoding_has_its_own_page() -> None:
    pages = Pages(Vary="Accept-Language")
    client = Client(Front(pages, seconds=60))
    plain = client.get("/", headers={"Accept-Language": "en"})
    french = client.get("/", headers={"Accept-Language": "fr"})
    packed = client.get("/", headers={"Accept-Language": "en", "Accept-Encoding": "gzip"})
    assert (plain.text, french.text) == ("page 1", "page 2")
    assert gzip.decompress(packed.data) == b"page 3"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_the_memory_holds_a_bounded_number_of_pages() -> None:
    memory = Front(Pages(), seconds=60)
    client = Client(memory)
    for number in range(400):
        client.get(f"/{number}")
    assert len(memory._kept) == 256


class Slow:
    """An application whose calls last until they are let go; says how many run at once."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.go_on = threading.Event()
        self.began = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.running += 1
        self.most = max(self.most, self.running)
        self.began.release()
        self.go_on.wait(30)
        self.running -= 1
        return Response("done")(environ, start)


def visit(application: Front, number: int) -> list[threading.Thread]:
    def ask() -> None:
        Client(application).post("/", data={"name": "Ada"})

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def test_one_thread_at_a_time_asks_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "_PATIENCE", 30)
    slow = Slow()
    threads = visit(Front(slow, seconds=0), 4)
    assert slow.began.acquire(timeout=30)
    slow.go_on.set()
    for thread in threads:
        thread.join(30)
    assert slow.most == 1


def test_one_that_takes_long_does_not_keep_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "_PATIENCE", 0.01)
    slow = Slow()
    threads = visit(Front(slow, seconds=0), 3)
    for _ in threads:
        assert slow.began.acquire(timeout=30)
    slow.go_on.set()
    for thread in threads:
        thread.join(30)
    assert slow.most == 3


def test_an_event_page_sets_no_cookie_and_opens_no_session(client: FlaskClient) -> None:
    event = make_event()
    with client.session_transaction() as session:
        session["sent_to"] = "amina@example.org"
    answer = client.get(f"/events/{event.slug}")
    assert "Set-Cookie" not in answer.headers
    assert "public" in answer.headers["Cache-Control"]


def test_what_is_unchanged_is_not_sent_again_of_a_search_either(client: FlaskClient) -> None:
    """Of searches there is no end: none is kept here, and each is compared all the same."""
    make_event()
    found = client.get("/?q=peace")
    again = client.get("/?q=peace", headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_only_what_is_in_the_browsers_language_is_kept_for_each(client: FlaskClient) -> None:
    event = make_event(language="en")
    assert "Accept-Language" in client.get("/").headers["Vary"]
    assert "Accept-Language" not in client.get(f"/events/{event.slug}").headers["Vary"]


@pytest.mark.parametrize("path", ["/", "/events/{slug}"])
@pytest.mark.parametrize("secret", ["invitation", "code"])
def test_no_cache_keeps_a_page_whose_links_would_let_others_in(
    client: FlaskClient, path: str, secret: str
) -> None:
    """Some caches keep a page under its path alone, and the links to other languages repeat it."""
    path = path.format(slug=make_event().slug)
    answer = client.get(f"{path}?{secret}=Secret-of-one")
    assert "Secret-of-one" in answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "public" in client.get(f"{path}?source=letter").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/events/{slug}"])
def test_what_a_page_says_of_seats_is_never_older_than_two_seconds(
    client: FlaskClient, path: str
) -> None:
    """In our memory, then in the reader's browser or a cache on the way."""
    answer = client.get(path.format(slug=make_event().slug))
    control = answer.headers["Cache-Control"].split(", ")
    (browsers,) = [int(part.removeprefix("max-age=")) for part in control if "max-age=" in part]
    assert not any("stale" in part for part in control)
    assert browsers + Settings.model_fields["page_memory_seconds"].default <= 2


def test_a_manage_page_is_neither_public_nor_compressed(client: FlaskClient) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room)
    answer = client.get(f"/rsvp/{rsvp.manage_key}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Content-Encoding" not in answer.headers
