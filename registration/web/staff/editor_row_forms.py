"""The fields of a row of the editor, for each kind of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField
from flask_wtf.i18n import translations
from wtforms import (
    BooleanField,
    DateField,
    Field,
    Form,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.meta import DefaultMeta
from wtforms.validators import InputRequired, Optional, StopValidation

from registration import pictures, wording
from registration.models import AttendanceMode, Event, QuestionKind, SpeakerRole
from registration.web.fields import at_most, one_line
from registration.web.photos import PICTURES
from registration.web.staff.editor_fields import (
    lines,
    link,
    number,
    optional_email,
    text,
)
from registration.web.staff.wallclock import MomentField, moments, part_is_in_order

Choices = Sequence[SelectChoice]


class ListField(TextAreaField):  # type: ignore[misc]
    """Several short texts, one a line: there may be commas in them."""

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        """Split, trim, drop what is empty or twice."""
        pieces = (valuelist[0] if valuelist else "").splitlines()
        self.data = list(dict.fromkeys(one_line(piece)[:200] for piece in pieces if piece.strip()))


class IdField(SelectField):  # type: ignore[misc]
    """A choice of another row, or none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, coerce=lambda value: int(value) if value else None, **kwargs)
        self.choices: list[Any] = [SelectChoice("", "")]


class RowForm(Form):  # type: ignore[misc]
    """One row."""

    class Meta(DefaultMeta):  # type: ignore[misc]
        """What the library says is in the reader's language, as on the form around the rows."""

        def get_translations(self, form: Form) -> Any:
            """Those of whoever asks."""
            return translations

    names: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:
            # A choice that is always made needs no "(optional)".
            field.flags.asked = field.type == "SelectField"

    def offer(self, event: Event, options: Choices, publications: Choices) -> None:
        """Fill the choices that depend on the event."""

    @property
    def title(self) -> str:
        """What the row is called in its head."""
        first = self[self.names[0]]
        return str(first.data or "")

    @property
    def detail(self) -> str:
        """What else is good to know of the row while it is shut."""
        return ""

    @property
    def warning(self) -> str:
        """What is odd about the row, though it may be saved."""
        return ""

    def values(self) -> dict[str, Any]:
        """What it says, under the names of the row's fields."""
        return {name: self[name].data for name in self.names}

    def resolve(self, event: Event) -> bool:
        """Turn its times into instants."""
        resolved = [field.resolve(event.zone) for field in moments(self) if not field.errors]
        return all(resolved)


class PersonRow(RowForm):
    """Somebody on the programme."""

    name = text(_("Name"), 200, InputRequired(_("Enter a name")))
    role = SelectField(
        _("Role"),
        choices=[
            SelectChoice(SpeakerRole.SPEAKER.value, _("Speaker")),
            SelectChoice(SpeakerRole.MODERATOR.value, _("Moderator")),
            SelectChoice(SpeakerRole.HOST.value, _("Host")),
        ],
        coerce=SpeakerRole,
    )
    job = StringField(_("Position"), at_most(300), [one_line])
    affiliation = text(_("Affiliation"), 300)
    email = StringField(_("Email address"), [*at_most(254), optional_email], [one_line])
    bio = lines(_("Biography"), 4000, 4)
    photo = HiddenField(filters=[pictures.name_of])
    photo_file = FileField(_("Photograph"), render_kw=PICTURES)
    mode = SelectField(
        _("Speaks"),
        choices=[
            SelectChoice(AttendanceMode.IN_PERSON.value, _("In the room")),
            SelectChoice(AttendanceMode.VIRTUAL.value, _("Online")),
        ],
        coerce=AttendanceMode,
    )
    call_at = MomentField(_("Call time"), description=_("Empty: the start of the slot."))
    slot_starts_at = MomentField(_("Slot starts"), description=_("Empty: the whole event."))
    slot_ends_at = MomentField(_("Slot ends"))
    room = text(_("Where to be"))
    green_room_url = link(_("Green room’s link"))
    names = (
        "name", "role", "affiliation", "email", "bio", "photo", "mode", "call_at",
        "slot_starts_at", "slot_ends_at", "room", "green_room_url",
    )  # fmt: skip

    def values(self) -> dict[str, Any]:
        """The position is the speaker's title."""
        return super().values() | {"title": self.job.data}

    def resolve(self, event: Event) -> bool:
        """A part has an order."""
        return super().resolve(event) and part_is_in_order(self, event)


def _whole_number(value: Any) -> int | None:
    text = str("" if value is None else value)
    return int(text) if text.isdecimal() and len(text) < 10 else None


