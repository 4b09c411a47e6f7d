"""Impact by share of volume: what a fill pays, what one pays where the volume is not known, and that cash holds."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Config, trades
from engine.book import RUIN, STOP_LOSS
from engine.charges import sentence
from engine.errors import InvalidConfig

PRICE = [10.0, 20.0, 40.0, 50.0]
NAN = float("nan")


def test_a_fill_pays_the_square_of_its_share_of_the_volume(bars, run):
    ledger = run(bars(PRICE, PRICE, volume=[NAN, 100.0, 125.0, 1.0]), [0.5, 0, 0, 0], volume_impact=0.1)
    # 25 of 100: 0.1 x 1/16 of 20. Then 25 of 125: 0.1 x 1/25 of 40.
    assert ledger.fills["price"].tolist() == pytest.approx([20 * 1.00625, 40 * 0.996], rel=1e-15)
    assert ledger.fills["slippage"].tolist() == pytest.approx([25 * 0.125, 25 * 0.16], rel=1e-12)
    assert ledger.equity[-1] == pytest.approx(1000 - 25 * 20.125 + 25 * 39.84)
    assert trades.from_ledger(bars(PRICE, PRICE), ledger)["costs"].tolist() == pytest.approx([25 * 0.285])


def test_impact_comes_on_top_of_slippage_and_commission_is_charged_on_both(bars, run):
    ledger = run(
        bars(PRICE, PRICE, volume=[50.0] * 4), [0.5] * 4, volume_impact=0.2, slippage_bps=50, commission_bps=10
    )
    # 25 of 50: 0.2 x 1/4 beside 0.005.
    assert ledger.fills["price"][0] == pytest.approx(20 * 1.055, rel=1e-15)
    assert ledger.fills["commission"][0] == pytest.approx(25 * 21.1 * 0.001, rel=1e-14)


@pytest.mark.parametrize("volume", [0.0, NAN, 5e-324, 24.0, 25.0])
def test_a_fill_of_all_the_volume_or_more_and_one_without_known_volume_pay_the_whole_impact(bars, run, volume):
    ledger = run(bars(PRICE, PRICE, volume=[1.0, volume, 1.0, 1.0]), [0.5] * 4, volume_impact=0.1)
    assert ledger.fills["price"].tolist() == pytest.approx([22.0], rel=1e-15)
    assert np.isfinite(ledger.equity).all()


def test_what_is_dearest_still_leaves_a_seller_something(bars, run):
    ledger = run(bars(PRICE, PRICE, volume=[1.0] * 4), [0.5, 0, 0, 0], volume_impact=0.8, slippage_bps=1000)
    assert ledger.fills["price"].tolist() == pytest.approx([20 * 1.9, 40 * 0.1])


def test_an_all_in_order_is_bounded_by_the_impact_of_its_full_size(bars, run):
    ledger = run(bars(PRICE, PRICE, volume=[100.0] * 4), [1] * 4, volume_impact=0.1)
    # 50 of 100 would pay 2.5 %: 1000 / (20 x 1.025) units are bought, which pay less than that.
    bought = 1000 / (20 * 1.025)
    assert ledger.fills["quantity"][0] == pytest.approx(bought, rel=1e-14)
    assert ledger.cash[1] == pytest.approx(1000 - bought * 20 * (1 + 0.1 * (bought / 100) ** 2))
    assert ledger.cash[1] > 0.0


def test_an_order_that_is_spread_over_bars_pays_for_each_part(bars, run):
    ledger = run(bars([10.0] * 4, [10.0] * 4, volume=[100.0] * 4), [1] * 4, volume_limit=0.5, volume_impact=0.1)
    assert ledger.fills["quantity"].tolist()[0] == 50.0
    assert ledger.fills["price"].tolist()[0] == pytest.approx(10.25)


def test_stops_and_ruin_pay_impact_too(bars, run):
    low = [10.0, 20.0, 18.0, 20.0]
    flat = [10.0, 20.0, 20.0, 20.0]
    stopped = run(
        bars(flat, flat, low=low, volume=[100.0, NAN, 50.0, 50.0]), [0.5] * 4, volume_impact=0.04, stop_loss=0.1
    )
    # Bought at 20 x 1.04 = 20.8, stopped at 18.72; 25 of 50 pays 0.04 / 4.
    assert stopped.fills["reason"].tolist()[1] == STOP_LOSS
    assert stopped.fills["price"][1] == pytest.approx(18.72 * 0.99, rel=1e-14)
    rising = [10.0, 10.0, 25.0, 25.0]
    ruined = run(bars(rising, rising, volume=[1e3, 1e3, NAN, 1e3]), [-1.0] * 4, volume_impact=0.1)
    assert ruined.fills["reason"].tolist()[1] == RUIN
    assert ruined.fills["price"][1] == pytest.approx(25 * 1.1)


def test_impact_needs_volume_and_says_so(bars, run):
    with pytest.raises(InvalidConfig, match="no volume") as refused:
        run(bars(PRICE, PRICE), [1] * 4, volume_impact=0.1)
    assert (refused.value.code, refused.value.pointer) == ("volume_unavailable", "/config/volume_impact")
    run(bars(PRICE, PRICE), [1] * 4, volume_impact=0.0)


@pytest.mark.parametrize("value", [-0.1, 0.81, float("nan"), True, "0.1", None])
def test_an_impact_that_is_none_is_refused(value):
    with pytest.raises(InvalidConfig) as refused:
        Config.parse({"volume_impact": value})
    assert refused.value.pointer == "/config/volume_impact"


def test_impact_is_among_the_costs_that_are_printed(bars):
    told = sentence(bars(PRICE, PRICE), Config(volume_impact=0.1))
    assert told == "commission 1 bps, slippage 1 bps, impact 0.1 x (share of volume)^2"
