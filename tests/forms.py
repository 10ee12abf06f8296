"""Forms as a browser without JavaScript sends them: read from the page, changed, sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from registration.web import answer_form
from tests.signing_in import post

#: Inputs into which nobody types.
_NOT_TYPED = {"checkbox", "radio", "hidden", "submit", "button", "file", "image", "reset"}


@dataclass
class Form:
    """A form of a page: what it would send as it stands, and into which fields one types."""

    action: str
    method: str
    sent: MultiDict[str, Any] = field(default_factory=MultiDict)
    typed: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
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
            self.forms.append(Form(about.get("action", ""), about.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], about.get("name", "")
        sent, kind = form.sent, about.get("type", "text" if tag == "input" else "")
        if name and (tag == "textarea" or (tag == "input" and kind not in _NOT_TYPED)):
            form.typed.add(name)
        if tag == "button" and kind != "button":
            form.buttons.append((name, about.get("value", "")))
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
            sent = self.forms[-1].sent
            sent[self._text] = (sent[self._text] + data).removeprefix("\n")


def form_of(page: str, action: str) -> MultiDict[str, Any]:
    """What the first form of a page with this end of its action would send as it stands."""
    return next(form.sent for form in forms_of(page) if form.action.endswith(action))


def forms_of(page: str) -> list[Form]:
    """All forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def answer_with(client: FlaskClient, option_id: int, slug: str, **typed: str) -> int:
    """Send the form with a good token; the status."""
    sent = {"attend": str(option_id), "consent": "y", "started": answer_form.opened(), **typed}
    return post(client, f"/events/{slug}/rsvp", **sent).status_code
