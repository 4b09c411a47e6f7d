"""A book that goes on in pieces is one simulation: to the last bit, with what each sleeve gained."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine import Config, simulate
from engine.errors import RunFailed
from engine.intake import FIELDS
from engine.paper.folding import Entry, Fold
from engine.paper.state import State
from engine.paper.stepping import Feed, Wishes, step
from engine.portfolio.attribution import gains_of
from engine.risk.breaker import Breaker, Watch
from engine.signals import last_words
from tests.property import test_engine

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
TOTAL = 60
SLEEVES = ("one", "two", "three")

seeds = st.integers(0, 2**32 - 1)


@st.composite
def configs(draw):
    config = draw(test_engine.configs())
    assume(config.fill != "same_close")
    return config


def wishes_of(seed, bars):
    """What three sleeves want of every symbol, as legs in the order of the symbols. One has no share."""
    shape = (len(bars), len(bars.symbols))
    each = [last_words(test_engine.targets(seed + place, shape, scale=0.8)) for place in range(3)]
    legs = tuple((sleeve, symbol) for symbol in bars.symbols for sleeve in SLEEVES)
    wanted = np.stack(each, axis=2).reshape(len(bars), -1)
    return each, Wishes(legs, wanted, SLEEVES, np.array([0.5, 0.0, 0.25]))


def piece(bars, wishes, start, stop):
    values = [np.ascontiguousarray(getattr(bars, name)[start:stop]) for name in FIELDS]
    feed = Feed(bars.time[start:stop], bars.symbols, values, bars.cost_keys)
    return feed, wishes._replace(wanted=wishes.wanted[start:stop])


def walk(bars, wishes, config, cuts, breaker=None):
    """The state, put away and read again between pieces, and the marks of all of them."""
    state, found = State.opening(config.initial_capital), []
    for start, stop in zip([0, *cuts], [*cuts, len(bars)], strict=True):
        state, marks = step(state, *piece(bars, wishes, start, stop), config, breaker)
        state = State.of(json.loads(json.dumps(state.as_dict())))
        found += marks
    return state, found


@BOUNDED
@given(seeds, configs(), st.sets(st.integers(1, TOTAL - 1), max_size=6))
def test_a_book_in_pieces_is_one_simulation_to_the_last_bit(seed, config, cuts):
    bars = test_engine.market(seed, total=TOTAL)
    each, wishes = wishes_of(seed, bars)
    state, marks = walk(bars, wishes, config, sorted(cuts))
    total = (each[0] + each[1]) + each[2]
    ledger = simulate(bars, total, config)
    for name in ("equity", "cash", "gross"):
        assert np.array([getattr(mark, name) for mark in marks]).tobytes() == getattr(ledger, name).tobytes(), name
    fills = np.concatenate([mark.fills for mark in marks])
    fills["bar"] = np.repeat(np.arange(len(bars)), [len(mark.fills) for mark in marks])
    assert fills.tobytes() == ledger.fills.tobytes()
    assert np.stack([mark.units for mark in marks])[-1].tobytes() == ledger.positions[-1].tobytes()
    assert state.numbers["mark"].tobytes() == ledger.marks.tobytes()
    assert state.numbers["carry"].tobytes() == ledger.open_carry.tobytes()
    assert state.ruined == (ledger.ruined_at is not None)
    shares = np.broadcast_to(wishes.shares, (len(bars), 3)).copy()
    columns = [np.arange(len(bars.symbols))] * 3
    gains = gains_of(bars, ledger, shares, each, columns)
    assert np.stack([mark.gains for mark in marks]).tobytes() == gains.tobytes()


@BOUNDED
@given(seeds, configs(), st.sets(st.integers(1, TOTAL - 1), max_size=6))
def test_the_state_does_not_know_in_which_pieces_it_came(seed, config, cuts):
    bars = test_engine.market(seed, total=TOTAL)
    _, wishes = wishes_of(seed, bars)
    whole, _ = walk(bars, wishes, config, [])
    assert walk(bars, wishes, config, sorted(cuts))[0].as_dict() == whole.as_dict()


@BOUNDED
@given(seeds, configs(), st.sets(st.integers(1, TOTAL - 1), max_size=6), st.floats(0.01, 0.2), st.integers(1, 10))
def test_a_breaker_scales_wishes_by_the_equity_of_bars_before_whatever_the_pieces(seed, config, cuts, fall, cooldown):
    bars, breaker = test_engine.market(seed, total=TOTAL), Breaker(fall, cooldown_bars=cooldown)
    _, wishes = wishes_of(seed, bars)
    state, marks = walk(bars, wishes, config, sorted(cuts), breaker)
    watch, scales = Watch("closed", config.initial_capital), []
    for mark in marks:
        scales.append(watch.scale(breaker))
        watch = watch.after(mark.equity, breaker)
    assert state.watch == watch
    scaled = wishes._replace(wanted=wishes.wanted * np.array(scales)[:, None])
    plain, expected = walk(bars, scaled, config, [])
    assert [mark.equity for mark in marks] == [mark.equity for mark in expected]
    assert state.as_dict() == plain.as_dict() | {"watch": state.as_dict()["watch"]}


@BOUNDED
@given(seeds, configs(), st.integers(1, TOTAL - 1))
def test_a_breaker_knows_nothing_of_what_comes(seed, config, cut):
    bars, breaker = test_engine.market(seed, total=TOTAL), Breaker(0.02, cooldown_bars=3)
    _, wishes = wishes_of(seed, bars)
    _, whole = walk(bars, wishes, config, [], breaker)
    _, part = step(State.opening(config.initial_capital), *piece(bars, wishes, 0, cut), config, breaker)
    for mark, other in zip(whole, part, strict=False):
        assert (mark.equity, mark.asked.tobytes()) == (other.equity, other.asked.tobytes())


@BOUNDED
@given(seeds, configs())
def test_gains_of_sleeves_sum_to_the_change_of_equity(seed, config):
    bars = test_engine.market(seed, total=TOTAL)
    _, marks = walk(bars, wishes_of(seed, bars)[1], config, [20])
    equity = np.array([config.initial_capital, *(mark.equity for mark in marks)])
    gains = np.array([mark.gains.sum() for mark in marks])
    np.testing.assert_allclose(gains, np.diff(equity), rtol=0.0, atol=1e-12 * np.abs(equity).max())


@BOUNDED
@given(seeds, configs())
def test_cash_units_and_equity_are_those_of_the_fills_alone(seed, config):
    bars = test_engine.market(seed, total=TOTAL)
    state, marks = walk(bars, wishes_of(seed, bars)[1], config, [20])
    fold = Fold(config.initial_capital)
    for mark in marks:
        prices = dict(zip(bars.symbols, mark.price.tolist(), strict=True))
        fills = [
            (bars.symbols[fill["symbol"]], float(fill["quantity"]), float(fill["price"]), float(fill["commission"]))
            for fill in mark.fills
        ]
        assert fold.add(Entry(mark.years, prices, fills), config) == mark.equity
        assert fold.cash == mark.cash
        assert list(fold.units.values()) == mark.units.tolist()
    assert fold.cash == state.cash


def test_a_bar_that_comes_late_is_a_bar_of_its_own_at_which_no_time_passes():
    bars = test_engine.market(3, total=TOTAL, size=3, holes=0.0)
    config = Config(fill="next_close", borrow_bps=300.0)
    _, wishes = wishes_of(3, bars)
    late = [np.full((TOTAL + 1, 3), np.nan) for _ in FIELDS]
    for values, name in zip(late, FIELDS, strict=True):
        values[:-1] = getattr(bars, name)
        values[-1, 0], values[-2, 0] = values[-2, 0], np.nan  # the first symbol's last bar comes after the others'
    time = np.append(bars.time, bars.time[-2])
    wanted = np.vstack([wishes.wanted, wishes.wanted[-1:]])
    _, marks = step(
        State.opening(1e6), Feed(time, bars.symbols, late, bars.cost_keys), wishes._replace(wanted=wanted), config
    )
    assert (marks[-1].time, marks[-1].years) == (bars.time[-2], 0.0)
    assert marks[-1].price[0] == bars.close[-1, 0]
    assert marks[-1].price[1] == bars.close[-1, 1]


def test_what_is_held_cannot_be_left_out_and_what_is_not_can_be():
    bars = test_engine.market(3, total=TOTAL, size=3, holes=0.0)
    config = Config(fill="next_close")
    legs = tuple(("one", symbol) for symbol in bars.symbols)
    wanted = np.tile([0.0, 0.5, 0.25], (TOTAL, 1))
    feed, wishes = piece(bars, Wishes(legs, wanted, ("one",), np.ones(1)), 0, 30)
    state, marks = step(State.opening(1e6), feed, wishes, config)
    assert state.held == (("B", "C"), legs[1:])
    with pytest.raises(ValueError, match="holds"):
        state.fitted(("A", "B"), legs[:2], ("one",))
    fewer = dataclasses.replace(state.fitted(("B", "C"), legs[1:], ("one", "two")))
    assert fewer.numbers["units"].tolist() == marks[-1].units[1:].tolist()
    back = fewer.fitted(bars.symbols, legs, ("one",))
    assert back.as_dict()["numbers"] == state.as_dict()["numbers"] | {
        name: back.as_dict()["numbers"][name] for name in ("mark", "moved")
    }


def test_a_breaker_that_is_switched_off_is_forgotten_and_a_state_of_before_knows_none():
    bars, config = test_engine.market(3, total=TOTAL, size=3, holes=0.0), Config(fill="next_close")
    _, wishes = wishes_of(3, bars)
    state, _ = step(State.opening(1e6), *piece(bars, wishes, 0, 30), config, Breaker(0.5))
    assert state.watch is not None
    told = state.as_dict()
    del told["watch"]
    assert State.of(told).watch is None
    after, _ = step(state, *piece(bars, wishes, 30, 31), config)
    assert after.watch is None
    again, marks = step(after, *piece(bars, wishes, 31, 32), config, Breaker(0.5))
    assert again.watch.reference == max(after.equity, marks[0].equity)


def test_a_wish_that_nobody_can_mean_is_refused_with_its_symbol():
    bars = test_engine.market(3, total=TOTAL, size=3, holes=0.0)
    _, wishes = wishes_of(3, bars)
    wishes.wanted[10, 3:6] = 1e7
    with pytest.raises(RunFailed, match=r"There is a weight of \S+ for B at .* no weight may be larger than 1e\+06"):
        step(State.opening(1e6), *piece(bars, wishes, 0, 30), Config(fill="next_close"))
