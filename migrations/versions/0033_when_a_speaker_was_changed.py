"""Note when a speaker was changed, instead of how often

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

from registration.database import UTCDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("speakers", sa.Column("updated_at", UTCDateTime(), nullable=True))
    op.execute("UPDATE speakers SET updated_at = coalesce(answered_at, invited_at)")
    op.drop_column("speakers", "revision")


def downgrade() -> None:
    op.add_column(
        "speakers", sa.Column("revision", sa.Integer(), server_default="0", nullable=False)
    )
    op.drop_column("speakers", "updated_at")
