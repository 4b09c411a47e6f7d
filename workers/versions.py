"""A result must be what its request names: other code would give other numbers under the same hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.contracts import load_bars
from app.dataset import Dataset
from app.wiring import Services
from engine import ENGINE_VERSION
from engine.bars import Bars
from engine.errors import RunFailed
from engine.strategy import BoundStrategy, Strategy


def load(request: Mapping[str, Any], services: Services) -> tuple[Bars, BoundStrategy]:
    """The bars that a resolved request names, and its strategy with its parameters, each at the version that it names.

    Raises RunFailed (`version_changed`) where this worker has another strategy or engine.
    """
    strategy = services.shelf.get(request["strategy_id"], request["strategy_version"])
    require_same(request, strategy)
    return load_bars(request, services.catalog), strategy.bind(**request["params"])


def dataset_of(request: Mapping[str, Any], services: Services) -> Dataset:
    """The dataset that a resolved request names, at the version that it names."""
    return services.catalog.get(f"{request['dataset_id']}@{request['dataset_version']}")


def benchmark_of(request: Mapping[str, Any], services: Services) -> Bars | None:
    """The bars of the symbol that a resolved request compares with."""
    if not request["benchmark"]:
        return None
    return load_bars({**request, "symbols": [request["benchmark"]]}, services.catalog)


def require_same(request: Mapping[str, Any], strategy: Strategy) -> None:
    """Raise RunFailed (`version_changed`) unless strategy and engine are those that the request was made for."""
    _require("strategy", request["strategy_version"], strategy.version)
    require_engine(request)


def require_engine(request: Mapping[str, Any]) -> None:
    """Raise RunFailed (`version_changed`) where a request names another engine than this one."""
    _require("engine", request.get("engine_version", ENGINE_VERSION), ENGINE_VERSION)


def _require(what: str, asked: str, found: str) -> None:
    if asked != found:
        raise RunFailed(
            f"The request was made for {what} version {asked}, this worker has {found}. Submit it again.",
            code="version_changed",
            given=asked,
            allowed=[found],
        )
