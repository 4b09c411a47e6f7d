"""The shelf, one strategy, and writing one, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from app.client import Client
from tests.browser.conftest import Browse, caught, suits_everybody


def test_the_shelf_is_filtered_and_its_address_says_how(browse: Browse) -> None:
    page = browse("strategies?family=trend")
    rows = page.get_by_role("region", name="strategies").get_by_role("row")
    expect(rows.filter(has_text="sma_cross")).to_be_visible()
    expect(rows.filter(has_text="FX_BR_01")).to_have_count(0)
    page.get_by_label("Find").fill("exponential")
    expect(rows).to_have_count(2)  # with the heads of the columns
    expect(page).to_have_url(re.compile("find=exponential"))
    rows.get_by_role("link", name="ema_cross").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ema_cross")


def test_other_parameters_stand_for_a_strategy_and_the_history_tells_which_stood(
    browse: Browse, client: Client
) -> None:
    page = browse("strategies/donchian_breakout")
    card = page.locator(".card", has_text="Parameters that stand")
    names = list(client.strategy("donchian_breakout")["parameters"]["properties"])
    window = card.get_by_label(names[0], exact=True)
    window.fill("100000")
    card.get_by_role("button", name="Let these stand").click()
    expect(window).to_have_attribute("aria-invalid", "true")
    window.fill("33")
    card.get_by_role("button", name="Let these stand").click()
    expect(card).to_contain_text("Version 1 stands now.")
    expect(card.get_by_role("region", name="history")).to_contain_text(f"{names[0]} 33")
    card.get_by_role("button", name="All defaults").click()
    card.get_by_role("button", name="Let these stand").click()
    expect(card).to_contain_text("The defaults stand.")
    expect(card.get_by_role("region", name="history").get_by_role("row")).to_have_count(3)


def test_a_strategy_is_checked_for_a_look_ahead(browse: Browse) -> None:
    page = browse("strategies/buy_and_hold")
    page.get_by_role("button", name="Check for look-ahead").click()
    card = page.locator(".card", has_text="Its decisions are compared")
    expect(card.locator(".state.succeeded")).to_be_visible()
    expect(card.locator("p").first).to_have_text("clean")


def test_a_mistake_in_an_expression_is_underlined_while_it_is_written(browse: Browse) -> None:
    page = browse("strategies?tab=write")
    page.get_by_role("button", name="Fill in an example").click()
    expect(page.get_by_text("It can be posted")).to_contain_text("golden_cross")
    entry = page.get_by_label("Open a long position when")
    entry.fill("close > smaa(close, fast)")
    expect(page.get_by_role("alert")).to_contain_text("Did you mean 'sma'?")
    expect(page.locator("mark")).to_have_text("smaa")
    page.get_by_role("button", name="Go to it").click()
    page.keyboard.type("sma")
    expect(entry).to_have_value("close > sma(close, fast)")
    expect(page.locator("mark")).to_have_count(0)
    expect(page.get_by_text("'slow'")).to_have_count(0)
    page.locator("[data-key=min]").first.fill("500")
    expect(page.locator("[data-key=min]").first).to_have_attribute("aria-invalid", "true")


def test_a_strategy_is_posted_once(browse: Browse) -> None:
    page = browse("strategies?tab=write")
    page.get_by_role("button", name="Fill in an example").click()
    sent: list[Route] = []
    page.route("**/strategies/expressions", lambda route: sent.append(route))
    button = page.get_by_role("button", name="Post it")
    button.dblclick()
    expect(button).to_have_attribute("aria-disabled", "true")
    caught(page, sent, 1)[0].abort()
    expect(page.get_by_text("The server does not answer.")).to_be_visible()
    expect(button).to_be_enabled()


def test_a_strategy_is_written_with_a_weight_run_changed_and_deleted(browse: Browse) -> None:
    page = browse("strategies?tab=write")
    page.get_by_label("Name").first.fill("Written here")
    page.get_by_label("how much to hold").check()
    page.locator("[name='/weight']").fill("where(close > ")
    page.get_by_role("button", name=re.compile(r"^sma\(")).click()
    page.keyboard.type(", 1, 0)")
    expect(page.get_by_role("alert")).to_contain_text("values")
    page.locator("[name='/weight']").fill("where(close > sma(close, 20), 1 / symbol_count, 0)")
    page.get_by_role("button", name="Post it").click()
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("written_here")
    page.get_by_role("link", name="Change").click()
    expect(page.locator("[name='/weight']")).to_have_value("where(close > sma(close, 20), 1 / symbol_count, 0)")
    page.go_back()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it off").click()
    expect(page.get_by_role("region", name="strategies")).to_be_visible()
    expect(page.get_by_role("link", name="written_here")).to_have_count(0)


@pytest.mark.parametrize("screen", ["strategies", "strategies/FX_BR_01", "strategies?tab=write"])
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, screen: str) -> None:
    suits_everybody(browse(screen))
