"""A speaker's own page: no account, a link from the mail."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired

from registration import listing, pictures, speaking, wording
from registration.models import Speaker
from registration.speakers import SpeakerRefused
from registration.speaking import Profile
from registration.times import now
from registration.web import access, photos
from registration.web.fields import at_most, many_lines, once_more, one_line

blueprint = Blueprint("speakers", __name__)


class Line(NamedTuple):
    """One line of a speaker's times."""

    at: datetime
    title: str
    note: str = ""
    is_own: bool = False


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """How a speaker is introduced."""

    name = StringField(
        _("Name and title"),
        [InputRequired(_("Enter your name as it should be announced")), *at_most(200)],
        [one_line],
        render_kw={"autocomplete": "name"},
    )
    position = StringField(_("Position"), at_most(300), [one_line])
    bio = TextAreaField(
        _("Biography"),
        at_most(4000),
        [many_lines],
        description=_("About 120 words, third person."),
        render_kw={"rows": 7},
    )
    pronunciation = StringField(_("How do you say your name?"), at_most(200), [one_line])
    needs = TextAreaField(
        _("What do you need on the day?"),
        at_most(2000),
        [many_lines],
        description=_("Access, slides, a quiet room: tell us."),
    )
    photo = FileField(
        _("Photograph"),
        description=_("Portrait, at least 800 × 1000 pixels. Until then your initials stand in."),
        render_kw=photos.PICTURES,
    )
    kept = HiddenField(filters=[pictures.name_of])  # the picture, if one was chosen already
    remove_photo = BooleanField(_("Take the picture away"))
    releases_recording = BooleanField(_("The recording of my part may be published"))


@blueprint.get("/speaker/<key>")
def show(key: str) -> ResponseReturnValue:
    """Times, place, who else speaks, and how they are introduced."""
    speaker = access.speaker_by_key(key)
    # Not from the row itself: its `position` is the place in the programme.
    form = ProfileForm(
        formdata=None,
        data={
            "name": speaker.name,
            "position": speaker.position_line,
            "bio": speaker.bio,
            "pronunciation": speaker.pronunciation,
            "needs": speaker.needs,
            "releases_recording": speaker.releases_recording,
        },
    )
    return _page(speaker, form)


def _page(speaker: Speaker, form: ProfileForm) -> str:
    event, moment = speaker.event, now()
    if speaker.photo:
        form.photo.description = gettext(
            "Portrait, at least 800 × 1000 pixels. A new one takes the place of this one."
        )
    return render_template(
        "speakers/show.html",
        speaker=speaker,
        event=event,
        form=form,
        times=_times(speaker),
        others=[other for other in listing.speakers_of(event) if other.id != speaker.id],
        is_running=not event.is_off(moment),
        now=moment,
    )


def _times(speaker: Speaker) -> list[Line]:
    """Their own times within the programme of all, in the order of the day."""
    event, zone = speaker.event, speaker.event.zone
    lines: list[Line] = []
    if call_at := speaker.call_at:
        lines.append(Line(call_at, gettext("Call time"), speaker.room, is_own=True))
    room = "" if call_at else speaker.room
    if speaker.slot_starts_at or room:
        part_at, ends_at = speaker.slot_starts_at or event.starts_at, speaker.slot_ends_at
        span = wording.hours(part_at, ends_at, zone) if ends_at else ""
        note = ", ".join(filter(None, (span, room)))
        lines.append(Line(part_at, gettext("Your part"), note, is_own=True))
    agenda = listing.agenda_of(event)
    lines.extend(Line(item.starts_at, item.title, item.note) for item in agenda)
    # An end alone says less than the hours below it.
    if lines and (not agenda or agenda[-1].starts_at < event.ends_at):
        lines.append(Line(event.ends_at, gettext("End")))
    return sorted(lines, key=lambda line: line.at)


@blueprint.post("/speaker/<key>/answer")
def answer(key: str) -> ResponseReturnValue:
    """Yes or no."""
    speaker = access.speaker_by_key(key)
    will_speak = request.form.get("answer") == "yes"
    try:
        speaking.answer(speaker_id=speaker.id, will_speak=will_speak, now=now())
    except SpeakerRefused as refusal:
        flash(str(refusal), "warn")
    else:
        flash(
            gettext("Thank you. Your calendar follows by itself.")
            if will_speak
            else gettext("Thank you for telling us."),
            "ok",
        )
    return redirect(url_for("speakers.show", key=key), code=303)


@blueprint.post("/speaker/<key>/profile")
def profile(key: str) -> ResponseReturnValue:
    """Save how they are introduced."""
    speaker = access.speaker_by_key(key)
    form = ProfileForm()
    refused = photos.keep(form)
    is_fine = form.validate_on_submit()
    if refused:
        form.photo.errors = [refused]
    if refused or not is_fine:
        return _page(speaker, form), 422
    try:
        _save(speaker, form)
    except pictures.PictureGone as gone:
        form.kept.data, form.photo.errors = "", [str(gone)]
        return _page(access.speaker_by_key(key), form), 422
    except SpeakerRefused as refusal:
        flash(str(refusal), "warn")
    else:
        flash(gettext("Saved."), "ok")
    return redirect(url_for("speakers.show", key=key), code=303)


def ask_again() -> ResponseReturnValue:
    """The form as it was sent, with a new token. Who sent it knows the key, so it is theirs."""
    speaker = access.speaker_by_key((request.view_args or {})["key"])
    form = ProfileForm()
    form.form_errors.append(once_more())
    if refused := photos.keep(form):
        form.photo.errors = [refused]
    return _page(speaker, form), 400


def _save(speaker: Speaker, form: ProfileForm) -> None:
    speaking.save_profile(
        speaker_id=speaker.id,
        profile=Profile(
            name=form.name.data,
            position=form.position.data,
            bio=form.bio.data,
            pronunciation=form.pronunciation.data,
            needs=form.needs.data,
            releases_recording=form.releases_recording.data,
        ),
        photo=photos.chosen(form),
        now=now(),
    )
