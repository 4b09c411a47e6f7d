"""The specification is the API: the same routes, exactly the fourteen tags, and replies that keep its promises."""

from __future__ import annotations

import itertools
import os
import re
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
KNOWN = {
    **dict.fromkeys(("dataset", "dataset_id"), "fx_daily"),
    "strategy_id": "sma_cross",
    "symbols": ["EURUSD"],
    "benchmark": "EURUSD",
    "params": {"fast": 5},
    "start_date": "2015-01-01",
    "end_date": "2020-01-01",
}
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


def with_names_that_exist(node: Any) -> None:
    """Let what was made up name what there is: it gets further than to the refusal of an unknown name."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if name in KNOWN and value:
            node[name] = KNOWN[name]
        else:
            with_names_that_exist(value)


def test_no_request_breaks_the_api_and_every_reply_keeps_its_promise(shared: Any) -> None:
    """Requests that the specification allows, and ones that it forbids, against every route."""
    job_id, headers = shared.finished(), {"Authorization": f"Bearer {shared.key}"}
    api = schemathesis.openapi.from_wsgi("/openapi.json", shared.app)
    tried, numbers = set(), itertools.count()

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
            if next(numbers) % 2:
                with_names_that_exist(case.path_parameters)
                with_names_that_exist(case.body)
            if "job_id" in case.path_parameters and operation.method == "get":
                case.path_parameters["job_id"] = job_id
            case.call_and_validate(headers=headers, checks=CHECKS)

        check()

    for found in api.get_all_operations():
        operation = found.ok()
        meets_its_promise(operation)
        tried.add(operation.label)
    assert len(tried) == len(operations(api.raw_schema))
