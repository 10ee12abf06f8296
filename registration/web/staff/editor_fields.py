"""The kinds of fields that the editor's forms are made of."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Field, Form, IntegerField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import NumberInput

from registration import prose, weblinks
from registration.web.fields import at_most, is_email, many_lines, one_line
from registration.web.staff.wallclock import zone_names

_OF_NO_CITY = ("Etc/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")


def text(label: Any, most: int = 200, *more: Any, **kwargs: Any) -> StringField:
    """A line of text."""
    return StringField(label, [*more, *at_most(most)], [one_line], **kwargs)


def lines(label: Any, most: int, rows: int = 4, *more: Any, **kwargs: Any) -> TextAreaField:
    """A text of several lines."""
    render_kw = {"rows": rows} | kwargs.pop("render_kw", {})
    return TextAreaField(
        label, [*at_most(most), *more], [many_lines], render_kw=render_kw, **kwargs
    )


class WholeNumberField(IntegerField):  # type: ignore[misc]
    """A whole number; what is none is left to the range, which says what to enter."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take a number in; what was typed stays to be seen."""
        with suppress(ValueError):
            super().process_formdata(valuelist)


def number(label: Any, low: int, high: int, *validators: Any, **kwargs: Any) -> WholeNumberField:
    """A whole number within a range."""
    limits = NumberRange(low, high, _("Enter a number from %(min)s to %(max)s"))
    return WholeNumberField(
        label,
        [*(validators or [Optional()]), limits],
        widget=NumberInput(min=low, max=high),
        **kwargs,
    )


def is_link(_form: Form, field: Field) -> None:
    """Only addresses of the web, or what is saved already."""
    if field.data and field.data != field.object_data:
        try:
            weblinks.check(field.data)
        except weblinks.LinkRefused as refusal:
            raise ValidationError(str(refusal)) from refusal


def link(label: Any, **kwargs: Any) -> StringField:
    """An address of the web."""
    return text(label, 2000, is_link, render_kw={"inputmode": "url"}, **kwargs)


def markdown(label: Any, most: int, rows: int, **kwargs: Any) -> TextAreaField:
    """A text in Markdown, whose links lead to the web."""
    return lines(label, most, rows, has_links, **kwargs)


def has_links(_form: Form, field: Field) -> None:
    """Only links to addresses of the web, or what is saved already."""
    saved = prose.links(field.object_data or "")
    try:
        weblinks.check_in_text(
            address for address in prose.links(field.data or "") if address not in saved
        )
    except weblinks.LinkRefused as refusal:
        raise ValidationError(str(refusal)) from refusal


def zone(label: Any, **kwargs: Any) -> StringField:
    """A time zone: one of the list, or its city alone."""
    validators = [InputRequired(_("Enter a time zone")), _is_zone]
    render_kw = {"list": "zones", "autocomplete": "off"}
    return StringField(label, validators, [_zone_of], render_kw=render_kw, **kwargs)


def _is_zone(_form: Form, field: Field) -> None:
    if field.data not in zone_names():
        raise ValidationError(gettext("Choose a time zone from the list, like America/New_York"))


def _zone_of(typed: str | None) -> str:
    """The zone that is meant by its name or its city, in large or small letters; else as typed."""
    name = one_line(typed)
    if name in zone_names():
        return name
    sought = name.replace(" ", "_").casefold()
    found = [zone for zone in zones() if sought in (_city_of(zone), zone.casefold())]
    # Of a city's names, like America/Louisville, the longest is the one of today.
    return max(found, key=len, default=name)


def _city_of(zone: str) -> str:
    return zone.rpartition("/")[2].casefold()


def zones() -> list[str]:
    """The zones that a list offers: those of cities, without the old ones of countries' parts."""
    return sorted(zone for zone in zone_names() if "/" in zone and not zone.startswith(_OF_NO_CITY))


def optional_email(form: Form, field: Field) -> None:
    """An address, or nothing."""
    if field.data:
        is_email(form, field)
