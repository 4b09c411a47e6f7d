"""What a run held is told as it changed, and nothing in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import strategies
from engine import Config, backtest
from tests.sweeps import done, submit, work

RUN = {
    "strategy_id": "sma_cross",
    "params": {"fast": 10, "slow": 40},
    "dataset": "fx_daily",
    "symbols": ["EURUSD", "USDJPY"],
    "start_date": "2015-01-01",
    "end_date": "2019-12-31",
}


def pages(web: Any, job_id: str, limit: int) -> list[dict[str, Any]]:
    rows, cursor = [], ""
    while True:
        page = web.get(f"/api/v1/jobs/{job_id}/positions?limit={limit}{cursor}").get_json()
        rows += page["positions"]
        if page["next"] is None:
            return rows
        cursor = f"&cursor={page['next']}"


def test_changes_put_together_are_what_the_account_held_at_every_close(web: Any) -> None:
    job_id = web.post("/api/v1/backtest/run", RUN).get_json()["job_id"]
    work(web)
    bars = web.services.catalog.bars("fx_daily", RUN["symbols"], RUN["start_date"], RUN["end_date"])
    alone = backtest(bars, strategies.get("sma_cross").bind(**RUN["params"]), Config())
    times = [f"{at}T00:00:00Z" for at in np.datetime_as_string(bars.time, unit="D")]

    rows = pages(web, job_id, 7)
    held, weights = np.full((2, *bars.close.shape), np.nan)
    for row in rows:
        at = times.index(row["time"]), bars.symbols.index(row["symbol"])
        held[at], weights[at] = row["quantity"], row["weight"]
    changed = ~np.isnan(held)
    worth = alone.ledger.positions * bars.close / alone.ledger.equity[:, None]
    np.testing.assert_allclose(weights[changed], worth[changed], rtol=1e-12)
    held[0][np.isnan(held[0])] = 0.0
    for at in range(1, len(held)):
        held[at] = np.where(np.isnan(held[at]), held[at - 1], held[at])
    assert held.tobytes() == alone.ledger.positions.tobytes()
    assert len(rows) == len({(fill["bar"], fill["symbol"]) for fill in alone.ledger.fills}), (
        "and no row that says nothing"
    )


def test_a_sweep_tells_what_its_best_trial_held(web: Any) -> None:
    result = done(web, submit(web))
    alone = web.post("/api/v1/backtest/run", _single(result)).get_json()["job_id"]
    work(web)
    assert pages(web, result["job_id"], 500) == pages(web, alone, 500) != []


def test_a_run_that_held_nothing_says_so_and_one_that_is_not_done_cannot(web: Any) -> None:
    job_id = web.post("/api/v1/backtest/run", {**RUN, "config": {"lot_size": 1e9}}).get_json()["job_id"]
    reply = web.get(f"/api/v1/jobs/{job_id}/positions")
    assert (reply.status_code, reply.get_json()["code"]) == (409, "not_ready")
    work(web)
    assert web.get(f"/api/v1/jobs/{job_id}/positions").get_json() == {"positions": [], "next": None}
    assert web.get(f"/api/v1/jobs/{job_id}").get_json()["links"]["positions"].endswith("/positions")


@pytest.mark.parametrize("query", ["limit=0", "limit=5001", "cursor=x", "at=2015-01-01"])
def test_a_page_that_cannot_be_is_refused(web: Any, query: str) -> None:
    assert web.get(f"/api/v1/jobs/{web.finished()}/positions?{query}").status_code == 422


def _single(result: dict[str, Any]) -> dict[str, Any]:
    """The request of the backtest that the best trial is."""
    request = result["request"]
    best = {"strategy_id": request["strategy_id"], "params": result["sweep"]["best"]["params"]}
    return best | {"dataset": request["dataset_id"], "symbols": request["symbols"]}
