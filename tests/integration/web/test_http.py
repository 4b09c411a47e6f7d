"""What every reply has in common, and what happens when something breaks."""

from __future__ import annotations

import itertools
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from app.errors import QueueUnavailable, StoreUnavailable
from app.store import Node, Store
from app.web.problems import STATUS, status_of
from engine.errors import QueuantError


def test_every_reply_says_what_a_browser_may_do_with_it(web: Any) -> None:
    for path in ("/api/v1/jobs", "/healthz", "/nowhere", "/api/v1/strategies"):
        headers = web.get(path).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("given", ["abc-123.X_y", "a" * 64])
def test_a_harmless_request_id_is_kept(web: Any, given: str) -> None:
    reply = web.get("/nowhere", headers={"X-Request-Id": given})
    assert reply.headers["X-Request-Id"] == reply.get_json()["request_id"] == given


@pytest.mark.parametrize("given", ["a" * 65, "a b", "<script>", "", "ü"])
def test_another_request_id_is_replaced(web: Any, given: str) -> None:
    told = web.get("/nowhere", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert told != given
    assert len(told) == 32


@pytest.mark.parametrize(
    ("path", "nearest"),
    [("/api/v1/job", "/api/v1/jobs"), ("/api/v1/backtests/run", "/api/v1/backtest/run"), ("/qqqqqqqqqqqqqq", None)],
)
def test_an_unknown_address_names_the_nearest_route(web: Any, path: str, nearest: str | None) -> None:
    reply = web.get(path, key=None)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem.get("nearest")) == (404, "unknown_route", nearest)
    assert (problem["type"], problem["instance"]) == ("urn:queuant:problem:unknown_route", path)


@pytest.mark.parametrize(
    "path", ["/api//v1/jobs", "/%00", "/%ff", "/api/v1/jobs/", "/%2e%2e/etc/passwd", "/\u2603", "/" + "a/" * 3000]
)
def test_strange_addresses_are_404(web: Any, path: str) -> None:
    assert web.get(path).status_code == 404


