"""How often the best of the past was a bad choice for the rest: combinatorially symmetric cross-validation (CSCV).

Bailey, Borwein, Lopez de Prado and Zhu (2017), The probability of backtest overfitting, Journal of Computational
Finance 20(4), section 2.2. The bars are cut into S blocks; for every choice of S/2 of them, the trial that was best on
the chosen half is looked up on the other half.

A half is a subset of the first S/2 blocks and one of the others. The sums of returns and of their squares over all
subsets of either are made once, so a half costs two additions per trial, the halves are judged a few at a time, and
nothing of the size splits x trials is ever in memory. Each half is once chosen and once the other: its Sharpe ratios
are computed once and used twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import InvalidInput
from engine.intake import Floats
from engine.overfit.series import columns, spread

# Splits grow like 2^S and the tables with them: 20 blocks are 184,756 splits.
MOST_BLOCKS = 20
MOST_TRIALS = 10_000
# So many Sharpe ratios are worked on at a time: they stay in the processor's cache.
_CELLS = 1 << 16


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What the splits say. Arrays have one entry per split: those that chose with the first block, then their mirrors.

    Attributes:
        pbo: share of splits whose choice was in the worse half of all trials on the other half of the bars; a choice
            exactly in the middle counts half.
        logits: ln(w / (1 - w)), w = rank of the choice on the other half / (n + 1), rank 1 the worst.
        in_sample, out_of_sample: Sharpe ratio per bar of the choice, where it was chosen and on the other half.
        slope: of out_of_sample on in_sample by least squares; None where in_sample does not vary. Of a single trial
            it is close to -1 (what one half has, the other lacks), so it says something only beside pbo.
        probability_of_loss: share of splits whose choice had a negative Sharpe ratio on the other half.
    """

    pbo: float
    logits: Floats
    in_sample: Floats
    out_of_sample: Floats
    slope: float | None
    probability_of_loss: float


def backtest_overfitting(returns: ArrayLike, blocks: int = 16) -> Overfitting | None:
    """Probability of backtest overfitting of a choice by Sharpe ratio, of the returns [T, n] of all trials.

    PBO is the share of logits below 0, and half of those that are 0: with an even number of trials without ties that
    is the published share of logits <= 0, and trials that are all alike, or an odd number worth nothing, give 0.5.
    Where T is not a multiple of S, blocks differ by one bar. A trial that does not vary on a half (it did not trade)
    has a Sharpe ratio of 0 there. Ties on the other half share their mean rank; of trials that tie for the best, the
    mean of their ranks and of their ratios counts, so the order of trials never matters. Trials that are each there
    k times change no pbo; copies of only some make these count more, as they are more of all trials.

    Memory beside the returns is 2^(S/2) x n x 32 bytes and a few MB: 82 MB for 10,000 trials in 16 blocks. Of more
    trials, pass a sample that was drawn without looking at results (`rng.choice(n, 10_000, replace=False)`) and say
    so beside the figure; it is the pbo of a smaller search.

    None below two trials, below two bars per block, or where no trial varies.

    Raises:
        InvalidInput: `bad_blocks` for blocks that are not an even number from 2 to 20; `too_many_trials`.
        BadData: for returns that are not finite.
    """
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise InvalidInput(
            f"{blocks} blocks cannot be split in halves: an even number from 2 to {MOST_BLOCKS} is allowed.",
            code="bad_blocks",
            given=blocks,
            allowed={"minimum": 2, "maximum": MOST_BLOCKS, "multiple_of": 2},
        )
    values = columns(returns, "returns")
    bars, trials = values.shape
    if trials > MOST_TRIALS:
        raise InvalidInput(
            f"{trials} trials are too many to compare at once: pass at most {MOST_TRIALS} of them, drawn at random.",
            code="too_many_trials",
            given=trials,
            allowed={"maximum": MOST_TRIALS},
        )
    if trials < 2 or bars < 2 * blocks:
        return None
    _, deviation = spread(values)
    return _summary(*_splits(_Halves.of(values, blocks), trials), trials) if deviation.any() else None


def _summary(chosen: Floats, outcome: Floats, ranks: Floats, trials: int) -> Overfitting:
    logits = np.log(ranks / (trials + 1.0 - ranks))
    apart = chosen - chosen.mean()
    varied, size = float((apart * apart).sum()), float((chosen * chosen).sum())
    return Overfitting(
        pbo=float(np.mean((logits < 0.0) + 0.5 * (logits == 0.0))),
        logits=logits,
        in_sample=chosen,
        out_of_sample=outcome,
        slope=float((apart * outcome).sum()) / varied if varied > size * 1e-20 else None,
        probability_of_loss=float(np.mean(outcome < 0.0)),
    )


