"""Keep the time that a counter-proposal would have

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

from registration.database import UTCDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NAMES = ("proposed_starts_at", "proposed_ends_at")


def upgrade() -> None:
    for name in NAMES:
        op.add_column("calendar_replies", sa.Column(name, UTCDateTime(), nullable=True))


def downgrade() -> None:
    for name in NAMES:
        op.drop_column("calendar_replies", name)
