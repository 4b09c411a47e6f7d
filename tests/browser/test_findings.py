"""Reading in a browser what searches, walks, Monte Carlos and portfolios found, and comparing results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from app.client import Client
from tests.browser.conftest import Browse, caught, suits_everybody

EURUSD: dict[str, Any] = {"dataset": "fx_daily", "symbols": ["EURUSD"]}
GRID = {"fast": [5, 10, 20], "slow": [40, 80, 120]}


@pytest.fixture(scope="module")
def jobs(client: Client) -> dict[str, str]:
    """One job of every kind that has a tab of its own, by the name of the tab."""
    queued = {
        "search": client.sweep("sma_cross", grid=GRID, objective=["sharpe", "max_drawdown"], **EURUSD),
        "none": client.sweep("sma_cross", grid=GRID, constraints={"total_trades": {"min": 100_000}}, **EURUSD),
        "line": client.sweep("sma_cross", grid={"slow": [40, 80, 120]}, **EURUSD),
        "walk": client.walkforward("sma_cross", grid=GRID, train_months=60, test_months=24, **EURUSD),
        "crossed": client.walkforward("sma_cross", grid=GRID, cpcv={"groups": 6, "test_groups": 2}, **EURUSD),
        "paths": client.montecarlo("sma_cross", paths=200, **EURUSD),
        "costs": client.montecarlo("sma_cross", method="costs", paths=20, **EURUSD),
        "sleeves": client.portfolio(
            [{"strategy_id": "sma_cross", "name": "euro"} | EURUSD, {"strategy_id": "CROSS_01", "name": "made up"}]
        ),
        "run": client.backtest("buy_and_hold", dataset="fx_daily", symbols=["GBPUSD"]),
        "synthetic": client.backtest("CROSS_01"),
    }
    return {name: str(job.wait().id) for name, job in queued.items()}


def test_a_search_says_what_its_best_is_worth(browse: Browse, client: Client, jobs: dict[str, str]) -> None:
    sweep = client.job(jobs["search"]).result().data["sweep"]
    page = browse(f"job/{jobs['search']}?tab=search")
    expect(page.get_by_text("9 trials made, 0 failed")).to_be_visible()
    expect(page.get_by_text(sweep["statistics"]["sentence"])).to_be_visible()
    best = page.get_by_role("region", name="the best trials").get_by_role("row").nth(1)
    expect(best).to_contain_text(f"{sweep['best']['figures']['sharpe']:.3f}".rstrip("0"))


def test_a_trial_of_the_map_becomes_a_run_of_its_own(browse: Browse, client: Client, jobs: dict[str, str]) -> None:
    page = browse(f"job/{jobs['search']}?tab=search&x=slow&y=fast&figure=total_return")
    picture = page.get_by_role("img", name=re.compile("^Total return over slow and fast"))
    cells = picture.locator(".nsewdrag")
    box = cells.bounding_box()
    assert box is not None
    cells.click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.1})
    expect(page.get_by_role("heading", name="Trial 8")).to_be_visible()
    page.get_by_role("button", name="Run this one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("sma_cross on fx_daily")
    expect(page.locator(".state.succeeded")).to_be_visible()
    request = client.job(page.url.rpartition("/")[2]).result().data["request"]
    assert request["params"] == {"fast": 20, "slow": 120, "side": "long"}
    assert request["symbols"] == ["EURUSD"]


def test_limits_on_an_axis_pick_trials_and_stay_in_the_address(browse: Browse, jobs: dict[str, str]) -> None:
    page = browse(f"job/{jobs['search']}?tab=search")
    page.get_by_text("Limits", exact=True).click()
    page.get_by_label("fast at most").fill("5")
    page.get_by_label("fast at most").press("Tab")
    expect(page.get_by_label("slow at least")).to_be_focused()
    expect(page.get_by_text("3 within the limits")).to_be_visible()
    expect(page.get_by_role("region", name="trials", exact=True).get_by_role("row")).to_have_count(4)
    again = browse(page.url.partition("#/")[2])
    expect(again.get_by_text("3 within the limits")).to_be_visible()
    again.get_by_role("button", name="Clear the limits").click()
    expect(again.get_by_text("within the limits")).to_have_count(0)


def test_dragging_along_an_axis_limits_it(browse: Browse, jobs: dict[str, str]) -> None:
    page = browse(f"job/{jobs['search']}?tab=search")
    axis = page.locator("svg.lines .hold").nth(1)
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] * 0.2)
    page.mouse.up()
    expect(page.get_by_text("3 within the limits")).to_be_visible()
    expect(page).to_have_url(re.compile("limits=slow"))


@pytest.fixture
def long_search(client: Client) -> Iterator[str]:
    job = client.sweep("bollinger_reversion", dataset="fx_daily", random={"trials": 20_000})
    yield str(job.id)
    if client.job(job.id).status == "running":
        job.cancel()


def test_a_search_fills_while_it_runs_and_keeps_what_it_had_when_cancelled(browse: Browse, long_search: str) -> None:
    page = browse(f"job/{long_search}")
    expect(page.get_by_text(re.compile(r"[1-9][\d,]* trials so far"))).to_be_visible()
    expect(page.locator("svg.lines path.best")).to_have_attribute("d", re.compile("^M"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("made until it ended")).to_be_visible()
    expect(page.get_by_role("region", name="trials", exact=True).get_by_role("row").nth(1)).to_be_visible()


def test_folds_say_whether_the_choice_held_up(browse: Browse, client: Client, jobs: dict[str, str]) -> None:
    found = client.job(jobs["walk"]).result().walkforward
    page = browse(f"job/{jobs['walk']}?tab=walk")
    expect(page.get_by_text(f"In {found['held_up']['above_zero']} of {len(found['folds'])} tests")).to_be_visible()
    expect(page.get_by_role("region", name="folds").get_by_role("row")).to_have_count(len(found["folds"]) + 1)
    picture = page.get_by_role("img", name="Sharpe ratio of every training and its test")
    expect(picture.locator(".scatterlayer .points path.point")).to_have_count(2 * len(found["folds"]))


def test_a_cross_validation_shows_its_paths(browse: Browse, client: Client, jobs: dict[str, str]) -> None:
    found = client.job(jobs["crossed"]).result().walkforward["paths"]
    page = browse(f"job/{jobs['crossed']}?tab=walk")
    expect(page.get_by_text(f"{len(found['sharpe'])} paths through the whole history")).to_be_visible()
    bars = page.get_by_role("img", name="Sharpe ratio of every path").locator(".barlayer .point")
    expect(bars).to_have_count(len(found["sharpe"]))
    curves = page.get_by_role("img", name="Equity of every path")
    expect(curves).to_contain_text("the median path, which is shown")
    expect(curves.locator(".scatterlayer path.js-line").first).to_be_visible()


def test_paths_tell_what_may_have_been(browse: Browse, client: Client, jobs: dict[str, str]) -> None:
    found = client.job(jobs["paths"]).result().montecarlo
    page = browse(f"job/{jobs['paths']}?tab=paths")
    expect(page.get_by_text(found["meaning"])).to_be_visible()
    expect(page.get_by_text(found["caveat"])).to_be_visible()
    expect(page.locator("dl.figures")).to_contain_text(f"{found['probability_of_loss']['probability'] * 100:.1f} %")
    costs = browse(f"job/{jobs['costs']}?tab=paths")
    expect(costs.get_by_role("region", name="costs multiplied").get_by_role("row")).to_have_count(10)


def test_sleeves_are_marked_where_their_data_are_made_up(browse: Browse, jobs: dict[str, str]) -> None:
    page = browse(f"job/{jobs['sleeves']}?tab=sleeves")
    rows = page.get_by_role("region", name="sleeves")
    expect(rows.get_by_role("row", name=re.compile("^made up"))).to_contain_text("synthetic")
    expect(rows.get_by_role("row", name=re.compile("^euro"))).not_to_contain_text("synthetic")
    expect(page.get_by_text("The worst of the data is synthetic")).to_be_visible()


def test_results_are_chosen_and_stand_side_by_side(browse: Browse, jobs: dict[str, str]) -> None:
    page = browse(f"compare?jobs={jobs['run']}")
    expect(page.get_by_text("Add another one to compare with.")).to_be_visible()
    page.get_by_label("Recent results").select_option(jobs["search"])
    page.get_by_role("button", name="Add").click()
    row = page.get_by_role("region", name="figures side by side").get_by_role("row", name=re.compile("^Max drawdown -"))
    expect(row.get_by_text("★")).to_have_count(1)
    expect(page.get_by_role("region", name="every two").get_by_role("row")).to_have_count(2)
    asked = page.get_by_role("region", name="differences of the requests")
    expect(asked.get_by_role("row", name=re.compile("^strategy_id"))).to_contain_text("buy_and_hold")
    again = browse(page.url.partition("#/")[2])
    expect(again.locator(".chips li")).to_have_count(2)
    again.get_by_role("button", name="Take B away").click()
    expect(again.locator(".chips li")).to_have_count(1)
    assert jobs["search"] not in again.url


def test_a_choice_that_was_not_answered_does_not_come_back_over_a_newer_one(
    browse: Browse, jobs: dict[str, str]
) -> None:
    page = browse("jobs")
    late: list[Route] = []
    ways = iter([lambda route: route.abort(), lambda route: late.append(route)])
    page.route("**/backtest/comparison?*", lambda route: next(ways, lambda route: route.continue_())(route))
    page.evaluate(f"location.hash = '#/compare?jobs={jobs['run']}'")
    expect(page.get_by_role("alert")).to_have_text("The server does not answer.")
    with page.expect_request("**/backtest/comparison?*"):
        pass
    page.get_by_label("Recent results").select_option(jobs["search"])
    page.get_by_role("button", name="Add").click()
    caught(page, late, 1)[0].continue_()
    expect(page.locator(".chips li")).to_have_count(2)


def test_what_cannot_be_compared_is_named_with_the_reason(browse: Browse, jobs: dict[str, str]) -> None:
    page = browse(f"compare?jobs={jobs['synthetic']},{'0' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("no job")
    expect(page.get_by_text("A is computed from synthetic data")).to_be_visible()


def test_nothing_to_compare_says_what_to_do(browse: Browse) -> None:
    page = browse("compare")
    expect(page.get_by_text("Nothing is chosen.")).to_be_visible()


@pytest.mark.parametrize(
    "screen",
    [
        "job/{search}?tab=search&limits=slow:80:,fast:NaN:",
        "job/{none}?tab=origin",
        "job/{line}?tab=search",
        "job/{walk}?tab=walk",
        "job/{crossed}?tab=walk",
        "job/{paths}?tab=paths",
        "job/{sleeves}?tab=sleeves",
        "compare?jobs={run},{search},{synthetic}",
    ],
)
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, jobs: dict[str, str], screen: str) -> None:
    suits_everybody(browse(screen.format(**jobs)))
