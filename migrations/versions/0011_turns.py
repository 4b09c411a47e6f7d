"""Whose turn it is"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["queue", "owner", "created_at", "id"],
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_jobs_queued",
        "jobs",
        ["owner"],
        sqlite_where=sa.text("status = 'queued' AND parent_id IS NULL"),
        postgresql_where=sa.text("status = 'queued' AND parent_id IS NULL"),
    )
    op.create_index("ix_jobs_owner_started_at", "jobs", ["owner", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_jobs_owner_started_at", table_name="jobs")
    op.drop_index("ix_jobs_queued", table_name="jobs")
    op.drop_index("ix_jobs_waiting", table_name="jobs")
