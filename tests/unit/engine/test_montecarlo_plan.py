"""What may be asked of a Monte Carlo run, and what is refused and why."""

from __future__ import annotations

import pytest

import strategies
from engine import Config
from engine.errors import InvalidInput
from engine.montecarlo import Plan
from engine.montecarlo.plan import METHODS, MOST_STEPS, STRESSED, costs_of, described, stressed

SMA = strategies.get("sma_cross").bind(fast=5, slow=20)


def refused(work):
    with pytest.raises(InvalidInput) as caught:
        work()
    return caught.value


@pytest.mark.parametrize("method", METHODS)
def test_a_plan_knows_its_defaults_and_says_only_what_belongs_to_it(method):
    told = Plan(method).as_dict()

    assert told["paths"] == (200 if method in ("parameters", "costs") else 1000)
    assert Plan.parse(told).as_dict() == told
    own = {
        "stationary": {"block": None, "horizon": None},
        "circular": {"block": None, "horizon": None},
        "trades": {"replacement": False},
        "parameters": {"jitter": 0.1},
        "costs": {"stress": 5.0},
    }
    assert {name: value for name, value in told.items() if name not in ("method", "paths", "ruin")} == own[method]


@pytest.mark.parametrize(
    ("given", "code", "pointer", "allowed"),
    [
        ({"method": "stationery"}, "invalid_request", "/method", {"type": "string", "enum": list(METHODS)}),
        ({"paths": 0}, "invalid_request", "/paths", {"type": ["integer", "null"], "minimum": 1, "maximum": 100_000}),
        ({"paths": 2.5}, "invalid_request", "/paths", None),
        ({"method": "parameters", "paths": 2001}, "invalid_request", "/paths", {"minimum": 1, "maximum": 2000}),
        ({"method": "costs", "paths": 100_000}, "invalid_request", "/paths", {"minimum": 1, "maximum": 2000}),
        ({"block": 0.5}, "invalid_request", "/block", None),
        ({"method": "circular", "block": 2.5}, "invalid_request", "/block", None),
        ({"method": "trades", "block": 5}, "not_of_this_method", "/block", {"method": ["stationary", "circular"]}),
        ({"method": "costs", "horizon": 5}, "not_of_this_method", "/horizon", {"method": ["stationary", "circular"]}),
        ({"jitter": 0.2}, "not_of_this_method", "/jitter", {"method": ["parameters"]}),
        ({"method": "parameters", "stress": 2}, "not_of_this_method", "/stress", {"method": ["costs"]}),
        ({"replacement": True}, "not_of_this_method", "/replacement", {"method": ["trades"]}),
        ({"method": "parameters", "jitter": 1.5}, "invalid_request", "/jitter", None),
        ({"method": "costs", "stress": 0.5}, "invalid_request", "/stress", None),
        ({"ruin": -0.1}, "invalid_request", "/ruin", {"type": "number", "minimum": 0.0, "maximum": 1.0}),
        ({"ruin": float("nan")}, "invalid_request", "/ruin", None),
        ({"path": 5}, "invalid_request", "/path", [item.name for item in described()]),
    ],
)
def test_what_is_no_plan_is_refused_at_its_field(given, code, pointer, allowed):
    error = refused(lambda: Plan.parse(given))

    assert (error.code, error.pointer) == (code, pointer)
    assert allowed is None or error.allowed == allowed


def test_the_nearest_word_is_told():
    assert refused(lambda: Plan.parse({"method": "stationery"})).nearest == "stationary"
    assert refused(lambda: Plan.parse({"jiter": 0.1})).nearest == "jitter"


def test_a_block_longer_than_the_run_is_refused():
    error = refused(lambda: Plan(block=101).require(SMA, Config(), 100))

    assert (error.pointer, error.allowed) == ("/block", {"minimum": 1, "maximum": 100})
    Plan(block=100).require(SMA, Config(), 100)


def test_more_steps_than_a_worker_should_make_are_refused():
    error = refused(lambda: Plan(paths=100_000).require(SMA, Config(), 1_000_000))
    longer = refused(lambda: Plan(paths=1).require(SMA, Config(), 20_000_000))

    assert (error.code, error.pointer, error.allowed["maximum"]) == ("montecarlo_too_large", "/paths", 10_000)
    assert (longer.code, longer.pointer) == ("montecarlo_too_large", "/horizon")
    Plan(paths=10_000).require(SMA, Config(), MOST_STEPS // 10_000)


def test_what_would_vary_nothing_is_refused():
    held = strategies.get("buy_and_hold").bind()
    free = Config(commission_bps=0.0, slippage_bps=0.0)

    for plan, bound, config, pointer in (
        (Plan("parameters"), held, Config(), "/strategy_id"),
        (Plan("costs"), SMA, free, "/config"),
    ):
        error = refused(lambda plan=plan, bound=bound, config=config: plan.require(bound, config, 100))
        assert (error.code, error.pointer) == ("nothing_to_vary", pointer)
        assert error.message.endswith("Every path would be the run itself.")


def test_costs_beyond_what_a_configuration_may_have_are_refused():
    error = refused(lambda: Plan("costs", stress=20).require(SMA, Config(slippage_bps=100), 100))

    assert (error.pointer, error.given) == ("/stress", 20.0)
    assert error.message.startswith("At 20 times the costs of the run slippage_bps must lie between 0 and 1000")
    Plan("costs", stress=10).require(SMA, Config(slippage_bps=100), 100)


def test_every_cost_is_multiplied_and_nothing_else():
    config = Config(
        commission_bps=1.0,
        commission_per_share=0.01,
        commission_minimum=2.0,
        cost_table={"A": 3.0, "unknown": 4.0},
        slippage_bps=5.0,
        volume_impact=0.1,
        borrow_bps=50.0,
        funding_bps=60.0,
        cash_bps=70.0,
        stop_loss=0.1,
    )

    found = stressed(config, {"commission": 2.0, "slippage": 3.0, "borrow": 4.0})

    assert found == Config(
        commission_bps=2.0,
        commission_per_share=0.02,
        commission_minimum=4.0,
        cost_table={"A": 6.0, "unknown": 8.0},
        slippage_bps=15.0,
        volume_impact=0.1 * 3.0,
        borrow_bps=200.0,
        funding_bps=240.0,
        cash_bps=70.0,
        stop_loss=0.1,
    )
    assert stressed(config, dict.fromkeys(STRESSED, 1.0)) == config
    assert sorted(costs_of(config)) == sorted([1.0, 0.01, 2.0, 3.0, 4.0, 5.0, 0.1, 50.0, 60.0])


def test_the_schema_describes_every_field():
    properties = Plan.schema()["properties"]

    assert set(properties) == {item.name for item in described()}
    assert all(entry["description"] for entry in properties.values())
