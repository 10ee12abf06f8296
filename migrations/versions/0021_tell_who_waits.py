"""Note for those without an entry in a calendar how the event was when they came

From now on they hear of changes too: of those since then, and of none before.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE rsvps SET told_edition = (SELECT max(number) FROM event_editions"
        " WHERE event_editions.event_id = rsvps.event_id"
        " AND event_editions.created_at <= rsvps.created_at)"
        " WHERE told_edition IS NULL AND ical_sequence < 0"
        " AND status IN ('pending', 'waitlisted', 'confirmed')"
    )


def downgrade() -> None:
    """Without an entry nobody was told of changes, and the column was not read."""
