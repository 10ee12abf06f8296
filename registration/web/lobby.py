"""The lobby: a countdown, then a door, then the stream, then the recording."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.urls import iri_to_uri

from registration import audit, listing, lobby, players, rsvps
from registration.lobby import LobbyState
from registration.models import Event, Rsvp, StreamKind, StreamSource
from registration.times import now
from registration.web import access
from registration.web.files import own_entry
from registration.web.headers import cacheable

blueprint = Blueprint("lobby", __name__)

#: For how long any cache may keep the status document, in seconds.
FRESH = 2

#: How long before the door opens it helps to say that the page may be kept open.
SOON = timedelta(hours=12)


@blueprint.get("/j/<key>")
def show(key: str) -> ResponseReturnValue:
    """The lobby as it is now. The stream's address is in it only after Enter."""
    rsvp = access.rsvp_by_join_key(key)
    event, moment = rsvp.event, now()
    status = lobby.status_of(event, moment)
    may_enter = lobby.may_enter(rsvp, moment)
    is_virtual = rsvp.is_confirmed and rsvp.option.is_virtual
    ended_by = "" if rsvp.is_live else audit.ending_of(rsvp)[0]
    is_in = may_enter and lobby.has_joined(rsvp)
    source = _on_air(event) if is_in else None
    player = _player(source)
    if is_in:
        # All players, so that a switch to a backup elsewhere needs no new page.
        g.frame_sources = players.allowed(current_app.config["PLAYER_ORIGINS"])
    return render_template(
        "lobby/show.html",
        rsvp=rsvp,
        event=event,
        status=status,
        state=str(status.state),
        may_enter=may_enter,
        is_in=is_in,
        is_ended_by_staff=ended_by == "staff",
        may_answer_again=access.may_answer_again(rsvp, ended_by),
        is_virtual=is_virtual,
        may_watch=not is_virtual and bool(rsvps.streams(rsvp, listing.options_of(event), moment)),
        queue_is_open=moment < event.promotes_until,
        source=source,
        player=player,
        agenda=listing.agenda_of(event),
        speakers=listing.speakers_of(event) if is_in else [],
        opens_soon=event.lobby_opens_at - moment < SOON,
        seconds_to_lobby=max(0, round((event.lobby_opens_at - moment).total_seconds())),
        seconds_to_start=max(0, round((event.starts_at - moment).total_seconds())),
        now=moment,
    )


@blueprint.post("/j/<key>/enter")
def enter(key: str) -> ResponseReturnValue:
    """Come in: it is recorded once, then the stream is shown or opened.

    It takes no token against forged requests (registration/web/__init__.py): who can forge it has
    the key, and the key is all that it takes. So the lobby needs no cookie.
    """
    rsvp = access.rsvp_by_join_key(key)
    event = rsvp.event
    if lobby.enter(rsvp_id=rsvp.id, now=now()):
        source = _on_air(event)
        if source is not None and not _player(source):
            return redirect(url_for("lobby.leave", key=key), code=303)
    return redirect(url_for("lobby.show", key=key), code=303)


@blueprint.get("/j/<key>/out")
def leave(key: str) -> ResponseReturnValue:
    """The way out to a stream that is not watched in our page.

    A page of its own that goes on by itself: browsers hold a redirect after a form to the form's
    own policy (form-action), which must not name the stream before the door opens.
    """
    rsvp = access.rsvp_by_join_key(key)
    source = _source_for(rsvp)
    if source is None or _player(source):
        return redirect(url_for("lobby.show", key=key), code=303)
    answer = current_app.make_response(
        render_template("lobby/out.html", rsvp=rsvp, event=rsvp.event, source=source)
    )
    answer.headers["Refresh"] = f"0; url={iri_to_uri(source.url)}"
    return answer


@blueprint.get("/j/<key>/stream.json")
def stream(key: str) -> ResponseReturnValue:
    """What who is in sees now: asked by an open lobby when the status says that it changed."""
    source = _source_for(access.rsvp_by_join_key(key))
    player = _player(source)
    return jsonify(player=player, link=source.url if source and not player else "")


@blueprint.get("/events/<slug>/lobby.json")
def status(slug: str) -> ResponseReturnValue:
    """What every open lobby asks for now and then: small, the same for all, nothing of anybody.

    It is public, so that each process answers from memory (front.py) and any cache may help.
    """
    told = lobby.status_of(access.published_event(slug), now())
    answer = jsonify(
        state=told.state,
        revision=told.revision,
        note=told.note,
        starts_at=told.starts_at.isoformat(),
        ends_at=told.ends_at.isoformat(),
        ask_again=told.ask_again,
    )
    return cacheable(answer, seconds=FRESH)


@blueprint.get("/j/<key>/calendar.ics")
def ics(key: str) -> ResponseReturnValue:
    """The entry with the join link, for who has the join link."""
    rsvp = access.rsvp_by_join_key(key)
    cancelled = lobby.state_of(rsvp.event, now()) is LobbyState.CANCELLED
    if cancelled or not rsvp.is_confirmed:
        return redirect(url_for("lobby.show", key=key), code=303)
    return own_entry(rsvp)


def _source_for(rsvp: Rsvp) -> StreamSource | None:
    """The source on air, for who may see it and came in."""
    if lobby.may_enter(rsvp, now()) and lobby.has_joined(rsvp):
        return _on_air(rsvp.event)
    return None


def _on_air(event: Event) -> StreamSource | None:
    return lobby.on_air(lobby.sources_of(event))


def _player(source: StreamSource | None) -> str:
    """The address that plays in our page; empty if the source is opened by a link."""
    if source is None or source.kind is not StreamKind.EMBED:
        return ""
    config = current_app.config
    # Once more: what was saved before may be no video.
    ours = urlsplit(config["BASE_URL"]).hostname or ""
    return players.frame(source.url, host=ours, more=config["PLAYER_ORIGINS"])
