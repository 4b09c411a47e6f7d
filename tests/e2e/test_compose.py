"""From files of series to a macro strategy's result, as a person does it: upload, compose, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("server")

DAYS = np.busday_offset("2023-01-02", np.arange(160), roll="forward")


def published(path: Path, **values: Any) -> Path:
    """Daily series in percent, each known at noon of the next day."""
    lines = [
        f"{key},{day},{day + 1}T12:00,{value:.4f},percent,7"
        for key, row in values.items()
        for day, value in zip(DAYS, np.broadcast_to(row, len(DAYS)), strict=True)
    ]
    path.write_text("\n".join(["key,observed,available,value,unit,stale_days", *lines]))
    return path


def test_uploaded_series_are_composed_and_traded_by_workers(server: Any, tmp_path: Path) -> None:
    yields = published(tmp_path / "yields.csv", DI_1Y=np.linspace(16.0, 7.0, len(DAYS)), CDI=13.65)
    survey = published(tmp_path / "survey.csv", FOCUS_IPCA_12M=5.0, INFLATION_TARGET=3.25)
    with server.client() as client:
        versions = [client.upload(path, name=path.stem)["version"] for path in (yields, survey)]
        made = client.compose("desk", ["yields", "survey"]).wait(60).result()
        result = client.backtest("RATES_BR_02", dataset="desk").wait(60).result()
        trades = result.trades

    assert [item["dataset_version"] for item in made.provenance["inputs"]] == versions[::-1]
    assert result.provenance["dataset_version"] == made.provenance["dataset_version"]
    assert len(trades) > 1
    assert set(trades["side"]) == {"long", "short"}
