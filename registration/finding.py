"""Who is meant by what somebody types: the search of the door, and of the staff's list.

Words are looked up by their beginnings in an index (SearchWord), so that an event of a hundred
thousand is searched as fast as one of a hundred.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, intersect, select
from sqlalchemy.orm import InstrumentedAttribute

from registration.database import db
from registration.folding import folded, words_typed
from registration.models import Rsvp, SearchWord

# Above every sign that a word may hold.
_LAST = "\U0010ffff"


def condition(event_id: int, typed: str) -> ColumnElement[bool] | None:
    """The condition on Rsvp that it is of the event, and that all that was typed is found in it.

    Each word typed begins a word of theirs or of a guest's name; where there is nobody, it stands
    anywhere: "kowski" finds a Lewandowski. None if nothing was typed.
    """
    words = words_typed(typed)
    if words:
        begun = _with_all(event_id, words)
        if db.session.scalar(begun.limit(1)) is not None:
            return Rsvp.id.in_(begun)
    # This one reads the whole event, for whoever typed what nobody's words begin with.
    parts = anywhere(Rsvp.search_text, typed)
    return and_(Rsvp.event_id == event_id, *parts) if parts else None


def anywhere(said: InstrumentedAttribute[str], typed: str) -> list[ColumnElement[bool]]:
    """The conditions that each word typed stands anywhere in a text that is kept for searching."""
    return [said.contains(word, autoescape=True) for word in folded(typed).split()[:6]]


def _with_all(event_id: int, words: list[str]) -> Select[int] | CompoundSelect[tuple[int]]:
    found = [
        select(SearchWord.rsvp_id).where(
            SearchWord.event_id == event_id,
            SearchWord.word >= word,
            SearchWord.word < word + _LAST,
        )
        for word in words
    ]
    return found[0] if len(found) == 1 else intersect(*found)
