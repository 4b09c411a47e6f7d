"""The breaker of the paper book"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("book_versions", sa.Column("breaker", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("book_versions", "breaker")
