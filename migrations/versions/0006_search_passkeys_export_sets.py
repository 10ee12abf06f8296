"""Search, passkeys, export sets

Revision ID: 0006
Revises: 0005
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

from registration.database import JSON_DOCUMENT, UTCDateTime


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('export_sets',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('columns', JSON_DOCUMENT, nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['events.id'], name=op.f('fk_export_sets_event_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_export_sets_staff_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_export_sets')),
    sa.UniqueConstraint('staff_id', 'event_id', 'name', name=op.f('uq_export_sets_staff_id_event_id_name'))
    )
    op.create_table('passkeys',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('usage', sa.String(), nullable=False),
    sa.Column('credential_id', sa.LargeBinary(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.Integer(), nullable=False),
    sa.Column('transports', sa.UnicodeText(), nullable=True),
    sa.Column('backup_state', sa.Boolean(), nullable=False),
    sa.Column('device_type', sa.String(), nullable=False),
    sa.Column('extensions', sa.String(), nullable=True),
    sa.Column('lastuse_datetime', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['staff.id'], name=op.f('fk_passkeys_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_passkeys')),
    sa.UniqueConstraint('credential_id', name=op.f('uq_passkeys_credential_id')),
    sa.UniqueConstraint('user_id', 'name', name=op.f('uq_passkeys_user_id_name'))
    )
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.create_index('ix_answers_question', ['question_id', 'rsvp_id'], unique=False)

    with op.batch_alter_table('attendees', schema=None) as batch_op:
        batch_op.create_index('ix_attendees_in', ['rsvp_id'], unique=False, sqlite_where=sa.text('checked_in_at IS NOT NULL'), postgresql_where=sa.text('checked_in_at IS NOT NULL'))

    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.create_index('ix_audit_entries_action', ['action', 'id'], unique=False)
        batch_op.create_index('ix_audit_entries_staff', ['staff_id', 'id'], unique=False)

    with op.batch_alter_table('rsvps', schema=None) as batch_op:
        batch_op.add_column(sa.Column('has_needs', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('search_text', sa.String(), server_default='', nullable=False))
        batch_op.drop_index(batch_op.f('ix_rsvps_arrival'))
    _fill_rsvps()
    with op.batch_alter_table('rsvps', schema=None) as batch_op:
        batch_op.create_index('ix_rsvps_arrival', ['event_id', 'created_at', 'id', 'status', 'option_id', 'has_needs', 'search_text'], unique=False)
        batch_op.create_index('ix_rsvps_needs', ['event_id', 'has_needs', 'needs_step_free', 'needs_sign_language', 'needs_captions', 'created_at', 'id'], unique=False)
        batch_op.create_index('ix_rsvps_organisation', ['event_id', 'organisation', 'id'], unique=False)
        batch_op.create_index('ix_rsvps_search', ['event_id', 'search_text', 'id', 'status', 'option_id'], unique=False)

    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('tf_last_counter', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('fs_webauthn_user_handle', sa.String(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_staff_fs_webauthn_user_handle'), ['fs_webauthn_user_handle'])



def _fill_rsvps() -> None:
    """Give the rows that are there what the search and the filter look at."""
    rsvps = sa.table(
        "rsvps",
        *(sa.column(name) for name in ("id", "name", "email", "organisation", "search_text")),
        sa.column("has_needs", sa.Boolean), sa.column("access_note"),
        *(sa.column(name, sa.Boolean)
          for name in ("needs_step_free", "needs_sign_language", "needs_captions")),
    )
    connection = op.get_bind()
    connection.execute(
        sa.update(rsvps)
        .where(sa.or_(rsvps.c.needs_step_free, rsvps.c.needs_sign_language,
                      rsvps.c.needs_captions, rsvps.c.access_note != ""))
        .values(has_needs=sa.true())
    )
    last = 0
    while True:
        found = connection.execute(
            sa.select(rsvps.c.id, rsvps.c.name, rsvps.c.email, rsvps.c.organisation)
            .where(rsvps.c.id > last).order_by(rsvps.c.id).limit(1000)
        ).all()
        if not found:
            return
        connection.execute(
            sa.update(rsvps).where(rsvps.c.id == sa.bindparam("of")).values(
                search_text=sa.bindparam("text")),
            [{"of": row.id, "text": _folded(f"{row.name}\n{row.email}\n{row.organisation}")[:500]}
             for row in found],
        )
        last = found[-1].id


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def downgrade() -> None:
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_staff_fs_webauthn_user_handle'), type_='unique')
        batch_op.drop_column('fs_webauthn_user_handle')
        batch_op.drop_column('tf_last_counter')

    with op.batch_alter_table('rsvps', schema=None) as batch_op:
        batch_op.drop_index('ix_rsvps_search')
        batch_op.drop_index('ix_rsvps_organisation')
        batch_op.drop_index('ix_rsvps_needs')
        batch_op.drop_index('ix_rsvps_arrival')
        batch_op.create_index(batch_op.f('ix_rsvps_arrival'), ['event_id', 'created_at', 'id'], unique=False)
        batch_op.drop_column('search_text')
        batch_op.drop_column('has_needs')

    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.drop_index('ix_audit_entries_staff')
        batch_op.drop_index('ix_audit_entries_action')

    with op.batch_alter_table('attendees', schema=None) as batch_op:
        batch_op.drop_index('ix_attendees_in', sqlite_where=sa.text('checked_in_at IS NOT NULL'), postgresql_where=sa.text('checked_in_at IS NOT NULL'))

    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_index('ix_answers_question')

    op.drop_table('passkeys')
    op.drop_table('export_sets')
