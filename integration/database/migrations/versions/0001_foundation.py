"""The foundation's tables."""

from __future__ import annotations

from alembic import op

from integration.database.migrations.ddl import execute

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    execute(op.get_bind(), "0001_foundation")
