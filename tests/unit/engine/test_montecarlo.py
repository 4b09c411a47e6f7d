"""Paths against what is known of them in closed form, and by hand."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest

import strategies
from engine import Bars, backtest
from engine.blocks import optimal_block
from engine.errors import BadData
from engine.montecarlo import Plan, montecarlo, redrawing
from engine.montecarlo.chance import uniform, words
from engine.montecarlo.figures import probability, quantiles, summary
from engine.montecarlo.outcome import MOST_HELD, Outcome, places
from engine.montecarlo.redrawing import Drawn, picks_of, redraw
from engine.montecarlo.running import montecarlo as run_plan
from engine.montecarlo.sentences import caveat, meaning

PATHS = 4000
# Largest distance, in standard errors, that a fixed seed may be from the truth.
FAR = 3.5


def drawn_of(returns, capital=100.0):
    return Drawn(np.asarray(returns, dtype=float), 252.0, 0.0, capital)


def hanging(count=60, phi=0.6):
    """Returns that hang together: a moving average with memory."""
    noise = np.random.default_rng(4).normal(0.001, 0.02, count)
    returns = noise.copy()
    for t in range(1, count):
        returns[t] += phi * returns[t - 1]
    return returns


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(11)
    close = 100 * np.exp(np.cumsum(rng.normal(0.0004, 0.012, 400)))
    days = np.busday_offset("2020-01-01", np.arange(400), roll="forward")
    return backtest(Bars.from_closes(days, close, ("A",)), strategies.get("sma_cross").bind(fast=5, slow=20))


def logs_of(returns, plan, block):
    outcome = redraw(drawn_of(returns), plan, block, None)
    return np.log1p(outcome.figures["total_return"])


def assert_moments(logs, mean, variance):
    assert abs(logs.mean() - mean) < FAR * math.sqrt(variance / len(logs))
    assert abs(logs.var() / variance - 1.0) < FAR * math.sqrt(2.0 / len(logs))


def test_one_by_one_the_log_of_the_end_has_the_mean_and_variance_of_a_sum():
    returns = hanging()
    gains = np.log1p(returns)

    logs = logs_of(returns, Plan(paths=PATHS, seed=1), 1.0)

    assert_moments(logs, len(gains) * gains.mean(), len(gains) * gains.var())


def test_blocks_that_go_round_have_the_variance_of_their_sums():
    """Blocks are independent: the variance is that of the sums of 12 neighbours, times the number of blocks."""
    returns = hanging(240)
    gains = np.log1p(returns)
    sums = sum(np.roll(gains, -k) for k in range(12))

    logs = logs_of(returns, Plan("circular", paths=PATHS, seed=2), 12.0)

    assert_moments(logs, len(gains) * gains.mean(), len(gains) / 12 * sums.var())
    assert sums.var() / 12 > 2 * gains.var()  # the returns hang together, and the blocks keep it


def test_the_stationary_bootstrap_has_the_variance_of_its_paper():
    """Politis and Romano (1994), lemma 1: T times the sum over lags of (1 - k/T) (1 - p)^k R(k), R taken round."""
    returns = hanging()
    gains, count = np.log1p(returns), len(returns)
    lags = np.arange(1, count)
    covariance = np.array([(gains - gains.mean()) @ np.roll(gains - gains.mean(), -k) for k in lags]) / count
    kept = (1 - lags / count) * (1 - 1 / 8) ** lags

    logs = logs_of(returns, Plan(paths=PATHS, seed=3), 8.0)

    assert_moments(logs, count * gains.mean(), count * (gains.var() + 2 * (kept * covariance).sum()))


def test_a_block_as_long_as_the_run_is_a_rotation_of_it():
    picks = picks_of(Plan("circular", paths=200), 30.0, 30, slice(0, 200), 30)
    outcome = redraw(drawn_of(hanging(30)), Plan("circular", paths=200), 30.0, None)

    assert (picks == (picks[:, :1] + np.arange(30)) % 30).all()
    assert len(np.unique(picks[:, 0])) == 30
    total = np.prod(1 + hanging(30))
    assert outcome.figures["final_equity"] == pytest.approx(np.full(200, 100 * total), rel=1e-12)


def test_blocks_of_one_are_drawn_one_by_one():
    picks = picks_of(Plan(paths=500), 1.0, 40, slice(0, 500), 40)

    # Of two in a row the second is the next bar as often as any other one.
    assert np.mean(np.diff(picks) % 40 == 1) == pytest.approx(1 / 40, abs=FAR * math.sqrt(1 / 40 / (500 * 39)))
    assert np.bincount(picks.ravel(), minlength=40) == pytest.approx(np.full(40, 500), abs=FAR * math.sqrt(500))


def test_blocks_have_geometric_lengths():
    picks = picks_of(Plan(paths=400), 5.0, 1000, slice(0, 400), 200)
    new = np.diff(picks) % 1000 != 1

    assert new.mean() == pytest.approx(0.2 * 999 / 1000, abs=FAR * math.sqrt(0.16 / new.size))
    # After any step a block ends with the same chance: neither twice in a row more seldom nor more often.
    assert (new[:, 1:] & new[:, :-1]).mean() == pytest.approx(0.04, abs=0.004)


def test_every_order_of_trades_is_as_likely():
    picks = picks_of(Plan("trades", paths=6000), 1.0, 3, slice(0, 6000), 3)
    orders, counts = np.unique(picks, axis=0, return_counts=True)

    assert len(orders) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi-square with 5 degrees of freedom, 99.9%


def test_another_order_of_trades_ends_where_the_first_one_did(result):
    found = montecarlo(result, Plan("trades", paths=300))
    final, depth = (found.outcome.figures[name] for name in ("final_equity", "max_drawdown"))

    assert final == pytest.approx(np.full(300, found.figures["final_equity"]["observed"]), rel=1e-12)
    assert len(np.unique(depth)) > 20
    assert found.figures["final_equity"]["percentile_of_observed"] == 0.5
    assert (found.unit, found.time, found.block) == ("trades", None, None)
    again = montecarlo(result, Plan("trades", paths=300, replacement=True))
    assert again.figures["final_equity"]["std"] > 1000


def test_the_gain_of_a_trade_is_its_profit_over_the_equity_before_it(result):
    drawn, trades = Drawn.trades(result), result.trades
    closed = trades[trades["exit_bar"] >= 0]

    assert drawn.returns.tolist() == (closed["pnl"] / result.ledger.equity[closed["entry_bar"] - 1]).tolist()
    assert drawn.periods == pytest.approx(len(closed) / 400 * result.run.periods_per_year)
    # One position at a time, all of the equity in it: the trades compound to the closed profit of the run.
    until = result.ledger.equity[closed["exit_bar"][-1]]
    assert drawn.in_order().figures["final_equity"][0] == pytest.approx(until, rel=1e-12)


def test_the_order_of_two_trades_cannot_be_changed_where_there_is_only_one(result):
    held = backtest(result.bars, strategies.get("buy_and_hold").bind())

    with pytest.raises(BadData, match="closed 0 trades") as caught:
        montecarlo(held, Plan("trades"))

    assert (caught.value.code, caught.value.allowed) == ("not_enough_trades", {"minimum": 2})


def test_a_path_in_the_order_of_the_run_has_its_figures_and_its_curve(result):
    found = Drawn.bars(result).in_order()
    alone = result.metrics

    for name in ("final_equity", "total_return", "sharpe", "max_drawdown"):
        assert found.figures[name][0] == pytest.approx(alone[name], rel=1e-10)
    assert found.equity[:, 0] == pytest.approx(result.ledger.equity[found.at - 1], rel=1e-12)
    assert found.drawdown[:, 0] == pytest.approx(result.drawdown[found.at - 1], abs=1e-12)
    assert found.figures["lowest_equity"][0] == pytest.approx(result.ledger.equity.min(), rel=1e-12)


def test_a_path_whose_equity_is_used_up_stops_there():
    found = drawn_of([0.5, -1.2, 0.5, 0.5]).in_order()

    assert found.equity[:, 0] == pytest.approx([150, -30, -30, -30])
    assert found.drawdown[:, 0] == pytest.approx([0, -1.2, -1.2, -1.2])
    returns = [0.5, -1.2, 0.0, 0.0]
    assert found.figures["sharpe"][0] == pytest.approx(np.mean(returns) / np.std(returns, ddof=1) * math.sqrt(252))
    assert found.figures["lowest_equity"][0] == pytest.approx(-30)


def test_a_path_without_variance_has_no_sharpe_ratio():
    outcome = redraw(drawn_of([0.0, 0.0, 0.0, 0.1]), Plan(paths=400, horizon=4), 1.0, None)
    flat = outcome.figures["final_equity"] == 100.0

    assert 0 < flat.sum() < 400
    assert np.isnan(outcome.figures["sharpe"][flat]).all()
    told = summary(outcome.figures["sharpe"], None)
    assert told["defined"] == np.isfinite(outcome.figures["sharpe"]).sum() < 400


def test_ruin_is_counted_at_every_bar_and_loss_at_the_end():
    found = redraw(drawn_of([-0.6, 1.6]), Plan(paths=2000, horizon=2), 1.0, None)
    lowest, last = found.figures["lowest_equity"], found.figures["final_equity"]

    assert set(np.round(last, 9)) == {16.0, 104.0, 676.0}
    assert (lowest <= 50).mean() == pytest.approx(0.5, abs=0.04)  # -0.6 first; with both first and second up: none
    assert lowest[np.isclose(last, 104)].min() == pytest.approx(40)


def test_a_probability_says_how_sure_it_is():
    assert probability(25, 100)["standard_error"] == pytest.approx(math.sqrt(0.25 * 0.75 / 100))
    # Wilson's interval of 10 in 100 (Newcombe 1998 has such tables).
    assert [probability(10, 100)[name] for name in ("low", "high")] == pytest.approx([0.0552, 0.1744], abs=5e-5)
    assert probability(0, 1000) | {"high": 0} == {"probability": 0, "standard_error": 0, "low": 0, "high": 0}
    assert probability(0, 1000)["high"] == pytest.approx(0.00383, abs=1e-5)
    assert probability(9, 9)["high"] == 1.0


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_quantiles_are_those_of_numpy(count):
    values = np.random.default_rng(count).normal(size=count)

    assert quantiles(values) == pytest.approx(np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]), rel=1e-14)


def test_a_summary_ranks_the_run_among_the_paths():
    told = summary(np.array([1.0, 2.0, 2.0, 3.0, np.nan]), 2.0)

    assert (told["mean"], told["p50"], told["defined"]) == (2.0, 2.0, 4)
    assert told["percentile_of_observed"] == 0.5
    assert summary(np.array([np.nan]), 1.0)["percentile_of_observed"] is None
    assert summary(np.array([5.0]), None)["std"] is None


def test_the_same_seed_makes_the_same_paths_and_another_one_others(result):
    one, same, other = (montecarlo(result, Plan(paths=50, seed=seed)) for seed in (7, 7, 8))

    assert digest(one) == digest(same) != digest(other)


@pytest.mark.parametrize("method", ["stationary", "circular", "trades"])
def test_how_paths_are_put_into_blocks_changes_nothing(result, monkeypatch, method):
    plan = Plan(method, paths=37, seed=5)
    whole = digest(montecarlo(result, plan))

    for block in (1, 800, 5000):
        monkeypatch.setattr(redrawing, "BLOCK", block)
        assert digest(montecarlo(result, plan)) == whole


@pytest.mark.parametrize(
    "plan", [Plan(seed=9), Plan("circular", seed=9), Plan("trades", seed=9)], ids=lambda plan: plan.method
)
def test_any_path_can_be_made_again_alone(plan):
    together = picks_of(plan, 4.0, 30, slice(0, 20), 30)

    for path in (0, 1, 19):
        assert (picks_of(plan, 4.0, 30, slice(path, path + 1), 30)[0] == together[path]).all()


def test_another_process_makes_the_same_bytes():
    script = (
        "from tests.unit.engine.test_montecarlo import digest_of, drawn_of, hanging, redraw, Plan\n"
        "print(digest_of(redraw(drawn_of(hanging()), Plan(paths=30, seed=3), 4.5, None)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == digest_of(redraw(drawn_of(hanging()), Plan(paths=30, seed=3), 4.5, None))


def test_words_belong_to_a_path_and_make_even_numbers():
    many = words(1, 0, 100, 50)

    assert (words(1, 63, 1, 50)[0] == many[63]).all()
    numbers = uniform(many)
    assert (numbers.min() >= 0.0, numbers.max() < 1.0) == (True, True)
    assert numbers.mean() == pytest.approx(0.5, abs=FAR / math.sqrt(12 * numbers.size))


def test_a_horizon_of_its_own_has_no_dates_and_compares_only_the_sharpe_ratio(result):
    found = montecarlo(result, Plan(paths=20, horizon=63))

    assert (found.steps, found.time, found.outcome.at[-1]) == (63, None, 63)
    assert found.figures["total_return"]["observed"] is None
    assert found.figures["sharpe"]["observed"] == result.metrics["sharpe"]


def test_a_block_that_is_asked_for_is_taken_and_else_chosen_by_the_rule(result):
    assert montecarlo(result, Plan(paths=1, block=12.5)).block == 12.5
    chosen = montecarlo(result, Plan(paths=1)).block
    assert 1.0 <= chosen == round(chosen, 2)
    assert montecarlo(result, Plan("circular", paths=1)).block % 1 == 0


def test_what_it_says_is_read_from_the_paths(result):
    found = montecarlo(result, Plan(paths=500, ruin=0.9))
    said, final = meaning(found), found.figures["final_equity"]

    assert said.startswith(
        f"500 paths of 400 bars began with 100,000.00. Half of them ended above {final['p50']:,.2f}, "
    )
    assert f"{found.ruin['probability']:.1%} were at some bar down to 90% of the initial capital or lower." in said
    assert found.ruin["probability"] == (found.outcome.figures["lowest_equity"] <= found.floor).mean()
    assert f"in blocks of {found.block:g} bars on average" in caveat(found)
    # Trades in another order all end at one place, with replacement they do not.
    ordered, drawn = (montecarlo(result, Plan("trades", paths=9, replacement=again)) for again in (False, True))
    assert f" They end at {ordered.figures['final_equity']['observed']:,.2f}. " in meaning(ordered)
    assert caveat(ordered) == caveat(drawn) + " Every path ends at the same equity, only the way there differs."
    assert "within 10% of its value" in caveat(montecarlo(result, Plan("parameters", paths=1)))
    assert "between 1 and 3 times" in caveat(montecarlo(result, Plan("costs", paths=1, stress=3)))


def test_blocks_are_as_long_as_returns_remember():
    def length(returns, circular=False):
        return optimal_block(np.asarray(returns), circular=circular)

    noise = np.random.default_rng(6).normal(size=2000)
    assert length(noise) < 5.0 < length(hanging(2000)) < length(hanging(2000), circular=True)
    # The circular bootstrap is more exact by 3/2, which is its cube root in blocks (Politis and White, section 3).
    assert length(hanging(2000), circular=True) / length(hanging(2000)) == pytest.approx(1.5 ** (1 / 3))
    assert length(np.resize([2.0, -1.0, -1.0], 100)) == 30.0  # it turns round for ever: the longest, 3 sqrt(T)
    assert length(noise[:7]) == length(np.zeros(50)) == 1.0


def test_bands_lie_in_order_and_end_in_the_figures(result):
    found = montecarlo(result, Plan(paths=500))
    rows = np.array(list(found.bands["equity"].values()))

    assert (np.diff(rows, axis=0) >= 0).all()
    assert rows[:, -1].tolist() == [found.figures["final_equity"][name] for name in found.bands["equity"]]
    assert (np.array(list(found.bands["drawdown"].values())) <= 0).all()
    assert len(found.time) == rows.shape[1] == 250


def test_paths_are_compared_at_as_many_steps_as_can_be_held():
    assert places(1, 1).tolist() == [1]
    assert places(10, 3).tolist() == [1, 2, 3]
    assert len(places(1000, 5000)) == 250
    for paths in (10_000, 50_000, 100_000):
        at = places(paths, 5000)
        assert (at[0], at[-1], len(at) * paths <= MOST_HELD) == (1, 5000, True)


def test_it_tells_how_far_it_is_and_stops_when_told(result):
    told = []
    montecarlo(result, Plan(paths=700), lambda *news: told.append(news))

    assert [news[2] for news in told[-2:]] == ["bands", "bands"]
    assert told[0] == (0, 700, "paths")
    assert 2 < len(told) - 2 == len({news[0] for news in told[:-2]})

    class Enough(Exception):
        pass

    def stop(done, total, phase):
        if done:
            raise Enough

    with pytest.raises(Enough):
        run_plan(result, Plan(paths=100_000), stop)


def test_only_what_is_there_can_be_imported():
    import engine.montecarlo as package

    with pytest.raises(AttributeError, match="has no attribute 'paths'"):
        _ = package.paths


def digest(found):
    return digest_of(found.outcome)


def digest_of(outcome: Outcome):
    parts = [outcome.at, outcome.equity, outcome.drawdown, *outcome.figures.values(), *outcome.drawn.values()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
