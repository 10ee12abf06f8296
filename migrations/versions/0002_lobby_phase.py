"""The lobby's phase, and who came in last

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_attendees_checked_in",
        "attendees",
        ["checked_in_at"],
        sqlite_where=sa.text("checked_in_at IS NOT NULL"),
        postgresql_where=sa.text("checked_in_at IS NOT NULL"),
    )
    # In SQL of our own, since a batch would copy the table on SQLite, and dropping the old one
    # takes all that refers to it along.
    op.execute(
        "ALTER TABLE events ADD COLUMN lobby_phase VARCHAR(20) DEFAULT 'scheduled' NOT NULL"
        " CONSTRAINT ck_events_lobbyphase"
        " CHECK (lobby_phase IN ('scheduled', 'open', 'live', 'ended'))"
    )
    op.add_column("events", sa.Column("lobby_note", sa.String(), server_default="", nullable=False))
    op.add_column(
        "events", sa.Column("lobby_revision", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("events", "lobby_revision")
    op.drop_column("events", "lobby_note")
    op.drop_column("events", "lobby_phase")
    op.drop_index("ix_attendees_checked_in", "attendees")
