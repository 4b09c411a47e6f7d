"""The block of a search's result, and what it says in words."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from engine.errors import BadData, InvalidInput
from engine.overfit import (
    Statistics,
    Tally,
    backtest_overfitting,
    expected_maximum_sharpe,
    probabilistic_sharpe,
    sharpe_interval,
    statistics,
    superior_ability,
)
from engine.overfit.sentence import verdict
from engine.overfit.sharpe import shape

YEAR = 252
KEYS = [
    "trials_made",
    "trials_before",
    "psr",
    "deflated_sharpe",
    "expected_maximum_sharpe",
    "pbo",
    "min_track_record_length",
    "sharpe_interval",
    "spa_p_value",
    "sentence",
]


@pytest.fixture(scope="module")
def returns():
    values = np.random.default_rng(0).standard_normal((500, 30)) * 0.01
    values[:, 4] += 0.0015
    return values


@pytest.fixture(scope="module")
def sharpes(returns):
    return returns.mean(axis=0) / returns.std(axis=0, ddof=1) * math.sqrt(YEAR)


def test_the_block_holds_what_its_parts_say(returns, sharpes):
    best, annual = returns[:, 4], math.sqrt(YEAR)
    found = statistics(best, sharpes, periods_per_year=YEAR, returns_matrix=returns, before=Tally(70), seed=3)
    luck = expected_maximum_sharpe(np.var(sharpes / annual, ddof=1), 100)
    known, interval = shape(best), sharpe_interval(best, YEAR)
    assert list(dataclasses.asdict(found)) == KEYS
    assert (found.trials_made, found.trials_before) == (30, 70)
    assert found.psr == probabilistic_sharpe(*known)
    assert found.expected_maximum_sharpe == pytest.approx(luck * annual)
    assert found.deflated_sharpe == pytest.approx(probabilistic_sharpe(*known, benchmark_per_bar=luck))
    assert found.pbo == backtest_overfitting(returns).pbo
    assert found.sharpe_interval == (interval.low, interval.high)
    assert found.spa_p_value == superior_ability(returns, np.random.Generator(np.random.Philox(3))).consistent
    assert probabilistic_sharpe(*known[:3], found.min_track_record_length) >= 0.95
    assert found.sentence.startswith("Best of 100 trials. With that many tries a Sharpe ratio of")


def test_the_same_seed_gives_the_same_block(returns, sharpes):
    one, other = (statistics(returns[:, 4], sharpes, periods_per_year=YEAR, returns_matrix=returns) for _ in range(2))
    assert one == other


def test_ratios_of_a_year_are_not_taken_for_those_of_a_bar(returns, sharpes):
    """Whatever a year is, the same bars have the same probabilities."""
    daily = statistics(returns[:, 4], sharpes, periods_per_year=YEAR)
    plain = statistics(returns[:, 4], sharpes / math.sqrt(YEAR), periods_per_year=1)
    assert plain.deflated_sharpe == pytest.approx(daily.deflated_sharpe, rel=1e-12)
    assert plain.expected_maximum_sharpe * math.sqrt(YEAR) == pytest.approx(daily.expected_maximum_sharpe, rel=1e-12)


def test_earlier_trials_count_in_what_luck_finds(returns, sharpes):
    first, later = (
        statistics(returns[:, 4], sharpes, periods_per_year=YEAR, before=Tally(before)) for before in (0, 1000)
    )
    assert later.expected_maximum_sharpe > first.expected_maximum_sharpe
    assert later.deflated_sharpe < first.deflated_sharpe < first.psr == later.psr
    assert (first.pbo, first.spa_p_value) == (None, None)


def test_two_twins_after_a_wide_search_are_judged_by_all_of_it(returns, sharpes):
    twins = [sharpes[4], sharpes[4] - 1e-4]
    alone, later = (
        statistics(returns[:, 4], twins, periods_per_year=YEAR, before=before)
        for before in (Tally(), Tally.of(sharpes))
    )
    whole = statistics(returns[:, 4], [*sharpes, *twins], periods_per_year=YEAR)
    assert later.deflated_sharpe == pytest.approx(whole.deflated_sharpe, rel=1e-12)
    assert later.expected_maximum_sharpe > 1000.0 * alone.expected_maximum_sharpe


def test_one_trial_is_its_own_probability(returns, sharpes):
    found = statistics(returns[:, 4], sharpes[4:5], periods_per_year=YEAR)
    assert found.deflated_sharpe == found.psr
    assert found.expected_maximum_sharpe == 0.0
    assert found.sentence.startswith("One trial. Nothing was picked: its Sharpe ratio is")


def test_where_the_other_trials_are_unknown_nothing_is_claimed(returns, sharpes):
    found = statistics(returns[:, 4], sharpes[4:5], periods_per_year=YEAR, before=Tally(9))
    assert (found.deflated_sharpe, found.expected_maximum_sharpe) == (None, None)
    assert found.psr is not None
    assert "cannot be said: too few other trials are known." in found.sentence


def test_trials_without_a_ratio_count_as_tries(returns, sharpes):
    found = statistics(returns[:, 4], np.append(sharpes, [np.nan] * 20), periods_per_year=YEAR)
    same = statistics(returns[:, 4], sharpes, periods_per_year=YEAR, before=Tally(20))
    assert found.trials_made == 50
    assert found.deflated_sharpe == same.deflated_sharpe


def test_a_search_that_never_traded_has_a_block_of_nothing():
    found = statistics(np.zeros(100), [np.nan] * 5, periods_per_year=YEAR, returns_matrix=np.zeros((100, 5)))
    assert json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False)) == {
        "trials_made": 5,
        "trials_before": 0,
        "psr": None,
        "deflated_sharpe": None,
        "expected_maximum_sharpe": None,
        "pbo": None,
        "min_track_record_length": None,
        "sharpe_interval": None,
        "spa_p_value": None,
        "sentence": "Best of 5 trials. The returns do not vary, so there is no Sharpe ratio to judge.",
    }


def test_a_few_bars_have_no_splits():
    values = np.random.default_rng(1).standard_normal((20, 3)) * 0.01
    found = statistics(values[:, 0], [0.1, 0.2, 0.3], periods_per_year=YEAR, returns_matrix=values)
    assert found.pbo is None
    assert 0.0 < found.spa_p_value <= 1.0


def test_without_a_trial_there_is_no_block():
    with pytest.raises(InvalidInput) as caught:
        statistics(np.zeros(9), [], periods_per_year=YEAR)
    assert caught.value.code == "bad_trials"


def test_returns_with_holes_have_no_block(sharpes):
    with pytest.raises(BadData, match="in row 1"):
        statistics([0.1, np.nan, 0.2], sharpes, periods_per_year=YEAR)


def test_a_block_cannot_be_changed(returns, sharpes):
    found = statistics(returns[:, 4], sharpes, periods_per_year=YEAR)
    assert isinstance(found, Statistics)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.psr = 1.0


def said(trials=400, sharpe=0.9, luck=1.1, deflated=0.2, pbo=None, missing=0):
    return verdict(
        trials=trials,
        annual_sharpe=sharpe,
        annual_expected_maximum=luck,
        deflated_sharpe=deflated,
        pbo=pbo,
        missing_bars=missing,
    )


TRIED = "Best of 400 trials. With that many tries a Sharpe ratio of 1.10 is expected from luck alone; this one is"
SPLIT = " What was best on one half of the time was in the worse half of all trials on the other half in"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (said(), f"{TRIED} 0.90: no better than luck."),
        (said(sharpe=1.1, deflated=0.5), f"{TRIED} 1.10: no better than luck."),
        (
            said(sharpe=2.4, deflated=0.95),
            f"{TRIED} 2.40: more than luck explains (deflated Sharpe ratio 0.95, where 0.95 is convincing).",
        ),
        (
            said(sharpe=2.4, deflated=0.9499),
            f"{TRIED} 2.40: some sign of more than luck (deflated Sharpe ratio 0.94, where 0.95 is convincing).",
        ),
        (
            said(sharpe=1.2, deflated=0.74),
            f"{TRIED} 1.20: hardly a sign of more than luck (deflated Sharpe ratio 0.74, where 0.95 is convincing).",
        ),
        (said(sharpe=2.4, deflated=None), f"{TRIED} 2.40, but how sure that is cannot be said."),
        (
            said(luck=None, deflated=None),
            "Best of 400 trials. How much of its Sharpe ratio of 0.90 is luck cannot be said: too few other trials "
            "are known.",
        ),
        (
            said(pbo=0.2),
            f"{TRIED} 0.90: no better than luck.{SPLIT} 20 % of the splits: choosing by the past mostly worked.",
        ),
        (
            said(pbo=0.49),
            f"{TRIED} 0.90: no better than luck.{SPLIT} 49 % of the splits: choosing by the past was not reliable.",
        ),
        (
            said(pbo=0.5, missing=7),
            f"{TRIED} 0.90: no better than luck.{SPLIT} 50 % of the splits: choosing by the past was no better than "
            "drawing lots.",
        ),
        (
            said(trials=1, luck=0.0, deflated=0.871, missing=1200),
            "One trial. Nothing was picked: its Sharpe ratio is 0.90, and the probability that the true one is above 0 "
            "is 87 %. 1,200 more bars like these are needed before it is convincing.",
        ),
        (
            said(trials=1, luck=0.0, deflated=None),
            "One trial. Nothing was picked; how sure its Sharpe ratio of 0.90 is cannot be said.",
        ),
        (
            said(trials=1200, sharpe=None),
            "Best of 1,200 trials. The returns do not vary, so there is no Sharpe ratio to judge.",
        ),
    ],
)
def test_the_sentence_says_what_the_figures_mean(sentence, expected):
    assert sentence == expected


@pytest.mark.parametrize(
    ("pbo", "words"),
    [(0.0, "0 %"), (0.001, "less than 1 %"), (0.999, "more than 99 %"), (1.0, "100 %"), (0.0149, "1 %")],
)
def test_a_share_is_not_said_to_be_nothing_or_all_when_it_is_neither(pbo, words):
    assert f"other half in {words} of the splits" in said(pbo=pbo)
