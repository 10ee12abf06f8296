"""The form that answers an event: its shape only; what needs the database is a verb's business."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flask import current_app, g
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeSerializer
from wtforms import BooleanField, HiddenField, RadioField, StringField, ValidationError
from wtforms.validators import InputRequired

from registration import wording
from registration.models import AttendanceOption, Event, Question
from registration.web.events import CARRIED
from registration.web.fields import EMAIL, EMAIL_KEYBOARD, at_most, is_email, one_line
from registration.web.person_form import PersonForm


@dataclass(frozen=True)
class Offer:
    """One way to attend as the form offers it. `value` says all: option, waiting, meanwhile."""

    value: str
    option: AttendanceOption
    waits: bool = False
    meanwhile: AttendanceOption | None = None

    @property
    def is_for_party(self) -> bool:
        """Whether it is a queue for seats that are too few for this party, and not for all."""
        return self.waits and not self.option.is_full


def offers(
    options: Sequence[AttendanceOption], event: Event, now: datetime, party_size: int = 1
) -> list[Offer]:
    """What can be chosen now: seats where there are any, else the waitlist, watching meanwhile.

    Where the seats that are left are too few for a party, it may wait as well as come in part.
    """
    offered = []
    open_options = [option for option in options if option.is_offered(event, now)]
    for option in open_options:
        if not option.is_full or option.needs_approval:
            offered.append(Offer(f"{option.id}", option))
        if _may_wait(option, event, now, party_size):
            offered.append(Offer(f"{option.id}w", option, waits=True))
    for offer in list(offered):
        if offer.waits and not offer.option.is_virtual:
            for other in open_options:
                has_room = other.has_room_for(party_size)
                if other.is_virtual and has_room and not other.needs_approval:
                    value = f"{offer.option.id}w{other.id}"
                    offered.append(Offer(value, offer.option, True, other))
    return offered


def _may_wait(option: AttendanceOption, event: Event, now: datetime, party_size: int) -> bool:
    """Whether to offer a party the queue: there is no room for it, and there can be some."""
    if option.needs_approval or option.has_room_for(party_size) or now >= event.promotes_until:
        return False
    return option.is_full or option.could_seat(party_size)


class RsvpForm(PersonForm):
    """The answer to an event. `asking` makes the class of an event's form, `open` fills it in."""

    attend = RadioField(
        _("How will you attend?"),
        [InputRequired(_("Choose how you will attend"))],
        validate_choice=False,
    )
    email = StringField(
        _("Email address"),
        EMAIL,
        [one_line],
        description=_("Your ticket or link goes here. We do not share it."),
        render_kw=EMAIL_KEYBOARD,
    )
    booked_by_name = StringField(_("Your own name"), at_most(200), [one_line])
    booked_by_email = StringField(
        _("Your own email address"),
        at_most(254),
        [one_line],
        render_kw=EMAIL_KEYBOARD | {"autocomplete": "section-own email"},
    )
    code = StringField(_("Invitation code"), at_most(80), [one_line])
    consent = BooleanField(validators=[InputRequired(_("Agree to this to send your RSVP"))])
    invitation = HiddenField()
    source = HiddenField(filters=[one_line])
    email_checked = HiddenField()
    begins = HiddenField()  # when the event does, as the page said
    agrees_to = HiddenField()  # the version of the consent that stood on the page
    started = HiddenField()
    website = StringField()  # people do not see it; robots fill it in

    offers: list[Offer]

    @classmethod
    def asking(cls, event: Event, questions: Sequence[Question], guests: int = 0) -> type[RsvpForm]:
        """The class of this event's form; `guests`: how many it names at least."""
        return type(cls.__name__, (cls,), cls.fields_for(event, questions, guests))

    def open(
        self,
        event: Event,
        options: Sequence[AttendanceOption],
        questions: Sequence[Question],
        now: datetime,
    ) -> None:
        """Offer what can be chosen now."""
        self.bind(questions)
        self.offers = offers(options, event, now, self.party_size)
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

    @property
    def begins_at(self) -> datetime | None:
        """When the event begins as the page said; nothing where it did not."""
        try:
            return datetime.fromisoformat(self.begins.data or "").astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    @property
    def came_by(self) -> dict[str, str]:
        """What a link to the form carries to whoever fills it in once more."""
        return {name: self[name].data for name in CARRIED if self[name].data}

    def prefill(self, name: str, email: str, organisation: str) -> None:
        """Begin with what an invitation knows."""
        self.name.data = self.name.data or name
        self.email.data = self.email.data or email
        self.organisation.data = self.organisation.data or organisation


def opened() -> str:
    """This moment, sealed: when a form was opened. The same throughout a request."""
    if "form_opened" not in g:
        g.form_opened = str(_signer().dumps(int(time.time())))
    return str(g.form_opened)


def _signer() -> URLSafeSerializer:
    return _signer_with(str(current_app.config["SECRET_KEY"]))


@cache
def _signer_with(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="form-started")
