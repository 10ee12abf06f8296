"""The event's own questions as fields of a form, and their answers in the shape that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import (
    Field,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
)

from registration import wording
from registration.models import Question, QuestionKind
from registration.web.fields import at_most, many_lines, one_line, one_of_these

_KNOWN = one_of_these(_("Choose one of the answers"))


def question_field(question: Question, given: Mapping[str, Any] = {}) -> Field:
    """The field of a question, by its kind. Whether it is required hangs on the way to attend.

    Who has `given` an answer may keep what they chose, though it is offered to nobody any more.
    """
    flags = {"description": question.hint}
    offered = dict.fromkeys([*question.choices, *given.get("choices", [])])
    if question.kind is QuestionKind.SHORT_TEXT:
        field = StringField(question.label, at_most(500), [one_line], **flags)
    elif question.kind is QuestionKind.LONG_TEXT:
        field = TextAreaField(question.label, at_most(5000), [many_lines], **flags)
    elif question.kind is QuestionKind.ANY_OF:
        choices = [SelectChoice(choice, choice) for choice in offered]
        field = SelectMultipleField(
            question.label, [_KNOWN], choices=choices, validate_choice=False, **flags
        )
    else:
        choices = (
            [SelectChoice("yes", _("Yes")), SelectChoice("no", _("No"))]
            if question.kind is QuestionKind.YES_NO
            else [SelectChoice(choice, choice) for choice in offered]
        )
        field = RadioField(
            question.label, [_KNOWN], choices=choices, validate_choice=False, **flags
        )
    return field


def unanswered(question: Question) -> str:
    """It stands in the summary too, where one must see which question is meant."""
    return gettext("Answer “%(question)s”", question=wording.isolated(question.label))


def value_of(question: Question, field: Field) -> dict[str, Any] | None:
    """What was answered, in the shape that is stored; None if nothing was."""
    if not field.data:
        return None
    if question.kind is QuestionKind.YES_NO:
        return {"yes": field.data == "yes"}
    if question.kind is QuestionKind.ANY_OF:
        return {"choices": list(dict.fromkeys(field.data))}
    if question.kind is QuestionKind.ONE_OF:
        return {"choices": [field.data]}
    return {"text": field.data}


def shown(question: Question, value: dict[str, Any]) -> Any:
    """A stored answer as its field shows it."""
    if question.kind is QuestionKind.YES_NO:
        return {True: "yes", False: "no"}.get(bool(value["yes"])) if "yes" in value else None
    if question.kind is QuestionKind.ANY_OF:
        return value.get("choices", [])
    if question.kind is QuestionKind.ONE_OF:
        return next(iter(value.get("choices", [])), None)
    return value.get("text", "")
