"""What is searched of invitations, without case and accents

Revision ID: 0025
Revises: 0024
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_PLAIN = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe",
    "þ": "th", "ŋ": "n", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ə": "e", "ɛ": "e", "ɔ": "o",
}  # fmt: skip
_LETTERS = str.maketrans(_PLAIN)


def upgrade() -> None:
    op.add_column(
        "invitations", sa.Column("search_text", sa.String(), nullable=False, server_default="")
    )
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT id, name, email, organisation FROM invitations WHERE key NOT LIKE 'erased/%'")
    ).all()
    if rows:
        connection.execute(
            sa.text("UPDATE invitations SET search_text = :said WHERE id = :id"),
            [{"id": id_, "said": _folded("\n".join(said))} for id_, *said in rows],
        )


def downgrade() -> None:
    op.drop_column("invitations", "search_text")


def _folded(said: str) -> str:
    apart = unicodedata.normalize("NFKD", said.casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return bare.translate(_LETTERS)[:500]
