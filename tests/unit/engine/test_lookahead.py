"""A look ahead is found wherever it hides, and an honest strategy is left in peace."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars, indicators, strategy
from engine.errors import RunFailed
from engine.lookahead import CUTS, find_leak
from engine.panel import Panel, Series
from engine.strategy import Decision
from tests.shelf import PRICE


def market(total=600, size=2):
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (total, size)), axis=0))
    time = np.busday_offset("2015-01-01", np.arange(total), roll="forward").astype("datetime64[ns]")
    late = time + np.timedelta64(30, "D")
    series = Series("GDP", "index", time, late, close[:, 0], 90.0)
    return Bars.from_closes(time, close, ("A", "B")[:size]).with_panel(Panel.of([series]))


def planted(function):
    function.__doc__ = "Look ahead."
    return strategy(family="test", source="none")(function).bind()


def centred(bars):
    """A mean of five bars on each side; it breaks on a handful of bars."""
    mean = np.apply_along_axis(np.convolve, 0, bars.close, np.full(11, 1 / 11), "same")
    return (bars.close > mean).astype(float)


def shifted(bars):
    ahead = np.vstack((bars.close[1:], bars.close[-1:]))
    return (ahead > bars.close).astype(float)


def rarely_shifted(bars):
    """Two averages that cross some ten times, each cross seen a bar early."""
    up = indicators.sma(bars.close, 40) > indicators.sma(bars.close, 120)
    return np.vstack((up[1:], up[-1:])).astype(float)


def normalised(bars):
    return np.clip((bars.close - bars.close.mean(axis=0)) / bars.close.std(axis=0), -1, 1)


def sized_by_the_end(bars):
    return np.full(bars.close.shape, 1.0 / bars.close[-1].sum())


def unpublished(bars):
    """The value of the period, whether or not it was published."""
    series = bars.panel.series["GDP"]
    rows = np.searchsorted(series.observed, bars.time, side="right") - 1
    known = np.where(rows >= 0, series.value[np.maximum(rows, 0)] if len(series.value) else 0.0, 0.0)
    return np.repeat((known > 100.0)[:, None], 2, axis=1).astype(float)


def revised_score(bars):
    return Decision(np.ones(bars.close.shape), score=bars.close[:, 0] - bars.close[:, 0].mean())


def foretelling(bars):
    rises = np.append(bars.close[1:, 0] > bars.close[:-1, 0], False)
    reasons = {"Nothing is known of the first bar.": np.arange(len(bars)) == 0, "It will rise.": rises}
    return Decision(np.ones(bars.close.shape), reasons=reasons)


LEAKS = (centred, shifted, rarely_shifted, normalised, sized_by_the_end, unpublished, revised_score, foretelling)


@pytest.mark.parametrize("function", LEAKS)
def test_a_planted_look_ahead_is_found_and_named(function):
    leak = find_leak(market(), planted(function))
    assert leak is not None
    assert leak.what in ("weight", "score", "reason")
    assert leak.at <= leak.cut
    assert leak.with_future != leak.without
    assert leak.sentence.endswith("it looks ahead.")
    assert leak.at in leak.sentence


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
def test_no_shipped_strategy_looks_ahead(item):
    assert find_leak(market(), item.bind()) is None


def test_a_strategy_that_reads_what_was_known_is_clean():
    def honest(bars):
        return np.repeat((bars.known("GDP") > 100.0)[:, None], 2, axis=1).astype(float)

    assert find_leak(market(), planted(honest)) is None


def test_reasons_that_were_true_at_the_time_are_clean():
    def honest(bars):
        up = indicators.sma(bars.close, 20)[:, 0] < bars.close[:, 0]
        return Decision(np.ones(bars.close.shape), reasons={"It has risen.": up, "It has not.": ~up})

    assert find_leak(market(), planted(honest)) is None


def test_what_a_strategy_keeps_from_the_whole_does_not_hide_a_look_ahead():
    def keeping():
        kept = {}
        return planted(lambda bars: kept.setdefault(0, shifted(bars))[: len(bars)])

    bound = keeping()
    assert find_leak(market(), bound) is None
    assert find_leak(market(), bound, anew=keeping) is not None


def test_rounding_is_no_look_ahead():
    def rounded(bars):
        return np.full(bars.close.shape, 0.5) + 1e-13 * len(bars)

    assert find_leak(market(), planted(rounded)) is None


def test_what_the_known_decision_leaves_out_is_not_compared():
    bars, bound = market(), planted(revised_score)
    assert find_leak(bars, bound, Decision(bound(bars))) is None


def test_a_strategy_that_breaks_on_every_past_is_refused_and_one_that_breaks_on_a_short_one_is_not():
    def brittle(bars):
        return np.ones(bars.close.shape) if len(bars) == 600 else 1 / 0

    with pytest.raises(RunFailed, match=r"Whenever later bars were taken away: .*ZeroDivisionError") as failed:
        find_leak(market(), planted(brittle))
    assert failed.value.code == "strategy_error"

    def long(bars):
        return np.ones(bars.close.shape) if len(bars) > 99 else 1 / 0

    assert find_leak(market(), planted(long)) is None


def test_as_many_pasts_as_are_asked_for_are_compared_and_the_check_can_be_stopped():
    calls = []

    def counted(bars):
        calls.append(len(bars))
        return np.ones(bars.close.shape)

    told = []
    find_leak(market(), planted(counted), report=lambda *progress: told.append(progress))
    assert calls[0] == 600
    assert calls[1:] == sorted(set(calls[1:]))
    assert len(calls) - 1 == len(told) <= CUTS
    assert told[0] == (0, len(told), "verify")

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_leak(market(), planted(counted), report=stop)


def test_bars_that_are_too_few_for_a_past_are_not_compared():
    assert find_leak(market(3), planted(shifted)) is None


def test_a_score_that_is_there_only_with_all_bars_is_a_look_ahead():
    def scored(bars):
        ones = np.ones(bars.close.shape)
        return Decision(ones, score=bars.close[:, 0]) if len(bars) == 600 else ones

    leak = find_leak(market(), planted(scored))
    assert (leak.what, leak.without) == ("score", None)
