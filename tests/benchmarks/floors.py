"""What the machine can do at most: a page that is a constant, and two rows that are committed.

The same web server, engine settings and kind of rows as the product, and nothing else.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from registration.database import UTCDateTime, engine_options


class Base(DeclarativeBase):
    """Tables of the floor only."""

    metadata = MetaData()
    type_annotation_map = {datetime: UTCDateTime()}


db = SQLAlchemy(metadata=Base.metadata)


class Parent(Base):
    """About as wide as an RSVP."""

    __tablename__ = "floor_parents"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    organisation: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class Child(Base):
    """About as wide as an attendee."""

    __tablename__ = "floor_children"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("floor_parents.id"))
    name: Mapped[str]
    code: Mapped[str] = mapped_column(unique=True)


def create_app() -> Flask:
    """The application of the floors, on DATABASE_URL."""
    app = Flask(__name__)
    url = os.environ["DATABASE_URL"]
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url))
    db.init_app(app)
    with app.app_context():
        db.create_all()
        db.engine.dispose()

    @app.get("/constant")
    def constant() -> str:
        return "<!doctype html><title>A page</title><p>" + "x" * 8000

    @app.post("/insert")
    def insert() -> tuple[str, int]:
        form = request.form
        db.session.connection(execution_options={"writing": True})
        parent = Parent(
            email=form["email"],
            name=form["name"],
            organisation=form["organisation"],
            key=secrets.token_urlsafe(24),
            created_at=datetime.now(UTC),
        )
        db.session.add(parent)
        db.session.flush()
        db.session.add(Child(parent_id=parent.id, name=form["name"], code=secrets.token_hex(8)))
        db.session.commit()
        return "", 204

    return app
