"""Keep who is to come in the place of one who delegates

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("delegated_to", sa.String(), server_default="", nullable=False)
    op.add_column("calendar_replies", column)


def downgrade() -> None:
    op.drop_column("calendar_replies", "delegated_to")
