"""Running and reading jobs in a browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from app.client import Client
from app.web import presenters
from tests.browser.conftest import Browse, caught, suits_everybody
from tests.serving import Server

RUN = {"params": {"fast": 10, "slow": 50}, "dataset": "fx_daily", "symbols": ["EURUSD"]}
LONG = {"fast": {"start": 2, "stop": 51}, "slow": {"start": 52, "stop": 101}, "signal": {"start": 2, "stop": 101}}


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


def test_the_list_is_narrowed_to_every_kind_that_there_is(browse: Browse, client: Client, job: str) -> None:
    page = browse("jobs?dataset_id=nowhere")
    expect(page.get_by_text("No job is like that.")).to_be_visible()
    kinds = page.get_by_label("Kind", exact=True).locator("option")
    assert kinds.evaluate_all("all => all.slice(1).map((one) => one.value).sort()") == sorted(presenters.KINDS)
    page.get_by_label("Dataset").fill("fx_daily")
    page.get_by_label("Dataset").press("Tab")
    expect(page.locator("tr.choice").first).to_contain_text("fx_daily")


def test_what_somebody_does_in_the_list_outlives_what_comes_meanwhile(browse: Browse, client: Client, job: str) -> None:
    page = browse("jobs")
    page.get_by_role("button", name="Run", exact=True).click()
    row = page.locator(f"tr[data-key='{job}']")
    row.focus()
    run = client.backtest("buy_and_hold", dataset="fx_daily", symbols=["USDCHF"], fresh=True)
    expect(page.locator(f"tr[data-key='{run.id}']")).to_contain_text("succeeded")
    expect(row).to_be_focused()
    expect(page.get_by_role("columnheader", name=re.compile("^Run"))).to_have_attribute("aria-sort", "ascending")


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(browse: Browse, job: str) -> None:
    page = browse("jobs")
    state = page.get_by_label("State")
    late: list[Route] = []
    page.route(re.compile("status=cancelled"), lambda route: late.append(route))
    with page.expect_request(re.compile("status=cancelled")):
        state.select_option("cancelled")
    state.select_option("succeeded")
    with page.expect_response(re.compile("status=cancelled")):
        caught(page, late, 1)[0].continue_()
    expect(page.locator("tr.choice").first).to_contain_text("succeeded")
    expect(page.get_by_text("No job is like that.")).to_be_hidden()


def test_what_was_refused_stays_said_when_the_job_goes_on(browse: Browse, client: Client) -> None:
    sweep = client.sweep("macd_trend", dataset="sp500_daily", grid=LONG)
    page = browse(f"job/{sweep.id}")
    page.route("**/trials?*", lambda route: route.fulfill(json={"trials": [], "total": 0}))
    page.reload()
    expect(page.get_by_text("The first trials will be here in a moment.")).to_be_visible()
    page.unroute("**/trials?*")
    expect(page.get_by_role("heading", name="Surface")).to_be_visible()
    expect(page.get_by_text("The first trials will be here in a moment.")).to_have_count(0)
    problem = {"code": "not_now", "detail": "Not now."}
    page.route("**/cancel", lambda route: route.fulfill(status=409, json=problem))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Not now.")).to_be_visible()
    sweep.cancel()
    expect(page.locator("header .state.cancelled")).to_be_visible()
    expect(page.get_by_text("Not now.")).to_be_visible()


def test_the_end_of_a_job_is_shown_though_nobody_answered_when_it_came(browse: Browse, client: Client) -> None:
    sweep = client.sweep("macd_trend", dataset="sp500_daily", grid=LONG, seed=7)
    page = browse(f"job/{sweep.id}?tab=log")
    expect(page.locator("header .state.running")).to_be_visible()
    page.route(f"**/jobs/{sweep.id}", lambda route: route.abort())
    sweep.cancel()
    expect(page.locator(".toast")).to_contain_text("The server does not answer.")
    expect(page.locator("header .state.running")).to_be_visible()
    page.unroute(f"**/jobs/{sweep.id}")
    expect(page.locator("header .state.cancelled")).to_be_visible()


def test_a_job_that_was_left_before_it_was_there_is_not_listened_to(browse: Browse, job: str) -> None:
    page = browse("jobs")
    said: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: said.append(str(text))))
    page.route(f"**/jobs/{job}/events", lambda route: None)
    page.reload()
    page.wait_for_selector("#live.live")
    with page.expect_request(f"**/jobs/{job}/events"):
        page.evaluate(f"location.hash = '#/job/{job}?tab=log'")
    page.evaluate("location.hash = '#/system'")
    expect(page.get_by_role("region", name="nodes")).to_be_visible()
    assert not [text for text in said if job in text]


def test_who_writes_while_a_screen_is_read_goes_on_writing(browse: Browse, job: str) -> None:
    page = browse("system")
    late: list[Route] = []
    page.route("**/jobs?*", lambda route: late.append(route), times=1)
    with page.expect_request("**/jobs?*"):
        page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_label("Tag").fill("half")
    caught(page, late, 1)[0].continue_()
    page.wait_for_selector(".screen:not([aria-busy]) tr.choice")
    expect(page.get_by_label("Tag")).to_be_focused()


def test_the_last_page_of_a_list_is_asked_for_once(browse: Browse, client: Client, job: str) -> None:
    all_of_them = client.api("GET", f"/jobs/{job}/trades")["trades"]
    page = browse("jobs")
    asked: list[str] = []

    def by_pages(route: Route) -> None:
        asked.append(route.request.url)
        last = "cursor=" in route.request.url
        route.fulfill(json={"trades": all_of_them[2:4] if last else all_of_them[:2], "next": None if last else "2"})

    page.route(f"**/jobs/{job}/trades?*", by_pages)
    page.evaluate(f"location.hash = '#/job/{job}?tab=trades'")
    rows = page.get_by_role("region", name="trades").get_by_role("row")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="More trades").dblclick()
    expect(page.get_by_role("button", name="More trades")).to_be_hidden()
    expect(rows).to_have_count(5)
    assert len(asked) == 2


AWAY = {
    "a proxy": "new Response('<h1>Bad gateway</h1>', { status: 502 })",
    "half an answer": "new Response(new ReadableStream({ start: (answer) => answer.error(new TypeError('broken')) }))",
}


@pytest.mark.parametrize("said", AWAY.values(), ids=AWAY)
def test_what_a_proxy_says_and_half_an_answer_are_no_answers(browse: Browse, job: str, said: str) -> None:
    page = browse(f"job/{job}")
    page.evaluate(f"() => {{ window.real = fetch; window.fetch = async () => {said}; }}")
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("alert")).to_have_text("The server does not answer.")
    page.evaluate("() => { window.fetch = window.real; }")
    expect(page.get_by_role("heading", name="Job", exact=True)).to_be_visible()


def test_what_nobody_answers_is_shown_as_soon_as_somebody_does(browse: Browse, job: str) -> None:
    page = browse(f"job/{job}")
    page.context.set_offline(True)
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("alert")).to_have_text("The server does not answer.")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Job", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_result_outlives_the_data_that_it_was_computed_on(
    browse: Browse, client: Client, platform: Server, tmp_path: Path
) -> None:
    rows = [f"2024-0{1 + at // 28}-{1 + at % 28:02},{10 + at % 7},{20 + at % 5}" for at in range(56)]
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["date,A,B", *rows]))
    client.upload(path, name="vanishing")
    run = client.backtest("buy_and_hold", dataset="vanishing", symbols=["A"], benchmark="B").wait()
    shutil.rmtree(platform.home / "datasets" / "vanishing")
    page = browse(f"job/{run.id}")
    expect(page.get_by_text("B is not drawn: There is no dataset 'vanishing'.")).to_be_visible()
    page.get_by_role("tab", name="Trades").click()
    expect(page.get_by_role("alert")).to_have_text("There is no dataset 'vanishing'.")
    expect(page.get_by_role("region", name="trades").get_by_role("row").nth(1)).to_contain_text("long")


def test_a_job_is_printed_in_the_colours_and_the_width_of_paper(browse: Browse, job: str) -> None:
    page = browse(f"job/{job}", color_scheme="dark")
    drawn = page.get_by_role("img", name="Equity over drawdown").locator(".main-svg").first
    wide = drawn.get_attribute("width")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(drawn).to_have_attribute("width", "640")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(drawn).to_have_attribute("width", str(wide))
    expect(page.locator("html")).to_have_attribute("data-theme", "auto")


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
