"""The parts of an event that are one form each."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from babel import localedata
from flask import current_app
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from registration import events, pictures, revisions, wording
from registration.models import Event, RegistrationKind, Visibility
from registration.times import now
from registration.web.fields import at_most, one_line
from registration.web.person_form import MOST_GUESTS
from registration.web.photos import PICTURES
from registration.web.staff.editor_fields import (
    lines,
    link,
    markdown,
    number,
    optional_email,
    text,
    zone,
)
from registration.web.staff.wallclock import MomentField, MomentsForm


class SectionForm(MomentsForm):
    """A part of an event. `seen` is the fingerprint of the values that it was shown with."""

    seen = HiddenField()
    names: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:
            if isinstance(field, RadioField):
                field.flags.asked = True

    @classmethod
    def of(cls, event: Event) -> SectionForm:
        """The form as it is saved."""
        form = cls(formdata=None, obj=event)
        form.show(event)
        form.seen.data = revisions.fingerprint(events.values_of(event, form.names_for(event)))
        return form

    def names_for(self, event: Event) -> list[str]:
        """The event's fields that this form changes."""
        return [name for name in self.names if name in self]

    def validate_for(self, event: Event | None) -> bool:
        """Check the shape, then the times. What is saved as it stands may stay so."""
        if event is not None:
            for name in self.names_for(event):
                self[name].object_data = getattr(event, name)
        return super().validate_for(event)

    def changes(self, event: Event) -> dict[str, Any]:
        """What it says, under the names of the event's fields."""
        return {name: self[name].data for name in self.names_for(event)}


class BasicsForm(SectionForm):
    """Title, time and place: what calendars show."""

    title = text(_("Title"), 300, InputRequired(_("Enter a title")))
    slug = StringField(
        _("Address of the page"),
        [InputRequired(_("Enter an address")), *at_most(80)],
        [lambda value: one_line(value).lower()],
        description=_("Small letters, digits and hyphens. It stays once the event is published."),
    )
    host = text(_("Who holds it"), description=_("Empty: the organisation."))
    starts_at = MomentField(_("Starts"), [InputRequired(_("Enter when it starts"))])
    ends_at = MomentField(_("Ends"), [InputRequired(_("Enter when it ends"))])
    doors_at = MomentField(_("Doors open"))
    time_zone = zone(_("Time zone"))
    venue_name = text(_("Venue"))
    venue_address = lines(_("Address"), 1000, 3)
    venue_access = lines(
        _("Access notes"),
        2000,
        3,
        description=_("One a line: step-free entrance, hearing loop, lift."),
    )
    venue_directions = markdown(_("How to get there"), 4000, 4, description=_("Markdown."))
    venue_map_url = link(_("Link to a map"))
    stream_note = text(
        _("About the stream"), 300, description=_("Language, captions: “English, with captions”.")
    )
    lobby_opens_minutes = number(
        _("The online room opens so many minutes before"),
        0,
        1440,
        InputRequired(_("Enter a number of minutes")),
    )
    names = (
        "title", "slug", "host", "starts_at", "ends_at", "doors_at", "time_zone", "venue_name",
        "venue_address", "venue_access", "venue_directions", "venue_map_url", "stream_note",
        "lobby_opens_minutes",
    )  # fmt: skip

    def validate_slug(self, field: Field) -> None:
        """What can stand in an address."""
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", field.data or ""):
            raise ValidationError(gettext("Use small letters, digits and hyphens"))


