"""Whose is what. Behind every name in a path stands either something of an owner's, of which somebody else finds and
changes nothing, or something that all share: a new route with a name in its path has a line here, or a test fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from werkzeug.routing import Rule

from app.alerts import watching

API = "/api/v1"
ALERTS, EXPRESSIONS = f"{API}/alerts", f"{API}/strategies/expressions"


class Owned(NamedTuple):
    """How something of an owner's comes to be, where its owner sees it, and what it is to somebody else."""

    make: Callable[[Any], str]
    seen: str
    code: str


def alert(web: Any) -> str:
    web.fail(web.run())
    watching.evaluate(web.services)
    return str(web.get(ALERTS).get_json()["alerts"][0]["alert_id"])


def rule(web: Any) -> str:
    assert web.call("PUT", f"{ALERTS}/rules/mine", json={"kind": "job_failed"}).status_code == 200
    return "mine"


def webhook(web: Any) -> str:
    assert web.call("PUT", f"{ALERTS}/webhooks/mine", json={"url": "https://hooks.example.com/"}).status_code == 200
    return "mine"


def formula(web: Any) -> str:
    reply = web.post(EXPRESSIONS, {"name": web.owner, "entry": "close > 1", "exit": "close < 1"})
    assert reply.status_code == 201, reply.text
    return str(reply.get_json()["strategy_id"])


# By a name in paths, or by the one route in which a name that is shared elsewhere is an owner's.
OWNED = {
    "job_id": Owned(lambda web: web.finished(), f"{API}/jobs/{{}}", "unknown_job"),
    "alert_id": Owned(alert, f"{ALERTS}/{{}}", "unknown_alert"),
    "rule_id": Owned(rule, f"{ALERTS}/rules", "unknown_rule"),
    "webhook_id": Owned(webhook, f"{ALERTS}/webhooks/{{}}", "unknown_webhook"),
    f"{EXPRESSIONS}/<strategy_id>": Owned(formula, f"{API}/strategies/{{}}", "unknown_strategy"),
}
# Owners choose these names: who puts one that somebody else has makes something of their own.
CHOSEN = {
    f"{ALERTS}/rules/<rule_id>": {"kind": "stale_data"},
    f"{ALERTS}/webhooks/<webhook_id>": {"url": "https://hooks.example.com/theirs"},
}
ONE_SHELF = "one shelf for all; jobs and formulas on it have owners, in routes of their own"
ONE_VOICE = "what a strategy says now is one truth, and so are the parameters behind it; changes are signed"
ONE_CATALOG = "one catalog for all, so that everybody can check what a result was computed from"
FILES = "files of the pages, without anything of anybody's"
SHARED = {
    f"{API}/strategies/<strategy_id>": ONE_SHELF,
    f"{API}/strategies/<strategy_id>/verify": ONE_SHELF,
    f"{API}/strategies/<strategy_id>/backtest": "the caller's own newest result, see below",
    f"{API}/strategies/<strategy_id>/params": ONE_VOICE,
    f"{API}/strategies/<strategy_id>/signal": ONE_VOICE,
    f"{API}/strategies/<strategy_id>/signal/latest": ONE_VOICE,
    f"{API}/strategies/<strategy_id>/signal/history": ONE_VOICE,
    f"{API}/datasets/<dataset_id>": ONE_CATALOG,
    f"{API}/datasets/<dataset_id>/bars": ONE_CATALOG,
    f"{API}/macro/series/<key>": ONE_CATALOG,
    f"{API}/macro/curves/<curve_id>": ONE_CATALOG,
    f"{API}/keys/<key_id>": "the platform's: only an admin closes one",
    "/static/<path:name>": FILES,
    "/vendor/<package>/<name>": FILES,
    "/ws/jobs/<job_id>": "an owner's, tried over sockets in integration/relay/test_matrix",
}


def routes(web: Any) -> Iterator[tuple[Rule, str]]:
    """Every route with names in its path, with each of its methods."""
    for found in web.app.url_map.iter_rules():
        for method in sorted((found.methods or set()) - {"HEAD", "OPTIONS"}) if found.arguments else ():
            yield found, method


def owned(found: Rule) -> list[Owned]:
    """What stands behind the names of a route, as far as it is an owner's."""
    if found.rule in SHARED:
        return []
    return [OWNED[name] for name in (found.rule, *found.arguments) if name in OWNED]


def test_every_route_with_a_name_in_its_path_is_an_owners_or_shared_for_a_reason(web: Any) -> None:
    for found, method in routes(web):
        assert (found.rule in SHARED) or len(owned(found)) == len(found.arguments), f"{method} {found}"
    assert {found.rule for found, _ in routes(web)} >= SHARED.keys() | CHOSEN.keys()


def test_what_is_anothers_is_not_there_and_stays_as_it_is(web: Any) -> None:
    theirs, stranger = {kind: kind.make(web) for kind in OWNED.values()}, web.other("read", "run", "admin")
    for found, method in routes(web):
        for kind in owned(found):
            name = theirs[kind]
            before = web.get(kind.seen.format(name))
            assert (before.status_code, name in before.text) == (200, True)
            path = web.app.url_map.bind("localhost").build(found.endpoint, dict.fromkeys(found.arguments, name))
            body = {"json": CHOSEN[found.rule]} if method == "PUT" and found.rule in CHOSEN else {}
            reply = stranger.call(method, path, **body)
            wanted = (200, None) if body else (404, kind.code)
            assert (reply.status_code, reply.get_json().get("code")) == wanted, f"{method} {found}"
            assert web.get(kind.seen.format(name)).get_json() == before.get_json(), f"{method} {found}"
            if body:
                assert stranger.call("DELETE", path).status_code == 204  # theirs goes, and the owner's stays
                assert web.get(kind.seen.format(name)).get_json() == before.get_json(), f"DELETE {found}"


def test_what_is_anothers_is_in_no_list(web: Any) -> None:
    names = {kind.make(web) for kind in OWNED.values()} - {"mine"}
    job_id, stranger = web.finished(), web.other("read", "run", "admin")
    for path in ("jobs", "alerts", "alerts/rules", "alerts/webhooks", "strategies/sma_cross/backtest"):
        shown = stranger.get(f"{API}/{path}").text
        assert not [name for name in (*names, '"mine"', web.owner) if name in shown], path
    assert stranger.get(f"{API}/backtest/results?job_id={job_id}").status_code == 404
    assert stranger.get(f"{API}/backtest/comparison?job_ids={job_id}").get_json()["rows"] == []
    assert stranger.get(f"{API}/strategies/sma_cross/backtest").status_code == 404
