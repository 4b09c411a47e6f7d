"""What the trials of a search were worth together, job by job"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = ("owner", "strategy_id", "dataset_id", "request_hash")
NEW = (("known", sa.Integer()), ("mean", sa.Double()), ("squares", sa.Double()))


def upgrade() -> None:
    with op.batch_alter_table("trials") as table:  # of earlier searches neither ratios nor jobs are known
        for name, kind in NEW:
            table.add_column(sa.Column(name, kind, nullable=False, server_default="0"))
        table.add_column(sa.Column("job_id", sa.String(32), nullable=False, server_default=""))
        table.drop_constraint("pk_trials")
        table.create_primary_key("pk_trials", [*KEY, "job_id"])


def downgrade() -> None:
    same = " AND ".join(f"other.{name} = trials.{name}" for name in KEY)
    more = "other.count > trials.count OR (other.count = trials.count AND other.job_id > trials.job_id)"
    op.execute(f"DELETE FROM trials WHERE EXISTS (SELECT 1 FROM trials AS other WHERE {same} AND ({more}))")  # noqa: S608
    with op.batch_alter_table("trials") as table:
        table.drop_constraint("pk_trials")
        table.create_primary_key("pk_trials", list(KEY))
        for name in ("job_id", *(name for name, _ in reversed(NEW))):
            table.drop_column(name)
