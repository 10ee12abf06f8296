"""Many rows by one statement: they travel to the database as one JSON document.

A lock that is held meanwhile is held for as long as the database needs, not for as long as Python
takes to write rows one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    String,
    Table,
    cast,
    column,
    func,
    insert,
    literal,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql import select
from sqlalchemy.types import TypeEngine

from registration.database import db


def write(
    model: type[DeclarativeBase],
    rows: Sequence[Mapping[str, Any]],
    *,
    same: Mapping[str, Any],
    returning: Sequence[str] = (),
) -> Sequence[Row[Any]]:
    """Insert these rows into the table of `model`, in the caller's transaction.

    Each row has the same columns, with values that JSON knows; `same` are those that are equal in
    all rows, of any type. Columns of neither get the model's default. Returns the columns named
    in `returning`, in no order.
    """
    table = model.__table__
    assert isinstance(table, Table)
    if not rows:
        return []
    fixed = _defaults(table, {*rows[0], *same}) | dict(same)
    names = list(rows[0])
    source, varying = _unpacked(table, rows, names)
    constants = [literal(value, table.c[name].type) for name, value in fixed.items()]
    statement = insert(table).from_select(
        [*names, *fixed], select(*varying, *constants).select_from(source), include_defaults=False
    )
    if not returning:
        db.session.execute(statement)
        return []
    return db.session.execute(statement.returning(*(table.c[name] for name in returning))).all()


def _defaults(table: Table, given: set[str]) -> dict[str, Any]:
    """What the model says for the columns that were not given."""
    found = {}
    for known in table.columns:
        default = known.default
        if default is None or known.name in given:
            continue
        if default.is_scalar:
            found[known.name] = default.arg  # type: ignore[attr-defined]
        elif default.is_callable:
            found[known.name] = default.arg(None)  # type: ignore[attr-defined]
    return found


def _unpacked(
    table: Table, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """The document as a table: what to select from, and an expression for each column."""
    document = literal(json.dumps(list(rows), ensure_ascii=False), String)
    if db.session.get_bind().dialect.name == "sqlite":
        listed = func.json_each(document).table_valued("value", name="list")
        return listed, [func.json_extract(listed.c.value, f"$.{name}") for name in names]
    record = (
        func.jsonb_to_recordset(cast(document, JSONB))
        .table_valued(*(column(name, _plain(table.c[name].type)) for name in names), name="list")
        .render_derived(with_types=True)
    )
    return record, [record.c[name] for name in names]


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type that a value of a column has in the document."""
    for plain in (Boolean, Integer):
        if isinstance(kind, plain):
            return plain()
    return JSONB() if isinstance(kind, JSON) else String()
