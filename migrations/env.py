"""Alembic's environment: our metadata, the application's engine."""

import sqlalchemy as sa
from alembic import context
from flask import current_app
from flask_security import AsaList

# Importing the models registers their tables.
from registration import models  # noqa: F401
from registration.database import Base, UTCDateTime, db


def _render_type(kind: str, thing: object, autogen: object) -> str | bool:
    """Write our column types by their names; the template imports them."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "UTCDateTime()"
    if kind == "type" and isinstance(thing, sa.JSON):
        return "JSON_DOCUMENT"
    if kind == "type" and isinstance(thing, AsaList):
        return "sa.UnicodeText()"
    return False


def _run() -> None:
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_item=_render_type,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


_run()
