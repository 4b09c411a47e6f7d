"""The live screens before anything is live: each says why, and what to do next."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Browse, caught, suits_everybody


def test_strategies_that_have_said_nothing_can_be_asked(browse: Browse) -> None:
    page = browse("signals?strategy=FX_04")
    expect(
        page.get_by_text("No signal is like that.").or_(page.get_by_text("No strategy has spoken yet."))
    ).to_be_visible()
    page.get_by_role("button", name="Compute the signals of FX_04 now").last.click()
    expect(page.get_by_role("link", name="its job")).to_be_visible()
    expect(page.get_by_role("list", name="what is new")).to_contain_text("FX_04")


def test_what_is_refused_is_told_where_its_place_is_gone_by_then(browse: Browse) -> None:
    page = browse("signals")
    page.get_by_text("strategies have not spoken").click()
    late: list[Route] = []
    page.route("**/signal", lambda route: late.append(route))
    button = page.get_by_role("button", name="Compute the signals of CROSS_01 now")
    with page.expect_request("**/signal"):
        button.click()
    old = button.element_handle()
    page.get_by_label("Direction").select_option("LONG")  # the screen is drawn anew
    page.wait_for_function("old => !old.isConnected", arg=old)
    caught(page, late, 1)[0].fulfill(status=409, json={"code": "not_now", "detail": "Not now."})
    expect(page.locator(".toast")).to_contain_text("Not now.")


def test_a_book_that_is_not_open_says_why_and_is_made_up_there(browse: Browse) -> None:
    page = browse("book")
    expect(page.get_by_text("The paper book has not been opened yet.")).to_be_visible()
    page.get_by_label("These").check()
    page.get_by_role("button", name="Add a strategy").click()
    page.get_by_label("Capital").fill("-1")
    page.get_by_role("button", name="Make it up so").click()
    expect(page.get_by_label("Capital")).to_have_attribute("aria-invalid", "true")


def test_risk_leads_to_the_book_and_has_limits_all_the_same(browse: Browse) -> None:
    page = browse("risk")
    page.get_by_text("Set the limits").first.click()
    expect(page.get_by_role("spinbutton", name="Drawdown")).to_have_value("0.15")
    page.get_by_role("link", name="Go to the book").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Paper book")


@pytest.mark.parametrize("screen", ["signals", "book", "risk", "alerts"])
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, screen: str) -> None:
    suits_everybody(browse(screen))
