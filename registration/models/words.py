"""The words by which people are found: written with the rows that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, String, event, inspect, text
from sqlalchemy.orm import Mapped, mapped_column

from registration.database import Base, execute_rows
from registration.folding import words_in
from registration.models.rsvps import Attendee, Rsvp
from registration.writing import write_new


class SearchWord(Base):
    """A word of an RSVP, without case and accents; the primary key is the index that is searched.

    Position 0 has the words of who answered (name, address, organisation), each other one those
    of a guest's name. Whatever writes an Rsvp or an Attendee through the session writes them too;
    who inserts rows past it calls `write_words` or `write_guest_words`. There is no foreign key,
    which would cost as much as the words: one whose RSVP is gone finds nobody.
    """

    __tablename__ = "search_words"
    __table_args__ = ({"sqlite_with_rowid": False},)

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Compared sign by sign: words with one beginning lie together.
    word: Mapped[str] = mapped_column(
        String().with_variant(String(collation="C"), "postgresql"), primary_key=True
    )
    rsvp_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


_WRITE = text(
    "INSERT INTO search_words (event_id, word, rsvp_id, position)"
    " VALUES (:event_id, :word, :rsvp_id, :position) ON CONFLICT DO NOTHING"
)
_FORGET_ALL = text(
    "DELETE FROM search_words WHERE event_id = :event_id AND word = :word AND rsvp_id = :rsvp_id"
)
_FORGET = text(
    "DELETE FROM search_words WHERE event_id = :event_id AND word = :word"
    " AND rsvp_id = :rsvp_id AND position = :position"
)


def write_rsvp(rsvp: Rsvp) -> None:
    """Write a new RSVP and its words at once, as `write_new` does; it has its number then."""
    write_new(rsvp)
    execute_rows(_WRITE, _rows(rsvp.event_id, rsvp.id, 0, rsvp.search_text))


def write_words(connection: Connection, rsvps: Iterable[Any]) -> None:
    """Write the words of RSVPs, objects or rows; without those of their guests."""
    rows = [row for rsvp in rsvps for row in _rows(rsvp.event_id, rsvp.id, 0, rsvp.search_text)]
    _run(connection, _WRITE, rows)


def write_guest_words(connection: Connection, rsvp: Rsvp, names: Sequence[str]) -> None:
    """Write the words of the guests of a new RSVP."""
    rows = [
        row
        for position, name in enumerate(names, start=1)
        for row in _rows(rsvp.event_id, rsvp.id, position, name)
    ]
    _run(connection, _WRITE, rows)


def forget_words(connection: Connection, event_id: int, said: Mapping[int, Iterable[str]]) -> None:
    """Forget the words of RSVPs of an event and of their guests: all their texts, by RSVP."""
    rows = [
        {"event_id": event_id, "word": word, "rsvp_id": rsvp_id}
        for rsvp_id, texts in said.items()
        for word in set().union(*map(words_in, texts))
    ]
    _run(connection, _FORGET_ALL, rows)


def _rows(event_id: int, rsvp_id: int, position: int, said: str | None) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "word": word, "rsvp_id": rsvp_id, "position": position}
        for word in words_in(said or "")
    ]


def _run(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


@event.listens_for(Rsvp, "after_insert")
def _rsvp_came(_mapper: Any, connection: Connection, rsvp: Rsvp) -> None:
    write_words(connection, [rsvp])


@event.listens_for(Rsvp, "after_update")
def _rsvp_changed(_mapper: Any, connection: Connection, rsvp: Rsvp) -> None:
    for before in inspect(rsvp).attrs.search_text.history.deleted or ():
        _run(connection, _FORGET, _rows(rsvp.event_id, rsvp.id, 0, before))
        write_words(connection, [rsvp])


@event.listens_for(Rsvp, "after_delete")
def _rsvp_went(_mapper: Any, connection: Connection, rsvp: Rsvp) -> None:
    _run(connection, _FORGET, _rows(rsvp.event_id, rsvp.id, 0, rsvp.search_text))


@event.listens_for(Attendee, "after_insert")
def _attendee_came(_mapper: Any, connection: Connection, person: Attendee) -> None:
    _run(connection, _WRITE, _guest_rows(connection, person, person.name))


@event.listens_for(Attendee, "after_update")
def _attendee_changed(_mapper: Any, connection: Connection, person: Attendee) -> None:
    for before in inspect(person).attrs.name.history.deleted or ():
        _run(connection, _FORGET, _guest_rows(connection, person, before))
        _run(connection, _WRITE, _guest_rows(connection, person, person.name))


@event.listens_for(Attendee, "after_delete")
def _attendee_went(_mapper: Any, connection: Connection, person: Attendee) -> None:
    _run(connection, _FORGET, _guest_rows(connection, person, person.name))


def _guest_rows(connection: Connection, person: Attendee, name: str) -> list[dict[str, Any]]:
    if not person.position:
        return []  # who answered: the words are the RSVP's
    of = text("SELECT event_id FROM rsvps WHERE id = :id")
    event_id = connection.scalar(of, {"id": person.rsvp_id})
    return _rows(event_id, person.rsvp_id, person.position, name) if event_id else []
