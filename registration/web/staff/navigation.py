"""The ways between the staff's rooms: each shows the doors that the account may open."""

from __future__ import annotations

from flask import Flask, request, url_for
from flask_babel import lazy_gettext as _

from registration.models import Event, StaffRole
from registration.web.staff.access import has_role

_ORGANISER, _DOOR = (StaffRole.ORGANISER,), (StaffRole.ORGANISER, StaffRole.DOOR)

#: Label, endpoint, and the roles that may open it besides admins.
Room = tuple[object, str, tuple[StaffRole, ...]]
ROOMS: list[Room] = [
    (_("Events"), "staff_events.index", _DOOR),
    (_("Outbox"), "staff_mails.index", _ORGANISER),
    (_("People"), "staff_accounts.index", ()),
    (_("Log"), "staff_log.index", ()),
]
EVENT_TABS: list[Room] = [
    (_("Overview"), "staff_events.overview", _ORGANISER),
    (_("Attendees"), "staff_attendees.index", _ORGANISER),
    (_("Messages"), "staff_mailings.index", _ORGANISER),
    (_("Check-in"), "staff_door.index", _DOOR),
    (_("Speakers"), "staff_speakers.index", _ORGANISER),
    (_("Stream"), "staff_stream.show", _ORGANISER),
    (_("Recording"), "staff_recording.show", _ORGANISER),
    (_("Settings"), "staff_editor.show", _ORGANISER),
]
#: Rooms behind the door of another one.
_PART_OF = {
    "staff_bulk": "staff_attendees",
    "staff_person": "staff_attendees",
    "staff_moving": "staff_attendees",
    "staff_exports": "staff_attendees",
    "staff_imports": "staff_attendees",
    "staff_printing": "staff_door",
}
ACCOUNT_PAGES: list[Room] = [(_("My account"), "staff_account.show", _DOOR)]


def init_app(app: Flask) -> None:
    """Give the staff's templates their navigation."""
    app.jinja_env.globals.update(
        staff_rooms=lambda: [
            (label, url_for(endpoint), endpoint) for label, endpoint in _open(ROOMS)
        ],
        account_pages=lambda: [
            (label, url_for(endpoint)) for label, endpoint in _open(ACCOUNT_PAGES)
        ],
        event_tabs=_event_tabs,
    )


def _event_tabs(event: Event) -> list[tuple[object, str, bool]]:
    """Label, address and whether it is the page at hand (or one below it)."""
    room = request.blueprint or ""
    here = (request.endpoint or "", _PART_OF.get(room, room))
    return [
        (
            label,
            url_for(endpoint, slug=event.slug),
            here[0] == endpoint or _is_room(here[1], endpoint.partition(".")[0]),
        )
        for label, endpoint in _open(EVENT_TABS)
    ]


def _is_room(blueprint: str, room: str) -> bool:
    """Whether a page is in a room, which may have several blueprints of its name."""
    return room != "staff_events" and f"{blueprint}_".startswith(f"{room}_")


def _open(rooms: list[Room]) -> list[tuple[object, str]]:
    return [
        (label, endpoint) for label, endpoint, roles in rooms if has_role(StaffRole.ADMIN, *roles)
    ]
