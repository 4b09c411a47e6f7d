"""Running and reading jobs in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from app.client import Client
from tests.browser.conftest import Browse, suits_everybody

RUN = {"params": {"fast": 10, "slow": 50}, "dataset": "fx_daily", "symbols": ["EURUSD"]}


@pytest.fixture(scope="module")
def job(client: Client) -> str:
    return str(client.backtest("sma_cross", **RUN).wait().id)


def test_a_job_that_is_posted_elsewhere_appears_by_itself(browse: Browse, client: Client) -> None:
    page = browse("jobs?tag=elsewhere")
    expect(page.get_by_text("No job is like that.")).to_be_visible()
    client.backtest("buy_and_hold", dataset="fx_daily", symbols=["EURUSD"], tags=["elsewhere"])
    row = page.get_by_role("row", name=re.compile("buy_and_hold"))
    expect(row).to_contain_text("succeeded")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("buy_and_hold on fx_daily")


def test_a_job_shows_the_figures_of_its_result(browse: Browse, client: Client, job: str) -> None:
    metrics = client.job(job).result().metrics
    page = browse(f"job/{job}")
    figures = page.locator("dl.figures")
    expect(figures).to_contain_text(f"{metrics['total_return'] * 100:.2f} %")
    expect(figures).to_contain_text(f"{metrics['sharpe']:.3f}")
    expect(page.get_by_role("img", name="Equity over drawdown").locator(".scatterlayer path.js-line")).to_have_count(2)
    expect(page.locator("#progress")).to_have_count(0)


def test_its_address_leads_to_the_same_view(browse: Browse, job: str) -> None:
    page = browse(f"job/{job}")
    page.get_by_role("tab", name="Trades").click()
    expect(page.get_by_role("region", name="trades").get_by_role("row").nth(1)).to_contain_text("EURUSD")
    address = page.url
    again = browse(address.partition("#/")[2])
    expect(again.get_by_role("tab", name="Trades")).to_have_attribute("aria-selected", "true")
    expect(again.get_by_role("region", name="trades").get_by_role("row").nth(1)).to_contain_text("EURUSD")


def test_provenance_leads_to_running_it_again_and_comparing(browse: Browse, job: str) -> None:
    page = browse(f"job/{job}?tab=origin")
    page.get_by_role("button", name="Run again and compare").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reproduce")
    expect(page.locator(".state.succeeded")).to_be_visible()


def test_a_job_that_does_not_exist_says_so(browse: Browse) -> None:
    page = browse("job/0123456789abcdef0123456789abcdef")
    expect(page.get_by_role("alert")).to_contain_text("no job")


@pytest.mark.parametrize(
    "screen", ["jobs", "job/{job}", "job/{job}?tab=trades", "job/{job}?tab=origin", "job/{job}?tab=log"]
)
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, job: str, screen: str) -> None:
    suits_everybody(browse(screen.format(job=job)))
