"""What is live in a browser: signals, the book that follows them, its risk, alerts. An installation of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app.client import Client, ClientError
from tests.browser.conftest import Browse, suits_everybody
from tests.serving import Server, serving, until

OWN = '''
import numpy as np

from engine import strategy


def moves(bars):
    return np.diff(bars.close, axis=0, prepend=bars.close[:1]) / bars.close


@strategy(family="house", source="house", dataset="prices")
def follower(bars):
    """Go where the last move went."""
    return np.where(moves(bars) < 0, -1.0, 1.0)


@strategy(family="house", source="house", dataset="prices")
def holder(bars):
    """Hold a little."""
    return np.full(bars.close.shape, 0.2)


@strategy(family="house", source="house", dataset="nowhere")
def homeless(bars):
    """Have no data."""
    return np.zeros(bars.close.shape)
'''
BARS = 120
OFTEN = {"QUEUANT_SIGNALS_SECONDS": "0.5", "QUEUANT_ALERTS_SECONDS": "0.5", "QUEUANT_WEBHOOK_LOOPBACK": "1"}
CLOSED_PORT = "http://127.0.0.1:9/hook"
SCREENS = [
    "signals?strategy=follower",
    "book",
    "book?tab=trades",
    "book?tab=config",
    "risk",
    "alerts?status=any",
    "alerts?tab=rules",
    "alerts?tab=webhooks&webhook=closed",
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("live") / "home", {"own.py": OWN}, **OFTEN) as server:
        yield server


@pytest.fixture(scope="module")
def client(platform: Server) -> Iterator[Client]:
    """Somebody with a book of two strategies that is open, and a webhook that nobody answers."""
    with platform.client() as client:
        client.api("PUT", "/alerts/webhooks/closed", body={"url": CLOSED_PORT})
        client.set_book(["follower", "holder"])
        give(client, platform.home, BARS)
        until(lambda: has_book(client), 120)
        yield client


def give(client: Client, folder: Path, count: int) -> None:
    """So many daily bars that rise and fall by turns, up to a day."""
    days = np.busday_offset("2026-06-30", np.arange(count), roll="forward")
    closes = 100.0 + np.arange(count) % 7
    path = folder / "prices.csv"
    path.write_text("\n".join(["date,A", *(f"{day},{close}" for day, close in zip(days, closes, strict=True))]))
    client.upload(path, name="prices", quality="proxy")


def has_book(client: Client) -> bool:
    try:
        return bool(client.book())
    except ClientError:
        return False


def lines(page: Page, region: str) -> Any:
    return page.get_by_role("region", name=region, exact=True).get_by_role("row")


def test_a_strategy_says_what_it_said_and_why(browse: Browse, client: Client) -> None:
    page = browse("signals")
    said = client.signals("follower")["signals"][0]
    row = lines(page, "latest signals").filter(has_text="follower")
    expect(row).to_contain_text(said["reason"])
    expect(row).to_contain_text("proxy")
    row.click()
    expect(page.get_by_role("img", name="Convictions of follower by symbol").locator("path.js-line")).to_have_count(1)
    expect(page).to_have_url(re.compile("strategy=follower"))
    expect(page.get_by_role("img", name="Conviction of 1 strategies on")).to_be_visible()


def test_what_has_not_spoken_says_why_and_can_be_computed_now(browse: Browse, client: Client) -> None:
    page = browse("signals")
    page.get_by_text(re.compile("not spoken at the present versions")).click()
    row = lines(page, "strategies that have not spoken").filter(has_text="homeless")
    expect(row).to_contain_text("nowhere")
    page.get_by_role("combobox", name="Strategy").select_option("follower")
    button = page.get_by_role("button", name="Compute the signals of follower now")
    button.click()
    button.locator("xpath=..").get_by_role("link", name="its job").click()
    expect(page.locator(".state.succeeded")).to_be_visible()


def test_new_bars_are_told_as_they_come_and_move_the_book(browse: Browse, client: Client, platform: Server) -> None:
    before = client.book()
    signals, book = browse("signals"), browse("book?days=30")
    figures = book.locator("#tab > :not(.coming) dl.figures")  # those that are being drawn are not shown yet
    expect(figures).to_contain_text(f"{before['equity']:,.0f}")
    give(client, platform.home, BARS + 5)
    expect(signals.get_by_role("list", name="what is new")).to_contain_text("follower")
    expect(book.locator("h1 ~ .quiet")).not_to_contain_text(before["as_of"][:10])
    until(lambda: f"{client.book()['equity']:,.0f}" in figures.inner_text(), 30)
    expect(book).to_have_url(re.compile("days=30"))


def test_a_position_says_who_wants_what(browse: Browse, client: Client) -> None:
    page = browse("book")
    lines(page, "positions").filter(has_text="A").last.click()
    told = page.get_by_role("region", name="who wants what", exact=True)

    def agrees() -> bool:  # asked anew each time, as the book may still be taking the bars of the test before
        (target,) = client.book("target")["targets"]
        return all(
            f"{name} {part * 100:.2f} %" in " ".join(told.inner_text().split())
            for name, part in target["wants"].items()
        )

    until(agrees, 30)
    page.get_by_role("tab", name="Trades").click()
    expect(lines(page, "trades of the book").nth(1)).to_contain_text("prices")


def test_the_book_is_made_up_otherwise_and_a_mistake_is_told_at_its_input(browse: Browse, client: Client) -> None:
    page = browse("book?tab=config")
    page.get_by_label("Max leverage").fill("1000")
    page.get_by_role("button", name="Change the book").click()
    expect(page.get_by_label("Max leverage")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Max leverage").fill("1.5")
    page.get_by_label("Share", exact=True).first.fill("0.75")
    page.get_by_label("Share", exact=True).last.fill("0.25")
    expect(page.get_by_text("Shares sum to 1.")).to_be_visible()
    page.get_by_label("After a fall it holds less").check()
    page.get_by_role("button", name="Change the book").click()
    expect(page.get_by_text(re.compile(r"Version \d+ stands"))).to_be_visible()
    found = client.book("book")
    assert [(one["strategy_id"], one["weight"]) for one in found["strategies"]] == [
        ("follower", 0.75),
        ("holder", 0.25),
    ]
    assert (found["config"]["max_leverage"], found["breaker"]["drawdown"]) == (1.5, 0.15)
    client.set_book(["follower", "holder"])


def test_a_book_is_closed_only_when_that_was_meant(browse: Browse, client: Client) -> None:
    page = browse("book")
    page.get_by_role("button", name="Close the book").click()
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Close the book").click()
    with page.expect_response(lambda reply: reply.request.method == "DELETE") as closed:
        page.get_by_role("button", name="Close it").click()
    assert closed.value.status == 204
    until(lambda: has_book(client), 60)


def test_a_limit_that_is_set_is_used_up_at_once_and_raises_an_alert(browse: Browse, client: Client) -> None:
    page = browse("risk")
    page.get_by_text("Set the limits").first.click()
    page.get_by_role("spinbutton", name="Worst scenario").fill("-1")
    page.get_by_role("button", name="Set the limits").click()
    expect(page.get_by_role("spinbutton", name="Worst scenario")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("spinbutton", name="Worst scenario").fill("")
    page.get_by_role("spinbutton", name="Gross exposure").fill("0.001")
    page.get_by_role("button", name="Set the limits").click()
    expect(lines(page, "use of the limits").filter(has_text="Gross exposure")).to_contain_text("breach")
    assert client.risk("limits")["limits"]["stress"] is None
    expect(page.locator("#ways .count")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Alerts")).click()
    expect(lines(page, "alerts").filter(has_text="gross")).to_contain_text("Limit breach")


def test_risk_says_what_may_be_lost_and_whose_it_is(browse: Browse, client: Client) -> None:
    page = browse("risk?horizon=10")
    told = client.risk("var", horizon=10)["figures"][0]
    row = lines(page, "losses").nth(1)
    expect(row).to_contain_text(f"{told['var']:,.0f}")
    row.click()
    expect(page.get_by_role("heading", name="Whose the expected shortfall at 95 % is")).to_be_visible()
    lines(page, "scenarios").nth(1).press("Enter")
    expect(page).to_have_url(re.compile("scenario=rates_up"))


def test_an_alert_is_seen_and_then_over(browse: Browse, client: Client) -> None:
    client.api("PUT", "/alerts/rules/drawdown", body={"threshold": 0.000001})
    page = browse("alerts?kind=drawdown&status=any")
    row = lines(page, "alerts").nth(1)
    row.click()
    expect(lines(page, "deliveries").nth(1)).to_contain_text("closed")
    page.get_by_role("button", name="Acknowledge with a note").click()
    page.get_by_label("Note").fill("The market fell, not the feed.")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("acknowledged")
    expect(page.get_by_role("definition").filter(has_text="The market fell, not the feed.")).to_be_visible()
    row.get_by_role("button", name="Resolve").click()
    expect(row).to_contain_text("resolved")


def test_a_rule_of_ones_own_is_written_switched_off_and_deleted(browse: Browse, client: Client) -> None:
    page = browse("alerts?tab=rules")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Name").fill("my-flips")
    page.get_by_label("Threshold").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Threshold")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Threshold").fill("0.5")
    page.get_by_label("Only this strategy").fill("follower")
    page.get_by_role("button", name="Save").click()
    row = lines(page, "rules").filter(has_text="my-flips")
    expect(row).to_contain_text("follower")
    client.api("PUT", "/alerts/rules/my-flips", body={"kind": rule(client, "my-flips")["kind"], "threshold": 0.6})
    row.get_by_role("checkbox").click()
    expect(page.get_by_role("alert")).to_contain_text("changed meanwhile")
    expect(row).to_contain_text("0.6")
    row.get_by_role("checkbox").uncheck()
    expect(row.get_by_role("checkbox")).not_to_be_checked()
    until(lambda: not rule(client, "my-flips")["enabled"])
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(row).to_have_count(0)


def rule(client: Client, name: str) -> dict[str, Any]:
    return next(one for one in client.api("GET", "/alerts/rules")["rules"] if one["rule_id"] == name)


def test_a_webhook_tells_its_secret_once(browse: Browse, client: Client) -> None:
    page = browse("alerts?tab=webhooks")
    page.get_by_role("button", name="Add a webhook").click()
    page.get_by_label("Name").fill("ops")
    page.get_by_label("Url").fill("ftp://example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Url")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Url").fill("https://hooks.example.com/queuant")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox", name="the secret")).to_have_value(re.compile(r"^\S{32,}$"))
    page.get_by_role("button", name="I have it").click()
    row = lines(page, "webhooks").filter(has_text="ops")
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, client: Client, screen: str) -> None:
    suits_everybody(browse(screen))
