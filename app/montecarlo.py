"""Monte Carlo as a job: the request of a backtest, and how its paths are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import contracts
from app.catalog import Catalog
from app.shelf import Shelf
from engine import Config
from engine.montecarlo import Plan
from engine.montecarlo.plan import described

KIND = "montecarlo"
# The seed is a field of every run.
FIELDS = tuple(item.name for item in described() if item.name != "seed")


def resolve(body: Mapping[str, Any], catalog: Catalog, shelf: Shelf, standing: contracts.Standing) -> dict[str, Any]:
    """The resolved request of the run, with the fields of its plan that belong to the method.

    Raises what `contracts.resolve_backtest` and `Plan.require` raise.
    """
    run = {name: value for name, value in body.items() if name not in FIELDS}
    resolved = contracts.resolve_backtest(run, catalog, shelf, standing)
    plan = Plan.parse({name: body[name] for name in FIELDS if name in body} | {"seed": resolved["seed"]})
    bound = shelf.get(resolved["strategy_id"]).bind(**resolved["params"])
    plan.require(bound, Config(**resolved["config"]), contracts.estimate(resolved, catalog)["bars"])
    return resolved | plan.as_dict()


def plan_of(request: Mapping[str, Any]) -> Plan:
    """The plan of a resolved request."""
    return Plan.parse({name: request[name] for name in (*FIELDS, "seed") if name in request})


def estimate(request: Mapping[str, Any], catalog: Catalog) -> dict[str, int]:
    """How much a resolved request asks for: `runs` of the strategy, and at most so many `steps` of all paths."""
    plan, one = plan_of(request), contracts.estimate(request, catalog)
    steps = plan.count * (plan.horizon or one["bars"])
    return one | {"paths": plan.count, "runs": 1 + plan.count if plan.reruns else 1, "steps": steps}
