"""The world that ships, as it was committed and as its seed makes it again."""

from __future__ import annotations

import pytest

from app.catalog import Catalog
from app.macroworld.world import generate


@pytest.fixture(scope="package")
def shipped():
    return Catalog.standard().get("macro_synthetic")


@pytest.fixture(scope="package")
def made():
    return generate()


@pytest.fixture(scope="package")
def series(shipped):
    return shipped.panel.series
