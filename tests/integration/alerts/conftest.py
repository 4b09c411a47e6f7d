"""Alerts over a store of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerts import Platform, Receiver, make_platform


@pytest.fixture
def platform(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Ada and Bob have keys; there are no datasets yet."""
    return make_platform(world, tmp_path, monkeypatch)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def hook(platform: Platform, receiver: Receiver) -> Callable[..., None]:
    """Gives Ada a webhook to the receiver."""
    return lambda name="ops", **more: platform.hook(name, receiver.port, **more)
