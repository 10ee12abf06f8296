"""What an event asks who answers it: its options, its questions, and the form made of them.

In a rush hundreds send the same form within a second. It is read and made once a moment, and
serves to check what was sent, and to name the event on the page after it. What a form shows is read
anew, and what is decided is decided by the verb over the rows as they are then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from flask import current_app, g

from registration import listing
from registration.database import db
from registration.models import AttendanceOption, Event, Question
from registration.web import access
from registration.web.answer_form import RsvpForm
from registration.web.person_form import guests_sent

#: How many events are remembered; beyond that all are forgotten.
_MOST = 64


@dataclass(frozen=True)
class Asking:
    """An event, what it asks, and the class of its form."""

    event: Event
    options: Sequence[AttendanceOption]
    questions: Sequence[Question]
    form_class: type[RsvpForm]

    @classmethod
    def of(cls, event: Event) -> Self:
        """What this event asks now."""
        options, questions = listing.options_of(event), listing.questions_of(event)
        return cls(event, options, questions, RsvpForm.asking(event, questions))

    def form(self, now: datetime) -> RsvpForm:
        """The form with what this request sent."""
        guests = guests_sent()
        is_wider = guests > self.event.guests_max
        form_class = (
            RsvpForm.asking(self.event, self.questions, guests) if is_wider else self.form_class
        )
        form = form_class()
        form.open(self.event, self.options, self.questions, now)
        return form


class Recent:
    """What events asked within the last PAGE_MEMORY_SECONDS, in the memory of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Asking]] = {}

    def of(self, slug: str) -> Asking:
        """What the event at an address asks, or asked a moment ago; 404 if there is none."""
        until, asking = self._kept.get(slug, (0.0, None))
        if asking is not None and time.monotonic() < until:
            g.language = asking.event.language
            return asking
        began = time.monotonic()
        asking = Asking.of(access.published_event(slug))
        if seconds := current_app.config["PAGE_MEMORY_SECONDS"]:
            # Plain values from here on: they belong to no request's session.
            for row in (asking.event, *asking.options, *asking.questions):
                db.session.expunge(row)
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[slug] = (began + seconds, asking)
        return asking
