"""The paper book: its configurations, its ledger, its marks and where it stands"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "book_versions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("strategies", sa.JSON(), nullable=False),
        sa.Column("capital", sa.Double(), nullable=False),
        sa.Column("start_date", sa.String(length=10), nullable=True),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_book_versions")),
    )
    op.create_table(
        "book_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fills", sa.Integer(), nullable=False),
        sa.Column("capital", sa.Double(), nullable=False),
        sa.Column("live_since", sa.Double(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_state")),
    )
    op.create_table(
        "book_marks",
        sa.Column("n", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("bar_at", "years", "equity", "cash", "gross")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("net", "pnl", "drawdown")),
        sa.Column("quality", sa.String(length=16), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("positions", "target", "sleeves")),
        sa.Column("book_version", sa.Integer(), nullable=False),
        sa.Column("datasets", sa.JSON(), nullable=False),
        sa.Column("computed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_book_marks")),
    )
    op.create_index("ix_book_marks_bar_at", "book_marks", ["bar_at"])
    op.create_table(
        "book_fills",
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("bar_at", sa.Double(), nullable=False),
        sa.Column("dataset_id", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("quantity", "price", "commission")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("slippage", "carry")),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_book_fills")),
    )
    op.create_index("ix_book_fills_mark", "book_fills", ["mark"])


def downgrade() -> None:
    for name in ("book_fills", "book_marks", "book_state", "book_versions"):
        op.drop_table(name)
