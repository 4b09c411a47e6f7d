"""Jobs that are done in chunks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("parent_id", sa.String(length=32), nullable=True))
    for name in ("units", "done", "pending"):
        op.add_column("jobs", sa.Column(name, sa.Integer(), nullable=True))
    op.create_index("ix_jobs_parent_id", "jobs", ["parent_id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_parent_id", table_name="jobs")
    for name in ("pending", "done", "units", "parent_id"):
        op.drop_column("jobs", name)
