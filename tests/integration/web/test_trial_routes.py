"""The trials of a search as a picture needs them: the best first, and a figure over one or two parameters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sweeps import GRID, done, submit, trials


def test_a_cell_of_a_surface_names_its_best_trial(web: Any) -> None:
    job_id = submit(web, grid={**GRID, "side": ["long", "both"]})
    done(web, job_id)
    for take in ("best", "mean"):
        query = {"x": "fast", "y": "slow", "take": take}
        told = web.get(f"/api/v1/jobs/{job_id}/surface", query_string=query).get_json()
        cells = {(x, y): told["trial"][i][j] for i, y in enumerate(told["y"]) for j, x in enumerate(told["x"])}
        best: dict[Any, Any] = dict.fromkeys(cells)
        for row in trials(web, job_id, sort="-sharpe")["trials"]:
            where = (row["params"]["fast"], row["params"]["slow"])
            best[where] = row["trial"] if best[where] is None else best[where]
        assert cells == best


def test_a_surface_tells_many_numbers_in_stretches(web: Any) -> None:
    draws = {"grid": {"fast": {"low": 2, "high": 40}, "slow": {"low": 41, "high": 200}}, "random": {"trials": 60}}
    job_id = done(web, submit(web, draws))["job_id"]
    told = web.get(f"/api/v1/jobs/{job_id}/surface?bins=4").get_json()
    rows = trials(web, job_id)["trials"]
    low, high = (pick(row["params"]["fast"] for row in rows) for pick in (min, max))
    step = (high - low) / 4
    assert told["x"] == pytest.approx([low + step * (at + 0.5) for at in range(4)])
    best = max(rows, key=lambda row: row["figures"]["sharpe"])
    assert max(value for line in told["z"] for value in line if value is not None) == best["figures"]["sharpe"]
    column = min(int((best["params"]["fast"] - low) / step), 3)
    assert best["trial"] in [line[column] for line in told["trial"]]


def test_the_surface_of_one_parameter_is_a_line(web: Any) -> None:
    job_id = done(web, submit(web, grid={"slow": GRID["slow"]}))["job_id"]
    told = web.get(f"/api/v1/jobs/{job_id}/surface").get_json()
    rows = trials(web, job_id)["trials"]
    assert (told["x"], told["y"]) == ([row["params"]["slow"] for row in rows], [None])
    assert told["z"] == [[row["figures"]["sharpe"] for row in rows]]
    assert told["trial"] == [[row["trial"] for row in rows]]


def test_trials_come_best_first_as_the_search_ranks_them(web: Any) -> None:
    asked = {"objective": "annual_volatility", "constraints": {"total_trades": {"min": 25, "max": 60}}}
    job_id = submit(web, **asked)
    sweep = done(web, job_id)["sweep"]
    told = trials(web, job_id, sort="best")
    assert (told["axes"], told["objective"]) == (["fast", "slow"], ["annual_volatility"])
    assert told["better"] | {"annual_volatility": "lower", "sharpe": "higher", "total_trades": "none"} == told["better"]
    first = [row["trial"] for row in told["trials"]]
    assert first[: len(sweep["top"])] == [row["trial"] for row in sweep["top"]]
    kept = [25 <= row["figures"]["total_trades"] <= 60 for row in told["trials"]]
    assert kept == sorted(kept, reverse=True)
    assert not all(kept)
    alone = trials(web, job_id, trial=first[3])
    assert [row["trial"] for row in alone["trials"]] == [first[3]]
    assert (alone["total"], alone["next"]) == (told["total"], None)
