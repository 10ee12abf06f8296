"""Tell the address before that mails go to another one

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"
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
    "invitation_reminder",
    "mailing",
    "speaker_invitation",
    "speaker_changed",
    "speaker_cancelled",
    "speaker_reminder",
    "staff",
]


def upgrade() -> None:
    _allow([*KINDS, "readdressed"])


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind = 'readdressed'")
    _allow(KINDS)


def _allow(kinds: list[str]) -> None:
    """Let the outbox have these kinds and no others."""
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(table.f("ck_outbox_mailkind"), type_="check")
        allowed = ", ".join(f"'{kind}'" for kind in kinds)
        table.create_check_constraint(table.f("ck_outbox_mailkind"), f"kind IN ({allowed})")
