"""Forget what stood in the field of the address when a sign-in failed and was no account's

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE audit_entries SET detail = '{}' WHERE action = 'staff.sign_in_failed'"
        " AND detail ->> 'account' NOT IN (SELECT email FROM staff)"
    )


def downgrade() -> None:
    """What is forgotten cannot come back."""
