"""The speakers of an event: who was asked, who said yes, and the invitation."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from sqlalchemy import select
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from registration import pictures, speakers, wording
from registration.database import db
from registration.models import AttendanceMode, AuditEntry, Event, Speaker, SpeakerRole, StaffRole
from registration.speakers import Particulars, SpeakerRefused
from registration.times import now
from registration.web import photos
from registration.web.fields import at_most, is_email, many_lines, no_controls, one_line
from registration.web.staff.access import event_by_slug, speaker_of, staff_only
from registration.web.staff.editor_fields import link
from registration.web.staff.wallclock import MomentField, MomentsForm, part_is_in_order

blueprint = Blueprint("staff_speakers", __name__, url_prefix="/staff/events/<slug>/speakers")


class SpeakerForm(MomentsForm):
    """A person on the programme. Times are in the event's zone."""

    name = StringField(_("Name"), [InputRequired(_("Enter a name")), *at_most(200)], [one_line])
    role = SelectField(
        _("Role"),
        [InputRequired()],
        choices=[
            SelectChoice("speaker", _("Speaker")),
            SelectChoice("moderator", _("Moderator")),
            SelectChoice("host", _("Host")),
        ],
    )
    title = StringField(_("Position"), at_most(200), [one_line])
    affiliation = StringField(_("Affiliation"), at_most(200), [one_line])
    bio = TextAreaField(_("Biography"), at_most(4000), [many_lines], render_kw={"rows": 6})
    photo = FileField(_("Photograph"), render_kw=photos.PICTURES)
    kept = HiddenField(filters=[pictures.name_of])  # the picture, if one was chosen already
    remove_photo = BooleanField(_("Take the picture away"))
    email = StringField(
        _("Email address"), [Optional(), no_controls, is_email], [one_line],
        render_kw={"autocomplete": "off", "inputmode": "email"},
    )  # fmt: skip
    language = SelectField(_("Language of the mails"), [InputRequired()], choices=[])
    mode = SelectField(
        _("Speaks"),
        [InputRequired()],
        choices=[
            SelectChoice("in_person", _("In the room")),
            SelectChoice("virtual", _("Online")),
        ],
    )
    call_at = MomentField(_("Call time"), description=_("When they are wanted, before their slot."))
    slot_starts_at = MomentField(_("Slot starts"))
    slot_ends_at = MomentField(_("Slot ends"))
    answer_by = MomentField(_("Answer wanted by"))
    room = StringField(
        _("Where to be"), at_most(200), [one_line], description=_("A room or a desk, at call time.")
    )
    green_room_url = link(_("Green room’s link"))
    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [
            SelectChoice(code, wording.language_name(code))
            for code in current_app.config["LANGUAGES"]
        ]

    def validate_for(self, event: Event | None) -> bool:
        """Check the shape, then the times, then their order."""
        return super().validate_for(event) and (event is None or part_is_in_order(self, event))

    def fill(self, speaker: Speaker) -> None:
        """Fill in what is known."""
        known = Particulars.of(speaker)
        for part in dataclasses.fields(known):
            value = getattr(known, part.name)
            self[part.name].data = str(value) if isinstance(value, enum.Enum) else value
        codes = [choice.value for choice in self.language.choices]
        if speaker.language not in codes:
            self.language.choices.append(SelectChoice(speaker.language))
        self.seen.data = known.fingerprint
        self.show(speaker.event)

    def particulars(self) -> Particulars:
        """What was entered."""
        values: dict[str, Any] = {
            part.name: self[part.name].data for part in dataclasses.fields(Particulars)
        }
        for name, value in values.items():
            if value is None and not isinstance(self[name], MomentField):
                values[name] = ""
        values["role"] = SpeakerRole(values["role"])
        values["mode"] = AttendanceMode(values["mode"])
        return Particulars(**values)