def test_a_wrong_method_names_the_right_ones(web: Any) -> None:
    reply = web.call("PUT", "/api/v1/backtest/run")
    assert (reply.status_code, reply.get_json()["code"]) == (405, "method_not_allowed")
    assert set(reply.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert set(reply.get_json()["allowed"]) == {"POST", "OPTIONS"}
    assert web.get("/api/v1/backtest/run").status_code == 405


def test_options_tells_the_methods_without_a_key(web: Any) -> None:
    reply = web.call("OPTIONS", "/api/v1/jobs", key=None)
    assert (reply.status_code, set(reply.headers["Allow"].split(", "))) == (200, {"GET", "HEAD", "OPTIONS"})
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_only_named_origins_may_call_from_a_browser(make_web: Any) -> None:
    web = make_web(allowed_origins=("https://desk.example",))
    ours = web.call("OPTIONS", "/api/v1/jobs", key=None, headers={"Origin": "https://desk.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Authorization" in ours.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in ours.headers
    other = web.get("/api/v1/jobs", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Origin" in other.headers["Vary"]


def test_an_accident_is_logged_once_and_not_told(web: Any, monkeypatch: Any, caplog: Any) -> None:
    def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(web.services.jobs, "page", break_down)
    with caplog.at_level(logging.ERROR):
        reply = web.get("/api/v1/jobs")
    assert (reply.status_code, reply.get_json()["code"]) == (500, "internal_error")
    assert "hunter2" not in reply.text
    assert "Traceback" not in reply.text
    (record,) = [record for record in caplog.records if record.exc_info]
    assert reply.get_json()["request_id"] in record.getMessage()


def test_a_store_that_does_not_answer_is_503_and_says_when_to_come_back(web: Any, monkeypatch: Any) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("The database did not answer in time. Nothing was changed; try again.")

    monkeypatch.setattr(web.services.store.jobs, "submit", refuse)
    reply = web.post("/api/v1/backtest/run", {"strategy_id": "sma_cross"})
    assert (reply.status_code, reply.get_json()["code"]) == (503, "store_unavailable")
    assert int(reply.headers["Retry-After"]) > 0


def test_a_dead_queue_takes_nothing_away(web: Any, monkeypatch: Any) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise QueueUnavailable("The queue server does not answer.")

    monkeypatch.setattr(web.services.queue, "ring", refuse)
    monkeypatch.setattr(web.services.bus, "publish", refuse)
    monkeypatch.setattr(web.services.bus, "ping", refuse)
    assert web.post("/api/v1/backtest/run", {"strategy_id": "sma_cross"}).status_code == 202
    ready = web.get("/readyz", key=None)
    assert (ready.status_code, ready.get_json()["checks"]["queue"]) == (200, "unavailable")


def test_a_database_without_tables_is_not_ready(make_web: Any, tmp_path: Any) -> None:
    web = make_web()
    web.services.store.database.close()
    object.__setattr__(web.services, "store", Store(f"sqlite:///{tmp_path / 'empty.db'}"))
    reply = web.get("/readyz", key=None)
    web.services.store.close()
    assert (reply.status_code, reply.get_json()["code"]) == (503, "start_refused")
    assert web.get("/healthz", key=None).status_code == 200


def test_requests_are_logged_without_their_queries(web: Any, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, logger="queuant.access"):
        web.get("/login?ticket=very-secret", key=None, headers={"X-Request-Id": "find-me"})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "queuant.access"]
    assert line.startswith("GET /login 303 ")
    assert "find-me" in line
    assert "very-secret" not in line


def test_metrics_count_requests_and_jobs(make_web: Any) -> None:
    web = make_web()
    assert "queuant_jobs_ended_total{" not in web.get("/metrics").text  # counting begins
    web.run()
    web.finished()
    web.fail(web.run())
    web.get("/nowhere")
    web.services.store.nodes.beat(Node("w1", "worker", "host", "0.3.0", 4), 1)
    first, again = (web.get("/metrics").text for _ in range(2))
    for text, line in itertools.product(
        (first, again),
        (  # what was counted is not counted again
            'queuant_jobs{queue="interactive",status="queued"} 1.0',
            'queuant_jobs{queue="batch",status="running"} 0.0',
            'queuant_oldest_wait_seconds{queue="interactive"}',
            'queuant_oldest_wait_seconds{queue="batch"} 0.0',
            'queuant_jobs_ended_total{kind="backtest",status="succeeded"} 1.0',
            'queuant_jobs_ended_total{kind="backtest",status="failed"} 1.0',
            'queuant_job_attempts_total{kind="backtest"} 2.0',
            'queuant_job_wait_seconds_count{queue="interactive"} 2.0',
            'queuant_job_run_seconds_count{kind="backtest",strategy_id="sma_cross"} 2.0',
            'queuant_nodes{role="worker",state="idle"} 1.0',
            "queuant_worker_processes 4.0",
            "queuant_workers_lost_total 0.0",
            "queuant_attempts_fenced_total 0.0",
            'queuant_health{check="store"} 0.0',
            'queuant_health{check="supervisors"} 2.0',
            'queuant_http_requests_total{method="POST",route="/api/v1/backtest/run",status="202"} 3.0',
            'queuant_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
            "queuant_relay_sockets 0.0",
        ),
    ):
        assert line in text, line


def test_the_page_knows_every_figure_and_no_other_and_so_does_the_dashboard(make_web: Any) -> None:
    web = make_web()
    told = {
        line.split()[2].removesuffix("_created") for line in web.get("/metrics").text.splitlines() if "# HELP" in line
    }
    docs = Path(__file__).parents[3] / "docs"
    page, board = (docs / name for name in ("operations.md", "grafana.json"))
    assert {name.removesuffix("_total") for name in re.findall("`(queuant_[a-z_]+)`", page.read_text())} == {
        name.removesuffix("_total") for name in told
    }
    shown = {re.sub("_bucket$", "", name) for name in re.findall("queuant_[a-z_]+", board.read_text())}
    assert told - shown == {"queuant_doorbells", "queuant_relay_channels"}
    assert shown <= told
    rules = (docs.parent / "deploy/monitoring/alerts.yml").read_text()
    assert set(re.findall("queuant_[a-z_]+", rules)) <= told | {f"{name}_total" for name in told}


def test_without_its_database_a_process_still_tells_its_own_metrics(make_web: Any, monkeypatch: Any) -> None:
    def gone(*_: Any) -> None:
        raise StoreUnavailable("The database did not answer in time.")

    web = make_web()
    monkeypatch.setattr(web.services.store.nodes, "all", gone)
    text = web.get("/metrics").text
    assert 'queuant_health{check="store"} 2.0' in text
    assert "queuant_relay_sockets 0.0" in text
    assert "queuant_jobs{" not in text


def test_what_goes_on_is_told_by_nodes_queues_and_checks(make_web: Any) -> None:
    web = make_web()
    web.services.store.nodes.beat(Node("w1", "worker", "host", "0.3.0", 4), 1)
    web.run()
    (node,) = web.get("/api/v1/monitoring/workers").get_json()["nodes"]
    assert (node["name"], node["state"], node["concurrency"], node["busy"]) == ("w1", "idle", 4, 0)
    first, _ = web.get("/api/v1/monitoring/queues").get_json()["queues"]
    assert (first["queue"], first["waiting"], first["bells"]) == ("interactive", 1, 1)
    health = web.get("/api/v1/monitoring/health").get_json()
    assert health["status"] == "problem"
    assert {check["name"]: check["status"] for check in health["checks"]}["supervisors"] == "problem"


def test_the_relay_serves_only_sockets_health_and_metrics(make_services: Any) -> None:
    from app.web.factory import create_app

    app = create_app(make_services(), role="relay")
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    sockets = {"/ws/jobs", "/ws/jobs/<job_id>", "/ws/signals", "/ws/alerts", "/ws/portfolio"}
    assert rules == {"/healthz", "/readyz", "/metrics", "/events"} | sockets


def test_every_error_has_a_status() -> None:
    def below(kind: type[QueuantError]) -> set[type[QueuantError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    internal = {"QueuantError", "RunFailed", "Abandoned", "JobCancelled", "LeaseLost"}
    for kind in below(QueuantError):
        if kind.__module__.startswith(("app.", "engine.")) and not kind.__module__.startswith(
            ("app.client", "app.cli")
        ):
            known = any(parent in STATUS for parent in kind.__mro__)
            assert known or kind.__name__ in internal, f"{kind.__name__} has no HTTP status"
    assert status_of(QueuantError("x")) == 500
