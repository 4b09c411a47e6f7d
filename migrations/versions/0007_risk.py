"""What the paper book may lose after a bar, and its limits"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "book_risk",
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("risk", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_book_risk")),
    )
    op.create_table(
        "risk_limits",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_risk_limits")),
    )


def downgrade() -> None:
    for name in ("risk_limits", "book_risk"):
        op.drop_table(name)
