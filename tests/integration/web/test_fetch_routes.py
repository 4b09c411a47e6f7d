"""Data from sources: what may be asked, and what becomes of a request."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.store import Output

FETCH = "/api/v1/datasets/fetch"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
BODY = {"source": "fred", "items": ["FED_FUNDS"], "name": "us_rates"}


def test_sources_tell_what_they_have_and_what_they_need(web: Any) -> None:
    found = web.get("/api/v1/datasets/sources").get_json()
    sources = {item["source"]: item for item in found["sources"]}
    assert sources["arch"]["installed"] is True
    assert sources["fred"]["package"] is None
    assert "US_CPI_YOY" in sources["fred"]["known"]
    assert sources["ccxt"]["parameters"]["properties"]["timeframe"]["enum"] == ["1h", "4h", "1d"]
    primary = next(item for item in found["series"] if item["key"] == "PRIMARY_GDP")
    assert (primary["source"], primary["id"], primary["factor"]) == ("bcb_sgs", "5793", -1.0)
    assert any("CDS_5Y" in names for names in found["not_free"])


def test_a_request_becomes_a_job_with_every_default_filled_in(web: Any) -> None:
    reply = web.post(FETCH, BODY)
    assert reply.status_code == 202, reply.text
    job = web.get(reply.headers["Location"]).get_json()
    assert (job["kind"], job["dataset_id"], job["status"]) == ("fetch", "us_rates", "queued")
    claim = web.services.jobs.claim(job["job_id"], lease_owner="test")
    assert claim.request == {
        "source": "fred",
        "dataset_id": "us_rates",
        "items": ["FED_FUNDS"],
        "start_date": "1947-01-01",
        "end_date": str(YESTERDAY),
        "params": {"vintages": True, "unit": "index", "frequency": "monthly", "lag_days": 60},
    }


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(web: Any) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = web.post(FETCH, BODY, headers=headers).get_json()
    assert web.post(FETCH, BODY, headers=headers).get_json()["job_id"] == first["job_id"]
    other = web.post(FETCH, BODY | {"name": "other"}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("change", "code", "pointer", "nearest"),
    [
        ({"source": "frde"}, "unknown_source", "/source", "fred"),
        ({"items": ["FED_FUND$"]}, "unknown_item", "/items/0", "FED_FUNDS"),
        ({"items": []}, "invalid_request", "/items", None),
        ({"items": ["SOFR", "SOFR"]}, "invalid_request", "/items/1", None),
        ({"source": "bcb_focus", "items": ["FOCUS_IPCA_Y9"]}, "unknown_item", "/items/0", "FOCUS_IPCA_Y2"),
        ({"source": "yfinance", "items": ["../../etc"]}, "unknown_item", "/items/0", None),
        (
            {"source": "ccxt", "items": ["BTC/USDT"], "params": {"exchange": "evil"}},
            "invalid_parameter",
            "/params/exchange",
            None,
        ),
        ({"params": {"base_url": "http://169.254.169.254"}}, "invalid_parameter", "/params/base_url", None),
        ({"end_date": str(YESTERDAY + timedelta(days=1))}, "invalid_date_range", "/end_date", None),
        ({"start_date": "2024-02-01", "end_date": "2024-01-01"}, "invalid_date_range", "/start_date", None),
        ({"name": "../x"}, "invalid_request", "/name", None),
        ({"url": "http://127.0.0.1"}, "invalid_request", "/url", None),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_its_place(
    web: Any, change: dict[str, Any], code: str, pointer: str, nearest: str | None
) -> None:
    reply = web.post(FETCH, BODY | change)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem["pointer"]) == (422, code, pointer)
    assert nearest is None or problem["nearest"] == nearest


def test_what_nobody_gives_away_is_said_to_be_so(web: Any) -> None:
    problem = web.post(FETCH, BODY | {"source": "tesouro", "items": ["CDS_5Y"]}).get_json()
    assert "no free source" in problem["detail"]


def test_a_dataset_that_ships_keeps_its_name(web: Any) -> None:
    reply = web.post(FETCH, BODY | {"name": "fx_daily"})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "dataset_exists")


def test_who_may_only_read_fetches_nothing(web: Any) -> None:
    assert web.other("read").post(FETCH, BODY).status_code == 403


def test_a_dry_run_queues_nothing(web: Any) -> None:
    told = web.post(f"{FETCH}?dry_run=true", BODY).get_json()
    assert (told["valid"], told["request"]["end_date"], told["estimate"]) == (True, str(YESTERDAY), {"items": 1})
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_the_first_day_is_never_after_the_last(web: Any) -> None:
    job_id = web.post(FETCH, BODY | {"end_date": "1930-01-01"}).get_json()["job_id"]
    request = web.services.jobs.claim(job_id, lease_owner="test").request
    assert date.fromisoformat(request["start_date"]) <= date.fromisoformat(request["end_date"])


def test_the_result_of_a_fetch_names_the_dataset_and_leads_to_it(web: Any) -> None:
    job_id = web.post(FETCH, BODY).get_json()["job_id"]
    claim = web.services.jobs.claim(job_id, lease_owner="test")
    document = {
        "request": dict(claim.request),
        "dataset": {"dataset_id": "us_rates", "version": "0123456789ab"},
        "provenance": {"source": "FRED", "result_hash": "f" * 64},
        "warnings": [],
    }
    assert web.services.jobs.finish(claim, Output(document, "f" * 64, {}, 1.0)) == "succeeded"

    result = web.get(f"/api/v1/jobs/{job_id}/result").get_json()
    assert (result["kind"], result["dataset"]["version"]) == ("fetch", "0123456789ab")
    assert result["links"]["dataset"] == "/api/v1/datasets/us_rates"
    assert "equity" not in result
    missing = web.get(f"/api/v1/jobs/{job_id}/equity")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "no_such_part")
    again = web.post(FETCH, BODY).get_json()
    assert (again["job_id"], again["cached"]) == (job_id, True)
    assert web.post(f"{FETCH}?fresh=true", BODY).get_json()["job_id"] != job_id
