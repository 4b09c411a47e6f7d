"""The tests of a walk forward: where they overlap or leave months out, beside a benchmark, and with nothing chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import strategies
from app import walkforward
from app.contracts import load_bars
from engine import Bars, Config, backtest
from engine.sweep import sweep
from engine.sweep.combining import run_of
from tests.integration.web.test_walkforward_routes import BODY, MONTHS, WALK, done, submit
from tests.sweeps import work

YEAR = {"train_months": 12, "test_months": 6}


def bars_of(web: Any, found: dict[str, Any], **more: Any) -> Bars:
    return load_bars({**found["request"], **more}, web.services.catalog)


def grown(web: Any, found: dict[str, Any], ends: list[int]) -> list[float]:
    """Growth at every bar of the tests, each of them until bar `ends`, made of single runs."""
    bars, config = bars_of(web, found), Config(**found["request"]["config"])
    level, growth = 1.0, []
    for fold, end in zip(found["walkforward"]["folds"], ends, strict=True):
        first, split = (int(np.searchsorted(bars.time, day(fold[part]["start"]))) for part in ("train", "test"))
        seen = bars.select(start=bars.time[first], end=bars.time[end - 1])
        weights = strategies.get("sma_cross").bind(**fold["params"])(seen)[split - first :]
        ledger = run_of(seen.select(start=bars.time[split]), weights, config).ledger
        growth += (level * ledger.equity / ledger.initial_capital).tolist()
        level = growth[-1]
    return growth


def day(text: str) -> np.datetime64:
    return np.datetime64(text.removesuffix("Z"), "ns")


def edges(web: Any, found: dict[str, Any], side: str, part: str = "test") -> list[int]:
    """The bars at which tests begin or end."""
    time = bars_of(web, found).time
    return [int(np.searchsorted(time, day(fold[part][side]))) for fold in found["walkforward"]["folds"]]


def test_a_test_gives_way_when_the_next_one_begins(web: Any) -> None:
    found = done(web, submit(web, **YEAR, step_months=2))
    begins, ends = edges(web, found, "start"), edges(web, found, "end")

    assert len(begins) == 22
    assert all(begin < end for begin, end in zip(begins[1:], ends, strict=False))
    assert found["bars"] == ends[-1] + 1 - begins[0]
    expected = grown(web, found, [*begins[1:], ends[-1] + 1])
    assert np.array(found["equity"]["value"]) / 1e5 == pytest.approx(np.array(expected), rel=1e-12)
    # What is told of a fold is its whole test.
    assert all(fold["test"]["bars"] > 120 for fold in found["walkforward"]["folds"])


def test_months_between_tests_are_not_in_the_curve(web: Any) -> None:
    found = done(web, submit(web, **YEAR, step_months=9))
    begins, ends = edges(web, found, "start"), edges(web, found, "end")

    assert all(begin > end + 1 for begin, end in zip(begins[1:], ends, strict=False))
    assert found["bars"] == sum(fold["test"]["bars"] for fold in found["walkforward"]["folds"])
    expected = grown(web, found, [end + 1 for end in ends])
    assert np.array(found["equity"]["value"]) / 1e5 == pytest.approx(np.array(expected), rel=1e-12)
    times = bars_of(web, found).time
    shown = np.array([day(text) for text in found["equity"]["time"]])
    rows = [np.arange(*pair) for pair in zip(begins, (end + 1 for end in ends), strict=True)]
    assert (shown == times[np.concatenate(rows)]).all()


def test_folds_and_curve_stand_beside_the_benchmark(web: Any) -> None:
    found = done(web, submit(web, **{**MONTHS, "train_months": 48}, benchmark="USDJPY"))
    bars, against = bars_of(web, found), bars_of(web, found, symbols=["USDJPY"])
    (fold,) = found["walkforward"]["folds"]
    part = bars.select(end=day(fold["train"]["end"]))
    bound = strategies.get("sma_cross").bind(**fold["params"])

    alone = backtest(part, bound, Config(**found["request"]["config"]), benchmark=against)
    assert fold["in_sample"] == alone.metrics
    assert fold["in_sample"]["beta"] is not None
    assert fold["out_of_sample"] == found["metrics"]
    closes = against.select(start=day(fold["test"]["start"])).close[:, 0]
    earned = np.diff(found["equity"]["value"], prepend=1e5) / np.array([1e5, *found["equity"]["value"][:-1]])
    held = np.concatenate(([0.0], closes[1:] / closes[:-1] - 1.0))
    assert found["metrics"]["beta"] == pytest.approx(np.cov(earned, held)[0, 1] / held.var(ddof=1), rel=1e-9)


def test_where_no_trial_keeps_to_the_constraints_nothing_is_held(web: Any) -> None:
    free = done(web, submit(web, **MONTHS, objective="total_return"))["walkforward"]["folds"]
    promised = sorted(fold["in_sample"]["total_return"] for fold in free)
    least = {"total_return": {"min": (promised[0] + promised[1]) / 2.0}}
    found = done(web, submit(web, **MONTHS, objective="total_return", constraints=least))
    block = found["walkforward"]

    (empty,) = [fold for fold in block["folds"] if fold["trial"] is None]
    assert (empty["params"], empty["in_sample"]) == (None, None)
    assert (empty["out_of_sample"]["total_return"], empty["out_of_sample"]["total_trades"]) == (0.0, 0)
    assert block["parameters"]["fast"]["values"][empty["fold"]] is None
    held = [fold for fold in block["folds"] if fold["trial"] is not None]
    assert held == [fold for fold in free if fold["fold"] != empty["fold"]]
    growth = np.prod([1.0 + fold["out_of_sample"]["total_return"] for fold in held])
    assert found["metrics"]["total_return"] == pytest.approx(growth - 1.0, rel=1e-12)


@pytest.mark.parametrize("plan", [MONTHS, {"cpcv": {"groups": 4, "test_groups": 2}}])
def test_a_walk_in_which_nothing_is_chosen_at_all_fails(web: Any, plan: Any) -> None:
    job_id = submit(web, **plan, constraints={"sharpe": {"min": 100.0}})
    work(web)

    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert (job["status"], job["error"]["code"]) == ("failed", "nothing_chosen")
    assert web.get(f"/api/v1/jobs/{job_id}/result").status_code == 409


def test_splits_in_which_nothing_is_chosen_leave_their_groups_flat(web: Any) -> None:
    plan = {"cpcv": {"groups": 4, "test_groups": 1}}
    free = done(web, submit(web, **plan))["walkforward"]["folds"]
    promised = sorted(fold["in_sample"]["sharpe"] for fold in free)
    least = {"sharpe": {"min": (promised[0] + promised[1]) / 2.0}}
    found = done(web, submit(web, **plan, constraints=least))

    (empty,) = [fold for fold in found["walkforward"]["folds"] if fold["trial"] is None]
    assert empty["out_of_sample"]["total_return"] == 0.0
    (group,) = empty["test_groups"]
    stretch = found["walkforward"]["groups"][group]
    within = [stretch["start"] <= text <= stretch["end"] for text in found["equity"]["time"]]
    assert sum(within) == stretch["bars"]
    assert len(set(np.array(found["equity"]["value"])[within])) == 1


@pytest.mark.parametrize("anchored", [False, True])
def test_hindsight_is_the_best_of_a_sweep_over_the_bars_of_all_tests(web: Any, anchored: bool) -> None:
    found = done(web, submit(web, **YEAR, anchored=anchored))
    first, last = found["walkforward"]["folds"][0], found["walkforward"]["folds"][-1]
    part = bars_of(web, found).select(start=day(first["test"]["start"]), end=day(last["test"]["end"]))

    trials = [{"fast": fast, "slow": slow} for fast in (5, 10, 20) for slow in (40, 80)]
    swept = sweep(part, strategies.get("sma_cross"), trials, Config(**found["request"]["config"]))
    best = int(np.nanargmax(swept["sharpe"]))
    hindsight = found["walkforward"]["hindsight"]
    assert hindsight["trial"] == best
    for name, figure in hindsight["figures"].items():
        assert figure == swept[name][best], name


def test_an_embargo_of_a_walk_is_said_to_drop_nothing(web: Any) -> None:
    found = done(web, submit(web, **MONTHS, embargo=5))

    assert any("embargo of 5 bars dropped nothing" in text for text in found["warnings"])
    assert found["walkforward"]["folds"] == done(web, submit(web, **MONTHS))["walkforward"]["folds"]


@pytest.mark.parametrize(
    ("limit", "plan", "code"),
    [
        ("MOST_RUNS", MONTHS, "sweep_too_large"),
        ("MOST_JOINED", {"cpcv": {"groups": 4, "test_groups": 2}}, "sweep_too_large"),
        ("MOST_PIECES", {"cpcv": {"groups": 4, "test_groups": 2}}, "sweep_too_large"),
        ("MOST_PATH_CELLS", {"cpcv": {"groups": 4, "test_groups": 2}}, "too_many_folds"),
    ],
)
def test_a_walk_that_is_too_large_is_refused(
    web: Any, monkeypatch: pytest.MonkeyPatch, limit: str, plan: Any, code: str
) -> None:
    monkeypatch.setattr(walkforward, limit, 10)
    reply = web.post(WALK, {**BODY, **plan})

    assert (reply.status_code, reply.get_json()["code"]) == (422, code), reply.text
