"""The tables of a store, the same in SQLite and PostgreSQL, and which revision of them this samdrift is for.

A column stands beside a document only if something is asked by it. Values only; `migrations` makes the tables in a
database, and a test holds that what it makes is this.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
    true,
)

REVISIONS = ("1", "chain", "emergency")
"""Every revision of the tables, oldest first, by the names in `migrations/versions`; the last is today's."""

TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Text that sorts as bytes do in both: ids and times must not sort as a language's words."""

TABLES = MetaData()


def _document() -> tuple[Column[int], Column[str], Column[bytes]]:
    """Return the columns of a document (`documents.Document`)."""
    return (
        Column("version", Integer, nullable=False),
        Column("digest", String, nullable=False),
        Column("document", LargeBinary, nullable=False),
    )


runs = Table(
    "runs",
    TABLES,
    Column("id", TEXT, primary_key=True),
    Column("command", TEXT, nullable=False),
    Column("who", String, nullable=False),
    Column("reason", String, nullable=False, server_default=""),
    Column("ended", Boolean, nullable=False, server_default=true()),
    Column("emergency", Boolean, nullable=False, server_default=false()),
    Column("signs_off", TEXT, nullable=False, server_default=""),
    Column("closes", Boolean, nullable=False, server_default=false()),
    Column("started", TEXT, nullable=False),
    Column("limited_to", String, nullable=False),
    Column("of_some_roles", Boolean, nullable=False),
    Column("source", String, nullable=False),
    Column("hosts", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("exit_code", Integer, nullable=False),
    *_document(),
    Index("runs_of_command", "command", "id"),
    Index("runs_by_start", "started"),
    Index("runs_of_emergencies", "emergency"),
    Index("runs_signing_off", "signs_off"),
)
"""A record each."""

run_municipalities = Table(
    "run_municipalities",
    TABLES,
    Column("run", TEXT, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("municipality", TEXT, primary_key=True),
)
"""Whose hosts a record is about: what retention tells."""

hosts = Table(
    "hosts",
    TABLES,
    Column("host", TEXT, primary_key=True),
    Column("looked", TEXT, nullable=False),
    Column("given", TEXT, nullable=False),
    Index("hosts_looked", "looked"),
    Index("hosts_given", "given"),
)
"""The latest record in which each host was looked at, and the latest that gave it its steps; empty if there is none."""

applied = Table("applied", TABLES, Column("host", TEXT, primary_key=True), *_document())

known = Table(
    "known",
    TABLES,
    Column("fingerprint", TEXT, primary_key=True),
    Column("host", TEXT, nullable=False),
    Column("first_seen", TEXT, nullable=False),
    Index("known_of_host", "host"),
)

begun = Table(
    "begun",
    TABLES,
    Column("number", Integer, Identity(), primary_key=True),
    Column("plan", TEXT, nullable=False),
    Column("host", TEXT, nullable=False),
)

backups = Table(
    "backups",
    TABLES,
    Column("number", Integer, Identity(), primary_key=True),
    Column("host", TEXT, nullable=False),
    Column("what", TEXT, nullable=False),
    Column("taken", TEXT, nullable=False),
    Column("municipality", TEXT, nullable=False),
    Column("digest", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("backups_of_host", "host", "what", "taken"),
)
"""`sealed` is an age file: damage shows when it is opened, and nobody can read it here."""

links = Table(
    "links",
    TABLES,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
    Column("record", TEXT, nullable=False),
    Column("host", String, nullable=False),
    Column("step", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("links_of_record", "record", "number"),
)
"""The chain of the history (`model.chain`): only added to. It keeps what it says of records that were pruned."""

marks = Table("marks", TABLES, Column("name", TEXT, primary_key=True), Column("value", String, nullable=False))
"""Single facts by name: which record was remembered last, who holds the lock, which earlier stores were taken over, and
what the chain is called."""
