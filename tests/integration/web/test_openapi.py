"""The specification is the API: the same routes, exactly the fourteen tags, and replies that keep its promises."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.populated import Populated

TAGS = [
    "Health",
    "Backtest",
    "Portfolio",
    "Optimization",
    "Jobs",
    "Strategies",
    "Signals",
    "Market Data",
    "Macro",
    "Risk",
    "Reports",
    "Alerts",
    "Monitoring",
    "WebSocket",
]
EXAMPLES = int(os.environ.get("QUEUANT_FUZZ_EXAMPLES", "25"))  # of each operation
# Of a live channel only the refusals are tried: it takes a handshake, or never ends.
LIVE = {f"GET /{name}" for name in ("ws/jobs", "ws/signals", "ws/alerts", "ws/portfolio", "ws/jobs/{job_id}", "events")}
METHODS = ("get", "post", "put", "patch", "delete")
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@pytest.fixture(scope="session")
def spec(shared: Any) -> dict[str, Any]:
    found = shared.get("/openapi.json", key=None).get_json()
    assert isinstance(found, dict)
    return found


def operations(spec: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(path, name): item[name] for path, item in spec["paths"].items() for name in METHODS if name in item}


def test_the_specification_holds_every_route_and_no_other(shared: Any, spec: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in shared.app.url_map.iter_rules()
        if not rule.endpoint.startswith("pages.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(operations(spec))


def test_there_are_exactly_fourteen_tags_and_every_route_has_one(spec: dict[str, Any]) -> None:
    assert [tag["name"] for tag in spec["tags"]] == TAGS
    assert all(tag["description"] for tag in spec["tags"])
    for where, operation in operations(spec).items():
        assert len(operation["tags"]) == 1, where
        assert operation["tags"][0] in TAGS, where


def test_every_route_is_described_and_has_a_name_of_its_own(spec: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(spec).values()]
    assert len(names) == len(set(names))
    for where, operation in operations(spec).items():
        assert operation["summary"], where


def test_every_error_is_a_problem_and_every_closed_route_says_so(spec: dict[str, Any]) -> None:
    problem = spec["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert problem == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for (path, method), operation in operations(spec).items():
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}, path
        assert bool(operation["security"]) == (path not in ("/healthz", "/readyz")), (path, method)
    assert spec["openapi"].startswith("3.1")
    assert spec["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}


def test_every_reference_leads_somewhere(spec: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        inside = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        own = [node["$ref"]] if isinstance(node, dict) and isinstance(node.get("$ref"), str) else []
        return own + [found for item in inside for found in references(item)]

    for reference in references(spec):
        node: Any = spec
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_the_configuration_is_described_by_its_own_schema(spec: dict[str, Any]) -> None:
    config = spec["components"]["schemas"]["Run"]["properties"]["config"]
    assert config["properties"]["fill"]["enum"] == ["next_open", "next_close", "same_close", None]
    assert config["additionalProperties"] is False


@pytest.mark.timeout(max(480, 12 * EXAMPLES))
def test_no_request_breaks_the_api_and_every_reply_keeps_its_promise(
    shared: Any, make_services: Callable[..., Any]
) -> None:
    """Requests that the specification allows, and ones that it forbids, against every route."""
    limits = dict.fromkeys(("rate_reads", "rate_writes", "rate_uploads", "rate_failures"), 0)
    there = Populated(shared, make_services(api_threads=12, **limits))
    headers = {"Authorization": f"Bearer {there.web.key}"}
    api = schemathesis.openapi.from_wsgi("/openapi.json", there.web.app)
    numbers, taken = itertools.count(), dict.fromkeys((f"{m.upper()} {p}" for p, m in operations(api.raw_schema)), 0)

    def meets_its_promise(operation: Any) -> None:
        @hypothesis.settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def check(case: Any) -> None:
            turn = next(numbers)
            if turn % 2:
                there.be_named(case, operation.label, turn // 2)
            reply = case.call_and_validate(headers=headers, checks=CHECKS)
            taken[operation.label] += reply.status_code < 400  # what was not changed meanwhile (304) was found, too

        check()

    # What is deleted is needed by others before.
    for operation in sorted((found.ok() for found in api.get_all_operations()), key=lambda one: one.method == "delete"):
        meets_its_promise(operation)
    assert {label for label, times in taken.items() if not times} == LIVE
