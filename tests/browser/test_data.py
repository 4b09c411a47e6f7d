"""Datasets, uploads, fetches, series and curves in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app.client import Client
from tests.browser.conftest import Browse, suits_everybody

HEADER = "date,symbol,open,high,low,close,volume"


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of bars that fall to a half on one day, as a split leaves them."""
    rows = [
        f"2024-0{1 + day // 28}-{1 + day % 28:02},AAA,{p},{p + 1},{p - 1},{p},100" for day, p in enumerate(prices())
    ]
    path = tmp_path_factory.mktemp("files") / "halved.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def prices() -> list[float]:
    return [50.0 + day % 5 for day in range(28)] + [26.0 + day % 3 for day in range(28)]


def upload(page: Page, path: Path) -> None:
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Upload").click()


def test_a_file_is_uploaded_and_what_was_read_and_found_is_told(browse: Browse, halved: Path) -> None:
    page = browse("data?tab=add")
    upload(page, halved)
    card = page.locator(".card", has_text="Upload a file")
    expect(card).to_contain_text("It was read, and is a new version.")
    expect(card).to_contain_text("2024-01-01 to 2024-02-28")
    expect(card).to_contain_text("looks like a split")
    upload(page, halved)
    expect(card).to_contain_text("These data are there already")
    card.get_by_role("link", name="Look at it").click()
    row = page.get_by_role("region", name="findings").get_by_role("row", name=re.compile("split suspected"))
    row.click()
    expect(page).to_have_url(re.compile("from=2023-12"))
    expect(page.get_by_role("img", name="Prices").locator(".boxes path.box")).to_have_count(28 * 2)


def test_a_file_that_is_dropped_and_wrong_is_refused_with_row_and_column(browse: Browse) -> None:
    page = browse("data?tab=add")
    rows = [HEADER, "2024-01-02,AAA,10,11,9,10.5,1200", "2024-01-03,AAA,10.5,9,10,11,1500"]
    files = page.evaluate_handle(
        """text => {
            const data = new DataTransfer();
            data.items.add(new File([text], "crossed prices.csv", { type: "text/csv" }));
            return data;
        }""",
        "\n".join(rows),
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": files})
    expect(page.locator("[name=name]")).to_have_value("crossed_prices")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Row 3, column 'high'")
    expect(page.locator(".card", has_text="Upload a file")).to_contain_text("Nothing was kept.")


def test_data_are_fetched_by_a_job_that_is_followed_on_the_spot(browse: Browse) -> None:
    page = browse("data?tab=add&source=arch")
    page.locator("summary").click()
    page.get_by_role("button", name="SP500").click()
    page.get_by_label("Becomes the dataset").fill("fetched_here")
    page.get_by_label("First day").fill("2015-01-01")
    page.get_by_label("Last day").fill("2014-01-01")
    page.get_by_role("button", name="Fetch", exact=True).click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    page.get_by_label("Last day").fill("2016-01-01")
    page.get_by_role("button", name="Fetch", exact=True).click()
    page.get_by_role("link", name="Look at fetched_here").click()
    expect(page.locator("header").last).to_contain_text("fetched_here@")


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A yield, the rate that pays for it under a name of its own, and another yield without one."""
    days = np.busday_offset("2024-01-01", np.arange(60), roll="forward").astype(str)
    figures = {"UST_2Y": 4.4, "OVERNIGHT": 5.05, "DI_1Y": 11.0}
    lines = [f"{key},{day},{day}T21:00,{figure},percent" for day in days for key, figure in figures.items()]
    path = tmp_path_factory.mktemp("files") / "rates.csv"
    path.write_text("\n".join(["key,observed,available,value,unit", *lines]))
    return path


def test_a_dataset_is_composed_and_what_would_come_of_it_is_told_before(
    browse: Browse, client: Client, rates: Path
) -> None:
    client.upload(rates, name="rates")
    page = browse("data?tab=add")
    card = page.locator(".card", has_text="Compose from other datasets")
    card.get_by_label("Made of").select_option("rates")
    expect(card.get_by_role("alert").first).to_contain_text("name is missing")
    card.get_by_label("Composed dataset").fill("traded_rates")
    expect(card.get_by_label("Made of")).to_have_attribute("aria-invalid", "true")
    expect(card).to_contain_text("UST_2Y is not traded: it needs SOFR too.")
    card.get_by_label("Renamed").fill("OVERNITE=SOFR")
    expect(card.get_by_label("Renamed")).to_have_attribute("aria-invalid", "true")
    card.get_by_label("Renamed").fill("OVERNIGHT=SOFR")
    expect(card.get_by_role("status").first).to_contain_text("3 series of 1 dataset. To trade: UST_2Y.")
    expect(card).to_contain_text("DI_1Y is not traded: it needs CDI too.")
    card.get_by_role("button", name="Compose").click()
    card.get_by_role("link", name="Look at traded_rates").click()
    expect(page.locator("header").last).to_contain_text("traded_rates@")


def test_zooming_in_asks_for_the_bars_that_were_left_out(browse: Browse) -> None:
    page = browse("data/sp500_daily")
    told = page.locator(".card", has=page.get_by_role("img", name="Prices"))
    expect(told).to_contain_text("5,031 bars from 1999-01-04 to 2018-12-31, drawn by")
    page.goto(page.url.partition("?")[0] + "?symbol=SP500&from=2008-01-01&to=2008-12-31")
    expect(told).to_contain_text("253 bars from 2008-01-02 to 2008-12-31.")
    told.get_by_role("button", name="Whole range").click()
    expect(told).to_contain_text("5,031 bars")


def test_a_series_is_shown_as_it_was_known_on_a_day(browse: Browse) -> None:
    page = browse("data?tab=series&key=IPCA_MOM&dataset=macro_synthetic")
    newest = page.get_by_role("region", name="values").get_by_role("row").nth(1)
    expect(newest).to_contain_text("2024-11")
    page.locator("input[type=date]").fill("2015-04-08")
    expect(newest).to_contain_text("2015-02")
    expect(page.locator(".notice")).to_contain_text("synthetic")
    page.get_by_label("Find").fill("soybeans")
    page.get_by_role("region", name="series").get_by_role("row", name=re.compile("SOY")).click()
    expect(page.get_by_role("heading", name=re.compile("^SOY"))).to_be_visible()
    expect(page).to_have_url(re.compile("key=SOY"))


def test_a_yield_curve_is_shown_beside_that_of_another_day(browse: Browse) -> None:
    page = browse("data?tab=curves&curve=DI+macro_synthetic&date=2015-06-01&beside=2014-06-02")
    rows = page.get_by_role("region", name="tenors").get_by_role("row")
    expect(rows).to_have_count(9)
    expect(rows.first).to_contain_text("Change since 2014-06-02")
    page.get_by_role("button", name="Day after").click()
    expect(page).to_have_url(re.compile("date=2015-06-02"))
    expect(rows.nth(1)).to_contain_text("2015-06-02")


@pytest.mark.parametrize(
    "screen", ["data", "data?tab=add&source=fred", "data?tab=series", "data?tab=curves", "data/macro_synthetic"]
)
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, screen: str) -> None:
    suits_everybody(browse(screen))
