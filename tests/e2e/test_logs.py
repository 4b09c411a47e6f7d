"""The logs of all roles as JSON: every line, whoever writes it, joined by ids of request and job, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from tests.roles import Deployment

ROLES = ("api", "relay", "worker", "supervisor")
RUN = {"strategy_id": "sma_cross", "dataset": "fx_daily", "symbols": ["EURUSD"]}
FRED_KEY = "fred-key-that-is-secret"


@pytest.fixture
def deployment(tmp_path: Path, empty_postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    variables = {"QUEUANT_LOG_FORMAT": "json", "QUEUANT_LOG_LEVEL": "DEBUG", "FRED_API_KEY": FRED_KEY}
    deployment = Deployment(tmp_path, empty_postgres_url, redis_url, **variables)
    yield deployment
    deployment.kill()


@pytest.mark.timeout(180)
def test_a_request_is_followed_through_all_logs_and_none_has_a_secret(
    deployment: Deployment, eventually: Callable[..., None], redis_url: str
) -> None:
    deployment.migrate()
    for role in ROLES:
        deployment.start(role)
    key = deployment.run("keys", "create", "--owner", "ada").strip()
    eventually(deployment.is_ready, 60)
    headers = {"Authorization": f"Bearer {key}", "X-Request-Id": "follow-me", "Prefer": "wait=20"}
    with httpx.Client(base_url=deployment.api_url, headers=headers, trust_env=False, timeout=30) as client:
        job_id = client.post("/api/v1/backtest/run", json=RUN).raise_for_status().json()["job_id"]
        ticket = client.post("/api/v1/ws-tickets").raise_for_status().json()["ticket"]
        client.get(f"/ws/jobs?ticket={ticket}")
    assert deployment.stop() == dict.fromkeys(ROLES, 0)

    logs = {role: (deployment.folder / f"{role}.log").read_text() for role in ROLES}
    lines = {role: [said(line) for line in text.splitlines() if line] for role, text in logs.items()}
    assert {line["role"] for role in ROLES for line in lines[role]} == set(ROLES)
    (queued,) = [line for line in lines["api"] if line["message"] == f"queued job {job_id}"]
    assert (queued["request_id"], queued["job_id"]) == ("follow-me", job_id)
    (ended,) = [line for line in lines["worker"] if line["message"].startswith(f"job {job_id}: succeeded")]
    assert ended["job_id"] == job_id
    assert {line.get("node", "") for line in lines["worker"]} == {ended["node"]}
    assert any(line["logger"].startswith("celery") for line in lines["worker"])
    assert any(line["logger"].startswith("gunicorn") for line in lines["api"])

    password = make_url(redis_url).password or make_url(redis_url).username
    secrets = [key, ticket, FRED_KEY, password, make_url(deployment.database_url).password]
    for secret in filter(None, secrets):
        assert all(secret not in text for text in logs.values())
    assert password


def said(line: str) -> dict[str, Any]:
    fields = dict(json.loads(line))
    assert {"time", "level", "role", "pid", "logger", "message"} <= set(fields)
    return fields
