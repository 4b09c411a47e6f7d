"""What a job left: results, curves, trades and files."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest


def curve(count: int) -> pa.Table:
    steps = np.random.default_rng(7).normal(0, 1, count)
    value = 1000 + np.cumsum(steps)
    return pa.table(
        {
            "time": pa.array((np.arange(count) * 86_400_000).tolist(), pa.timestamp("ms", "UTC")),
            "value": value.tolist(),
            "drawdown": (value / np.maximum.accumulate(value) - 1).tolist(),
            "exposure": [0.5] * count,
            "cash": [float("nan")] * count,
        }
    )


def test_a_result_holds_numbers_their_origin_and_their_dates(web: Any) -> None:
    job_id = web.finished()
    body = web.get(f"/api/v1/jobs/{job_id}/result").get_json()
    assert (body["job_id"], body["kind"], body["request"]["strategy_id"]) == (job_id, "backtest", "sma_cross")
    assert body["metrics"] == {"total_return": 0.25, "sharpe": 1.5, "alpha": None}
    assert body["equity"]["time"][:2] == ["1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z"]
    assert len(body["equity"]["drawdown"]) == 4
    assert body["conventions"]["fill"] == "next_close"
    assert body["provenance"]["source"] == "a test"


def test_a_result_never_changes_and_is_not_sent_twice(web: Any) -> None:
    path = f"/api/v1/jobs/{web.finished()}/result"
    first = web.get(path)
    assert first.headers["ETag"] == f'"{"f" * 64}"'
    assert "immutable" in first.headers["Cache-Control"]
    assert "private" in first.headers["Cache-Control"]
    again = web.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert web.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    for known in ("*", f"W/{first.headers['ETag']}"):  # a proxy that compresses weakens the tag
        assert web.get(path, headers={"If-None-Match": known}).status_code == 304
    absent = path.replace("/result", "/positions")
    assert web.get(absent, headers={"If-None-Match": "*"}).status_code == web.get(absent).status_code == 404
    assert web.other().get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 404


def test_two_views_of_a_result_have_two_tags(web: Any) -> None:
    here = f"/api/v1/jobs/{web.finished()}"
    views = (
        "result",
        "result?points=10",
        "equity",
        "equity?points=10",
        "trades",
        "trades?limit=1",
        "export?format=csv",
    )
    tags = {web.get(f"{here}/{view}").headers["ETag"] for view in views}
    assert len(tags) == len(views)


def test_a_head_request_tells_the_same_headers_without_the_body(web: Any) -> None:
    path = f"/api/v1/jobs/{web.finished()}/result"
    get, head = web.get(path), web.call("HEAD", path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize("points", [10, 11, 100, 999])
def test_a_decimated_curve_keeps_ends_and_extremes(web: Any, points: int) -> None:
    full = curve(5000)
    job_id = web.run()
    web.succeed(job_id, equity=full)
    body = web.get(f"/api/v1/jobs/{job_id}/equity?points={points}").get_json()
    values = full["value"].to_pylist()
    assert len(body["time"]) == len(body["value"]) == len(body["drawdown"]) == len(body["cash"]) <= points
    assert body["time"] == sorted(set(body["time"]))
    assert (body["value"][0], body["value"][-1]) == (values[0], values[-1])
    assert (min(body["value"]), max(body["value"])) == (min(values), max(values))
    assert min(body["drawdown"]) == min(full["drawdown"].to_pylist())
    assert (body["bars"], body["decimated"]) == (5000, True)
    assert set(body["value"]) <= set(values)


def test_a_curve_that_is_short_enough_is_left_alone_and_nan_is_null(web: Any) -> None:
    job_id = web.run()
    web.succeed(job_id, equity=curve(50))
    body = web.get(f"/api/v1/jobs/{job_id}/equity?points=50").get_json()
    assert (len(body["value"]), body["decimated"]) == (50, False)
    assert body["cash"] == [None] * 50


def test_a_result_carries_at_most_twenty_thousand_points(web: Any) -> None:
    job_id = web.run()
    web.succeed(job_id, equity=curve(30_000))
    assert len(web.get(f"/api/v1/jobs/{job_id}/result").get_json()["equity"]["value"]) <= 20_000
    exported = web.get(f"/api/v1/jobs/{job_id}/export?format=parquet")
    assert pyarrow.parquet.ParquetFile(io.BytesIO(exported.data)).metadata.num_rows == 30_000


def test_a_table_travels_as_a_stream_of_arrow_record_batches(web: Any) -> None:
    job_id = web.run()
    web.succeed(job_id, equity=curve(3_000))
    reply = web.get(f"/api/v1/jobs/{job_id}/export?format=arrow")
    assert reply.mimetype == "application/vnd.apache.arrow.stream"
    found = pa.ipc.open_stream(reply.data).read_all()
    stored = pyarrow.parquet.read_table(io.BytesIO(web.get(f"/api/v1/jobs/{job_id}/export").data))
    assert found.schema.equals(stored.schema)
    pd.testing.assert_frame_equal(found.to_pandas(), stored.to_pandas(), check_exact=True)  # NaN is where NaN was


def test_trades_come_in_pages(web: Any) -> None:
    job_id = web.finished()
    first = web.get(f"/api/v1/jobs/{job_id}/trades?limit=1").get_json()
    second = web.get(f"/api/v1/jobs/{job_id}/trades?limit=1&cursor={first['next']}").get_json()
    assert [len(first["trades"]), len(second["trades"]), second["next"]] == [1, 1, None]
    assert first["trades"][0]["exit_time"] == "1970-01-01T00:00:00Z"
    # An open position has no exit, and says so with null.
    assert (second["trades"][0]["exit_time"], second["trades"][0]["exit_price"]) == (None, None)
    assert (second["trades"][0]["bars_held"], second["trades"][0]["pnl"]) == (3, -2.5)


def test_a_run_without_trades_has_an_empty_page(web: Any, make_trades: Any) -> None:
    job_id = web.run()
    web.succeed(job_id, trades=make_trades(()))
    assert web.get(f"/api/v1/jobs/{job_id}/trades").get_json() == {"trades": [], "next": None}
    assert web.get(f"/api/v1/jobs/{job_id}/export?format=csv&part=trades").text.count("\n") == 1


@pytest.mark.parametrize("cursor", ["LTE", "x", "MS41", "4pyT", "OTk5OTk5OTk5OTk5OTk5OQ"])
def test_a_forged_trades_cursor_is_refused(web: Any, cursor: str) -> None:
    reply = web.get(f"/api/v1/jobs/{web.finished()}/trades?cursor={cursor}")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_cursor")


def test_a_parquet_export_is_the_file_that_was_computed(web: Any) -> None:
    reply = web.get(f"/api/v1/jobs/{web.finished()}/export?part=trades")
    assert reply.content_type == "application/vnd.apache.parquet"
    assert reply.headers["Content-Disposition"].startswith("attachment;")
    assert pyarrow.parquet.ParquetFile(io.BytesIO(reply.data)).read().column_names[0] == "symbol"


def test_a_csv_export_is_one_table(web: Any) -> None:
    job_id = web.finished()
    reply = web.get(f"/api/v1/jobs/{job_id}/export?format=csv")
    told = list(csv.DictReader(io.StringIO(reply.text)))
    assert reply.content_type == "text/csv; charset=utf-8"
    assert f"{job_id}-equity.csv" in reply.headers["Content-Disposition"]
    assert [row["value"] for row in told] == ["100.0", "110.0", "99.0", "125.0"]
    assert told[0]["time"] == "1970-01-01T00:00:00Z"


def test_a_spreadsheet_does_not_run_what_a_csv_says(web: Any, make_trades: Any) -> None:
    job_id = web.run()
    symbols = ("=1+1", "+x", "-x", "@x", "\tx", "\rx", "\0x", "plain")
    web.succeed(job_id, trades=make_trades(symbols))
    text = web.get(f"/api/v1/jobs/{job_id}/export?format=csv&part=trades").text
    told = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["symbol"] for row in told] == ["'=1+1", "'+x", "'-x", "'@x", "'\tx", "'\rx", "'\0x", "plain"]
    assert {row["pnl"] for row in told} == {"-2.5"}  # a number is no formula


def test_a_json_export_holds_both_tables(web: Any) -> None:
    job_id = web.finished()
    both = web.get(f"/api/v1/jobs/{job_id}/export?format=json").get_json()
    assert (set(both), len(both["equity"]), len(both["trades"])) == ({"equity", "trades"}, 4, 2)
    one = web.get(f"/api/v1/jobs/{job_id}/export?format=json&part=trades").get_json()
    assert set(one) == {"trades"}
    assert math.isclose(both["equity"][2]["drawdown"], 99 / 110 - 1)


@pytest.mark.parametrize("query", ["format=xlsx", "part=holdings", "format="])
def test_an_export_of_something_else_is_refused(web: Any, query: str) -> None:
    assert web.get(f"/api/v1/jobs/{web.finished()}/export?{query}").status_code == 422
