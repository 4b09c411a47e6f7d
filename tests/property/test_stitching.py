"""One curve of several runs: it compounds them, knows nothing of later ones, and of one run it is that run."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Bars, measure, simulate, trades
from engine.figures import Run
from engine.intake import FIELDS
from engine.stitching import Piece, rows_of, stitched
from tests.property import test_engine

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
COLUMNS = ("equity", "cash", "gross", "borrow", "funding", "interest")
TOTAL = 60

seeds = st.integers(0, 2**32 - 1)
# Prices that move so much ruin an account with leverage now and then.
swings = st.sampled_from([0.02, 0.25])


def run_of(seed, config, volatility, size=3):
    bars = test_engine.market(seed, total=TOTAL, size=size, volatility=volatility)
    ledger = simulate(bars, test_engine.targets(seed, bars.close.shape, config.max_leverage), config)
    return Run(bars.time, ledger, trades.round_trips(ledger), bars.periods_per_year, config.risk_free_rate)


@st.composite
def parts(draw, least=1):
    """Some runs of the same settings, and of each a stretch of its bars."""
    config, volatility, seed = draw(test_engine.configs()), draw(swings), draw(seeds)
    pieces = []
    for at in range(draw(st.integers(least, 4))):
        first = draw(st.integers(0, TOTAL - 2))
        stop = draw(st.integers(first + 1, TOTAL) | st.none())
        pieces.append(Piece(run_of((seed + at) % 2**32, config, volatility), first, stop))
    return pieces


def stitch(pieces):
    return stitched(pieces, 252.0)


@BOUNDED
@given(seeds, test_engine.configs(), swings)
def test_a_single_whole_piece_is_its_run_bit_for_bit(seed, config, volatility):
    alone = run_of(seed, config, volatility)
    found = stitched([Piece(alone)], alone.periods_per_year)
    for name in (*COLUMNS, "fills", "open_carry", "marks"):
        assert getattr(found.ledger, name).tobytes() == getattr(alone.ledger, name).tobytes(), name
    assert found.trades.tobytes() == alone.trades.tobytes()
    assert found.ledger.ruined_at == alone.ledger.ruined_at
    assert measure(found) == measure(alone)


@BOUNDED
@given(parts())
def test_equity_is_the_product_of_what_the_pieces_grew(pieces):
    found, at, level = stitch(pieces).ledger.equity, 0, pieces[0].run.ledger.initial_capital
    for run, first, end in pieces:
        stop = TOTAL if end is None else end
        before = run.ledger.equity[first - 1] if first else run.ledger.initial_capital
        part = found[at : at + stop - first]
        if level > 0.0 and before > 0.0:
            np.testing.assert_allclose(part / level, run.ledger.equity[first:stop] / before, rtol=1e-12, atol=1e-15)
        else:  # an account that is used up stays so
            assert (part == level).all()
        at, level = at + stop - first, part[-1]
    assert at == len(found)


@BOUNDED
@given(parts(least=2), st.integers(1, 3))
def test_later_pieces_change_nothing_of_earlier_ones(pieces, count):
    count = min(count, len(pieces) - 1)
    whole, part = stitch(pieces), stitch(pieces[:count])
    stop = len(part.time)
    for name in COLUMNS:
        assert getattr(whole.ledger, name)[:stop].tobytes() == getattr(part.ledger, name).tobytes(), name
    assert whole.ledger.fills[whole.ledger.fills["bar"] < stop].tobytes() == part.ledger.fills.tobytes()
    assert whole.trades[whole.trades["entry_bar"] < stop].tobytes() == part.trades.tobytes()
    ruined = part.ledger.ruined_at
    assert whole.ledger.ruined_at == ruined if ruined is not None else (whole.ledger.ruined_at or stop) >= stop


@BOUNDED
@given(parts(), st.integers(1, TOTAL - 1))
def test_the_end_of_the_last_piece_does_not_change_what_is_before(pieces, bars):
    """Its run may be cut off anywhere: of a trade only whether it is still open may change."""
    *before, (run, first, _) = pieces
    stop = min(TOTAL, first + bars)
    whole, part = stitch([*before, Piece(run, first)]), stitch([*before, Piece(run, first, stop)])
    count = len(part.time)
    for name in COLUMNS:
        assert getattr(whole.ledger, name)[:count].tobytes() == getattr(part.ledger, name).tobytes(), name
    assert whole.ledger.fills[whole.ledger.fills["bar"] < count].tobytes() == part.ledger.fills.tobytes()
    closed = whole.trades[(whole.trades["exit_bar"] >= 0) & (whole.trades["exit_bar"] < count)]
    assert closed.tobytes() == part.trades[part.trades["exit_bar"] >= 0].tobytes()


@BOUNDED
@given(seeds, test_engine.configs(), swings, st.sets(st.integers(1, TOTAL - 1), max_size=5))
def test_a_run_that_is_cut_into_pieces_is_the_run_bit_for_bit(seed, config, volatility, cuts):
    run = run_of(seed, config, volatility)
    if run.ledger.ruined_at is not None:
        cuts = {cut for cut in cuts if cut <= run.ledger.ruined_at}
    found = stitch([Piece(run, *edges) for edges in pairwise([0, *sorted(cuts), TOTAL])]).ledger
    for name in (*COLUMNS, "fills"):
        assert getattr(found, name).tobytes() == getattr(run.ledger, name).tobytes(), name
    assert found.ruined_at == run.ledger.ruined_at


@BOUNDED
@given(st.lists(seeds, min_size=1, max_size=4), test_engine.configs(), swings)
def test_trades_and_interest_of_whole_pieces_are_the_gain_of_the_account(picked, config, volatility):
    found = stitch([Piece(run_of(seed, config, volatility)) for seed in picked])
    made = found.trades["pnl"].sum() + found.ledger.interest.sum()
    top = max(1.0, float(np.abs(found.ledger.equity).max()) / config.initial_capital)
    assert made == pytest.approx(found.ledger.equity[-1] - config.initial_capital, rel=1e-9, abs=1e-6 * top)


@BOUNDED
@given(parts())
def test_no_figure_of_a_stitched_curve_is_nan(pieces):
    found = stitch(pieces)
    against = np.random.default_rng(0).normal(0, 0.01, len(found.time))
    for name, value in measure(dataclasses.replace(found, benchmark=against)).items():
        assert value is None or math.isfinite(value), name


@BOUNDED
@given(seeds, st.sets(st.integers(0, TOTAL - 1), min_size=2), st.booleans())
def test_some_rows_of_bars_are_these_rows(seed, picked, close_only):
    bars = test_engine.market(seed, total=TOTAL)
    if close_only:
        bars = Bars.from_closes(bars.time, bars.close, bars.symbols)
    rows = np.array(sorted(picked))
    found = rows_of(bars, rows)
    assert (found.time == bars.time[rows]).all()
    assert (found.symbols, found.close_only, found.cost_keys) == (bars.symbols, close_only, bars.cost_keys)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(bars, name)[rows])
