"""Names and texts that somebody chose to break the page: markup, quotes, links, words without an end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app.client import Client
from tests.browser.conftest import PHONE, Browse, go
from tests.serving import Server, serving, until

MARKUP = "<img src=x onerror=owned()><b style='color:red'>\"%{x}&lt;i&gt;"
SYMBOL = MARKUP[:64]
LONG = "w" * 200
SAID = f"{MARKUP} <a href='javascript:owned()'>\u202e {LONG}"
OWN = f"""
import numpy as np

from engine import strategy


@strategy(family={SAID!r}, source={SAID!r}, dataset="hostile")
def shouter(bars):
    {SAID!r}
    return np.where(np.diff(bars.close, axis=0, prepend=bars.close[:1]) < 0, -0.1, 0.1)


@strategy(family="house", source="house", dataset="hostile")
def raiser(bars):
    {SAID!r}
    raise ValueError({SAID!r})
"""
DAYS = np.busday_offset("2026-01-02", np.arange(120), roll="forward")
QUOTED = '"' + SYMBOL.replace('"', '""') + '"'
OFTEN = {"QUEUANT_SIGNALS_SECONDS": "0.5", "QUEUANT_ALERTS_SECONDS": "0.5", "QUEUANT_WEBHOOK_LOOPBACK": "1"}
URL = f"http://127.0.0.1:9/%3Cimg%20src=x%20onerror=owned()%3E{LONG}"
SCREENS = [
    *("jobs", "job/{run}", "job/{run}?tab=trades", "job/{run}?tab=origin", "job/{run}?tab=log", "job/{raised}"),
    *("job/{search}?tab=search", "job/{whole}?tab=sleeves", "compare?jobs={run},{whole},{search}"),
    *("new?strategy=shouter", "new?like={whole}", "strategies", "strategies/shouter", "strategies/raiser"),
    *("strategies?tab=write&of={written}", "strategies/{written}", "data", "data/hostile", "data/{long}"),
    *("data/dates", "data?tab=series&dataset={long}", "data?tab=curves", "signals?strategy=shouter", "book"),
    *("book?tab=trades", "book?tab=config", "risk", "alerts?status=any", "alerts?tab=rules"),
    *("alerts?tab=webhooks&webhook=closed", "settings"),
]
# What would be there if a text had become markup.
MADE = "main :is(img, b, i), dialog img, #toasts img, [onerror], a[href^='javascript' i], .chart :is(a, [style*=bold])"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = {"own.py": OWN, f"{MARKUP.replace('/', '')}.py": f"raise ValueError({SAID!r})"}
    with serving(tmp_path_factory.mktemp("hostile") / "home", own, **OFTEN) as server:
        yield server


@pytest.fixture(scope="module")
def client(platform: Server) -> Iterator[Client]:
    with platform.client() as client:
        yield client


@pytest.fixture(scope="module")
def named(client: Client, platform: Server) -> dict[str, str]:
    """Everything that has a name or a text of one's own, and what the addresses of the screens need."""
    give(client, platform.home)
    queued = {
        "run": client.backtest("shouter", benchmark=SYMBOL, tags=["t" * 64, "a:b/c=d"]),
        "search": client.sweep("sma_cross", dataset="hostile", grid={"fast": [2, 3], "slow": [5, 8]}, each_symbol=True),
        "whole": client.portfolio([{"strategy_id": "shouter", "name": "N" * 64}, {"strategy_id": "shouter"}]),
        "raised": client.backtest("raiser"),
    }
    spec = {"name": MARKUP, "weight": "where(close > sma(close, n), 1 / symbol_count, 0)"}
    parameter = {"type": "int", "min": 2, "max": 50, "default": 5, "doc": SAID[:200]}
    written = client.api("POST", "/strategies/expressions", body={**spec, "params": {"n": parameter}})
    client.api("PUT", "/alerts/webhooks/closed", body={"url": URL})
    client.api("PUT", f"/alerts/rules/{'r' * 64}", body={"kind": "signal_flip", "filter": {"symbol": SYMBOL}})
    client.api("PUT", "/risk/limits", body={"gross": 0.0001, "instrument": 0.0001})
    client.api("POST", "/keys", body={"owner": "o" * 64, "label": SAID[:100]})
    client.set_book(["shouter"])
    until(lambda: {"limit_breach", "job_failed"} <= {one["kind"] for one in client.api("GET", "/alerts")["alerts"]}, 90)
    ids = {name: str(job.id) for name, job in queued.items()}
    until(lambda: all(client.job(id).status in ("succeeded", "failed") for id in ids.values()), 90)
    return ids | {"written": written["strategy_id"], "long": "W" * 64}


def give(client: Client, folder: Path) -> None:
    """Prices, series and events whose names are markup, or have no end."""
    path = folder / "file.csv"
    prices = [f"{day},{100 + at % 7},{50 + at % 5},{20 + at % 3}" for at, day in enumerate(DAYS)]
    path.write_text("\n".join([f"date,{QUOTED},{'W' * 64},A", *prices]))
    short = SAID[:200].strip()
    client.upload(path, name="hostile", quality="proxy", units=short, source=SAID, licence=SAID, calendar=short)
    keys = [QUOTED, "DI_1Y", "DI_2Y", "W" * 64]
    series = [f"{key},{day},{day}T12:00:00Z,{1 + at % 3},{QUOTED}" for key in keys for at, day in enumerate(DAYS)]
    path.write_text("\n".join(["key,observed,available,value,unit", *series]))
    client.upload(path, name="W" * 64, quality="synthetic")
    path.write_text(f"calendar,date\n{QUOTED},2024-01-31\n")
    client.upload(path, name="dates")


def test_what_somebody_wrote_is_text_on_every_screen_and_as_wide_as_a_phone(
    browse: Browse, platform: Server, named: dict[str, str]
) -> None:
    page = browse("jobs", viewport=PHONE)
    for screen in SCREENS:
        go(page, platform, screen.format(**named))
        expect(page.locator("[aria-busy]")).to_have_count(0)
        touch(page)
        found = page.locator(MADE).evaluate_all("all => all.map((one) => one.outerHTML)")
        assert (screen, found) == (screen, [])
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), screen
        assert page.get_by_text("could not be shown").count() == 0, screen


def touch(page: Page) -> None:
    """Open what is folded, and point at every chart once it is drawn: its words are made then."""
    page.locator("main details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    for chart in page.locator(".chart:visible").all():
        chart.locator(".main-svg").first.wait_for()
        chart.hover()