#: What a calendar said that is no yes or no, or beside it: people read it.
_TO_READ = ("speaker.reply_odd", "speaker.reply_noted")
_ANSWERS = ("speaker.confirmed", "speaker.declined")


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Where a speaker is written to."""

    email = StringField(validators=[no_controls, is_email], filters=[one_line])


@blueprint.get("/")
@staff_only(StaffRole.ORGANISER)
def index(slug: str) -> ResponseReturnValue:
    """All people of the event, also those who declined."""
    return _page(event_by_slug(slug))


def _page(event: Event, typed: Mapping[int, str] | None = None) -> str:
    """The people, each with their address, or what was `typed` in its stead and refused."""
    people = db.session.scalars(
        select(Speaker)
        .where(Speaker.event_id == event.id)
        # Below all others who is not on the programme any more.
        .order_by(Speaker.position < 0, Speaker.position)
    ).all()
    replies = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.event_id == event.id, AuditEntry.action.in_(_TO_READ + _ANSWERS))
        .order_by(AuditEntry.id)
    ).all()
    return render_template(
        "staff/speakers.html",
        event=event,
        people=people,
        can_ask=not event.is_off(now()),
        typed=typed or {},
        # The last of each; a plain yes or no names nobody by number.
        replies={entry.detail.get("speaker_id"): entry for entry in replies},
    )


@blueprint.post("/<int:speaker_id>")
@staff_only(StaffRole.ORGANISER)
def act(slug: str, speaker_id: int) -> ResponseReturnValue:
    """Keep the address, invite, or remind."""
    event = event_by_slug(slug)
    speaker = speaker_of(event, speaker_id)
    speaker_id, staff_id, action = speaker.id, current_user.id, request.form.get("do", "")
    try:
        if "email" in request.form:
            form = AddressForm()
            if not form.validate():
                raise SpeakerRefused(form.errors.get("email", [gettext("Try again")])[0])
            speakers.set_address(
                speaker_id=speaker_id, email=form.email.data, staff_id=staff_id, now=now()
            )
        if action == "invite":
            speakers.invite(speaker_id=speaker_id, staff_id=staff_id, now=now())
            flash(gettext("The invitation is on its way."), "ok")
        elif action == "remind":
            speakers.remind(speaker_id=speaker_id, staff_id=staff_id, now=now())
            flash(gettext("The reminder is on its way."), "ok")
        elif action == "resend":
            speakers.resend(speaker_id=speaker_id, staff_id=staff_id, now=now())
            flash(gettext("The mail is on its way once more."), "ok")
        elif action == "withdraw":
            speakers.withdraw(speaker_id=speaker_id, staff_id=staff_id, now=now())
            flash(gettext("The invitation is taken back; the entry leaves their calendar."), "ok")
        elif action != "save":
            abort(400)
    except SpeakerRefused as refusal:
        flash(str(refusal), "warn")
        typed = one_line(request.form.get("email"))[:254]
        if typed:
            return _page(event_by_slug(slug), {speaker_id: typed}), 422
    return redirect(url_for(".index", slug=slug), code=303)


@blueprint.route("/<int:speaker_id>/edit", methods=["GET", "POST"])
@staff_only(StaffRole.ORGANISER)
def edit(slug: str, speaker_id: int) -> ResponseReturnValue:
    """What staff say of a person: who they are, when and where they are wanted."""
    event = event_by_slug(slug)
    speaker = speaker_of(event, speaker_id)
    form = SpeakerForm()
    form.green_room_url.object_data = speaker.green_room_url
    refused = photos.keep(form) if form.is_submitted() else ""
    is_fine = form.is_submitted() and form.validate_for(event)
    if refused:
        form.photo.errors = [refused]
    elif is_fine:
        try:
            told = speakers.edit(
                speaker_id=speaker_id,
                particulars=form.particulars(),
                staff_id=current_user.id,
                now=now(),
                seen=form.seen.data or "",
                photo=photos.chosen(form),
            )
        except SpeakerRefused as refusal:
            form.form_errors.append(str(refusal))
        except pictures.PictureGone as gone:
            form.kept.data, form.photo.errors = "", [str(gone)]
        else:
            flash(
                gettext("Saved. Their calendar is told of the change.")
                if told
                else gettext("Saved."),
                "ok",
            )
            return redirect(url_for(".index", slug=slug), code=303)
    elif not form.is_submitted():
        form.fill(speaker)
    page = render_template(
        "staff/speaker.html", event=event_by_slug(slug), speaker=speaker_of(event, speaker_id),
        form=form,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/")
@staff_only(StaffRole.ORGANISER)
def invite_all(slug: str) -> ResponseReturnValue:
    """Invite everybody who has an address and was not asked yet."""
    event = event_by_slug(slug)
    waiting = speakers.to_invite(event.id)
    for speaker_id in waiting:
        speakers.invite(speaker_id=speaker_id, staff_id=current_user.id, now=now())
    if waiting:
        told = ngettext(
            "%(num)d invitation is on its way.",
            "%(num)d invitations are on their way.",
            len(waiting),
        )
        flash(told, "ok")
    elif speakers.without_address(event.id):
        flash(gettext("Nobody is left to invite: enter addresses first."), "warn")
    else:
        flash(gettext("Everybody has been asked."), "ok")
    return redirect(url_for(".index", slug=slug), code=303)
