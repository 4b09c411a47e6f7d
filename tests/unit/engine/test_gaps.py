"""A result says which symbols could not be traded when, and which positions are worth an old price."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine import Bars, Config, backtest, gaps, strategy

DAYS = np.busday_offset("2024-01-01", np.arange(12), roll="forward")
NAN = float("nan")


@strategy(family="test", source="none")
def hold(bars: Bars) -> np.ndarray:
    """Hold everything in equal parts."""
    return np.full(bars.close.shape, 1.0 / len(bars.symbols))


@strategy(family="test", source="none")
def leave(bars: Bars) -> np.ndarray:
    """Hold everything in equal parts for two bars."""
    weights = np.zeros(bars.close.shape)
    weights[:2] = 1.0 / len(bars.symbols)
    return weights


def bars(*missing, names="ABCDEFGH"):
    close = np.full((12, len(missing)), 10.0)
    for n, rows in enumerate(missing):
        close[list(rows), n] = NAN
    return Bars.from_closes(DAYS, close, tuple(names[: len(missing)]))


def test_bars_without_gaps_have_nothing_to_say():
    result = backtest(bars([], []), hold.bind())
    assert result.gaps == []
    assert result.warnings == ()


def test_each_symbol_that_misses_a_bar_is_described():
    prices = bars([0, 1], [], [4, 6, 7, 8], [11], range(12), [0, 3, 10, 11])
    assert backtest(prices, hold.bind()).gaps == [
        {"symbol": "A", "start": "2024-01-03T00:00:00Z", "end": "2024-01-16T00:00:00Z"}
        | {"late": 2, "missing": 0, "longest": 0, "ended": 0},
        {"symbol": "C", "start": "2024-01-01T00:00:00Z", "end": "2024-01-16T00:00:00Z"}
        | {"late": 0, "missing": 4, "longest": 3, "ended": 0},
        {"symbol": "D", "start": "2024-01-01T00:00:00Z", "end": "2024-01-15T00:00:00Z"}
        | {"late": 0, "missing": 0, "longest": 0, "ended": 1},
        {"symbol": "E", "start": None, "end": None, "late": 12, "missing": 0, "longest": 0, "ended": 0},
        {"symbol": "F", "start": "2024-01-02T00:00:00Z", "end": "2024-01-12T00:00:00Z"}
        | {"late": 1, "missing": 1, "longest": 1, "ended": 2},
    ]


def test_late_starts_and_holes_are_warned_of_with_dates():
    found = backtest(bars([0, 1], [], [4, 6, 7, 8]), hold.bind()).warnings
    assert found == (
        "Not tradable from the first bar on: A before 2024-01-03 (2 bars).",
        "Not tradable on some bars in between: C on 4 (up to 3 in a row, from 2024-01-09).",
    )


def test_a_symbol_without_any_price_is_named():
    assert backtest(bars([], range(12)), hold.bind()).warnings == ("No price in this range: B.",)


def test_a_delisted_symbol_is_named_and_whether_it_was_still_held():
    gone = range(8, 12)
    (held,) = backtest(bars([], gone), hold.bind()).warnings
    assert held == "Not tradable through the last bar: B since 2024-01-10 (4 bars, still held)."
    (sold,) = backtest(bars([], gone), leave.bind()).warnings
    assert sold == "Not tradable through the last bar: B since 2024-01-10 (4 bars)."


@pytest.mark.parametrize(("first", "stale"), [(7, False), (6, True)])
def test_a_position_that_is_held_at_an_old_price_is_named_with_price_and_date(first, stale):
    found = backtest(bars([], range(first, 12)), hold.bind()).warnings
    old = "Held at the end at a price that is more than 5 bars old: B, 10 of 2024-01-08."
    assert (old in found) is stale
    assert len(found) == 1 + stale
    assert all("Held" not in text for text in backtest(bars([], range(first, 12)), leave.bind()).warnings)


def test_warnings_are_few_and_short_however_many_symbols_there_are():
    many = 600
    close = np.full((12, many), 10.0)
    close[5, :] = NAN
    close[6:, ::2] = NAN
    close[:2, ::3] = NAN
    close[:, 599] = NAN
    names = tuple(f"{'long name ' * 20}{i}" for i in range(many))
    result = backtest(Bars.from_closes(DAYS, close, names), hold.bind(), Config(max_leverage=1.0))
    assert len(result.warnings) == 5
    assert max(map(len, result.warnings)) < 1000
    assert all("and 2" in text or "and 1" in text or "No price" in text for text in result.warnings)
    json.dumps(result.gaps)


def test_a_ruined_run_holds_nothing():
    close = np.full((12, 2), 10.0)
    close[3:, 0] = 100.0
    close[2:, 1] = NAN
    prices = Bars.from_closes(DAYS, close, ("A", "B"))

    @strategy(family="test", source="none")
    def short(bars: Bars) -> np.ndarray:
        """Sell A short."""
        return np.tile([-0.9, 0.1], (12, 1))

    result = backtest(prices, short.bind(), Config(fill="same_close"))
    assert result.ledger.ruined_at == 3
    assert "still held" not in " ".join(result.warnings)


def test_the_gaps_of_a_single_bar():
    (gap,) = gaps.gaps(bars([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]))
    assert gap == gaps.Gap(0, 5, 5, 0, 0, 6)
