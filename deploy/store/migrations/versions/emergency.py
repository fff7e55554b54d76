"""Let a run be an emergency, or sign one off: of what is there nothing is either."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "emergency"
down_revision = "chain"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the columns."""
    op.add_column("runs", sa.Column("emergency", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("runs", sa.Column("signs_off", TEXT, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("closes", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("runs_of_emergencies", "runs", ["emergency"])
    op.create_index("runs_signing_off", "runs", ["signs_off"])
