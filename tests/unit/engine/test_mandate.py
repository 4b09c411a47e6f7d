"""How an account may be split: what cannot be is pointed at."""

from __future__ import annotations

import pytest

from engine.errors import InvalidConfig, InvalidInput
from engine.portfolio.mandate import Mandate


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"allocation": "equl"}, "/allocation"),
        ({"allocation": 3}, "/allocation"),
        ({"lookback": 5}, "/lookback"),
        ({"rebalance": "drift"}, "/drift_band"),
        ({"drift_band": 0.1}, "/drift_band"),
        ({"max_weight": 0.5}, "/max_weight"),
        ({"volatility_target": 0.0}, "/volatility_target"),
        ({"leverage": 2}, "/leverage"),
    ],
)
def test_a_mandate_that_cannot_be_is_pointed_at(given, pointer):
    with pytest.raises(InvalidConfig) as caught:
        Mandate.parse(given)
    assert caught.value.pointer == pointer


def test_the_nearest_allocation_is_named():
    with pytest.raises(InvalidConfig) as caught:
        Mandate.parse({"allocation": "risk_party"})
    assert caught.value.nearest == "risk_parity"


@pytest.mark.parametrize(
    ("mandate", "weights", "pointer"),
    [
        ({"allocation": "fixed"}, (0.5, None), "/strategies/1/weight"),
        ({"allocation": "equal"}, (None, 0.5), "/strategies/1/weight"),
        ({"allocation": "fixed"}, (0.0, 0.0), "/strategies/0/weight"),
        ({"allocation": "fixed"}, (0.6, 0.6), "/strategies/0/weight"),
        ({"allocation": "min_variance", "max_weight": 0.3}, (None, None), "/max_weight"),
    ],
)
def test_weights_that_cannot_be_are_pointed_at(mandate, weights, pointer):
    with pytest.raises(InvalidInput) as caught:
        Mandate(**mandate).fixed(weights, 1.0)
    assert caught.value.pointer == pointer


def test_plain_values_of_a_mandate_make_it_again():
    mandate = Mandate(allocation="hrp", rebalance="drift", drift_band=0.1)
    assert Mandate.parse(mandate.as_dict()) == mandate
