"""Text as it is compared: without case and accents."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """ "Élodie" is "elodie", "STRASSE" and "Straße" are "strasse"."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
