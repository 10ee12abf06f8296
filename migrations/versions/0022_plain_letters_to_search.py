"""Plain letters to search: those that are no letter with an accent are found as that letter too

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_PLAIN = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe",
    "þ": "th", "ŋ": "n", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ə": "e", "ɛ": "e", "ɔ": "o",
}  # fmt: skip
_LETTERS = str.maketrans(_PLAIN)
_WRITE = sa.text(
    "INSERT INTO search_words (event_id, word, rsvp_id, position)"
    " VALUES (:event_id, :plain, :rsvp_id, :position) ON CONFLICT DO NOTHING"
)
_FORGET = sa.text(
    "DELETE FROM search_words WHERE event_id = :event_id AND word = :word"
    " AND rsvp_id = :rsvp_id AND position = :position"
)


def upgrade() -> None:
    connection = op.get_bind()
    word = sa.column("word")
    found = connection.execute(
        sa.select(sa.column("event_id"), word, sa.column("rsvp_id"), sa.column("position"))
        .select_from(sa.table("search_words"))
        .where(_has_letters(word))
    ).mappings().all()  # fmt: skip
    if found:
        rows = [{**row, "plain": row["word"].translate(_LETTERS)} for row in found]
        connection.execute(_WRITE, rows)
        connection.execute(_FORGET, rows)
    search_text = sa.column("search_text")
    people = connection.execute(
        sa.select(sa.column("id"), search_text)
        .select_from(sa.table("rsvps"))
        .where(_has_letters(search_text))
    ).all()
    if people:
        connection.execute(
            sa.text("UPDATE rsvps SET search_text = :said WHERE id = :id"),
            [{"id": row.id, "said": row.search_text.translate(_LETTERS)} for row in people],
        )


def _has_letters(text: sa.ColumnClause) -> sa.ColumnElement[bool]:
    return sa.or_(*(text.like(f"%{letter}%") for letter in _PLAIN))


def downgrade() -> None:
    """What is found with a plain letter was found with the other one; neither can be told apart."""
