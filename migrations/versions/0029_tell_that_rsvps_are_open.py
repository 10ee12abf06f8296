"""Tell who asked that RSVPs are open

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

from registration.database import UTCDateTime

revision = "0029"
down_revision = "0028"
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
    "readdressed",
    "event_changed",
    "event_cancelled",
    "reminder",
    "follow_up",
    "links",
    "invitation",
    "invitation_reminder",
    "mailing",
    "speaker_invitation",
    "speaker_changed",
    "speaker_cancelled",
    "speaker_reminder",
    "staff",
]


def upgrade() -> None:
    _allow([*KINDS, "opened"])
    op.create_table(
        "opening_reminders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "email = lower(email)", name=op.f("ck_opening_reminders_email_lowercase")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_opening_reminders_event_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_reminders")),
        sa.UniqueConstraint("event_id", "email", name=op.f("uq_opening_reminders_event_id_email")),
    )


def downgrade() -> None:
    op.drop_table("opening_reminders")
    op.execute("DELETE FROM outbox WHERE kind = 'opened'")
    _allow(KINDS)


def _allow(kinds: list[str]) -> None:
    """Let the outbox have these kinds and no others."""
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(table.f("ck_outbox_mailkind"), type_="check")
        allowed = ", ".join(f"'{kind}'" for kind in kinds)
        table.create_check_constraint(table.f("ck_outbox_mailkind"), f"kind IN ({allowed})")