class AgendaRow(RowForm):
    """A line of the programme."""

    title_ = StringField(_("Title"), [InputRequired(_("Enter a title")), *at_most(300)], [one_line])
    starts_at = MomentField(_("Time"), [InputRequired(_("Enter a time"))])
    note = text(_("Note"), 500)
    recording_second = HiddenField(filters=[_whole_number])
    names = ("title_", "starts_at", "note", "recording_second")

    def offer(self, event: Event, options: Choices, publications: Choices) -> None:
        """The event says which times are odd."""
        self._begins = min(event.doors_at or event.starts_at, event.starts_at)
        self._ends = event.ends_at
        self._zone = event.zone

    @property
    def detail(self) -> str:
        """The line's time; its day, too, where the event has several."""
        at, zone = self.starts_at.data, self._zone
        if not at:
            return ""
        clock = wording.clock(at, zone, with_zone=False)
        days = {instant.astimezone(zone).date() for instant in (at, self._begins, self._ends)}
        return clock if len(days) == 1 else f"{wording.short_day(at, zone)}, {clock}"

    @property
    def warning(self) -> str:
        """A line beyond the event's hours: often a slip, at times a reception."""
        at = self.starts_at.data
        if not at or self._begins <= at <= self._ends:
            return ""
        return gettext("Before the event starts") if at < self._begins else gettext("After it ends")

    def values(self) -> dict[str, Any]:
        """The title, under its own name."""
        found = super().values()
        return {"title": found.pop("title_"), **found}


class PublicationRow(RowForm):
    """A related publication."""

    title_ = StringField(_("Title"), [InputRequired(_("Enter a title")), *at_most(500)], [one_line])
    url = link(_("Address"))
    published_on = DateField(_("Date"), [Optional()])
    type = text(_("Type"), 100, description=_("Report, brief, article."))
    abstract = lines(_("Abstract"), 8000, 3)
    topics = ListField(_("Topics"), description=_("One a line."))
    language = StringField(
        _("Language"), at_most(20), [one_line], description=_("If not the event’s: fr.")
    )
    translation_of_id = IdField(_("Translation of"))
    names = (
        "title_", "url", "published_on", "abstract", "type", "topics", "language",
        "translation_of_id",
    )  # fmt: skip

    def offer(self, event: Event, options: Choices, publications: Choices) -> None:
        """Translations are of other publications."""
        self.translation_of_id.choices = [SelectChoice("", _("none")), *publications]

    def validate_language(self, field: Field) -> None:
        """A language's code."""
        if field.data:
            try:
                wording.language_name(field.data)
            except (ValueError, LookupError) as problem:
                raise ValidationError(gettext("Enter a language’s code, like fr")) from problem

    def values(self) -> dict[str, Any]:
        """The title, under its own name."""
        found = super().values()
        return {"title": found.pop("title_"), **found}


class QuestionRow(RowForm):
    """A question of the form."""

    question = StringField(
        _("Question"), [InputRequired(_("Enter the question")), *at_most(300)], [one_line]
    )
    hint = text(_("Hint"), 300)
    kind = SelectField(
        _("Answered by"),
        choices=[
            SelectChoice(QuestionKind.SHORT_TEXT.value, _("a line of text")),
            SelectChoice(QuestionKind.LONG_TEXT.value, _("a longer text")),
            SelectChoice(QuestionKind.ONE_OF.value, _("one of several")),
            SelectChoice(QuestionKind.ANY_OF.value, _("any of several")),
            SelectChoice(QuestionKind.YES_NO.value, _("yes or no")),
        ],
        coerce=QuestionKind,
    )
    choices = ListField(_("Choices"), description=_("One a line."))
    option_id = IdField(_("Asked of"))
    is_required = BooleanField(_("Must be answered"))
    is_sensitive = BooleanField(
        _("Sensitive"), description=_("Left out of exports, and deleted soon after the event.")
    )
    names = ("question", "hint", "kind", "choices", "is_required", "is_sensitive", "option_id")

    def offer(self, event: Event, options: Choices, publications: Choices) -> None:
        """Asked of one way to attend, or of all."""
        self.option_id.choices = [SelectChoice("", _("everybody")), *options]

    def validate_choices(self, field: Field) -> None:
        """A choice needs something to choose from."""
        if self.kind.data in (QuestionKind.ONE_OF, QuestionKind.ANY_OF) and len(field.data) < 2:
            raise StopValidation(gettext("Enter at least two choices"))

    def values(self) -> dict[str, Any]:
        """The question is its label."""
        found = super().values()
        return {"label": found.pop("question"), **found}


class OptionRow(RowForm):
    """A way to attend."""

    mode = SelectField(
        _("How"),
        choices=[
            SelectChoice(AttendanceMode.IN_PERSON.value, _("In person")),
            SelectChoice(AttendanceMode.VIRTUAL.value, _("Online")),
        ],
        coerce=AttendanceMode,
    )
    name = StringField(
        _("Name"), at_most(100), [one_line], description=_("Empty: “In person” or “Online”.")
    )
    capacity = number(_("Capacity"), 0, 1_000_000, description=_("Empty: no limit."))
    note = text(_("Note"), 300)
    opens_at = MomentField(_("Opens"), description=_("Empty: with the event."))
    closes_at = MomentField(_("Closes"), description=_("Empty: with the event."))
    needs_approval = BooleanField(_("You approve each RSVP"))
    names = ("mode", "name", "note", "capacity", "opens_at", "closes_at", "needs_approval")

    @property
    def title(self) -> str:
        """Its name, else how one attends."""
        named = {choice.value: choice.label for choice in self.mode.choices}
        return str(self.name.data or named.get(str(self.mode.data), ""))

    def values(self) -> dict[str, Any]:
        """The name is its label."""
        found = super().values()
        return {"mode": found.pop("mode"), "label": found.pop("name"), **found}
