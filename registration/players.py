"""Which players may stand in our pages, and the address at which a video plays in one."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

#: Players that may stand in our pages; `PLAYER_ORIGINS` adds others. The rest is opened by a link.
PLAYERS = (
    "https://www.youtube-nocookie.com",
    "https://player.vimeo.com",
    "https://vimeo.com",
    "https://iframe.mediadelivery.net",
    "https://player.twitch.tv",
    "https://media.ccc.de",
)

_YOUTUBE = re.compile(r"^/(?:embed/|live/|shorts/|v/)?([\w-]{11})/?$")
_VIMEO = re.compile(r"^/(\d+)(?:/(\w+))?/?$")
_VIMEO_EVENT = re.compile(r"^/event/(\d+)(?:/embed)?/?$")
_TWITCH = re.compile(r"^/(\w+)/?$")


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def embeddable(url: str, *, host: str = "") -> str:
    """The address that plays in a frame, for the addresses people copy from the players' sites.

    Any other address comes back as it is. `host` is ours; Twitch asks for it.
    """
    parts = urlsplit(url.strip())
    site = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    query = parse_qs(parts.query)
    if site in ("youtube.com", "youtu.be", "youtube-nocookie.com"):
        found = query["v"][0] if "v" in query else ""
        named = _YOUTUBE.match(parts.path)
        found = found or (named[1] if named else "")
        if found:
            return f"https://www.youtube-nocookie.com/embed/{found}"
    if site == "vimeo.com":
        if named := _VIMEO_EVENT.match(parts.path):
            return f"https://vimeo.com/event/{named[1]}/embed"
        if named := _VIMEO.match(parts.path):
            private = f"?{urlencode({'h': named[2]})}" if named[2] else ""
            return f"https://player.vimeo.com/video/{named[1]}{private}"
    if site == "twitch.tv" and (named := _TWITCH.match(parts.path)):
        return f"https://player.twitch.tv/?{urlencode({'channel': named[1], 'parent': host})}"
    return url.strip()


def watchable(url: str) -> str:
    """The address at which a browser of its own shows a video, for one that plays in a frame."""
    address = embeddable(url)
    if address.startswith("https://www.youtube-nocookie.com/embed/"):
        return f"https://www.youtube.com/watch?v={address.rpartition('/')[2]}"
    return url.strip()


def watchable_from(url: str, second: int) -> str:
    """The address at which a browser shows a video from that second on.

    YouTube reads `t`; other players and files read the time as a media fragment
    (W3C Media Fragments URI 1.0, 4.2.1).
    """
    address = watchable(url)
    if address.startswith("https://www.youtube.com/watch?"):
        return f"{address}&t={second}s"
    return f"{address.partition('#')[0]}#t={second}s"


def allowed(more: tuple[str, ...]) -> tuple[str, ...]:
    """All players that may stand in our pages, with those that the settings add."""
    return PLAYERS + tuple(origin(url) for url in more)
