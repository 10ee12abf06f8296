"""What calendar entries say, edition by edition, and announcements of a change

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from registration.database import JSON_DOCUMENT, UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_editions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("facts", JSON_DOCUMENT, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_editions_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_editions")),
        sa.UniqueConstraint("event_id", "number", name=op.f("uq_event_editions_event_id_number")),
    )
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("changed", "cancelled", name="announcementkind", native_enum=False,
                    create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("held", "sending", "sent", "withdrawn", "superseded",
                    name="announcementstate", native_enum=False, create_constraint=True,
                    length=20),
            nullable=False,
        ),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("reached_rsvp_id", sa.Integer(), nullable=False),
        sa.Column("attendees", sa.Integer(), nullable=False),
        sa.Column("speakers", sa.Integer(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_announcements_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_announcements_staff_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
        sa.UniqueConstraint("token", name=op.f("uq_announcements_token")),
    )
    op.create_index("ix_announcements_event", "announcements", ["event_id", "id"])
    op.create_index(
        "ix_announcements_due",
        "announcements",
        ["due_at"],
        sqlite_where=sa.text("state IN ('held', 'sending')"),
        postgresql_where=sa.text("state IN ('held', 'sending')"),
    )
    # In SQL of our own: a batch would copy the tables on SQLite.
    op.execute("ALTER TABLE events ADD COLUMN edition INTEGER DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE rsvps ADD COLUMN told_edition INTEGER")
    json = "JSONB" if op.get_bind().dialect.name == "postgresql" else "JSON"
    op.execute(f"ALTER TABLE speakers ADD COLUMN told {json} DEFAULT '{{}}' NOT NULL")
    op.execute(
        "ALTER TABLE outbox ADD COLUMN announcement_id INTEGER"
        " CONSTRAINT fk_outbox_announcement_id REFERENCES announcements (id)"
    )
    op.create_index(
        "ix_outbox_announcement",
        "outbox",
        ["announcement_id", "state"],
        sqlite_where=sa.text("announcement_id IS NOT NULL"),
        postgresql_where=sa.text("announcement_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_announcement", "outbox")
    op.drop_column("outbox", "announcement_id")
    op.drop_column("speakers", "told")
    op.drop_column("rsvps", "told_edition")
    op.drop_column("events", "edition")
    op.drop_table("announcements")
    op.drop_table("event_editions")
