"""The pictures of the documents, taken of real runs in a real browser: `./run bench pictures`.

It asks the server in the home folder (`./run serve`) for some runs, opens their screens in the system's Chromium, and
writes `docs/images`. What stands in the pictures is what the platform computed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from app.client import Client
from app.embedded.home import Home
from app.settings import Settings

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH, HEIGHT, TALL = 1280, 860, 1260
SWEEP = {"fast": {"start": 5, "stop": 50, "step": 5}, "slow": {"start": 20, "stop": 200, "step": 10}}


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("No browser: neither chromium nor google-chrome is on PATH.")
    with Client() as client:
        screens = asked(client)
        key = Home(Settings.from_env().home).key()
        IMAGES.mkdir(exist_ok=True)
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
            page.goto(f"{client.url}/sign-in")
            page.get_by_label("API key").fill(key or "")
            page.get_by_role("button", name="Sign in").click()
            for name, address in screens.items():
                take(page, client.url, name, address)


def asked(client: Client) -> dict[str, str]:
    """The screens by the names of their pictures; their jobs have ended."""
    run = client.backtest("sma_cross", params={"fast": 10, "slow": 50}, dataset="sp500_daily", benchmark="SP500")
    sweep = client.sweep("sma_cross", dataset="sp500_daily", grid=SWEEP)
    jobs = [job.wait() for job in (run, sweep)]
    return {
        "job": f"job/{jobs[0].id}",
        "trades": f"job/{jobs[0].id}?tab=trades",
        "sweep": f"job/{jobs[1].id}?tab=search",
        "compare": f"compare?jobs={jobs[0].id},{jobs[1].id}",
        "new": "new?kind=sweep&strategy=sma_cross&dataset=sp500_daily",
    }


def take(page: Page, url: str, name: str, address: str) -> None:
    page.set_viewport_size({"width": WIDTH, "height": TALL if name == "sweep" else HEIGHT})
    page.goto(f"{url}/#/{address}")
    page.wait_for_selector(".screen:not([aria-busy])")
    page.wait_for_timeout(1500)  # charts are drawn
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"{name}: {(IMAGES / f'{name}.png').stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
