"""The daily report over HTTP: as data, as a page that runs nothing, to each owner theirs."""

from __future__ import annotations

import re

import pytest

from app.alerts import watching
from tests.conftest import Clock
from tests.reports import DATE, HOUR, at

REPORTS = "/api/v1/reports"
HOSTILE = "<script>alert(1)</script>\"'>|`\x1b[2J"


@pytest.fixture
def web(make_web):
    """An application of the test's own, at noon of the report's day."""
    web = make_web()
    web.services.store.database.clock = Clock(at("12:00:00"))
    return web


def wait_until(web, moment):
    web.services.store.database.clock.now = at(moment)


def make(web, day=DATE, status=200):
    reply = web.post(f"{REPORTS}/daily?date={day}")
    assert reply.status_code == status, reply.text
    return reply.get_json()


def section(report, name):
    return next(one for one in report["sections"] if one["name"] == name)


def fail(web, message):
    claim = web.services.jobs.claim(web.run(), lease_owner="test")
    web.services.jobs.fail(claim, {"code": "strategy_error", "message": message})
    watching.evaluate(web.services)


def test_a_report_is_made_by_hand_and_read(web):
    fail(web, "no")
    wait_until(web, "22:01:00")
    made = make(web)
    assert web.get(f"{REPORTS}/daily").get_json() == web.get(f"{REPORTS}/daily?date={DATE}").get_json() == made
    assert (made["date"], made["start_at"], made["end_at"], made["made_at"]) == (
        DATE,
        "2025-06-14T22:00:00.000Z",
        "2025-06-15T22:00:00.000Z",
        "2025-06-15T22:01:00.000Z",
    )
    names = ["book", "risk", "signals", "data", "jobs", "workers", "alerts", "own_jobs"]
    assert [one["name"] for one in made["sections"]] == names
    assert section(made, "alerts")["figures"]["raised"] == 1
    wait_until(web, "22:30:00")
    assert make(web) == made


def test_everybody_reads_the_same_of_the_platform_and_theirs_alone(web):
    other = web.other()
    fail(web, "secret of one")
    fail(other, "secret of the other")
    wait_until(web, "22:01:00")
    mine, theirs = make(web), other.get(f"{REPORTS}/daily").get_json()
    assert mine["sections"][:5] == theirs["sections"][:5]
    assert section(mine, "jobs")["figures"]["failed"] == 2
    assert section(mine, "own_jobs")["figures"]["failed"] == section(theirs, "own_jobs")["figures"]["failed"] == 1
    assert "secret of the other" not in repr(mine)
    assert "secret of one" not in repr(theirs)


def test_who_had_no_key_then_is_told_so(web):
    wait_until(web, "22:01:00")
    make(web)
    late = web.other().get(f"{REPORTS}/daily").get_json()
    assert late["sections"][-1]["nothing"] == "You had no key when this report was made."
    assert [one["name"] for one in late["sections"]] == ["book", "risk", "signals", "data", "jobs", "workers", "own"]


def test_without_a_report_the_nearest_days_are_named(web, make_web):
    problem = web.get(f"{REPORTS}/daily").get_json()
    assert (problem["status"], problem["code"]) == (404, "no_report")
    assert problem["detail"] == "No report has been made yet; the next is due at 22:00 UTC."
    problem = web.get(f"{REPORTS}/daily?date=2025-06-01").get_json()
    assert problem["detail"] == "There is no report of 2025-06-01: none has been made yet."
    for day in ("2025-06-03", "2025-06-07"):
        make(web, day)
    problem = web.get(f"{REPORTS}/daily?date=2025-06-05").get_json()
    assert (problem["given"], problem["allowed"]) == ("2025-06-05", ["2025-06-03", "2025-06-07"])
    assert problem["detail"] == "There is no report of 2025-06-05; the nearest are of 2025-06-03 and 2025-06-07."
    problem = web.get(f"{REPORTS}/daily.html?date=2025-06-09").get_json()
    assert (problem["status"], problem["allowed"]) == (404, ["2025-06-07"])
    assert problem["detail"] == "There is no report of 2025-06-09; the nearest is of 2025-06-07."
    never = make_web(report_at="never")
    assert "QUEUANT_REPORT_AT is 'never'" in never.get(f"{REPORTS}/daily").get_json()["detail"]
    assert never.post(f"{REPORTS}/daily").get_json()["code"] == "no_reports"


def test_the_day_that_is_not_over_has_no_report_yet(web):
    problem = make(web, status=422)
    assert (problem["code"], problem["pointer"], problem["given"]) == ("not_due", "/date", DATE)
    assert problem["allowed"]["last"] == "2025-06-14"
    assert web.get(f"{REPORTS}/daily").status_code == 404


@pytest.mark.parametrize("query", ["date=yesterday", "date=2025-02-30", "date=", "day=2025-06-15"])
def test_a_date_is_a_date(web, query):
    assert web.get(f"{REPORTS}/daily?{query}").status_code == 422


def test_the_days_are_listed_in_pages_newest_first(web):
    days = [f"2025-06-{day:02}" for day in range(14, 9, -1)]
    for day in days:
        make(web, day)
    found, cursor = [], ""
    while cursor is not None:
        page = web.get(f"{REPORTS}?limit=2{cursor}").get_json()
        found += [one["date"] for one in page["reports"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert found == days
    for cursor in ("x", "MjAyNQ", "MjAyNS0wMi0zMA"):
        assert web.get(f"{REPORTS}?cursor={cursor}").get_json()["code"] == "invalid_cursor"


def test_only_who_may_run_may_have_a_report_made(web):
    reader = web.other("read")
    assert reader.post(f"{REPORTS}/daily").status_code == 403


def test_the_page_runs_nothing_and_takes_every_text_for_a_text(web):
    fail(web, HOSTILE)
    said = {"strategy_id": HOSTILE, "symbol": HOSTILE, "dataset_id": "d", "bar_at": "2025-06-15T00:00:00.000Z"}
    said |= {"direction": "LONG", "conviction": 0.7, "reason": HOSTILE, "quality": "synthetic"}
    with web.services.store.database.write() as tx:
        web.services.store.events.append(tx, "signals", "signal_flip", said)
    wait_until(web, "22:01:00")
    assert HOSTILE in section(make(web), "own_jobs")["tables"][0]["rows"][0]["message"]
    reply = web.get(f"{REPORTS}/daily.html")
    assert (reply.status_code, reply.content_type) == (200, "text/html; charset=utf-8")
    policy = dict(part.partition(" ")[::2] for part in reply.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch("'sha256-[^']+'", policy["style-src"])  # of the style that is in it
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert "script-src" not in policy
    assert not re.search(r"<script|\son[a-z]+=|style=|\x1b", reply.text)
    assert reply.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "The market data are synthetic." in reply.text
    assert not re.search(r"(?:src|href)=", reply.text)  # one file


def test_the_page_of_an_empty_platform_says_so(web):
    make(web, "2025-06-14")
    text = web.get(f"{REPORTS}/daily.html?date=2025-06-14").text
    assert "No book is kept." in text
    assert "<dl>" in text  # the data that ship are there
    assert web.get(f"{REPORTS}/daily.html", key=None).status_code == 401


def test_a_browser_that_is_signed_in_sees_the_page(web):
    make(web, "2025-06-14")
    web.services.store.database.clock.advance(HOUR)
    client = web.app.test_client()
    client.post("/login", data={"key": web.key})
    assert "Report of 2025-06-14" in client.get(f"{REPORTS}/daily.html").text
