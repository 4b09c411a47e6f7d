"""The API while the bucket of datasets is away, or is another one than it should be."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def web(make_web: Callable[..., Any], objects: Any) -> Any:
    return make_web(dataset_dir=objects.url("datasets", bucket="nowhere"))


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/api/v1/datasets", {}),
        ("GET", "/api/v1/datasets/mine", {}),
        ("POST", "/api/v1/backtest/run", {"json": {"strategy_id": "sma_cross", "dataset": "mine"}}),
        ("POST", "/api/v1/datasets", {"data": {"name": "mine", "file": (io.BytesIO(b"date,A\n"), "a.csv")}}),
    ],
)
def test_what_needs_it_is_503_and_says_when_to_come_back(web: Any, method: str, path: str, options: Any) -> None:
    reply = web.call(method, path, **options)
    assert (reply.status_code, reply.get_json()["code"]) == (503, "datasets_unavailable"), reply.text
    assert int(reply.headers["Retry-After"]) > 0


def test_what_runs_on_data_that_ship_does_not_need_it(web: Any) -> None:
    reply = web.post("/api/v1/backtest/run", {"strategy_id": "sma_cross", "dataset": "fx_daily"})
    assert reply.status_code == 202, reply.text
    assert web.get("/api/v1/datasets/fx_daily/bars?symbol=EURUSD&limit=5").status_code == 200
