"""An event as search engines read it: an Event of schema.org, in JSON-LD."""

from __future__ import annotations

import json
import re
import textwrap
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup

from registration import editions, entries, players, prose, wording
from registration.listing import Programme
from registration.models import AttendanceMode, Event, EventStatus, RegistrationKind

#: What says, as the first sentence of an event's line on admission, that nobody pays.
_FREE = {
    "free", "free of charge", "free admission", "free entry", "admission free",
    "admission is free", "entry is free", "gratuit", "entrée libre", "entrée gratuite",
    "kostenlos", "kostenfrei", "eintritt frei", "freier eintritt", "der eintritt ist frei",
    "gratis", "entrada libre", "entrada gratuita", "ingresso libero", "ingresso gratuito",
}  # fmt: skip


def describe(event: Event, programme: Programme, card: str, moment: datetime) -> Markup:
    """The event as a page holds it, without what is empty; `card` is its picture's address."""
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": event.title,
        "description": event.summary or _plain(event.description),
        "startDate": _local(event, event.starts_at),
        "endDate": _local(event, event.ends_at),
        "doorTime": _local(event, event.doors_at) if event.doors_at else "",
        "inLanguage": event.language,
        "url": entries.event_url(event),
        **_status(event, programme),
        "eventAttendanceMode": f"https://schema.org/{_attendance(programme)}EventAttendanceMode",
        "organizer": {
            "@type": "Organization",
            "name": entries.host_name(event),
            "url": current_app.config["BASE_URL"] + "/",
        },
        "isAccessibleForFree": _is_free(event),
        "location": _locations(event, programme),
        "performer": [
            {"@type": "Person", "name": speaker.name}
            | ({"jobTitle": speaker.position_line} if speaker.position_line else {})
            for speaker in programme.speakers
        ],
        "offers": _offers(event, programme, moment),
        "image": [*_photo(event), card],
        "recordedIn": _recording(event, card, moment),
    }
    # A data block, never executed; "<" is written so that no text in it can end the block.
    text = json.dumps({key: value for key, value in told.items() if value}, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - JSON, escaped for this place


def _plain(markdown: str) -> str:
    """The beginning of a text without its Markdown, as one line."""
    return textwrap.shorten(prose.to_text(markdown), 500, placeholder="…")


def _local(event: Event, at: datetime) -> str:
    return at.astimezone(event.zone).isoformat()


def _attendance(programme: Programme) -> str:
    modes = {option.mode for option in programme.options}
    if len(modes) > 1:
        return "Mixed"
    return "Online" if AttendanceMode.VIRTUAL in modes else "Offline"


def _status(event: Event, programme: Programme) -> dict[str, Any]:
    """Whether it takes place as it was announced, and when it was to begin before."""
    if event.status is EventStatus.CANCELLED:
        return {"eventStatus": "https://schema.org/EventCancelled"}
    before = editions.announced_before(event)
    starts = dict.fromkeys(datetime.fromisoformat(facts["starts_at"]) for facts in before)
    starts.pop(event.starts_at, None)
    had_place = any(facts["venue"] for facts in before)
    left_place = had_place and not event.venue_name and _attendance(programme) == "Online"
    statuses = ["EventRescheduled"] * bool(starts) + ["EventMovedOnline"] * left_place
    told: dict[str, Any] = {
        "eventStatus": [f"https://schema.org/{status}" for status in statuses]
        or "https://schema.org/EventScheduled",
        "previousStartDate": [_local(event, at) for at in starts],
    }
    return {name: value[0] if len(value) == 1 else value for name, value in told.items()}


def _locations(event: Event, programme: Programme) -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = []
    # As on the page: a house whose rooms are not open is no place to go to.
    if event.venue_name and _attendance(programme) != "Online":
        address = ", ".join(event.venue_address.splitlines())
        places.append({"@type": "Place", "name": event.venue_name, "address": address})
    if any(option.is_virtual for option in programme.options):
        places.append({"@type": "VirtualLocation", "url": entries.event_url(event)})
    return places


def _offers(event: Event, programme: Programme, moment: datetime) -> list[dict[str, Any]]:
    """Where seats are to be had: with us, or behind somebody else's link.

    A price only where there is none to pay, and without a currency: nothing is nothing in each.
    Of an event that is cancelled or over nothing is to be had, and where no registration is
    needed nothing has to be.
    """
    if event.is_off(moment) or event.registration is RegistrationKind.NONE:
        return []
    if event.registration is RegistrationKind.EXTERNAL and event.external_url:
        return [{"@type": "Offer", "url": event.external_url}]
    return [
        {
            "@type": "Offer",
            "name": wording.option_name(option),
            **({"price": 0} if _is_free(event) else {}),
            "url": f"{entries.event_url(event)}/rsvp",
            "availability": "https://schema.org/" + ("SoldOut" if option.is_full else "InStock"),
        }
        for option in programme.options
        if option.is_open(event, moment)
    ]


def _is_free(event: Event) -> bool:
    """Whether its line on admission says so plainly; "free for members" and silence do not."""
    first = re.split(r"[.!\n]", event.admission, maxsplit=1)[0]
    return " ".join(first.split()).casefold() in _FREE


def _photo(event: Event) -> list[str]:
    if not event.image:
        return []
    return [current_app.config["BASE_URL"] + url_for("pages.media", name=event.image)]


def _recording(event: Event, card: str, moment: datetime) -> dict[str, Any]:
    """The recording, once the event is over."""
    if not (event.recording_url and event.is_past(moment)):
        return {}
    return {
        "@type": "VideoObject",
        "name": event.title,
        "description": event.summary or event.title,
        "embedUrl": players.frame(event.recording_url, host="") or event.recording_url,
        "thumbnailUrl": card,
        "uploadDate": _local(event, event.ends_at),
    }
