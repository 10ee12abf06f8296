"""The form of a mailing: its shape, and the segments that an event has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from registration import mailings, weblinks, wording
from registration.letters.mailings import links
from registration.mailings import MailingRefused
from registration.models import AttendanceOption, Mailing, Question, QuestionKind
from registration.segments import Presence, Segment, Who
from registration.web.fields import at_most, many_lines, one_line, one_of_these
from registration.web.staff.wallclock import MomentField
from registration.web.staff.words import choice_name

#: Beside the answers to an event's own questions, one that every form asks for.
_NEWS = "news"
_CHOOSE = _("Choose who gets the message")

PRESENCES = {
    Presence.ANY: _("Does not matter"),
    Presence.CHECKED_IN: _("Was checked in at the door"),
    Presence.NOT_CHECKED_IN: _("Was not checked in"),
    Presence.JOINED: _("Joined the stream"),
    Presence.NOT_JOINED: _("Did not join the stream"),
}


def _with_known_fields(_form: Form, field: Field) -> None:
    try:
        mailings.check_fields(field.data or "")
    except MailingRefused as refusal:
        raise ValidationError(str(refusal)) from refusal


def _with_links_to_pages(_form: Form, field: Field) -> None:
    try:
        weblinks.check_in_text(links(field.data or ""))
    except weblinks.LinkRefused as refusal:
        raise ValidationError(str(refusal)) from refusal


class MailingForm(FlaskForm):  # type: ignore[misc]
    """To whom, what about, and the text."""

    to = RadioField(
        _("To"),
        # A way to attend may have been removed since the form was opened.
        [InputRequired(_CHOOSE), one_of_these(_CHOOSE)],
        validate_choice=False,
    )
    presence = SelectField(
        _("Whether they came"),
        default="",
        choices=[SelectChoice(str(kind), text) for kind, text in PRESENCES.items()],
    )
    answer = SelectField(_("What they answered"), default="")
    subject = StringField(
        _("Subject"),
        [InputRequired(_("Enter a subject")), *at_most(200), _with_known_fields],
        [one_line],
    )
    body = TextAreaField(
        _("Message"),
        [
            InputRequired(_("Write the message")),
            *at_most(20_000),
            _with_known_fields,
            _with_links_to_pages,
        ],
        [many_lines],
        description=_("Markdown: **bold**, a list with -, [words](https://…) for a link."),
        render_kw={"rows": 14},
    )
    seen_at = HiddenField()

    def fill_choices(
        self,
        options: Sequence[AttendanceOption],
        questions: Sequence[Question],
        counts: Mapping[tuple[Who, int | None], int],
        kept: Segment | None = None,
    ) -> None:
        """Offer the segments that this event has, each with its count.

        A draft may keep the answer of its own, `kept`, though it is offered to nobody any more.
        """
        self.ways = {option.id: option for option in options}
        self.counts = {_code(who, option_id): number for (who, option_id), number in counts.items()}
        codes = []
        if len(options) > 1:
            codes += [_code(Who.CONFIRMED, option.id) for option in options]
        codes.append(_code(Who.CONFIRMED, None))
        codes.append(_code(Who.WAITING, None))
        if any(option.needs_approval for option in options):
            codes.append(_code(Who.PENDING, None))
        codes.append(_code(Who.EVERYONE, None))
        if self.counts.get(Who.ENDED):
            codes.append(_code(Who.ENDED, None))
        self.to.choices = [SelectChoice(code, self.name_of(_segment(code))) for code in codes]
        self._questions = {question.id: question for question in questions}
        self.answer.choices = [
            SelectChoice("", _("Does not matter")),
            SelectChoice(_NEWS, _("Wants to hear of future events")),
            *_answers(questions, kept or Segment()),
        ]

    def name_of(self, segment: Segment) -> str:
        """A segment in words, without what narrows it."""
        if segment.option_id is not None:
            option = self.ways.get(segment.option_id)
            way = wording.option_name(option) if option else gettext("A way that is gone")
            return gettext("%(way)s, confirmed", way=way)
        names = {
            Who.CONFIRMED: gettext("Everyone confirmed"),
            Who.WAITING: gettext("Waitlist"),
            Who.PENDING: gettext("Waiting for approval"),
            Who.EVERYONE: gettext("Everyone: confirmed, waiting, to be approved"),
            Who.ENDED: gettext("Cancelled or not accepted"),
        }
        return names[segment.who]

    def words_of(self, segment: Segment) -> str:
        """A segment in words, all of it."""
        parts = [self.name_of(segment)]
        if segment.presence:
            parts.append(str(PRESENCES[segment.presence]))
        if segment.wants_news:
            parts.append(gettext("Wants to hear of future events"))
        if segment.question_id is not None:
            question = self._questions.get(segment.question_id)
            label = question.label if question else gettext("A question that is gone")
            said = {"yes": gettext("Yes"), "no": gettext("No")}.get(segment.answer, segment.answer)
            parts.append(f"{label} {said}")
        return " · ".join(parts)

    def show(self, mailing: Mailing) -> None:
        """Fill in a draft."""
        segment = Segment.from_json(mailing.segment)
        self.to.data = _code(segment.who, segment.option_id)
        self.presence.data = str(segment.presence)
        self.answer.data = _NEWS if segment.wants_news else ""
        if segment.question_id:
            self.answer.data = f"{segment.question_id}:{segment.answer}"
        self.subject.data, self.body.data = mailing.subject, mailing.body
        self.seen_at.data = mailing.updated_at.isoformat()

    def segment(self) -> Segment:
        """What was chosen."""
        narrowed = Presence(self.presence.data)
        chosen = _segment(self.to.data)
        question_id, _colon, which = (self.answer.data or "").partition(":")
        if question_id == _NEWS:
            return Segment(chosen.who, chosen.option_id, narrowed, wants_news=True)
        if not question_id:
            return Segment(chosen.who, chosen.option_id, narrowed)
        return Segment(chosen.who, chosen.option_id, narrowed, int(question_id), which)


class ScheduleForm(FlaskForm):  # type: ignore[misc]
    """When a message goes, in the event's zone."""

    at = MomentField(_("Day and time"), [InputRequired(_("Enter a day and a time"))])
    seen_at = HiddenField()

    def moment_in(self, zone: ZoneInfo) -> datetime | None:
        """The instant that was entered; none with an error at the field."""
        is_fine = self.validate()
        if not self.at.resolve(zone) or not is_fine:
            return None
        return self.at.data


def _answers(questions: Sequence[Question], kept: Segment) -> list[SelectChoice]:
    """What can be answered, by question and words: a place in a list may be another's by now."""
    found = []
    for question in questions:
        if question.kind is QuestionKind.YES_NO:
            words = {"yes": gettext("Yes"), "no": gettext("No")}
        elif question.kind in (QuestionKind.ONE_OF, QuestionKind.ANY_OF):
            own = [kept.answer] if kept.question_id == question.id else []
            words = {
                choice: choice_name(question, choice) for choice in [*question.known_choices, *own]
            }
        else:
            continue
        found += [
            SelectChoice(f"{question.id}:{answer}", f"{question.label} {text}")
            for answer, text in words.items()
        ]
    return found


def _code(who: Who, option_id: int | None) -> str:
    return str(who) if option_id is None else f"{who}.{option_id}"


def _segment(code: str) -> Segment:
    who, _dot, option_id = code.partition(".")
    return Segment(Who(who), int(option_id) if option_id else None)
