"""Every bad input is answered clearly: the right status and code, where it is wrong, and what would be right."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

RUN = "/api/v1/backtest/run"
DEEP = "[" * 50_000

# What the body says -> status, code, pointer, nearest.
MEANING = {
    "unknown strategy": ({"strategy_id": "sma_crss"}, 422, "unknown_strategy", "/strategy_id", "sma_cross"),
    "no strategy": ({}, 422, "invalid_request", "/strategy_id", None),
    "unknown field": ({"strategy_id": "sma_cross", "parms": {}}, 422, "invalid_request", "/parms", "params"),
    "mass assignment": ({"strategy_id": "sma_cross", "owner": "x"}, 422, "invalid_request", "/owner", None),
    "parameter misspelt": ({"params": {"fsat": 3}}, 422, "invalid_parameter", "/params/fsat", "fast"),
    "parameter too small": ({"params": {"fast": 1}}, 422, "invalid_parameter", "/params/fast", None),
    "parameter of 10^12": ({"params": {"fast": 10**12}}, 422, "invalid_parameter", "/params/fast", None),
    "parameter of 300 digits": ({"params": {"fast": 10**300}}, 422, "invalid_parameter", "/params/fast", None),
    "parameter as text": ({"params": {"fast": "12"}}, 422, "invalid_parameter", "/params/fast", None),
    "parameter true": ({"params": {"fast": True}}, 422, "invalid_parameter", "/params/fast", None),
    "parameter as list": ({"params": {"fast": [1]}}, 422, "invalid_parameter", "/params/fast", None),
    "fast above slow": ({"params": {"fast": 60, "slow": 50}}, 422, "invalid_parameter", "/params", None),
    "fast equals slow": ({"params": {"fast": 50, "slow": 50}}, 422, "invalid_parameter", "/params", None),
    "params as list": ({"params": []}, 422, "invalid_request", "/params", None),
    "start after end": (
        {"start_date": "2020-01-02", "end_date": "2020-01-01"},
        422,
        "invalid_date_range",
        "/start_date",
        None,
    ),
    "range without data": ({"end_date": "1980-01-01"}, 422, "no_data_in_range", "/end_date", None),
    "too few bars": (
        {"start_date": "2020-01-01", "end_date": "2020-01-10"},
        422,
        "not_enough_bars",
        "/start_date",
        None,
    ),
    "no such day": ({"start_date": "2020-02-30"}, 422, "invalid_request", "/start_date", None),
    "a time, not a date": ({"start_date": "2020-01-01T00:00"}, 422, "invalid_request", "/start_date", None),
    "date as number": ({"start_date": 20200101}, 422, "invalid_request", "/start_date", None),
    "unknown symbol": ({"symbols": ["EURUSX"]}, 422, "unknown_symbol", "/symbols/0", "EURUSD"),
    "symbol twice": ({"symbols": ["EURUSD", "EURUSD"]}, 422, "invalid_request", "/symbols/1", None),
    "no symbols": ({"symbols": []}, 422, "invalid_request", "/symbols", None),
    "symbols as text": ({"symbols": "EURUSD"}, 422, "invalid_request", "/symbols", None),
    "a symbol as number": ({"symbols": ["EURUSD", 7]}, 422, "invalid_request", "/symbols/1", None),
    "too many symbols": ({"symbols": ["EURUSD"] * 1001}, 422, "invalid_request", "/symbols", None),
    "unknown dataset": ({"dataset": "fx_dayly"}, 422, "unknown_dataset", "/dataset", "fx_daily"),
    "unknown version": ({"dataset": "fx_daily@0"}, 422, "unknown_dataset_version", "/dataset", None),
    "untradable dataset": ({"dataset": "us_core_cpi_monthly"}, 422, "dataset_not_tradable", "/dataset", None),
    "config misspelt": (
        {"config": {"comission_bps": 1}},
        422,
        "invalid_config",
        "/config/comission_bps",
        "commission_bps",
    ),
    "config out of bounds": ({"config": {"stop_loss": 2}}, 422, "invalid_config", "/config/stop_loss", None),
    "unknown fill": ({"config": {"fill": "next_opn"}}, 422, "invalid_config", "/config/fill", "next_open"),
    "fill without opens": ({"config": {"fill": "next_open"}}, 422, "fill_unavailable", "/config/fill", None),
    "negative capital": ({"initial_capital": -5}, 422, "invalid_config", "/initial_capital", None),
    "capital as text": ({"initial_capital": "100"}, 422, "invalid_request", "/initial_capital", None),
    "capital of 10^400": ({"initial_capital": 10**399}, 422, "invalid_request", "/initial_capital", None),
    "unknown benchmark": ({"benchmark": "SPX"}, 422, "unknown_symbol", "/benchmark", None),
    "seed of 10^18": ({"seed": 10**18}, 422, "invalid_request", "/seed", None),
    "seed half": ({"seed": 0.5}, 422, "invalid_request", "/seed", None),
    "seed true": ({"seed": True}, 422, "invalid_request", "/seed", None),
    "a tag with a quote": ({"tags": ['a"b']}, 422, "invalid_request", "/tags/0", None),
    "too many tags": ({"tags": ["a"] * 21}, 422, "invalid_request", "/tags", None),
    "null strategy": ({"strategy_id": None}, 422, "invalid_request", "/strategy_id", None),
    "endless strategy": ({"strategy_id": "s" * 100_000}, 422, "invalid_request", "/strategy_id", None),
    "NUL": ({"strategy_id": "sma\x00cross"}, 422, "invalid_request", "/strategy_id", None),
    "NUL in a key": ({"params": {"fa\x00st": 1}}, 422, "invalid_request", "/params", None),
    "half a surrogate pair": ({"symbols": ["\ud800"]}, 422, "invalid_request", "/symbols/0", None),
}


@pytest.mark.parametrize("case", MEANING)
def test_a_request_without_meaning_is_refused_with_the_place_and_the_nearest_right_one(web: Any, case: str) -> None:
    given, status, code, pointer, nearest = MEANING[case]
    names = {"strategy_id": "sma_cross"} if "strategy" not in case and case != "NUL" else {}
    reply = web.post(RUN, names | given)
    problem = reply.get_json()
    assert reply.content_type == "application/problem+json"
    assert (reply.status_code, problem["code"], problem.get("pointer")) == (status, code, pointer), problem
    assert problem["status"] == status
    assert problem.get("nearest") == nearest, problem
    assert problem["detail"].endswith((".", "?"))
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_nothing_in_a_list_is_said_to_be_nothing(web: Any) -> None:
    reply = web.post(RUN, {"strategy_id": "sma_cross", "tags": ["a", None]})
    assert reply.get_json()["detail"] == "tags/1 must not be null."


# What the body is -> status, code.
BYTES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "malformed_json"),
    "cut off": (b'{"strategy_id": "sma_', 400, "malformed_json"),
    "two values": (b"{} {}", 400, "malformed_json"),
    "single quotes": (b"{'strategy_id': 'sma_cross'}", 400, "malformed_json"),
    "a comment": (b"{} // hello", 400, "malformed_json"),
    "a raw NUL": (b'{"strategy_id": "sma\x00cross"}', 400, "malformed_json"),
    "not UTF-8": (b'{"strategy_id": "\xff"}', 400, "malformed_json"),
    "a byte order mark": (b'\xef\xbb\xbf{"strategy_id": "sma_cross"}', 400, "malformed_json"),
    "NaN": (b'{"strategy_id": "sma_cross", "initial_capital": NaN}', 400, "malformed_json"),
    "Infinity": (b'{"strategy_id": "sma_cross", "initial_capital": -Infinity}', 400, "malformed_json"),
    "1e999": (b'{"strategy_id": "sma_cross", "initial_capital": 1e999}', 400, "malformed_json"),
    "5000 digits": (b'{"seed": ' + b"9" * 5000 + b"}", 400, "malformed_json"),
    "a key twice": (b'{"strategy_id": "sma_cross", "strategy_id": "buy_and_hold"}', 400, "duplicate_key"),
    "a key twice, deeper": (b'{"params": {"fast": 1, "fast": 2}}', 400, "duplicate_key"),
    "50,000 brackets": (DEEP.encode(), 400, "nested_too_deeply"),
    "50,000 closed brackets": (f"{DEEP}{']' * 50_000}".encode(), 400, "nested_too_deeply"),
    "50,000 objects": (b'{"a":' * 50_000, 400, "nested_too_deeply"),
    "a hundred levels": (b'{"params": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", 400, "nested_too_deeply"),
    "a list": (b"[]", 422, "invalid_request"),
    "a number": (b"7", 422, "invalid_request"),
    "null": (b"null", 422, "invalid_request"),
}


@pytest.mark.parametrize("case", BYTES)
def test_a_body_that_is_no_json_object_is_refused(web: Any, case: str) -> None:
    body, status, code = BYTES[case]
    reply = web.post(RUN, data=body, content_type="application/json")
    assert (reply.status_code, reply.get_json()["code"]) == (status, code), reply.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_another_content_type_is_refused(web: Any, kind: str | None) -> None:
    reply = web.post(RUN, data=b'{"strategy_id": "sma_cross"}', content_type=kind)
    assert (reply.status_code, reply.get_json()["code"]) == (415, "unsupported_media_type")
    assert reply.get_json()["allowed"] == ["application/json"]


def test_several_wrong_fields_are_told_at_once(web: Any) -> None:
    problem = web.post(RUN, {"strategy": "sma_cross", "seed": "1", "symbols": [1, "EURUSD", None]}).get_json()
    told = {error["pointer"]: error["message"] for error in problem["errors"]}
    assert set(told) == {"/strategy_id", "/strategy", "/seed", "/symbols/0", "/symbols/2"}
    assert told["/strategy"] == "There is no field 'strategy'. Did you mean 'strategy_id'?"
    assert told["/seed"] == "seed must be a whole number."


def test_a_body_over_the_limit_is_refused_before_it_is_read(web: Any) -> None:
    limit = web.services.settings.max_body_bytes
    body = json.dumps({"strategy_id": "sma_cross", "tags": ["x" * limit]})
    reply = web.post(RUN, data=body, content_type="application/json")
    assert (reply.status_code, reply.get_json()["code"]) == (413, "body_too_large")
    assert reply.get_json()["allowed"] == {"maximum_bytes": limit}


def test_a_chunked_body_over_the_limit_is_refused_too(web: Any) -> None:
    body = io.BytesIO(b" " * (web.services.settings.max_body_bytes + 10) + b"{}")
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    reply = web.post(RUN, input_stream=body, content_type="application/json", environ_overrides=environ)
    assert (reply.status_code, reply.get_json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("key", ["", "a" * 201, "naïve", "tab\tkey"])
def test_an_idempotency_key_is_short_printable_ascii(web: Any, key: str) -> None:
    reply = web.post(RUN, {"strategy_id": "sma_cross"}, headers={"Idempotency-Key": key})
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, "/Idempotency-Key"), reply.text
    assert reply.get_json()["detail"].startswith("Idempotency-Key must "), reply.text


# Queries -> pointer.
QUERIES = {
    "/api/v1/jobs?limit=0": "/limit",
    "/api/v1/jobs?limit=201": "/limit",
    "/api/v1/jobs?limit=1e3": "/limit",
    "/api/v1/jobs?limit=": "/limit",
    f"/api/v1/jobs?limit={'9' * 5000}": "/limit",
    "/api/v1/jobs?limt=3": "/limt",
    "/api/v1/jobs?status=done": "/status",
    "/api/v1/jobs?strategy_id=%00": "/strategy_id",
    "/api/v1/jobs?tag=%22": "/tag",
    "/api/v1/jobs?cursor=hello": "/cursor",
    "/api/v1/jobs?cursor=bmFuIDAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAx": "/cursor",
    f"/api/v1/jobs?cursor={'a' * 500}": "/cursor",
    "/api/v1/backtest/results?strategy_id=": "/strategy_id",
    "/api/v1/backtest/comparison?job_ids=,": "/job_ids",
    f"/api/v1/backtest/comparison?job_ids={'a' * 65}": "/job_ids",
}


@pytest.mark.parametrize("path", QUERIES)
def test_a_bad_query_is_refused_with_its_place(web: Any, path: str) -> None:
    reply = web.get(path)
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, QUERIES[path]), reply.text


@pytest.mark.parametrize("flag", ["yes", "2", ""])
def test_a_flag_is_true_or_false(web: Any, flag: str) -> None:
    assert web.post(f"{RUN}?dry_run={flag}", {"strategy_id": "sma_cross"}).status_code == 422


@pytest.mark.parametrize("job_id", ["x", "%00", "%ED%A0%80", "0" * 32, "..%2f..%2fetc", "A" * 32, "0" * 5000])
@pytest.mark.parametrize("tail", ["", "/result", "/equity", "/trades", "/export", "/events"])
def test_a_job_that_cannot_be_is_404(web: Any, job_id: str, tail: str) -> None:
    reply = web.get(f"/api/v1/jobs/{job_id}{tail}")
    assert reply.status_code == 404, reply.text
    assert reply.content_type == "application/problem+json"
