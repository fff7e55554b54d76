"""Make the tables of the first revision.

Written out, and not made from `schema`: that changes, and what this made in a database stays what it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "runs",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("command", TEXT, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("started", TEXT, nullable=False),
        sa.Column("limited_to", sa.String, nullable=False),
        sa.Column("of_some_roles", sa.Boolean, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("hosts", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("findings", sa.Integer, nullable=False),
        sa.Column("exit_code", sa.Integer, nullable=False),
        *_document(),
    )
    op.create_index("runs_of_command", "runs", ["command", "id"])
    op.create_index("runs_by_start", "runs", ["started"])
    op.create_table(
        "run_municipalities",
        sa.Column("run", TEXT, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("municipality", TEXT, primary_key=True),
    )
    op.create_table(
        "hosts",
        sa.Column("host", TEXT, primary_key=True),
        sa.Column("looked", TEXT, nullable=False),
        sa.Column("given", TEXT, nullable=False),
    )
    op.create_index("hosts_looked", "hosts", ["looked"])
    op.create_index("hosts_given", "hosts", ["given"])
    op.create_table("applied", sa.Column("host", TEXT, primary_key=True), *_document())
    op.create_table(
        "known",
        sa.Column("fingerprint", TEXT, primary_key=True),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("first_seen", TEXT, nullable=False),
    )
    op.create_index("known_of_host", "known", ["host"])
    op.create_table(
        "begun",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
    )
    op.create_table(
        "backups",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("taken", TEXT, nullable=False),
        sa.Column("municipality", TEXT, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("backups_of_host", "backups", ["host", "what", "taken"])
    op.create_table("marks", sa.Column("name", TEXT, primary_key=True), sa.Column("value", sa.String, nullable=False))


def _document() -> tuple[sa.Column[int], sa.Column[str], sa.Column[bytes]]:
    return (
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