def _splits(halves: _Halves, trials: int) -> tuple[Floats, Floats, Floats]:
    """Of every split: Sharpe ratio of the choice, its ratio on the other half, and its rank there."""
    masks = np.arange(1 << halves.blocks, dtype=np.int64)
    masks = masks[(np.bitwise_count(masks) == halves.blocks // 2) & (masks & 1 == 1)]
    found = np.empty((3, 2, len(masks)))
    step = max(1, _CELLS // trials)
    for first in range(0, len(masks), step):
        part = slice(first, first + step)
        one, other = halves.sharpes(masks[part]), halves.sharpes(masks[part] ^ ((1 << halves.blocks) - 1))
        found[:, 0, part] = _judged(one, other)
        found[:, 1, part] = _judged(other, one)
    chosen, outcome, ranks = found.reshape(3, -1)
    return chosen, outcome, ranks


def _judged(chosen: Floats, judged: Floats) -> tuple[Floats, Floats, Floats]:
    """By row: the highest of `chosen`, and value and mean rank (from 1, the lowest) of that column in `judged`."""
    best = chosen.max(axis=1)
    tied = chosen == best[:, None]
    outcome = judged[np.arange(len(judged)), tied.argmax(axis=1)]
    below = np.count_nonzero(judged < outcome[:, None], axis=1)
    level = np.count_nonzero(judged == outcome[:, None], axis=1)
    ranks = below + (level + 1) / 2.0
    for row in np.flatnonzero(np.count_nonzero(tied, axis=1) > 1):
        others = judged[row, tied[row]]
        if others.min() < others.max():
            outcome[row] = others.mean()
            ordered = np.sort(judged[row])
            lowest, after = (np.searchsorted(ordered, others, side) for side in ("left", "right"))
            ranks[row] = (lowest + after + 1).mean() / 2.0
    return best, outcome, ranks


@dataclass(frozen=True, eq=False)
class _Halves:
    """Sums over the subsets of the first and of the last blocks, and Sharpe ratios of a subset of all made of them.

    The sums are of the returns as they are, so that two trials that did the same on a half have the same ratio there to
    the last bit. A variance is the mean square less the square of the mean: with a Sharpe ratio per bar of S it loses
    the digits of S^2, which are few; beyond a ratio of a million per bar nothing is said to vary.
    """

    blocks: int
    counts: tuple[Floats, Floats]  # bars [2^(S/2)]
    sums: tuple[Floats, Floats]  # [2^(S/2), n]
    squares: tuple[Floats, Floats]

    @classmethod
    def of(cls, values: Floats, blocks: int) -> _Halves:
        sums, squares = np.empty((2, blocks, values.shape[1]))
        edges = np.linspace(0, len(values), blocks + 1).astype(np.int64)
        for block in range(blocks):
            part = values[edges[block] : edges[block + 1]]
            part.sum(axis=0, out=sums[block])
            (part * part).sum(axis=0, out=squares[block])
        counts = np.diff(edges).astype(np.float64)[:, None]
        middle = blocks // 2
        return cls(
            blocks,
            (_subsets(counts[:middle]), _subsets(counts[middle:])),
            (_subsets(sums[:middle]), _subsets(sums[middle:])),
            (_subsets(squares[:middle]), _subsets(squares[middle:])),
        )

    def sharpes(self, masks: NDArray[np.int64]) -> Floats:
        """Sharpe ratio per bar (ddof 1) of every trial on the blocks whose bits are set [len(masks), n]."""
        middle = self.blocks // 2
        low, high = masks & ((1 << middle) - 1), masks >> middle
        count = self.counts[0][low] + self.counts[1][high]
        mean = self.sums[0][low]
        mean += self.sums[1][high]
        mean /= count
        power = self.squares[0][low]
        power += self.squares[1][high]
        power /= count
        spread = power - mean * mean
        varies = spread > 1e-12 * power
        spread *= count / (count - 1.0)
        np.sqrt(spread, out=spread, where=varies)
        ratios: Floats = np.divide(mean, spread, out=np.zeros_like(mean), where=varies)
        return ratios


def _subsets(rows: Floats) -> Floats:
    """Sums over every subset of rows: row m of the result is over the rows whose bit is set in m."""
    sums = np.zeros((1 << len(rows), rows.shape[1]))
    for place, row in enumerate(rows):
        np.add(sums[: 1 << place], row, out=sums[1 << place : 2 << place])
    return sums
