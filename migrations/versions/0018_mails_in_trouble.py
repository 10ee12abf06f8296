"""Find the mails that have failed to go without reading all that wait

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    failing = sa.text("last_error <> ''")
    op.create_index(
        "ix_outbox_failing",
        "outbox",
        ["state", "created_at"],
        sqlite_where=failing,
        postgresql_where=failing,
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_failing", table_name="outbox")
