"""What a comparison says of every two results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.sweeps import done, submit

DAY = 86_400_000  # milliseconds
RNG = np.random.default_rng(11)
MARKET = RNG.normal(0.0004, 0.01, 600)
FIELDS = ("sharpe_difference", "interval", "p_value", "correlation", "drawdown_overlap")


def weekdays(count: int, first: str = "2020-01-01") -> np.ndarray:
    return np.busday_offset(first, np.arange(count), roll="forward")


def curve(days: np.ndarray, returns: np.ndarray, *, hours: int = 0) -> pa.Table:
    value = 1000.0 * np.cumprod(1.0 + returns)
    return table((days.astype("datetime64[ms]").astype(np.int64) + hours * 3_600_000), value)


def table(stamps: np.ndarray, value: np.ndarray) -> pa.Table:
    peak = np.maximum.accumulate(np.maximum(value, 1000.0))
    return pa.table(
        {
            "time": pa.array(stamps.tolist(), pa.timestamp("ms", "UTC")),
            "value": value.tolist(),
            "drawdown": (value / peak - 1.0).tolist(),
        }
    )


def stored(web: Any, equity: pa.Table, **result: Any) -> str:
    job_id = web.run()
    web.succeed(job_id, equity=equity, result=result)
    return str(job_id)


def compared(web: Any, *job_ids: str) -> dict[str, Any]:
    reply = web.get(f"/api/v1/backtest/comparison?job_ids={','.join(job_ids)}")
    assert reply.status_code == 200, reply.text
    return dict(reply.get_json())


def pair(web: Any, *job_ids: str) -> dict[str, Any]:
    (found,) = compared(web, *job_ids)["pairs"]
    return dict(found)


def sharpe(returns: np.ndarray, rate: float = 0.0) -> float:
    return float((returns.mean() - rate / 252) / returns.std(ddof=1) * math.sqrt(252))


def test_a_pair_says_how_sure_the_difference_is(web: Any) -> None:
    other = 0.5 * MARKET + np.random.default_rng(3).normal(0, 0.005, 600)
    a, b = stored(web, curve(weekdays(600), MARKET)), stored(web, curve(weekdays(600), other))
    found = pair(web, a, b)
    assert (found["a"], found["b"], found["bars"]) == (a, b, 600)
    # The first return is against the initial capital, which is not on the curve.
    assert found["sharpe_difference"] == pytest.approx(sharpe(MARKET[1:]) - sharpe(other[1:]), abs=1e-9)
    assert found["correlation"] == pytest.approx(np.corrcoef(MARKET[1:], other[1:])[0, 1], abs=1e-9)
    low, high = found["interval"]
    assert (low + high) / 2 == pytest.approx(found["sharpe_difference"])
    assert (low <= 0.0 <= high) == (found["p_value"] >= 0.05)
    swapped = pair(web, b, a)
    assert swapped["sharpe_difference"] == pytest.approx(-found["sharpe_difference"])
    assert swapped["p_value"] == pytest.approx(found["p_value"])
    assert swapped["drawdown_overlap"] == found["drawdown_overlap"]


def test_a_clear_difference_is_found_and_luck_is_not(web: Any) -> None:
    noise = np.random.default_rng(5).normal(0, 0.01, (3, 600))
    ids = [stored(web, curve(weekdays(600), noise[row] + drift)) for row, drift in enumerate((0.003, 0.0, 0.0))]
    clear, also, luck = compared(web, *ids)["pairs"]
    assert (clear["a"], clear["b"], luck["a"], luck["b"]) == (ids[0], ids[1], ids[1], ids[2])
    assert max(clear["p_value"], also["p_value"]) < 0.01 < luck["p_value"]
    assert clear["interval"][0] > 0.0


def test_each_account_has_its_own_risk_free_rate(web: Any) -> None:
    plain = stored(web, curve(weekdays(600), MARKET))
    above = stored(web, curve(weekdays(600), MARKET * 0.5), conventions={"risk_free_rate": 0.03})
    expected = sharpe(MARKET[1:]) - sharpe(MARKET[1:] * 0.5, 0.03)
    assert pair(web, plain, above)["sharpe_difference"] == pytest.approx(expected, abs=1e-9)


def test_only_common_days_count_at_whatever_hour_a_bar_ends(web: Any) -> None:
    days, late = weekdays(600), weekdays(600)[200:]
    a = stored(web, curve(days, MARKET))
    b = stored(web, curve(late, MARKET[200:], hours=20))
    found = pair(web, a, b)
    assert found["bars"] == 400
    assert found["correlation"] == pytest.approx(1.0)
    weekly = stored(web, curve(days[::5], np.full(120, 0.001) + MARKET[::5]))
    weeks = pair(web, a, weekly)
    assert weeks["bars"] == 120
    value = np.cumprod(1.0 + MARKET)[::5]
    ours, theirs = value[1:] / value[:-1] - 1.0, (0.001 + MARKET[::5])[1:]
    expected = (sharpe(ours) - sharpe(theirs)) * math.sqrt(52 / 252)
    assert weeks["sharpe_difference"] == pytest.approx(expected, abs=1e-9)


def test_of_a_day_with_many_bars_the_last_counts(web: Any) -> None:
    days = weekdays(100)
    daily = np.cumprod(1.0 + MARKET[:100]) * 1000.0
    stamps = (days.astype("datetime64[ms]").astype(np.int64)[:, None] + np.arange(3) * 3_600_000).ravel()
    value = np.column_stack((daily * 1.5, daily * 0.7, daily)).ravel()
    a, b = stored(web, table(stamps, value)), stored(web, table(stamps[2::3], daily))
    found = pair(web, a, b)
    assert (found["bars"], found["correlation"]) == (100, pytest.approx(1.0))
    # The same returns differ by nothing, and nothing has no error.
    assert (found["sharpe_difference"], found["interval"], found["p_value"]) == (None, None, None)


def test_days_under_water_together_are_counted_by_days_under_water_at_all(web: Any) -> None:
    days = weekdays(40)
    ours, theirs = np.full(40, 1000.0), np.full(40, 1000.0)
    ours[5:15], theirs[10:30] = 900.0, 950.0
    stamps = days.astype("datetime64[ms]").astype(np.int64)
    a, b = stored(web, table(stamps, ours)), stored(web, table(stamps, theirs))
    assert pair(web, a, b)["drawdown_overlap"] == 5 / 25
    flat = stored(web, table(stamps, np.full(40, 1000.0)))
    assert pair(web, a, flat)["drawdown_overlap"] == 0.0
    assert pair(web, flat, stored(web, table(stamps, np.full(40, 1000.0))))["drawdown_overlap"] is None


def test_what_is_not_defined_is_null_and_the_rest_is_told(web: Any) -> None:
    days = weekdays(600)
    lost = np.cumprod(1.0 + MARKET) * 1000.0
    lost[300:] = 0.0
    broken = np.cumprod(1.0 + MARKET) * 1000.0
    broken[7] = math.nan
    stamps = days.astype("datetime64[ms]").astype(np.int64)
    good = stored(web, curve(days, MARKET))
    ids = {
        "lost": stored(web, table(stamps, lost)),
        "broken": stored(web, table(stamps, broken)),
        "flat": stored(web, table(stamps, np.full(600, 1000.0))),
        "beyond": stored(web, table(stamps, np.where(np.arange(600) % 2, 1e200, 1.0))),
        "infinite": stored(web, table(stamps, np.where(np.arange(600) % 2, 1e300, 1e-300))),
        "short": stored(web, curve(days[:29], MARKET[:29])),
        "elsewhere": stored(web, curve(weekdays(600, "1990-01-01"), MARKET)),
    }
    body = compared(web, good, *ids.values())
    assert len(body["pairs"]) == 28
    found = {each["b"]: each for each in body["pairs"] if each["a"] == good}
    for name in ("lost", "broken", "flat", "beyond", "infinite"):
        assert found[ids[name]]["sharpe_difference"] is None, name
    assert found[ids["lost"]]["drawdown_overlap"] > 0.0
    for name, bars in (("short", 29), ("elsewhere", 0)):
        assert found[ids[name]]["bars"] == bars
        assert [found[ids[name]][field] for field in FIELDS] == [None] * 5


def test_thirty_days_are_enough(web: Any) -> None:
    a, b = (stored(web, curve(weekdays(30), MARKET[first : first + 30])) for first in (0, 30))
    assert pair(web, a, b)["p_value"] is not None


def test_a_sweep_is_compared_by_its_best_and_what_has_no_curve_is_missing(web: Any) -> None:
    best = done(web, submit(web))
    none = done(web, submit(web, constraints={"total_trades": {"min": 1_000_000}}))
    run = stored(web, curve(weekdays(600), MARKET))
    bare = web.run()
    web.succeed(bare)
    with web.services.store.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM artifacts WHERE job_id = ?", (bare,))
    body = compared(web, best["job_id"], none["job_id"], run, bare)
    assert [row["job_id"] for row in body["rows"]] == [best["job_id"], run]
    assert {item["id"]: item["reason"] for item in body["missing"]} == {
        none["job_id"]: "no_metrics",
        bare: "no_such_part",
    }
    (only,) = body["pairs"]
    assert only["bars"] == np.isin(weekdays(600).astype(str), [t[:10] for t in best["equity"]["time"]]).sum() > 500
    assert only["p_value"] is not None


def test_one_result_alone_has_no_pairs(web: Any) -> None:
    assert compared(web, stored(web, curve(weekdays(40), MARKET[:40])))["pairs"] == []