class TextsForm(SectionForm):
    """What the page says."""

    summary = lines(
        _("Summary"), 400, 2, description=_("One or two sentences, for lists and search engines.")
    )
    description = markdown(_("Description"), 40_000, 14, description=_("Markdown."))
    image = HiddenField(_("Picture"), filters=[pictures.name_of])
    image_file = FileField(_("Picture"), render_kw=PICTURES)
    image_alt = text(
        _("What the picture shows"), 300, description=_("For people who do not see it.")
    )
    hashtag = StringField(
        _("Hashtag"), at_most(80), [lambda value: one_line(value).lstrip("#").replace(" ", "")]
    )
    hashtag_line = text(_("The sentence around the hashtag"), 300)
    contact_name = text(_("Contact"))
    contact_email = StringField(
        _("Contact’s email address"), [*at_most(254), optional_email], [one_line],
        description=_("Replies to the event’s mails go there."),
    )  # fmt: skip
    contact_phone = text(_("Contact’s telephone"), 60)
    language = SelectField(_("Language of the event"))
    recording_notice = lines(_("Notice about recording"), 1000, 2)
    publications_url = link(_("Link to all publications"))
    names = (
        "summary", "description", "image", "image_alt", "hashtag", "hashtag_line",
        "contact_name", "contact_email", "contact_phone", "language", "recording_notice",
        "publications_url",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.flags.asked = True
        known = list(dict.fromkeys([*current_app.config["LANGUAGES"], "en", "fr"]))
        # An event may be in a language that pages are not in.
        own = self.language.data or ""
        if own not in known and localedata.exists(own.replace("-", "_")):
            known.append(own)
        self.language.choices = [SelectChoice(code, wording.language_name(code)) for code in known]

    def validate_image_alt(self, field: Field) -> None:
        """A picture is described."""
        if self.image.data and not field.data:
            raise ValidationError(gettext("Say what the picture shows"))


class RegistrationForm(SectionForm):
    """Who may come, when they may say so, and what they agree to."""

    visibility = RadioField(
        _("Who finds the event"),
        choices=[
            SelectChoice(
                Visibility.PUBLIC.value, _("Everybody: it is in the list, in feeds and in search")
            ),
            SelectChoice(
                Visibility.UNLISTED.value, _("Everybody who has its address: it is in no list")
            ),
            SelectChoice(
                Visibility.INVITATION.value,
                _("By invitation: an RSVP needs an invitation or a code"),
            ),
        ],
    )
    registration = RadioField(
        _("Registration"),
        choices=[
            SelectChoice(RegistrationKind.BUILT_IN.value, _("Here")),
            SelectChoice(RegistrationKind.EXTERNAL.value, _("On another site")),
            SelectChoice(RegistrationKind.NONE.value, _("None is needed")),
        ],
    )
    external_url = link(_("Address of the other site"))
    registration_opens_at = MomentField(_("RSVPs open"), description=_("Empty: at once."))
    registration_closes_at = MomentField(
        _("RSVPs close"), description=_("Empty: with the end of the event.")
    )
    admission = text(
        _("Admission"), 300, description=_("Begin with “Free.” and search engines show it, too.")
    )
    guests_max = number(
        _("Guests a person may bring"), 0, MOST_GUESTS, InputRequired(_("Enter a number"))
    )
    confirms_addresses = BooleanField(
        _("Addresses are confirmed by mail before an RSVP counts"),
        description=_("A seat is held for 30 minutes meanwhile."),
    )
    promotes_automatically = BooleanField(
        _("A seat that becomes free goes to the first on the waitlist at once"),
        description=_("Otherwise you choose who moves up."),
    )
    promotion_closes_at = MomentField(
        _("The waitlist stops moving"), description=_("Empty: with the start of the event.")
    )
    consent = lines(_("What people agree to"), 4000, 4)
    retention_days = number(
        _("Personal data is erased so many days after the event"),
        1,
        3650,
        description=_(
            "Names, addresses and answers go by themselves then; the numbers stay. Empty: no day "
            "is set."
        ),
    )
    names = (
        "visibility", "registration", "external_url", "registration_opens_at",
        "registration_closes_at", "admission", "guests_max", "confirms_addresses",
        "promotes_automatically", "promotion_closes_at", "consent", "retention_days",
    )  # fmt: skip

    def changes(self, event: Event) -> dict[str, Any]:
        """What it says; the choices as the model has them."""
        changed = super().changes(event)
        changed["visibility"] = Visibility(changed["visibility"])
        changed["registration"] = RegistrationKind(changed["registration"])
        return changed

    def validate_for(self, event: Event | None) -> bool:
        """No slip of the finger erases at once: the day is one whole day ahead, or more."""
        is_fine, days = super().validate_for(event), self.retention_days
        if event is None or not is_fine or days.data in (None, event.retention_days):
            return is_fine
        least = (now() - event.ends_at).days + 2
        if days.data >= least:
            return True
        days.errors = [
            gettext(
                "That day has passed. Enter %(days)d or more: then it goes on %(day)s",
                days=least,
                day=wording.plain_day(event.ends_at + timedelta(days=least), event.zone),
            )
        ]
        return False

    def validate_external_url(self, field: Field) -> None:
        """Registration elsewhere has an address."""
        if self.registration.data == RegistrationKind.EXTERNAL and not field.data:
            raise ValidationError(gettext("Enter where people register"))


FORMS: dict[str, type[SectionForm]] = {
    "basics": BasicsForm,
    "texts": TextsForm,
    "registration": RegistrationForm,
}
