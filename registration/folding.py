"""Text as it is compared: without case and accents; and the words in it by which one searches."""

from __future__ import annotations

import re
import unicodedata

from registration.composing import decomposed

# What stands between words, in any script: a mark on a letter does not.
_BETWEEN = re.compile(
    "[\\s!-/:-@\\[-`{-\u00bf\u00d7\u00f7\u02b9-\u02bc\u05be\u05f3\u05f4\u060c\u061b\u0964"
    "\u2000-\u206f\u3000-\u3020\u30fb\uff01-\uff0f\uff1a-\uff20]+"
)
# Left out rather than read as a gap by one who types: "O'Brien" is one word, "U.N." too.
_WITHIN = re.compile("['`.&\u02b9-\u02bc\u2018\u2019]+")
# Written without gaps: a given name begins in the middle.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]{2,8}")
# Letters that Unicode does not take for one with an accent, and people type as if they were.
_PLAIN = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae",
        "œ": "oe", "þ": "th", "ŋ": "n", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ə": "e",
        "ɛ": "e", "ɔ": "o",
    }
)  # fmt: skip


def folded(text: str) -> str:
    """ "Élodie" is "elodie", "STRASSE" and "Straße" are "strasse", "Łucja" is "lucja"."""
    if text.isascii():
        return text.lower()
    apart = decomposed(text.casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return bare.translate(_PLAIN)


def folded_lines(*texts: str | None) -> str:
    """Texts as they are searched, one a line: none of them is found in part of another."""
    return folded("\n".join(text or "" for text in texts))


def words_in(text: str) -> set[str]:
    """The words by which a text is found: the parts of a compound, and the whole of it.

    "Étienne-Baptiste" has three; "ada.l@example.org" has ada, adal and exampleorg.
    """
    found: set[str] = set()
    for chunk in folded(text).split():
        mailbox, _, domain = chunk.partition("@")
        parts = [part for part in _BETWEEN.split(mailbox) if part]
        found.update(part for part in parts if len(part) > 1 or len(parts) == 1)
        found.update(("".join(parts), _joined(domain)))
    found.discard("")
    for word in [word for word in found if _UNSPACED.fullmatch(word)]:
        found.update(word[at:] for at in range(1, len(word)))
    return found


def words_typed(text: str) -> list[str]:
    """What somebody looks for: beginnings of words that `words_in` would give, six at most."""
    typed: list[str] = []
    for chunk in folded(text).split():
        mailbox, at, domain = chunk.partition("@")
        if at:
            typed.extend((_joined(mailbox), _joined(domain)))
        else:
            typed.extend(_BETWEEN.split(_WITHIN.sub("", chunk)))
    return [word for word in typed if word][:6]


def _joined(text: str) -> str:
    return _BETWEEN.sub("", text)
