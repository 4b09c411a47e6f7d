"""Sweeps as tests ask for them and do them, in this process."""

from __future__ import annotations

from typing import Any

from tests.working import Hand

SWEEP = "/api/v1/backtest/sweep"
GRID = {"fast": {"start": 5, "stop": 30, "step": 5}, "slow": [20, 40, 80, 120]}
BODY = {"strategy_id": "sma_cross", "dataset": "fx_daily", "symbols": ["EURUSD"], "grid": GRID}


def submit(web: Any, body: Any = None, **more: Any) -> str:
    reply = web.post(f"{SWEEP}?fresh=true", {**BODY, **(body or {}), **more})
    assert reply.status_code == 202, reply.text
    return str(reply.get_json()["job_id"])


def bells(web: Any) -> list[str]:
    """Every doorbell that waits, taken."""
    queue = web.services.queue
    return [bell for name in ("interactive", "batch") for _ in range(queue.length(name)) if (bell := queue.take(name))]


def work(web: Any, *, workers: int = 1, most: int = 10_000) -> int:
    """Do as workers do until nobody rings; gives how many doorbells were answered."""
    executors = [Hand(web.services, f"w{number}") for number in range(workers)]
    answered = 0
    while answered < most and (rung := bells(web)):
        for bell in rung:
            executors[answered % workers].do(bell)
            answered += 1
    return answered


def done(web: Any, job_id: str) -> dict[str, Any]:
    """The result of a sweep that workers have done."""
    work(web)
    reply = web.get(f"/api/v1/jobs/{job_id}/result")
    assert reply.status_code == 200, web.get(f"/api/v1/jobs/{job_id}").text
    return dict(reply.get_json())


def trials(web: Any, job_id: str, **query: Any) -> dict[str, Any]:
    return dict(web.get(f"/api/v1/jobs/{job_id}/trials", query_string=query).get_json())
