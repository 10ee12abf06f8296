"""Erase the speakers of events whose data was erased without them

The worker takes each erasure up where it ended: nothing is left of it but the people on the
programme.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE erasures SET ended_at = NULL")


def downgrade() -> None:
    """What is erased cannot come back."""
