"""Several strategies on one account: `portfolio`.

Every sleeve is first run alone, as its own backtest would be. Of the returns of all of them up to a bar come the shares
of the account (`engine.portfolio.shares`), of these and of what each sleeve wants at that bar the book's targets, and
of those one simulation with one cash account, one leverage limit and one cost of each netted trade.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.backtesting import Outcome, Result, backtest, benchmark_returns, carry_out, conventions
from engine.bars import Bars, Floats
from engine.book import DUST, FILLS_PER_SYMBOL, MAX_HOLDING, RUIN, SIGNAL
from engine.config import Config
from engine.errors import QueuantError
from engine.figures import Report
from engine.portfolio.allocation import STILL, Sample
from engine.portfolio.attribution import gains_of
from engine.portfolio.joining import fitted, join, spread
from engine.portfolio.mandate import Mandate
from engine.portfolio.shares import Split
from engine.signals import last_words
from engine.strategy import BoundStrategy


@dataclass(frozen=True, eq=False)
class Sleeve:
    """A strategy of a book, on bars of its own; `config` is what it runs with alone, `weight` a fixed share."""

    name: str
    bars: Bars
    bound: BoundStrategy
    config: Config
    dataset: str = ""
    version: str = ""
    weight: float | None = None


@dataclass(frozen=True, eq=False)
class PortfolioResult(Outcome):
    """What a book did. `alone` holds each sleeve's own run, `shares` [T, S] its part of the account.

    `gains` [T, S] is what each bar brought each sleeve in money: a row sums to the change of equity.
    """

    mandate: Mandate
    sleeves: tuple[Sleeve, ...]
    alone: tuple[Result, ...]
    shares: Floats
    targets: Floats
    returns: Floats
    gains: Floats

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sleeve.name for sleeve in self.sleeves)

    @property
    def conventions(self) -> dict[str, Any]:
        """What the figures rest on, as plain values."""
        warm_up = max(sleeve.bound.lookback for sleeve in self.sleeves)
        return conventions(self.bars, self.config, warm_up) | {
            "shares": "decided at a close of returns up to it, filled as any decision; in between targets stand",
            "attribution": "gains of a sleeve / initial_capital; they sum to total_return",
            "exits": "those of a strategy end its own wish at the bar's close, those of config the net position",
        }

    @cached_property
    def contributions(self) -> Floats:
        """Gains up to each bar / initial capital [T, S]; the last row sums to the total return."""
        sums: Floats = np.cumsum(self.gains, axis=0) / self.ledger.initial_capital
        return sums

    @property
    def attribution(self) -> dict[str, float]:
        """What each sleeve contributed to the total return."""
        return dict(zip(self.names, self.contributions[-1].tolist(), strict=True))

    @property
    def correlation(self) -> dict[str, dict[str, float | None]]:
        """Correlations of the sleeves' own returns; None where one stood still."""
        sample = Sample(self.returns)
        moved = (sample.deviation > STILL).tolist()
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.clip(sample.correlation, -1.0, 1.0).tolist()
        return {
            name: {other: found[i][j] if moved[i] and moved[j] else None for j, other in enumerate(self.names)}
            for i, name in enumerate(self.names)
        }

    @cached_property
    def _risk(self) -> Sample:
        """Each sleeve's part of the book's return at each bar."""
        equity = self.ledger.equity
        before = np.concatenate(([self.ledger.initial_capital], equity[:-1]))
        parts = np.zeros(self.gains.shape)
        np.divide(self.gains, before[:, None], out=parts, where=before[:, None] > 0.0)
        return Sample(parts)

    @property
    def risk_contributions(self) -> dict[str, float | None]:
        """Covariance of each sleeve's part of the return with the whole / variance of the whole: they sum to 1."""
        shared = self._risk.covariance.sum(axis=1)
        whole = float(shared.sum())
        parts = (shared / whole).tolist() if whole > STILL**2 else [None] * len(shared)
        return dict(zip(self.names, parts, strict=True))

    @property
    def diversification_ratio(self) -> float | None:
        """Deviations of the sleeves' parts of the return, summed, / that of the whole (Choueifaty and Coignard, 2008).

        1 when all of them move as one; None when the book stood still.
        """
        whole = float(self._risk.covariance.sum())
        return float(self._risk.deviation.sum()) / whole**0.5 if whole > STILL**2 else None


