"""Who is meant by what somebody types: the search of the door, and of the staff's list.

Words are looked up by their beginnings in an index (SearchWord), so that an event of a hundred
thousand is searched as fast as one of a hundred.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, intersect, select

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
    chunks = folded(typed).split()[:6]
    anywhere = [Rsvp.search_text.contains(chunk, autoescape=True) for chunk in chunks]
    return and_(Rsvp.event_id == event_id, *anywhere) if anywhere else None


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
