"""Forms as a browser without JavaScript sends them: read from the page, changed, sent."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from registration.web import rsvp_forms
from tests.signing_in import post


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, MultiDict[str, Any]]] = []
        self._text: str | None = None
        self._select: str | None = None
        self._is_blank = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "template":
            self._is_blank = True
        if self._is_blank:
            return
        if tag == "form":
            self.forms.append((about.get("action", ""), MultiDict()))
        if not self.forms:
            return
        sent, name = self.forms[-1][1], about.get("name", "")
        if tag == "input" and name and about.get("type") not in ("file", "submit"):
            if about.get("type") not in ("checkbox", "radio") or "checked" in about:
                sent.add(name, about.get("value", ""))
        elif tag == "textarea":
            self._text = name
            sent.add(name, "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in about or self._select not in sent):
            sent[self._select] = about.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._is_blank = False
        if tag == "textarea":
            self._text = None
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._text is not None and not self._is_blank:
            sent = self.forms[-1][1]
            sent[self._text] = (sent[self._text] + data).removeprefix("\n")


def form_of(page: str, action: str) -> MultiDict[str, Any]:
    """What the first form of a page with this end of its action would send as it stands."""
    reader = _Reader()
    reader.feed(page)
    return next(sent for known, sent in reader.forms if known.endswith(action))


def answer_with(client: FlaskClient, option_id: int, slug: str, **typed: str) -> int:
    """Send the form with a good token; the status."""
    sent = {"attend": str(option_id), "consent": "y", "started": rsvp_forms.opened(), **typed}
    return post(client, f"/events/{slug}/rsvp", **sent).status_code
