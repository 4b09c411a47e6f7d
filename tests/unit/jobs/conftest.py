"""What `app.jobs` decides does not depend on the database: SQLite alone is enough here."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url
