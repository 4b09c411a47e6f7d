"""How long the oldest job of a queue has waited, by a look into an index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.drop_index("ix_jobs_waiting", table_name="jobs")
    _index("ix_jobs_waiting", "queue", "owner", "created_at", "id")
    _index("ix_jobs_waits", "queue", "queued_at")


def downgrade() -> None:
    op.drop_index("ix_jobs_waits", table_name="jobs")
    op.drop_index("ix_jobs_waiting", table_name="jobs")
    _index("ix_jobs_waiting", "queue", "owner", "created_at", "id", "queued_at")


def _index(name: str, *columns: str) -> None:
    only = sa.text("status = 'queued'")
    op.create_index(name, "jobs", list(columns), sqlite_where=only, postgresql_where=only)
