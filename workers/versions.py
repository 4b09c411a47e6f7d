"""A result must be what its request names: other code would give other numbers under the same hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import ENGINE_VERSION
from engine.errors import RunFailed
from engine.strategy import Strategy


def require_same(request: Mapping[str, Any], strategy: Strategy) -> None:
    """Raise RunFailed (`version_changed`) where this worker has another strategy or engine than the request names."""
    for what, asked, found in (
        ("strategy", request["strategy_version"], strategy.version),
        ("engine", request["engine_version"], ENGINE_VERSION),
    ):
        if asked != found:
            raise RunFailed(
                f"The request was made for {what} version {asked}, this worker has {found}. Submit it again.",
                code="version_changed",
                given=asked,
                allowed=[found],
            )
