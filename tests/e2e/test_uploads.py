"""From a file to a result, as a person does it: upload, run, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.client import ApiError

MINE = {"name": "mine", "quality": "synthetic", "source": "A ruler"}


def test_an_uploaded_file_runs_in_a_worker_that_was_there_before(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = [
        f"2020-{month:02d}-{day:02d},{symbol},{price},{price + 1},{price - 1},{price},1000"
        for month in range(1, 7)
        for day in range(1, 29)
        for symbol, price in (("A", 100 + 28 * month + day), ("B", 50 + day))
    ]
    path.write_text("\n".join(["Date,Ticker,Open,High,Low,Close,Volume", *rows]))
    with server.client() as client:
        kept = client.upload(path, **MINE)
        result = client.backtest("buy_and_hold", dataset="mine", symbols=["A"]).wait(60).result()
        assert client.upload(path, **MINE) == kept
        path.write_text("date,A\n2020-01-01,x\n")
        with pytest.raises(ApiError, match="Row 2, column 'A' is 'x'"):
            client.upload(path, **MINE)
    provenance = result.data["provenance"]
    assert (provenance["dataset_id"], provenance["dataset_version"]) == ("mine", kept["version"])
    assert (provenance["quality"], provenance["source"]) == ("synthetic", "A ruler")
    assert result.data["bars"] == 6 * 28
    assert result.metrics["total_return"] > 0.9
