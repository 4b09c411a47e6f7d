"""What the trials of a search were worth together"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NEW = (("known", sa.Integer()), ("mean", sa.Double()), ("squares", sa.Double()))


def upgrade() -> None:
    for name, kind in NEW:  # of earlier searches no ratio is known
        op.add_column("trials", sa.Column(name, kind, nullable=False, server_default="0"))


def downgrade() -> None:
    for name, _ in reversed(NEW):
        op.drop_column("trials", name)
