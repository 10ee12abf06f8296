"""Addresses of videos, as people copy them."""

from __future__ import annotations

import pytest

from registration import players


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
    assert players.watchable_from(url, 75) == shown
