"""What an address names; Unknown (404) with the nearest name where there is no such thing."""

from __future__ import annotations

from app.dataset import Dataset
from app.web.context import services
from app.web.errors import in_the_path
from engine.strategy import Strategy


def strategy(strategy_id: str) -> Strategy:
    with in_the_path():
        return services().shelf.get(strategy_id)


def dataset(name: str) -> Dataset:
    """The dataset of `id` or `id@version`."""
    with in_the_path():
        return services().catalog.get(name)
