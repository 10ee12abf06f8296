"""Scheduled mailings

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow("draft", "scheduled", "released", "stopped")
    op.create_index(
        "ix_mailings_scheduled",
        "mailings",
        ["due_at"],
        sqlite_where=sa.text("state = 'scheduled'"),
        postgresql_where=sa.text("state = 'scheduled'"),
    )


def downgrade() -> None:
    op.drop_index("ix_mailings_scheduled", "mailings")
    op.execute("UPDATE mailings SET state = 'draft', due_at = NULL WHERE state = 'scheduled'")
    _allow("draft", "released", "stopped")


def _allow(*states: str) -> None:
    """Let the table have these states and no others."""
    with op.batch_alter_table("mailings") as table:
        table.drop_constraint(table.f("ck_mailings_mailingstate"), type_="check")
        allowed = ", ".join(f"'{state}'" for state in states)
        table.create_check_constraint(
            table.f("ck_mailings_mailingstate"), f"state IN ({allowed})"
        )
