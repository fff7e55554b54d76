"""Run migrations on the connection that `database` hands over, in its transaction: all of them, or nothing."""

from __future__ import annotations

from alembic import context

from deploy.store.schema import TABLES

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TABLES,
    transactional_ddl=True,  # Alembic takes SQLite for a database that cannot
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
