"""Erase what is personal, and count what was there

Events that are there keep their data until staff set a date: an upgrade erases nobody.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from registration.database import JSON_DOCUMENT, UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written out, since SQLite takes a constraint of a new column only with the column.
    op.execute(
        "ALTER TABLE events ADD COLUMN retention_days INTEGER"
        " CONSTRAINT ck_events_retention_positive CHECK (retention_days >= 1)"
    )
    op.add_column("rsvps", sa.Column("erased_at", UTCDateTime(), nullable=True))
    op.add_column(
        "outbox", sa.Column("forgets", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    for name, column, where in (
        ("ix_outbox_invitation", "invitation_id", "invitation_id IS NOT NULL"),
        ("ix_outbox_forgets", "id", "forgets"),
    ):
        op.create_index(
            name, "outbox", [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "sensitive",
                "personal",
                name="erasurekind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("reached_id", sa.Integer(), nullable=False),
        sa.Column("rsvps", sa.Integer(), nullable=False),
        sa.Column("needs", JSON_DOCUMENT, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_erasures_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint(
            "event_id", "kind", "ends_at", name=op.f("uq_erasures_event_id_kind_ends_at")
        ),
    )


def downgrade() -> None:
    op.drop_table("erasures")
    op.drop_index("ix_outbox_forgets", "outbox")
    op.drop_index("ix_outbox_invitation", "outbox")
    op.drop_column("outbox", "forgets")
    op.drop_column("rsvps", "erased_at")
    op.drop_column("events", "retention_days")
