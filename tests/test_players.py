"""Addresses of videos, as people copy them."""

from __future__ import annotations

import pytest

from registration import players

YOUTUBE = "https://www.youtube-nocookie.com/embed/"
BUNNY = "https://iframe.mediadelivery.net/embed/12/0a1b2c3d-0000-4000-8000-0123456789ab"


@pytest.mark.parametrize(
    ("pasted", "plays"),
    [
        ("https://www.youtube.com/watch?v=abcdefghijk&list=x", f"{YOUTUBE}abcdefghijk"),
        ("https://youtu.be/abcdefghijk?si=x", f"{YOUTUBE}abcdefghijk"),
        ("https://youtube.com/live/abcdefghijk", f"{YOUTUBE}abcdefghijk"),
        (f"{YOUTUBE}abcdefghijk?autoplay=1&origin=x", f"{YOUTUBE}abcdefghijk"),
        (
            f"{YOUTUBE}live_stream?channel=UC{'a' * 22}",
            f"{YOUTUBE}live_stream?channel=UC{'a' * 22}",
        ),
        ("https://player.vimeo.com/video/12?h=0a1&x=y", "https://player.vimeo.com/video/12?h=0a1"),
        ("https://vimeo.com/123456", "https://player.vimeo.com/video/123456"),
        ("https://vimeo.com/123456/0a1b2c", "https://player.vimeo.com/video/123456?h=0a1b2c"),
        ("https://vimeo.com/event/987", "https://vimeo.com/event/987/embed"),
        ("https://vimeo.com/event/1/embed/0a", "https://vimeo.com/event/1/embed/0a"),
        (
            "https://www.twitch.tv/institute",
            "https://player.twitch.tv/?channel=institute&parent=events.example.org",
        ),
        (
            "https://player.twitch.tv/?channel=institute&parent=elsewhere.example",
            "https://player.twitch.tv/?channel=institute&parent=events.example.org",
        ),
        (f"https://youtu.be/abcdefghijk?channel=UC{'a' * 22}", f"{YOUTUBE}abcdefghijk"),
        (f"{BUNNY}?token=0a&expires=1&x=y", f"{BUNNY}?token=0a&expires=1"),
        (f"{BUNNY}?token=a/b", BUNNY),
        ("https://media.ccc.de/v/38c3-talk.1", "https://media.ccc.de/v/38c3-talk.1/oembed"),
        ("https://live.example.org/hall?a=b", "https://live.example.org/hall?a=b"),
        ("https://Live.Example.org/Hall", "https://Live.Example.org/Hall"),
    ],
)
def test_a_frame_s_address_is_made_of_what_names_the_video(pasted: str, plays: str):
    told = {"host": "events.example.org", "more": ("https://live.example.org/",)}
    assert players.frame(f" {pasted} ", **told) == plays
    assert players.frame(plays, **told) == plays


@pytest.mark.parametrize(
    "pasted",
    [
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=../../redirect?q=x",
        "https://www.youtube.com/watch?v=abcdefghijk%0A",
        "https://www.youtube.com/watch?v=abcdefghijkl",
        "https://www.youtube.com/watch?v=äbcdefghijk",
        "https://www.youtube.com/redirect?v=abcdefghijk&q=x",
        "https://www.youtube.com/embed/live_stream",
        "https://www.youtube.com/embed/live_stream?channel=x",
        "https://www.youtube.com/embed/videoseries?list=x",
        "https://www.youtube-nocookie.com/anything",
        "https://youtube.com.evil.example/watch?v=abcdefghijk",
        "https://vimeo.com/１２３",
        "https://vimeo.com/log_in",
        "https://player.vimeo.com/anything",
        "https://player.twitch.tv/?channel=a/b",
        "https://www.twitch.tv/a/b",
        "https://iframe.mediadelivery.net/anything",
        "https://media.ccc.de/v/..",
        BUNNY.replace("iframe.mediadelivery.net", "evil.example"),
        "https://evil.example/v/38c3-talk.1",
        "https://live.example.org@evil.example/hall",
        "https://example.zoom.us/j/123?pwd=x",
    ],
)
def test_what_names_no_video_is_in_no_frame(pasted: str):
    assert not players.frame(pasted, host="events.example.org", more=("https://live.example.org",))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://www.youtube-nocookie.com/embed/abcdefghijk",
            "https://www.youtube.com/watch?v=abcdefghijk&t=75s",
        ),
        ("https://youtu.be/abcdefghijk", "https://www.youtube.com/watch?v=abcdefghijk&t=75s"),
        ("https://vimeo.com/12345", "https://vimeo.com/12345#t=75s"),
        ("https://example.org/talk.mp4?x=1#old", "https://example.org/talk.mp4?x=1#t=75s"),
    ],
)
def test_a_chapter_begins_at_its_second_in_every_player(url: str, shown: str):
    assert players.watchable_from(f" {url} ", 75) == shown
