"""The one run that a request of a backtest describes, checked for a look ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.wiring import Services
from engine import Config, backtest
from engine.backtesting import Result
from engine.figures import Report
from workers.verifying import require_honest
from workers.versions import benchmark_of, load


def run_alone(request: Mapping[str, Any], services: Services, report: Report) -> tuple[Result, dict[str, Any]]:
    """The run of a resolved request, and the verdict on the strategy. Raises RunFailed (`lookahead_detected`)."""
    report(0, 1, "load")
    bars, bound = load(request, services)
    benchmark = benchmark_of(request, services)
    result = backtest(bars, bound, Config(**request["config"]), benchmark=benchmark, report=report)
    return result, require_honest(services, request, bars, bound, result.decision, report)
