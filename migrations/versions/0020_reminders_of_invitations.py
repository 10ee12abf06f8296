"""Reminders of invitations

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from registration.database import UTCDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

KINDS = [
    "verify",
    "received",
    "confirmed",
    "waitlisted",
    "promoted",
    "changed",
    "cancelled",
    "rejected",
    "event_changed",
    "event_cancelled",
    "reminder",
    "follow_up",
    "links",
    "invitation",
    "mailing",
    "speaker_invitation",
    "speaker_changed",
    "speaker_cancelled",
    "speaker_reminder",
    "staff",
]


def upgrade() -> None:
    _allow([*KINDS, "invitation_reminder"])
    op.add_column("invitations", sa.Column("reminded_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("invitations") as table:
        table.drop_column("reminded_at")
    op.execute("DELETE FROM outbox WHERE kind = 'invitation_reminder'")
    _allow(KINDS)


def _allow(kinds: list[str]) -> None:
    """Let the outbox have these kinds and no others."""
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(table.f("ck_outbox_mailkind"), type_="check")
        allowed = ", ".join(f"'{kind}'" for kind in kinds)
        table.create_check_constraint(table.f("ck_outbox_mailkind"), f"kind IN ({allowed})")
