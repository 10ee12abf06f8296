"""Count who is in

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from registration.database import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doors",
        sa.Column("event_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inside", sa.Integer(), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("inside >= 0", name=op.f("ck_doors_inside_not_negative")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_doors_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_doors")),
    )
    op.execute(
        "INSERT INTO doors (event_id, inside, last_at)"
        " SELECT rsvps.event_id, count(*), max(attendees.checked_in_at)"
        " FROM attendees JOIN rsvps ON rsvps.id = attendees.rsvp_id"
        " WHERE attendees.checked_in_at IS NOT NULL GROUP BY rsvps.event_id"
    )


def downgrade() -> None:
    op.drop_table("doors")
