"""Parameters, expressions, verdicts and signals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "strategy_params",
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id", "version", name=op.f("pk_strategy_params")),
    )
    op.create_table(
        "expressions",
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("withdrawn_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("strategy_id", "version", name=op.f("pk_expressions")),
    )
    op.create_table(
        "verdicts",
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("strategy_version", sa.String(length=12), nullable=False),
        sa.Column("dataset_id", sa.String(length=64), nullable=False),
        sa.Column("dataset_version", sa.String(length=12), nullable=False),
        sa.Column("params_hash", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("checked_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "strategy_id", "strategy_version", "dataset_id", "dataset_version", "params_hash", name=op.f("pk_verdicts")
        ),
    )
    op.create_table(
        "signals",
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("dataset_id", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("strength", sa.String(length=8), nullable=False),
        sa.Column("conviction", sa.Double(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("z_score", sa.Double(), nullable=True),
        sa.Column("raw_value", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("change", sa.String(length=8), nullable=True),
        sa.Column("quality", sa.String(length=16), nullable=False),
        sa.Column("strategy_version", sa.String(length=12), nullable=False),
        sa.Column("params_version", sa.Integer(), nullable=False),
        sa.Column("dataset_version", sa.String(length=12), nullable=False),
        sa.Column("computed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id", "dataset_id", "symbol", "at", name=op.f("pk_signals")),
    )
    with op.batch_alter_table("signals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signals_at"), ["at"], unique=False)
    only = sa.text("kind = 'signals'")
    op.create_index("ix_jobs_signals", "jobs", ["strategy_id", "created_at"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    op.drop_index("ix_jobs_signals", table_name="jobs")
    with op.batch_alter_table("signals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signals_at"))
    op.drop_table("signals")
    op.drop_table("verdicts")
    op.drop_table("expressions")
    op.drop_table("strategy_params")
