"""Which players may stand in our pages, and the address at which a video plays in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

_YOUTUBE = re.compile(r"/(?:embed/|live/|shorts/|v/)?([\w-]{11})/?", re.ASCII)
_VIDEO = re.compile(r"[\w-]{11}", re.ASCII)
#: What stands where a video's name does in addresses of YouTube's that play something else.
_NO_VIDEOS = ("live_stream", "videoseries")
_CHANNEL = re.compile(r"UC[\w-]{22}", re.ASCII)
_VIMEO = re.compile(r"/(?:video/)?([0-9]+)(?:/([0-9a-f]+))?/?")
_VIMEO_SECRET = re.compile(r"[0-9a-f]+")
_VIMEO_EVENT = re.compile(r"/event/([0-9]+)(?:/embed)?(/[0-9a-f]+)?/?")
_TWITCH = re.compile(r"\w{1,25}", re.ASCII)
_BUNNY = re.compile(r"/(?:embed|play)/([0-9]+)/([0-9a-f-]{36})/?")
_BUNNY_LEAVE = {"token": re.compile(r"[0-9a-f]+"), "expires": re.compile(r"[0-9]+")}
_CHAOS = re.compile(r"/v/([\w-][\w.-]*)(?:/oembed)?/?", re.ASCII)


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def frame(url: str, *, host: str, more: tuple[str, ...] = ()) -> str:
    """The address that plays in a frame of ours; empty for what is opened by a link.

    It is put together from what names a video, and from nothing else of what was pasted. An
    address at one of `more`, the players that the settings add, is taken as it is. `host` is
    ours; Twitch asks for it.
    """
    if origin(url) in map(origin, more):
        return url.strip()
    return _playing(url, host)


def _playing(url: str, host: str) -> str:
    """That of a player we know, for the addresses that people copy from its site; else empty."""
    parts = urlsplit(url.strip())
    site = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if site in ("youtube.com", "youtu.be", "youtube-nocookie.com"):
        return _youtube(parts.path, asked)
    if site in ("vimeo.com", "player.vimeo.com"):
        return _vimeo(parts.path, asked)
    if site in ("twitch.tv", "player.twitch.tv"):
        channel = asked.get("channel", "") if site != "twitch.tv" else parts.path.strip("/")
        if _TWITCH.fullmatch(channel):
            return f"https://player.twitch.tv/?{urlencode({'channel': channel, 'parent': host})}"
    if site == "iframe.mediadelivery.net" and (named := _BUNNY.fullmatch(parts.path)):
        leave = {name: asked[name] for name, form in _BUNNY_LEAVE.items()
                 if form.fullmatch(asked.get(name, ""))}  # fmt: skip
        return f"https://{site}/embed/{named[1]}/{named[2]}{'?' if leave else ''}{urlencode(leave)}"
    if site == "media.ccc.de" and (named := _CHAOS.fullmatch(parts.path)):
        return f"https://media.ccc.de/v/{named[1]}/oembed"
    return ""


def _youtube(path: str, asked: Mapping[str, str]) -> str:
    frames = "https://www.youtube-nocookie.com/embed"
    named = _YOUTUBE.fullmatch(path)
    video = asked["v"] if path == "/watch" and "v" in asked else (named[1] if named else "")
    if video == "live_stream" and _CHANNEL.fullmatch(asked.get("channel", "")):
        return f"{frames}/live_stream?channel={asked['channel']}"
    return f"{frames}/{video}" if _VIDEO.fullmatch(video) and video not in _NO_VIDEOS else ""


def _vimeo(path: str, asked: Mapping[str, str]) -> str:
    if named := _VIMEO_EVENT.fullmatch(path):
        return f"https://vimeo.com/event/{named[1]}/embed{named[2] or ''}"
    if named := _VIMEO.fullmatch(path):
        secret = named[2] or asked.get("h", "")
        private = f"?h={secret}" if _VIMEO_SECRET.fullmatch(secret) else ""
        return f"https://player.vimeo.com/video/{named[1]}{private}"
    return ""


def watchable(url: str) -> str:
    """The address at which a browser of its own shows a video, for one that plays in a frame."""
    video = _playing(url, host="").removeprefix("https://www.youtube-nocookie.com/embed/")
    if _VIDEO.fullmatch(video):
        return f"https://www.youtube.com/watch?v={video}"
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
