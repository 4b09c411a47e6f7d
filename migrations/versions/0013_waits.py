"""Since when a job waits"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("queued_at", sa.Double(), nullable=True))
    op.execute("UPDATE jobs SET queued_at = created_at")
    _waiting("created_at", "id", "queued_at")


def downgrade() -> None:
    _waiting("created_at", "id")
    op.drop_column("jobs", "queued_at")


def _waiting(*columns: str) -> None:
    op.drop_index("ix_jobs_waiting", table_name="jobs")
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["queue", "owner", *columns],
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