def portfolio(
    sleeves: Sequence[Sleeve],
    mandate: Mandate,
    config: Config | None = None,
    *,
    benchmark: Bars | None = None,
    report: Report | None = None,
) -> PortfolioResult:
    """Run several strategies on one account.

    Args:
        sleeves: the strategies, each with its bars; names differ.
        mandate: how the account is split.
        config: how the book is filled, charged and limited; what it says of exits watches the net positions.
        benchmark: bars of one symbol that has a close at or before the first bar of the book.
        report: called as `report(done, total, phase)`; what it raises ends the run.

    Raises:
        InvalidInput: `invalid_weight`, or a configuration that the bars cannot do.
        BadData: `not_enough_bars`, `mixed_frequencies`, `bad_benchmark`.
        RunFailed: a strategy raised or returned nonsense; its message names the sleeve.
    """
    config = Config() if config is None else config
    fixed = mandate.fixed(tuple(sleeve.weight for sleeve in sleeves), config.max_leverage)
    alone = tuple(_alone(sleeves, report))
    joint = join([(sleeve.dataset, sleeve.version, sleeve.bars) for sleeve in sleeves])
    config = fitted(config, [sleeve.bars for sleeve in sleeves]).fitted(joint.bars)
    against = None if benchmark is None else benchmark_returns(joint.bars, benchmark)
    returns = np.zeros((len(joint.bars), len(sleeves)))
    for column, (result, rows) in enumerate(zip(alone, joint.rows, strict=True)):
        returns[rows, column] = result.ledger.returns
    split = Split(joint.bars.time, returns, mandate, fixed, config.max_leverage)
    shares, due = split.through_time(report)
    wanted = [
        shares[:, [column]] * spread(wish(result), rows, len(joint.bars))
        for column, (result, rows) in enumerate(zip(alone, joint.rows, strict=True))
    ]
    targets, gross = np.zeros((2, *joint.bars.close.shape))
    for part, columns in zip(wanted, joint.columns, strict=True):
        targets[:, columns] += part
        gross[:, columns] += np.abs(part)
    targets[np.abs(targets) <= DUST * gross] = 0.0  # what cancels out is nothing, and no position of some rounding
    outcome = carry_out(joint.bars, targets, config, due=due, against=against, report=report)
    gains = gains_of(joint.bars, outcome.run.ledger, shares, wanted, joint.columns)
    names = [sleeve.name for sleeve in sleeves]
    told = {"warnings": (*outcome.warnings, *split.sentences(names), *_dropped(sleeves, config))}
    return PortfolioResult(
        **vars(outcome) | told,
        mandate=mandate,
        sleeves=tuple(sleeves),
        alone=alone,
        shares=shares,
        targets=targets,
        returns=returns,
        gains=gains,
    )


def wish(result: Result) -> Floats:
    """What a strategy wants in each of its symbols [T, N], as its own run understood it.

    Its last word, within its own leverage; nothing from the bar on at which an exit of its own ended the position,
    until its word changes.
    """
    said, ledger = last_words(result.weights), result.ledger
    delay = 0 if ledger.fill == "same_close" else 1
    if not result.config.allow_short:
        said = np.maximum(said, 0.0)
    wanted = said.copy()
    fills = ledger.fills
    for at in np.flatnonzero(~np.isin(fills["reason"], (SIGNAL, RUIN))):
        bar, column = int(fills["bar"][at]), int(fills["symbol"][at])
        later = fills[at + 1 : at + 1 + FILLS_PER_SYMBOL * said.shape[1]]
        heard = max(0, bar - delay)
        # Orders of a bar come after an exit at their own moment, and after stops of a bar at whose close they are.
        ordered = ledger.fill != "next_open" or fills["reason"][at] == MAX_HOLDING
        fresh = ordered and heard > 0 and said[heard, column] != said[heard - 1, column]
        if fresh or ((later["bar"] == bar) & (later["symbol"] == column)).any():
            continue  # another word had come by then
        news = np.flatnonzero(said[heard:, column] != said[heard, column])
        wanted[bar : heard + int(news[0]) if len(news) else None, column] = 0.0
    if ledger.ruined_at is not None:
        wanted[ledger.ruined_at + 1 - delay :] = 0.0
    most, gross = result.config.max_leverage, np.cumsum(np.abs(said), axis=1)[:, -1]
    wanted[gross > most] *= (most / gross[gross > most])[:, None]
    return wanted


def _alone(sleeves: Sequence[Sleeve], report: Report | None) -> Iterator[Result]:
    for done, sleeve in enumerate(sleeves):
        if report is not None:
            report(done, len(sleeves), "sleeves")
        try:
            yield backtest(sleeve.bars, sleeve.bound, sleeve.config)
        except QueuantError as error:
            error.message = f"{sleeve.name}: {error.message}"
            raise


def _dropped(sleeves: Sequence[Sleeve], config: Config) -> Iterator[str]:
    """Limits that strategies bring along and a book has only one of."""
    above = [sleeve for sleeve in sleeves if sleeve.config.max_leverage > config.max_leverage]
    if above:
        names = ", ".join(sleeve.name for sleeve in above[:5])
        yield f"Alone {names} may use more leverage than the book's max_leverage of {config.max_leverage:g}."
