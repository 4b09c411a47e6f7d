"""`queuant risk` shows what the server has measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from click.testing import Result

ABOUT = {"as_of": "2025-06-15T00:00:00.000Z", "equity": 1000.0, "positions": 2, "quality": "proxy"}
LOSS = {"level": 0.99, "var": 50.0, "cvar": 60.0, "var_fraction": 0.05, "cvar_fraction": 0.06, "reason": None}
UNKNOWN = dict.fromkeys(("var", "cvar", "var_fraction", "cvar_fraction"))
SHORT = "There are 70 returns in common; 99% needs 100."
USE = {"dataset_id": None, "symbol": None, "strategy_id": None, "reason": None}
PARTS: dict[str, Any] = {
    "var": ABOUT
    | {
        "figures": [
            LOSS | {"method": "monte_carlo"},
            UNKNOWN | {"method": "historical", "level": 0.99, "reason": SHORT},
        ]
    },
    "stress": ABOUT | {"scenarios": [{"title": "Rates up", "pnl": -41.5, "pnl_fraction": -0.0415}]},
    "limits": {
        "usage": [
            USE | {"limit": "var_99", "value": 0.05, "bound": 0.04, "utilisation": 1.25, "status": "breach"},
            USE
            | {"limit": "strategy", "strategy_id": "fast", "value": 0.5, "bound": None}
            | {"utilisation": None, "status": None},
        ]
    },
}


def server(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=PARTS[request.url.path.rpartition("/")[2]])


def test_losses_scenarios_and_limits_are_shown_with_what_is_not_known(run: Callable[..., Result]) -> None:
    said = run("risk", "--horizon", "10", server=server).stdout
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0].startswith("2025-06-15: equity 1,000.00, 2 positions; the data are proxy. Losses over 10 sessions:")
    assert "monte carlo 99% 50.00 5.00% 60.00 6.00%" in lines
    assert "historical 99% - - - -" in lines
    assert SHORT in lines
    assert "Rates up -41.50 -4.15%" in lines
    assert "var_99 5.00% 4.00% 125.00% breach" in lines
    assert "strategy fast 50.00% - - no limit" in lines


def test_as_json_it_is_all_three_parts(run: Callable[..., Result]) -> None:
    assert json.loads(run("risk", "--json", server=server).stdout) == PARTS
