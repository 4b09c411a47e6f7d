"""The report of a job: its stored result in sections, and a page with curves that runs nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from app.store import Output
from tests.integration.web.conftest import equity_table

HOSTILE = "</svg><script>alert(1)</script>"
NAN = float("nan")


def report(web, job_id, status=200):
    reply = web.get(f"/api/v1/reports/{job_id}")
    assert reply.status_code == status, reply.text
    return reply.get_json()


def page(web, job_id):
    reply = web.get(f"/api/v1/jobs/{job_id}/report.html")
    assert (reply.status_code, reply.content_type) == (200, "text/html; charset=utf-8")
    return reply


def section(found, name):
    return next(one for one in found["sections"] if one["name"] == name)


def test_a_report_of_a_job_says_what_its_result_says(web):
    job_id = web.finished()
    found, result = report(web, job_id), web.get(f"/api/v1/jobs/{job_id}/result").get_json()
    assert (found["job_id"], found["kind"], found["title"]) == (job_id, "backtest", "sma_cross on fx_daily")
    assert section(found, "metrics")["figures"] == result["metrics"]
    assert section(found, "run")["figures"]["params"] == "fast=20 slow=50 side=long"
    assert section(found, "run")["figures"]["fill"] == "next_close"
    assert section(found, "made")["figures"]["result_hash"] == "f" * 64
    months = section(found, "curve")["tables"][1]
    assert (months["name"], months["rows"]) == ("months", result["monthly_returns"])
    assert section(found, "trades")["figures"] == {"total": 2, "open": 1}
    assert web.get(f"/api/v1/jobs/{job_id}").get_json()["links"]["report"] == f"/api/v1/jobs/{job_id}/report.html"


def test_the_page_draws_the_curves_without_a_script(web):
    reply = page(web, web.finished())
    assert "script-src" not in reply.headers["Content-Security-Policy"]
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert not re.search(r"<script|\son[a-z]+=|style=|href=|src=", reply.text)
    equity, drawdown = re.findall(r'<polyline class="([a-z]+) alone" points="([0-9., ]+)"', reply.text)
    assert [equity[0], drawdown[0]] == ["equity", "drawdown"]
    points = [tuple(map(float, point.split(","))) for point in equity[1].split()]
    assert len(points) == 4
    heights = [y for _, y in points]
    assert heights.index(min(heights)) == 3  # 100, 110, 99, 125: the highest value is drawn at the top
    assert heights.index(max(heights)) == 2
    assert "125.00" in reply.text
    assert "-10.00%" in reply.text


def test_the_page_is_one_file_whose_style_its_policy_knows(web):
    reply = page(web, web.finished())
    (style,) = re.findall(r"<style>(.*?)</style>", reply.text, re.DOTALL)
    known = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{known}'" in reply.headers["Content-Security-Policy"]
    assert "url(" not in style


def test_months_are_a_table_of_years_by_how_strong_they_are(web):
    months = [
        {"month": "2020-12", "return": 0.05},
        {"month": "2021-02", "return": -0.002},
        {"month": "2021-03", "return": 0.0},
    ]
    job_id = web.run()
    web.succeed(job_id, result={"monthly_returns": months})
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', page(web, job_id).text)
    assert [year for year, _ in rows] == ["2021", "2020"]
    cells = {year: re.findall(r'<td class="number ([a-z0-9]*)">([^<]*)</td>', cells) for year, cells in rows}
    assert cells["2021"][:4] == [("", ""), ("loss1", "-0.20%"), ("", "0.00%"), ("", "")]
    assert cells["2020"][11] == ("gain3", "5.00%")


def test_a_comparison_is_a_page_of_curves_figures_and_pairs(web):
    first, second = web.finished(), web.finished()
    reply = web.get(f"/api/v1/backtest/comparison.html?job_ids={first},{second},{'0' * 32}")
    assert reply.status_code == 200
    lines = re.findall(r'<polyline class="([a-z]+) line([12])" points="([0-9., ]+)"', reply.text)
    assert [(figure, at) for figure, at, _ in lines] == [
        ("growth", "1"), ("growth", "2"), ("drawdown", "1"), ("drawdown", "2"),
    ]  # fmt: skip
    assert lines[0][2] == lines[1][2]  # the same result, rebased the same way
    assert f"({first[:8]})" in reply.text
    assert "Left out" in reply.text
    assert "0" * 32 in reply.text


def test_every_text_of_a_result_is_a_text(web):
    job_id = web.run()
    told = {"warnings": [HOSTILE], "lookahead": {"sentence": HOSTILE}, "provenance": {"quality": "synthetic"}}
    told["trades_summary"] = {"total": 1, "exit_reasons": {HOSTILE: 1}}
    told["metrics"] = {HOSTILE: 1.0}
    web.succeed(job_id, result=told)
    text = page(web, job_id).text
    assert "<script" not in text
    assert text.count("</svg>") == 1
    assert text.count("&lt;/svg&gt;&lt;script&gt;") == 4
    assert "The market data are synthetic." in text


@pytest.mark.parametrize("values", [(100.0,), (100.0, 100.0), (1e308, -1e308, 1.0), (NAN, NAN), (1.0, NAN, 3.0)])
def test_every_curve_has_a_page(web, values):
    job_id = web.run()
    table = equity_table(values).set_column(1, "value", [values]).set_column(2, "drawdown", [[NAN] * len(values)])
    web.succeed(job_id, equity=table)
    text = page(web, job_id).text
    drawn = re.findall(r'points="([^"]+)"', text)
    nothing = len(values) < 2 or values[0] != values[0]
    assert (len(drawn), "<svg" in text) == ((0, False) if nothing else (1, True))
    assert not re.search(r"nan|inf", " ".join(drawn))


def test_what_one_kind_of_job_finds_is_told_as_figures_and_rows(web):
    job_id = web.run()
    claim = web.services.jobs.claim(job_id, lease_owner="test")
    block = {
        "trials_made": 3,
        "best": {"params": {"fast": 5}, "sharpe": 1.2, "metrics": {"sharpe": 1.2, "cagr": 0.1}},
        "top": [{"trial": 1, "params": {"fast": 5}, "figures": {"sharpe": 1.2}}, {"trial": 2, "params": {}}],
        "folds": [
            {
                "train": {"start": "2020-01-02T00:00:00Z", "end": "2020-12-31T00:00:00Z", "bars": 250},
                "in_sample": {"sharpe": 2.0, "cagr": 0.1},
                "out_of_sample": {"sharpe": 0.5},
            }
        ],
        "out_of_sample": {"metrics": {"sharpe": 0.5}, "equity": {"value": [1.0]}},
        "statistics": {"psr": 0.9, "sentence": "Three trials are few."},
        "bands": {"sharpe": {"p05": 0.1, "p95": 0.9}, "cagr": {"p05": 0.0, "p95": 0.1}},
        "meaning": "What it means.",
        "empty": {},
    }
    with web.services.store.database.write() as tx:
        tx.exec_driver_sql("UPDATE jobs SET kind = 'sweep' WHERE id = ?", (job_id,))
    assert web.services.jobs.finish(claim, Output({"request": {}, "sweep": block}, "e" * 64, {}, 1.0)) == "succeeded"
    found = report(web, job_id)
    own = section(found, "sweep")
    assert own["figures"] == {"trials_made": 3}
    assert own["notes"] == ["What it means.", "Three trials are few."]
    assert {table["name"]: table["rows"] for table in own["tables"]} == {
        "best": [{"name": "params", "figure": "fast=5"}, {"name": "sharpe", "figure": 1.2}],
        "top": [{"trial": 1, "params": "fast=5", "sharpe": 1.2}, {"trial": 2, "params": None, "sharpe": None}],
        "folds": [{"train": "2020-01-02 to 2020-12-31", "in_sample_sharpe": 2.0, "out_of_sample_sharpe": 0.5}],
        "statistics": [{"name": "psr", "figure": 0.9}],
        "bands": [{"name": "sharpe", "p05": 0.1, "p95": 0.9}, {"name": "cagr", "p05": 0.0, "p95": 0.1}],
    }
    assert section(found, "metrics")["nothing"] == "This job computed no account."
    assert "<svg" not in page(web, job_id).text


def test_a_job_without_a_result_has_no_report(web):
    job_id = web.run()
    assert report(web, job_id, 409)["code"] == "not_ready"
    assert web.get(f"/api/v1/jobs/{job_id}/report.html").status_code == 409
    assert report(web, "0" * 32, 404)["code"] == "unknown_job"
    assert report(web, "yesterday", 404)["code"] == "unknown_job"
