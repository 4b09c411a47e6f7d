"""What the client makes of what it is given to send."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from app.client import Client, ClientError

Handler = Callable[[httpx.Request], httpx.Response]


def test_days_ranges_and_numbers_of_numpy_are_sent_as_json_has_them(connect: Callable[[Handler], Client]) -> None:
    seen: list[Any] = []

    def server(request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Type"] == "application/json"
        seen.append(json.loads(request.content))
        return httpx.Response(202, json={"job_id": "a" * 32, "status": "queued"})

    fast = pd.Series([5, 10])
    grid = {"fast": fast, "slow": range(40, 60, 10), "band": np.array([0.5])}
    start, end = pd.Timestamp("2020-01-02"), date(2021, 1, 2)
    connect(server).sweep("sma_cross", grid=grid, params={"days": fast[0]}, start_date=start, end_date=end)
    assert seen[0]["grid"] == {"fast": [5, 10], "slow": [40, 50], "band": [0.5]}
    assert (seen[0]["params"], seen[0]["start_date"], seen[0]["end_date"]) == ({"days": 5}, "2020-01-02", "2021-01-02")


@pytest.mark.parametrize("value", [float("nan"), np.inf, object()])
def test_what_json_has_no_word_for_is_refused_before_a_server_is_asked(
    connect: Callable[[Handler], Client], value: object
) -> None:
    client = connect(lambda _: pytest.fail("asked"))
    with pytest.raises(ClientError, match="cannot be told in JSON"):
        client.backtest("sma_cross", params={"fast": value})
