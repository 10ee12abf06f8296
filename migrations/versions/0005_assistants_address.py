"""Find RSVPs by the address of who answered for somebody else

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("booked_by_email <> ''")
    op.create_index(
        "ix_rsvps_booked_by_email",
        "rsvps",
        ["booked_by_email"],
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    op.drop_index("ix_rsvps_booked_by_email", "rsvps")
