"""Find the answers of calendars that staff are to read

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    odd = sa.text("state = 'odd'")
    op.create_index(
        "ix_calendar_replies_odd",
        "calendar_replies",
        ["rsvp_id"],
        sqlite_where=odd,
        postgresql_where=odd,
    )


def downgrade() -> None:
    op.drop_index("ix_calendar_replies_odd", "calendar_replies")
