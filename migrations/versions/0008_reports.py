"""Daily reports"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("start_at", "end_at", "made_at")),
        sa.Column("sections", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("date", "owner", name=op.f("pk_reports")),
    )


def downgrade() -> None:
    op.drop_table("reports")
