"""Mailings and imports

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from registration.database import JSON_DOCUMENT, UTCDateTime


revision = '0004'
down_revision = '0003'
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
    "speaker_invitation",
    "speaker_changed",
    "speaker_cancelled",
    "speaker_reminder",
    "staff",
]


def upgrade() -> None:
    op.create_table('mailings',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'released', 'stopped', name='mailingstate', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('segment', JSON_DOCUMENT, nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('recipients', sa.Integer(), nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('updated_at', UTCDateTime(), nullable=False),
    sa.Column('due_at', UTCDateTime(), nullable=True),
    sa.CheckConstraint("(state = 'draft') = (due_at IS NULL)", name=op.f('ck_mailings_due_once_released')),
    sa.ForeignKeyConstraint(['event_id'], ['events.id'], name=op.f('fk_mailings_event_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_mailings_staff_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailings'))
    )
    with op.batch_alter_table('mailings', schema=None) as batch_op:
        batch_op.create_index('ix_mailings_event', ['event_id', 'id'], unique=False)

    op.create_table('pending_imports',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('invitees', 'rsvps', name='importkind', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('file_name', sa.String(), nullable=False),
    sa.Column('reading', sa.String(), nullable=False),
    sa.Column('cells', sa.LargeBinary(), nullable=False),
    sa.Column('plan', JSON_DOCUMENT, nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['events.id'], name=op.f('fk_pending_imports_event_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_pending_imports_staff_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pending_imports'))
    )
    with op.batch_alter_table('pending_imports', schema=None) as batch_op:
        batch_op.create_index('ix_pending_imports_age', ['created_at'], unique=False)

    op.create_table('unsubscribes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=True),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_unsubscribes_email_lowercase')),
    sa.ForeignKeyConstraint(['event_id'], ['events.id'], name=op.f('fk_unsubscribes_event_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unsubscribes')),
    sa.UniqueConstraint('email', 'event_id', name=op.f('uq_unsubscribes_email_event_id'))
    )
    with op.batch_alter_table('unsubscribes', schema=None) as batch_op:
        batch_op.create_index('uq_unsubscribes_all', ['email'], unique=True, sqlite_where=sa.text('event_id IS NULL'), postgresql_where=sa.text('event_id IS NULL'))

    _rebuild_outbox([*KINDS, "mailing"], mailings=True)


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind = 'mailing'")
    _rebuild_outbox(KINDS, mailings=False)
    op.drop_table("unsubscribes")
    op.drop_table("pending_imports")
    op.drop_table("mailings")


def _rebuild_outbox(kinds: list[str], *, mailings: bool) -> None:
    """Add or take away what mailings need."""
    op.drop_index("ix_outbox_due", "outbox")
    if not mailings:
        op.drop_index("ix_outbox_due_mailings", "outbox")
        op.drop_index("ix_outbox_mailing", "outbox")
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(table.f("ck_outbox_mailkind"), type_="check")
        allowed = ", ".join(f"'{kind}'" for kind in kinds)
        table.create_check_constraint(table.f("ck_outbox_mailkind"), f"kind IN ({allowed})")
        if mailings:
            table.add_column(sa.Column("mailing_id", sa.Integer(), nullable=True))
            table.create_foreign_key(
                table.f("fk_outbox_mailing_id"),
                "mailings",
                ["mailing_id"],
                ["id"],
                ondelete="CASCADE",
            )
        else:
            table.drop_constraint(table.f("fk_outbox_mailing_id"), type_="foreignkey")
            table.drop_column("mailing_id")
    if mailings:
        _due_index("ix_outbox_due", "state = 'waiting' AND mailing_id IS NULL")
        _due_index("ix_outbox_due_mailings", "state = 'waiting' AND mailing_id IS NOT NULL")
        op.create_index("ix_outbox_mailing", "outbox", ["mailing_id", "state"])
    else:
        _due_index("ix_outbox_due", "state = 'waiting'")


def _due_index(name: str, which: str) -> None:
    where = sa.text(which)
    op.create_index(
        name, "outbox", ["due_at", "id"], sqlite_where=where, postgresql_where=where
    )
