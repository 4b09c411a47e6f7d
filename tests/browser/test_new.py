"""Asking for a run in a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from app.client import Client
from tests.browser.conftest import Browse, caught, suits_everybody
from tests.serving import Server

EURO = {"dataset": "fx_daily", "symbols": ["EURUSD"]}
SLEEVES = [{"strategy_id": "sma_cross", "name": "a b", **EURO}, {"strategy_id": "buy_and_hold", **EURO}]


def test_a_run_is_asked_for_and_watched_to_its_end(browse: Browse, client: Client) -> None:
    page = browse("new?strategy=sma_cross")
    page.get_by_label("fast", exact=True).fill("7")
    page.get_by_label("Dataset", exact=True).select_option("fx_daily")
    page.get_by_label("Symbols", exact=True).select_option(["GBPUSD"])
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("sma_cross on fx_daily")
    expect(page.locator(".state.succeeded")).to_be_visible()
    found = client.job(page.url.rpartition("/")[2]).result().request
    assert (found["params"]["fast"], found["symbols"]) == (7, ["GBPUSD"])


def test_a_run_is_made_up_with_the_keyboard_alone(browse: Browse) -> None:
    page = browse("new")
    page.get_by_role("tab", name="Backtest").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Walk forward")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Sweep")).to_have_attribute("aria-selected", "true")
    strategy = page.get_by_label("Strategy", exact=True)
    strategy.focus()
    page.keyboard.press("d")
    expect(strategy).to_have_value("donchian_breakout")
    page.keyboard.press("ArrowDown")  # the list is still the one that the keyboard is in
    expect(strategy).to_have_value("ema_cross")
    expect(strategy).to_be_focused()


def test_a_mistake_is_told_at_its_input_and_cannot_be_posted(browse: Browse) -> None:
    page = browse("new?strategy=sma_cross")
    run = page.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_enabled()
    page.get_by_label("fast").fill("0")
    expect(page.get_by_label("fast")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert").first).to_contain_text("fast")
    expect(run).to_be_disabled()
    page.get_by_label("fast").fill("10")
    expect(run).to_be_enabled()
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_a_run_is_sent_once_and_again_when_it_was_refused(browse: Browse) -> None:
    page = browse("new?strategy=sma_cross&dataset=fx_daily")
    run = page.get_by_role("button", name="Run", exact=True)
    sent: list[Route] = []
    page.route("**/backtest/run", lambda route: sent.append(route))
    run.click()
    with page.expect_response("**/backtest/run?dry_run=true"):
        page.get_by_label("fast", exact=True).fill("7")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    page.get_by_label("fast", exact=True).press("Enter")
    caught(page, sent, 1)[0].fulfill(status=429, json={"code": "rate_limited", "detail": "Too many."})
    expect(page.locator(".toast")).to_contain_text("Too many.")  # what was sent is not what stands there
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    run.click()
    caught(page, sent, 2)[1].fulfill(status=429, json={"code": "rate_limited", "detail": "Too many."})
    expect(page.get_by_role("alert")).to_have_text("Too many.")
    expect(run).to_be_enabled()


def test_a_search_says_how_many_trials_it_is(browse: Browse) -> None:
    page = browse("new?kind=sweep&strategy=sma_cross&dataset=fx_daily")
    grid = page.locator("[data-pointer='/grid']")
    grid.get_by_label("fast").fill("5:50:5")
    grid.get_by_label("slow").fill("20,100,200")
    expect(page.get_by_text("30 trials")).to_be_visible()


def test_the_address_keeps_what_was_chosen(browse: Browse) -> None:
    page = browse("new")
    page.get_by_role("tab", name="Monte Carlo").click()
    page.get_by_label("Strategy", exact=True).select_option("buy_and_hold")
    expect(page).to_have_url(re.compile("kind=montecarlo&strategy=buy_and_hold"))
    page.reload()
    expect(page.get_by_role("tab", name="Monte Carlo")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Strategy", exact=True)).to_have_value("buy_and_hold")


@pytest.fixture(scope="module", params=["run", "sweep", "walkforward", "montecarlo", "portfolio"])
def asked(request: pytest.FixtureRequest, client: Client) -> tuple[str, str]:
    """A kind, and a finished job of it with fields that are not the usual ones."""
    config = {"commission_bps": 2.5, "stop_loss": 0.05}
    if request.param == "portfolio":
        job = client.portfolio(SLEEVES, allocation="inverse_volatility", lookback=60, config=config)
    else:
        more: dict[str, object] = {
            "run": {"params": {"fast": 9}},
            "sweep": {
                "grid": {"fast": {"start": 5, "stop": 15, "step": 5}},
                "constraints": {"total_trades": {"min": 2}},
            },
            "walkforward": {"grid": {"fast": [5, 9]}, "train_months": 36, "test_months": 24, "anchored": True},
            "montecarlo": {"method": "circular", "paths": 50, "block": 10, "seed": 3},
        }[request.param]
        method = {"run": "backtest"}.get(request.param, request.param)
        job = getattr(client, method)("sma_cross", **EURO, config=config, **more)
    return request.param, str(job.wait().id)


@pytest.mark.parametrize("way", ["CLI", "Python", "JSON"])
def test_the_same_request_elsewhere_is_the_same_job(
    browse: Browse, platform: Server, client: Client, asked: tuple[str, str], way: str
) -> None:
    kind, job = asked
    page = browse(f"new?like={job}")
    page.get_by_role("tab", name=way).click()
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    text = page.get_by_label("the request").inner_text()
    assert answered(kind, way, text, platform, client) == job


def answered(kind: str, way: str, text: str, platform: Server, client: Client) -> str:
    """The job that the platform answers with, out of the text as it stands: the same request is the same job."""
    if way == "JSON":
        return str(client.api("POST", f"/backtest/{kind}", body=json.loads(text))["job_id"])
    if way == "CLI":
        command = ["sh", "-c", text.replace(f"queuant {kind}", f"queuant {kind} --json --no-wait", 1)]
    else:
        command = [sys.executable, "-c", f"{text}\nprint(job.id)"]
    environment = {
        **os.environ,
        "QUEUANT_HOME": str(platform.home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["job_id"]) if way == "CLI" else ran.stdout.split()[-1]


@pytest.mark.parametrize("kind", ["run", "sweep", "portfolio"])
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, kind: str) -> None:
    page = browse(f"new?kind={kind}")
    expect(page.get_by_label("the request")).to_be_visible()
    suits_everybody(page)
