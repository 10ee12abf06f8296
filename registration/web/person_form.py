"""What a person says about themselves: when they answer, when they edit, when staff add them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Self

from flask import request
from flask_babel import get_locale, ngettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, Form, StringField
from wtforms.i18n import get_translations
from wtforms.validators import DataRequired

from registration import listing, parties
from registration.models import Event, Question, Rsvp
from registration.parties import Details
from registration.web.fields import at_most, one_line
from registration.web.question_fields import question_field, shown, unanswered, value_of

#: How many guests an event may allow.
MOST_GUESTS = 20


class PersonForm(FlaskForm):  # type: ignore[misc]
    """What a person says about themselves, when they answer and when they edit."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """How its fields get the library's own words."""

        # The token of a form that is sent is looked at before any view is asked, and the pages
        # write it by themselves: another one for each form would be made for nobody.
        csrf = False

        def get_translations(self, _form: Form) -> Any:
            """Those of the reader's language, read from their file once and not at each request."""
            return _library_words(str(get_locale() or "en"))

    name = StringField(
        _("Full name"),
        [DataRequired(_("Enter your full name")), *at_most(200)],
        [one_line],
        description=_("As you want it on your badge."),
        render_kw={"autocomplete": "name"},
    )
    organisation = StringField(
        _("Organisation"), at_most(200), [one_line], render_kw={"autocomplete": "organization"}
    )
    job_title = StringField(
        _("Job title"), at_most(200), [one_line], render_kw={"autocomplete": "organization-title"}
    )
    needs_step_free = BooleanField(_("Step-free route or a space for a wheelchair"))
    needs_sign_language = BooleanField(_("Sign language interpretation"))
    needs_captions = BooleanField(_("Live captions"))
    access_note = StringField(_("Something else"), at_most(500), [one_line])
    wants_news = BooleanField(_("Tell me about future events (optional, about once a month)"))

    questions: Sequence[tuple[Question, Field]]
    guests: Sequence[Field]

    @classmethod
    def fields_for(
        cls,
        event: Event,
        questions: Sequence[Question],
        guests: int = 0,
        given: Mapping[int, dict[str, Any]] = {},
    ) -> dict[str, Field]:
        """The fields that this event adds: its questions, with what was `given` as answers.

        And those of as many guests as it allows, or as are named already.
        """
        fields = {
            f"question_{question.id}": question_field(question, given.get(question.id, {}))
            for question in questions
        }
        for number in range(1, max(event.guests_max, guests) + 1):
            fields[f"guest_{number}"] = StringField(
                _("Guest %(number)d", number=number),
                at_most(200),
                [one_line],
                description=_("Full name, as you want it on the badge."),
            )
        return fields

    def bind(self, questions: Sequence[Question]) -> None:
        """Keep the added fields together with what they stand for."""
        self.questions = [(question, self[f"question_{question.id}"]) for question in questions]
        self.guests = [field for name, field in self._fields.items() if name.startswith("guest_")]

    @property
    def in_page_order(self) -> list[Field]:
        """The fields as the page shows them, for the summary of what is wrong."""
        asked = [field for _question, field in self.questions]
        needs = ("needs_step_free", "needs_sign_language", "needs_captions", "access_note")
        before = ("attend", "name", "email", "organisation", "job_title")
        own = ("booked_by_name", "booked_by_email", "code")
        named = {name: self[name] for name in self._fields}
        return [
            *(named[name] for name in (*before, *own) if name in named),
            *self.guests,
            *(named[name] for name in needs),
            *asked,
            *(named[name] for name in ("consent", "wants_news") if name in named),
        ]

    @property
    def guest_names(self) -> list[str]:
        """The guests that were named."""
        return [field.data for field in self.guests if field.data]

    @property
    def party_size(self) -> int:
        """How many come."""
        return 1 + len(self.guest_names)

    def refuse_guests(self, allowed: int, text: str) -> None:
        """Say at the first guest too many what is wrong; over all where it is no name too many."""
        named = [field for field in self.guests if field.data]
        if len(named) > allowed:
            named[allowed].errors = [text]
        else:
            self.form_errors.append(text)

    def check_questions(self, *option_ids: int | None) -> bool:
        """Ask for what is required of these ways to attend."""
        complete = True
        for question, field in self.questions:
            applies = question.option_id in (None, *option_ids)
            if applies and question.is_required and value_of(question, field) is None:
                field.errors = [*field.errors, unanswered(question)]
                complete = False
        return complete

    def answers(self, *option_ids: int | None) -> dict[int, dict[str, Any]]:
        """The answers to the questions that apply to these ways to attend."""
        given = {
            question.id: value_of(question, field)
            for question, field in self.questions
            if question.option_id in (None, *option_ids)
        }
        return {number: value for number, value in given.items() if value is not None}

    def details(self, **more: Any) -> Details:
        """Who comes, for the verb."""
        return Details(
            name=self.name.data,
            organisation=self.organisation.data,
            job_title=self.job_title.data,
            needs_step_free=self.needs_step_free.data,
            needs_sign_language=self.needs_sign_language.data,
            needs_captions=self.needs_captions.data,
            access_note=self.access_note.data,
            wants_news=self.wants_news.data,
            **more,
        )


class EditForm(PersonForm):
    """What may be changed of an RSVP afterwards."""

    @classmethod
    def for_rsvp(cls, rsvp: Rsvp) -> Self:
        """The form filled with what was said before."""
        questions, given = listing.questions_of(rsvp.event), parties.answers(rsvp)
        guests = [guest.name for guest in parties.attendees(rsvp)[1:]]
        before: dict[str, Any] = {f"guest_{n}": name for n, name in enumerate(guests, 1)}
        for question in questions:
            value = given.get(question.id, {})
            before[f"question_{question.id}"] = shown(question, value)
        fields = cls.fields_for(rsvp.event, questions, max(len(guests), guests_sent()), given)
        form: Self = type(cls.__name__, (cls,), fields)(obj=rsvp, data=before)
        form.bind(questions)
        return form


@cache
def _library_words(language: str) -> Any:
    return get_translations([language])


def guests_sent() -> int:
    """The number of the last guest whom this request names.

    A page may know more fields than the event allows by now: no name is dropped in silence.
    """
    sent = request.form.to_dict()  # to ask the form itself for a field that was not sent is dear
    numbers = range(MOST_GUESTS, 0, -1)
    return next((number for number in numbers if one_line(sent.get(f"guest_{number}"))), 0)


def guests_line(number: int) -> str:
    """How many guests one may bring, in words; none where it is nobody any more."""
    if not number:
        return ""
    return ngettext("You can bring %(num)d guest.", "You can bring up to %(num)d guests.", number)
