"""Rows that are written past the session's unit of work, at a third of what that costs.

The unit of work sorts whatever may depend on whatever. Who answers an event writes five rows whose
order is known. Listeners of the mapper hear nothing of rows that are written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Insert, Table, Update, bindparam, insert, inspect, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached

from registration.database import Base, db, execute_rows


def write_rows(model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Write rows that nobody reads as objects in this transaction.

    What they point to is written already. Left out columns have the model's defaults.
    """
    execute_rows(_insert_into(model), rows)


def insert_unless_there(model: type[Base]) -> Insert:
    """An INSERT that passes over rows that a unique constraint refuses."""
    if db.engine.dialect.name == "postgresql":
        return postgresql.insert(model).on_conflict_do_nothing()
    return sqlite.insert(model).on_conflict_do_nothing()


def write_new(row: Base) -> None:
    """Write a new object at once.

    It has its number then, and in each column that nobody set the model's default. It is in no
    session, which could not forget it if the transaction failed: `adopt` it afterwards.
    """
    values = vars(row)
    said = {
        name: values.setdefault(name, default) for name, default in _defaults(type(row)).items()
    }
    written = db.session.connection().execute(_insert_one(type(row)), said)
    values["id"] = written.inserted_primary_key[0]  # type: ignore[index]


def adopt(row: Base) -> None:
    """Put an object that `write_new` has written, and that is committed, into the session."""
    make_transient_to_detached(row)
    db.session.add(row)


def write_changes(row: Base) -> None:
    """Write what was changed in the columns of an object; `rows_last` puts it off.

    The session reads the row anew if anybody asks for it afterwards.
    """
    names = sorted(inspect(row).committed_state.keys() & _defaults(type(row)).keys())
    if names:
        values = vars(row)
        changed = {name: values[name] for name in names}
        execute_rows(_update_of(type(row), tuple(names)), [changed | {"number": values["id"]}])
        db.session.expire(row)


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


@cache
def _insert_into(model: type[Base]) -> Insert:
    # Inline: nobody asks for the numbers that the rows get.
    return insert(_table(model)).inline()


@cache
def _insert_one(model: type[Base]) -> Insert:
    return insert(_table(model))


@cache
def _update_of(model: type[Base], names: Sequence[str]) -> Update:
    table = _table(model)
    return (
        update(table)
        .where(table.c.id == bindparam("number"))
        .values({name: bindparam(name) for name in names})
    )


@cache
def _defaults(model: type[Base]) -> dict[str, Any]:
    """The columns but the number, each with what it has where nobody says anything."""
    return {
        column.name: column.default.arg if column.default is not None else None  # type: ignore[attr-defined]
        for column in _table(model).columns
        if not column.primary_key
    }
