"""Words to search

Revision ID: 0013
Revises: 0012
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BETWEEN = re.compile(
    "[\\s!-/:-@\\[-`{-\u00bf\u00d7\u00f7\u02b9-\u02bc\u05be\u05f3\u05f4\u060c\u061b\u0964"
    "\u2000-\u206f\u3000-\u3020\u30fb\uff01-\uff0f\uff1a-\uff20]+"
)
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]{2,8}")


def upgrade() -> None:
    words = op.create_table(
        "search_words",
        sa.Column("event_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "word",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("rsvp_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "event_id", "word", "rsvp_id", "position", name=op.f("pk_search_words")
        ),
        sqlite_with_rowid=False,
    )
    _fill(words)
    op.drop_index("ix_attendees_name", table_name="attendees")


def _fill(words: sa.Table) -> None:
    """Write the words of the RSVPs and guests that are there, some thousand at a time."""
    rsvps = sa.table(
        "rsvps", *(sa.column(name) for name in ("id", "event_id", "search_text"))
    )
    guests = sa.table(
        "attendees", *(sa.column(name) for name in ("id", "rsvp_id", "position", "name"))
    )
    answered = sa.select(
        rsvps.c.id, rsvps.c.event_id, rsvps.c.id.label("rsvp_id"), sa.literal(0).label("position"),
        rsvps.c.search_text.label("said"),
    )
    brought = sa.select(
        guests.c.id, rsvps.c.event_id, guests.c.rsvp_id, guests.c.position,
        guests.c.name.label("said"),
    ).join(rsvps, rsvps.c.id == guests.c.rsvp_id).where(guests.c.position > 0)
    connection = op.get_bind()
    for rows, key in ((answered, rsvps.c.id), (brought, guests.c.id)):
        last = 0
        while found := connection.execute(
            rows.where(key > last).order_by(key).limit(2000)
        ).all():
            last = found[-1].id
            made = [
                {"event_id": row.event_id, "word": word, "rsvp_id": row.rsvp_id,
                 "position": row.position}
                for row in found for word in _words_in(row.said)
            ]
            if made:
                connection.execute(sa.insert(words), made)


def _words_in(text: str) -> set[str]:
    found: set[str] = set()
    apart = unicodedata.normalize("NFKD", text.casefold())
    for chunk in "".join(sign for sign in apart if not unicodedata.combining(sign)).split():
        mailbox, _, domain = chunk.partition("@")
        parts = [part for part in _BETWEEN.split(mailbox) if part]
        found.update(part for part in parts if len(part) > 1 or len(parts) == 1)
        found.update(("".join(parts), _BETWEEN.sub("", domain)))
    found.discard("")
    for word in [word for word in found if _UNSPACED.fullmatch(word)]:
        found.update(word[at:] for at in range(1, len(word)))
    return found


def downgrade() -> None:
    op.create_index("ix_attendees_name", "attendees", ["name"], unique=False)
    op.drop_table("search_words")
