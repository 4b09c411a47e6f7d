"""The page in a real browser: its first paint, a run of 1,000,000 one-minute bars, a sweep of 250,000 trials.

    python -m bench.page [--rounds 7]

Each is opened by whoever has never been here (a browser with nothing stored), by whoever comes back (a new tab of a
browser that has been here three times: it has kept Plotly, compiled), and from another screen; beside one of daily bars
and of 100 trials in the same rounds. Milliseconds until the first chart is drawn, as the page's own clock tells them.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from app.client import Client
from app.embedded.home import Home
from bench import walks
from bench.process import seconds
from bench.serving import serving

SMALL = {"fast": {"start": 2, "stop": 6}, "slow": {"start": 52, "stop": 56}, "signal": {"start": 2, "stop": 5}}
LARGE = {"fast": {"start": 2, "stop": 51}, "slow": {"start": 52, "stop": 101}, "signal": {"start": 2, "stop": 101}}
YEARS = {"dataset": "sp500_daily", "start_date": "2016-01-01"}  # how many bars a trial has does not change its page
# A screen is there when it waits for nothing and its first chart shows what it is for.
DRAWN = """async (address) => {
    const started = address === null ? 0 : performance.now();
    const before = address === null ? null : document.querySelector("#screen > .screen");
    if (address !== null) location.hash = address;
    for (;;) {
        await new Promise(requestAnimationFrame);
        const screen = document.querySelector("#screen > .screen:not([aria-busy])");
        const chart = screen?.querySelector("#tab > .screen:not([aria-busy]) .chart");
        if (screen !== before && chart?.querySelector(".trace, .hm image")) return performance.now() - started;
    }
}"""
HOW = ("by a stranger", "in a new tab", "from another screen")
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("No browser: neither chromium nor google-chrome is on PATH.")
    with tempfile.TemporaryDirectory(prefix="queuant-page-") as name:
        folder, home = Path(name), Path(name) / "home"
        with serving(home, workers=2), Client(home=home) as client, sync_playwright() as playwright:
            screens = asked(client, folder)
            started: dict[str, Any] = {"executable_path": path, "args": ["--no-sandbox"]}
            strangers = playwright.chromium.launch(**started)
            known = playwright.chromium.launch_persistent_context(folder / "profile", **started)
            measure(strangers, known, client.url, Home(home).key() or "", screens, rounds)


def asked(client: Client, folder: Path) -> dict[str, str]:
    """The addresses of four jobs that have ended, by what they are."""
    minutes = folder / "minutes.csv"
    write(minutes, walks.minutes(22, 1_000_000))
    client.upload(minutes, name="minutes")
    jobs = {
        "daily bars": client.backtest("sma_cross", dataset="sp500_daily"),
        "1,000,000 bars": client.backtest("sma_cross", dataset="minutes", config={"stop_loss": 0.02}),
        "100 trials": client.sweep("macd_trend", **YEARS, grid=SMALL),
        "250,000 trials": client.sweep("macd_trend", **YEARS, grid=LARGE),
    }
    for name, job in jobs.items():
        print(f"{name}: computed in {seconds(job.wait):.0f} s", file=sys.stderr)
    return {name: f"#/job/{job.id}" + ("?tab=search" if "trials" in name else "") for name, job in jobs.items()}


def write(path: Path, walk: walks.Walk) -> None:
    columns = {name: values[:, 0] for name, values in walk._asdict().items() if name != "time"}
    frame = pd.DataFrame(columns).round(4)
    frame.insert(0, "date", np.datetime_as_string(walk.time, unit="s"))
    frame.insert(1, "symbol", "X")
    frame.to_csv(path, index=False)


def measure(
    strangers: Browser, known: BrowserContext, url: str, key: str, screens: dict[str, str], rounds: int
) -> None:
    page = known.new_page()
    page.goto(f"{url}/sign-in")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    signed = known.storage_state()
    for _ in range(3):
        opened(known, f"{url}/{next(iter(screens.values()))}")
    times: dict[str, dict[str, list[float]]] = {how: {name: [] for name in screens} for how in HOW}
    paints = []
    for _ in range(rounds):
        paints.append(fresh(strangers, signed, lambda context: painted(context, f"{url}/#/jobs")))
        for name, address in screens.items():
            there = f"{url}/{address}"
            times[HOW[0]][name].append(fresh(strangers, signed, lambda context, there=there: opened(context, there)))
            times[HOW[1]][name].append(opened(known, there))
            page.evaluate("location.hash = '#/jobs'")
            page.wait_for_selector("h1:has-text('Jobs')")
            times[HOW[2]][name].append(float(page.evaluate(DRAWN, address)))
    print(f"medians of {rounds} rounds, ms\nfirst contentful paint, nothing stored: {statistics.median(paints):.0f}")
    for small, large in zip(list(screens)[::2], list(screens)[1::2], strict=True):
        for how, found in times.items():
            few, many = statistics.median(found[small]), statistics.median(found[large])
            print(f"{large:>14} {how:<19} {many:6.0f}   {small:>10} {few:6.0f}   {many / few:.2f} x")


def fresh(browser: Browser, signed: Any, work: Callable[[BrowserContext], float]) -> float:
    """In a browser that has nothing but who signed in."""
    with browser.new_context(storage_state=signed) as context:
        return work(context)


def opened(context: BrowserContext, address: str) -> float:
    with context.new_page() as page:
        page.goto(address)
        return float(page.evaluate(DRAWN, None))


def painted(context: BrowserContext, address: str) -> float:
    with context.new_page() as page:
        page.goto(address)
        page.wait_for_selector("#screen .screen:not([aria-busy])")
        return float(page.evaluate(PAINTED))


if __name__ == "__main__":
    main()
