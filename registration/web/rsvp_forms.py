"""The RSVP form: its shape only; whatever needs the database is a verb's business."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import current_app
from flask_babel import get_locale, gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from itsdangerous import BadData, URLSafeSerializer
from wtforms import (
    BooleanField,
    Field,
    Form,
    HiddenField,
    RadioField,
    StringField,
    ValidationError,
)
from wtforms.i18n import get_translations
from wtforms.validators import DataRequired, InputRequired

from registration import wording
from registration.models import (
    AttendanceOption,
    Event,
    Question,
    Rsvp,
)
from registration.parties import Details
from registration.web.fields import at_most, is_email, no_controls, one_line
from registration.web.question_fields import question_field, shown, unanswered, value_of

#: A phone shows @ on its keyboard, and writes no capital letter by itself.
_EMAIL_KEYBOARD = {
    "autocomplete": "email",
    "autocapitalize": "none",
    "spellcheck": "false",
    "inputmode": "email",
}


@dataclass(frozen=True)
class Offer:
    """One way to attend as the form offers it. `value` says all: option, waiting, meanwhile."""

    value: str
    option: AttendanceOption
    waits: bool = False
    meanwhile: AttendanceOption | None = None


def offers(options: Sequence[AttendanceOption], event: Event, now: datetime) -> list[Offer]:
    """What can be chosen now: seats where there are any, else the waitlist, watching meanwhile."""
    offered = []
    open_options = [option for option in options if option.is_open(event, now)]
    for option in open_options:
        waits = option.is_full and not option.needs_approval
        if waits and now >= event.promotes_until:
            continue  # the queue has closed: to join it would lead nowhere
        offered.append(Offer(f"{option.id}w" if waits else f"{option.id}", option, waits))
    for offer in list(offered):
        if offer.waits and not offer.option.is_virtual:
            for other in open_options:
                if other.is_virtual and not other.is_full and not other.needs_approval:
                    value = f"{offer.option.id}w{other.id}"
                    offered.append(Offer(value, offer.option, True, other))
    return offered


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
    def fields_for(cls, event: Event, questions: Sequence[Question]) -> dict[str, Field]:
        """The fields that this event adds: its questions and its guests."""
        fields = {f"question_{question.id}": question_field(question) for question in questions}
        for number in range(1, event.guests_max + 1):
            fields[f"guest_{number}"] = StringField(
                _("Guest %(number)d", number=number),
                at_most(200),
                [one_line],
                description=_("Full name, as you want it on the badge."),
            )
        return fields

    def bind(self, event: Event, questions: Sequence[Question]) -> None:
        """Keep the added fields together with what they stand for."""
        self.questions = [(question, self[f"question_{question.id}"]) for question in questions]
        self.guests = [self[f"guest_{number}"] for number in range(1, event.guests_max + 1)]

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


class RsvpForm(PersonForm):
    """The answer to an event. `asking` makes the class of an event's form, `open` fills it in."""

    attend = RadioField(
        _("How will you attend?"),
        [InputRequired(_("Choose how you will attend"))],
        validate_choice=False,
    )
    email = StringField(
        _("Email address"),
        [
            InputRequired(_("Enter an email address in the right format, like name@example.org")),
            no_controls,
            is_email,
        ],
        [one_line],
        description=_("Your ticket or link goes here. We do not share it."),
        render_kw=_EMAIL_KEYBOARD,
    )
    booked_by_name = StringField(_("Your own name"), at_most(200), [one_line])
    booked_by_email = StringField(
        _("Your own email address"),
        at_most(254),
        [one_line],
        render_kw=_EMAIL_KEYBOARD | {"autocomplete": "section-own email"},
    )
    code = StringField(_("Invitation code"), at_most(80), [one_line])
    consent = BooleanField(validators=[InputRequired(_("Agree to this to send your RSVP"))])
    invitation = HiddenField()
    source = HiddenField(filters=[one_line])
    email_checked = HiddenField()
    started = HiddenField()
    website = StringField()  # people do not see it; robots fill it in

    offers: list[Offer]

    @classmethod
    def asking(cls, event: Event, questions: Sequence[Question]) -> type[RsvpForm]:
        """The class of this event's form."""
        return type(cls.__name__, (cls,), cls.fields_for(event, questions))

    def open(
        self,
        event: Event,
        options: Sequence[AttendanceOption],
        questions: Sequence[Question],
        now: datetime,
    ) -> None:
        """Offer what can be chosen now."""
        self.bind(event, questions)
        self.offers = offers(options, event, now)
        if not self.started.data:
            self.started.data = opened()

    def word(self, event: Event) -> None:
        """Say what is chosen from and agreed to, for a page that shows it."""
        self.attend.choices = [
            (offer.value, wording.option_name(offer.option)) for offer in self.offers
        ]
        self.consent.label.text = event.consent or gettext(
            "I agree that %(organisation)s keeps these details to run the event.",
            organisation=current_app.config["ORGANISATION_NAME"],
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the shape; what is wrong stands at its field."""
        valid = bool(super().validate(extra_validators))
        option_id = self.option_id
        if self.attend.data and option_id is None:
            self.attend.errors = [*self.attend.errors, gettext("Choose how you will attend")]
            valid = False
        valid = self.check_questions(option_id) and valid
        if self.booked_by_name.data or self.booked_by_email.data:
            valid = self._check_assistant() and valid
        return self._is_from_a_person() and valid

    def _check_assistant(self) -> bool:
        field = self.booked_by_email
        try:
            if field.data or self.booked_by_name.data:
                is_email(self, field)
        except ValidationError as problem:
            field.errors = [*field.errors, str(problem)]
            return False
        return True

    def _is_from_a_person(self) -> bool:
        """Stop what fills in hidden fields, or sends within a moment; a person loses nothing."""
        if self.website.data:
            self.form_errors.append(
                gettext("This looked as if a program had filled it in. Check it and send it again.")
            )
            self.website.data = ""
            return False
        try:
            began = int(_signer().loads(self.started.data or ""))
        except (BadData, ValueError):
            self.started.data = _signer().dumps(int(time.time()) - 60)
            self.form_errors.append(gettext("Check what you typed and send the form once more."))
            return False
        if time.time() - began < current_app.config["MINIMUM_FILL_SECONDS"]:
            self.form_errors.append(
                gettext("That was very quick. Check what you typed and send it once more.")
            )
            return False
        return True

    @property
    def choice(self) -> tuple[int, bool, int | None] | None:
        """Option, whether to wait for it, and where to sit meanwhile, as the choice says."""
        found = re.fullmatch(r"(\d{1,18})(w?)(\d{1,18})?", self.attend.data or "")
        if found is None:
            return None
        meanwhile = int(found[3]) if found[3] else None
        return int(found[1]), bool(found[2]), meanwhile

    @property
    def option_id(self) -> int | None:
        """The option that was chosen."""
        return self.choice[0] if self.choice else None

    def prefill(self, name: str, email: str, organisation: str) -> None:
        """Begin with what an invitation knows."""
        self.name.data = self.name.data or name
        self.email.data = self.email.data or email
        self.organisation.data = self.organisation.data or organisation


class EditForm(PersonForm):
    """What may be changed of an RSVP afterwards."""

    @classmethod
    def for_rsvp(
        cls,
        rsvp: Rsvp,
        questions: Sequence[Question],
        guests: Sequence[str],
        given: dict[int, dict[str, Any]],
    ) -> EditForm:
        """The form filled with what was said before."""
        before: dict[str, Any] = {f"guest_{n}": name for n, name in enumerate(guests, 1)}
        for question in questions:
            value = given.get(question.id, {})
            before[f"question_{question.id}"] = shown(question, value)
        form: EditForm = type(cls.__name__, (cls,), cls.fields_for(rsvp.event, questions))(
            obj=rsvp, data=before
        )
        form.bind(rsvp.event, questions)
        return form


class FindForm(FlaskForm):  # type: ignore[misc]
    """An address that wants its links."""

    email = StringField(
        _("Email address"),
        [
            InputRequired(_("Enter an email address in the right format, like name@example.org")),
            no_controls,
            is_email,
        ],
        [one_line],
        render_kw=_EMAIL_KEYBOARD,
    )


@cache
def _library_words(language: str) -> Any:
    return get_translations([language])


def opened() -> str:
    """This moment, sealed: when a form was opened."""
    return str(_signer().dumps(int(time.time())))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="form-started")


def guests_line(number: int) -> str:
    """How many guests one may bring, in words."""
    return ngettext("You can bring %(num)d guest.", "You can bring up to %(num)d guests.", number)
