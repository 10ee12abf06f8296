"""Since when a mail could not go: what was written while no worker ran is not given up at once

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

from registration.database import UTCDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("failing_since", UTCDateTime(), nullable=True))
    # What fails by now was tried soon after it was written.
    op.execute(
        "UPDATE outbox SET failing_since = created_at"
        " WHERE state = 'waiting' AND last_error <> ''"
    )


def downgrade() -> None:
    op.drop_column("outbox", "failing_since")
