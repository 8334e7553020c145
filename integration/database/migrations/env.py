"""Alembic's entry: runs on the connection that `upgrade` gives it, in its transaction."""

from __future__ import annotations

from alembic import context

from integration.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
