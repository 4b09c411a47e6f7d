"""Strategies, datasets and tickets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_strategies_come_with_the_schema_of_their_parameters(web: Any) -> None:
    items = {item["strategy_id"]: item for item in web.get("/api/v1/strategies").get_json()["strategies"]}
    fast = items["sma_cross"]["parameters"]["properties"]["fast"]
    assert (fast["type"], fast["minimum"], fast["maximum"], fast["default"]) == ("integer", 2, 200, 20)
    one = web.get("/api/v1/strategies/sma_cross").get_json()
    assert one["doc"].startswith(one["summary"].rstrip("."))
    assert {name: value for name, value in one.items() if name not in ("doc", "lookahead", "spec")} == items[
        "sma_cross"
    ]


def test_strategies_of_the_users_own_are_listed_and_broken_ones_told_without_a_traceback(
    make_web: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "from engine import strategy\n\n@strategy(family='house', source='house')\n"
        "def mine(bars):\n    'Hold.'\n    return bars.close * 0 + 1\n"
    )
    (tmp_path / "worse.py").write_text("import numpy\nnumpy.nothing\n")
    web = make_web(strategy_dirs=(str(tmp_path),))
    body = web.get("/api/v1/strategies").get_json()
    reason = "line 2: AttributeError: module 'numpy' has no attribute 'nothing'"
    assert body["broken"] == [{"file": "worse.py", "error": reason}]
    assert "mine" in {item["strategy_id"] for item in body["strategies"]}
    assert web.get("/api/v1/strategies/mine").get_json()["summary"] == "Hold."


def test_datasets_tell_origin_coverage_and_version(web: Any) -> None:
    items = {item["dataset_id"]: item for item in web.get("/api/v1/datasets").get_json()["datasets"]}
    fx = items["fx_daily"]
    assert (fx["quality"], fx["kind"]) == ("real", "bars")
    assert "EURUSD" in fx["symbols"]
    one = web.get("/api/v1/datasets/fx_daily").get_json()
    assert fx.items() <= one.items()
    assert one["versions"] == [{"version": fx["version"], "created_at": None}]
    assert web.get(f"/api/v1/datasets/fx_daily@{fx['version']}").get_json() == one


@pytest.mark.parametrize(
    ("path", "code", "nearest"),
    [
        ("strategies/sma_crss", "unknown_strategy", "sma_cross"),
        ("strategies/%00", "unknown_strategy", None),
        ("datasets/fx_dayly", "unknown_dataset", "fx_daily"),
        ("datasets/..", "unknown_dataset", None),
        ("datasets/fx_daily@000", "unknown_dataset_version", None),
    ],
)
def test_an_address_of_nothing_is_404_with_the_nearest(web: Any, path: str, code: str, nearest: str | None) -> None:
    reply = web.get(f"/api/v1/{path}")
    assert (reply.status_code, reply.get_json()["code"], reply.get_json().get("nearest")) == (404, code, nearest)


def test_a_socket_ticket_works_once(web: Any) -> None:
    reply = web.post("/api/v1/ws-tickets")
    body = reply.get_json()
    assert (reply.status_code, body["expires_in_seconds"], body["url"]) == (201, 30, "ws://localhost")
    redeem = web.services.store.access.redeem
    assert redeem(body["ticket"], "session") is None
    assert redeem(body["ticket"], "ws").owner == web.owner
    assert redeem(body["ticket"], "ws") is None


def test_a_ticket_names_the_relay_when_there_is_one(make_web: Any) -> None:
    web = make_web(relay_url="wss://live.example.org")
    assert web.post("/api/v1/ws-tickets").get_json()["url"] == "wss://live.example.org"
