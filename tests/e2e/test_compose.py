"""From files of series to a macro strategy's result, as a person does it: upload, compose, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

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


def monthly(path: Path, **values: float) -> Path:
    """Monthly series in percent, each known on the 12th of the month after."""
    months = np.arange("2022-06", "2023-09", dtype="datetime64[M]")
    lines = [
        f"{key},{month}-01,{month + 1}-12T12:30,{value},percent,75" for key, value in values.items() for month in months
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


def test_an_uploaded_calendar_is_what_a_strategy_of_meetings_trades_on(server: Any, tmp_path: Path) -> None:
    yields = np.where(np.arange(len(DAYS)) % 40 < 20, 4.0, 6.0)
    files = [
        published(tmp_path / "notes.csv", UST_2Y=yields, FED_FUNDS=4.5, SOFR=4.5),
        monthly(tmp_path / "prices.csv", US_CPI_YOY=4.0),
    ]
    meetings = tmp_path / "meetings.csv"
    days = DAYS[[60, 90, 120]]
    meetings.write_text("\n".join(["calendar,date,announced", *(f"FOMC,{day},2022-06-23" for day in days)]))
    asked = {"strategy_id": "RATES_05", "params": {"window": 40, "threshold": 0.5, "leave": 0.1}}
    with server.client() as client:
        names = [client.upload(path, name=f"fomc_{path.stem}")["dataset_id"] for path in files]
        client.compose("without_meetings", names).wait(60).result()
        blind = client.backtest(dataset="without_meetings", **asked).wait(60).result().trades
        calendars = client.upload(meetings, name="fomc_meetings")["calendars"]
        client.compose("with_meetings", [*names, "fomc_meetings"]).wait(60).result()
        seeing = client.backtest(dataset="with_meetings", **asked).wait(60).result().trades

    assert calendars == {"FOMC": {"start": str(days[0]), "end": str(days[-1]), "events": 3}}
    assert len(blind) == 0
    assert len(seeing) > 0
    for opened in np.array(seeing["entry_time"], dtype="datetime64[D]"):
        assert (np.abs(np.busday_count(opened, days)) <= 5).any()
