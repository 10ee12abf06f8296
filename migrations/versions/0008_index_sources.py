"""Index sources

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op




revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('rsvps', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_rsvps_needs'))
        batch_op.create_index('ix_rsvps_needs', ['event_id', 'has_needs', 'needs_step_free', 'needs_sign_language', 'needs_captions', 'created_at', 'id', 'status', 'option_id'], unique=False)
        batch_op.create_index('ix_rsvps_source', ['event_id', 'source', 'status'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('rsvps', schema=None) as batch_op:
        batch_op.drop_index('ix_rsvps_source')
        batch_op.drop_index('ix_rsvps_needs')
        batch_op.create_index(batch_op.f('ix_rsvps_needs'), ['event_id', 'has_needs', 'needs_step_free', 'needs_sign_language', 'needs_captions', 'created_at', 'id'], unique=False)

