"""Find an address of an event

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_rsvps_email", table_name="rsvps")
    op.create_index("ix_rsvps_email", "rsvps", ["email", "event_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_rsvps_email", table_name="rsvps")
    op.create_index("ix_rsvps_email", "rsvps", ["email"], unique=False)
