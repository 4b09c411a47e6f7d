"""The configuration refuses what it does not know and says what would have been right."""

from __future__ import annotations

import pytest

from engine import Config
from engine.errors import InvalidConfig


@pytest.mark.parametrize(
    ("given", "pointer", "nearest"),
    [
        ({"comission_bps": 1}, "/config/comission_bps", "commission_bps"),
        ({"fill": "next_opne"}, "/config/fill", "next_open"),
        ({"fill": 3}, "/config/fill", None),
        ({"rebalance": None}, "/config/rebalance", None),
        ({"initial_capital": True}, "/config/initial_capital", None),
        ({"initial_capital": "100000"}, "/config/initial_capital", None),
        ({"initial_capital": 10**400}, "/config/initial_capital", None),
        ({"initial_capital": 0}, "/config/initial_capital", None),
        ({"commission_bps": float("nan")}, "/config/commission_bps", None),
        ({"commission_bps": float("-inf")}, "/config/commission_bps", None),
        ({"commission_bps": -1}, "/config/commission_bps", None),
        ({"allow_short": 1}, "/config/allow_short", None),
        ({"max_holding_bars": 2.5}, "/config/max_holding_bars", None),
        ({"stop_loss": [0.1]}, "/config/stop_loss", None),
        ({"rebalance": "drift"}, "/config/drift_band", None),
        ({"drift_band": 0.1}, "/config/drift_band", None),
        ({"a/b~": 1}, "/config/a~1b~0", None),
    ],
)
def test_a_wrong_field_is_refused_with_pointer_and_nearest(given, pointer, nearest):
    with pytest.raises(InvalidConfig) as refused:
        Config.parse(given)
    assert refused.value.pointer == pointer
    assert refused.value.nearest == nearest


def test_what_is_no_object_is_refused():
    with pytest.raises(InvalidConfig, match="must be an object"):
        Config.parse([1])  # type: ignore[arg-type]


def test_a_huge_number_is_not_repeated_in_the_error():
    with pytest.raises(InvalidConfig) as refused:
        Config(initial_capital=10**5000)
    assert refused.value.given == "an integer of 16610 bits"


def test_defaults_are_filled_in_and_numbers_get_their_type():
    config = Config.parse({"initial_capital": 5000, "max_holding_bars": 5.0, "commission_bps": -0.0})
    assert config == Config(initial_capital=5000.0, max_holding_bars=5, commission_bps=0.0)
    assert type(config.max_holding_bars) is int
    assert str(config.commission_bps) == "0.0"
    assert Config.parse(config.as_dict()) == config


def test_the_schema_names_every_field_with_default_and_bounds():
    schema = Config.schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Config().as_dict())
    assert schema["properties"]["stop_loss"]["type"] == ["number", "null"]
    assert schema["properties"]["commission_bps"] == {
        "type": "number",
        "minimum": 0.0,
        "maximum": 1000.0,
        "default": 1.0,
        "description": "Commission on traded notional.",
    }
    assert None in schema["properties"]["fill"]["enum"]
