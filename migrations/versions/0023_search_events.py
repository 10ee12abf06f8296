"""What is searched of events, their people and publications, without case and accents

Revision ID: 0023
Revises: 0022
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_PLAIN = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe",
    "þ": "th", "ŋ": "n", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ə": "e", "ɛ": "e", "ɔ": "o",
}  # fmt: skip
_LETTERS = str.maketrans(_PLAIN)
_SEARCHED = {
    "events": ("title", "slug", "summary", "description", "venue_name", "hashtag"),
    "speakers": ("name", "affiliation"),
    "publications": ("title", "topics"),
}


def upgrade() -> None:
    connection = op.get_bind()
    for table, names in _SEARCHED.items():
        op.add_column(
            table, sa.Column("search_text", sa.String(), nullable=False, server_default="")
        )
        columns = [sa.column(name, sa.JSON() if name == "topics" else sa.String()) for name in names]
        rows = connection.execute(
            sa.select(sa.column("id"), *columns).select_from(sa.table(table))
        ).all()
        if rows:
            connection.execute(
                sa.text(f"UPDATE {table} SET search_text = :said WHERE id = :id"),  # noqa: S608
                [{"id": id_, "said": _folded(said)} for id_, *said in rows],
            )


def downgrade() -> None:
    for table in _SEARCHED:
        op.drop_column(table, "search_text")


def _folded(said: list[str | list[str] | None]) -> str:
    lines = [line for text in said for line in (text if isinstance(text, list) else [text or ""])]
    apart = unicodedata.normalize("NFKD", "\n".join(lines).casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).translate(_LETTERS)
