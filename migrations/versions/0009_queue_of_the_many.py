"""Queue of the many

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ALONE = "state = 'waiting' AND mailing_id IS NULL AND announcement_id IS NULL"
_MANY = "state = 'waiting' AND (mailing_id IS NOT NULL OR announcement_id IS NOT NULL)"
_ALONE_BEFORE = "state = 'waiting' AND mailing_id IS NULL"
_MANY_BEFORE = "state = 'waiting' AND mailing_id IS NOT NULL"


def _index(name: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(
        name, "outbox", ["due_at", "id"], unique=False, sqlite_where=where, postgresql_where=where
    )


def upgrade() -> None:
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_index("ix_outbox_due_mailings", table_name="outbox")
    _index("ix_outbox_due", _ALONE)
    _index("ix_outbox_due_many", _MANY)


def downgrade() -> None:
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_index("ix_outbox_due_many", table_name="outbox")
    _index("ix_outbox_due", _ALONE_BEFORE)
    _index("ix_outbox_due_mailings", _MANY_BEFORE)
