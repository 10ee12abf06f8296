"""Fewer indexes of mails, and room for an RSVP to change in its place

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LINKS = sa.text("kind = 'links'")
_OF_MAILINGS = sa.text("mailing_id IS NOT NULL")
_OF_SPEAKERS = sa.text("speaker_id IS NOT NULL")


def upgrade() -> None:
    for name in ("ix_outbox_recipient", "ix_outbox_mailing", "ix_outbox_speaker"):
        op.drop_index(name, table_name="outbox")
    _index("ix_outbox_links", ["recipient", "created_at"], _LINKS)
    _index("ix_outbox_mailing", ["mailing_id", "state"], _OF_MAILINGS)
    _index("ix_outbox_speaker", ["speaker_id", "id"], _OF_SPEAKERS)
    if op.get_bind().dialect.name == "postgresql":
        # An event that moves changes all its RSVPs at once. Where the new version of each finds
        # room on the page of the old one, none of the indexes is touched: a seventh of the time.
        op.execute("ALTER TABLE rsvps SET (fillfactor = 50)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE rsvps RESET (fillfactor)")
    for name in ("ix_outbox_links", "ix_outbox_mailing", "ix_outbox_speaker"):
        op.drop_index(name, table_name="outbox")
    op.create_index("ix_outbox_recipient", "outbox", ["recipient", "kind", "created_at"])
    op.create_index("ix_outbox_mailing", "outbox", ["mailing_id", "state"])
    op.create_index("ix_outbox_speaker", "outbox", ["speaker_id", "id"])


def _index(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "outbox", columns, sqlite_where=where, postgresql_where=where)
