"""What does not depend on the database: SQLite alone is enough here."""

from __future__ import annotations

import pytest

from tests.alerts import hook, platform, receiver

__all__ = ["database_url", "hook", "platform", "receiver"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url
