"""Begin the chain of the history with a link for each record that is there; runs get a reason, and may not have ended.

What a record was before this, nobody can say any more: from now on a change shows.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from deploy.model.chain import Entry, Event, hash_of

revision = "chain"
down_revision = "1"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

RUNS = sa.table("runs", sa.column("id", TEXT), sa.column("digest", sa.String))
MARKS = sa.table("marks", sa.column("name", TEXT), sa.column("value", sa.String))


def upgrade() -> None:
    """Make the table and the columns, and link what is there."""
    op.add_column("runs", sa.Column("reason", sa.String, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.true()))
    links = op.create_table(
        "links",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("record", TEXT, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    op.create_index("links_of_record", "links", ["record", "number"])
    connection, now = op.get_bind(), datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    there = connection.execute(sa.select(RUNS.c.id, RUNS.c.digest).order_by(RUNS.c.id)).all()
    if not there:
        return
    previous = secrets.token_hex(8)
    connection.execute(sa.insert(MARKS).values(name="chain", value=previous))
    rows = []
    for number, (record, digest) in enumerate(there, start=1):
        entry = Entry(event=Event.TAKEN_OVER, at=now, record=record, digest=digest)
        previous = hash_of(previous, entry)
        rows.append({"number": number, "hash": previous, **entry.model_dump()})
    connection.execute(sa.insert(links), rows)
