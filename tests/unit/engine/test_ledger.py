"""The ledger: what is held and worth at each close, however many symbols there are."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("size", range(1, 9))
def test_equity_is_cash_and_what_is_held_at_its_last_price(bars, run, size):
    rng = np.random.default_rng(size)
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (40, size)), axis=0))
    price[rng.random(price.shape) < 0.1] = np.nan
    price[0] = 100.0
    ledger = run(bars(price, price), rng.uniform(-1, 1, price.shape) / size, commission_bps=10.0)
    seen = np.maximum.accumulate(np.where(np.isnan(price), 0, np.arange(40)[:, None]), axis=0)
    worth = ledger.positions * np.take_along_axis(price, seen, axis=0)
    assert len(ledger.fills) > 20
    assert ledger.equity == pytest.approx(ledger.cash + worth.sum(axis=1), rel=1e-12)
    assert ledger.gross == pytest.approx(np.abs(worth).sum(axis=1), rel=1e-12)


def test_exposure_and_turnover_are_parts_of_equity(bars, run):
    ledger = run(bars([10.0, 10.0, 20.0, 20.0], [10.0, 10.0, 20.0, 20.0]), [0.5, 0.5, 0, 0])
    assert ledger.equity.tolist() == [1000.0, 1000.0, 1500.0, 1500.0]
    assert ledger.exposure.tolist() == pytest.approx([0.0, 0.5, 1000 / 1500, 0.0])
    assert ledger.turnover.tolist() == pytest.approx([0.0, 0.5, 0.0, 1000 / 1500])


def test_after_ruin_there_is_nothing_to_be_a_part_of(bars, run):
    ledger = run(bars([10.0, 10.0, 30.0, 30.0], [10.0, 10.0, 30.0, 30.0]), [-1.0] * 4)
    assert ledger.ruined_at == 2
    assert ledger.exposure.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert ledger.turnover.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert ledger.returns.tolist() == [0.0, 0.0, -2.0, 0.0]
