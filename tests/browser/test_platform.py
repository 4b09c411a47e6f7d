"""The system, the settings and the keys in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from app.client import Client
from tests.browser.conftest import Browse, suits_everybody
from tests.serving import Server


def test_the_system_tells_whether_jobs_run_and_counts_what_ended_by_itself(browse: Browse, client: Client) -> None:
    page = browse("system")
    expect(page.get_by_role("region", name="checks")).to_contain_text("The database answers.")
    expect(page.get_by_role("region", name="nodes")).to_contain_text("supervisor")
    ended = (
        page.get_by_role("region", name="queues")
        .get_by_role("row", name=re.compile("interactive"))
        .get_by_role("cell")
        .nth(5)
    )
    before = int(ended.inner_text())
    client.backtest("buy_and_hold", dataset="fx_daily", symbols=["USDJPY"], tags=["system"], fresh=True).wait()
    expect(ended).not_to_have_text(str(before))


def test_a_key_is_created_shown_once_and_revoked(browse: Browse, platform: Server) -> None:
    page = browse("settings")
    expect(page.get_by_role("definition").filter(has_text="of 100,000 since midnight (UTC)")).to_be_visible()
    page.get_by_label("Owner").fill("a b")
    page.get_by_role("button", name="Create a key").click()
    expect(page.get_by_label("Owner")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Owner").fill("ada")
    page.get_by_label("Label").fill("from the page")
    page.get_by_label("Valid").select_option("90 days")
    page.get_by_role("button", name="Create a key").click()
    key = page.get_by_label("new key").input_value()
    with Client(f"http://127.0.0.1:{platform.port}", key) as ada:
        assert ada.jobs() == []
    row = page.get_by_role("region", name="keys").get_by_role("row", name=re.compile("from the page"))
    expect(row).to_contain_text("read, run")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke it").click()
    expect(row).to_have_count(0)
    page.get_by_label("Revoked and expired ones too").check()
    expect(row).to_contain_text("revoked")
    page.reload()
    expect(page.get_by_role("region", name="keys")).to_be_visible()
    assert key not in page.content()


def test_the_colours_are_kept(browse: Browse) -> None:
    page = browse("settings")
    page.get_by_label("Colours of the page").select_option("dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_label("Colours of the page")).to_have_value("dark")


def test_who_may_not_see_keys_is_told_what_is_needed(browse: Browse, platform: Server, client: Client) -> None:
    page = browse("settings")
    expect(page.get_by_role("region", name="limits")).to_contain_text("12,000")
    made = page.evaluate(
        """async () => (await fetch("/api/v1/keys", {
            method: "POST", headers: { "Content-Type": "application/json", "X-Queuant-Request": "1" },
            body: JSON.stringify({ owner: "bob" }),
        })).json()"""
    )
    page.context.clear_cookies()  # signing out would end the session that the other tests use
    page.reload()
    expect(page.get_by_role("alert")).to_have_text("You are not signed in, or no longer.")
    page.get_by_label("API key").fill(made["key"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".card", has_text="You").first).to_contain_text("bob")
    expect(page.get_by_text("A key with the scope 'admin'")).to_be_visible()
    expect(page.get_by_role("region", name="keys")).to_have_count(0)
    other = page.context.new_page()
    other.goto(f"http://127.0.0.1:{platform.port}/")
    other.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in.*#/settings"))


@pytest.mark.parametrize("screen", ["system", "settings"])
def test_axe_finds_nothing_and_a_phone_shows_it_whole(browse: Browse, screen: str) -> None:
    suits_everybody(browse(screen))


def test_a_list_that_is_read_anew_goes_as_far_as_it_was_read(browse: Browse) -> None:
    shown = browse("system").evaluate(
        """async () => {
          const { paged } = await import("/static/core/paged.js");
          const shown = [];
          const ask = async (cursor) => ({ rows: ["one", "two"], next: cursor === 4 ? null : (cursor ?? 0) + 2 });
          const pages = paged("More", ask, (rows) => shown.push(rows.length));
          await pages.reload();
          pages.button.click();
          await new Promise((done) => setTimeout(done));
          await pages.reload();
          return [shown, pages.button.hidden];
        }"""
    )
    assert shown == [[2, 4, 4], False]
