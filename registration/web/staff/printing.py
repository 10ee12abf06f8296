"""What is printed for the door: the list by surname, and badges.

A thousand people take a second to set, so more than that are printed in parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user

from registration import exports, turnout
from registration.folding import folded
from registration.models import Attendee, Event, StaffRole
from registration.times import now
from registration.web.files import file
from registration.web.staff.access import event_by_slug, staff_only

blueprint = Blueprint("staff_printing", __name__, url_prefix="/staff/events/<slug>/door")

_DOOR = (StaffRole.ORGANISER, StaffRole.DOOR)
#: How many people one document has at most.
PART = 1000


@blueprint.get("/list.pdf")
@staff_only(*_DOOR)
def door_list(slug: str) -> ResponseReturnValue:
    """The list by surname with boxes, for when the network is not."""
    event = event_by_slug(slug)
    people = _by_surname(event)
    part = _part(people)
    if part is None:
        return _parts(event, people, gettext("Print the list"))
    from registration import papers  # a PDF library, only where one prints

    is_sensitive = any(person.rsvp.needs_step_free for person in part)
    body = papers.door_list(event, part, now=now())
    return _pdf(event, "list", body, attendees=len(part), sensitive=is_sensitive)


@blueprint.get("/badges.pdf")
@staff_only(*_DOOR)
def badges(slug: str) -> ResponseReturnValue:
    """Badges of all who have a seat, by surname."""
    event = event_by_slug(slug)
    people = _by_surname(event)
    part = _part(people)
    if part is None:
        return _parts(event, people, gettext("Print badges"))
    from registration import papers  # a PDF library, only where one prints

    return _pdf(event, "badges", papers.badges(event, part), attendees=len(part))


def _by_surname(event: Event) -> list[Attendee]:
    from registration import papers

    def key(person: Attendee) -> tuple[str, str, int]:
        name = person.name
        return folded(papers.surname(name)), folded(name), person.id

    return sorted(turnout.expected(event), key=key)


def _part(people: Sequence[Attendee]) -> Sequence[Attendee] | None:
    """Whom the document is to have; None where they are too many, and no part was chosen."""
    number = request.args.get("part", 0, type=int)
    if not number:
        return people if len(people) <= PART else None
    chosen = people[(number - 1) * PART : number * PART] if number > 0 else []
    return chosen or abort(404)


def _parts(event: Event, people: Sequence[Attendee], title: str) -> str:
    """The parts to choose from, each with the first and the last name in it."""
    parts = [people[first : first + PART] for first in range(0, len(people), PART)]
    return render_template(
        "staff/parts.html",
        event=event,
        title=title,
        total=len(people),
        parts=[(part[0].name, part[-1].name, len(part)) for part in parts],
    )


def _pdf(
    event: Event, what: str, body: bytes, *, attendees: int, sensitive: bool = False
) -> Response:
    """The document; that it leaves the house is in the log."""
    name = f"{event.slug}-{what}.pdf"
    exports.note_print(
        what,
        event_id=event.id,
        attendees=attendees,
        sensitive=sensitive,
        staff_id=current_user.id,
        now=now(),
    )
    return file(body, name, "application/pdf", inline=True)
