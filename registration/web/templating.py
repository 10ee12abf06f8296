"""What the pages' templates know, and how they speak the reader's language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, MutableMapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import get_global
from flask import Flask, g, request, url_for
from flask.templating import Environment
from flask_babel import Babel, Domain, format_decimal, get_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from wtforms import Field, RadioField, SelectMultipleField

from registration import entries, players, wording
from registration.web import filters

#: What templates say of times, seats and names in the words of wording.py.
_WORDS = (
    "availability",
    "clock",
    "clock_before",
    "day",
    "day_and_month",
    "day_of_month",
    "hours",
    "hours_from",
    "language_name",
    "listed",
    "moment",
    "month",
    "month_and_year",
    "months",
    "new_day",
    "option_name",
    "ordinal_place",
    "plain_date",
    "plain_day",
    "recent_moment",
    "room_left",
    "short_date",
    "short_plain_date",
    "short_day",
    "short_weekday",
    "span",
    "taken_percent",
    "weekday",
)

_NUMBER = re.compile(r"%\((\w+)\)d")
#: The smallest number whose digits are in groups.
_GROUPED = 1000


class Templates(Environment):
    """Jinja, for templates that share what they know.

    By itself it lays a chain of two mappings under each template, so that one could know more than
    another, and compares all its names at each import.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names that all templates know, and nothing over them."""
        return super().make_globals(d) if d else self.globals


class Catalogues(Domain):  # type: ignore[misc]
    """The catalogues of all languages, found by the parts of the language's name.

    To spell the name out, as Flask-Babel does at each text, takes longer than to translate it.
    """

    def get_translations(self) -> Any:
        """That of the language at hand."""
        # Where Flask-Babel keeps it, which asks three times whether there is such a place.
        here = g.get("_flask_babel") if g else None
        locale = getattr(here, "babel_locale", None) or get_locale()
        if locale is None:
            return super().get_translations()
        key = (locale.language, locale.territory, locale.script)
        found = self.cache.get(key)
        if found is None:
            found = self.cache[key] = super().get_translations()
        return found

    def gettext(self, string: str, **variables: Any) -> str:
        """A text with its values, in the language at hand."""
        said = self.get_translations().ugettext(string)
        return filled(said, variables) if variables else str(said)

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        """A text in the form that a number asks for, which is its value `num`."""
        said = self.get_translations().ungettext(singular, plural, num)
        return filled(said, {"num": num, **variables})


def filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its values; the digits of large numbers are grouped: "93,205 people"."""
    large = {
        name: format_decimal(value)
        for name, value in values.items()
        if type(value) is int and value >= _GROUPED
    }
    if not large:
        return text % values

    def as_text(place: re.Match[str]) -> str:
        return f"%({place[1]})s" if place[1] in large else place[0]

    shaped = _NUMBER.sub(as_text, text)
    # What escapes its values goes on to do so.
    return type(text)(shaped) % {**values, **large}


class Languages(Babel):  # type: ignore[misc]
    """Flask-Babel with our catalogues."""

    @cached_property
    def domain_instance(self) -> Catalogues:
        """The catalogues of this application."""
        return Catalogues()


def init_app(app: Flask) -> None:
    """Teach the templates names, filters and languages."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    _speak(app)
    _fill(app)


def _speak(app: Flask) -> None:
    """Translate texts without Jinja's own way, which looks for its function at each of them."""
    catalogues = app.extensions["babel"].instance.domain_instance

    @pass_eval_context
    def say(here: EvalContext, text: str, /, **values: Any) -> str:
        said = catalogues.get_translations().ugettext(text)
        return filled(Markup(said) if here.autoescape else said, values)  # noqa: S704 - as Jinja does

    @pass_eval_context
    def count(here: EvalContext, one: str, more: str, num: int, /, **values: Any) -> str:
        said = catalogues.get_translations().ungettext(one, more, num)
        values.setdefault("num", num)
        return filled(Markup(said) if here.autoescape else said, values)  # noqa: S704 - as Jinja does

    app.jinja_env.globals.update(_=say, ngettext=count)


def _fill(app: Flask) -> None:
    static = Path(app.root_path) / "static"

    @cache
    def digest(path: str) -> str:
        return hashlib.blake2b((static / path).read_bytes(), digest_size=6).hexdigest()

    @cache
    def address(path: str, _script_root: str) -> str:
        return url_for("static", filename=path, v=digest(path))

    def asset(path: str) -> str:
        """The address of a static file, with a hash of its content: it may be cached for good."""
        return address(path, request.script_root)

    app.jinja_env.globals.update(
        {name: getattr(wording, name) for name in _WORDS},
        asset=asset,
        first_id=_first_id,
        page_language=lambda: str(get_locale() or "en").replace("_", "-"),
        page_territory=_page_territory,
        text_direction=lambda: (get_locale() or Locale("en")).text_direction,
        venue_line=entries.venue,
        watchable_from=players.watchable_from,
    )
    app.jinja_env.filters.update(filters.ALL)


def _page_territory() -> str:
    """The page's language and territory, as the Open Graph protocol wants both: "fr_FR"."""
    locale = get_locale() or Locale("en")
    if locale.language == "en":
        return "en_GB"
    likely = get_global("likely_subtags").get(locale.language, "").split("_")
    return f"{locale.language}_{locale.territory or likely[-1]}"


def _first_id(field: Field) -> str:
    """The id that a link of the error summary leads to."""
    if isinstance(field, (RadioField, SelectMultipleField)):
        for choice in field:
            return str(choice.id)
    return str(field.id)
