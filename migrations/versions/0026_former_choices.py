"""The choices that a question offered once, by which those who made them are found

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_QUESTIONS = sa.table(
    "questions",
    sa.column("id", sa.Integer),
    sa.column("choices", _JSON),
    sa.column("former_choices", _JSON),
)
_ANSWERS = sa.table(
    "answers", sa.column("question_id", sa.Integer), sa.column("choices", _JSON)
)


def upgrade() -> None:
    op.add_column(
        "questions", sa.Column("former_choices", _JSON, nullable=False, server_default="[]")
    )
    connection = op.get_bind()
    # Each answer has kept what was offered then.
    then = connection.execute(sa.select(_ANSWERS.c.question_id, _ANSWERS.c.choices).distinct())
    seen: dict[int, dict[str, None]] = {}
    for question_id, choices in then:
        seen.setdefault(question_id, {}).update(dict.fromkeys(choices))
    for question_id, offered in connection.execute(
        sa.select(_QUESTIONS.c.id, _QUESTIONS.c.choices)
    ).all():
        gone = [choice for choice in seen.get(question_id, ()) if choice not in offered]
        if gone:
            connection.execute(
                _QUESTIONS.update()
                .where(_QUESTIONS.c.id == question_id)
                .values(former_choices=gone)
            )


def downgrade() -> None:
    op.drop_column("questions", "former_choices")
