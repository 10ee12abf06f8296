"""The lobby: a countdown, then a door, then the stream, then the recording."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from registration import entries, itip, listing, lobby
from registration.lobby import LobbyState
from registration.models import StreamKind
from registration.times import now
from registration.web import access

blueprint = Blueprint("lobby", __name__)

#: Players that may stand in our page; anything else is opened by a redirect.
PLAYERS = (
    "https://www.youtube-nocookie.com",
    "https://player.vimeo.com",
    "https://vimeo.com",
    "https://iframe.mediadelivery.net",
    "https://player.twitch.tv",
    "https://media.ccc.de",
)


@blueprint.get("/j/<key>")
def show(key: str) -> ResponseReturnValue:
    """The lobby as it is now. The stream's address is in it only after Enter."""
    rsvp = access.rsvp_by_join_key(key)
    event, moment = rsvp.event, now()
    source = None
    if lobby.may_enter(rsvp, moment) and lobby.has_joined(rsvp):
        source = lobby.live_source(event)
    player = source.url if source and _is_player(source.url, source.kind) else ""
    if player:
        g.frame_sources = [_origin(player)]
    return render_template(
        "lobby/show.html",
        rsvp=rsvp,
        event=event,
        state=str(lobby.state_of(event, moment)),
        is_virtual=rsvp.is_confirmed and rsvp.option.is_virtual,
        source=source,
        player=player,
        agenda=listing.agenda_of(event),
        speakers=listing.speakers_of(event),
        seconds_to_lobby=max(0, round((event.lobby_opens_at - moment).total_seconds())),
        seconds_to_start=max(0, round((event.starts_at - moment).total_seconds())),
        now=moment,
    )


@blueprint.post("/j/<key>/enter")
def enter(key: str) -> ResponseReturnValue:
    """Come in: it is recorded once, then the stream is shown or opened."""
    rsvp = access.rsvp_by_join_key(key)
    event = rsvp.event
    if lobby.enter(rsvp_id=rsvp.id, now=now()):
        source = lobby.live_source(event)
        if source is not None and not _is_player(source.url, source.kind):
            return redirect(source.url, code=303)
    return redirect(url_for("lobby.show", key=key), code=303)


@blueprint.get("/j/<key>/calendar.ics")
def ics(key: str) -> ResponseReturnValue:
    """The entry with the join link, for who has the join link."""
    rsvp = access.rsvp_by_join_key(key)
    if lobby.state_of(rsvp.event, now()) is LobbyState.CANCELLED or not rsvp.is_confirmed:
        return redirect(url_for("lobby.show", key=key), code=303)
    entry = entries.of_rsvp(rsvp, max(rsvp.ical_sequence, 0))
    answer = Response(
        itip.publish([entry], now=rsvp.updated_at), content_type="text/calendar; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{rsvp.event.slug}.ics"'
    return answer


def _is_player(url: str, kind: StreamKind) -> bool:
    return kind is StreamKind.EMBED and _origin(url) in PLAYERS


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
