"""Uploads over HTTP: from a file to a dataset that runs, and what is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from app.web import uploading
from bench.hostile import uploads
from tests.working import Hand

DATASETS = "/api/v1/datasets"
RUN = "/api/v1/backtest/run"
DAYS = np.busday_offset("2020-01-01", np.arange(120), roll="forward")
HOLE = range(50, 80)


def wide(hole: range = range(0)) -> bytes:
    """Closes of A and B; B misses some."""
    rows = (f"{day},{100 + at},{'' if at in hole else 50 + at}" for at, day in enumerate(DAYS))
    return "\n".join(("date,A,B", *rows)).encode()


def send(web: Any, content: bytes, name: str, **fields: str) -> Any:
    return web.post(DATASETS, data={"file": (io.BytesIO(content), "../../etc/passwd"), "name": name, **fields})


@pytest.fixture(scope="module")
def kept(shared: Any) -> Any:
    """The answer for a file with a hole, kept as `holes`."""
    reply = send(shared, wide(HOLE), "holes", source="A test", quality="synthetic")
    assert reply.status_code == 201, reply.text
    return reply


def test_an_upload_is_told_with_its_version_coverage_and_what_is_wrong(shared: Any, kept: Any) -> None:
    body = kept.get_json()
    assert (body["dataset_id"], body["symbols"], body["bars"], body["quality"]) == (
        "holes",
        ["A", "B"],
        120,
        "synthetic",
    )
    assert (body["start"], body["end"]) == ("2020-01-01", str(DAYS[-1]))
    assert [(gap["symbol"], gap["missing"]) for gap in body["gaps"]] == [("B", 30)]
    assert body["warnings"][0].startswith("B misses 30 sessions in a row")
    assert kept.headers["Location"] == f"{DATASETS}/holes@{body['version']}"
    assert shared.get(kept.headers["Location"]).get_json()["version"] == body["version"]


def test_the_same_bytes_again_are_the_same_version(web: Any, kept: Any) -> None:
    reply = send(web, wide(HOLE), "holes", source="A test", quality="synthetic")
    assert (reply.status_code, reply.get_json()) == (200, kept.get_json())


def test_a_dataset_tells_its_report_origin_and_versions(web: Any, kept: Any) -> None:
    found = web.get(f"{DATASETS}/holes").get_json()
    assert [(item["code"], item["severity"], item["symbol"]) for item in found["findings"]] == [
        ("data_gap", "error", "B")
    ]
    assert [one["version"] for one in found["versions"]] == [kept.get_json()["version"]]
    assert (found["source"], found["title"], found["coverage"]["B"]["missing"]) == ("A test", "holes", 30)
    assert "holes" in {item["dataset_id"] for item in web.get(DATASETS).get_json()["datasets"]}


def test_a_run_over_bad_data_is_refused_with_symbol_and_dates(web: Any, kept: Any) -> None:
    asked = {"strategy_id": "buy_and_hold", "dataset": "holes"}
    problem = web.post(RUN, asked).get_json()
    assert (problem["status"], problem["code"], problem["pointer"]) == (422, "data_gap", "/start_date")
    assert f"B misses 30 sessions in a row from {DAYS[50]} to {DAYS[79]}" in problem["detail"]
    assert problem["allowed"] == {"before": str(DAYS[50]), "after": str(DAYS[79])}
    assert web.post(RUN, asked | {"symbols": ["A"]}).status_code == 202
    assert web.post(RUN, asked | {"start_date": str(DAYS[80])}).status_code == 202
    assert web.post(RUN, asked | {"symbols": ["A"], "benchmark": "B"}).get_json()["code"] == "data_gap"


def test_bars_come_in_pages_decimated_or_as_a_file(web: Any, kept: Any) -> None:
    here = f"{DATASETS}/holes/bars?symbol=B"
    first = web.get(f"{here}&limit=50").get_json()
    second = web.get(f"{here}&limit=50&cursor={first['next']}").get_json()
    assert (first["bars"], len(first["time"]), len(second["time"]), second["next"]) == (90, 50, 40, None)
    assert (first["close"][0], second["time"][0]) == (50.0, f"{DAYS[80]}T00:00:00Z")
    few = web.get(f"{here}&points=20").get_json()
    assert (few["decimated"], few["close"][0], few["close"][-1]) == (True, 50.0, 169.0)
    assert len(few["time"]) <= 20
    lines = web.get(f"{here}&format=csv&start={DAYS[1]}&end={DAYS[2]}").text.splitlines()
    assert lines == [
        "time,symbol,open,high,low,close,volume",
        f"{DAYS[1]}T00:00:00Z,B,51.0,51.0,51.0,51.0,",
        f"{DAYS[2]}T00:00:00Z,B,52.0,52.0,52.0,52.0,",
    ]


def test_a_symbol_that_is_a_formula_is_quoted_in_a_file(web: Any) -> None:
    assert send(web, b"date,=1+1\n2024-01-02,1\n2024-01-03,2\n", "formula").status_code == 201
    text = web.get(f"{DATASETS}/formula/bars?format=csv").text
    assert ",'=1+1," in text


def test_series_have_bars_to_read_and_none_to_trade(web: Any) -> None:
    rows = b"key,observed,available,value\nCPI,2024-01-01,2024-02-13,300\nCPI,2024-02-01,2024-03-12,301\n"
    body = send(web, rows, "prices").get_json()
    assert (body["kind"], body["symbols"], body["gaps"]) == ("series", ["CPI"], [])
    assert web.get(f"{DATASETS}/prices/bars").get_json()["close"] == [300.0, 301.0]
    assert (
        web.post(RUN, {"strategy_id": "buy_and_hold", "dataset": "prices"}).get_json()["code"] == "dataset_not_tradable"
    )


# What is sent -> status, code, pointer.
REFUSED: dict[str, tuple[dict[str, Any], int, str, str | None]] = {
    "a bad cell": ({"content": b"date,A\n2024-01-02,x\n"}, 422, "bad_number", "/file"),
    "a shipped name": ({"name": "fx_daily"}, 409, "dataset_exists", "/name"),
    "a path as name": ({"name": "../.."}, 422, "invalid_request", "/name"),
    "an endless name": ({"name": "x" * 65}, 422, "invalid_request", "/name"),
    "NUL in the source": ({"source": "a\x00b"}, 422, "invalid_request", "/source"),
    "another quality": ({"quality": "perfect"}, 422, "invalid_request", "/quality"),
    "an unknown field": ({"frequence": "daily"}, 422, "invalid_request", "/frequence"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_upload_that_cannot_be_is_refused_with_its_place(web: Any, case: str) -> None:
    given, status, code, pointer = REFUSED[case]
    reply = send(web, **{"content": wide(), "name": "refused"} | given)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem.get("pointer")) == (status, code, pointer), reply.text
    assert web.get(f"{DATASETS}/refused").status_code == 404


@pytest.mark.parametrize(
    ("options", "status", "pointer"),
    [
        ({"data": b"date,A\n", "content_type": "text/csv"}, 415, None),
        ({"json": {"name": "x"}}, 415, None),
        ({"data": {"name": "x"}, "content_type": "multipart/form-data"}, 422, "/file"),
        ({"data": {"name": "x", "file": "text"}, "content_type": "multipart/form-data"}, 422, "/file"),
        ({"data": {"file": (io.BytesIO(b"x"), "x")}}, 422, "/name"),
        ({"data": {"name": ["x", "y"], "file": (io.BytesIO(b"x"), "x")}}, 422, "/name"),
        ({"data": b"garbage", "content_type": "multipart/form-data; boundary=x"}, 422, "/file"),
        ({"data": b"garbage", "content_type": "multipart/form-data"}, 422, "/file"),
    ],
)
def test_a_body_that_is_no_form_with_a_file_is_refused(
    web: Any, options: dict[str, Any], status: int, pointer: str | None
) -> None:
    reply = web.post(DATASETS, **options)
    assert (reply.status_code, reply.get_json().get("pointer")) == (status, pointer), reply.text


def test_a_file_over_the_limit_is_refused_by_its_length_and_by_what_comes(make_web: Any) -> None:
    web = make_web(max_upload_mib=1)
    limit = web.app.config["MAX_UPLOAD_LENGTH"]
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"1" * limit + b"\r\n--x--\r\n"
    form = {"content_type": "multipart/form-data; boundary=x", "input_stream": io.BytesIO(body)}
    told = web.post(DATASETS, **form, headers={"Content-Length": str(len(body))})
    form["input_stream"] = io.BytesIO(body)
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for reply in (told, web.post(DATASETS, **form, environ_overrides=chunked)):
        assert (reply.status_code, reply.get_json()["code"]) == (413, "body_too_large"), reply.text
        assert reply.get_json()["allowed"] == {"maximum_bytes": limit}


def test_other_routes_keep_their_small_limit(web: Any) -> None:
    reply = web.post(RUN, data=b" " * (web.services.settings.max_body_bytes + 1), content_type="application/json")
    assert reply.status_code == 413


def test_one_file_is_read_at_a_time(make_web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    web = make_web()
    monkeypatch.setattr(uploading, "LONGEST_WAIT", 0.01)
    with web.app.extensions["queuant"].uploading:
        reply = send(web, wide(), "busy")
    assert (reply.status_code, reply.get_json()["code"]) == (429, "uploads_busy")
    assert reply.headers["Retry-After"] == "10"


def test_who_may_only_read_does_not_upload(web: Any) -> None:
    assert send(web.other("read"), wide(), "mine").status_code == 403


@pytest.mark.parametrize("seed", range(4))
def test_a_hostile_file_is_never_an_accident(web: Any, seed: int) -> None:
    assert send(web, uploads.file(seed), f"hostile{seed}").status_code in (200, 201, 422)


def test_no_file_of_an_upload_is_left_behind(web: Any, kept: Any) -> None:
    drafts = web.services.catalog.library.depot.drafts
    assert list(drafts.iterdir()) == []


@pytest.mark.parametrize("kind", ["run", "montecarlo"])
def test_a_result_names_the_version_that_it_was_computed_on_and_not_a_newer_one(web: Any, kind: str) -> None:
    old = send(web, wide(), f"pinned_{kind}", quality="proxy").get_json()["version"]
    send(web, wide(), f"pinned_{kind}", quality="synthetic")
    body = {"strategy_id": "sma_cross", "dataset": f"pinned_{kind}@{old}", "params": {"fast": 2, "slow": 5}}
    job_id = web.post(f"/api/v1/backtest/{kind}", body).get_json()["job_id"]
    assert Hand(web.services, "worker").do(job_id) == "succeeded"
    told = web.get(f"/api/v1/jobs/{job_id}/result").get_json()["provenance"]
    assert (told["dataset_version"], told["quality"]) == (old, "proxy")
