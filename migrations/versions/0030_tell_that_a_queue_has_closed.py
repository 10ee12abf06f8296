"""Tell who waits that the queue has closed

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

ROUNDS = ["day", "hour", "speakers", "follow_up"]
MAILS = [
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
    "opened",
]


def upgrade() -> None:
    _allow("reminder_rounds", "roundkind", [*ROUNDS, "queue_closed"])
    _allow("outbox", "mailkind", [*MAILS, "queue_closed"])


def downgrade() -> None:
    for table in ("reminder_rounds", "outbox"):
        op.execute(f"DELETE FROM {table} WHERE kind = 'queue_closed'")
    _allow("reminder_rounds", "roundkind", ROUNDS)
    _allow("outbox", "mailkind", MAILS)


def _allow(name: str, kind: str, values: list[str]) -> None:
    """Let a table have these kinds and no others."""
    with op.batch_alter_table(name) as table:
        constraint = table.f(f"ck_{name}_{kind}")
        table.drop_constraint(constraint, type_="check")
        allowed = ", ".join(f"'{value}'" for value in values)
        table.create_check_constraint(constraint, f"kind IN ({allowed})")
