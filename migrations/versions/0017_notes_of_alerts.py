"""What somebody noted who acknowledged an alert"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("note", sa.String(length=500), nullable=True))


def downgrade() -> None:
    op.drop_column("alerts", "note")
